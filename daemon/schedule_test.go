package daemon

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/internal/walltime"
	"aad/storage"
	"aad/workspace"
)

// oneRun is a scheduler, as far as tests of its own parts need it, with the run "r".
func oneRun(t *testing.T, db string, c apprentice.Change) (*scheduler, *said) {
	t.Helper()
	store, err := storage.Open(db, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	_, _, err = store.Submit(t.Context(), storage.Submission{Run: apprentice.Run{RunID: "r", QueueState: apprentice.Queued,
		RunStatus: apprentice.StatusRunning, TaskStatus: apprentice.StatusRunning, Agent: "shell"},
		Event: apprentice.Event{EventType: apprentice.RunQueued, Phase: apprentice.PhaseQueued}})
	if err == nil {
		_, err = store.Change(t.Context(), "r", nil, c)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := &said{}
	return &scheduler{store: store, home: workspace.Home(t.TempDir()), log: slog.New(slog.NewTextHandler(out, nil)), room: func() error { return nil },
		settled: func(apprentice.RunID) {}, queue: newQueue(), wake: make(chan struct{}, 1), dirty: map[apprentice.RunID]struct{}{}, jobs: map[apprentice.RunID]*job{}, later: map[apprentice.RunID]time.Time{}}, out
}

func TestADeferredRunWhoseReleaseIsNotWrittenIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s, _ := oneRun(t, filepath.Join(t.TempDir(), "aad.db"), apprentice.Change{Update: func(r *apprentice.Run) {
		r.QueueState, r.QueueReason, r.NotBefore = apprentice.Deferred, "until then", apprentice.Stamp(time.Now().Add(-time.Hour))
	}})
	refused, cancel := context.WithCancel(t.Context())
	cancel()
	s.touch("r")
	s.refresh(refused)
	if s.nextDue().IsZero() {
		t.Fatal("nothing has the run looked at again")
	}
	s.touchDue(s.nextDue())
	s.refresh(t.Context())
	if run, err := s.store.Run("r"); err != nil || run.QueueState != apprentice.Queued {
		t.Errorf("the run is %s, %v", run.QueueState, err)
	}
}

func TestWhatIsDueOfAQuestionThatCannotBeReadIsPutOff(t *testing.T) {
	t.Parallel()
	past, now := apprentice.Stamp(time.Now().Add(-time.Hour)), time.Now()
	asked := apprentice.Checkpoint{ID: "c", Stage: "rubric", Question: "rubric", RemindAt: past, OpenedAt: past}
	s, said := oneRun(t, filepath.Join(t.TempDir(), "aad.db"), apprentice.Change{Update: func(r *apprentice.Run) {
		r.QueueState = apprentice.Running
	}})
	if _, err := s.store.Change(t.Context(), "r", nil, apprentice.Change{Update: func(r *apprentice.Run) {
		r.QueueState, r.Checkpoint = apprentice.Waiting, &asked
	}}); err != nil {
		t.Fatal(err)
	}
	due, err := walltime.New()
	if err != nil {
		t.Fatal(err)
	}
	defer due.Close()
	d := &desk{store: s.store, log: s.log, due: due, open: map[place]asking{{run: "r"}: {checkpoint: asked}}}
	for range 3 { // as when the timer fires at once again
		d.tellDue(t.Context(), now)
	}
	if n := strings.Count(said.String(), "tell that a question waits"); n != 1 {
		t.Errorf("it was tried %d times: %s", n, said)
	}
	if !d.next.Equal(now.Add(roomPause)) {
		t.Errorf("it is tried next at %v, now is %v", d.next, now)
	}
	d.tellDue(t.Context(), d.next)
	if n := strings.Count(said.String(), "tell that a question waits"); n != 2 {
		t.Errorf("in the end it was tried %d times: %s", n, said)
	}
}
