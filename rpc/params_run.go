package rpc

import "aad/apprentice"

// RunSubmitParams ask for a run. Only Instruction is required; what is left out
// comes from the daemon's settings.
type RunSubmitParams struct {
	Instruction    string                   `json:"instruction" doc:"the task in words; a script when the agent is shell"`
	Assets         []string                 `json:"assets,omitempty" doc:"absolute paths of files and folders to hand to the apprentice"`
	RunID          string                   `json:"run_id,omitempty" doc:"the caller's own id; a conflict when taken"`
	IdempotencyKey string                   `json:"idempotency_key,omitempty" doc:"the same key returns the same run"`
	Rubric         string                   `json:"rubric,omitempty" doc:"the rubric file's text, YAML or JSON"`
	RubricPath     string                   `json:"rubric_path,omitempty" doc:"absolute path of the rubric file, for its name and its helper files; read by aad when rubric is empty"`
	Priority       int                      `json:"priority,omitempty" doc:"higher goes first; 0"`
	Group          string                   `json:"group,omitempty" doc:"a group with its own parallel limit; default"`
	AfterRuns      []string                 `json:"after_runs,omitempty" doc:"start only when these runs are accepted"`
	NotBefore      string                   `json:"not_before,omitempty" doc:"RFC 3339 time before which the run does not start"`
	Hold           bool                     `json:"hold,omitempty" doc:"queue it held; run/release lets it start"`
	Labels         map[string]string        `json:"labels,omitempty"`
	Settings       RunSettings              `json:"settings,omitzero" doc:"settings of this run, over those of the daemon"`
	Repo           string                   `json:"repo,omitempty" doc:"absolute path of a git repository: each attempt works in a worktree of it, on a branch of its own"`
	IncludeDirty   bool                     `json:"include_dirty,omitempty" doc:"take uncommitted changes of repo along, untracked files included, ignored ones not"`
	Path           string                   `json:"path,omitempty" doc:"the submitter's PATH, where agents are looked for"`
	Force          bool                     `json:"force,omitempty" doc:"queue even when the agent is not found now"`
	NoBundle       bool                     `json:"no_bundle,omitempty"`
	AutoApprove    *apprentice.AutoApproval `json:"auto_approve,omitempty" doc:"answer checkpoints without a person; recorded as such"`
	Packs          []string                 `json:"experience_packs,omitempty" doc:"packs whose lessons the apprentice is told, by id or the beginning of one; else the active packs that fit"`
	NoPacks        bool                     `json:"no_experience_packs,omitempty" doc:"tell no lessons"`
	Again          string                   `json:"again,omitempty" doc:"a run whose instruction, assets, rubric and settings are taken where nothing else is said"`
}

// RunSettings are the settings a single run may set; nil leaves the daemon's.
type RunSettings map[string]any

// RunParams name one run: its id, a unique prefix of it, or @last.
type RunParams struct {
	RunID string `json:"run_id" doc:"id, unique prefix, or @last"`
}

// SubmitResult tells whether the idempotency key had been used before.
type SubmitResult struct {
	Run      apprentice.Run `json:"run"`
	Existing bool           `json:"existing,omitempty" doc:"the idempotency key had been used: this is that run"`
	Folder   string         `json:"folder" doc:"where the run's files are"`
	// Repository is nil where the run has none.
	Repository *apprentice.Repository `json:"repository,omitempty"`
}

// RunDetail is all of one run but its events and files.
type RunDetail struct {
	Run         apprentice.Run         `json:"run"`
	Instruction string                 `json:"instruction" doc:"of the first pass, cut at 8 KiB; whole in task/task_instruction.md"`
	Followups   []string               `json:"followups,omitempty"`
	Assets      []apprentice.Asset     `json:"assets,omitempty"`
	Repository  *apprentice.Repository `json:"repository,omitempty" doc:"what the attempts work on, of the latest pass"`
	Sandbox     string                 `json:"sandbox,omitempty" doc:"what is confined and by what; empty is nothing"`
	Settings    apprentice.Settings    `json:"settings"`
	Attempts    []apprentice.Attempt   `json:"attempts"`
	Folder      string                 `json:"folder"`
	Artifacts   string                 `json:"artifacts" doc:"folder of the selected attempt's deliverables"`
	Ahead       int                    `json:"ahead,omitempty" doc:"runs that would start before this one"`
	Queued      string                 `json:"queued_because,omitempty" doc:"why a queued run does not start yet, where more than its turn is missing"`
}

