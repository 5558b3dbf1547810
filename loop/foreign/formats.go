package foreign

import (
	"regexp"

	"aad/agent"
	"aad/apprentice"
	"aad/checkpoint"
	"aad/workspace"
)

type packageVersion struct {
	TaskID  string `json:"task_id"`
	Version string `json:"schema_version"`
}

// formats gives each file of a run folder its type, by its path; the first that fits
// counts, and nil is none of ours. Of a file of rows it is the type of a row.
var formats = []struct {
	path *regexp.Regexp
	kind any
}{
	at(`^session\.json$`, workspace.Session{}),
	at(`^run_status\.json$`, workspace.RunStatus{}),
	at(`^session_events\.jsonl$`, apprentice.SessionEvent{}),
	at(`^progress_events\.jsonl$`, apprentice.Event{}),
	at(`^task/`, nil), at(`^artifacts/`, nil), at(`^contribution_bundle/`, nil),
	at(`^mentor_checkpoints/[^/]+_checkpoint\.json$`, checkpoint.File{}),
	at(`^mentor_checkpoints/`, nil),
	at(`^roles/.*/role_result\.json$`, apprentice.RoleResult{}), at(`^roles/`, nil),
	at(`^packages/[^/]+/aside/`, nil),
	at(`^packages/[^/]+/attempts/[^/]+/(artifacts/|input/|prompt\.md$|std(out|err)\.txt$|stream\.jsonl$|final_message\.txt$)`, nil),
	at(`^packages/[^/]+/(input/|README\.md$|rubric/worker_visible_rubric\.md$)`, nil),
	at(`^packages/[^/]+/task/raw_task_record\.json$`, apprentice.RawTaskRecord{}),
	at(`^packages/[^/]+/task/task_intake_spec\.json$`, apprentice.TaskIntakeSpec{}),
	at(`^packages/[^/]+/task/task_intake_quality_report\.json$`, apprentice.TaskIntakeQualityReport{}),
	at(`^packages/[^/]+/rubric/(rubric|verifier_private_rubric)\.json$`, apprentice.RubricSpec{}),
	at(`^packages/[^/]+/rubric/rubric_items\.jsonl$`, apprentice.RubricItem{}),
	at(`^packages/[^/]+/rubric/rubric_quality_report\.json$`, apprentice.RubricQualityReport{}),
	at(`^packages/[^/]+/attempts/[^/]+/agent_trace\.json$`, apprentice.AgentTrace{}),
	at(`^packages/[^/]+/attempts/[^/]+/actual_outputs\.json$`, apprentice.ActualOutputs{}),
	at(`^packages/[^/]+/attempts/[^/]+/trace_normalization_report\.json$`, apprentice.TraceReport{}),
	at(`^packages/[^/]+/attempts/[^/]+/actual_outputs_normalization_report\.json$`, agent.OutputsReport{}),
	at(`^packages/[^/]+/attempts/[^/]+/contract_diagnostics\.json$`, agent.Diagnostics{}),
	at(`^packages/[^/]+/attempts/[^/]+/(agent_trace|actual_outputs)\.raw\.json$`, nil),
	at(`^packages/[^/]+/attempts/[^/]+/`, nil), // what an agent left beside its deliverables
	at(`^packages/[^/]+/grading/(history/[0-9]+/)?[^/]+_grader_result\.json$`, apprentice.GraderResult{}),
	at(`^packages/[^/]+/grading/(history/[0-9]+/)?[^/]+_verifier_result\.json$`, apprentice.VerifierResult{}),
	at(`^packages/[^/]+/grading/history/[0-9]+/[^/]+_evaluator_feedback\.json$`, apprentice.EvaluatorFeedback{}),
	at(`^packages/[^/]+/grading/history/[0-9]+/regrade\.json$`, nil),
	at(`^packages/[^/]+/feedback/[^/]+_evaluator_feedback\.json$`, apprentice.EvaluatorFeedback{}),
	at(`^packages/[^/]+/feedback/([^/]+_)?revision_plan\.json$`, apprentice.RevisionPlan{}),
	at(`^packages/[^/]+/signals/hillclimb_result\.json$`, apprentice.HillclimbResult{}),
	at(`^packages/[^/]+/signals/lesson_pack\.json$`, apprentice.LessonPack{}),
	at(`^packages/[^/]+/signals/training_signals\.jsonl$`, apprentice.TrainingSignal{}),
	at(`^packages/[^/]+/signals/process_supervision\.jsonl$`, apprentice.ProcessSupervisionExample{}),
	at(`^packages/[^/]+/signals/reward_modeling\.jsonl$`, apprentice.RewardModelingExample{}),
	at(`^packages/[^/]+/signals/revision_preference_pairs\.jsonl$`, apprentice.RevisionPreferencePair{}),
	at(`^packages/[^/]+/artifacts_index\.json$`, []apprentice.Artifact{}),
	at(`^packages/[^/]+/package_manifest\.json$`, apprentice.PackageManifest{}),
	at(`^packages/[^/]+/manifest\.json$`, packageVersion{}),
}

func at(pattern string, kind any) struct {
	path *regexp.Regexp
	kind any
} {
	return struct {
		path *regexp.Regexp
		kind any
	}{regexp.MustCompile(pattern), kind}
}

// FormatOf gives the type that a file of a run folder is read as, nil for one that is
// none of ours, and whether the layout knows the file at all.
func FormatOf(path string) (kind any, known bool) {
	for _, f := range formats {
		if f.path.MatchString(path) {
			return f.kind, true
		}
	}
	return nil, false
}
