package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

func TestHowAnAttemptEndsDecidesItsStatus(t *testing.T) {
	t.Parallel()
	const out = "echo x > artifacts/out.txt\n"
	custom := rpc.RunSettings{"agent": "custom", "custom_command_template": "{workspace}/no-such-agent {prompt_file}"}
	for _, c := range []struct {
		name, script string
		settings     rpc.RunSettings
		status       string // of actual_outputs.json
		state        apprentice.QueueState
		verdict      apprentice.Verdict
		operational  apprentice.OperationalError
	}{
		{"delivered", out, nil, "success", apprentice.Completed, apprentice.Passed, ""},
		{"nothing delivered", "true", nil, "failed", apprentice.Failed, apprentice.Unreviewed, apprentice.OutputContract},
		{"failed after delivering", out + "exit 3", nil, "partial", apprentice.Partial, apprentice.Passed, ""},
		{"failed", "echo went wrong >&2; exit 3", nil, "failed", apprentice.Failed, apprentice.Unreviewed, apprentice.NonzeroExit},
		{"killed", "kill -9 $$", nil, "failed", apprentice.Failed, apprentice.Unreviewed, apprentice.NonzeroExit},
		{"too slow after delivering", out + "sleep 1000", rpc.RunSettings{"task_timeout_seconds": 1}, "partial", apprentice.Partial, apprentice.Passed, ""},
		{"no such command", "", custom, "error", apprentice.Failed, apprentice.Unreviewed, apprentice.CommandNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAad(t)
			instruction := c.script
			if instruction == "" {
				instruction = "do it"
			}
			run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: instruction, Rubric: anyOutput, Settings: c.settings, Force: true})
			attempts := a.get("r").Attempts
			if len(attempts) != 1 || attempts[0].Status != c.status || attempts[0].OperationalError != c.operational {
				t.Errorf("its attempts are %+v", attempts)
			}
			if run.QueueState != c.state || run.Verdict != c.verdict || run.OperationalError != c.operational {
				t.Errorf("it ended %s, %s, %s: %s", run.QueueState, run.Verdict, run.OperationalError, run.StatusReason)
			}
			types := a.types("r")
			if told := strings.Contains(types, "operational_error"); told != (c.operational != "") {
				t.Errorf("its events are %s", types)
			}
			if !strings.HasSuffix(types, " run_completed") {
				t.Errorf("its events are %s", types)
			}
			a.stop()
			a.whole("r")
		})
	}
}

func TestLoopStopsWhenTheScoreNoLongerRises(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text("echo bad > artifacts/out.txt"),
		Settings: rpc.RunSettings{"max_improvement_loops": 9, "stall_rounds": 2}})
	if run.StopReason != apprentice.StopNoImprovement || run.Verdict != apprentice.FailedReview || run.QueueState != apprentice.Completed || len(s.starts()) != 3 {
		t.Errorf("it ended %+v after %v", run, s.starts())
	}
}

func TestLoopStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text("echo bad > artifacts/out.txt"),
		Settings: rpc.RunSettings{"max_improvement_loops": 2}})
	if run.StopReason != apprentice.StopMaxIterations || len(s.starts()) != 2 || run.FinalScore == nil || *run.FinalScore != 0 {
		t.Errorf("it ended %+v after %v", run, s.starts())
	}
}

func TestTheBestAttemptIsSelectedAndNotTheLast(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	rubric := `
criteria:
  - {name: one, check: {file: {path: artifacts/one}}}
  - {name: two, check: {file: {path: artifacts/two}}}
  - {name: three, check: {file: {path: artifacts/three}}}
`
	run := a.work(rpc.RunSubmitParams{RunID: "r", Rubric: rubric, Settings: rpc.RunSettings{"max_improvement_loops": 4, "stall_rounds": 9},
		Instruction: s.text(`case $AA_ATTEMPT in
baseline) touch artifacts/one;;
revised) test -e artifacts/one && touch artifacts/two;;
revised-2) rm artifacts/two;;
revised-3) test -e artifacts/two && rm artifacts/*; touch artifacts/three;;
esac`)})
	if run.FinalScore == nil || *run.FinalScore < 0.66 || *run.FinalScore > 0.67 || run.SelectedID != "task_r_revised" {
		t.Errorf("it ended %+v", run)
	}
	for name, want := range map[string]bool{"one": true, "two": true, "three": false} {
		if got := there(filepath.Join(a.home.Run("r").Artifacts(), name)); got != want {
			t.Errorf("artifacts/%s: %v", name, got)
		}
	}
	a.stop()
	a.whole("r")
}

func TestOperationalErrorKeepsTheAttemptThatWasGraded(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood,
		Instruction: s.text(`if [ $AA_ATTEMPT = baseline ]; then echo bad > artifacts/out.txt; else rm -r artifacts/*; exit 7; fi`)})
	if run.QueueState != apprentice.Failed || run.OperationalError != apprentice.NonzeroExit || run.SelectedID != "task_r_baseline" ||
		run.Verdict != apprentice.FailedReview || run.FinalScore == nil {
		t.Errorf("it ended %+v", run)
	}
	if got := slurp(t, filepath.Join(a.home.Run("r").Artifacts(), "out.txt")); got != "bad\n" {
		t.Errorf("artifacts/out.txt is %q", got)
	}
}

