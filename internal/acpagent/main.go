// Command acpagent is a scripted agent for tests: it speaks the Agent Client Protocol
// on stdin and stdout and does what the lines of its prompt say that begin with "acp:".
// What became of each goes to artifacts/log.txt in the session's folder.
//
//	acp: write PATH TEXT      writes a file
//	acp: ask KIND PATH TEXT   asks for leave, then writes
//	acp: asks N               asks N times at once for leave to write artifacts/N
//	acp: reask PATH TEXT      asks, and asks again under the same id for another file
//	acp: diffs N              asks for leave to write N files of 4 kB at once
//	acp: vast MIB             asks under an id of so many MiB, and never goes on
//	acp: run COMMAND          asks for leave to run a command, then runs it in sh
//	acp: read PATH            reads a file through the client
//	acp: put PATH TEXT        writes a file through the client
//	acp: flood N              sends N updates
//	acp: big MIB              sends one update of so many MiB
//	acp: noise                prints a line that is no JSON
//	acp: spawn                leaves a child that ignores SIGTERM
//	acp: hang                 never goes on; session/cancel ends the turn
//	acp: deaf                 never goes on, whatever it is told
//	acp: die STATUS           exits
//	acp: stop REASON          answers the prompt with this stopReason
//	acp: fail CODE TEXT       answers the prompt with an error
//
// Read main first, then turn.do.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  json.RawMessage `json:"error,omitempty"`
}

// wire is the connection to the client.
type wire struct {
	mu      sync.Mutex
	out     *bufio.Writer
	lastID  int
	waiting map[string]chan message
	stray   int // answers that nobody waits for
}

func (w *wire) send(v map[string]any) {
	v["jsonrpc"] = "2.0"
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Write(append(data, '\n'))
	w.out.Flush()
}

// ask begins a request; an id of 0 takes the next.
func (w *wire) ask(id int, method string, params any) (int, chan message) {
	w.mu.Lock()
	if id == 0 {
		w.lastID++
		id = w.lastID
	}
	answer := make(chan message, 1)
	w.waiting[strconv.Itoa(id)] = answer
	w.mu.Unlock()
	w.send(map[string]any{"id": id, "method": method, "params": params})
	return id, answer
}

func (w *wire) answered(m message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := w.waiting[string(m.ID)]
	if answer == nil {
		w.stray++
		return
	}
	delete(w.waiting, string(m.ID))
	answer <- m
}

func main() {
	w := &wire{out: bufio.NewWriter(os.Stdout), waiting: map[string]chan message{}}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	session, dir := "sess-"+strconv.Itoa(os.Getpid()), "."
	cancel := make(chan struct{})
	var once sync.Once
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return
		}
		var m message
		if err != nil || json.Unmarshal(line, &m) != nil {
			fmt.Fprintf(os.Stderr, "cannot read %q: %v\n", line, err)
			os.Exit(2)
		}
		switch m.Method {
		case "":
			w.answered(m)
		case "initialize":
			w.send(map[string]any{"id": m.ID, "result": map[string]any{"protocolVersion": version(),
				"agentCapabilities": map[string]any{"loadSession": os.Getenv("ACPAGENT_LOADS") != ""}}})
		case "session/new", "session/load":
			var p struct {
				SessionID string `json:"sessionId"`
				Cwd       string `json:"cwd"`
			}
			json.Unmarshal(m.Params, &p)
			dir = p.Cwd
			result := map[string]any{"sessionId": session}
			if m.Method == "session/load" {
				session = p.SessionID
				result = map[string]any{}
				w.update(session, map[string]any{"sessionUpdate": "agent_message_chunk", "content": text("as before")})
			}
			w.send(map[string]any{"id": m.ID, "result": result})
		case "session/prompt":
			t := &turn{wire: w, id: m.ID, session: session, dir: dir, cancel: cancel}
			// Owned by main; ends with the turn, at the latest with the process.
			go t.run(m.Params)
		case "session/cancel":
			once.Do(func() { close(cancel) })
		default:
			w.send(map[string]any{"id": m.ID, "error": map[string]any{"code": -32601, "message": "no method " + m.Method}})
		}
	}
}

func version() int {
	if v, err := strconv.Atoi(os.Getenv("ACPAGENT_VERSION")); err == nil {
		return v
	}
	return 1
}

func text(s string) map[string]any { return map[string]any{"type": "text", "text": s} }

func (w *wire) update(session string, update map[string]any) {
	w.send(map[string]any{"method": "session/update", "params": map[string]any{"sessionId": session, "update": update}})
}

// turn is one prompt while it is worked on.
type turn struct {
	*wire
	id      json.RawMessage
	session string
	dir     string
	cancel  chan struct{}
	calls   int
	mu      sync.Mutex // for the log
}

// log adds a line to artifacts/log.txt.
func (t *turn) log(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	path := filepath.Join(t.dir, "artifacts", "log.txt")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	defer f.Close()
	fmt.Fprintf(f, format+"\n", args...)
}

func (t *turn) run(params json.RawMessage) {
	var p struct {
		Prompt []struct{ Text string } `json:"prompt"`
	}
	json.Unmarshal(params, &p)
	for _, block := range p.Prompt {
		for line := range strings.Lines(block.Text) {
			if script, ok := strings.CutPrefix(strings.TrimSpace(line), "acp:"); ok {
				if t.do(strings.Fields(script)) {
					return
				}
			}
		}
	}
	t.update(t.session, map[string]any{"sessionUpdate": "agent_message_chunk", "content": text("all done")})
	t.mu.Lock()
	stray := t.stray
	t.mu.Unlock()
	if stray > 0 {
		t.log("stray answers: %d", stray)
	}
	t.stop("end_turn")
}

func (t *turn) stop(reason string) {
	t.send(map[string]any{"id": t.id, "result": map[string]any{"stopReason": reason}})
}
