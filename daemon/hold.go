package daemon

import (
	"context"
	"errors"
	"time"

	"aad/apprentice"
	"aad/internal/proc"
	"aad/loop"
)

// hold works a run through one stay in its slot.
func (s *scheduler) hold(ctx context.Context, id apprentice.RunID, j *job) {
	run, err := s.take(ctx, id, j)
	if err != nil {
		if apprentice.KindOf(err) != apprentice.Conflict {
			s.log.Error("start a run", "run_id", id, "error", err)
		}
		return
	}
	if run.CancelRequested {
		s.cancel(id, loop.ErrCancelled)
	}
	for {
		toEnd := errors.Is(context.Cause(ctx), loop.ErrCancelled) // the work is told so from its start
		err := s.workOnce(ctx, id, j)
		switch {
		case err == nil || errors.Is(err, loop.ErrStopping) || errors.Is(err, loop.ErrWaiting) || errors.Is(err, loop.ErrPaused) || apprentice.KindOf(err) == apprentice.NotFound:
			return
		case !s.mayPass(err):
			s.log.Error("work a run", "run_id", id, "error", err)
			s.giveUp(ctx, id, j, func(apprentice.Run) loop.Outcome { return loop.Broken(err) })
			return
		case toEnd:
			s.log.Warn("a cancelled run ends as far as it has come", "run_id", id, "error", err)
			s.giveUp(ctx, id, j, loop.CancelledOutcome)
			return
		}
		s.log.Warn("a run has to wait", "run_id", id, "error", err)
		if !s.pause(ctx, j, err) {
			return
		}
	}
}

func (s *scheduler) workOnce(ctx context.Context, id apprentice.RunID, j *job) error {
	run, err := s.store.Run(id)
	if err != nil {
		return err
	}
	out, err := s.work(ctx, run, s.slotOf(id, j))
	if err == nil {
		err = s.end(run, out)
	}
	return err
}

// giveUp ends a run that cannot be worked to its end. It tries until that is written or
// aad stops.
func (s *scheduler) giveUp(ctx context.Context, id apprentice.RunID, j *job, outcome func(apprentice.Run) loop.Outcome) {
	for {
		err := s.endAs(ctx, id, outcome)
		if kind := apprentice.KindOf(err); err == nil || errors.Is(err, loop.ErrStopping) || kind == apprentice.NotFound || kind == apprentice.Conflict {
			return
		}
		s.log.Error("end a run that could not be worked", "run_id", id, "error", err)
		if !s.pause(ctx, j, err) {
			return
		}
	}
}

// endAs ends a run once what may be left of its agents has ended. Where that cannot be
// seen to, the run ends all the same.
func (s *scheduler) endAs(ctx context.Context, id apprentice.RunID, outcome func(apprentice.Run) loop.Outcome) error {
	run, err := s.store.Run(id)
	if err != nil {
		return err
	}
	out := outcome(run)
	switch err := loop.GiveUp(ctx, s.home, run, out); {
	case errors.Is(err, loop.ErrStopping):
		return err
	case err != nil:
		s.log.Error("clear up after a run that could not be worked", "run_id", id, "error", err)
	}
	return s.end(run, out)
}

// mayPass reports a fault that will pass, as a full disk does.
func (s *scheduler) mayPass(err error) bool {
	return apprentice.KindOf(err) == apprentice.Unavailable || proc.IsFull(err) || s.room() != nil
}

// pause waits a while before a run is tried again, or until it is cancelled; false means
// that aad stops and its successor goes on.
func (s *scheduler) pause(ctx context.Context, j *job, why error) bool {
	s.setStuck(j, s.waitsFor(why))
	defer s.setStuck(j, "")
	var cancelled <-chan struct{}
	if ctx.Err() == nil {
		cancelled = ctx.Done()
	}
	select {
	case <-s.stopping:
		return false
	case <-cancelled:
		return true
	case <-time.After(roomPause):
		return true
	}
}

// waitsFor tells people what a run needs to go on.
func (s *scheduler) waitsFor(err error) string {
	var told *apprentice.Error
	if errors.As(err, &told) && !proc.IsFull(err) && s.room() == nil {
		return "cannot go on for now: " + told.Message
	}
	return "waits for room on the disk (aa du)"
}

func (s *scheduler) setStuck(j *job, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.stuck = why
}

// tellStuck writes into a running run's record as it is shown why it does not go on; a
// full disk would not take it.
func (s *scheduler) tellStuck(r *apprentice.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[r.RunID]; j != nil && j.stuck != "" && r.QueueState == apprentice.Running {
		r.QueueReason = j.stuck
	}
}

// end writes what a pass came to, frees the slot's claim and tells the end, in
// one transaction; then runs that waited for this one are looked at.
func (s *scheduler) end(run apprentice.Run, out loop.Outcome) error {
	ctx := context.Background()
	_, err := s.store.Change(ctx, run.RunID, nil, out.Change(run, time.Now()))
	if err != nil {
		return err
	}
	s.touchDependents(run.RunID)
	return nil
}
