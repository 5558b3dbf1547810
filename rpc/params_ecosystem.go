package rpc

// EcosystemStatus is how sharing stands.
type EcosystemStatus struct {
	Place       string              `json:"place" doc:"empty is nowhere"`
	Kind        string              `json:"kind,omitempty" doc:"folder, git or s3"`
	Endpoint    string              `json:"endpoint,omitempty"`
	Region      string              `json:"region,omitempty"`
	Keys        string              `json:"keys,omitempty" doc:"of s3: where they come from"`
	Policy      string              `json:"contribution_policy" doc:"manual, automatic or disabled"`
	Consent     string              `json:"contribution_consent"`
	License     string              `json:"contribution_license"`
	Problem     string              `json:"problem,omitempty" doc:"why the place cannot be used"`
	Hint        string              `json:"hint,omitempty" doc:"what to do about it"`
	Checked     bool                `json:"checked" doc:"it was tried just now: it can be reached and written to, or the problem tells"`
	Contributed int                 `json:"contributed" doc:"bundles that this home has shared, wherever"`
	Pulled      int                 `json:"pulled" doc:"bundles that lie in folder"`
	Folder      string              `json:"folder" doc:"where pulled bundles lie"`
	Waiting     []EcosystemWaiting  `json:"waiting,omitempty" doc:"runs whose bundles are still to be shared by themselves"`
	Transfers   []EcosystemTransfer `json:"transfers,omitempty" doc:"what is under way"`
}

// EcosystemWaiting is a run whose bundle is still to be shared.
type EcosystemWaiting struct {
	RunID string `json:"run_id"`
	Error string `json:"error,omitempty" doc:"what the last try came to"`
}

// EcosystemTransfer is something that is under way.
type EcosystemTransfer struct {
	What  string `json:"what" doc:"list, pull or contribute"`
	ID    string `json:"id,omitempty" doc:"of the bundle or the run"`
	Done  int64  `json:"done" doc:"bytes; of list bundles"`
	Total int64  `json:"total,omitempty" doc:"0 is not known"`
}

// EcosystemListParams choose among the shared bundles.
type EcosystemListParams struct {
	Words []string `json:"words,omitempty" doc:"those that hold all of them: in title, instruction, agent, lessons or id"`
	Skip  int      `json:"skip,omitempty" doc:"leave out so many of the first"`
	Limit int      `json:"limit,omitempty" doc:"at most so many, 200 by default and at most"`
}

// EcosystemListResult is a page of shared bundles.
type EcosystemListResult struct {
	Place    string            `json:"place"`
	Bundles  []EcosystemBundle `json:"bundles"`
	Total    int               `json:"total"`
	Problems []string          `json:"problems,omitempty" doc:"archives that are no bundles, at most 100"`
}

// EcosystemBundle is one shared bundle.
type EcosystemBundle struct {
	BundleID    string   `json:"bundle_id"`
	Title       string   `json:"task_title"`
	Instruction string   `json:"task_instruction,omitempty" doc:"its beginning"`
	Agent       string   `json:"apprentice_agent"`
	Verdict     string   `json:"verdict"`
	Score       *float64 `json:"final_score,omitempty"`
	License     string   `json:"license,omitempty"`
	CreatedAt   string   `json:"created_at"`
	Files       int      `json:"files"`
	Bytes       int64    `json:"size_bytes" doc:"of the archive"`
	Lessons     int      `json:"lessons"`
	Where       []string `json:"where,omitempty" doc:"what holds the words"`
	Here        string   `json:"here,omitempty" doc:"shared by this home, or pulled"`
}

// EcosystemParams name a shared bundle.
type EcosystemParams struct {
	BundleID string `json:"bundle_id"`
}

// EcosystemPullParams ask for a shared bundle.
type EcosystemPullParams struct {
	BundleID string `json:"bundle_id"`
	To       string `json:"to,omitempty" doc:"absolute path of a folder to put bundle_id into; else ecosystem/bundles of the home"`
}

// EcosystemPullResult tells where a bundle lies now.
type EcosystemPullResult struct {
	BundleID string `json:"bundle_id"`
	Path     string `json:"path"`
	Files    int    `json:"files"`
	Bytes    int64  `json:"size_bytes"`
	SignedBy string `json:"signed_by,omitempty" doc:"fingerprint of the key that signed it"`
	License  string `json:"license,omitempty"`
	Already  bool   `json:"already,omitempty" doc:"the same bundle lay there"`
}

// EcosystemContributeParams share the bundle of a run.
type EcosystemContributeParams struct {
	RunID  string `json:"run_id" doc:"id, unique prefix, or @last"`
	DryRun bool   `json:"dry_run,omitempty" doc:"tell what would leave and write nothing anywhere"`
	Skip   int    `json:"skip,omitempty" doc:"of a dry run: leave out so many of the first files"`
	Digest string `json:"digest,omitempty" doc:"share only what a dry run has told: its digest"`
}

// EcosystemContributeResult tells what was shared, or would be.
type EcosystemContributeResult struct {
	RunID    string          `json:"run_id"`
	BundleID string          `json:"bundle_id"`
	Place    string          `json:"place"`
	Title    string          `json:"task_title"`
	License  string          `json:"license,omitempty"`
	Consent  string          `json:"consent"`
	SignedBy string          `json:"signed_by,omitempty"`
	Digest   string          `json:"digest" doc:"of all its files"`
	Files    []EcosystemFile `json:"files,omitempty" doc:"of a dry run, at most 10,000"`
	Count    int             `json:"file_count"`
	Bytes    int64           `json:"size_bytes" doc:"of the files"`
	Packed   int64           `json:"archive_bytes"`
	Omitted  int             `json:"omitted" doc:"files that the bundle names and leaves out"`
	Stale    bool            `json:"stale,omitempty" doc:"of a dry run: the bundle has to be made anew first, since settings have changed"`
	Refusal  string          `json:"refusal,omitempty" doc:"of a dry run: why it would be refused"`
	Kind     string          `json:"refusal_kind,omitempty" doc:"as of an error: denied, unmet, invalid"`
	Hint     string          `json:"hint,omitempty"`
	Already  bool            `json:"already,omitempty" doc:"the same bundle was shared there before"`
}

// EcosystemFile is a file that leaves.
type EcosystemFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"size_bytes"`
}

// EcosystemSharedResult is what this home has shared.
type EcosystemSharedResult struct {
	Shared []EcosystemShare `json:"shared" doc:"at most 1000, the newest first"`
	Total  int              `json:"total"`
}

// EcosystemShare is one bundle that was shared.
type EcosystemShare struct {
	BundleID string `json:"bundle_id"`
	RunID    string `json:"run_id"`
	Title    string `json:"task_title"`
	Place    string `json:"place"`
	SharedAt string `json:"shared_at"`
	By       string `json:"by" doc:"manual or automatic"`
	Files    int    `json:"files"`
	Bytes    int64  `json:"size_bytes" doc:"of the archive"`
	License  string `json:"license,omitempty"`
}
