package rpc

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"aad/apprentice"

	"github.com/sourcegraph/jsonrpc2"
)

// Peer is one connected client. Its methods may be called from any goroutine, also
// after the connection has ended.
type Peer struct {
	UID int // -1 where the system does not say
	PID int // -1 where the system does not say

	server *Server
	stream *stream
	ctx    context.Context
	cancel context.CancelCauseFunc
	pace   pace // of who reads

	mu     sync.Mutex
	calls  map[jsonrpc2.ID]*call // without an answer: their ids are taken
	open   int                   // calls whose goroutines have not ended
	idle   chan struct{}         // made by who waits for the calls to end, when no more begin; closed by the last
	values map[any]any
}

// call is a request from its arrival until its answer is written.
type call struct {
	id     json.RawMessage
	method string
	cancel context.CancelFunc
	after  []func()
}

func newPeer(ctx context.Context, s *Server, conn net.Conn, cred credentials) *Peer {
	p := &Peer{
		UID: cred.uid, PID: cred.pid,
		server: s,
		stream: newStream(conn, true),
		calls:  map[jsonrpc2.ID]*call{},
	}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	p.stream.limit, p.stream.stall = s.limits.message, s.limits.stall
	p.stream.onEOF, p.stream.onNote = p.lastCalls, p.notified
	return p
}

// serve runs the connection until it ends, and then waits for its handlers.
func (p *Peer) serve() {
	// What the library would log is told to the peer or is nobody's concern.
	silent := jsonrpc2.SetLogger(log.New(io.Discard, "", 0))
	conn := jsonrpc2.NewConn(p.ctx, p.stream, inbox{p}, silent)
	<-conn.DisconnectNotify()
	p.cancel(context.Canceled)
	<-p.quiet()
}

// Context ends with the connection.
func (p *Peer) Context() context.Context { return p.ctx }

// Done is closed when the connection has ended.
func (p *Peer) Done() <-chan struct{} { return p.ctx.Done() }

// OnClose runs f on a goroutine of its own once the connection has ended, at once
// if it has already. The returned function takes f back; it says whether it could.
func (p *Peer) OnClose(f func()) (stop func() bool) { return context.AfterFunc(p.ctx, f) }

// Value returns what this connection holds under key, which first makes if it holds
// nothing yet. It lives as long as the connection; what must be ended with it is
// ended by OnClose.
func (p *Peer) Value(key any, first func() any) any {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.values[key]
	if !ok {
		if p.values == nil {
			p.values = map[any]any{}
		}
		v = first()
		p.values[key] = v
	}
	return v
}

// Send writes one notification. It blocks while the peer does not read, and fails
// when the peer has taken nothing for StallTimeout; the connection is closed then.
func (p *Peer) Send(method string, params any) error {
	buf := getScratch()
	defer buf.release()
	if err := buf.encode(params); err != nil {
		return err
	}
	return p.stream.writeFrames(appendRequest(nil, nil, method, buf.Bytes()))
}

// SendEach writes one notification a tail, all in one write, and blocks as Send
// does. The params of each are head and tail put together, which must make one JSON
// object: the head is this watcher's own, the tails are encoded once for all watchers.
func (p *Peer) SendEach(method string, head []byte, tails ...[]byte) error {
	size := 0
	for _, tail := range tails {
		size += len(tail) + len(head) + len(method) + 64
	}
	page := make([]byte, 0, size)
	frames := make([][]byte, len(tails))
	open := appendRequest(nil, nil, method, head)
	open = open[:len(open)-1] // the object goes on with the tail
	for i, tail := range tails {
		start := len(page)
		page = append(append(append(page, open...), tail...), '}')
		frames[i] = page[start:len(page):len(page)]
	}
	return p.stream.writeFrames(frames...)
}

// SendFrames writes whole messages, encoded by the caller, in one write. It blocks
// as Send does.
func (p *Peer) SendFrames(frames ...[]byte) error { return p.stream.writeFrames(frames...) }

func (p *Peer) inFlight() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open
}

// quiet returns a channel that is closed when no call is in flight.
func (p *Peer) quiet() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle == nil {
		p.idle = make(chan struct{})
		if p.open == 0 {
			close(p.idle)
		}
	}
	return p.idle
}

// lastCalls lets the calls in flight end when the peer has closed only its sending
// side, as "echo … | socat" does.
func (p *Peer) lastCalls() {
	if p.inFlight() == 0 || hungUp(p.stream.conn) {
		return
	}
	select {
	case <-p.quiet():
	case <-p.ctx.Done():
	case <-time.After(p.server.limits.lastCalls):
	}
}

// begin enters a call, or says why it cannot be taken.
func (p *Peer) begin(c *call, key jsonrpc2.ID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server.stopping.Load() || p.idle != nil {
		return ErrStopping()
	}
	if _, taken := p.calls[key]; taken {
		e := apprentice.Errorf(apprentice.Invalid, "the id %s is in use by a call that has no answer yet", c.id)
		return &Refusal{Err: e, Code: jsonrpc2.CodeInvalidRequest}
	}
	if limit := p.server.limits.calls; p.open >= limit {
		e := apprentice.Errorf(apprentice.Unavailable, "%d calls are in flight on this connection", limit)
		return &Refusal{Err: e.WithHint("wait for answers before sending more"), RetryAfter: 100 * time.Millisecond}
	}
	p.calls[key] = c
	p.open++
	return nil
}

// answering frees the call's id: its caller may use it again as soon as it has the
// answer.
func (p *Peer) answering(key jsonrpc2.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.calls, key)
}

func (p *Peer) end() {
	p.mu.Lock()
	p.open--
	last := p.open == 0
	if last && p.idle != nil {
		close(p.idle)
	}
	p.mu.Unlock()
	if last {
		p.server.callsEnded()
	}
}