// RunListParams filter the list of runs; all given filters must fit.
type RunListParams struct {
	States  []string          `json:"states,omitempty" doc:"queue states"`
	Labels  map[string]string `json:"labels,omitempty"`
	Group   string            `json:"group,omitempty"`
	Agent   string            `json:"agent,omitempty"`
	Verdict string            `json:"verdict,omitempty"`
	Text    string            `json:"text,omitempty" doc:"part of the id or title, any case"`
	Since   string            `json:"since,omitempty" doc:"RFC 3339: created at or after"`
	Until   string            `json:"until,omitempty" doc:"RFC 3339: created before"`
	Cursor  string            `json:"cursor,omitempty" doc:"next of the page before"`
	Limit   int               `json:"limit,omitempty" doc:"runs a page, 1–200; 20"`
}

// RunListResult is a page of runs, newest first.
type RunListResult struct {
	Runs []apprentice.Run `json:"runs"`
	Next string           `json:"next,omitempty" doc:"cursor of the next page; absent on the last"`
}

// RunEventsParams ask for a page of one run's events.
type RunEventsParams struct {
	RunID string `json:"run_id"`
	After uint64 `json:"after,omitempty" doc:"event_index to read on from"`
}

// RunEventsResult is a page of events in order, about 12 KiB.
type RunEventsResult struct {
	Events []apprentice.Event `json:"events"`
	More   bool               `json:"more,omitempty"`
}

// RunWatchParams subscribe to events: of one run, or of all that fit.
type RunWatchParams struct {
	RunID    string `json:"run_id,omitempty" doc:"one run; empty watches all"`
	After    uint64 `json:"after,omitempty" doc:"read on from this number: event_index with run_id, else seq"`
	Tail     bool   `json:"tail,omitempty" doc:"only what happens from now on, whatever after says"`
	Group    string `json:"group,omitempty" doc:"only runs of this group"`
	UntilEnd bool   `json:"until_end,omitempty" doc:"with run_id: end the watch when no pass of the run is live and all was sent"`
}

// RunWatchResult names the subscription its notifications carry.
type RunWatchResult struct {
	Subscription string `json:"subscription"`
}

// RunEventNote is the parameter of a run/event notification.
type RunEventNote struct {
	Subscription string           `json:"subscription"`
	Seq          uint64           `json:"seq" doc:"daemon-wide order"`
	Event        apprentice.Event `json:"event"`
}

// RunWatchEndNote is the parameter of a run/watchEnd notification.
type RunWatchEndNote struct {
	Subscription string `json:"subscription"`
	Reason       string `json:"reason" doc:"ended, deleted, unwatched or stopping"`
}

// RunUnwatchParams end one subscription.
type RunUnwatchParams struct {
	Subscription string `json:"subscription"`
}

// RunOutputParams read what an attempt printed.
type RunOutputParams struct {
	RunID   string `json:"run_id"`
	Attempt string `json:"attempt,omitempty" doc:"attempt id or kind; the latest"`
	Stream  string `json:"stream,omitempty" doc:"stdout or stderr; stdout"`
	Offset  int64  `json:"offset,omitempty" doc:"in bytes; negative counts from the end"`
	Limit   int    `json:"limit,omitempty" doc:"bytes, at most 65536; 12288"`
	Follow  bool   `json:"follow,omitempty" doc:"wait up to 10 s for more when there is none yet"`
}

// RunOutputResult is a piece of output. Text holds U+FFFD for bytes that are no
// UTF-8; offsets count the raw bytes.
type RunOutputResult struct {
	Attempt apprentice.AttemptID `json:"attempt_id"`
	Text    string               `json:"text"`
	Offset  int64                `json:"offset"`
	Next    int64                `json:"next_offset"`
	End     bool                 `json:"end,omitempty" doc:"the attempt has ended and this is the rest"`
	Path    string               `json:"path" doc:"the file itself"`
}

