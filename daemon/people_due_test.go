package daemon

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
	"aad/workspace"
)

func TestAQuestionThatNobodyAnswersIsToldAgainAndAtItsDeadlineEndsUndecided(t *testing.T) {
	t.Parallel()
	told := filepath.Join(t.TempDir(), "told")
	a := newAad(t, "AA_CHECKPOINT_REMINDER_SECONDS=1", "AA_CHECKPOINT_DEADLINE_SECONDS=3", "AA_ON_RUN_END=cat > "+told)
	id := a.intake("r")
	run := a.wait(id)
	if run.QueueState != apprentice.Cancelled || run.StatusReason != "nobody answered task_intake by its deadline" || run.Verdict != apprentice.Unreviewed {
		t.Errorf("the run is %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
	}
	types := a.types(id)
	if !strings.Contains(types, "checkpoint_reminder") || !strings.HasSuffix(types, "checkpoint_expired run_cancelled") || strings.Contains(types, "checkpoint_resolved") {
		t.Errorf("its events are %s", types)
	}
	eventually(t, "the hook is told of the end", func() bool { return there(told) })
	must(a, rpc.RunRetry, rpc.RunParams{RunID: string(id)})
	a.resolve(a.waits(id, checkpoint.TaskIntake).RunID, checkpoint.TaskIntake, `{"decision":"rejected"}`)
	a.wait(id)
	a.stop()
	a.whole(id)
}

func TestADeadlineThatPassedWhileAadWasDownHolds(t *testing.T) {
	t.Parallel()
	a := newAad(t, "AA_CHECKPOINT_DEADLINE_SECONDS=2")
	id := a.intake("r")
	a.kill()
	<-time.After(2 * time.Second)
	a.start()
	if run := a.wait(id); run.QueueState != apprentice.Cancelled {
		t.Errorf("the run is %s", run.QueueState)
	}
}

func TestTheDeadlineOfAFinishLeavesTheRunAsItEnded(t *testing.T) {
	t.Parallel()
	a := newAad(t, "AA_CHECKPOINT_DEADLINE_SECONDS=2")
	id := a.submit(rpc.RunSubmitParams{Instruction: "echo x > artifacts/x", Settings: map[string]any{"mentor_mode": "expert_led"},
		AutoApprove: &apprentice.AutoApproval{By: "a test"}})
	a.wait(id)
	must(a, rpc.RunFinish, rpc.RunParams{RunID: string(id)})
	a.await(id, apprentice.CheckpointExpired)
	eventually(t, "it is as it ended", func() bool { return a.get(id).Run.QueueState == apprentice.Completed })
	a.stop()
	a.whole(id)
}

// saveLate changes the decision in an answered file, as a person would who opens it.
func (a *aad) saveLate(id apprentice.RunID, stage checkpoint.Stage) {
	a.t.Helper()
	var f map[string]any
	path := a.asked(id, stage)
	if err := json.Unmarshal([]byte(slurp(a.t, path)), &f); err != nil || f["resolved_at"] == nil {
		a.t.Fatalf("%s is not answered: %v", path, err)
	}
	f["decision"] = "rejected"
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, path, string(data))
	note := filepath.Join(filepath.Dir(path), stage.ErrorsName())
	eventually(a.t, "a note says who answered", func() bool { return there(note) })
	if text := slurp(a.t, note); !strings.Contains(text, "was answered already: confirmed by ") {
		a.t.Errorf("the note says %s", text)
	}
	a.refusedAnswers(id, 1, "file", `"rejected"`)
}

func TestWhoSavesAnAnsweredFileAfterTheEndOrARestartIsToldOnce(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	ended, waiting, down := a.intake("ended"), a.intake("waiting"), a.intake("down")
	for _, id := range []apprentice.RunID{ended, waiting, down} {
		a.resolve(id, checkpoint.TaskIntake, `{"decision":"confirmed"}`)
		a.waits(id, checkpoint.Rubric)
	}
	for _, id := range []apprentice.RunID{ended, down} {
		a.resolve(id, checkpoint.Rubric, `{"decision":"rejected"}`)
		a.wait(id)
	}
	a.saveLate(ended, checkpoint.TaskIntake)
	a.stop()
	late := strings.Replace(slurp(t, a.asked(down, checkpoint.TaskIntake)), `"confirmed"`, `"rejected"`, 1)
	write(t, a.asked(down, checkpoint.TaskIntake), late)
	a.start()
	a.saveLate(waiting, checkpoint.TaskIntake)
	a.await(down, apprentice.CheckpointRejected)
	a.refusedAnswers(down, 1, "file", `"rejected"`)
	a.refusedAnswers(ended, 1, "file", `"rejected"`)
	if run := a.get(ended).Run; run.QueueState != apprentice.Failed || run.StopReason != apprentice.StopRejected {
		t.Errorf("the run is %s, %s", run.QueueState, run.StopReason)
	}
}

