package daemon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"aad/apprentice"
	"aad/internal/walltime"
	"aad/loop"
	"aad/storage"
	"aad/workspace"
)

// scheduler starts runs when they may start and ends them when they are done. It
// is driven by events: a run that changed, a job that ended, a time that came.
// Nothing in it polls, but for room on a full disk.
type scheduler struct {
	home      workspace.Home
	store     *storage.Store
	log       *slog.Logger
	settings  func() apprentice.Settings
	work      func(ctx context.Context, run apprentice.Run, slot loop.Slot) (loop.Outcome, error)
	asked     func(apprentice.Run)   // a run waits for a person
	settled   func(apprentice.RunID) // a run waits for nobody
	left      func(apprentice.RunID) // a run has left its slot
	cancelled func(context.Context, apprentice.RunID) (apprentice.Run, error)
	stopping  <-chan struct{}
	room      func() error // nil when the disk has room for a new run
	timer     *walltime.Timer

	wake chan struct{} // capacity 1
	mu   sync.Mutex
	// dirty are the runs whose record must be read again.
	dirty map[apprentice.RunID]struct{}
	jobs  map[apprentice.RunID]*job
	full  error // why no run starts, when it is the disk's fault; nil while there is room

	// settling is held while runs are put into the queue or taken out.
	settling sync.Mutex
	queue    *queue        // written by Serve alone
	loaded   chan struct{} // closed once the queue holds what an earlier aad left

	// Owned by Serve.
	later map[apprentice.RunID]time.Time
	look  <-chan time.Time // set while a full disk is to be looked at again
	wait  sync.WaitGroup
}

// job is a run that is worked on. It holds a slot, but while its agent is parked.
type job struct {
	lane    lane
	cancel  context.CancelCauseFunc
	parked  bool          // kept by scheduler.mu
	slot    chan struct{} // holds one: it got a slot again
	changed chan struct{} // holds one: the run's record has changed
	stuck   string        // why it has to wait before it is tried again, "" for nothing; kept by scheduler.mu
}

// touch has the scheduler look at a run again. It never blocks.
func (s *scheduler) touch(ids ...apprentice.RunID) {
	s.mu.Lock()
	for _, id := range ids {
		s.dirty[id] = struct{}{}
	}
	s.mu.Unlock()
	s.nudge()
}

// nudge has the scheduler look whether something may start.
func (s *scheduler) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// cancel tells the job of a run, if it has one, why it is to end.
func (s *scheduler) cancel(id apprentice.RunID, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j := s.jobs[id]; j != nil {
		j.cancel(cause)
	}
}

// busy counts the slots in use.
func (s *scheduler) busy() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, j := range s.jobs {
		if !j.parked {
			n++
		}
	}
	return n
}

// noRoomBecause says what the disk lacks for a run to start, nil for nothing.
func (s *scheduler) noRoomBecause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

// Serve follows the queue until ctx ends; then it has every job stop where it can
// be resumed, and returns when the last has.
func (s *scheduler) Serve(ctx context.Context) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			s.stopJobs()
			s.wait.Wait()
			return nil
		case <-s.wake:
		case <-s.look:
			s.look = nil
		case <-s.timer.C():
			s.touchDue(time.Now())
		}
		s.refresh(ctx)
		s.fill(ctx)
		if err := s.timer.Set(s.nextDue()); err != nil {
			return err
		}
	}
}

func (s *scheduler) stopJobs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		j.cancel(loop.ErrStopping)
	}
}

// refresh reads every dirty run again and puts it where it belongs.
func (s *scheduler) refresh(ctx context.Context) {
	s.settleDeferred(ctx, s.refreshQueue())
}

// refreshQueue does so for the queue and returns the deferred runs among them.
func (s *scheduler) refreshQueue() (blocked []apprentice.Run) {
	s.settling.Lock()
	defer s.settling.Unlock()
	s.mu.Lock()
	ids := s.dirty
	s.dirty = map[apprentice.RunID]struct{}{}
	s.mu.Unlock()
	for id := range ids {
		s.queue.remove(id)
		delete(s.later, id)
		r, err := s.store.Run(id)
		if r.QueueState != apprentice.Waiting {
			s.settled(id)
		}
		if err != nil {
			if apprentice.KindOf(err) != apprentice.NotFound {
				s.log.Error("read a queued run", "run_id", id, "error", err)
			}
			continue
		}
		if r.CancelRequested && !r.Parked && (r.QueueState == apprentice.Waiting || r.QueueState == apprentice.Deferred) && !s.holds(id) {
			s.withdraw(id)
			continue
		}
		switch r.QueueState {
		case apprentice.Queued:
			if !s.holds(id) {
				s.queue.put(r)
			}
		case apprentice.Deferred:
			blocked = append(blocked, r)
		case apprentice.Waiting:
			s.asked(r)
		}
		if r.Parked && r.Live() {
			s.tend(r)
		}
	}
	return blocked
}

