package rpc

// RunImportParams name a run folder that was made elsewhere, or a folder of several:
// then a call takes the first one whose name comes after After.
type RunImportParams struct {
	Path   string `json:"path" doc:"absolute path of a run folder, of a folder of run folders, or of a home"`
	After  string `json:"after,omitempty" doc:"next of the call before"`
	DryRun bool   `json:"dry_run,omitempty" doc:"check only"`
}

// What became of a run folder.
const (
	ImportDone    = "imported"
	ImportChecked = "checked"
	ImportHere    = "already_here"
	ImportRefused = "refused"
)

// RunImportResult tells of one run folder.
type RunImportResult struct {
	Folder   string          `json:"folder"`
	RunID    string          `json:"run_id,omitempty" doc:"as the folder tells it"`
	Outcome  string          `json:"outcome" enum:"imported|checked|already_here|refused"`
	Reason   string          `json:"reason,omitempty" doc:"why it was refused, in a sentence"`
	Problems []ImportProblem `json:"problems" doc:"at most 100; those of a refused folder"`
	Total    int             `json:"problem_count"`
	Bundle   string          `json:"bundle,omitempty" doc:"why its contribution bundle does not come along"`
	Files    int             `json:"files"`
	Bytes    int64           `json:"size_bytes"`
	Events   int             `json:"events"`
	Next     string          `json:"next,omitempty" doc:"after of the next call; absent on the last folder"`
	Left     int             `json:"left" doc:"folders that follow"`
}

// ImportProblem is one fault of a run folder.
type ImportProblem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty" doc:"absent where no line is meant"`
	Reason string `json:"reason"`
}
