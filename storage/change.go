package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aad/apprentice"
)

const (
	maxStage  = 16 << 20 // of a stage's result; larger is refused
	fatStage  = 64 << 10 // larger is logged: such things belong in files
	denseFill = 0.95     // of pages that are only appended to
	looseFill = 0.7      // of pages whose records are appended, then grow a little
)

// Change is the one way to alter a run. check sees the run as it stands and may
// refuse; then, or when the queue forbids the move, nothing is written. Otherwise
// everything in c is on disk in one transaction when Change returns. check and
// c.Update run inside the transaction and may run twice: they must be quick,
// touch nothing else and not call the store.
func (s *Store) Change(ctx context.Context, id apprentice.RunID, check func(apprentice.Run) error, c apprentice.Change) (run apprentice.Run, err error) {
	if err := s.checkStage(id, c); err != nil {
		return run, err
	}
	err = s.write(ctx, sizeOf(c), func(b *batch) (func() error, error) {
		old, err := b.run(id)
		if err != nil {
			return nil, err
		}
		if old.Deleting {
			return nil, beingDeleted(id)
		}
		if check != nil {
			if err := check(old); err != nil {
				return nil, err
			}
		}
		e, err := b.planEdit(old, updated(old, c.Update), c)
		if err != nil {
			return nil, err
		}
		return func() error {
			run = e.next
			return b.put(e)
		}, nil
	})
	return run, err
}

func (s *Store) checkStage(id apprentice.RunID, c apprentice.Change) error {
	switch {
	case c.Stage == "" && c.Result == nil:
		return nil
	case c.Stage == "" || len(c.Stage) > 256 || len(c.Result) == 0:
		return fmt.Errorf("save stage %q of run %s: it has no usable name or no result", c.Stage, id)
	case len(c.Result) > maxStage:
		return apprentice.Errorf(apprentice.Invalid, "what is to be kept of %s has %d MiB, more than %d: that many files cannot be told one by one", c.Stage, len(c.Result)>>20, maxStage>>20).
			WithHint("hand many files over, and have them delivered, as an archive")
	case len(c.Result) > fatStage:
		s.log.Debug("a stage's result is large", "run", id, "stage", c.Stage, "bytes", len(c.Result))
	}
	return nil
}

func sizeOf(c apprentice.Change) int {
	n := 2048 + len(c.Result) + 1024*(len(c.Events)+len(c.Session))
	for _, e := range c.Events {
		n += len(e.Message)
	}
	if c.Spec != nil {
		n += len(c.Spec.Instruction) + len(c.Spec.Rubric)
	}
	return n
}

// updated returns the run with a caller's update; what storage itself keeps
// stays.
func updated(old apprentice.Run, update func(*apprentice.Run)) apprentice.Run {
	next := old
	next.AfterRuns = slices.Clone(old.AfterRuns)
	if update != nil {
		update(&next)
	}
	next.RunID, next.Number, next.Key, next.CreatedAt = old.RunID, old.Number, old.Key, old.CreatedAt
	next.EventCount, next.SessionEvents, next.Deleting = old.EventCount, old.SessionEvents, old.Deleting
	return next
}

// edit is a checked change, encoded and ready to put. Index 0 of events follows
// the old record's EventCount.
type edit struct {
	old, next   apprentice.Run
	run         []byte
	events      [][]byte
	session     [][]byte
	stage       string
	result      []byte
	drop        [][]byte // whole keys
	spec        []byte
	charges     []charge
	specOfPass  int
	firstEvent  uint64
	firstInSess uint64
}

// planEdit checks the move from old, zero for a new run, to next, and encodes
// all that is to be written.
func (b *batch) planEdit(old, next apprentice.Run, c apprentice.Change) (e edit, err error) {
	if !old.QueueState.CanMove(next.QueueState) || stateCode(next.QueueState) == 0 {
		return e, apprentice.Errorf(apprentice.Conflict, "run %s is %s and cannot become %s", next.RunID, old.QueueState, next.QueueState).
			WithHint("aa status %s", next.RunID)
	}
	for _, ev := range c.Events {
		setTo(&next.Phase, ev.Phase)
		setTo(&next.Message, ev.Message)
	}
	setTo(&next.Phase, c.Phase)
	if next.Spending = old.Spending; len(c.Charges) > 0 {
		next.Spending = spent(old.Spending, c.Charges)
	}
	next.UpdatedAt = b.stamp
	e = edit{old: old, firstEvent: next.EventCount + 1, firstInSess: next.SessionEvents + 1, stage: c.Stage, result: c.Result}
	next.EventCount += uint64(len(c.Events))
	next.SessionEvents += uint64(len(c.Session))
	if next.Pass < 0 {
		return e, fmt.Errorf("change run %s: pass %d", next.RunID, next.Pass)
	}
	e.next = next
	if err := e.encode(b.stamp, c); err != nil {
		return e, fmt.Errorf("change run %s: %w", next.RunID, err)
	}
	if c.Spec != nil && b.get(specsBucket, passKey(next.Number, e.specOfPass)) != nil {
		return e, apprentice.Errorf(apprentice.Conflict, "run %s has a pass %d already", next.RunID, e.specOfPass)
	}
	if e.drop, err = b.stagesFrom(next, c.Drop); err != nil {
		return e, err
	}
	e.charges, err = b.planCharges(next, c.Charges)
	return e, err
}

