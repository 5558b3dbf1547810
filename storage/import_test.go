package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"aad/apprentice"
)

// foreignRun is a run with events that was worked elsewhere.
func foreignRun(t testing.TB, id string, events int) Import {
	t.Helper()
	run := submission(id).Run
	run.QueueState, run.CreatedAt, run.EndedAt = apprentice.Completed, "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z"
	run.Imported = &apprentice.Imported{From: "/elsewhere", Events: uint64(events)}
	in := Import{Run: run, Passes: []ImportedPass{{Spec: submission(id).Spec, Stage: "imported", Result: []byte(`{}`)}},
		Session: []apprentice.SessionEvent{{EventType: "task_instruction", CreatedAt: run.CreatedAt, Instruction: "x"}},
		Note:    apprentice.Event{EventType: apprentice.RunImported, RunID: run.RunID}}
	for n := range events {
		line, err := json.Marshal(apprentice.Event{EventType: apprentice.RunQueued, EventIndex: uint64(n + 1), RunID: run.RunID, CreatedAt: run.CreatedAt, Message: fmt.Sprintf("event %d", n+1)})
		if err != nil {
			t.Fatal(err)
		}
		in.Events = append(in.Events, line)
	}
	return in
}

func TestImportStoresARunWithItsEventsAsTheyWere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aad.db")
	s := openAt(t, path, Options{})
	submit(t, s, submission("own"))
	before := s.LastSeq()
	in := foreignRun(t, "far", 5000)
	run, err := s.Import(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if run.Number != 2 || run.EventCount != 5000 || run.SessionEvents != 1 || s.Counts()[apprentice.Completed] != 1 {
		t.Errorf("it is %+v", run)
	}
	n := uint64(0)
	for n < 5000 {
		page, err := s.Events("far", n, 64<<10)
		if err != nil || len(page) == 0 {
			t.Fatalf("after event %d: %v", n, err)
		}
		for _, r := range page {
			if n++; r.Index != n || r.Seq != before+n || string(r.JSON) != string(in.Events[n-1]) {
				t.Fatalf("event %d is %d of seq %d: %s", n, r.Index, r.Seq, r.JSON)
			}
		}
	}
	if s.LastSeq() != before+5001 { // and the note
		t.Errorf("the log ends at %d", s.LastSeq())
	}
	wantWhole(t, s)
	_, err = s.Import(context.Background(), in)
	wantKind(t, err, apprentice.Conflict)
	change(t, s, "far", apprentice.Change{Events: event(apprentice.SessionFinished)})
	if page, err := s.Events("far", 5000, 1<<10); err != nil || len(page) != 1 || page[0].Index != 5001 {
		t.Errorf("what happens later is %+v, %v", page, err)
	}
	if err := s.Delete(context.Background(), "far", nil); err != nil {
		t.Fatal(err)
	}
	wantWhole(t, s)
}

func TestImportRefusesWhatIsNoEndedRun(t *testing.T) {
	s := openTest(t)
	for name, spoil := range map[string]func(*Import){
		"live":                     func(in *Import) { in.Run.QueueState = apprentice.Running },
		"without its spec":         func(in *Import) { in.Passes = nil },
		"with a bad id":            func(in *Import) { in.Run.RunID = "../x" },
		"with a gap":               func(in *Import) { in.Events = in.Events[1:] },
		"with another's events":    func(in *Import) { in.Events = foreignRun(t, "other", 3).Events },
		"with what is no event":    func(in *Import) { in.Events[1] = []byte("{") },
		"that awaits another":      func(in *Import) { in.Run.AfterRuns = []apprentice.RunID{"x"} },
		"with somebody else's key": func(in *Import) { in.Run.Key = "k" },
	} {
		in := foreignRun(t, "far", 3)
		spoil(&in)
		if _, err := s.Import(context.Background(), in); err == nil {
			t.Errorf("a run %s was imported", name)
		}
	}
	if s.LastSeq() != 0 {
		t.Error("something was written")
	}
}
