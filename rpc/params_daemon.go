package rpc

import "aad/apprentice"

// ProtocolVersion is the one integer both sides must share.
const ProtocolVersion = 1

// Empty is the parameter or result of a method that has none.
type Empty struct{}

// InitializeParams introduce a client.
type InitializeParams struct {
	Client   string `json:"client" doc:"name and version of the client"`
	Protocol int    `json:"protocol" doc:"1"`
}

// InitializeResult introduces the daemon.
type InitializeResult struct {
	Version      string   `json:"version"`
	Protocol     int      `json:"protocol"`
	Capabilities []string `json:"capabilities" doc:"names of all methods"`
	Home         string   `json:"home"`
	PID          int      `json:"pid"`
}

// PingResult answers a ping.
type PingResult struct {
	PID int `json:"pid"`
}

// DaemonStatus is how the daemon stands.
type DaemonStatus struct {
	Version    string         `json:"version"`
	PID        int            `json:"pid"`
	Home       string         `json:"home"`
	StartedAt  string         `json:"started_at"`
	Uptime     int64          `json:"uptime_seconds"`
	Counts     map[string]int `json:"counts" doc:"runs by queue state"`
	Slots      int            `json:"slots" doc:"max_parallel"`
	Busy       int            `json:"busy"`
	Groups     []Group        `json:"groups,omitempty"`
	Paused     bool           `json:"paused,omitempty"`
	Database   int64          `json:"database_bytes"`
	DiskFree   int64          `json:"disk_free_bytes"`
	DiskFull   bool           `json:"disk_full,omitempty" doc:"no new run starts until there is room"`
	DiskReason string         `json:"disk_reason,omitempty" doc:"why none starts: what is free, and what is wanted"`
	Clients    int            `json:"clients"`
	Watchers   int            `json:"watchers"`
	LastSeq    uint64         `json:"last_seq"`
	Problems   []string       `json:"problems,omitempty" doc:"what went wrong lately, newest first"`
	Log        string         `json:"log" doc:"the log file"`
}

// ShutdownParams stop the daemon; running attempts go on under their shims.
type ShutdownParams struct {
	Force bool `json:"force,omitempty" doc:"do not wait for calls in progress"`
}

// Group is a part of the queue with its own limit.
type Group struct {
	Name    string `json:"name" doc:"empty: the whole queue"`
	Paused  bool   `json:"paused,omitempty"`
	Limit   int    `json:"limit,omitempty" doc:"runs worked on at once; 0 is no limit of its own"`
	Queued  int    `json:"queued"`
	Running int    `json:"running"`
	// Deferred runs are not in Queued: something else has to happen first.
	Deferred int `json:"deferred,omitempty"`
}

// QueueParams name the whole queue or one group.
type QueueParams struct {
	Group string `json:"group,omitempty" doc:"empty: the whole queue"`
}

// QueueLimitParams set how many runs of a group are worked on at once.
type QueueLimitParams struct {
	Group string `json:"group"`
	Limit int    `json:"limit" doc:"0 is no limit of its own"`
}

// QueueResult is the queue as it stands, in the order runs would start.
type QueueResult struct {
	Paused  bool             `json:"paused,omitempty"`
	Groups  []Group          `json:"groups"`
	Running []apprentice.Run `json:"running"`
	Next    []apprentice.Run `json:"next" doc:"at most 20"`
	Waiting int              `json:"waiting" doc:"runs that are queued, in all"`
	// Deferred runs tell in queue_reason what they wait for.
	Deferred []apprentice.Run `json:"deferred,omitempty" doc:"oldest first, at most 20"`
}

// SettingsParams read settings.
type SettingsParams struct {
	Key string `json:"key,omitempty" doc:"one key; empty reads all"`
}

// SettingsResult is the settings in force for new runs.
type SettingsResult struct {
	Settings apprentice.Settings `json:"settings"`
	Path     string              `json:"path"`
}

// SettingsSetParams change one key of settings.json.
type SettingsSetParams struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty" doc:"as people type it; empty where unset is not given"`
	Unset bool   `json:"unset,omitempty" doc:"bring the default back"`
}

// BackupParams name where a copy of the database and folders goes.
type BackupParams struct {
	Dir string `json:"dir" doc:"absolute path of a folder that is new or empty"`
}

// BackupResult tells what was copied.
type BackupResult struct {
	Dir   string `json:"dir"`
	Bytes int64  `json:"bytes"`
	Runs  int    `json:"runs"`
}

// CheckResult lists what is wrong; none is good.
type CheckResult struct {
	Problems []string `json:"problems"`
	Runs     int      `json:"runs"`
	Events   uint64   `json:"events"`
}

// GCParams say what may be removed.
type GCParams struct {
	OlderThanDays int  `json:"older_than_days,omitempty" doc:"delete runs that ended longer ago; 0 takes retention_days"`
	DryRun        bool `json:"dry_run,omitempty"`
}

// GCResult tells what was removed, or would be.
type GCResult struct {
	Runs      []apprentice.RunID `json:"runs"`
	Folders   []string           `json:"folders" doc:"left over, belonging to no run"`
	Bytes     int64              `json:"bytes"`
	Worktrees int                `json:"worktrees,omitempty" doc:"of repositories, of runs that have ended; their branches stay"`
	Missing   []apprentice.RunID `json:"missing,omitempty" doc:"runs whose folder was removed by hand"`
}

// UsageResult is what the home takes on disk.
type UsageResult struct {
	Database int64      `json:"database_bytes"`
	Free     int64      `json:"database_free_bytes" doc:"given back by aad compact"`
	Log      int64      `json:"log_bytes"`
	Runs     []RunUsage `json:"runs" doc:"largest first, at most 100"`
	RunTotal int64      `json:"runs_bytes"`
	Other    int64      `json:"other_bytes" doc:"ballast, settings, and what belongs to no run"`
	Total    int64      `json:"total_bytes" doc:"all of the home"`
}

// RunUsage is what one run's folder takes.
type RunUsage struct {
	RunID apprentice.RunID `json:"run_id"`
	Bytes int64            `json:"bytes"`
}

// MetricsResult is what has been counted.
type MetricsResult struct {
	Metrics []Metric `json:"metrics"`
}

// Metric is one figure; a histogram is told by its sum and count.
type Metric struct {
	Name   string            `json:"name"`
	Type   string            `json:"type" doc:"counter, gauge or histogram"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  float64           `json:"value" doc:"of a histogram: the sum of what was observed"`
	Count  uint64            `json:"count,omitempty" doc:"of a histogram: how often it was observed"`
	Help   string            `json:"help"`
}
