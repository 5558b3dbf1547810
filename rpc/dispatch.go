package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"

	"aad/apprentice"
	"aad/internal/proc"

	"github.com/sourcegraph/jsonrpc2"
)

// cancelRequest is the one notification aad takes: {id} of a call to be cancelled.
// As in the Language Server Protocol, the call is still answered.
const cancelRequest = "$/cancelRequest"

type callKey struct{}

// AfterReply runs f once the answer to the call that ctx belongs to has been
// written, or could not be: a watcher starts so that its first event follows the
// subscription's number. Outside a call it runs f at once. f must not block, and
// AfterReply is called on the goroutine that the body was called on.
func AfterReply(ctx context.Context, f func()) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		f()
		return
	}
	c.after = append(c.after, f)
}

// inbox takes a peer's requests from the library's read loop, which it must not
// block. What it does itself is bounded: a refusal is written here.
type inbox struct{ *Peer }

func (p inbox) Handle(ctx context.Context, _ *jsonrpc2.Conn, _ *jsonrpc2.Request) {
	p.pace.take(p.ctx)
	m := p.stream.last
	c := &call{id: m.id, method: m.method}
	body, known := p.server.handlers[m.method]
	if !known {
		p.refuse(c, unknownMethod(m.method))
		return
	}
	ctx, c.cancel = context.WithCancel(context.WithValue(ctx, callKey{}, c))
	if err := p.begin(c, m.key); err != nil {
		c.cancel()
		p.refuse(c, err)
		return
	}
	// The call's goroutine ends with its handler, whose ctx ends at the latest with
	// the connection. MaxCalls bounds how many there are.
	go p.run(ctx, c, m.key, body, m.params)
}

// notified takes a notification. Unknown ones are ignored, as JSON-RPC has it.
func (p *Peer) notified(m message) {
	if m.method != cancelRequest {
		return
	}
	var params struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal(m.params, &params) != nil {
		return
	}
	key, ok := parseID(params.ID)
	if !ok {
		return
	}
	p.mu.Lock()
	c := p.calls[key]
	p.mu.Unlock()
	if c != nil {
		c.cancel()
	}
}

func (p *Peer) run(ctx context.Context, c *call, key jsonrpc2.ID, body handler, params json.RawMessage) {
	defer p.end()
	defer c.cancel()
	result, err := p.invoke(ctx, c, body, params)
	p.answering(key)
	if err != nil {
		p.refuse(c, err)
	} else {
		p.reply(c, result)
	}
	for _, f := range c.after {
		f()
	}
}

// errPanicked stands for a panic, which is logged where it is caught.
var errPanicked = apprentice.Errorf(apprentice.Internal, "internal error, see the log of aad")

func (p *Peer) invoke(ctx context.Context, c *call, body handler, params json.RawMessage) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			p.server.log.Error("method panicked", "method", c.method, "panic", v, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	result, err = body(ctx, p, params)
	if err != nil && errors.Is(err, context.Canceled) && p.server.stopping.Load() {
		err = ErrStopping()
	}
	return result, err
}

// reply writes a result. A peer that is gone needs none.
func (p *Peer) reply(c *call, result any) {
	buf := getScratch()
	defer buf.release()
	buf.WriteString(`{"jsonrpc":"2.0","id":`)
	buf.Write(c.id)
	buf.WriteString(`,"result":`)
	if err := buf.encode(result); err != nil {
		p.refuse(c, err)
		return
	}
	buf.WriteByte('}')
	if buf.Len() > p.server.limits.message {
		p.refuse(c, apprentice.Errorf(apprentice.Invalid, "the result is larger than %d bytes", p.server.limits.message).
			WithHint("ask for less at a time"))
		return
	}
	_ = p.stream.writeFrames(buf.Bytes())
}

// refuse writes an error. What its caller is not told goes to the log.
func (p *Peer) refuse(c *call, err error) {
	w := toWire(err)
	var e *apprentice.Error
	switch {
	case err == error(errPanicked):
	case w.Code == CodeInternal:
		p.server.log.Error("method failed", "method", c.method, "error", err)
	case errors.As(err, &e) && e.Err != nil, proc.IsFull(err):
		p.server.log.Info("method refused", "method", c.method, "error", err)
	}
	_ = p.stream.writeFrames(appendError(nil, c.id, w))
}
