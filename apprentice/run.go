package apprentice

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Run is one task with its session, as it stands now: what changes while it is
// queued, worked on, continued and finished. What was asked for is in its Specs.
// Times are Stamps, "" when they have not come yet.
type Run struct {
	RunID      RunID      `json:"run_id"`
	Number     uint64     `json:"number"` // order of submit over the daemon's life, from 1
	Title      string     `json:"title"`  // the instruction's first line, 90 characters
	QueueState QueueState `json:"queue_state"`
	// QueueReason says why the run is deferred or waiting, or runs and cannot go on for
	// now; empty otherwise.
	QueueReason string `json:"queue_reason,omitempty"`

	RunStatus        Status           `json:"run_status"`
	TaskStatus       Status           `json:"task_status"`
	StatusReason     string           `json:"status_reason,omitempty"`
	Verdict          Verdict          `json:"verdict,omitempty"`
	FinalScore       *float64         `json:"final_score,omitempty"` // 0–1; nil while nothing was graded
	JudgedBy         string           `json:"judged_by,omitempty"`   // checks, model, human, hybrid
	StopReason       StopReason       `json:"loop_stop_reason,omitempty"`
	OperationalError OperationalError `json:"operational_error,omitempty"` // of the latest pass
	OperationalHint  string           `json:"operational_hint,omitempty"`  // the same as a sentence
	// OperationalAdvice is what to do about it.
	OperationalAdvice string `json:"operational_advice,omitempty"`

	Phase         string `json:"current_phase"`
	Message       string `json:"latest_message"`
	CurrentLoop   int    `json:"current_loop"`
	MaxLoops      int    `json:"maximum_improvement_loops"`
	TracedSteps   int    `json:"traced_steps"`   // summed over the pass
	ArtifactCount int    `json:"artifact_count"` // summed over the pass

	Agent      string            `json:"apprentice_agent"`
	MentorMode string            `json:"mentor_mode"`
	Group      string            `json:"group"`
	Priority   int               `json:"priority"`
	Labels     map[string]string `json:"labels,omitempty"`
	AfterRuns  []RunID           `json:"after_runs,omitempty"`
	NotBefore  string            `json:"not_before,omitempty"`
	// PausedUntil is when an agent that met a rate limit may try anew, "" when none
	// has. It is past or "" while the run is worked on.
	PausedUntil string `json:"paused_until,omitempty"`
	Held        bool   `json:"held,omitempty"`     // by the user; aa release undoes it
	Released    bool   `json:"released,omitempty"` // aa release: after_runs and not_before no longer count
	Key         string `json:"idempotency_key,omitempty"`

	CreatedAt string `json:"created_at"`
	QueuedAt  string `json:"queued_at"` // of the live pass
	StartedAt string `json:"started_at,omitempty"`
	// PassStartedAt is when the live pass first started, "" while it has not.
	PassStartedAt string `json:"pass_started_at,omitempty"`
	EndedAt       string `json:"ended_at,omitempty"`
	UpdatedAt     string `json:"updated_at"`

	// QueuedSeq is the daemon's last seq when the live pass was queued: its age in
	// the queue, whatever the clock does.
	QueuedSeq uint64 `json:"queued_seq,omitempty"`

	Pass            int       `json:"pass"` // the live or latest pass: 0 is the first, N the N-th follow-up
	LatestPackage   TaskID    `json:"latest_package,omitempty"`
	LatestAttemptID AttemptID `json:"latest_attempt_id,omitempty"`
	SelectedID      AttemptID `json:"selected_attempt_id,omitempty"`
	SessionStatus   string    `json:"session_status"` // open or finished
	// CancelRequested is set when a running run is to end; the loop obeys it
	// also after a restart.
	CancelRequested bool `json:"cancel_requested,omitempty"`
	// Checkpoint is the question that the run waits for; nil while it does not.
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	// Further are questions that are open beside Checkpoint: an ACP agent may ask
	// for leave to do several things at once.
	Further []Checkpoint `json:"further_checkpoints,omitempty"`
	// Parked tells that an agent of the run lives and waits for a person, or for the
	// run to have a slot again.
	Parked bool `json:"parked,omitempty"`
	// Answered puts a run that a person answered ahead of new runs.
	Answered bool `json:"answered,omitempty"`
	// Spending is what calls to the mentor's models took over all passes; nil when none
	// was made.
	Spending *Spending `json:"spending,omitempty"`
	Retries  int       `json:"retries,omitempty"` // by aa retry
	// Packs are the session's experience packs, without their lessons.
	Packs []AppliedPack `json:"experience_packs,omitempty"`
	// BundledAt is when the contribution bundle that lies in the run folder was made,
	// "" while there is none.
	BundledAt string `json:"bundled_at,omitempty"`
	// Imported is nil where the run was submitted here.
	Imported      *Imported `json:"imported,omitempty"`
	Deleting      bool      `json:"deleting,omitempty"`
	EventCount    uint64    `json:"event_count"`
	SessionEvents uint64    `json:"session_event_count"`
}