func TestUnreviewedCriteriaStopTheLoopUnreviewed(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	rubric := "criteria: [{name: there, check: {file: {path: artifacts/out.txt}}}, {name: taste, description: it reads well}]"
	run := a.work(rpc.RunSubmitParams{RunID: "r", Rubric: rubric, Instruction: s.text("echo x > artifacts/out.txt")})
	if run.QueueState != apprentice.Completed || run.Verdict != apprentice.Unreviewed || run.StopReason != apprentice.StopUnreviewed ||
		run.Accepted() || len(s.starts()) != 1 {
		t.Errorf("it ended %+v", run)
	}
}

// TestHiddenCriteriaStayHidden has the agent look for them in everything it can
// reach from its workspace and its environment.
func TestHiddenCriteriaStayHidden(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	helper := write(t, s.file("secret-helper.sh"), "echo secret-finding; grep -q good artifacts/out.txt\n")
	rubric := `
criteria:
  - {name: there, check: {file: {path: artifacts/out.txt}}}
  - name: secret-criterion
    description: secret-description
    worker_visible: false
    check: {command: {run: "sh $AA_CHECK_DIR/secret-helper.sh", files: [secret-helper.sh]}}
`
	path := write(t, s.file("rubric.yaml"), rubric)
	run := a.work(rpc.RunSubmitParams{RunID: "r", RubricPath: path,
		Instruction: s.text("env > '"+s.file("seen")+"'.$AA_ATTEMPT", "find . -type f -exec cat {} + >> '"+s.file("seen")+"'.$AA_ATTEMPT",
			"find '"+filepath.Join(string(a.home.Run("r")))+"' -type f -exec cat {} + >> '"+s.file("seen")+"'.$AA_ATTEMPT", twoTries)})
	if !run.Accepted() || len(s.starts()) != 2 {
		t.Errorf("it ended %+v", run)
	}
	os.Remove(helper)
	for _, kind := range []string{"baseline", "revised"} {
		seen := slurp(t, s.file("seen."+kind))
		if !strings.Contains(seen, "AA_WORKSPACE=") {
			t.Fatalf("%s saw nothing", kind)
		}
		for line := range strings.Lines(seen) {
			if strings.Contains(line, "secret-") {
				t.Errorf("%s could see %q", kind, line)
			}
		}
	}
}

func TestTheRubricsHelpersAreThoseOfTheSubmit(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	helper := write(t, s.file("check.sh"), "grep -q good artifacts/out.txt\n")
	path := write(t, s.file("rubric.yaml"), `criteria: [{name: c, check: {command: {run: "sh $AA_CHECK_DIR/check.sh", files: [check.sh]}}}]`)
	run := a.work(rpc.RunSubmitParams{RunID: "r", RubricPath: path, Settings: rpc.RunSettings{"max_improvement_loops": 1},
		Instruction: s.text("echo exit 0 > '" + helper + "'; echo exit 0 > check.sh; echo exit 0 > artifacts/check.sh; echo bad > artifacts/out.txt")})
	if run.Verdict != apprentice.FailedReview {
		t.Errorf("an apprentice passed the test that it edited: %+v", run)
	}
}

func TestASnapshotOfHelpersThatAnApprenticeChangedMeasuresNothing(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	write(t, s.file("check.sh"), "grep -q good artifacts/out.txt\n")
	path := write(t, s.file("rubric.yaml"), `criteria: [{name: c, check: {command: {run: "sh $AA_CHECK_DIR/check.sh", files: [check.sh]}}}]`)
	run := a.work(rpc.RunSubmitParams{RunID: "r", RubricPath: path,
		Instruction: s.text("find '" + string(a.home.Private("r")) + "' -name check.sh | while read f; do echo exit 0 > \"$f\"; done; echo bad > artifacts/out.txt")})
	if run.Accepted() || run.Verdict != apprentice.Unreviewed {
		t.Errorf("it ended %s, %s", run.QueueState, run.Verdict)
	}
}

func TestInputsAreHeldAgainstWhatTheDatabaseSaysOfThem(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	asset := write(t, s.file("data.csv"), "a,b\n")
	run := a.work(rpc.RunSubmitParams{RunID: "r", Assets: []string{asset}, Settings: rpc.RunSettings{"max_improvement_loops": 1},
		Rubric: "criteria: [{name: left alone, check: {unchanged: {}}}]",
		Instruction: s.text("was=$(sha256sum < input/data.csv | cut -c1-64); echo x >> input/data.csv; is=$(sha256sum < input/data.csv | cut -c1-64)\n" +
			"find '" + string(a.home) + "/control' -name before.json | while read f; do sed -i \"s/$was/$is/\" \"$f\"; done; echo x > artifacts/x")})
	if run.Verdict != apprentice.FailedReview {
		t.Errorf("inputs that an apprentice changed, and the note of them, pass: %s, %s", run.QueueState, run.Verdict)
	}
}
