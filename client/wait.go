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
	stopped := false
	for pause := firstPause; ; pause = min(2*pause, time.Second) {
		result, err := call(ctx, c, rpc.RunWait, p)
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
		if !end.IsZero() {
			p.Deadline = max(1, int(math.Ceil(time.Until(end).Seconds())))
		}
	}
}

// isStopping tells a daemon that said it stops from one that vanished.
func isStopping(err error) bool {
	_, said := rpc.RetryAfter(err)
	return said
}
