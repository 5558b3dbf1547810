package daemon

import (
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
	"aad/storage"
)

func TestARequestForLeaveOfAnySizeIsPutToAPerson(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "diffs 4500")
	f := a.leave(id, 1)
	if len(f.Instruction) > 100<<10 || !strings.Contains(f.Instruction, "more than can be shown") {
		t.Errorf("the question has %d bytes: %.200s", len(f.Instruction), f.Instruction)
	}
	a.allow(id, 1, "allow_once")
	if run := a.wait(id); run.QueueState != apprentice.Completed || a.told(id) != "diffs: yes\n" {
		t.Errorf("it ended %s: %s; the agent was told %q", run.QueueState, run.StatusReason, a.told(id))
	}
}

// TestARunThatCannotBeWorkedEndsItsAgentFirst has a parked agent, whose time limits
// stand still, and an id that the journal does not take.
func TestARunThatCannotBeWorkedEndsItsAgentFirst(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "spawn", "vast 17")
	for range 2 {
		if run := a.wait(id); run.QueueState != apprentice.Failed || !strings.Contains(run.StatusReason, "aad could not work this run") {
			t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
		}
		if pids := left(t, string(a.home)); len(pids) > 0 {
			t.Errorf("the run has ended and %v live", pids)
		}
		must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
	}
	a.wait(id)
	a.stop()
	a.none()
}

// forgotten is a run whose agent lives under its shim, while the journal has no word of
// its attempt any more; aad is down.
func (a *aad) forgotten(s script, lines ...string) apprentice.RunID {
	a.t.Helper()
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text(lines...)})
	s.reached("first")
	a.kill()
	store, err := storage.Open(a.home.DB(), storage.Options{})
	if err != nil {
		a.t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.Change(a.ctx(), id, nil, apprentice.Change{Drop: []string{"attempt/baseline"}}); err != nil {
		a.t.Fatal(err)
	}
	return id
}

func TestAnAgentOfAnAttemptThatNoLongerCountsIsEndedBeforeTheNext(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.forgotten(s, `[ -e '`+s.file("first.reached")+`' ] || { touch '`+s.file("first.reached")+`'; sleep 1000; }`, "echo good > artifacts/out.txt")
	a.start()
	if run := a.wait(id); !run.Accepted() {
		t.Errorf("it ended %+v", run)
	}
	if n := s.starts()["r baseline"]; n != 2 {
		t.Errorf("the attempt was started %d times", n)
	}
	a.stop()
	a.whole(id)
}

func TestAadStopsWhileAnAgentThatNoLongerCountsResists(t *testing.T) {
	t.Parallel()
	a, s := newAad(t, "AA_CANCEL_GRACE_SECONDS=600"), newScript(t)
	a.forgotten(s, `trap 'touch "`+s.file("told")+`"' TERM; touch '`+s.file("first.reached")+`'; while :; do sleep 0.1; done`)
	a.start()
	eventually(t, "the agent is told to end", func() bool { return there(s.file("told")) })
	a.stop()
	if there(filepath.Join(string(a.home.Run("r")), "packages", "task_r", "aside")) {
		t.Error("an attempt that lives was put aside")
	}
}
