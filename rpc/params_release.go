package rpc

// ReleaseCreateParams ask for a release of ended runs. All filters that are given must
// fit.
type ReleaseCreateParams struct {
	Path     string            `json:"path" doc:"absolute path of the folder to be made, outside of the home"`
	Runs     []string          `json:"runs,omitempty" doc:"these runs: ids, unique prefixes, @last; absent takes all that fit"`
	States   []string          `json:"states,omitempty" doc:"queue states of ended runs"`
	Labels   map[string]string `json:"labels,omitempty"`
	Group    string            `json:"group,omitempty"`
	Accepted bool              `json:"accepted,omitempty" doc:"only completed runs whose review passed"`
	Replace  bool              `json:"replace,omitempty" doc:"put it in the place of the release that is there"`
	DryRun   bool              `json:"dry_run,omitempty" doc:"only see whether one may be made there; no run need fit"`
}

// ReleaseParams name a release.
type ReleaseParams struct {
	Path string `json:"path" doc:"absolute path of its folder"`
}

// ReleaseInfo is a release in figures.
type ReleaseInfo struct {
	Path       string   `json:"path"`
	DatasetID  string   `json:"dataset_id"`
	CreatedAt  string   `json:"created_at"`
	Public     bool     `json:"public,omitempty" doc:"it is the sanitised copy of one"`
	Runs       int      `json:"runs"`
	Packages   int      `json:"packages"`
	Attempts   int      `json:"attempts"`
	Steps      int      `json:"traced_steps"`
	Rows       int      `json:"rows"`
	Files      int      `json:"artifacts"`
	Bytes      int64    `json:"size_bytes" doc:"without its sanitised copy"`
	Accepted   int      `json:"accepted" doc:"packages completed and passed"`
	Unreviewed int      `json:"unreviewed"`
	Scored     int      `json:"scored" doc:"packages that have a score"`
	MeanScore  float64  `json:"mean_score"`
	LeftOut    []string `json:"left_out_runs" doc:"runs that are not in it and why, at most 100"`
	Warnings   []string `json:"warnings" doc:"at most 100"`
}

// ReleaseProgressResult tells how far the making or checking of a release is.
type ReleaseProgressResult struct {
	Stage string `json:"stage" doc:"empty when nothing is done with it"`
	Done  int    `json:"done"`
	Total int    `json:"total,omitempty" doc:"absent where nobody knows"`
}

// ReleaseValidateResult tells whether a release may be used: it has no blockers.
type ReleaseValidateResult struct {
	Path      string   `json:"path"`
	DatasetID string   `json:"dataset_id"`
	Runs      int      `json:"runs"`
	Rows      int      `json:"rows"`
	Blockers  []string `json:"blockers" doc:"at most 100"`
	Blocking  int      `json:"blocker_count"`
	Warnings  []string `json:"warnings" doc:"at most 100"`
}

// ReleaseInspectResult is a release on a page.
type ReleaseInspectResult struct {
	ReleaseInfo
	Page string `json:"page" doc:"the page, as text"`
}

// ReleaseSummaryParams name several releases.
type ReleaseSummaryParams struct {
	Paths []string `json:"paths" doc:"absolute paths of their folders"`
}

// ReleaseSummaryResult are releases in figures, and all together.
type ReleaseSummaryResult struct {
	Releases []ReleaseInfo `json:"releases"`
	Total    ReleaseInfo   `json:"total" doc:"sums; a run that is in two counts twice"`
}