// RunPriorityParams change a waiting run's priority.
type RunPriorityParams struct {
	RunID    string `json:"run_id"`
	Priority int    `json:"priority" doc:"higher goes first"`
}

// RunWaitParams wait for a run to reach a state.
type RunWaitParams struct {
	RunID    string   `json:"run_id"`
	States   []string `json:"states,omitempty" doc:"queue states, any of them; the ended ones"`
	Deadline int      `json:"timeout_seconds,omitempty" doc:"0 waits as long as the connection lives"`
}

// RunWaitResult tells the run and whether the state was reached in time.
type RunWaitResult struct {
	Run     apprentice.Run `json:"run"`
	Reached bool           `json:"reached"`
}

// RunContinueParams add a follow-up to an ended run.
type RunContinueParams struct {
	RunID       string   `json:"run_id"`
	Instruction string   `json:"instruction"`
	Assets      []string `json:"assets,omitempty" doc:"absolute paths"`
	RecordOnly  bool     `json:"record_only,omitempty" doc:"write it down, work on nothing"`
	Rubric      string   `json:"rubric,omitempty"`
	RubricPath  string   `json:"rubric_path,omitempty"`
	Path        string   `json:"path,omitempty"`
}

// RunDeleteParams delete an ended run with its folder.
type RunDeleteParams struct {
	RunID string `json:"run_id"`
	Force bool   `json:"force,omitempty" doc:"cancel it first when a pass is live"`
	Purge bool   `json:"purge,omitempty" doc:"delete the branches of its attempts in the repository too"`
}

// RunFileParams list or read a run's files.
type RunFileParams struct {
	RunID  string `json:"run_id"`
	Path   string `json:"path,omitempty" doc:"relative to the run folder; a folder is listed"`
	Offset int64  `json:"offset,omitempty"`
	Limit  int    `json:"limit,omitempty" doc:"bytes, at most 65536; 12288"`
}

// RunFileResult is a folder's listing or a piece of a file.
type RunFileResult struct {
	Path     string      `json:"path"`
	Entries  []FileEntry `json:"entries,omitempty"`
	Dir      bool        `json:"dir,omitempty"`
	Text     string      `json:"text,omitempty"`
	Base64   []byte      `json:"base64,omitempty" doc:"instead of text where the piece is no UTF-8"`
	Size     int64       `json:"size_bytes"`
	Next     int64       `json:"next_offset,omitempty" doc:"absent at the end"`
	Absolute string      `json:"absolute" doc:"the same on disk"`
}

// FileEntry is one file or folder of a listing.
type FileEntry struct {
	Name string `json:"name"`
	Dir  bool   `json:"dir,omitempty"`
	Size int64  `json:"size_bytes"`
	At   string `json:"modified_at"`
}

// RunDiffParams compare two attempts' artifacts.
type RunDiffParams struct {
	RunID string `json:"run_id"`
	From  string `json:"from,omitempty" doc:"attempt id or kind, or base for before the first; the one before to, of a repository base"`
	To    string `json:"to,omitempty" doc:"attempt id or kind; the latest ended"`
	Path  string `json:"path,omitempty" doc:"only this artifact, or this file of the repository"`
}

// RunDiffResult is what changed between two attempts.
type RunDiffResult struct {
	From  apprentice.AttemptID `json:"from"`
	To    apprentice.AttemptID `json:"to"`
	Files []FileDiff           `json:"files"`
}

// FileDiff is one file that differs; Text is a unified diff where both sides are
// text of at most 1 MiB.
type FileDiff struct {
	Path   string `json:"path"`
	Change string `json:"change" doc:"added, removed or modified"`
	Text   string `json:"diff,omitempty"`
	Cut    bool   `json:"cut,omitempty" doc:"diff does not tell all that differs, as of binaries, links, modes and large files; compare the files"`
	Before int64  `json:"size_before"`
	After  int64  `json:"size_after"`
}
