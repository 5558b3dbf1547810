package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
)

// openTest opens a store in a folder of the test's own and closes it at its end.
func openTest(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "aad.db"), Options{})
}

func openAt(t testing.TB, path string, o Options) *Store {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// submission is a queued run that asks for little.
func submission(base string) Submission {
	return Submission{
		Run: apprentice.Run{
			RunID: apprentice.RunID(base), QueueState: apprentice.Queued, RunStatus: apprentice.StatusRunning,
			TaskStatus: apprentice.StatusRunning, MaxLoops: 3, Agent: "shell", MentorMode: "checks",
		},
		Spec:  apprentice.Spec{Instruction: "count the lines of <data.csv> & report", Settings: apprentice.DefaultSettings()},
		Event: apprentice.Event{EventType: apprentice.RunQueued, Phase: apprentice.PhaseQueued, Message: "Queued."},
	}
}

func submit(t testing.TB, s *Store, sub Submission) apprentice.Run {
	t.Helper()
	run, _, err := s.Submit(context.Background(), sub)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func change(t testing.TB, s *Store, id apprentice.RunID, c apprentice.Change) apprentice.Run {
	t.Helper()
	run, err := s.Change(context.Background(), id, nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func to(state apprentice.QueueState) func(*apprentice.Run) {
	return func(r *apprentice.Run) { r.QueueState = state }
}

func event(kind apprentice.EventType) []apprentice.Event {
	return []apprentice.Event{{EventType: kind, Message: string(kind)}}
}

func wantKind(t testing.TB, err error, kind apprentice.Kind) {
	t.Helper()
	if apprentice.KindOf(err) != kind {
		t.Errorf("error %v is %q, want %q", err, apprentice.KindOf(err), kind)
	}
}

// wantWhole fails unless a check of the database finds nothing.
func wantWhole(t testing.TB, s *Store) {
	t.Helper()
	r, err := s.Check()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Error("check:", p)
	}
}

func TestSubmitStoresRunSpecAndEventTogether(t *testing.T) {
	s := openTest(t)
	run := submit(t, s, submission("job"))
	if run.RunID != "job" || run.Number != 1 || run.EventCount != 1 || run.CreatedAt == "" || run.Phase != "queued" || run.Message != "Queued." {
		t.Errorf("run is %+v", run)
	}
	stored, err := s.Run("job")
	if err != nil || stored.UpdatedAt != run.UpdatedAt {
		t.Errorf("stored run is %+v, %v", stored, err)
	}
	spec, err := s.Spec("job", 0)
	if err != nil || spec.RunID != "job" || spec.Instruction != "count the lines of <data.csv> & report" {
		t.Errorf("spec is %+v, %v", spec, err)
	}
	records, err := s.Events("job", 0, 1<<20)
	if err != nil || len(records) != 1 {
		t.Fatalf("events are %v, %v", records, err)
	}
	var e apprentice.Event
	if err := json.Unmarshal(records[0].JSON, &e); err != nil {
		t.Fatal(err)
	}
	if e.EventIndex != 1 || e.RunID != "job" || e.MaximumImprovementLoops != 3 || e.RunStatus != apprentice.StatusRunning || e.CreatedAt == "" {
		t.Errorf("event is %s", records[0].JSON)
	}
	wantWhole(t, s)
}

func TestIdsCountOnWhenTheirBaseIsTaken(t *testing.T) {
	s := openTest(t)
	ctx := context.Background()
	var ids []apprentice.RunID
	for range 2 {
		ids = append(ids, submit(t, s, submission("job")).RunID)
	}
	reserved, err := s.Reserve(ctx, "job")
	if err != nil {
		t.Fatal(err)
	}
	ids = append(ids, reserved, submit(t, s, submission("job")).RunID)
	if want := []apprentice.RunID{"job", "job-2", "job-3", "job-4"}; !slices.Equal(ids, want) {
		t.Errorf("ids are %v, want %v", ids, want)
	}
	own := submission("job-3")
	own.OwnID = true
	if run := submit(t, s, own); run.RunID != "job-3" {
		t.Errorf("reserved id became %s", run.RunID)
	}
	_, _, err = s.Submit(ctx, own)
	wantKind(t, err, apprentice.Conflict)
	long := strings.Repeat("x", 128)
	submit(t, s, submission(long))
	if run := submit(t, s, submission(long)); len(run.RunID) != 128 {
		t.Errorf("id %s has %d bytes", run.RunID, len(run.RunID))
	}
	if open, err := s.Reserved(); err != nil || len(open) != 0 {
		t.Errorf("still reserved: %v, %v", open, err)
	}
	wantWhole(t, s)
}

func TestUnreservedIdIsFreeAgain(t *testing.T) {
	s := openTest(t)
	for range 2 {
		id, err := s.Reserve(context.Background(), "job")
		if err != nil || id != "job" {
			t.Fatalf("reserved %s, %v", id, err)
		}
		if err := s.Unreserve(context.Background(), id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSameKeyReturnsTheFirstRun(t *testing.T) {
	s := openTest(t)
	sub := submission("job")
	sub.Run.Key = "k1"
	first := submit(t, s, sub)
	sub.Run.RunID = "other"
	again, existing, err := s.Submit(context.Background(), sub)
	if err != nil || !existing || again.RunID != first.RunID {
		t.Errorf("second submit is %s, %v, %v", again.RunID, existing, err)
	}
	if s.LastSeq() != 1 {
		t.Errorf("the log has %d records", s.LastSeq())
	}
}

func TestSubmitAfterAnUnknownRunIsRefused(t *testing.T) {
	s := openTest(t)
	sub := submission("job")
	sub.Run.AfterRuns = []apprentice.RunID{"nobody"}
	_, _, err := s.Submit(context.Background(), sub)
	wantKind(t, err, apprentice.NotFound)
	if _, err := s.Run("job"); apprentice.KindOf(err) != apprentice.NotFound {
		t.Errorf("the run is there: %v", err)
	}
}

func TestChangeKeepsTheQueuesTableAndNumbersEvents(t *testing.T) {
	s := openTest(t)
	submit(t, s, submission("job"))
	run := change(t, s, "job", apprentice.Change{Update: func(r *apprentice.Run) {
		r.QueueState, r.CurrentLoop, r.TracedSteps = apprentice.Running, 1, 7
	}, Events: []apprentice.Event{
		{EventType: apprentice.RunStarted, Phase: apprentice.PhaseStarting, Message: "Started."},
		{EventType: apprentice.WorkspacePrepared, Phase: apprentice.PhasePreparing},
	}, Session: []apprentice.SessionEvent{{EventType: "task_instruction"}}})
	if run.EventCount != 3 || run.SessionEvents != 1 || run.Phase != apprentice.PhasePreparing || run.Message != "Started." {
		t.Errorf("run is %+v", run)
	}
	_, err := s.Change(context.Background(), "job", nil, apprentice.Change{Update: to("nonsense")})
	wantKind(t, err, apprentice.Conflict)
	change(t, s, "job", apprentice.Change{Update: to(apprentice.Completed)})
	_, err = s.Change(context.Background(), "job", nil, apprentice.Change{Update: to(apprentice.Running), Events: event("x")})
	wantKind(t, err, apprentice.Conflict)
	records, err := s.Events("job", 1, 1<<20)
	if err != nil || len(records) != 2 || records[0].Index != 2 || records[1].Index != 3 {
		t.Fatalf("events are %v, %v", records, err)
	}
	var e apprentice.Event
	if err := json.Unmarshal(records[1].JSON, &e); err != nil || e.TracedSteps != 7 || e.CurrentLoop != 1 {
		t.Errorf("event is %s, %v", records[1].JSON, err)
	}
	session, err := s.SessionEvents("job")
	if err != nil || len(session) != 1 || session[0].EventIndex != 1 || session[0].RunID != "job" {
		t.Errorf("session events are %+v, %v", session, err)
	}
	wantWhole(t, s)
}

func TestCheckOfAChangeMayRefuseIt(t *testing.T) {
	s := openTest(t)
	submit(t, s, submission("job"))
	no := errors.New("no")
	_, err := s.Change(context.Background(), "job", func(r apprentice.Run) error {
		if r.QueueState == apprentice.Queued {
			return no
		}
		return nil
	}, apprentice.Change{Update: to(apprentice.Running), Events: event(apprentice.RunStarted)})
	if !errors.Is(err, no) {
		t.Errorf("error is %v", err)
	}
	if run, err := s.Run("job"); err != nil || run.QueueState != apprentice.Queued || run.EventCount != 1 {
		t.Errorf("run is %+v, %v", run, err)
	}
}

func TestJournalKeepsStagesOfThePass(t *testing.T) {
	s := openTest(t)
	submit(t, s, submission("job"))
	type result struct{ Text string }
	j := s.Journal("job", 0)
	var got result
	if ok, err := j.Load("intake", &got); ok || err != nil {
		t.Fatalf("stage is there: %v, %v", ok, err)
	}
	for _, stage := range []string{"intake", "attempt-0", "attempt-1"} {
		if err := j.Save(stage, result{stage}, apprentice.Change{}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := j.Load("attempt-1", &got); !ok || err != nil || got.Text != "attempt-1" {
		t.Errorf("stage is %v, %v, %v", got, ok, err)
	}
	change(t, s, "job", apprentice.Change{Drop: []string{"attempt-"}, Stage: "attempt-0", Result: json.RawMessage(`{}`)})
	if names, err := s.Stages("job", 0); err != nil || !slices.Equal(names, []string{"attempt-0", "intake"}) {
		t.Errorf("stages are %v, %v", names, err)
	}
	wantKind(t, j.Save("huge", strings.Repeat("x", maxStage), apprentice.Change{}), apprentice.Invalid)
	wantKind(t, s.Journal("job", 1).Save("intake", 1, apprentice.Change{}), apprentice.Conflict)
	wantWhole(t, s)
}

func TestFollowUpHasASpecOfItsOwn(t *testing.T) {
	s := openTest(t)
	submit(t, s, submission("job"))
	change(t, s, "job", apprentice.Change{Update: to(apprentice.Cancelled)})
	again := apprentice.Change{
		Update: func(r *apprentice.Run) { r.QueueState, r.Pass = apprentice.Queued, 1 },
		Spec:   &apprentice.Spec{Pass: 1, Instruction: "and the columns"},
	}
	change(t, s, "job", again)
	if spec, err := s.Spec("job", 1); err != nil || spec.Instruction != "and the columns" || spec.RunID != "job" {
		t.Errorf("spec is %+v, %v", spec, err)
	}
	_, err := s.Change(context.Background(), "job", nil, again)
	wantKind(t, err, apprentice.Conflict)
	wantWhole(t, s)
}

// fillAll stores 40 runs, job-00 to job-39, so that no bucket is empty.
func fillAll(t testing.TB, s *Store) {
	t.Helper()
	ctx := context.Background()
	for i := range 40 {
		sub := submission(fmt.Sprintf("job-%02d", i))
		sub.Run.Key = fmt.Sprintf("key-%d", i)
		sub.Run.Labels = map[string]string{"third": fmt.Sprint(i % 3)}
		sub.Session = []apprentice.SessionEvent{{EventType: "task_instruction"}}
		if i > 0 {
			sub.Run.AfterRuns = []apprentice.RunID{"job-00"}
		}
		run := submit(t, s, sub)
		change(t, s, run.RunID, apprentice.Change{Update: to(apprentice.Running), Events: event(apprentice.RunStarted)})
		if err := s.Journal(run.RunID, 0).Save("intake", strings.Repeat("text ", 2*i), apprentice.Change{}); err != nil {
			t.Fatal(err)
		}
		if i%2 == 1 {
			change(t, s, run.RunID, apprentice.Change{Update: to(apprentice.Completed), Events: event(apprentice.RunCompleted)})
		}
	}
	if _, err := s.Reserve(ctx, "job-00"); err != nil {
		t.Fatal(err)
	}
	if err := s.markDeleting(ctx, "job-05"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetGroup(ctx, Group{Name: "slow", Limit: 1}, apprentice.Event{EventType: apprentice.QueuePaused}); err != nil {
		t.Fatal(err)
	}
}
