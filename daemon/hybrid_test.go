package daemon

import (
	"strings"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

func TestPersonChangesAModelsDraft(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, byWords)
	a := newAad(t, append(env, "AA_MENTOR_MODE=hybrid")...)
	a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("january", "january, march")})
	f := a.waits("r", checkpoint.TaskIntake)
	if f.ModelDraftSource != "compatible scripted" || !strings.Contains(f.HowTo, "20 to 40 USD") || !strings.Contains(f.HowTo, "a month is left out") {
		t.Errorf("the intake is asked as %+v", f)
	}
	a.answer("r", checkpoint.TaskIntake, map[string]any{"decision": "confirmed"})
	f = a.waits("r", checkpoint.Rubric)
	if len(f.Criteria) != 3 || !strings.Contains(strings.Join(f.Criteria[0].ObservableEvidence, " "), "the model's check") {
		t.Errorf("the rubric is asked as %+v", f.Criteria)
	}
	a.answer("r", checkpoint.Rubric, map[string]any{"decision": "edited", "removed_criteria": []string{"every month is named"},
		"additional_criteria": []map[string]any{{"criterion_name": "march is named", "weight": 0.4}}})
	f = a.waits("r", checkpoint.Evaluation)
	if f.Score == nil || *f.Score != 0.2 || len(f.FailedCriteria) != 2 || !strings.Contains(f.Feedback, "march is named") || f.ModelDraftSource != "compatible scripted" {
		t.Errorf("the evaluation is asked as %+v", f)
	}
	a.answer("r", checkpoint.Evaluation, map[string]any{"decision": "failed"}) // as it was drafted
	f = a.waits("r", checkpoint.Revision)
	if !*f.RevisionShouldRun || !strings.Contains(f.HowTo, "add what c3 asks for") {
		t.Errorf("the revision is asked as %+v", f)
	}
	a.answer("r", checkpoint.Revision, map[string]any{"decision": "revise"})
	a.answer("r", checkpoint.Evaluation, map[string]any{"decision": "passed", "score": 0.9, "failed_criteria": []string{}, "feedback": "good enough"})
	a.answer("r", checkpoint.FinalApproval, map[string]any{"decision": "confirmed"})
	run := a.wait("r")
	if !run.Accepted() || run.JudgedBy != "human" || *run.FinalScore != 0.9 {
		t.Errorf("run is %+v", run)
	}
	var grade apprentice.GraderResult
	a.read("r", "grading/revised_grader_result.json", &grade)
	if grade.GraderKind != "human_future" || grade.MetadataJSON["judge"] != "human" || grade.ReasoningSummary != "good enough" {
		t.Errorf("the grade is %+v", grade)
	}
	var first apprentice.EvaluatorFeedback
	a.read("r", "feedback/baseline_evaluator_feedback.json", &first)
	if n := len(first.ActionableFeedback); n != 2 {
		t.Errorf("feedback that was left as drafted is %q", first.ActionableFeedback)
	}
	if r.asked("intake") != 1 || r.asked("rubric") != 1 || r.asked("grader") != 2 {
		t.Errorf("%d requests", len(r.server.Requests()))
	}
}

func TestPersonIsAskedWithoutADraftWhenTheModelIsDown(t *testing.T) {
	t.Parallel()
	_, env := newReviewer(t, byWords)
	a := newAad(t, append(env, "AA_MENTOR_MODE=hybrid", "AA_MENTOR_BASE_URL=http://127.0.0.1:1/v1")...)
	a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("january")})
	for _, stage := range []checkpoint.Stage{checkpoint.TaskIntake, checkpoint.Rubric, checkpoint.Evaluation} {
		f := a.waits("r", stage)
		if f.ModelDraftSource != "" || !strings.Contains(f.HowTo, "The model could not be asked, so there is no draft") || !strings.Contains(f.HowTo, "network") {
			t.Errorf("%s is asked as %q, drafted by %q", stage, f.HowTo, f.ModelDraftSource)
		}
		if stage == checkpoint.Evaluation {
			if f.Score != nil || f.Passed != nil {
				t.Errorf("a grade was drafted: %+v", f)
			}
			break
		}
		a.answer("r", stage, map[string]any{"decision": "confirmed"})
	}
	a.answer("r", checkpoint.Evaluation, map[string]any{"decision": "passed", "score": 1})
	a.answer("r", checkpoint.FinalApproval, map[string]any{"decision": "confirmed"})
	if run := a.wait("r"); !run.Accepted() || run.JudgedBy != "human" {
		t.Errorf("run is %+v", run)
	}
}
