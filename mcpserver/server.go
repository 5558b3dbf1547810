// Package mcpserver serves aad to agents and editors by the Model Context Protocol
// (modelcontextprotocol.io): tools that queue tasks, follow runs and read what they
// delivered, and run folders as resources.
//
// It is a client of aad like aa, and holds no logic. The program aad has it rather
// than aa: the protocol's SDK would take a third of the time in which aa starts.
// Read Serve first.
package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/internal/proc"
	"aad/internal/typeschema"
	"aad/internal/version"
	"aad/rpc"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Options are what a session may do. The zero value answers no questions and starts no
// aad.
type Options struct {
	Answers   bool         // answer_checkpoint is offered
	Autostart bool         // the first call starts aad where none runs
	Log       func(string) // told what was done unasked, such as starting aad; nil tells nobody
}

// server serves aad's tools. Each call connects anew, so that a restart of aad
// goes unnoticed.
type server struct {
	Options
	reached atomic.Bool // aad has answered in this session
}

// restartTime is how long an aad that has answered before may be away.
const restartTime = 5 * time.Second

// connect starts aad for the first call of a session, and none later: a person who
// stopped it meant it, and an agent that polls would undo that.
func (m *server) connect(ctx context.Context) (*client.Client, error) {
	again := m.reached.Load()
	for begun := time.Now(); ; {
		c, err := client.Connect(ctx, client.Options{Autostart: m.Autostart && !again, Version: version.Version, Log: m.Log})
		if err == nil {
			m.reached.Store(true)
			return c, nil
		}
		if !again || !errors.Is(err, rpc.ErrNoDaemon) || time.Since(begun) > restartTime {
			return nil, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

const instructions = `aad works tasks with an apprentice agent and reviews each attempt against a rubric.
submit_task queues a task and returns its run; with wait it returns when the run has ended or waits for a
person, and tells progress meanwhile. run_status has scores and feedback, read_artifact what was delivered,
continue_run asks for more. A run is named by its id, a unique beginning of it, or @last (%40last in
a resource's URI). What a hint says of aa is for a person at a command line. A run that is
"waiting" has put a question to a person: say so, and do not answer it yourself.`

// Serve speaks on in and out until in ends, and closes in. An agent that aad has
// started is refused where questions may be answered.
func Serve(ctx context.Context, in io.ReadCloser, out io.Writer, o Options) error {
	m := &server{Options: o}
	if m.Answers && proc.UnderShim(os.Getpid()) {
		return apprentice.Errorf(apprentice.Denied, "an agent that aad has started may not answer checkpoints").WithHint("aa mcp")
	}
	s := mcp.NewServer(&mcp.Implementation{Name: "aad", Version: version.Version}, &mcp.ServerOptions{Instructions: instructions})
	m.addRunTools(s)
	m.addCheckpointTools(s)
	m.addResources(s)
	err := s.Run(ctx, stdio(in, out))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("serve the Model Context Protocol: %w", err)
	}
	return nil
}

// tool adds a tool whose body has a connection to aad of its own. A refusal is the
// tool's result, with what to do about it, so that a model can read it.
func tool[In any](m *server, s *mcp.Server, t *mcp.Tool, body func(context.Context, *client.Client, *mcp.CallToolRequest, In) (any, error)) {
	t.InputSchema = (&typeschema.Maker{Strict: true}).Object(reflect.TypeFor[In]())
	mcp.AddTool(s, t, func(ctx context.Context, r *mcp.CallToolRequest, in In) (*mcp.CallToolResult, any, error) {
		c, err := m.connect(ctx)
		if err != nil {
			return nil, nil, toldFully(err)
		}
		defer c.Close()
		out, err := body(ctx, c, r, in)
		if err != nil {
			return nil, nil, toldFully(err)
		}
		return nil, out, nil
	})
}

// toldFully puts an error's hint into its text, which is all that a tool's caller
// gets.
func toldFully(err error) error {
	var told *apprentice.Error
	if !errors.As(err, &told) {
		return err
	}
	if told.Hint == "" {
		return errors.New(told.Message)
	}
	return fmt.Errorf("%s (%s)", told.Message, told.Hint)
}

// errAsked ends a watch when the run waits for a person.
var errAsked = errors.New("the run waits for a person")

// waitTelling waits until a run has ended or asks a person, and tells each of its
// events after a number as progress where the caller asked for that.
func (m *server) waitTelling(ctx context.Context, c *client.Client, r *mcp.CallToolRequest, run apprentice.RunID, after uint64) (rpc.RunDetail, error) {
	p := progressOf(ctx, r)
	beats, stop := context.WithCancel(ctx)
	ticker := time.NewTicker(progressBeat)
	var kept sync.WaitGroup
	kept.Go(func() { p.keep(beats, ticker.C) })
	defer func() { stop(); ticker.Stop(); kept.Wait() }()
	reason, err := c.Watch(ctx, rpc.RunWatchParams{RunID: string(run), After: after, UntilEnd: true}, func(n rpc.RunEventNote) error {
		p.tell(n.Event)
		if n.Event.EventType != apprentice.CheckpointOpened {
			return nil
		}
		detail, err := c.RunGet(ctx, string(run))
		if err == nil && detail.Run.StillAsks(n.Event) {
			return errAsked
		}
		return err
	})
	var detail rpc.RunDetail
	switch {
	case reason == client.Stopping:
		err = apprentice.Errorf(apprentice.Unavailable, "aad has stopped")
	case err == nil || errors.Is(err, errAsked):
		detail, err = c.RunGet(ctx, string(run))
	}
	if err != nil { // who queued the run learns its id all the same
		return detail, fmt.Errorf("run %s is queued and could not be followed to its end: %w; run_status tells how it stands", run, toldFully(err))
	}
	return detail, nil
}

// asText is a result for a caller that reads text.
func asText(v any) (string, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return string(text), err
}
