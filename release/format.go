package release

import (
	"bytes"
	"encoding/json"
	"fmt"

	"aad/apprentice"
	"aad/bundle"
)

// Version is the version of the release's format that this package writes and reads.
const Version = "aa-release-v0.1"

// Names of what lies in a release beside its datasets.
const (
	ManifestName = "dataset_manifest.json"
	PublicName   = "public"
	qualityName  = "quality_report.json"
	cardName     = "dataset_card.md"
	indexName    = "artifacts_index.json"
	packagesName = "packages"
)

// DatasetManifest is dataset_manifest.json. That of public/ is the same with Public set.
type DatasetManifest struct {
	SchemaVersion string                       `json:"schema_version"`
	DatasetID     string                       `json:"dataset_id"` // aa-release-<10 hex digits>, of what is in it
	CreatedAt     string                       `json:"created_at"`
	ToolVersion   string                       `json:"tool_version"`
	Public        bool                         `json:"public"`
	Masking       string                       `json:"sensitive_info_masking"` // of public/
	License       string                       `json:"license"`                // "" when none was given
	Consent       string                       `json:"consent" enum:"not_given|text|all"`
	Counts        DatasetCounts                `json:"counts"`
	Datasets      apprentice.List[Dataset]     `json:"datasets"`
	Files         apprentice.List[DatasetFile] `json:"files"` // but for packages/, whose files stand in artifacts_index.json
	RunIDs        apprentice.List[string]      `json:"run_ids"`
	LeftOut       apprentice.List[LeftOut]     `json:"left_out"`
}

// DatasetCounts sum a release up.
type DatasetCounts struct {
	Runs         int   `json:"runs"`
	Packages     int   `json:"packages"`
	Attempts     int   `json:"attempts"`
	TracedSteps  int   `json:"traced_steps"`
	Rows         int   `json:"rows"`           // of all datasets
	Artifacts    int   `json:"artifacts"`      // files in packages/
	ArtifactSize int64 `json:"artifact_bytes"` // of these
}

// Dataset is one kind of rows: NAME.jsonl and NAME.parquet.
type Dataset struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
}

// DatasetFile is a file of the release with its sum.
type DatasetFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size_bytes"`
	SHA256 string `json:"sha256"`
}

// LeftOut tells of a run, a file or a row that is not in the release. Of what is left
// out by a rule Path is the rule's pattern in a package, in which * stands for one
// part.
type LeftOut struct {
	RunID string `json:"run_id,omitempty"`
	Path  string `json:"path,omitempty"`
	Count int    `json:"count,omitempty"` // of files that a rule left out, or of rows
	Why   string `json:"why"`
}

// ParseManifest reads dataset_manifest.json and refuses other versions.
func ParseManifest(data []byte) (DatasetManifest, error) {
	var m DatasetManifest
	return m, parse(data, ManifestName, &m)
}

// QualityReport is quality_report.json: how far the reviews of a release can be relied on.
type QualityReport struct {
	SchemaVersion string                  `json:"schema_version"`
	DatasetID     string                  `json:"dataset_id"`
	Packages      int                     `json:"packages"`
	Accepted      int                     `json:"accepted"`   // completed and passed
	Unreviewed    int                     `json:"unreviewed"` // packages without a verdict
	Attempts      int                     `json:"attempts"`
	Ungraded      int                     `json:"ungraded_attempts"`
	Scored        int                     `json:"scored"` // packages with a score
	MeanScore     float64                 `json:"mean_score"`
	LowestScore   float64                 `json:"lowest_score"`
	HighestScore  float64                 `json:"highest_score"`
	Verdicts      map[string]int          `json:"verdicts"`
	Statuses      map[string]int          `json:"task_statuses"`
	Agents        map[string]int          `json:"apprentice_agents"`
	MentorModes   map[string]int          `json:"mentor_modes"`
	Judges        map[string]int          `json:"judged_by"`
	Masked        map[string]int          `json:"masked"` // findings by rule; of public/
	Warnings      apprentice.List[string] `json:"warnings"`
}

