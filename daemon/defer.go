package daemon

import (
	"context"
	"fmt"
	"sync"
	"time"

	"aad/apprentice"
	"aad/loop"
)

// blocked says why a run may not start yet, "" when it may; until is the time that
// ends it, zero when something else does.
func (s *scheduler) blocked(r apprentice.Run, now time.Time) (reason string, until time.Time) {
	if r.Held {
		return "held", time.Time{}
	}
	if at, err := apprentice.ParseStamp(r.PausedUntil); err == nil && at.After(now) {
		return r.PauseReason(), at
	}
	if r.Released {
		return "", time.Time{}
	}
	for _, id := range r.AfterRuns {
		dep, err := s.store.Run(id)
		switch {
		case err != nil:
			return fmt.Sprintf("waits for %s, which is gone", id), time.Time{}
		case dep.Accepted():
		case dep.Live():
			return fmt.Sprintf("waits for %s", id), time.Time{}
		default:
			return fmt.Sprintf("waits for %s, which ended %s and was not accepted", id, dep.QueueState), time.Time{}
		}
	}
	if at, err := apprentice.ParseStamp(r.NotBefore); err == nil && at.After(now) {
		return "until " + r.NotBefore, at
	}
	return "", time.Time{}
}

// settleDeferred queues the deferred runs that nothing blocks any more, and writes
// down the reason of the others where it changed.
func (s *scheduler) settleDeferred(ctx context.Context, runs []apprentice.Run) {
	now := time.Now()
	var wait sync.WaitGroup
	slots := make(chan struct{}, 64) // writers that share a commit
	var mu sync.Mutex
	var failed []apprentice.RunID
	for _, r := range runs {
		reason, until := s.blocked(r, now)
		if !until.IsZero() {
			s.later[r.RunID] = until
		}
		if reason == r.QueueReason {
			continue
		}
		slots <- struct{}{}
		wait.Add(1)
		// Owned by settleDeferred, which waits for it.
		go func() {
			defer func() { <-slots; wait.Done() }()
			if err := s.settle(ctx, r, reason); err != nil && apprentice.KindOf(err) != apprentice.Conflict {
				s.log.Error("defer or release a run", "run_id", r.RunID, "error", err)
				mu.Lock()
				failed = append(failed, r.RunID)
				mu.Unlock()
			}
		}()
	}
	wait.Wait()
	for _, id := range failed { // nothing else would have them looked at again
		s.later[id] = now.Add(roomPause)
	}
}

func (s *scheduler) settle(ctx context.Context, r apprentice.Run, reason string) error {
	event := apprentice.Event{EventType: apprentice.RunDeferred, Phase: apprentice.PhaseQueued, Message: "Deferred: " + reason}
	if reason == "" {
		event.EventType, event.Message = apprentice.RunReleased, "Released: nothing blocks it any more"
	}
	event = loop.OfPass(r, event)
	_, err := s.store.Change(ctx, r.RunID, func(now apprentice.Run) error {
		if now.QueueState != apprentice.Deferred || now.EventCount != r.EventCount {
			return apprentice.Errorf(apprentice.Conflict, "run %s has changed", r.RunID)
		}
		return nil
	}, apprentice.Change{
		Update: func(r *apprentice.Run) {
			r.QueueReason = reason
			if reason == "" {
				r.QueueState = apprentice.Queued
			}
		},
		Events: []apprentice.Event{event},
	})
	if err == nil || apprentice.KindOf(err) == apprentice.Conflict {
		s.touch(r.RunID)
	}
	return err
}

// touchDue has every run whose time has come looked at again.
func (s *scheduler) touchDue(now time.Time) {
	for id, at := range s.later {
		if !at.After(now) {
			s.touch(id)
		}
	}
}

// nextDue is the earliest time a deferred run waits for; zero when none does.
func (s *scheduler) nextDue() time.Time {
	var next time.Time
	for _, at := range s.later {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}
