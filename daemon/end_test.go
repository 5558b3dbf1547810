package daemon

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

const anyOutput = "criteria: [{name: there, check: {file: {path: artifacts/out.txt}}}]"

// killShim kills the one shim of the home as the kernel does when memory is short.
func (a *aad) killShim() {
	a.t.Helper()
	for _, pid := range left(a.t, string(a.home)) {
		args, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if !strings.HasPrefix(string(args), shimPath) {
			continue
		}
		p, err := os.FindProcess(pid)
		if err == nil {
			err = p.Kill()
		}
		if err != nil {
			a.t.Error(err)
		}
		return
	}
	a.t.Error("no shim runs")
}

func TestLostAttemptIsPutAsideAndTriedOnceMore(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		t.Run("aad down "+strconv.FormatBool(down), func(t *testing.T) {
			a, s := newAad(t), newScript(t)
			id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput,
				Instruction: s.text("echo first > artifacts/out.txt", `if [ ! -e '`+s.file("again")+`' ]; then touch '`+s.file("again")+`'`, s.gate("never"), "fi")})
			s.reached("never")
			if down {
				a.kill()
			}
			a.killShim()
			if down {
				a.start()
			}
			run := a.wait(id)
			if !run.Accepted() {
				t.Errorf("it ended %+v", run)
			}
			want := "run_queued run_started task_workspace_prepared apprentice_attempt_started attempt_interrupted " +
				"apprentice_attempt_started apprentice_attempt_completed mentor_review_started mentor_review_completed contribution_bundle_started contribution_bundle_completed run_completed"
			if types := a.types(id); types != want {
				t.Errorf("its events are %s", types)
			}
			if n := s.starts()["r baseline"]; n != 2 {
				t.Errorf("the attempt was started %d times", n)
			}
			if !there(filepath.Join(string(a.home.Run(id)), "packages/task_r/aside/baseline-1/artifacts/out.txt")) {
				t.Error("the lost attempt is not put aside")
			}
			a.stop()
			a.whole(id)
		})
	}
}

func TestAttemptLostTwiceFailsAsInterrupted(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput, Instruction: s.text(s.gate("never"))})
	for n := 1; n <= 2; n++ {
		eventually(t, "a start", func() bool { return s.starts()["r baseline"] == n })
		a.killShim()
	}
	run := a.wait(id)
	if run.QueueState != apprentice.Failed || run.OperationalError != apprentice.Interrupted || run.StopReason != apprentice.StopOperationalError {
		t.Errorf("it ended %+v", run)
	}
	a.stop()
	a.whole(id)
}

// resisting is a tree that no plain SIGTERM ends: it ignores it, leaves its session,
// its parent and its group, and holds the output open.
const resisting = `trap "" TERM HUP INT
echo x > artifacts/out.txt
(trap "" TERM; setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &) &
(trap "" TERM; (trap "" TERM; sleep 1000 & sleep 1000) & ) 
setsid sleep 1000 >/dev/null 2>&1 </dev/null &
`

func TestCancelEndsATreeThatResists(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		t.Run("after a restart "+strconv.FormatBool(restart), func(t *testing.T) {
			a, s := newAad(t), newScript(t)
			id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput, Instruction: s.text(resisting, s.gate("never"))})
			s.reached("never")
			if restart {
				a.stop()
				if len(left(t, string(a.home))) < 4 {
					t.Error("the agent does not go on while aad is down")
				}
				a.start()
			}
			must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
			run := a.wait(id)
			if pids := left(t, string(a.home)); len(pids) > 0 {
				t.Errorf("when it has ended there are left the processes %v", pids)
			}
			if run.QueueState != apprentice.Cancelled || run.TaskStatus != apprentice.StatusFailed || run.StatusReason == "" || run.Accepted() {
				t.Errorf("it ended %+v", run)
			}
			if types := a.types(id); strings.Count(types, "run_cancelled") != 1 || strings.Contains(types, "run_completed") {
				t.Errorf("its events are %s", types)
			}
			refused(a, rpc.RunCancel, rpc.RunParams{RunID: "r"}, apprentice.Conflict)
			a.stop()
			a.whole(id)
		})
	}
}