// ParseQuality reads quality_report.json and refuses other versions.
func ParseQuality(data []byte) (QualityReport, error) {
	var q QualityReport
	return q, parse(data, qualityName, &q)
}

// parse reads a document whose version stands first.
func parse(data []byte, name string, to any) error {
	var version struct {
		SchemaVersion string `json:"schema_version"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if version.SchemaVersion != Version {
		return fmt.Errorf("read %s: its format is %q; this aad reads %q", name, version.SchemaVersion, Version)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// PackageRow is a row of packages_index: one pass over a task, and how it went.
type PackageRow struct {
	RunID       string                  `json:"run_id"`
	TaskID      string                  `json:"task_id"`
	Path        string                  `json:"release_relative_path"` // of its files, "" where it has none
	Pass        int                     `json:"pass"`
	Title       string                  `json:"task_title"`
	Agent       string                  `json:"apprentice_agent"`
	MentorMode  string                  `json:"mentor_mode"`
	TaskStatus  string                  `json:"task_status"`
	Verdict     string                  `json:"verdict" enum:"passed|failed|unreviewed"`
	FinalScore  *float64                `json:"final_score"`
	JudgedBy    string                  `json:"judged_by"`
	StopReason  string                  `json:"loop_stop_reason"`
	AttemptIDs  apprentice.List[string] `json:"attempt_ids"`
	SelectedID  string                  `json:"selected_attempt_id"`
	TracedSteps int                     `json:"traced_steps"`
	Files       int                     `json:"files"`
	Size        int64                   `json:"size_bytes"`
	StartedAt   string                  `json:"started_at"`
	EndedAt     string                  `json:"ended_at"`
	Packs       apprentice.List[string] `json:"experience_pack_ids"`
}

// RoleRow is a row of role_results_index: one call to the mentor's model. Prompts and
// answers stay where they are.
type RoleRow struct {
	RunID     string `json:"run_id"`
	TaskID    string `json:"task_id"`
	RawTaskID string `json:"raw_task_id"`
	Attempt   string `json:"attempt"`
	apprentice.RoleResult
}

// ArtifactRow is a row of artifacts_index.json: that of the package, and where the
// file lies in the release.
type ArtifactRow struct {
	RunID  string `json:"run_id"`
	TaskID string `json:"task_id"`
	Path   string `json:"release_relative_path"`
	apprentice.Artifact
}

// FullTaskRecord is a row of full_task_records: a package with its task, its rubric
// and what each attempt came to; of the traces only where they are.
type FullTaskRecord struct {
	RunID         string                              `json:"run_id"`
	TaskID        string                              `json:"task_id"`
	Task          *apprentice.RawTaskRecord           `json:"raw_task_record,omitempty"`
	Intake        *apprentice.TaskIntakeSpec          `json:"task_intake_spec,omitempty"`
	IntakeQuality *apprentice.TaskIntakeQualityReport `json:"task_intake_quality_report,omitempty"`
	Rubric        *apprentice.RubricSpec              `json:"rubric,omitempty"`
	RubricQuality *apprentice.RubricQualityReport     `json:"rubric_quality_report,omitempty"`
	Manifest      *apprentice.PackageManifest         `json:"package_manifest,omitempty"`
	Attempts      apprentice.List[FullAttempt]        `json:"attempts"`
	Hillclimb     *apprentice.HillclimbResult         `json:"hillclimb_result,omitempty"`
	Lesson        *apprentice.LessonPack              `json:"lesson_pack,omitempty"`
}

// FullAttempt is one attempt of a FullTaskRecord.
type FullAttempt struct {
	AttemptID string                        `json:"attempt_id"`
	Outputs   *apprentice.ActualOutputs     `json:"actual_outputs,omitempty"`
	Grade     *apprentice.GraderResult      `json:"grader_result,omitempty"`
	Verify    *apprentice.VerifierResult    `json:"verifier_result,omitempty"`
	Feedback  *apprentice.EvaluatorFeedback `json:"evaluator_feedback,omitempty"`
	Plan      *apprentice.RevisionPlan      `json:"revision_plan,omitempty"`
}

// dataset is one kind of rows.
type dataset struct {
	name  string
	value any    // the type of its rows
	from  string // the files of a package that are its rows; {kind} stands for an attempt. "" of rows that are made
	// attempt is the member that names the attempt a row belongs to, "" for none.
	attempt string
	id      []string // the members that tell a row from every other
}

// datasets are all kinds, in the order in which a release has them.
var datasets = []dataset{
	{"full_task_records", FullTaskRecord{}, "", "", []string{"task_id"}},
	{"tasks", apprentice.RawTaskRecord{}, "task/raw_task_record.json", "", []string{"task_id"}},
	{"task_intake_specs", apprentice.TaskIntakeSpec{}, "task/task_intake_spec.json", "", []string{"task_id"}},
	{"rubrics", apprentice.RubricSpec{}, "rubric/rubric.json", "", []string{"task_id", "rubric_id"}},
	{"rubric_items", apprentice.RubricItem{}, "rubric/rubric_items.jsonl", "", []string{"rubric_item_id", "metadata_json"}},
	{"agent_traces", apprentice.AgentTrace{}, "attempts/{kind}/agent_trace.json", "attempt_id", []string{"task_id", "attempt_id"}},
	{"raw_agent_traces", bundle.RawTrace{}, "", "attempt_id", []string{"task_id", "attempt_id"}},
	{"trace_normalization_reports", apprentice.TraceReport{}, "attempts/{kind}/trace_normalization_report.json", "attempt_id", []string{"task_id", "attempt_id"}},
	{"actual_outputs", apprentice.ActualOutputs{}, "attempts/{kind}/actual_outputs.json", "attempt_id", []string{"task_id", "attempt_id"}},
	{"grader_results", apprentice.GraderResult{}, "grading/{kind}_grader_result.json", "attempt_id", []string{"task_id", "grader_result_id"}},
	{"verifier_results", apprentice.VerifierResult{}, "grading/{kind}_verifier_result.json", "attempt_id", []string{"task_id", "verifier_result_id"}},
	{"evaluator_feedback", apprentice.EvaluatorFeedback{}, "feedback/{kind}_evaluator_feedback.json", "attempt_id", []string{"task_id", "feedback_id"}},
	{"revision_plans", apprentice.RevisionPlan{}, "feedback/{kind}_revision_plan.json", "source_attempt_id", []string{"task_id", "revision_plan_id"}},
	{"hillclimb_results", apprentice.HillclimbResult{}, "signals/hillclimb_result.json", "", []string{"task_id", "hillclimb_id"}},
	{"lesson_packs", apprentice.LessonPack{}, "signals/lesson_pack.json", "", []string{"task_id", "lesson_id"}},
	{"training_signals", apprentice.TrainingSignal{}, "signals/training_signals.jsonl", "", []string{"task_id", "signal_id"}},
	{"process_supervision", apprentice.ProcessSupervisionExample{}, "signals/process_supervision.jsonl", "", []string{"task_id", "example_id"}},
	{"reward_modeling", apprentice.RewardModelingExample{}, "signals/reward_modeling.jsonl", "", []string{"task_id", "example_id"}},
	{"revision_preference_pairs", apprentice.RevisionPreferencePair{}, "signals/revision_preference_pairs.jsonl", "", []string{"task_id", "pair_id"}},
	{"role_results_index", RoleRow{}, "", "", []string{"run_id", "raw_task_id", "role", "attempt"}},
	{"packages_index", PackageRow{}, "", "", []string{"task_id"}},
}
