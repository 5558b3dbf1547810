package apprentice

import "strings"

// ActualOutputs is what an attempt left behind, as observed, stored at attempts/<kind>/actual_outputs.json. References are relative to the package.
type ActualOutputs struct {
	TaskID            string         `json:"task_id"`
	AttemptID         string         `json:"attempt_id"`
	AttemptKind       string         `json:"attempt_kind"`
	Status            string         `json:"status" enum:"success|partial|failed|timeout|error"`
	OutputSummary     string         `json:"output_summary"`
	PrimaryOutputRef  string         `json:"primary_output_ref,omitempty"`
	InputArtifactRefs []string       `json:"input_artifact_refs,omitempty"`
	DeliverableRefs   []string       `json:"deliverable_refs,omitempty"`
	FinalMessageRef   string         `json:"final_message_ref,omitempty"`
	ArtifactRefs      []string       `json:"artifact_refs,omitempty"`
	FilesCreated      []string       `json:"files_created,omitempty"`
	FilesModified     []string       `json:"files_modified,omitempty"`
	FilesDeleted      []string       `json:"files_deleted,omitempty"`
	StdoutRef         string         `json:"stdout_ref,omitempty"`
	StderrRef         string         `json:"stderr_ref,omitempty"`
	RawLogRefs        []string       `json:"raw_log_refs,omitempty"`
	ErrorType         string         `json:"error_type,omitempty"`
	ErrorMessage      string         `json:"error_message,omitempty"`
	MetadataJSON      map[string]any `json:"metadata_json,omitempty"`
}

// Delivered lists what the attempt delivered, relative to its own folder.
func (o ActualOutputs) Delivered() (names []string) {
	for _, ref := range o.DeliverableRefs {
		names = append(names, strings.TrimPrefix(ref, "attempts/"+o.AttemptKind+"/"))
	}
	return names
}

// ArtifactRef is a file of an attempt inside AgentTrace.artifacts.
type ArtifactRef struct {
	ArtifactID          string         `json:"artifact_id"`
	TaskID              string         `json:"task_id"`
	AttemptID           string         `json:"attempt_id,omitempty"`
	ArtifactKind        string         `json:"artifact_kind" enum:"input|output|intermediate|log|trace|score|rubric|feedback|lesson|package_file|media|document|unknown"`
	ArtifactRole        string         `json:"artifact_role" enum:"task_input|worker_output|reviser_output|apprentice_output|reference|hidden_reference|grader_output|verifier_output|evaluator_output|system_log|trace_file|other"`
	WorkspacePath       string         `json:"workspace_path,omitempty"`
	PackageRelativePath string         `json:"package_relative_path"`
	ReleaseRelativePath string         `json:"release_relative_path,omitempty"`
	MimeType            string         `json:"mime_type,omitempty"`
	MediaType           string         `json:"media_type" enum:"text|code|data|document|image|audio|video|archive|binary|unknown"`
	SizeBytes           *int           `json:"size_bytes,omitempty"`
	ContentHash         string         `json:"content_hash,omitempty"`
	SecretScanOK        bool           `json:"secret_scan_ok"`
	MetadataJSON        map[string]any `json:"metadata_json,omitempty"`
}

// Artifact is one row of a package's artifacts_index.json. Every row resolves:
// the file is there when the row is written.
type Artifact struct {
	PackageRelativePath   string    `json:"package_relative_path"`
	ArtifactRef           string    `json:"artifact_ref"`
	ArtifactKind          string    `json:"artifact_kind" enum:"input|output|intermediate|log|trace|score|rubric|feedback|lesson|package_file|media|document|unknown"`
	LinkedTraceSteps      List[int] `json:"linked_trace_steps"`
	ProducedByAttemptID   string    `json:"produced_by_attempt_id,omitempty"`
	ProducedByAttemptKind string    `json:"produced_by_attempt_kind,omitempty"`
	SizeBytes             int64     `json:"size_bytes"`
	ContentHash           string    `json:"content_hash"` // "sha256:" and hex
	MimeType              string    `json:"mime_type"`
	MediaType             string    `json:"media_type" enum:"text|code|data|document|image|audio|video|archive|binary|unknown"`
	PreviewAvailable      bool      `json:"preview_available"`
	PreviewTruncated      bool      `json:"preview_truncated"`
	ArtifactMissing       bool      `json:"artifact_missing"`
}