// Imported tells of a run that was worked elsewhere and taken in with its folder. What
// came with it has no stages here, so that it can be read and followed up, but not
// worked again.
type Imported struct {
	At     string `json:"at"`
	From   string `json:"from"`           // the folder that it was copied from
	Home   string `json:"home,omitempty"` // of the aad that worked it, "" where the folder does not tell
	SHA256 string `json:"sha256"`         // of that folder's files, the bundle's left out
	Events uint64 `json:"event_count"`    // that came with it
	Pass   int    `json:"pass"`           // the last one that came with it
	// Rubric tells that it was graded by a rubric file, and Repository that its attempts
	// worked on a git repository: neither came with it.
	Rubric     bool `json:"rubric_file,omitempty"`
	Repository bool `json:"repository,omitempty"`
}

// Holds reports whether a pass came with the run from elsewhere; nil holds none.
func (i *Imported) Holds(pass int) bool { return i != nil && pass <= i.Pass }

// Accepted reports whether the run's result may be used unseen: it completed and
// its review passed.
func (r Run) Accepted() bool { return r.QueueState == Completed && r.Verdict == Passed }

// Live reports whether a pass is queued, running, waiting or deferred.
func (r Run) Live() bool { return !r.QueueState.Ended() }

// PauseReason says that the run pauses after a rate limit, "" when it does not.
func (r Run) PauseReason() string {
	if r.PausedUntil == "" {
		return ""
	}
	return "pausing after a rate limit until " + r.PausedUntil
}

// StillAsks reports whether the question that a CheckpointOpened event tells of still
// waits for its answer.
func (r Run) StillAsks(opened Event) bool {
	return r.QueueState == Waiting && r.Checkpoint != nil &&
		opened.Metadata["checkpoint_id"] == r.Checkpoint.ID && fmt.Sprint(opened.Metadata["revision"]) == fmt.Sprint(r.Checkpoint.Revision)
}

// Finishing reports whether only the final approval that aa finish asked for is
// open: every pass has ended.
func (r Run) Finishing() bool { return r.Checkpoint != nil && r.Checkpoint.Ended != "" }

// TaskID names the live or latest package.
func (r Run) TaskID() TaskID { return TaskOf(r.RunID, r.Pass) }

// Questions lists the open questions, the one that was asked first in front.
func (r Run) Questions() []Checkpoint {
	if r.Checkpoint == nil {
		return nil
	}
	return append([]Checkpoint{*r.Checkpoint}, r.Further...)
}

// Ask adds an open question, in the place of one of the same ID.
func (r *Run) Ask(c Checkpoint) {
	all := r.Questions()
	i := slices.IndexFunc(all, func(open Checkpoint) bool { return open.ID == c.ID })
	if i < 0 {
		all = append(all, c)
	} else {
		all[i] = c
	}
	r.Checkpoint, r.Further = &all[0], all[1:]
}

// Settle takes a question out that is open no more.
func (r *Run) Settle(id string) {
	all := slices.DeleteFunc(r.Questions(), func(open Checkpoint) bool { return open.ID == id })
	r.Checkpoint, r.Further = nil, nil
	if len(all) > 0 {
		r.Checkpoint, r.Further = &all[0], all[1:]
	}
}

