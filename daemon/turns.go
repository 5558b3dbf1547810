package daemon

import (
	"context"
	"slices"
	"time"

	"aad/apprentice"
	"aad/storage"
)

// load takes over the runs that an earlier aad left: those that were running go on,
// the others take their place in the queue. It reads them a page at a time, so that
// a long queue is never in memory whole.
func (s *scheduler) load(ctx context.Context) error {
	defer close(s.loaded)
	states := storage.Filter{States: []apprentice.QueueState{apprentice.Running, apprentice.Queued, apprentice.Deferred, apprentice.Waiting}}
	for cursor := ""; ; {
		page, next, err := s.store.Runs(states, cursor, 1000)
		if err != nil {
			return err
		}
		s.settling.Lock()
		for _, r := range page {
			switch r.QueueState {
			case apprentice.Running:
				s.start(ctx, r.RunID, lane{r.Group, r.Agent})
			case apprentice.Queued:
				s.queue.put(r)
				if r.Parked {
					s.touch(r.RunID)
				}
			case apprentice.Deferred, apprentice.Waiting:
				s.touch(r.RunID)
			}
		}
		s.settling.Unlock()
		if next == "" {
			s.nudge()
			return nil
		}
		cursor = next
	}
}

// turns lists the queued runs in no order. It answers from memory, so that a long
// queue costs little, and reads only the runs that are about to change place. What
// it returns is not written any more.
func (s *scheduler) turns(ctx context.Context) ([]*queued, error) {
	select {
	case <-s.loaded:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.settling.Lock()
	defer s.settling.Unlock()
	moving := s.moving()
	list := make([]*queued, 0, len(s.queue.runs))
	for id, e := range s.queue.runs {
		if !moving[id] {
			list = append(list, e)
		}
	}
	for id := range moving {
		r, err := s.store.Run(id)
		switch {
		case apprentice.KindOf(err) == apprentice.NotFound:
		case err != nil:
			return nil, err
		case r.QueueState == apprentice.Queued:
			list = append(list, queuedAs(r))
		}
	}
	return list, nil
}

// moving are the runs of which only the database knows where they stand.
func (s *scheduler) moving() map[apprentice.RunID]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make(map[apprentice.RunID]bool, len(s.dirty)+len(s.jobs))
	for id := range s.dirty {
		ids[id] = true
	}
	for id := range s.jobs {
		ids[id] = true
	}
	return ids
}

// firstOf returns the n runs that would start first, in their order.
func firstOf(list []*queued, n int) []*queued {
	first := make([]*queued, 0, n+1)
	for _, e := range list {
		if len(first) == n && !before(e, first[n-1]) {
			continue
		}
		at, _ := slices.BinarySearchFunc(first, e, func(a, b *queued) int {
			if before(a, b) {
				return -1
			}
			return 1
		})
		first = slices.Insert(first, at, e)
		first = first[:min(len(first), n)]
	}
	return first
}

// touchDependents has the scheduler look at the runs that wait for one.
func (s *scheduler) touchDependents(id apprentice.RunID) {
	dependents, err := s.store.Dependents(id)
	if err != nil {
		s.log.Error("find the runs that wait for this one", "run_id", id, "error", err)
	}
	s.touch(dependents...)
}

func groupsByName(store *storage.Store) (map[string]storage.Group, error) {
	list, err := store.Groups()
	groups := make(map[string]storage.Group, len(list))
	for _, g := range list {
		groups[g.Name] = g
	}
	return groups, err
}

// withdraw cancels a run whose cancel was asked for just as it left its slot to wait.
func (s *scheduler) withdraw(id apprentice.RunID) {
	s.wait.Add(1)
	// The scheduler's; it ends when the run has, or aad stops.
	go func() {
		defer s.wait.Done()
		_, err := s.cancelled(context.Background(), id)
		if err == nil || apprentice.KindOf(err) == apprentice.Conflict {
			return
		}
		s.log.Error("cancel a run that waits", "run_id", id, "error", err)
		select {
		case <-s.stopping:
		case <-time.After(roomPause):
			s.touch(id)
		}
	}()
}