func TestAHookThatDoesNotEndIsEnded(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	var log strings.Builder
	h := &hooks{home: a.home, shim: shimPath, environ: os.Environ(), log: slog.New(slog.NewTextHandler(&log, nil)),
		limit: 100 * time.Millisecond, slots: make(chan struct{}, 1), ending: make(chan struct{})}
	h.start(t.Context(), "sleep 1000", hookInput{Hook: "on_run_end", Run: apprentice.Run{RunID: "r"}})
	h.running.Wait()
	h.end()
	if !strings.Contains(log.String(), "a hook has not worked") || !strings.Contains(log.String(), "ended with timeout") {
		t.Errorf("the log says %s", log.String())
	}
	a.none()
}

func TestAStopStartsNoMoreHooks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log strings.Builder
	h := &hooks{home: workspace.Home(newHome(t)), shim: shimPath, environ: os.Environ(), log: slog.New(slog.NewTextHandler(&log, nil)),
		limit: patience, slots: make(chan struct{}, 1), ending: make(chan struct{})}
	ran, gate := filepath.Join(dir, "ran"), filepath.Join(dir, "gate")
	hook := "echo x >> " + ran + "; while ! test -e " + gate + "; do sleep 0.1; done"
	h.start(t.Context(), hook, hookInput{Hook: "on_run_end"})
	eventually(t, "the first hook runs", func() bool { return there(ran) })
	for range 5 {
		h.start(t.Context(), hook, hookInput{Hook: "on_run_end"})
	}
	over := make(chan struct{})
	go func() { h.end(); close(over) }() // ends with the first hook
	<-h.ending
	write(t, gate, "")
	<-over
	if got := slurp(t, ran); got != "x\n" || strings.Count(log.String(), "was not run, since aad stops") != 5 {
		t.Errorf("%d hooks ran; the log says %s", strings.Count(got, "x"), log.String())
	}
}

func TestWhatAKilledAadsHooksLeftIsRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ran, gate := filepath.Join(dir, "ran"), filepath.Join(dir, "gate")
	a := newAad(t, "AA_ON_RUN_END=touch "+ran+"; while ! test -e "+gate+"; do sleep 0.1; done")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "echo x > artifacts/x"})
	eventually(t, "the hook runs", func() bool { return there(ran) })
	a.kill()
	left := func() int {
		dirs, err := a.home.Hooks()
		if err != nil {
			t.Fatal(err)
		}
		return len(dirs)
	}
	if left() != 1 {
		t.Fatalf("%d hooks have a folder", left())
	}
	a.start()
	if left() != 1 {
		t.Error("the folder of a hook that runs is gone")
	}
	write(t, gate, "")
	eventually(t, "its folder is removed", func() bool { return left() == 0 })
}

func TestTheExampleHookShowsANotification(t *testing.T) {
	t.Parallel()
	bin, shown := t.TempDir(), filepath.Join(t.TempDir(), "shown")
	write(t, filepath.Join(bin, "notify-send"), "#!/bin/sh\nprintf '%s\\n' \"$@\" >> "+shown+"\n")
	if err := os.Chmod(filepath.Join(bin, "notify-send"), 0o700); err != nil {
		t.Fatal(err)
	}
	example, err := filepath.Abs("../examples/hooks/notify.sh")
	if err != nil {
		t.Fatal(err)
	}
	hook := "PATH=" + bin + ":$PATH exec " + example
	a := newAad(t, "AA_ON_CHECKPOINT="+hook, "AA_ON_RUN_END="+hook)
	id := a.intake("r")
	eventually(t, "the question is shown", func() bool { return there(shown) && strings.Contains(slurp(t, shown), "aad waits for you") })
	a.resolve(id, checkpoint.TaskIntake, `{"decision":"rejected"}`)
	a.wait(id)
	eventually(t, "the end is shown", func() bool { return strings.Contains(slurp(t, shown), "aad: run failed") })
	if text := slurp(t, shown); !strings.Contains(text, a.asked(id, checkpoint.TaskIntake)) {
		t.Errorf("the notification does not name the file:\n%s", text)
	}
}