// Spec is what was asked for in one pass, frozen when it was submitted.
type Spec struct {
	RunID       RunID    `json:"run_id"`
	Pass        int      `json:"pass"` // 0 is the first, N the N-th follow-up
	Instruction string   `json:"instruction"`
	Assets      []Asset  `json:"assets,omitempty"`
	RecordOnly  bool     `json:"record_only,omitempty"` // a follow-up that is only written down
	Settings    Settings `json:"settings"`
	// Rubric is the rubric file as submitted, "" when none was given.
	// RubricName is its name, for messages and for its helpers' folder.
	Rubric     string `json:"rubric,omitempty"`
	RubricName string `json:"rubric_name,omitempty"`
	// Helpers is the folder of the rubric's snapshotted helper files, relative
	// to the home, "" when there are none.
	Helpers string `json:"helpers,omitempty"`
	// HelpersHash is that of the snapshot when it was taken: an agent could reach
	// the files, but not this.
	HelpersHash string `json:"helpers_sha256,omitempty"`
	// Path is the submitter's PATH, where agents are looked for and run.
	Path     string `json:"path,omitempty"`
	NoBundle bool   `json:"no_bundle,omitempty"`
	// AutoApprove answers checkpoints without a person; nil asks one.
	AutoApprove *AutoApproval `json:"auto_approve,omitempty"`
	// Packs are the experience packs whose lessons the apprentice is told.
	Packs []AppliedPack `json:"experience_packs,omitempty"`
	// Repository is where the attempts get worktrees from; nil for none.
	Repository *Repository `json:"repository,omitempty"`
	CreatedAt  string      `json:"created_at"`
}

// AppliedPack is an experience pack that a run is given, as it was when the run was
// submitted.
type AppliedPack struct {
	PackID  string   `json:"pack_id"`
	Title   string   `json:"title"`
	Source  string   `json:"source"` // why: named, or which words fit
	Lessons []string `json:"lessons,omitempty"`
}

// Repository is a git repository of the user's on which a run's attempts work, each
// in a worktree and on a branch of its own, as it was when the run was submitted.
type Repository struct {
	Path   string `json:"path"`             // the user's checkout
	GitDir string `json:"git_dir"`          // the folder of its objects and refs
	Branch string `json:"branch,omitempty"` // that was checked out, "" when HEAD was detached
	Head   string `json:"head_commit"`
	// Base is what the first attempt starts from and what patches apply to: Head, or
	// a commit over it that holds the user's uncommitted changes.
	Base string `json:"base_commit"`
	// Uncommitted counts the files with changes that were not committed, -1 when
	// that is not known; IncludeDirty tells that they are in Base.
	Uncommitted  int  `json:"uncommitted_files,omitempty"`
	IncludeDirty bool `json:"include_dirty,omitempty"`
	// Start is what a follow-up starts from, "" in the first pass.
	Start string `json:"start_commit,omitempty"`
}

// Kept is what an attempt made of the repository.
type Kept struct {
	Branch  string `json:"branch"`
	Start   string `json:"start_commit"`
	Commit  string `json:"commit"`            // where the branch ends; the repository's Base when nothing was done
	Files   int    `json:"files"`             // that differ from Base
	Patch   string `json:"patch,omitempty"`   // relative to the attempt's folder, "" when nothing differs
	Refused string `json:"refused,omitempty"` // what git could not take, in its words
}

// Checkpoint is a question put to a person. The file that asks it and the answer
// are checkpoint's.
type Checkpoint struct {
	ID       string `json:"checkpoint_id"`
	Stage    string `json:"stage"`    // task_intake, rubric, evaluation, revision, final_approval or permission-N
	Question string `json:"question"` // names the loop's stage that the answer is saved as
	Revision int    `json:"revision"` // counts up when it is asked anew
	Pass     int    `json:"pass"`
	OpenedAt string `json:"opened_at"`
	RemindAt string `json:"remind_at,omitempty"`
	ExpireAt string `json:"expire_at,omitempty"` // "" is never
	// Ended is the state that the run goes back to when this is answered: the
	// question came with aa finish, after its passes had ended.
	Ended QueueState `json:"ended,omitempty"`
}

// AutoApproval is the submitter's word that checkpoints need no person in one run.
type AutoApproval struct {
	By string `json:"by"` // who asked for it, and how
	// Answers are taken instead of the plain approval, by stage.
	Answers map[string]json.RawMessage `json:"answers,omitempty"`
	// Only says that a person is asked at the stages without such an answer.
	Only bool `json:"only,omitempty"`
}

