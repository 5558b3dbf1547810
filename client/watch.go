package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

const (
	// queued bounds what a watcher holds in memory; beyond it the daemon waits.
	queued = 64
	// maxBarren is how often in a row a connection may break that brought no
	// event: beyond it something is wrong that connecting anew does not mend.
	maxBarren = 12
	// comeback is how long a daemon that is stopping may be away before a watch
	// ends: a restart takes less.
	comeback = 10 * time.Second
)

// Stopping is the reason a watch ends with when the daemon was stopped and has
// not come back. Runs go on when it starts again.
const Stopping = "stopping"

// Watch calls each for every event that p asks for, exactly once and in order,
// on the calling goroutine. When the connection breaks it connects anew and reads
// on from the last number; a daemon that died is started again where Options say
// so. It has a connection of its own, so that each may call the Client's methods.
//
// It returns the reason the daemon gave for the end of the watch (ended, deleted,
// unwatched), Stopping, or an error: that of each, which ends the watch, that of
// ctx, or the daemon's refusal.
func (c *Client) Watch(ctx context.Context, p rpc.RunWatchParams, each func(rpc.RunEventNote) error) (reason string, err error) {
	if p, err = c.fixTail(ctx, p); err != nil {
		return "", err
	}
	var pause time.Duration
	barren, stopped := 0, false
	for {
		before := p.After
		reason, err = c.watchOnce(ctx, &p, each)
		var own errEach
		switch {
		case errors.As(err, &own):
			return "", own.error
		case !broken(reason, err):
			return reason, err
		}
		pause, barren = min(max(2*pause, firstPause), time.Second), barren+1
		if p.After > before {
			pause, barren, stopped = 0, 0, false
		}
		// A daemon that said it stops may take one more connection before it is gone.
		stopped = stopped || reason == Stopping || isStopping(err)
		if barren > maxBarren {
			return "", err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if err := c.reconnect(ctx, stopped); err != nil {
			if stopped && ctx.Err() == nil {
				return Stopping, nil
			}
			return "", err
		}
	}
}

// fixTail turns "from now on" into a number, so that it keeps its meaning when
// the connection breaks.
func (c *Client) fixTail(ctx context.Context, p rpc.RunWatchParams) (rpc.RunWatchParams, error) {
	if !p.Tail {
		return p, nil
	}
	p.Tail = false
	if p.RunID == "" {
		status, err := c.DaemonStatus(ctx)
		p.After = status.LastSeq
		return p, err
	}
	detail, err := c.RunGet(ctx, p.RunID)
	p.RunID, p.After = string(detail.Run.RunID), detail.Run.EventCount
	return p, err
}

// errEach marks an error of the caller's function, so that it ends the watch
// whatever its kind.
type errEach struct{ error }

// broken reports whether a watch ended in a way that connecting anew mends.
func broken(reason string, err error) bool {
	switch {
	case err == nil:
		return reason == Stopping
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return apprentice.KindOf(err) == apprentice.Unavailable
}

// note is what came on a watch's connection.
type note struct {
	event rpc.RunEventNote
	end   *rpc.RunWatchEndNote
	err   error
}

// watchOnce watches over one connection and keeps p.After at the last number.
func (c *Client) watchOnce(ctx context.Context, p *rpc.RunWatchParams, each func(rpc.RunEventNote) error) (string, error) {
	conn, err := rpc.Dial(ctx, c.opts.Socket)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	notes, left := make(chan note, queued), make(chan struct{})
	defer close(left)
	conn.OnNotify(func(method string, params json.RawMessage) {
		select {
		case notes <- readNote(method, params):
		case <-left:
		}
	})
	if _, err := rpc.Call(ctx, conn, rpc.RunWatch, *p); err != nil {
		return "", err
	}
	for {
		select {
		case n := <-notes:
			if n.err != nil || n.end != nil {
				return n.reason(), n.err
			}
			if err := deliver(p, n.event, each); err != nil {
				return "", err
			}
		case <-conn.Done():
			return drain(p, notes, each, conn.Err())
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// drain delivers what had come before the connection ended.
func drain(p *rpc.RunWatchParams, notes <-chan note, each func(rpc.RunEventNote) error, ended error) (string, error) {
	for {
		select {
		case n := <-notes:
			if n.err != nil || n.end != nil {
				return n.reason(), n.err
			}
			if err := deliver(p, n.event, each); err != nil {
				return "", err
			}
		default:
			return "", ended
		}
	}
}

func (n note) reason() string {
	if n.end == nil {
		return ""
	}
	return n.end.Reason
}

// deliver hands an event on unless it was handed on before.
func deliver(p *rpc.RunWatchParams, event rpc.RunEventNote, each func(rpc.RunEventNote) error) error {
	number := event.Seq
	if p.RunID != "" {
		number = event.Event.EventIndex
	}
	if number <= p.After {
		return nil
	}
	if err := each(event); err != nil {
		return errEach{err}
	}
	p.After = number
	if p.RunID != "" {
		p.RunID = string(event.Event.RunID) // a prefix or @last may mean another run later
	}
	return nil
}

func readNote(method string, params json.RawMessage) note {
	var n note
	switch method {
	case rpc.RunEvent.Name:
		n.err = json.Unmarshal(params, &n.event)
	case rpc.RunWatchEnd.Name:
		n.end = &rpc.RunWatchEndNote{}
		n.err = json.Unmarshal(params, n.end)
	}
	if n.err != nil {
		n.err = fmt.Errorf("read a %s notification: %w", method, n.err)
	}
	return n
}

// errClosed is told to nobody: the call's own error says that the connection is closed.
var errClosed = errors.New("the client is closed")

// mend replaces a connection that has ended, unless somebody else has. It waits for a
// daemon that restarts, and starts none.
func (c *Client) mend(ctx context.Context, ended *rpc.Conn) error {
	c.mending.Lock()
	defer c.mending.Unlock()
	if c.conn.Load() != ended {
		return nil
	}
	return c.reconnect(ctx, true)
}

// reconnect replaces the client's connection. A daemon that was stopped is waited
// for and not started: who stopped it meant it.
func (c *Client) reconnect(ctx context.Context, stopped bool) error {
	if c.closed.Load() {
		return errClosed
	}
	opts := c.opts
	if stopped {
		wait, cancel := context.WithTimeout(ctx, comeback)
		defer cancel()
		ctx, opts.Autostart = wait, false
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		fresh, err := Connect(ctx, opts)
		if err == nil {
			c.conn.Swap(fresh.conn.Load()).Close()
			if c.closed.Load() { // perhaps meanwhile
				return errors.Join(errClosed, c.Close())
			}
			return nil
		}
		if !stopped || !errors.Is(err, rpc.ErrNoDaemon) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
