package daemon

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/internal/schema"
	"aad/rpc"
)

// byExpert submits a run that a person leads.
func (a *aad) byExpert(p rpc.RunSubmitParams) apprentice.RunID {
	a.t.Helper()
	if p.Settings == nil {
		p.Settings = rpc.RunSettings{}
	}
	p.Settings["mentor_mode"] = "expert_led"
	return a.submit(p)
}

// upTo confirms the questions before the first attempt.
func (a *aad) upTo(id apprentice.RunID, stage checkpoint.Stage) checkpoint.File {
	a.t.Helper()
	for _, s := range []checkpoint.Stage{checkpoint.TaskIntake, checkpoint.Rubric} {
		if s == stage {
			break
		}
		a.resolve(id, s, `{"decision":"confirmed"}`)
	}
	return a.waits(id, stage)
}

func readJSON[T any](t *testing.T, path string) (v T) {
	t.Helper()
	data := []byte(slurp(t, path))
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if err := schema.CheckType(v, data); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return v
}

func (a *aad) pack(id apprentice.RunID, parts ...string) string {
	return filepath.Join(append([]string{string(a.home.Run(id)), "packages", "task_" + string(id)}, parts...)...)
}

func TestWhatAPersonEditsIsWhatTheApprenticeIsTold(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: "echo first > artifacts/x"})
	f := a.waits(id, checkpoint.TaskIntake)
	if f.Instruction != "echo first > artifacts/x" || f.HumanApproved {
		t.Errorf("the question is %+v", f)
	}
	a.answer(id, checkpoint.TaskIntake, map[string]any{"decision": "confirmed", "edited_title": "My title",
		"edited_instruction": "cp input/task_brief.md artifacts/brief; echo second > artifacts/x"})
	a.upToFrom(id, checkpoint.Rubric, checkpoint.Evaluation)
	if run := a.get(id).Run; run.Title != "My title" {
		t.Errorf("the run's title is %q", run.Title)
	}
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"confirmed"}`)
	a.wait(id)
	folder := a.home.Run(id).Artifacts()
	if got := slurp(t, filepath.Join(folder, "x")); got != "second\n" {
		t.Errorf("the apprentice was told what makes %q", got)
	}
	if got := slurp(t, filepath.Join(folder, "brief")); !strings.HasPrefix(got, "# My title\n") {
		t.Errorf("the brief is %q", got)
	}
	spec := readJSON[apprentice.TaskIntakeSpec](t, a.pack(id, "task", "task_intake_spec.json"))
	if spec.NormalizedTitle != "My title" || !strings.Contains(spec.NormalizedInstruction, "second") {
		t.Errorf("the intake says %q, %q", spec.NormalizedTitle, spec.NormalizedInstruction)
	}
	done := readJSON[checkpoint.File](t, a.asked(id, checkpoint.TaskIntake))
	if done.Decision != "edited" || !done.HumanApproved || done.AutoApproved || done.ResolvedBy == nil ||
		done.ResolvedBy.UID != os.Getuid() || done.ResolvedBy.User == "" || done.InputSource != checkpoint.ByFile {
		t.Errorf("the answered file is %+v, by %+v", done, done.ResolvedBy)
	}
}

// upToFrom confirms the questions from one stage until another.
func (a *aad) upToFrom(id apprentice.RunID, from, to checkpoint.Stage) {
	a.t.Helper()
	on := false
	for _, s := range []checkpoint.Stage{checkpoint.TaskIntake, checkpoint.Rubric} {
		on = on || s == from
		if on && s != to {
			a.resolve(id, s, `{"decision":"confirmed"}`)
		}
	}
	a.waits(id, to)
}

func TestCriteriaThatAPersonAddsAndRemovesAreInTheRubric(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(`cp input/task_brief.md artifacts/out.txt`), Rubric: wantsGood})
	a.upTo(id, checkpoint.Rubric)
	a.answer(id, checkpoint.Rubric, map[string]any{"decision": "edited", "removed_criteria": []string{"secret-criterion"},
		"additional_criteria": []any{"Reads well", map[string]any{"criterion_name": "Is short", "weight": 1.0}}})
	f := a.waits(id, checkpoint.Evaluation)
	sum := 0.0
	names := map[string]float64{}
	for _, c := range f.Criteria {
		names[c.Name] = c.Weight
		sum += c.Weight
	}
	if len(names) != 3 || names["says good"] == 0 || names["Reads well"] == 0 || names["Is short"] == 0 || math.Abs(sum-1) > 1e-9 {
		t.Errorf("the criteria weigh %v, in all %v", names, sum)
	}
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"confirmed"}`)
	a.wait(id)
	rubric := readJSON[apprentice.RubricSpec](t, a.pack(id, "rubric", "rubric.json"))
	if len(rubric.RubricItems) != 3 || rubric.RubricGenerationSource != "expert_override" {
		t.Errorf("rubric.json has %d items, source %s", len(rubric.RubricItems), rubric.RubricGenerationSource)
	}
	if visible := slurp(t, a.pack(id, "rubric", "worker_visible_rubric.md")); !strings.Contains(visible, "Reads well") {
		t.Errorf("the apprentice sees %q", visible)
	}
}