// encode writes each part once; events get their number, date and what they tell
// of the run after the change.
func (e *edit) encode(stamp string, c apprentice.Change) (err error) {
	r := e.next
	for i, ev := range c.Events {
		ev.RunID, ev.EventIndex, ev.CreatedAt = r.RunID, e.firstEvent+uint64(i), stamp
		setIfEmpty(&ev.Phase, r.Phase)
		ev.CurrentLoop, ev.MaximumImprovementLoops = r.CurrentLoop, r.MaxLoops
		ev.TracedSteps, ev.ArtifactCount = r.TracedSteps, r.ArtifactCount
		ev.RunStatus, ev.TaskStatus = r.RunStatus, r.TaskStatus
		v, err := encode(ev)
		if err != nil {
			return fmt.Errorf("event %s: %w", ev.EventType, err)
		}
		e.events = append(e.events, v)
	}
	for i, ev := range c.Session {
		ev.RunID, ev.EventIndex, ev.CreatedAt = string(r.RunID), int(e.firstInSess)+i, stamp
		v, err := encode(ev)
		if err != nil {
			return fmt.Errorf("session event %s: %w", ev.EventType, err)
		}
		e.session = append(e.session, v)
	}
	if c.Spec != nil {
		spec := *c.Spec
		spec.RunID = r.RunID
		setIfEmpty(&spec.CreatedAt, stamp)
		e.specOfPass = spec.Pass
		if e.spec, err = encode(spec); err != nil {
			return fmt.Errorf("spec: %w", err)
		}
	}
	e.run, err = encode(r)
	return err
}

// stagesFrom lists the live pass's stages whose names start with one of the
// prefixes.
func (b *batch) stagesFrom(run apprentice.Run, prefixes []string) (keys [][]byte, err error) {
	for _, p := range prefixes {
		err := b.prefixed(stagesBucket, stageKey(run.Number, run.Pass, p), func(k, _ []byte) (bool, error) {
			keys = append(keys, slices.Clone(k))
			return true, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// put writes an edit. An error means that the commit must be given up.
func (b *batch) put(e edit) error {
	stages := b.tx.Bucket(stagesBucket)
	for _, k := range e.drop {
		if err := stages.Delete(k); err != nil {
			return err
		}
	}
	if e.stage != "" {
		if err := stages.Put(stageKey(e.next.Number, e.next.Pass, e.stage), e.result); err != nil {
			return err
		}
	}
	if e.spec != nil {
		specs := b.tx.Bucket(specsBucket)
		specs.FillPercent = denseFill
		if err := specs.Put(passKey(e.next.Number, e.specOfPass), e.spec); err != nil {
			return err
		}
	}
	for _, c := range e.charges {
		if err := b.tx.Bucket(usageBucket).Put(c.key, c.value); err != nil {
			return err
		}
	}
	for i, v := range e.events {
		if err := b.append(e.next.RunID, e.next.Number, e.firstEvent+uint64(i), v); err != nil {
			return err
		}
	}
	for i, v := range e.session {
		if err := b.tx.Bucket(sessionBucket).Put(pair(e.next.Number, e.firstInSess+uint64(i)), v); err != nil {
			return err
		}
	}
	if err := b.putIndexes(e.old, e.next); err != nil {
		return err
	}
	runs := b.tx.Bucket(runsBucket)
	runs.FillPercent = looseFill
	return runs.Put(u64(e.next.Number), e.run)
}

// append adds an event to the log, and to the run's events unless index is 0.
func (b *batch) append(id apprentice.RunID, number, index uint64, event []byte) error {
	b.tally.seq++
	b.touched[id] = true
	log := b.tx.Bucket(logBucket)
	log.FillPercent = denseFill
	if err := log.Put(u64(b.tally.seq), logValue(index, id, event)); err != nil || index == 0 {
		return err
	}
	return b.tx.Bucket(eventsBucket).Put(pair(number, index), u64(b.tally.seq))
}

// putIndexes brings what is kept beside the record from old, zero for a new run,
// to next, zero for one that is gone.
func (b *batch) putIndexes(old, next apprentice.Run) error {
	number := max(old.Number, next.Number)
	if old.QueueState != next.QueueState {
		byState := b.tx.Bucket(statesBucket)
		if c := stateCode(old.QueueState); c != 0 {
			b.tally.counts[c-1]--
			if err := byState.Delete(stateKey(old.QueueState, number)); err != nil {
				return err
			}
		}
		if c := stateCode(next.QueueState); c != 0 {
			b.tally.counts[c-1]++
			if err := byState.Put(stateKey(next.QueueState, number), nil); err != nil {
				return err
			}
		}
	}
	after := b.tx.Bucket(afterBucket)
	before, now := awaited(old), awaited(next)
	for _, id := range before {
		if !slices.Contains(now, id) {
			if err := after.Delete(afterKey(id, number)); err != nil {
				return err
			}
		}
	}
	for _, id := range now {
		if !slices.Contains(before, id) {
			if err := after.Put(afterKey(id, number), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaited are the runs that a run's end or wait depends on; none once it ended.
func awaited(r apprentice.Run) []apprentice.RunID {
	if r.QueueState == "" || !r.Live() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.AfterRuns), func(id apprentice.RunID) bool {
		return id == "" || len(id) > 128 || strings.ContainsRune(string(id), 0)
	})
}

func setTo(s *string, value string) {
	if value != "" {
		*s = value
	}
}
