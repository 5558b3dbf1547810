package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/internal/model"
	"aad/mentor"
	"aad/rpc"
)

// withChecks is a rubric whose first criterion has a command for a check and whose
// last one is hidden.
func withChecks(run string) func(string) any {
	return func(string) any {
		a := aRubric
		a.Criteria = append([]mentor.CriterionAnswer{}, aRubric.Criteria...)
		a.Criteria[0].Check = mentor.CheckAnswer{Kind: "command", Run: run, Texts: []string{}, Columns: []string{}}
		a.Criteria[2].Hidden = true
		return a
	}
}

func TestCommandThatAModelProposesIsRunWhenThatIsAllowedOnly(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{false, true} {
		r, env := newReviewer(t, byWords)
		ran := filepath.Join(t.TempDir(), "ran")
		r.rubric = withChecks("touch '" + ran + "'; exit 1")
		a := newAad(t, env...)
		run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("march; total"),
			Settings: rpc.RunSettings{"max_improvement_loops": 1, "allow_generated_checks": allowed}})
		if there(ran) != allowed || run.Accepted() == allowed {
			t.Errorf("allowed %v: the command was run %v, the run is %+v", allowed, there(ran), run)
		}
		var spec apprentice.RubricSpec
		a.read("r", "rubric/rubric.json", &spec)
		if left := spec.RubricItems[0].MetadataJSON["proposed_check_left_out"]; (left == nil) != allowed {
			t.Errorf("allowed %v: the rubric says %v", allowed, spec.RubricItems[0].MetadataJSON)
		}
		if spec.RubricGenerationSource != "task_specific_agent_draft" || spec.RubricGenerationAgentModel != "scripted" || spec.TotalWeight != 1 {
			t.Errorf("the rubric is %+v", spec)
		}
		var quality apprentice.RubricQualityReport
		a.read("r", "rubric/rubric_quality_report.json", &quality)
		if !quality.WeightsSumValid || !quality.HasDisqualifyingErrors || quality.CriteriaCount != 3 {
			t.Errorf("its quality is %+v", quality)
		}
	}
}

func TestCommandThatAModelProposesIsRunInTheSandbox(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, kind string) {
		r, env := newReviewer(t, byWords)
		outside := filepath.Join(t.TempDir(), "ran")
		r.rubric = withChecks("touch '" + outside + "'; echo it was run; exit 1")
		a := newAad(t, env...)
		run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("march; total"),
			Settings: rpc.RunSettings{"max_improvement_loops": 1, "sandbox": kind}})
		if there(outside) || run.Accepted() {
			t.Errorf("written outside: %v; the run is %+v", there(outside), run)
		}
		var spec apprentice.RubricSpec
		a.read("r", "rubric/rubric.json", &spec)
		if left := spec.RubricItems[0].MetadataJSON["proposed_check_left_out"]; left != nil {
			t.Errorf("the rubric says %v", left)
		}
		if text := slurp(t, a.home.Run("r").Package("task_r").Grade("baseline")); !strings.Contains(text, "it was run") {
			t.Errorf("the grade does not tell of the check: %s", text)
		}
	})
}

// TestApprenticeMeetsNothingOfAHiddenCriterion looks, while the agent of the second
// attempt works, through all that its run's folder and workspace hold.
func TestApprenticeMeetsNothingOfAHiddenCriterion(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, byWords)
	r.rubric = withChecks("true")
	a, s := newAad(t, env...), newScript(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(reportBy("january", "march"), `if [ "$AA_ATTEMPT" = revised ]; then `+s.gate("go")+`; fi`),
		Settings: rpc.RunSettings{"max_improvement_loops": 2}})
	s.reached("go")
	for _, dir := range []string{string(a.home.Run("r")), a.home.Work("r", 0, "revised")} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.Contains(slurp(t, path), "the total is given") {
				t.Errorf("%s tells the hidden criterion", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	s.open("go")
	a.wait("r")
	if !strings.Contains(slurp(t, filepath.Join(string(a.home.Run("r")), "roles", apprentice.RawTaskOf("r", 0), "grader/baseline/prompt.md")), "the total is given") {
		t.Error("the grader was not told of it")
	}
	for _, q := range r.server.Requests() {
		if q.Schema == "evaluator" && strings.Contains(q.Text, "the total is given") {
			t.Error("the evaluator, whose words the apprentice reads, was told of it")
		}
	}
}

func TestCancelEndsACallAtOnce(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"intake", "grader"} {
		r, env := newReviewer(t, byWords)
		reached := make(chan struct{})
		r.before = func(q model.Request) *model.Step {
			if q.Schema != role {
				return nil
			}
			close(reached)
			return &model.Step{Fault: "hang"}
		}
		a := newAad(t, env...)
		a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("march; total")})
		<-reached
		must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
		if run := a.wait("r"); run.QueueState != apprentice.Cancelled || run.Verdict != apprentice.Unreviewed {
			t.Errorf("cancelled while the %s was asked, it is %+v", role, run)
		}
	}
}

func TestModelIsShownWhatChangedInARepository(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, byWords)
	a := newAad(t, env...)
	repo := filepath.Join(t.TempDir(), "repo")
	if err := os.Mkdir(repo, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(repo, "main.go"), "package old\n")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "f=$(find input -name main.go); echo 'package fresh' > $f; echo march > artifacts/report.md",
		Assets: []string{repo}, Settings: rpc.RunSettings{"max_improvement_loops": 1}})
	for _, q := range r.server.Requests() {
		if q.Schema == "grader" && (!strings.Contains(q.Text, "+package fresh") || !strings.Contains(q.Text, "-package old")) {
			t.Errorf("the grader is shown %s", q.Text)
		}
	}
	if r.asked("grader") != 1 {
		t.Error("no grader was asked")
	}
}
