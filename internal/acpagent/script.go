package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// do does one line of the script, and reports whether the turn is over.
func (t *turn) do(words []string) bool {
	arg := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	rest := func(i int) string { return strings.Join(words[min(i, len(words)):], " ") }
	number, _ := strconv.Atoi(arg(1))
	switch arg(0) {
	case "write":
		t.write(arg(1), rest(2))
	case "ask":
		t.leave(arg(1), arg(2), rest(3))
	case "asks":
		var all sync.WaitGroup
		for n := 1; n <= number; n++ {
			all.Go(func() { t.leave("edit", fmt.Sprintf("artifacts/%d", n), "by leave") })
		}
		all.Wait()
	case "reask":
		return t.reask(arg(1), rest(2))
	case "diffs":
		t.diffs(number)
	case "vast":
		t.vast(number)
	case "run":
		t.command(rest(1))
	case "read", "put":
		t.files(arg(0), arg(1), rest(2))
	case "flood":
		for n := range number {
			t.update(t.session, map[string]any{"sessionUpdate": "agent_thought_chunk", "content": text(fmt.Sprintf("thought %d ", n))})
		}
	case "big":
		t.update(t.session, map[string]any{"sessionUpdate": "agent_message_chunk", "content": text(strings.Repeat("x", number<<20))})
	case "noise":
		fmt.Println("Warning: this is no protocol")
	case "spawn":
		child := exec.Command("/bin/sh", "-c", `trap "" TERM; while :; do sleep 1000; done`)
		if err := child.Start(); err != nil {
			t.log("spawn: %v", err)
		}
	case "hang":
		<-t.cancel
		t.stop("cancelled")
		return true
	case "deaf":
		select {}
	case "die":
		os.Exit(number)
	case "stop":
		t.stop(arg(1))
		return true
	case "fail":
		t.send(map[string]any{"id": t.id, "error": map[string]any{"code": number, "message": rest(2)}})
		return true
	}
	return false
}

func (t *turn) write(path, content string) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.dir, path)
	}
	if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
		t.log("write %s: %v", path, err)
	}
}

var options = []map[string]any{
	{"optionId": "yes", "name": "Allow", "kind": "allow_once"},
	{"optionId": "always", "name": "Always allow", "kind": "allow_always"},
	{"optionId": "no", "name": "Reject", "kind": "reject_once"},
}

// request is a request for leave to use a tool.
func (t *turn) request(kind, title string, input map[string]any, path string) map[string]any {
	t.mu.Lock()
	t.calls++
	id := fmt.Sprintf("call-%d", t.calls)
	t.mu.Unlock()
	call := map[string]any{"toolCallId": id, "title": title, "kind": kind, "status": "pending", "rawInput": input}
	if path != "" {
		call["locations"] = []map[string]any{{"path": path}}
	}
	told := map[string]any{"sessionUpdate": "tool_call"}
	for k, v := range call {
		told[k] = v
	}
	t.update(t.session, told)
	return map[string]any{"sessionId": t.session, "toolCall": call, "options": options}
}

// outcome is what leave was given.
func outcome(m message) string {
	var r struct {
		Outcome struct{ Outcome, OptionID string } `json:"outcome"`
	}
	if m.Error != nil || json.Unmarshal(m.Result, &r) != nil {
		return "error " + string(m.Error)
	}
	if r.Outcome.OptionID != "" {
		return r.Outcome.OptionID
	}
	return r.Outcome.Outcome
}

func (t *turn) ended(p map[string]any, status string) {
	call := p["toolCall"].(map[string]any)
	t.update(t.session, map[string]any{"sessionUpdate": "tool_call_update", "toolCallId": call["toolCallId"], "status": status})
}

func (t *turn) leave(kind, path, content string) {
	abs := path
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(t.dir, path)
	}
	p := t.request(kind, kind+" "+path, map[string]any{"path": abs, "content": content}, abs)
	_, answer := t.ask(0, "session/request_permission", p)
	t.act(p, outcome(<-answer), kind+" "+path, func() { t.write(path, content) })
}

// act does what leave was given for.
func (t *turn) act(p map[string]any, got, what string, do func()) {
	t.log("%s: %s", what, got)
	if got == "yes" || got == "always" {
		do()
		t.ended(p, "completed")
		return
	}
	t.ended(p, "failed")
}

// reask asks for leave, and at once for something else under the same id.
func (t *turn) reask(path, content string) bool {
	first := t.request("edit", "edit harmless.txt", map[string]any{"path": "harmless.txt"}, "")
	id, _ := t.ask(0, "session/request_permission", first)
	second := t.request("edit", "edit "+path, map[string]any{"path": path, "content": content}, "")
	_, answer := t.ask(id, "session/request_permission", second)
	t.act(second, outcome(<-answer), "edit "+path, func() { t.write(path, content) })
	return false
}

// diffs asks for leave to write many files and writes none.
func (t *turn) diffs(n int) {
	p := t.request("edit", "edit many files", nil, "")
	var diffs []map[string]any
	for i := range n {
		diffs = append(diffs, map[string]any{"type": "diff", "path": fmt.Sprintf("artifacts/f%d", i), "newText": strings.Repeat("x", 4000)})
	}
	p["toolCall"].(map[string]any)["content"] = diffs
	_, answer := t.ask(0, "session/request_permission", p)
	t.act(p, outcome(<-answer), "diffs", func() {})
}

// vast asks under an id of so many MiB, for which it gets no answer.
func (t *turn) vast(mib int) {
	t.send(map[string]any{"id": strings.Repeat("x", mib<<20), "method": "session/request_permission",
		"params": t.request("edit", "edit under a vast id", nil, "")})
	select {}
}

func (t *turn) command(line string) {
	p := t.request("execute", line, map[string]any{"command": line}, "")
	_, answer := t.ask(0, "session/request_permission", p)
	t.act(p, outcome(<-answer), "run "+line, func() {
		cmd := exec.Command("/bin/sh", "-c", line)
		cmd.Dir = t.dir
		out, err := cmd.CombinedOutput()
		t.log("output: %s%v", out, err)
	})
}

// files asks the client to read or write a file.
func (t *turn) files(how, path, content string) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.dir, path)
	}
	method, p := "fs/read_text_file", map[string]any{"sessionId": t.session, "path": path}
	if how == "put" {
		method, p["content"] = "fs/write_text_file", content+"\n"
	}
	_, answer := t.ask(0, method, p)
	m := <-answer
	t.log("%s %s: %s%s", how, filepath.Base(path), m.Result, m.Error)
}
