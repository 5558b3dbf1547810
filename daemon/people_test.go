package daemon

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

// waits blocks until a run waits for a stage, whose file is there, and reads it.
func (a *aad) waits(id apprentice.RunID, stage checkpoint.Stage) checkpoint.File {
	a.t.Helper()
	var f checkpoint.File
	path := a.asked(id, stage)
	eventually(a.t, fmt.Sprintf("%s waits for %s", id, stage), func() bool {
		run := a.get(id).Run
		if run.QueueState.Ended() {
			a.t.Fatalf("%s has ended and does not wait for %s: %s", id, stage, run.StatusReason)
		}
		data, err := os.ReadFile(path)
		f = checkpoint.File{}
		return run.Checkpoint != nil && run.Checkpoint.Stage == string(stage) && err == nil && json.Unmarshal(data, &f) == nil &&
			f.CheckpointID == run.Checkpoint.ID && f.Revision == run.Checkpoint.Revision && f.ResolvedAt == ""
	})
	return f
}

func (a *aad) asked(id apprentice.RunID, stage checkpoint.Stage) string {
	return checkpoint.Path(a.home.Run(id).Checkpoints(), stage)
}

// answer answers by the file, as a person does who edits it.
func (a *aad) answer(id apprentice.RunID, stage checkpoint.Stage, set map[string]any) {
	a.t.Helper()
	a.waits(id, stage)
	write(a.t, a.asked(id, stage), a.edited(id, stage, set))
}

// edited is the text of a question's file with fields set.
func (a *aad) edited(id apprentice.RunID, stage checkpoint.Stage, set map[string]any) string {
	a.t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(slurp(a.t, a.asked(id, stage))), &fields); err != nil {
		a.t.Fatal(err)
	}
	for k, v := range set {
		fields[k] = v
	}
	data, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		a.t.Fatal(err)
	}
	return string(data)
}

// resolve answers by call.
func (a *aad) resolve(id apprentice.RunID, stage checkpoint.Stage, values string) rpc.CheckpointResolveResult {
	a.t.Helper()
	a.waits(id, stage)
	return must(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: string(id), Stage: string(stage), Values: json.RawMessage(values)})
}

func decide(decision string) map[string]any { return map[string]any{"decision": decision} }

// logs lists a run's events with their phases, as "type(phase)".
func (a *aad) logs(id apprentice.RunID) []string {
	a.t.Helper()
	var list []string
	for _, e := range a.events(id) {
		list = append(list, fmt.Sprintf("%s(%s)", e.EventType, e.Phase))
	}
	return list
}

func (a *aad) logged(got, want []string) {
	a.t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		a.t.Errorf("the log is\n%s\nwant\n%s", g, w)
	}
}

// packed is what the log says of a bundle.
const packed = "contribution_bundle_started(contribution_bundle)\ncontribution_bundle_completed(contribution_bundle_complete)"

// middleOf are the events of a pass with one revision that a person asked for.
func middleOf(review, complete string) []string {
	return []string{
		"task_workspace_prepared(preparing_workspace)",
		"checkpoint_opened(task_intake)", "checkpoint_resolved(task_intake)",
		"checkpoint_opened(rubric)", "checkpoint_resolved(rubric)",
		"apprentice_attempt_started(apprentice_attempt)", "apprentice_attempt_completed(apprentice_attempt_complete)",
		"mentor_review_started(" + review + ")",
		"checkpoint_opened(evaluation)", "checkpoint_resolved(evaluation)",
		"checkpoint_opened(revision)", "checkpoint_resolved(revision)",
		"mentor_review_completed(" + complete + ")",
		"revision_started(revision_attempt)", "revision_completed(revision_attempt_complete)",
		"mentor_review_started(" + review + ")",
		"checkpoint_opened(evaluation)", "checkpoint_resolved(evaluation)",
		"mentor_review_completed(" + complete + ")",
		"checkpoint_opened(final_approval)", "checkpoint_resolved(final_approval)",
	}
}

// allStages answers a pass by files: it is revised once and passed then.
func (a *aad) allStages(id apprentice.RunID) {
	a.t.Helper()
	a.answer(id, checkpoint.TaskIntake, decide("confirmed"))
	a.answer(id, checkpoint.Rubric, decide("confirmed"))
	a.answer(id, checkpoint.Evaluation, map[string]any{"decision": "failed", "feedback": "make it good"})
	a.answer(id, checkpoint.Revision, decide("revise"))
	a.answer(id, checkpoint.Evaluation, decide("passed"))
	a.answer(id, checkpoint.FinalApproval, decide("confirmed"))
}

func TestPeopleAreAskedAtAllStagesInFirstRunsAndFollowups(t *testing.T) {
	t.Parallel()
	for mode, phases := range map[string][2]string{
		"expert_led": {"expert_review", "expert_review_complete"},
		"hybrid":     {"hybrid_human_approval", "hybrid_human_approval_complete"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			a, s := newAad(t), newScript(t)
			id := a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(twoTries), Rubric: wantsGood, Settings: modeOf(mode)})
			a.allStages(id)
			if run := a.wait(id); !run.Accepted() || run.JudgedBy != "human" {
				t.Errorf("it ended %s, %s, by %s: %s", run.QueueState, run.Verdict, run.JudgedBy, run.StatusReason)
			}
			middle := middleOf(phases[0], phases[1])
			want := append([]string{"run_queued(queued)", "run_started(starting)"}, middle...)
			want = append(want, packed, "run_completed(completed)")
			a.logged(a.logs(id), want)
			must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: s.text(twoTries)})
			a.allStages(id)
			if run := a.wait(id); !run.Accepted() {
				t.Errorf("the follow-up ended %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
			}
			want = append(want, "run_queued(queued)", "followup_started(followup)")
			a.logged(a.logs(id), append(append(want, middle...), packed, "followup_completed(followup_complete)"))
			for _, e := range a.events(id)[len(want):] {
				if e.Metadata["followup_index"] != 1.0 || !strings.Contains(e.Message, "Follow-up 1") {
					t.Errorf("event %s of the follow-up does not say so: %q", e.EventType, e.Message)
				}
			}
			if n := len(under(filepath.Join(a.home.Run(id).Checkpoints(), "history"))); n != 12 {
				t.Errorf("history holds %d answers, want 12", n)
			}
		})
	}
}

func modeOf(mode string) rpc.RunSettings { return rpc.RunSettings{"mentor_mode": mode} }
