package mcpserver

import (
	"context"
	"sync"
	"time"

	"aad/apprentice"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// progressBeat is the longest that a call which waits says nothing: clients give up
// on one that is silent, many after a minute.
const progressBeat = 20 * time.Second

// callProgress tells the caller of a tool how far a run is: by the number of its last
// event, and between two events by a fraction that grows, since a client wants each
// value above the one before.
type callProgress struct {
	say func(at float64, message string) // nil: nobody has asked

	mu    sync.Mutex
	last  apprentice.Event
	beats int // told since the last event
}

func progressOf(ctx context.Context, r *mcp.CallToolRequest) *callProgress {
	token := r.Params.GetProgressToken()
	if token == nil {
		return &callProgress{}
	}
	return &callProgress{say: func(at float64, message string) {
		// Who asked and has gone needs no word.
		_ = r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: token, Progress: at, Message: message})
	}}
}

func (p *callProgress) tell(e apprentice.Event) {
	if p.say == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.beats = e, 0
	p.say(float64(e.EventIndex), e.Message)
}

// keep says at each tick that the run is still at its last event, until ctx ends.
func (p *callProgress) keep(ctx context.Context, ticks <-chan time.Time) {
	for p.say != nil {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			p.beat()
		}
	}
}

func (p *callProgress) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats++
	p.say(float64(p.last.EventIndex)+float64(p.beats)/float64(p.beats+1), "still: "+p.last.Message)
}
