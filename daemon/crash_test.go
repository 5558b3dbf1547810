package daemon

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// follow sends the events of all runs until aad goes.
func (a *aad) follow() <-chan apprentice.Event {
	a.t.Helper()
	conn, events := a.dial(), make(chan apprentice.Event, 4096)
	a.t.Cleanup(func() { conn.Close() })
	conn.OnNotify(func(_ string, params json.RawMessage) {
		var note rpc.RunEventNote
		if json.Unmarshal(params, &note) == nil && note.Event.EventType != "" {
			events <- note.Event
		}
	})
	if _, err := rpc.Call(a.ctx(), conn, rpc.RunWatch, rpc.RunWatchParams{}); err != nil {
		a.t.Fatal(err)
	}
	return events
}

// acceptedEvents are those of a run whose revision is accepted.
const acceptedEvents = "run_queued run_started task_workspace_prepared apprentice_attempt_started apprentice_attempt_completed " +
	"mentor_review_started mentor_review_completed revision_started revision_completed mentor_review_started mentor_review_completed " +
	"contribution_bundle_started contribution_bundle_completed run_completed"

func TestRunOutlivesAKillAtEachOfItsEvents(t *testing.T) {
	t.Parallel()
	for i, kind := range strings.Fields(acceptedEvents) {
		if !sampled(i) {
			continue
		}
		t.Run(fmt.Sprintf("%d-%s", i+1, kind), func(t *testing.T) {
			a, s := newAad(t), newScript(t)
			events := a.follow()
			asset := write(t, s.file("data.csv"), "a,b\n1,2\n")
			p := rpc.RunSubmitParams{RunID: "r", Instruction: s.text(twoTries), Rubric: wantsGood, Assets: []string{asset}}
			conn := a.conn
			go func() { _, _ = rpc.Call(a.ctx(), conn, rpc.RunSubmit, p) }() // ends with the kill at the latest
			for e := range events {
				if e.EventIndex == uint64(i+1) {
					break
				}
			}
			a.kill()
			a.start()
			run := a.wait("r")
			if !run.Accepted() {
				t.Errorf("it ended %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
			}
			if types := a.types("r"); types != acceptedEvents {
				t.Errorf("its events are %s", types)
			}
			a.stop()
			a.whole("r")
			a.once(s, "r")
		})
	}
}

// once expects two attempts, each started once, and what they delivered.
func (a *aad) once(s script, id apprentice.RunID) {
	a.t.Helper()
	starts := s.starts()
	if starts[string(id)+" baseline"] != 1 || starts[string(id)+" revised"] != 1 {
		a.t.Errorf("%s: attempts were started %v", id, starts)
	}
	folder := a.home.Run(id)
	if got := slurp(a.t, filepath.Join(folder.Artifacts(), "out.txt")); got != "good\n" {
		a.t.Errorf("%s: artifacts/out.txt is %q", id, got)
	}
	if aside := filepath.Join(string(folder), "packages", "task_"+string(id), "aside"); there(aside) {
		a.t.Errorf("%s: an attempt was put aside: %v", id, under(aside))
	}
}

// TestRunsOutliveKillsAtRandomMoments kills aad again and again while it works many
// runs, and prints the seed with which it did.
func TestRunsOutliveKillsAtRandomMoments(t *testing.T) {
	t.Parallel()
	runs, kills := 20, 12
	if testing.Short() {
		runs, kills = 5, 4
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	a, s := newAad(t, "AA_MAX_PARALLEL=4"), newScript(t)
	asset := write(t, s.file("data.csv"), "a,b\n1,2\n")
	var ids []apprentice.RunID
	for i := range runs {
		p := rpc.RunSubmitParams{RunID: fmt.Sprintf("r%02d", i), Instruction: s.text(twoTries), Rubric: wantsGood}
		if i%3 == 0 {
			p.Assets = []string{asset}
		}
		ids = append(ids, a.submit(p))
	}
	for range kills {
		select {
		case <-time.After(time.Duration(random.IntN(250)) * time.Millisecond):
		case <-a.conn.Done():
			t.Fatal("aad ended by itself")
		}
		a.kill()
		a.start()
	}
	for _, id := range ids {
		if run := a.wait(id); !run.Accepted() {
			t.Errorf("%s ended %s, %s: %s", id, run.QueueState, run.Verdict, run.StatusReason)
		}
	}
	for _, id := range ids {
		if types := a.types(id); types != acceptedEvents {
			t.Errorf("%s: its events are %s", id, types)
		}
	}
	a.stop()
	a.whole(ids...)
	for _, id := range ids {
		a.once(s, id)
	}
}

func TestSubmitsThatWereNotAcknowledgedLeaveNothing(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	asset := s.file("big")
	if err := os.WriteFile(asset, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var acknowledged []apprentice.RunID
	for i := range 6 {
		conn, done := a.conn, make(chan apprentice.RunID, 1)
		go func() {
			got, err := rpc.Call(a.ctx(), conn, rpc.RunSubmit,
				rpc.RunSubmitParams{Instruction: s.text("echo x > artifacts/x"), Assets: []string{asset}})
			if err != nil {
				got.Run.RunID = ""
			}
			done <- got.Run.RunID // the test waits for it
		}()
		<-time.After(time.Duration(i) * 3 * time.Millisecond)
		a.kill()
		if id := <-done; id != "" {
			acknowledged = append(acknowledged, id)
		}
		a.start()
	}
	known := map[apprentice.RunID]bool{}
	for _, r := range must(a, rpc.RunList, rpc.RunListParams{}).Runs {
		known[r.RunID] = true
		a.wait(r.RunID)
	}
	for _, id := range acknowledged {
		if !known[id] {
			t.Errorf("%s was acknowledged and is lost", id)
		}
	}
	eventually(t, "no folder without a run", func() bool {
		entries, err := os.ReadDir(a.home.Runs())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !known[apprentice.RunID(e.Name())] {
				return false
			}
		}
		return true
	})
}
