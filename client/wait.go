package client

import (
	"context"
	"errors"
	"math"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// RunWait returns when the run reaches one of the states or the time is up. It
// outlives a restart of the daemon.
func (c *Client) RunWait(ctx context.Context, p rpc.RunWaitParams) (rpc.RunWaitResult, error) {
	var end time.Time
	if p.Deadline > 0 {
		end = time.Now().Add(time.Duration(p.Deadline) * time.Second)
	}
	return outlasting(ctx, c, rpc.RunWait, func() rpc.RunWaitParams {
		if !end.IsZero() {
			p.Deadline = max(1, int(math.Ceil(time.Until(end).Seconds())))
		}
		return p
	})
}

// RunOutput returns a piece of what an attempt printed. Where it follows, it outlives a
// restart of the daemon.
func (c *Client) RunOutput(ctx context.Context, p rpc.RunOutputParams) (rpc.RunOutputResult, error) {
	if !p.Follow {
		return call(ctx, c, rpc.RunOutput, p)
	}
	return outlasting(ctx, c, rpc.RunOutput, func() rpc.RunOutputParams { return p })
}

// outlasting calls a method that waits and alters nothing, again where the daemon went
// away meanwhile: one that died is started again where Options say so, one that was
// stopped is waited for.
func outlasting[P, R any](ctx context.Context, c *Client, m rpc.Method[P, R], params func() P) (R, error) {
	stopped := false
	for pause := firstPause; ; pause = min(2*pause, time.Second) {
		result, err := call(ctx, c, m, params())
		if err == nil || errors.Is(err, context.Canceled) || apprentice.KindOf(err) != apprentice.Unavailable {
			return result, err
		}
		// A daemon that said it stops may take one more call before it is gone.
		stopped = stopped || isStopping(err)
		switch again := c.reconnect(ctx, stopped); {
		case errors.Is(again, rpc.ErrNoDaemon):
			return result, again
		case again != nil:
			return result, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return result, ctx.Err()
		}
	}
}

// isStopping tells a daemon that said it stops from one that vanished.
func isStopping(err error) bool {
	_, said := rpc.RetryAfter(err)
	return said
}
