package storage

import (
	"context"
	"encoding/json"
	"fmt"

	"aad/apprentice"
)

// Import is a run that was worked elsewhere, with all that is known of it. Its id must
// be free, or reserved by the caller; its state is one of an ended run.
type Import struct {
	Run    apprentice.Run
	Passes []ImportedPass
	// Events are the run's own, in order and as its folder has them, a line each.
	Events  [][]byte
	Session []apprentice.SessionEvent
	Note    apprentice.Event // run_imported, of the daemon-wide log
}

// ImportedPass is what was asked for in one pass, and the one stage that tells of it.
type ImportedPass struct {
	Spec   apprentice.Spec
	Stage  string
	Result []byte
}

// Import stores such a run in one transaction: after a crash it is there as a whole or
// not at all. Its events get their places in the daemon-wide log; what they say, their
// dates too, stays.
func (s *Store) Import(ctx context.Context, in Import) (run apprentice.Run, err error) {
	e, size, err := editOf(in)
	if err != nil {
		return run, fmt.Errorf("import run %s: %w", in.Run.RunID, err)
	}
	err = s.write(ctx, size, func(b *batch) (func() error, error) {
		if b.full {
			return nil, diskFull(s.path)
		}
		if b.get(idsBucket, []byte(in.Run.RunID)) != nil {
			return nil, apprentice.Errorf(apprentice.Conflict, "run id %s is taken", in.Run.RunID).
				WithField("run_id").WithHint("aa status %s", in.Run.RunID)
		}
		note, err := b.planNote(in.Note)
		if err != nil {
			return nil, err
		}
		e.next.Number = b.tally.number + 1
		if e.run, err = encode(e.next); err != nil {
			return nil, err
		}
		return func() error {
			run = e.next
			b.tally.number++
			if err := b.putNew(e.next); err != nil {
				return err
			}
			if err := b.put(e); err != nil {
				return err
			}
			if err := b.putPasses(e.next.Number, in.Passes); err != nil {
				return err
			}
			return note()
		}, nil
	})
	return run, err
}

// editOf checks an import and encodes what does not depend on the run's number.
func editOf(in Import) (e edit, size int, err error) {
	run := in.Run
	if err := apprentice.CheckRunID(string(run.RunID)); err != nil {
		return e, 0, err
	}
	if !run.QueueState.Ended() || len(in.Passes) != run.Pass+1 || run.Key != "" || len(run.AfterRuns) > 0 {
		return e, 0, fmt.Errorf("it is %q with %d passes of %d", run.QueueState, len(in.Passes), run.Pass+1)
	}
	run.EventCount, run.SessionEvents = uint64(len(in.Events)), uint64(len(in.Session))
	e = edit{next: run, events: in.Events, firstEvent: 1, firstInSess: 1}
	for i, line := range in.Events {
		var ev apprentice.Event
		if err := json.Unmarshal(line, &ev); err != nil || ev.EventIndex != uint64(i+1) || ev.RunID != run.RunID {
			return e, 0, fmt.Errorf("event %d is none of it: %d of run %q, %v", i+1, ev.EventIndex, ev.RunID, err)
		}
		size += len(line) + 64
	}
	for i, ev := range in.Session {
		ev.RunID, ev.EventIndex = string(run.RunID), i+1
		v, err := encode(ev)
		if err != nil {
			return e, 0, fmt.Errorf("session event %d: %w", i+1, err)
		}
		e.session = append(e.session, v)
		size += len(v) + 64
	}
	for _, p := range in.Passes {
		size += len(p.Spec.Instruction) + len(p.Result) + 4096
	}
	return e, size, nil
}

func (b *batch) putPasses(number uint64, passes []ImportedPass) error {
	for n, p := range passes {
		p.Spec.Pass = n
		v, err := encode(p.Spec)
		if err != nil {
			return err
		}
		if err := b.tx.Bucket(specsBucket).Put(passKey(number, n), v); err != nil {
			return err
		}
		if err := b.tx.Bucket(stagesBucket).Put(stageKey(number, n, p.Stage), p.Result); err != nil {
			return err
		}
	}
	return nil
}
