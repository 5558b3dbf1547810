package rpc

import "aad/apprentice"

// The method table: the only place where a method's name, parameters, result and
// description stand. Server, client, docs/protocol.md and aa rpc are made from it.
var (
	Initialize     = define[InitializeParams, InitializeResult]("initialize", "say who you are and learn who answers; another major protocol is refused")
	Ping           = define[Empty, PingResult]("ping", "answer at once")
	DaemonStatusOf = define[Empty, DaemonStatus]("daemon/status", "how the daemon stands: uptime, counts by state, slots, sizes, last problems")
	DaemonShutdown = define[ShutdownParams, Empty]("daemon/shutdown", "stop gracefully; attempts in progress go on under their shims")
	DaemonBackup   = define[BackupParams, BackupResult]("daemon/backup", "write a consistent copy of the database and the folders while running")
	DaemonCheck    = define[Empty, CheckResult]("daemon/check", "check the database and its invariants while running")
	DaemonGC       = define[GCParams, GCResult]("daemon/gc", "delete old runs and left-over folders")
	DaemonMetrics  = define[Empty, MetricsResult]("daemon/metrics", "figures since the start, as Prometheus gets them")
	DaemonUsage    = define[Empty, UsageResult]("daemon/usage", "what the home takes on disk")

	RunSubmit       = define[RunSubmitParams, SubmitResult]("run/submit", "queue a task")
	RunGet          = define[RunParams, RunDetail]("run/get", "one run with its attempts, scores and feedback")
	RunList         = define[RunListParams, RunListResult]("run/list", "runs, newest first, a page at a time")
	RunEvents       = define[RunEventsParams, RunEventsResult]("run/events", "events of a run after a number, a page at a time")
	RunWatch        = define[RunWatchParams, RunWatchResult]("run/watch", "subscribe to events: all after a number, then what follows, as run/event notifications")
	RunUnwatch      = define[RunUnwatchParams, Empty]("run/unwatch", "end a subscription")
	RunOutput       = define[RunOutputParams, RunOutputResult]("run/output", "what an attempt printed, from an offset, following if asked")
	RunCancel       = define[RunParams, apprentice.Run]("run/cancel", "end a run and every process of it")
	RunRetry        = define[RunParams, apprentice.Run]("run/retry", "work an ended run again: finished stages are kept, the failed attempt is put aside")
	RunRegrade      = define[RunRegradeParams, apprentice.Run]("run/regrade", "review the attempts of an ended run again; the agent does not work again, earlier grades are kept")
	RunHold         = define[RunParams, apprentice.Run]("run/hold", "keep a queued run from starting")
	RunRelease      = define[RunParams, apprentice.Run]("run/release", "let a held or deferred run start, whatever it waited for")
	RunReprioritize = define[RunPriorityParams, apprentice.Run]("run/reprioritize", "change a run's place in the queue")
	RunWait         = define[RunWaitParams, RunWaitResult]("run/wait", "return when the run reaches one of the states or the time is up")
	RunContinue     = define[RunContinueParams, apprentice.Run]("run/continue", "add a follow-up to an ended run")
	RunFinish       = define[RunParams, apprentice.Run]("run/finish", "finish the session of an ended run")
	RunImport       = define[RunImportParams, RunImportResult]("run/import", "check a run folder that was made elsewhere and take it in as an ended run; of a folder of several the next one")
	RunDelete       = define[RunDeleteParams, Empty]("run/delete", "delete an ended run with its folder")
	RunFile         = define[RunFileParams, RunFileResult]("run/file", "list or read the files of a run folder")
	RunDiff         = define[RunDiffParams, RunDiffResult]("run/diff", "what changed in the artifacts between two attempts")

	BundleCreate  = define[BundleCreateParams, BundleResult]("bundle/create", "make the contribution bundle of an ended run, again if it has one")
	BundleInspect = define[BundleParams, BundleInspectResult]("bundle/inspect", "a bundle on a page")
	BundleCheck   = define[BundleCheckParams, BundleCheckResult]("bundle/check", "verify a bundle: sums, manifest, references, schemas, counts, secrets, events")
	BundleExport  = define[BundleExportParams, BundleExportResult]("bundle/export", "write a bundle in another form: archives, training data, trajectories")

	ReleaseCreate     = define[ReleaseCreateParams, ReleaseInfo]("release/create", "gather ended runs into a dataset; lasts as long as that takes, see release/progress", apprentice.Conflict, apprentice.Unmet, apprentice.Denied)
	ReleaseProgressOf = define[ReleaseParams, ReleaseProgressResult]("release/progress", "how far the making or checking of a release is")
	ReleaseValidate   = define[ReleaseParams, ReleaseValidateResult]("release/validate", "check a release: sums, schemas, counts, references, secrets; what blocks its use and what to know")
	ReleaseInspect    = define[ReleaseParams, ReleaseInspectResult]("release/inspect", "a release on a page")
	ReleaseSummary    = define[ReleaseSummaryParams, ReleaseSummaryResult]("release/summary", "several releases in figures, with totals")

	CheckpointList    = define[CheckpointListParams, CheckpointListResult]("checkpoint/list", "the questions that wait for a person, oldest first")
	CheckpointGet     = define[CheckpointParams, CheckpointGetResult]("checkpoint/get", "the open question of a run, with its file")
	CheckpointResolve = define[CheckpointResolveParams, CheckpointResolveResult]("checkpoint/resolve", "answer the open question of a run; the first valid answer wins")

	PackCreate   = define[PackCreateParams, PackInfo]("pack/create", "draw an experience pack, a draft, from runs, bundles and datasets")
	PackList     = define[Empty, PackListResult]("pack/list", "the experience packs, newest first")
	PackSearch   = define[PackSearchParams, PackSearchResult]("pack/search", "find experience packs by words, and say why")
	PackGet      = define[PackParams, PackGetResult]("pack/get", "one experience pack: what a run is told of it, where that comes from, how it was replayed")
	PackKeep     = define[PackParams, PackInfo]("pack/keep", "make an experience pack active: runs that it fits are given it")
	PackRevert   = define[PackParams, PackInfo]("pack/revert", "undo pack/keep")
	PackRemove   = define[PackParams, PackInfo]("pack/remove", "move an experience pack to _removed")
	PackReplayOf = define[PackReplayParams, PackReplay]("pack/replay", "queue the pack's source tasks without it and with it, to be compared by pack/get")

	EcosystemStatusOf   = define[Empty, EcosystemStatus]("ecosystem/status", "where bundles are shared and when, what was and what waits to be, what is under way")
	EcosystemCheck      = define[Empty, EcosystemStatus]("ecosystem/check", "find out whether the place can be reached and written to; then as ecosystem/status")
	EcosystemList       = define[EcosystemListParams, EcosystemListResult]("ecosystem/list", "the shared bundles, newest first, or those that hold some words")
	EcosystemInspect    = define[EcosystemParams, BundleInspectResult]("ecosystem/inspect", "a shared bundle on a page, without pulling it")
	EcosystemPull       = define[EcosystemPullParams, EcosystemPullResult]("ecosystem/pull", "take a shared bundle, if it is whole")
	EcosystemContribute = define[EcosystemContributeParams, EcosystemContributeResult]("ecosystem/contribute", "share the bundle of a run, or tell exactly what would leave")
	EcosystemShared     = define[Empty, EcosystemSharedResult]("ecosystem/shared", "what this home has shared, newest first")

	BatchStart = define[BatchStartParams, BatchStartResult]("batch/start", "queue the task records of a file, a page of lines a call; again it goes on where it was")
	BatchGet   = define[BatchParams, BatchStatus]("batch/get", "the runs of a batch, summed up")
	BatchRetry = define[BatchRetryParams, BatchRetryResult]("batch/retry", "queue again the runs of a batch that failed for an operational error")

	QueueGet    = define[Empty, QueueResult]("queue/get", "the queue in the order runs would start")
	QueuePause  = define[QueueParams, Empty]("queue/pause", "start no new run, in the whole queue or in one group")
	QueueResume = define[QueueParams, Empty]("queue/resume", "start runs again")
	QueueLimit  = define[QueueLimitParams, Empty]("queue/limit", "set how many runs of a group are worked on at once")

	MentorEval = define[MentorEvalParams, apprentice.EvalReport]("mentor/eval", "grade examples with the configured mentor and compare with their labels; lasts as long as its answers")

	UsageGet = define[UsageParams, ModelUsageResult]("usage/get", "what calls to models took, in tokens and dollars")

	DaemonDoctor       = define[LookParams, DoctorResult]("daemon/doctor", "how the home, the machine, the agents and the providers' keys stand")
	IntegrationList    = define[LookParams, IntegrationsResult]("integration/list", "agents and providers, with what trying them last came to")
	IntegrationCertify = define[CertifyParams, apprentice.SmokeResult]("integration/certify", "try an agent by a tiny run, a provider by one call, or both together; the result is kept")

	SettingsGet = define[SettingsParams, SettingsResult]("settings/get", "the settings in force for new runs")
	SettingsSet = define[SettingsSetParams, SettingsResult]("settings/set", "change one key of settings.json")
)

// What the daemon sends unasked, to those who watch.
var (
	RunEvent    = announce[RunEventNote]("run/event", "an event of a run that is watched")
	RunWatchEnd = announce[RunWatchEndNote]("run/watchEnd", "a watch has ended; nothing more comes of it")
)
