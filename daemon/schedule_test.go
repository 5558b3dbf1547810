package daemon

import (
	"log/slog"
	"testing"
	"time"

	"aad/apprentice"
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
