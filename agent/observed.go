package agent

import (
	"time"

	"aad/apprentice"
	"aad/shim"
)

// Observed is all that aad saw of an ended attempt, and what the agent reported
// of itself. Record makes the attempt's files of it.
type Observed struct {
	RunID     apprentice.RunID
	TaskID    apprentice.TaskID
	Kind      apprentice.AttemptKind
	Iteration int                  // from 0
	Previous  apprentice.AttemptID // the attempt before in this pass, ""
	Followup  bool                 // the instruction is a follow-up's

	Agent       string // recipe's id
	AgentName   string // as shown
	Instruction string
	Command     []string
	Use         *apprentice.AgentUse // nil where no agent was called
	StartedAt   string               // of the attempt where the exit tells no times
	EndedAt     string

	Exit    shim.Exit
	Outcome Outcome

	Inputs  []string   // references of the package: input/…
	Changes []Change   // in any order
	Files   []Artifact // below artifacts/
	LeftOut []string   // what could not be kept, with the reason

	// RawTrace and RawOutputs are the agent's own reports, nil for none. What
	// was too large to read is told by RawTooLarge.
	RawTrace, RawOutputs []byte
	RawTooLarge          bool
	// Told is what the agent's stream came to, nil for an agent without one.
	// Workspace is where it worked, so that paths it named can be told as ours.
	Told      *Told
	Workspace string
	Current   string // its current folder, relative to Workspace
	// Repository is what the attempt made of the user's repository, nil for none.
	Repository *apprentice.Kept
}

// Change is one file that the attempt created, modified or deleted.
type Change struct {
	Path      string // below the attempt's folder
	Operation string // create, modify or delete
	Hash      string // sha256 of what is there now, "" when deleted
	Was       string // sha256 of what was there, "" when created
	Size      int64
	Link      string // of a link: its target
	ModTime   time.Time
}

// The operations of a Change.
const (
	Created  = "create"
	Modified = "modify"
	Deleted  = "delete"
)

// Artifact is a delivered file.
type Artifact struct {
	Path      string // below the attempt's folder
	Hash      string // sha256
	Size      int64
	MimeType  string
	MediaType string
}

// Record is the files that an ended attempt gets. Reports that are nil are not
// written.
type Record struct {
	Trace         apprentice.AgentTrace    // agent_trace.json
	Outputs       apprentice.ActualOutputs // actual_outputs.json
	TraceReport   apprentice.TraceReport   // trace_normalization_report.json
	OutputsReport OutputsReport            // actual_outputs_normalization_report.json
	Diagnostics   *Diagnostics             // contract_diagnostics.json, when something was missing
}

// OutputsReport says how actual_outputs.json came to be.
type OutputsReport struct {
	TaskID               string         `json:"task_id"`
	AttemptID            string         `json:"attempt_id"`
	AttemptKind          string         `json:"attempt_kind"`
	RawOutputsRef        string         `json:"raw_outputs_ref,omitempty"`
	NormalizedOutputsRef string         `json:"normalized_outputs_ref"`
	OutputsSchemaValid   bool           `json:"outputs_schema_valid"` // of what the agent reported
	OutputsNormalized    bool           `json:"outputs_normalized"`
	FallbackOutputs      bool           `json:"fallback_outputs"` // they rest on observation alone
	ReportedRefCount     int            `json:"reported_ref_count"`
	UnresolvedRefs       []string       `json:"unresolved_refs,omitempty"` // reported and not there
	MetadataJSON         map[string]any `json:"metadata_json,omitempty"`
}

// Diagnostics says what an attempt was to leave and did not.
type Diagnostics struct {
	TaskID       string         `json:"task_id"`
	AttemptID    string         `json:"attempt_id"`
	AttemptKind  string         `json:"attempt_kind"`
	Missing      []string       `json:"missing"`
	Problems     []string       `json:"problems,omitempty"`
	MetadataJSON map[string]any `json:"metadata_json,omitempty"`
}

// attemptID, dir and ref name the attempt and things in it, as the package's
// other files do.
func (o Observed) attemptID() string      { return string(apprentice.AttemptOf(o.TaskID, o.Kind)) }
func (o Observed) dir() string            { return "attempts/" + string(o.Kind) }
func (o Observed) ref(path string) string { return o.dir() + "/" + path }
func (o Observed) refOf(c Change) string  { return o.ref(c.Path) }
func (o Observed) revision() bool         { return o.Kind != apprentice.Baseline }
func (o Observed) ran() bool              { return o.Exit.Outcome != "" && o.Exit.Outcome != shim.StartFailed }
func (o Observed) startedAt() string      { return firstOf(o.Exit.StartedAt, o.StartedAt) }
func (o Observed) endedAt() string        { return firstOf(o.Exit.EndedAt, o.EndedAt) }

// traceKind is the attempt's kind as AgentTrace knows it.
func (o Observed) traceKind() string {
	if o.revision() {
		return "revised"
	}
	return "baseline"
}

func (o Observed) actor() string {
	if o.revision() {
		return "agent:reviser"
	}
	return "agent:worker"
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
