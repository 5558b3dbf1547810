package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

func TestRunIsRevisedUntilItIsAccepted(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	run := a.work(rpc.RunSubmitParams{Instruction: s.text(twoTries), Rubric: wantsGood})
	if !run.Accepted() || run.FinalScore == nil || *run.FinalScore != 1 || run.StopReason != apprentice.StopAccepted || run.JudgedBy != "checks" {
		t.Errorf("it ended %+v", run)
	}
	a.stop()
	a.whole(run.RunID)
}

func TestFollowupGoesOnFromWhatWasDelivered(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	data := write(t, s.file("data.csv"), "1\n")
	more := write(t, s.file("more.csv"), "2\n")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text("echo one > artifacts/out.txt"), Rubric: anyOutput, Assets: []string{data}})
	before := tree(t, filepath.Join(string(a.home.Run("r")), "packages/task_r"))

	run := must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Assets: []string{more},
		Instruction: s.text("cat artifacts/out.txt input/data.csv $(find input -name more.csv) > artifacts/all.txt", "echo two >> artifacts/out.txt")})
	if run.Pass != 1 || !run.Live() {
		t.Errorf("the follow-up is %+v", run)
	}
	if run = a.wait("r"); !run.Accepted() || run.LatestPackage != "task_r-followup-1" {
		t.Errorf("it ended %+v", run)
	}
	if got := slurp(t, filepath.Join(a.home.Run("r").Artifacts(), "all.txt")); got != "one\n1\n2\n" {
		t.Errorf("the follow-up saw %q", got)
	}
	if !there(filepath.Join(a.home.Run("r").FollowupAssets(1), "more.csv")) {
		t.Error("its asset is not in followup_1")
	}
	if after := tree(t, filepath.Join(string(a.home.Run("r")), "packages/task_r")); after != before {
		t.Errorf("the first package was touched:\n%s\n%s", before, after)
	}
	want := "run_queued run_started task_workspace_prepared apprentice_attempt_started apprentice_attempt_completed mentor_review_started " +
		"mentor_review_completed contribution_bundle_started contribution_bundle_completed run_completed run_queued followup_started task_workspace_prepared apprentice_attempt_started " +
		"apprentice_attempt_completed mentor_review_started mentor_review_completed contribution_bundle_started contribution_bundle_completed followup_completed"
	if types := a.types("r"); types != want {
		t.Errorf("its events are %s", types)
	}
	for _, e := range a.events("r")[10:] {
		if e.Metadata["followup_index"] != float64(1) || !strings.Contains(e.Message, "Follow-up 1") {
			t.Errorf("event %s says %q, %v", e.EventType, e.Message, e.Metadata)
		}
	}

	status := a.get("r").Run.TaskStatus
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: "for the record", RecordOnly: true})
	if run := a.get("r").Run; run.Live() || run.TaskStatus != status || run.Pass != 2 || !run.Accepted() {
		t.Errorf("recorded only, it is %+v", run)
	}
	refused(a, rpc.RunRetry, rpc.RunParams{RunID: "r"}, apprentice.Conflict)
	must(a, rpc.RunFinish, rpc.RunParams{RunID: "r"})
	n := len(a.events("r"))
	if run := must(a, rpc.RunFinish, rpc.RunParams{RunID: "r"}); run.SessionStatus != sessionFinished || len(a.events("r")) != n {
		t.Errorf("finishing twice: %+v", run)
	}
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: s.text("cat artifacts/out.txt > artifacts/third.txt", s.gate("go"))})
	s.reached("go")
	refused(a, rpc.RunFinish, rpc.RunParams{RunID: "r"}, apprentice.Unmet)
	refused(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: "x"}, apprentice.Conflict)
	s.open("go")
	if run := a.wait("r"); run.Pass != 3 || run.SessionStatus != "open" || !there(filepath.Join(a.home.Run("r").Artifacts(), "third.txt")) {
		t.Errorf("reopened, it is %+v", run)
	}
	a.stop()
	a.whole("r")
}

