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
		err := s.workOnce(ctx, id, j)
		switch {
		case err == nil || errors.Is(err, loop.ErrStopping) || errors.Is(err, loop.ErrWaiting) || errors.Is(err, loop.ErrPaused) || apprentice.KindOf(err) == apprentice.NotFound:
			return
		case !s.mayPass(err):
			s.log.Error("work a run", "run_id", id, "error", err)
			s.giveUp(ctx, id, loop.Broken(err))
			return
		}
		s.log.Warn("a run has to wait", "run_id", id, "error", err)
		if !s.pause() {
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
func (s *scheduler) giveUp(ctx context.Context, id apprentice.RunID, out loop.Outcome) {
	for {
		err := s.endAs(ctx, id, out)
		if kind := apprentice.KindOf(err); err == nil || errors.Is(err, loop.ErrStopping) || kind == apprentice.NotFound || kind == apprentice.Conflict {
			return
		}
		s.log.Error("end a run that could not be worked", "run_id", id, "error", err)
		if !s.pause() {
			return
		}
	}
}

// endAs ends a run once what may be left of its agents has ended. Where that cannot be
// seen to, the run ends all the same.
func (s *scheduler) endAs(ctx context.Context, id apprentice.RunID, out loop.Outcome) error {
	run, err := s.store.Run(id)
	if err != nil {
		return err
	}
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

// pause waits a while before a run is tried again; false means that aad stops and
// its successor goes on.
func (s *scheduler) pause() bool {
	select {
	case <-s.stopping:
		return false
	case <-time.After(roomPause):
		return true
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