// Covers reports whether the question of a stage is answered without a person. The
// nil AutoApproval covers none.
func (a *AutoApproval) Covers(stage string) bool {
	return a != nil && (!a.Only || a.Answers[stage] != nil)
}

// Asset is one file or folder handed to the apprentice.
type Asset struct {
	Name string `json:"name"`           // in the run folder, made unique
	Path string `json:"path"`           // relative to the run folder
	Size int64  `json:"size_bytes"`     // of a folder: its files' sum
	Hash string `json:"sha256"`         // of a folder: of its sorted listing
	From string `json:"from,omitempty"` // the submitter's path
	Dir  bool   `json:"dir,omitempty"`
}

// Attempt is one try of a pass as people and editors want to see it; the loop
// reads it out of its stages.
type Attempt struct {
	AttemptID        AttemptID        `json:"attempt_id"`
	Kind             AttemptKind      `json:"attempt_kind"`
	TaskID           TaskID           `json:"task_id"`
	Pass             int              `json:"pass"`
	Folder           string           `json:"folder"`           // relative to the run folder
	Status           string           `json:"status,omitempty"` // of actual_outputs.json; "" while it runs
	OperationalError OperationalError `json:"operational_error,omitempty"`
	Message          string           `json:"message,omitempty"`
	Agent            *AgentUse        `json:"agent,omitempty"` // nil while it runs, and where no agent was called
	ExitCode         *int             `json:"exit_code,omitempty"`
	StartedAt        string           `json:"started_at,omitempty"`
	EndedAt          string           `json:"ended_at,omitempty"`
	TracedSteps      int              `json:"traced_steps"`
	Artifacts        []string         `json:"artifacts,omitempty"`  // relative to the attempt's folder
	Repository       *Kept            `json:"repository,omitempty"` // nil while it runs, and where the run has none
	Verdict          Verdict          `json:"verdict,omitempty"`
	Score            *float64         `json:"score,omitempty"`
	Criteria         []Criterion      `json:"criteria,omitempty"`
	Feedback         string           `json:"feedback,omitempty"`
	PlannedChanges   []string         `json:"planned_changes,omitempty"`
	Selected         bool             `json:"selected,omitempty"`
}

// AgentUse says how an agent was called in an attempt.
type AgentUse struct {
	Agent       string   `json:"agent"`
	Name        string   `json:"agent_name"`
	Program     string   `json:"program,omitempty"`         // its path
	Version     string   `json:"version,omitempty"`         // as it tells itself
	Command     []string `json:"command,omitempty"`         // as called; a prompt among it stands as {prompt}
	Permissions string   `json:"permissions"`               // read_only, workspace_write or full_access
	Mode        string   `json:"permission_mode,omitempty"` // how the agent itself calls that
	Model       string   `json:"model,omitempty"`           // asked for
	Resumed     string   `json:"resumed_session,omitempty"` // the session gone on in
}

// Criterion is how one criterion of the rubric was graded.
type Criterion struct {
	Name     string  `json:"name"`
	Weight   float64 `json:"weight"`
	Score    float64 `json:"score"`
	Passed   bool    `json:"passed"`
	Reviewed bool    `json:"reviewed"` // false: nobody graded it
	Hidden   bool    `json:"hidden,omitempty"`
	Notes    string  `json:"notes,omitempty"`
}

// Change is one write to a run: everything in it is on disk in one transaction or
// not at all.
type Change struct {
	// Update alters the run's record; nil alters nothing but what Events say.
	// It runs inside the transaction: it must be quick and touch nothing else.
	Update func(*Run)
	// Events are appended in order; storage numbers and dates them, and takes
	// phase and message over into the run.
	Events  []Event
	Session []SessionEvent
	// Stage and Result save a finished stage of the live pass, "" saves none.
	Stage  string
	Result json.RawMessage
	// Phase is the run's phase after the change, where it is not the last event's.
	Phase string
	// Drop removes the live pass's stages whose names start with one of these.
	Drop []string
	// Charges are what calls to models took; they are added to what the run took.
	Charges []Charge
	// Spec adds the spec of a new pass.
	Spec *Spec
}

// Title cuts an instruction to what a table can show: its first line that says
// something, 90 characters.
func Title(instruction string) string {
	line := firstLine(instruction)
	if r := []rune(line); len(r) > 90 {
		return string(r[:89]) + "…"
	}
	return line
}