func TestAPersonsGradeCountsAndIsToldToTheApprentice(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text(`echo good > artifacts/out.txt`,
		`[ -n "$AA_FEEDBACK_FILE" ] && cp "$AA_FEEDBACK_FILE" artifacts/feedback && cp prompt.md artifacts/prompt || true`)})
	f := a.upTo(id, checkpoint.Evaluation)
	if f.Score == nil || *f.Score != 1 || f.Passed == nil || !*f.Passed || f.AttemptSummary.Attempts != 1 {
		t.Errorf("the checks draft %+v", f)
	}
	a.answer(id, checkpoint.Evaluation, map[string]any{"decision": "failed", "score": 40, "failed_criteria": []string{"says good"}, "feedback": "too plain for me"})
	if left := a.waits(id, checkpoint.Revision).AttemptsLeft; left != 2 {
		t.Errorf("%d attempts are left, want 2", left)
	}
	a.answer(id, checkpoint.Revision, map[string]any{"decision": "revise", "notes": "use red ink"})
	if again := a.waits(id, checkpoint.Evaluation); again.AttemptSummary.Attempts != 2 {
		t.Errorf("it is asked of attempt %d", again.AttemptSummary.Attempts)
	}
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed","score":0.9}`)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"confirmed"}`)
	if run := a.wait(id); !run.Accepted() || run.FinalScore == nil || *run.FinalScore != 0.9 || run.JudgedBy != "human" {
		t.Errorf("it ended %s, %s, %v by %s", run.QueueState, run.Verdict, run.FinalScore, run.JudgedBy)
	}
	g := readJSON[apprentice.GraderResult](t, a.pack(id, "grading", "baseline_grader_result.json"))
	if g.GraderKind != "human_future" || g.MetadataJSON["judge"] != "human" || g.Score != 0.4 || g.Passed ||
		strings.Join(g.FailedCriteria, ",") != "says good" {
		t.Errorf("the grade is %+v", g)
	}
	for file, words := range map[string][]string{"feedback": {"too plain for me", "use red ink"}, "prompt": {"too plain for me", "use red ink"}} {
		text := slurp(t, filepath.Join(a.home.Run(id).Artifacts(), file))
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("the apprentice's %s does not say %q:\n%s", file, w, text)
			}
		}
	}
}

func TestOnlyFinishIsOfferedWhenNoAttemptIsLeft(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text(twoTries), Settings: rpc.RunSettings{"max_improvement_loops": 1}})
	a.upTo(id, checkpoint.Evaluation)
	a.resolve(id, checkpoint.Evaluation, `{"decision":"failed"}`)
	f := a.waits(id, checkpoint.Revision)
	if !strings.Contains(f.HowTo, "No attempt is left") || f.AttemptsLeft != 0 {
		t.Errorf("it says %q", f.HowTo)
	}
	refused(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Values: json.RawMessage(`{"decision":"revise"}`)}, apprentice.Invalid)
	a.resolve(id, checkpoint.Revision, `{"decision":"finish"}`)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"confirmed"}`)
	if run := a.wait(id); run.Verdict != apprentice.FailedReview || run.StopReason != apprentice.StopMaxIterations || run.QueueState != apprentice.Completed {
		t.Errorf("it ended %s, %s, %s", run.QueueState, run.Verdict, run.StopReason)
	}
}

func TestHeldIsAskedAnewAndRejectedIsNotAccepted(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text("echo good > artifacts/out.txt")})
	a.upTo(id, checkpoint.Evaluation)
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
	a.answer(id, checkpoint.FinalApproval, map[string]any{"decision": "held", "notes": "tomorrow"})
	eventually(t, "it is asked anew", func() bool { c := a.get(id).Run.Checkpoint; return c != nil && c.Revision == 2 })
	if f := a.waits(id, checkpoint.FinalApproval); f.Revision != 2 || f.Decision != "pending" || f.Notes != "" {
		t.Errorf("asked anew it is %+v", f)
	}
	history := under(filepath.Join(a.home.Run(id).Checkpoints(), "history"))
	held := 0
	for _, path := range history {
		if strings.Contains(slurp(t, path), `"held"`) && strings.Contains(slurp(t, path), "tomorrow") {
			held++
		}
	}
	if held != 1 {
		t.Errorf("history has the held answer %d times: %v", held, history)
	}
	refused(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Stage: "final_approval", Revision: 1, Values: json.RawMessage(`{"decision":"confirmed"}`)}, apprentice.Conflict)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"rejected","notes":"not for us"}`)
	run := a.wait(id)
	if run.Accepted() || run.StopReason != apprentice.StopRejected || !strings.Contains(run.StatusReason, "not for us") {
		t.Errorf("it ended %s, %s, %s: %s", run.QueueState, run.Verdict, run.StopReason, run.StatusReason)
	}
	var m struct {
		Stop string `json:"loop_stop_reason"`
	}
	if err := json.Unmarshal([]byte(slurp(t, a.pack(id, "package_manifest.json"))), &m); err != nil || m.Stop != "rejected" {
		t.Errorf("the manifest says %q, %v", m.Stop, err)
	}
	if done := readJSON[checkpoint.File](t, a.asked(id, checkpoint.FinalApproval)); done.HumanApproved {
		t.Error("a rejected result is human_approved")
	}
}