func TestCancelDuringACheckEndsTheCheck(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	rubric := "criteria: [{name: slow, check: {command: {run: \"trap '' TERM; touch " + s.file("checking") + "; sleep 1000\"}}}]"
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: rubric, Instruction: s.text("echo x > artifacts/out.txt")})
	eventually(t, "the check runs", func() bool { return there(s.file("checking")) })
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
	run := a.wait(id)
	if run.QueueState != apprentice.Cancelled || run.TaskStatus != apprentice.StatusPartial {
		t.Errorf("it ended %+v", run)
	}
	a.none()
	a.stop()
	a.whole(id)
}

func TestCheckIsFollowedOnAfterAKill(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	rubric := "criteria: [{name: slow, check: {command: {run: \"touch " + s.file("checking") + "; while [ ! -e " + s.file("go") + " ]; do sleep 0.01; done\"}}}]"
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: rubric, Instruction: s.text("echo x > artifacts/out.txt")})
	eventually(t, "the check runs", func() bool { return there(s.file("checking")) })
	a.kill()
	s.open("go")
	a.start()
	if run := a.wait(id); !run.Accepted() {
		t.Errorf("it ended %+v", run)
	}
	a.stop()
	a.whole(id)
}

func TestCancelOfRunsThatHoldNoSlot(t *testing.T) {
	t.Parallel()
	a, s := newAad(t, "AA_MAX_PARALLEL=1"), newScript(t)
	first := a.submit(rpc.RunSubmitParams{RunID: "first", Instruction: s.text(s.gate("go"), "echo x > artifacts/x")})
	queued := a.submit(rpc.RunSubmitParams{RunID: "queued", Instruction: s.text("echo x > artifacts/x")})
	held := a.submit(rpc.RunSubmitParams{RunID: "held", Instruction: s.text("echo x > artifacts/x"), Hold: true})
	for _, id := range []apprentice.RunID{queued, held} {
		run := must(a, rpc.RunCancel, rpc.RunParams{RunID: string(id)})
		if run.QueueState != apprentice.Cancelled || run.TaskStatus != apprentice.StatusFailed || run.RunStatus != apprentice.StatusFailed {
			t.Errorf("%s is %s, %s", id, run.QueueState, run.TaskStatus)
		}
		if types := a.types(id); types != "run_queued run_cancelled" {
			t.Errorf("%s has %s", id, types)
		}
	}
	s.open("go")
	a.wait(first)
	a.stop()
	a.whole(first, queued, held)
	if n := len(s.starts()); n != 1 {
		t.Errorf("agents were started: %v", s.starts())
	}
}

func TestLimitsAreKeptAlsoWhileAadIsDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, setting string
		want          apprentice.OperationalError
		status        string
	}{
		{"time", "task_timeout_seconds", apprentice.TimeoutError, "timeout"},
		{"silence", "idle_timeout_seconds", apprentice.StalledError, "timeout"},
	} {
		for _, down := range []bool{false, true} {
			t.Run(c.name+" down "+strconv.FormatBool(down), func(t *testing.T) {
				a, s := newAad(t), newScript(t)
				id := a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(`trap "" TERM`, s.gate("never")),
					Settings: rpc.RunSettings{c.setting: 1}})
				s.reached("never")
				if down {
					a.kill()
					a.none() // the shim keeps the limit
					a.start()
				}
				run := a.wait(id)
				if run.QueueState != apprentice.Failed || run.OperationalError != c.want {
					t.Errorf("it ended %s, %s", run.QueueState, run.OperationalError)
				}
				if got := a.get(id).Attempts[0].Status; got != c.status {
					t.Errorf("the attempt's status is %s", got)
				}
				a.stop()
				a.whole(id)
			})
		}
	}
}

func TestShutdownLeavesAgentsToTheNextDaemon(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput, Instruction: s.text(s.gate("go"), "echo x > artifacts/out.txt")})
	s.reached("go")
	began := time.Now()
	must(a, rpc.DaemonShutdown, rpc.ShutdownParams{})
	<-a.conn.Done()
	t.Logf("shut down in %v", time.Since(began))
	a.gone()
	s.open("go")
	a.start()
	if run := a.wait(id); !run.Accepted() {
		t.Errorf("it ended %+v", run)
	}
	if n := s.starts()["r baseline"]; n != 1 {
		t.Errorf("the agent was started %d times", n)
	}
	a.stop()
	a.whole(id)
}

// gone waits for a daemon that was asked to stop.
func (a *aad) gone() {
	a.t.Helper()
	if err := a.cmd.Wait(); err != nil {
		a.t.Errorf("aad ends with %v: %s", err, a.said)
	}
	a.cmd = nil
}
