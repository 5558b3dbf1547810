package daemon

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// order tells in which order runs were started.
func (s script) order() string {
	s.t.Helper()
	data, err := os.ReadFile(s.file("starts"))
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for line := range strings.Lines(string(data)) {
		id, _, _ := strings.Cut(line, " ")
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

func (s script) quick() string { return s.text("echo x > artifacts/out.txt") }

func TestRunsStartByPriorityThenByAge(t *testing.T) {
	t.Parallel()
	a, s := newAad(t, "AA_MAX_PARALLEL=1"), newScript(t)
	must(a, rpc.QueuePause, rpc.QueueParams{})
	for _, p := range []rpc.RunSubmitParams{{RunID: "low", Priority: -1}, {RunID: "first"}, {RunID: "high", Priority: 5}, {RunID: "second"}, {RunID: "risen"}} {
		p.Instruction = s.quick()
		a.submit(p)
	}
	must(a, rpc.RunReprioritize, rpc.RunPriorityParams{RunID: "risen", Priority: 9})
	if ahead := a.get("first").Ahead; ahead != 2 {
		t.Errorf("%d runs are ahead of first", ahead)
	}
	a.kill() // the order and the pause outlive a crash
	a.start()
	if q := must(a, rpc.QueueGet, rpc.Empty{}); !q.Paused || q.Waiting != 5 || q.Next[0].RunID != "risen" {
		t.Errorf("the queue is %+v", q)
	}
	must(a, rpc.QueueResume, rpc.QueueParams{})
	a.wait("low")
	if got := s.order(); got != "risen high first second low" {
		t.Errorf("they started in the order %s", got)
	}
}

func TestGroupsAndAgentsHaveLimitsOfTheirOwn(t *testing.T) {
	t.Parallel()
	a, s := newAad(t, "AA_MAX_PARALLEL=8"), newScript(t)
	must(a, rpc.QueueLimit, rpc.QueueLimitParams{Group: "narrow", Limit: 1})
	must(a, rpc.QueuePause, rpc.QueueParams{Group: "shut"})
	gate := s.text(s.gate("go"), "echo x > artifacts/out.txt")
	for _, p := range []rpc.RunSubmitParams{{RunID: "n1", Group: "narrow"}, {RunID: "n2", Group: "narrow"}, {RunID: "s1", Group: "shut"}, {RunID: "free"}} {
		p.Instruction = gate
		a.submit(p)
	}
	a.await("n1", apprentice.AttemptStarted)
	a.await("free", apprentice.AttemptStarted)
	for _, id := range []apprentice.RunID{"n2", "s1"} {
		if run := a.get(id).Run; run.QueueState != apprentice.Queued {
			t.Errorf("%s is %s", id, run.QueueState)
		}
	}
	s.open("go")
	a.wait("n2")
	must(a, rpc.QueueResume, rpc.QueueParams{Group: "shut"})
	a.wait("s1")

	must(a, rpc.SettingsSet, rpc.SettingsSetParams{Key: "agent_limits", Value: "shell=1"})
	again := newScript(t)
	gate = again.text(again.gate("go"), "echo x > artifacts/out.txt")
	a.submit(rpc.RunSubmitParams{RunID: "l1", Instruction: gate})
	a.submit(rpc.RunSubmitParams{RunID: "l2", Instruction: gate})
	again.reached("go")
	if run := a.get("l2").Run; run.QueueState != apprentice.Queued {
		t.Errorf("beyond the agent's limit l2 is %s", run.QueueState)
	}
	again.open("go")
	a.wait("l2")
}

func TestRunsWaitForOthersToBeAccepted(t *testing.T) {
	t.Parallel()
	a, s := newAad(t, "AA_MAX_PARALLEL=4"), newScript(t)
	a.submit(rpc.RunSubmitParams{RunID: "good", Instruction: s.text(s.gate("go"), "echo x > artifacts/out.txt"), Rubric: anyOutput})
	a.submit(rpc.RunSubmitParams{RunID: "bad", Instruction: s.text(s.gate("go"), "exit 3"), Rubric: anyOutput})
	for id, after := range map[string]string{"after-good": "good", "after-bad": "bad", "after-bad-2": "bad"} {
		a.submit(rpc.RunSubmitParams{RunID: id, Instruction: s.quick(), AfterRuns: []string{after}})
		if run := a.get(apprentice.RunID(id)).Run; run.QueueState != apprentice.Deferred || run.QueueReason != "waits for "+after {
			t.Errorf("%s is %s, %s", id, run.QueueState, run.QueueReason)
		}
	}
	s.open("go")
	if run := a.wait("after-good"); run.QueueState != apprentice.Completed {
		t.Errorf("after-good ended %s", run.QueueState)
	}
	a.wait("bad")
	eventually(t, "after-bad says why it waits on", func() bool {
		run := a.get("after-bad").Run
		return run.QueueState == apprentice.Deferred && strings.Contains(run.QueueReason, "was not accepted")
	})
	must(a, rpc.RunRelease, rpc.RunParams{RunID: "after-bad"})
	a.wait("after-bad")
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "bad"})
	eventually(t, "after-bad-2 says that the other is gone", func() bool {
		return strings.Contains(a.get("after-bad-2").Run.QueueReason, "gone")
	})
	a.kill()
	a.start()
	if run := a.get("after-bad-2").Run; run.QueueState != apprentice.Deferred {
		t.Errorf("after a restart after-bad-2 is %s", run.QueueState)
	}
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "after-bad-2"})
	a.stop()
	a.whole("good", "after-good", "after-bad", "after-bad-2")
}