// tree is the names and texts of a folder's files.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, path := range under(dir) {
		b.WriteString(path + "\n" + slurp(t, path) + "\n")
	}
	return b.String()
}

func TestRetryPutsTheFailedAttemptAside(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput,
		Instruction: s.text("echo log", "test -e '"+s.file("mended")+"' && echo x > artifacts/out.txt")})
	if run.QueueState != apprentice.Failed {
		t.Fatalf("it ended %s", run.QueueState)
	}
	s.open("mended")
	must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
	run = a.wait("r")
	if !run.Accepted() || run.OperationalError != "" || run.StatusReason != "" {
		t.Errorf("it ended %+v", run)
	}
	pack := filepath.Join(string(a.home.Run("r")), "packages/task_r")
	if !there(filepath.Join(pack, "aside/baseline-1/stdout.txt")) || !there(filepath.Join(pack, "attempts/baseline/artifacts/out.txt")) {
		t.Errorf("the package holds %v", under(pack))
	}
	refused(a, rpc.RunRetry, rpc.RunParams{RunID: "r"}, apprentice.Conflict)
	a.stop()
	a.whole("r")
}

func TestRetryOfACancelledRunGoesOn(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text(twoTries,
		`if [ $AA_ATTEMPT = revised ] && [ ! -e '`+s.file("again")+`' ]; then touch '`+s.file("again")+`'`, s.gate("never"), "fi")})
	s.reached("never")
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
	if run := a.wait("r"); run.TaskStatus != apprentice.StatusPartial || run.SelectedID != "task_r_baseline" {
		t.Errorf("cancelled in its revision it is %+v", run)
	}
	must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %+v", run)
	}
	if n := s.starts(); n["r baseline"] != 1 || n["r revised"] != 2 {
		t.Errorf("attempts were started %v", n)
	}
	a.stop()
	a.whole("r")
}

func TestAgainWorksTheSameTaskAnew(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	data := write(t, s.file("data.csv"), "1\n")
	write(t, s.file("check.sh"), "grep -q 1 artifacts/out.txt\n")
	path := write(t, s.file("rubric.yaml"), `criteria: [{name: c, check: {command: {run: "sh $AA_CHECK_DIR/check.sh", files: [check.sh]}}}]`)
	first := a.work(rpc.RunSubmitParams{Instruction: s.text("cp input/data.csv artifacts/out.txt"), RubricPath: path, Assets: []string{data},
		Settings: rpc.RunSettings{"max_improvement_loops": 1}})
	for _, name := range []string{data, path, s.file("check.sh")} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	second := a.work(rpc.RunSubmitParams{Again: string(first.RunID)})
	if second.RunID == first.RunID || !second.Accepted() || second.MaxLoops != 1 {
		t.Errorf("again ended %+v", second)
	}
	a.stop()
	a.whole(first.RunID, second.RunID)
}

func TestACorrectedFollowupWithHelpersIsTaken(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "echo 1 > artifacts/out.txt"})
	write(t, s.file("check.sh"), "grep -q 2 artifacts/out.txt\n")
	p := rpc.RunContinueParams{RunID: "r", Instruction: "echo 2 > artifacts/out.txt", Assets: []string{s.file("none.csv")},
		RubricPath: write(t, s.file("rubric.yaml"), `criteria: [{name: c, check: {command: {run: "sh $AA_CHECK_DIR/check.sh", files: [check.sh]}}}]`)}
	refused(a, rpc.RunContinue, p, apprentice.Invalid)
	p.Assets = nil
	must(a, rpc.RunContinue, p)
	if run := a.wait("r"); !run.Accepted() || run.Pass != 1 {
		t.Errorf("the corrected follow-up ended %s, %s", run.QueueState, run.Verdict)
	}
}
