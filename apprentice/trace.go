package apprentice

// AgentTrace is what the apprentice did in one attempt, stored at attempts/<kind>/agent_trace.json.
type AgentTrace struct {
	SchemaVersion      string               `json:"schema_version,omitempty"`
	TraceID            string               `json:"trace_id"`
	CollectionID       string               `json:"collection_id,omitempty"`
	RunID              string               `json:"run_id,omitempty"`
	PackageID          string               `json:"package_id,omitempty"`
	BundleID           string               `json:"bundle_id,omitempty"`
	PriorTraceID       string               `json:"prior_trace_id,omitempty"`
	TraceMode          string               `json:"trace_mode" enum:"live|retraced|hybrid"`
	Task               string               `json:"task"`
	TaskID             string               `json:"task_id"`
	TaskFamilyID       string               `json:"task_family_id,omitempty"`
	AttemptID          string               `json:"attempt_id"`
	AttemptKind        string               `json:"attempt_kind" enum:"baseline|revised|apprentice_without_lessons|apprentice_with_lessons|other"`
	AttemptStatus      string               `json:"attempt_status,omitempty" enum:"completed|failed|blocked|fallback|partial"`
	AgentTools         List[string]         `json:"agent_tools"`
	StartedAt          string               `json:"started_at,omitempty"`
	EndedAt            string               `json:"ended_at,omitempty"`
	SystemPrompt       string               `json:"system_prompt,omitempty"`
	SystemPromptHash   string               `json:"system_prompt_hash,omitempty"`
	Skills             []string             `json:"skills,omitempty"`
	Memory             string               `json:"memory,omitempty"`
	AgentConfig        map[string]any       `json:"agent_config,omitempty"`
	EnvironmentDomain  string               `json:"environment_domain,omitempty" enum:"terminal|browser|computer_use|web|search|codebase|software|os|android|mcp|api|database|spreadsheet|file|multimodal|device|robotics|lab|industrial|physical|mixed|unknown"`
	ActualOutputsRef   string               `json:"actual_outputs_ref,omitempty"`
	InputArtifactRefs  []string             `json:"input_artifact_refs,omitempty"`
	ArtifactRefs       []string             `json:"artifact_refs,omitempty"`
	DeliverableRefs    []string             `json:"deliverable_refs,omitempty"`
	OutputSummary      string               `json:"output_summary,omitempty"`
	FinalOutputSummary string               `json:"final_output_summary,omitempty"`
	Learning           string               `json:"learning,omitempty"`
	TerminationReason  string               `json:"termination_reason" enum:"task_complete|verifier_passed|verifier_failed|max_iterations_reached|agent_blocked|timeout|error_unrecoverable|partial_then_stopped|provider_usage_limit|other"`
	Steps              List[AgentTraceStep] `json:"steps"`
	ActualOutputs      *ActualOutputs       `json:"actual_outputs,omitempty"`
	Artifacts          []ArtifactRef        `json:"artifacts,omitempty"`
	IterationIndex     *int                 `json:"iteration_index,omitempty"`
	PreviousAttemptID  string               `json:"previous_attempt_id,omitempty"`
	RevisionGroupID    string               `json:"revision_group_id,omitempty"`
	CompletionReason   string               `json:"completion_reason,omitempty"`
	FinalAttemptID     string               `json:"final_attempt_id,omitempty"`
	PreferredAttemptID string               `json:"preferred_attempt_id,omitempty"`
	InitialAttemptID   string               `json:"initial_attempt_id,omitempty"`
	RevisionAttemptIDs []string             `json:"revision_attempt_ids,omitempty"`
	MetadataJSON       map[string]any       `json:"metadata_json,omitempty"`
}