func TestRunsStartNotBeforeTheirTime(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	at := time.Now().Add(1500 * time.Millisecond)
	a.submit(rpc.RunSubmitParams{RunID: "later", Instruction: s.quick(), NotBefore: at.Format(time.RFC3339Nano)})
	a.submit(rpc.RunSubmitParams{RunID: "far", Instruction: s.quick(), NotBefore: time.Now().Add(time.Hour).Format(time.RFC3339)})
	a.kill()
	a.start()
	run := a.wait("later")
	if started, err := apprentice.ParseStamp(run.StartedAt); err != nil || started.Before(at.Truncate(time.Microsecond)) {
		t.Errorf("it started at %s, %v, before %s", run.StartedAt, err, at)
	}
	if run := a.get("far").Run; run.QueueState != apprentice.Deferred || !strings.HasPrefix(run.QueueReason, "until ") {
		t.Errorf("far is %s, %s", run.QueueState, run.QueueReason)
	}
	must(a, rpc.RunRelease, rpc.RunParams{RunID: "far"})
	a.wait("far")
}

func TestHeldRunsWaitForTheirRelease(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	must(a, rpc.QueuePause, rpc.QueueParams{})
	a.submit(rpc.RunSubmitParams{RunID: "held", Instruction: s.quick()})
	must(a, rpc.RunHold, rpc.RunParams{RunID: "held"})
	must(a, rpc.QueueResume, rpc.QueueParams{})
	a.work(rpc.RunSubmitParams{RunID: "other", Instruction: s.quick()})
	if run := a.get("held").Run; run.QueueState != apprentice.Deferred || run.QueueReason != "held" {
		t.Errorf("it is %s, %s", run.QueueState, run.QueueReason)
	}
	refused(a, rpc.RunHold, rpc.RunParams{RunID: "other"}, apprentice.Conflict)
	must(a, rpc.RunRelease, rpc.RunParams{RunID: "held"})
	a.wait("held")
	if types := a.types("held"); !strings.HasPrefix(types, "run_queued run_deferred run_released run_started ") {
		t.Errorf("its events are %s", types)
	}
}

func TestAnIdempotencyKeyMakesOneRun(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	asset := write(t, s.file("data"), strings.Repeat("x", 1<<20))
	for _, assets := range [][]string{nil, {asset}} {
		key := "key" + strings.Join(assets, "")
		var all sync.WaitGroup
		ids := make([]apprentice.RunID, 8)
		for i := range ids {
			all.Go(func() {
				got, err := rpc.Call(a.ctx(), a.conn, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: s.quick(), IdempotencyKey: key, Assets: assets})
				if err != nil {
					t.Error(err)
				}
				ids[i] = got.Run.RunID
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("one key made %v", ids)
				break
			}
		}
		a.wait(ids[0])
	}
	if runs := must(a, rpc.RunList, rpc.RunListParams{}).Runs; len(runs) != 2 {
		t.Errorf("there are %d runs", len(runs))
	}
	entries, err := os.ReadDir(a.home.Runs())
	if err != nil || len(entries) != 2 {
		t.Errorf("there are %d run folders, %v", len(entries), err)
	}
}

func TestASubmitThatIsRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	missing := s.file("missing")
	good := write(t, s.file("good"), "x")
	outside := s.file("tree")
	if err := os.Mkdir(outside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", outside+"/link"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		p    rpc.RunSubmitParams
		kind apprentice.Kind
	}{
		{rpc.RunSubmitParams{Instruction: " "}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Assets: []string{good, missing}}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Assets: []string{"/dev/null"}}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Assets: []string{outside}}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Assets: []string{"relative"}}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Rubric: "criteria: []"}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", RubricPath: missing}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", RunID: "../up"}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", AfterRuns: []string{"nobody"}}, apprentice.NotFound},
		{rpc.RunSubmitParams{Instruction: "x", NotBefore: "soon"}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Settings: rpc.RunSettings{"agentt": "shell"}}, apprentice.Invalid},
		{rpc.RunSubmitParams{Instruction: "x", Settings: rpc.RunSettings{"agent": ""}}, apprentice.Unmet},
		{rpc.RunSubmitParams{Instruction: "x", Settings: rpc.RunSettings{"agent": "custom"}}, apprentice.Unmet},
		{rpc.RunSubmitParams{Instruction: "x", Settings: rpc.RunSettings{"mentor_mode": "model_assisted"}}, apprentice.Unmet},
		{rpc.RunSubmitParams{Instruction: "x", Settings: rpc.RunSettings{"max_improvement_loops": 0}}, apprentice.Invalid},
	} {
		refused(a, rpc.RunSubmit, c.p, c.kind)
	}
	if runs := must(a, rpc.RunList, rpc.RunListParams{}).Runs; len(runs) != 0 {
		t.Errorf("there are runs %v", runs)
	}
	entries, err := os.ReadDir(a.home.Runs())
	if err != nil || len(entries) != 0 {
		t.Errorf("there are run folders %v, %v", entries, err)
	}
	a.stop()
	a.whole()
}
