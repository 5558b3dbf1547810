//go:build unix

package daemon

import (
	"testing"

	"aad/apprentice"
	"aad/rpc"
	"aad/storage"
)

// TestACancelOfARunThatHasJustAskedIsObeyed has a cancel that was taken while the run
// worked, and that its loop has not seen before it asked or paused: as after a crash
// between the two.
func TestACancelOfARunThatHasJustAskedIsObeyed(t *testing.T) {
	t.Parallel()
	a := newAad(t, "AA_MENTOR_MODE=expert_led")
	a.submit(rpc.RunSubmitParams{RunID: "asks", Instruction: "true"})
	a.submit(rpc.RunSubmitParams{RunID: "held", Instruction: "true", Hold: true})
	a.wait("asks", "waiting")
	a.stop()
	store, err := storage.Open(a.home.DB(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []apprentice.RunID{"asks", "held"} {
		if _, err := store.Change(t.Context(), id, nil, apprentice.Change{Update: func(r *apprentice.Run) { r.CancelRequested = true }}); err != nil {
			t.Error(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	a.start()
	for _, id := range []apprentice.RunID{"asks", "held"} {
		if run := a.wait(id); run.QueueState != apprentice.Cancelled {
			t.Errorf("%s ended %s", id, run.QueueState)
		}
	}
	a.stop()
	a.whole("asks", "held")
}
