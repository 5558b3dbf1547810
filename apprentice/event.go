package apprentice

import "strings"

// EventType names a fact about a run.
type EventType string

const (
	RunQueued          EventType = "run_queued"
	RunStarted         EventType = "run_started"
	WorkspacePrepared  EventType = "task_workspace_prepared"
	AttemptStarted     EventType = "apprentice_attempt_started"
	AttemptCompleted   EventType = "apprentice_attempt_completed"
	ReviewStarted      EventType = "mentor_review_started"
	ReviewCompleted    EventType = "mentor_review_completed"
	RevisionStarted    EventType = "revision_started"
	RevisionCompleted  EventType = "revision_completed"
	BundleStarted      EventType = "contribution_bundle_started"
	BundleCompleted    EventType = "contribution_bundle_completed"
	BundleShared       EventType = "contribution_shared"
	SharingWaits       EventType = "contribution_waits"   // it is tried again by itself
	SharingRefused     EventType = "contribution_refused" // and why
	RunCompleted       EventType = "run_completed"
	RunCancelled       EventType = "run_cancelled"
	OperationalErrorEv EventType = "operational_error"
	AttemptInterrupted EventType = "attempt_interrupted"
	RunRetried         EventType = "run_retried"
	RunRegraded        EventType = "run_regraded"
	RunDeferred        EventType = "run_deferred"
	RunReleased        EventType = "run_released"
	RunReprioritized   EventType = "run_reprioritized"
	// RunResumed is a run that takes up a slot again: after a retry, an answer, or
	// a deferral of a pass that had started.
	RunResumed         EventType = "run_resumed"
	FollowupStarted    EventType = "followup_started"
	FollowupCompleted  EventType = "followup_completed"
	CheckpointOpened   EventType = "checkpoint_opened"
	CheckpointRejected EventType = "checkpoint_rejected" // the answer could not be used, and why
	CheckpointReminder EventType = "checkpoint_reminder"
	CheckpointExpired  EventType = "checkpoint_expired" // nobody answered in time
	CheckpointResolved EventType = "checkpoint_resolved"
	SessionFinished    EventType = "session_finished"
	QueuePaused        EventType = "queue_paused"  // daemon-wide log only
	QueueResumed       EventType = "queue_resumed" // daemon-wide log only
	QueueLimited       EventType = "queue_limited" // daemon-wide log only
	RunDeleted         EventType = "run_deleted"   // daemon-wide log only
	RunImported        EventType = "run_imported"  // daemon-wide log only
)

// Phases of a run, as Event.Phase and Run.Phase say them.
const (
	PhaseQueued           = "queued"
	PhaseStarting         = "starting"
	PhasePreparing        = "preparing_workspace"
	PhaseAttempt          = "apprentice_attempt"
	PhaseAttemptComplete  = "apprentice_attempt_complete"
	PhaseReview           = "mentor_review"
	PhaseReviewComplete   = "mentor_review_complete"
	PhaseRevision         = "revision_attempt"
	PhaseRevisionComplete = "revision_attempt_complete"
	PhaseBundle           = "contribution_bundle"
	PhaseBundleComplete   = "contribution_bundle_complete"
	PhaseOperationalError = "operational_error"
	PhaseFollowup         = "followup"
	PhaseFollowupComplete = "followup_complete"
	PhaseSessionFinished  = "session_finished"
)

// Phases of runs that wait for a person, and of their reviews.
const (
	PhaseIntakePending        = "task_intake_pending"
	PhaseRubricPending        = "rubric_pending"
	PhaseExpertPending        = "expert_review_pending"
	PhaseHybridPending        = "hybrid_human_approval_pending"
	PhaseFinalPending         = "final_approval_pending"
	PhasePermissionPending    = "permission_pending"
	PhaseExpertReview         = "expert_review"
	PhaseExpertReviewComplete = "expert_review_complete"
	PhaseHybridReview         = "hybrid_human_approval"
	PhaseHybridReviewComplete = "hybrid_human_approval_complete"
)

// Event is a numbered fact about a run, append-only: one line of
// progress_events.jsonl. Its keys are written sorted; absent values are left out.
type Event struct {
	ArtifactCount           int            `json:"artifact_count"` // summed over the pass
	ArtifactsPath           string         `json:"artifacts_path,omitempty"`
	ContributionBundlePath  string         `json:"contribution_bundle_path,omitempty"`
	CreatedAt               string         `json:"created_at"` // a Stamp
	CurrentLoop             int            `json:"current_loop"`
	EventIndex              uint64         `json:"event_index"` // 1, 2, 3… within the run, without a gap
	EventType               EventType      `json:"event_type"`
	MaximumImprovementLoops int            `json:"maximum_improvement_loops"`
	Message                 string         `json:"message"`
	Metadata                map[string]any `json:"metadata_json,omitempty"`
	OperationalError        string         `json:"operational_error,omitempty"`
	Phase                   string         `json:"phase"`
	RunID                   RunID          `json:"run_id,omitempty"`
	RunStatus               Status         `json:"run_status,omitempty"`
	TaskStatus              Status         `json:"task_status,omitempty"`
	TracedSteps             int            `json:"traced_steps"` // summed over the pass
}

func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if t := strings.TrimSpace(line); t != "" {
			return t
		}
	}
	return ""
}