func TestRejectedTasksAndRubricsEndWithoutAnAttempt(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	for _, stage := range []checkpoint.Stage{checkpoint.TaskIntake, checkpoint.Rubric} {
		id := a.byExpert(rpc.RunSubmitParams{RunID: string(stage), Instruction: s.text("true")})
		a.upTo(id, stage)
		a.answer(id, stage, map[string]any{"decision": "rejected", "notes": "no such thing"})
		run := a.wait(id)
		if run.QueueState != apprentice.Failed || run.StopReason != apprentice.StopRejected || !strings.Contains(run.StatusReason, "no such thing") {
			t.Errorf("%s: it ended %s, %s: %s", stage, run.QueueState, run.StopReason, run.StatusReason)
		}
		must(a, rpc.RunRetry, rpc.RunParams{RunID: string(id)})
		a.waits(id, stage) // what was answered before is not asked again
		must(a, rpc.RunCancel, rpc.RunParams{RunID: string(id)})
	}
	if n := len(s.starts()); n > 0 {
		t.Errorf("%d attempts were started", n)
	}
}

func TestFinalApprovalIsAskedAfterAnOperationalErrorToo(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: "echo broken >&2; exit 3"})
	f := a.upTo(id, checkpoint.FinalApproval)
	if !strings.Contains(f.HowTo, "operational error") {
		t.Errorf("it does not say so: %q", f.HowTo)
	}
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"confirmed"}`)
	if run := a.wait(id); run.QueueState != apprentice.Failed || run.OperationalError == "" {
		t.Errorf("it ended %s, %q", run.QueueState, run.OperationalError)
	}
}

func TestAutoApprovalIsRecordedAsSuchAndNeverAsAPersons(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	submit := func(id, script, rubric string, answers map[string]json.RawMessage) apprentice.Run {
		return a.wait(a.byExpert(rpc.RunSubmitParams{RunID: id, Instruction: s.text(script), Rubric: rubric,
			AutoApprove: &apprentice.AutoApproval{By: "uid 7 by flag", Answers: answers}}))
	}
	if run := submit("good", twoTries, wantsGood, nil); !run.Accepted() || run.JudgedBy != "checks" {
		t.Errorf("checked: %s, %s, by %s", run.QueueState, run.Verdict, run.JudgedBy)
	}
	if run := submit("unseen", "echo x > artifacts/x", "criteria:\n  - name: Reads well\n", nil); run.Verdict != apprentice.Unreviewed || run.CurrentLoop != 1 || run.StopReason != apprentice.StopUnreviewed {
		t.Errorf("unreviewed: %s, %s, %s, %d attempts", run.QueueState, run.Verdict, run.StopReason, run.CurrentLoop)
	}
	run := submit("given", "echo x > artifacts/x", "", map[string]json.RawMessage{"task_intake": json.RawMessage(`{"decision":"edited","edited_instruction":"echo given > artifacts/x"}`)})
	if got := slurp(t, filepath.Join(a.home.Run("given").Artifacts(), "x")); got != "given\n" {
		t.Errorf("the answer that was given makes %q: %s", got, run.StatusReason)
	}
	for _, id := range []apprentice.RunID{"good", "unseen", "given"} {
		dir := a.home.Run(id).Checkpoints()
		files := under(dir)
		for _, path := range files {
			if !strings.HasSuffix(path, ".json") {
				continue
			}
			f := readJSON[checkpoint.File](t, path)
			if f.HumanApproved || !f.AutoApproved || f.AutoApprovedBy != "uid 7 by flag" || f.InputSource != checkpoint.ByAutoApprove {
				t.Errorf("%s: human_approved %t, auto_approved %t by %q (%s)", path, f.HumanApproved, f.AutoApproved, f.AutoApprovedBy, f.InputSource)
			}
		}
		if len(files) < 8 {
			t.Errorf("%s has only %v", id, files)
		}
		for _, e := range a.events(id) {
			if e.EventType == apprentice.CheckpointResolved && (e.Metadata["auto_approved"] != true || e.Metadata["auto_approved_by"] != "uid 7 by flag" || e.Metadata["user"] != nil) {
				t.Errorf("%s: an event says %v", id, e.Metadata)
			}
		}
	}
	g := readJSON[apprentice.GraderResult](t, a.pack("good", "grading", "baseline_grader_result.json"))
	if g.GraderKind == "human_future" || g.MetadataJSON["judge"] == "human" {
		t.Errorf("the grade is %+v", g)
	}
}