// holds reports whether a run has a slot.
func (s *scheduler) holds(id apprentice.RunID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[id] != nil && !s.jobs[id].parked
}

// fill starts runs while there are slots for them.
func (s *scheduler) fill(ctx context.Context) {
	settings := s.settings()
	groups, err := groupsByName(s.store)
	if err != nil {
		s.log.Error("read the queue's groups", "error", err)
		return
	}
	if groups[""].Paused {
		return
	}
	for ctx.Err() == nil && s.busy() < settings.MaxParallel {
		crowded := s.crowded(settings)
		id, ok := s.queue.next(func(q *queued) bool { return (q.answered || !crowded) && s.open(q.lane, groups, settings) })
		if !ok {
			s.forgetFull()
			return
		}
		if err := s.room(); err != nil {
			s.noRoom(err)
			return
		}
		l := s.queue.runs[id].lane
		s.settling.Lock()
		s.queue.remove(id)
		s.start(ctx, id, l)
		s.settling.Unlock()
	}
}

// noRoom remembers that the disk is full and looks again soon: the one thing the
// scheduler has to poll for, and only while a run waits for it.
func (s *scheduler) noRoom(cause error) {
	s.mu.Lock()
	first := s.full == nil
	s.full = cause
	s.mu.Unlock()
	if first {
		s.log.Warn("no new run starts until there is room on the disk", "error", cause)
	}
	if s.look == nil {
		s.look = time.After(roomPause)
	}
}

// forgetFull takes the state back once no run waits for room.
func (s *scheduler) forgetFull() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue.runs) == 0 {
		s.full = nil
	}
}

// roomPause is how long a full disk is left alone before it is looked at again.
const roomPause = 3 * time.Second

// start gives a run a slot and works it in a goroutine of its own.
func (s *scheduler) start(ctx context.Context, id apprentice.RunID, l lane) {
	if !s.unpark(id) {
		s.startJob(ctx, id, &job{lane: l})
	}
}

func (s *scheduler) startJob(ctx context.Context, id apprentice.RunID, j *job) {
	jobCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	j.cancel, j.slot, j.changed = cancel, make(chan struct{}, 1), make(chan struct{}, 1)
	s.mu.Lock()
	if s.full != nil && !j.parked {
		s.log.Info("there is room on the disk again")
		s.full = nil
	}
	s.jobs[id] = j
	s.mu.Unlock()
	s.wait.Add(1)
	// The job is the scheduler's; it ends when the run leaves its slot, at the
	// latest when Serve's ctx ends, which Serve waits for.
	go func() {
		defer s.wait.Done()
		defer cancel(nil)
		s.hold(jobCtx, id, j)
		s.left(id)
		s.mu.Lock()
		delete(s.jobs, id)
		s.mu.Unlock()
		s.touch(id)
	}()
}

// begin moves a queued run to running and says so in the same transaction. A run
// that was running when the daemon went down goes on without a word.
func (s *scheduler) begin(ctx context.Context, id apprentice.RunID) (apprentice.Run, error) {
	run, err := s.store.Run(id)
	if err != nil || run.QueueState == apprentice.Running {
		return run, err
	}
	now, phase := apprentice.Stamp(time.Now()), ""
	if run.Parked {
		phase = loop.AttemptPhase(run)
	}
	run, err = s.store.Change(ctx, id, func(r apprentice.Run) error {
		if r.QueueState != apprentice.Queued {
			return apprentice.Errorf(apprentice.Conflict, "run %s is %s", id, r.QueueState)
		}
		return nil
	}, apprentice.Change{
		Update: func(r *apprentice.Run) {
			r.QueueState, r.QueueReason, r.Answered, r.Parked, r.PausedUntil = apprentice.Running, "", false, false, ""
			if r.StartedAt == "" {
				r.StartedAt = now
			}
			if r.PassStartedAt == "" {
				r.PassStartedAt = now
			}
		},
		Events: beginning(run),
		Phase:  phase,
	})
	return run, err
}

// beginning is what the log says when a run gets its slot: nothing after an answer,
// since checkpoint_resolved has told that it goes on.
func beginning(run apprentice.Run) []apprentice.Event {
	switch {
	case run.Answered:
		return nil
	case run.PassStartedAt != "":
		return []apprentice.Event{loop.OfPass(run, apprentice.Event{EventType: apprentice.RunResumed,
			Phase: apprentice.PhaseStarting, Message: "Run goes on"})}
	case run.Pass > 0:
		return []apprentice.Event{loop.FollowupEvent(run.Pass, apprentice.FollowupStarted, apprentice.PhaseFollowup, "started")}
	}
	return []apprentice.Event{{EventType: apprentice.RunStarted, Phase: apprentice.PhaseStarting, Message: "Run started"}}
}
