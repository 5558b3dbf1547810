package main

import (
	"context"
	"errors"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"
)

// errAsked ends a watch when the run waits for a person.
var errAsked = errors.New("the run waits for a person")

// following is a run that is followed, through reviews, to its end.
type following struct {
	app   *app
	c     *client.Client
	run   apprentice.RunID
	seen  uint64 // the last event that was shown
	told  bool   // how to answer
	flags followFlags
}

// watch shows the run's events from where it left off until the run ends, or until
// it asks and that is for somebody else to deal with: then the error is errAsked. A run
// may wait already, for a question that no further event tells of.
func (w *following) watch(ctx context.Context) (reason string, err error) {
	now, err := w.c.RunGet(ctx, string(w.run))
	if err != nil {
		return "", err
	}
	var asks uint64 // the last event of a run that waits already
	if now.Run.QueueState == apprentice.Waiting {
		asks = now.Run.EventCount
	}
	if asks > 0 && asks <= w.seen {
		w.app.note("run %s waits %s", w.run, now.Run.QueueReason)
		if err := w.asked(); err != nil {
			return "", err
		}
	}
	p := w.app.newProgress()
	defer p.done()
	defer w.app.tellQueued(ctx, w.c, w.run, p)()
	watch := rpc.RunWatchParams{RunID: string(w.run), After: w.seen, UntilEnd: true}
	return w.c.Watch(ctx, watch, func(n rpc.RunEventNote) error {
		w.seen = n.Event.EventIndex
		if err := p.event(n.Event); err != nil || n.Event.EventType != apprentice.CheckpointOpened && w.seen != asks {
			return err
		}
		detail, err := w.c.RunGet(ctx, string(w.run))
		if err == nil && (detail.Run.StillAsks(n.Event) || w.seen == asks && detail.Run.QueueState == apprentice.Waiting) {
			err = w.asked()
		}
		return err
	})
}

// asked deals with a run that waits for a person: it is left with errAsked, or followed
// on, having told how to answer.
func (w *following) asked() error {
	switch {
	case w.flags.noWait, !w.flags.look && w.app.canReview() && !w.app.jsonProgress:
		return errAsked
	case !w.told:
		w.told = true
		w.app.note("to answer:  %s", howToAnswer(string(w.run)))
	}
	return nil
}