// AgentTraceStep is one step of an AgentTrace. Step counts from 1; the first is the user's message.
type AgentTraceStep struct {
	Step                   int            `json:"step"`
	Turn                   int            `json:"turn"`
	Actor                  string         `json:"actor"`
	Action                 string         `json:"action" enum:"user_message|agent_step|output|error"`
	Operation              string         `json:"operation,omitempty" enum:"plan|analyze|search|read|write|edit|execute|verify|download|install|ask_user|answer|select|grade|evaluate|revise|other"`
	Tool                   string         `json:"tool,omitempty"`
	EnvironmentDomain      string         `json:"environment_domain,omitempty" enum:"terminal|browser|computer_use|web|search|codebase|software|os|android|mcp|api|database|spreadsheet|file|multimodal|device|robotics|lab|industrial|physical|mixed|unknown"`
	ExecutionMode          string         `json:"execution_mode,omitempty" enum:"serial|parallel"`
	ParallelGroup          string         `json:"parallel_group,omitempty"`
	Observation            string         `json:"observation,omitempty"`
	Input                  string         `json:"input,omitempty"`
	InputSource            map[string]any `json:"input_source,omitempty"`
	Output                 string         `json:"output,omitempty"`
	StateChange            string         `json:"state_change,omitempty"`
	Reasoning              string         `json:"reasoning,omitempty"`
	CausedBy               []int          `json:"caused_by,omitempty"`
	CausalType             string         `json:"causal_type,omitempty" enum:"user_request|follow_up_user_request|answer_to_agent_question|execution_of_plan|dependency_on_tool_result|retry_after_failure|correction_response|approval_response|verification_of_prior_step|dependency_on_multiple_prior_steps|delegation_to_subagent|delegated_work|used_subagent_result|handoff_from_subagent|parallel_work|other"`
	CausalNote             string         `json:"causal_note,omitempty"`
	AlternativesConsidered string         `json:"alternatives_considered,omitempty"`
	Success                *bool          `json:"success,omitempty"`
	StepOutcome            string         `json:"step_outcome,omitempty" enum:"progress|neutral|blocked|failed|corrected|completed"`
	ErrorType              string         `json:"error_type,omitempty"`
	ErrorMessage           string         `json:"error_message,omitempty"`
	MessageRole            string         `json:"message_role,omitempty" enum:"direct_request|answer_to_agent_question|correction|approval|clarification|selection|status_update|new_constraint|other"`
	FeedbackType           string         `json:"feedback_type,omitempty" enum:"correction|approval|clarification|new_instruction|other"`
	FeedbackContent        string         `json:"feedback_content,omitempty"`
	StartedAt              string         `json:"started_at,omitempty"`
	EndedAt                string         `json:"ended_at,omitempty"`
	RetryOf                *int           `json:"retry_of,omitempty"`
	ArtifactRefs           []string       `json:"artifact_refs,omitempty"`
	InteractionSurface     string         `json:"interaction_surface,omitempty" enum:"api|mcp_tool|mcp_resource|mcp_prompt|browser|computer_use|cli|file|codebase|database|spreadsheet|search|cloud_console|saas_app|async_job|queue|webhook|scheduler|messaging|email|collaboration|document|pdf|table|multimodal|device|industrial|physical|mixed|other_tool|other_surface|unknown"`
	Command                string         `json:"command,omitempty"`
	ExitCode               *int           `json:"exit_code,omitempty"`
	FilePath               string         `json:"file_path,omitempty"`
	FilePaths              []string       `json:"file_paths,omitempty"`
	FileOperation          string         `json:"file_operation,omitempty"`
	MCPServer              string         `json:"mcp_server,omitempty"`
	MCPToolName            string         `json:"mcp_tool_name,omitempty"`
	MCPCallID              string         `json:"mcp_call_id,omitempty"`
	StdoutRef              string         `json:"stdout_ref,omitempty"`
	StderrRef              string         `json:"stderr_ref,omitempty"`
	DiffRef                string         `json:"diff_ref,omitempty"`
	Query                  string         `json:"query,omitempty"`
	ResultCount            *int           `json:"result_count,omitempty"`
	URLOrResourceID        string         `json:"url_or_resource_id,omitempty"`
	SessionID              string         `json:"session_id,omitempty"`
	OperationID            string         `json:"operation_id,omitempty"`
	MetadataJSON           map[string]any `json:"metadata_json,omitempty"`
	MCPArgumentsRef        string         `json:"mcp_arguments_ref,omitempty"`
	MCPResultRef           string         `json:"mcp_result_ref,omitempty"`
	ActorKind              string         `json:"actor_kind,omitempty" enum:"user|apprentice_agent|mentor_model|verifier|grader|evaluator|subagent|tool|system|expert|unknown"`
	AgentID                string         `json:"agent_id,omitempty"`
	AgentName              string         `json:"agent_name,omitempty"`
	SubagentID             string         `json:"subagent_id,omitempty"`
	SubagentName           string         `json:"subagent_name,omitempty"`
	SubagentRole           string         `json:"subagent_role,omitempty"`
	ParentAgentID          string         `json:"parent_agent_id,omitempty"`
	DelegationID           string         `json:"delegation_id,omitempty"`
	PatchRef               string         `json:"patch_ref,omitempty"`
	GitBranch              string         `json:"git_branch,omitempty"`
	GitCommitBefore        string         `json:"git_commit_before,omitempty"`
	GitCommitAfter         string         `json:"git_commit_after,omitempty"`
}

// TraceReport says how an agent_trace.json came to be, stored beside it as trace_normalization_report.json.
type TraceReport struct {
	TaskID              string         `json:"task_id"`
	AttemptID           string         `json:"attempt_id"`
	AttemptKind         string         `json:"attempt_kind"`
	RawTraceRef         string         `json:"raw_trace_ref,omitempty"`
	NormalizedTraceRef  string         `json:"normalized_trace_ref"`
	CanonicalTraceRef   string         `json:"canonical_trace_ref"`
	TraceSchemaValid    bool           `json:"trace_schema_valid"` // of what the agent reported
	TraceNormalized     bool           `json:"trace_normalized"`   // what it reported was brought to our fields
	TraceLossless       bool           `json:"trace_lossless"`     // nothing of it is missing in ours
	FallbackTrace       bool           `json:"fallback_trace"`     // the trace rests on observation alone
	RawStepCount        int            `json:"raw_step_count"`
	NormalizedStepCount int            `json:"normalized_step_count"`
	DiscardedStepCount  int            `json:"discarded_step_count"`
	MetadataJSON        map[string]any `json:"metadata_json,omitempty"`
}
