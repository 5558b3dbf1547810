package agent

import (
	"fmt"

	"aad/apprentice"
)

// Record makes an attempt's trace, outputs and the reports on them. It depends
// on what it is given alone.
func (o Observed) Record() Record {
	var rec Record
	rec.Outputs, rec.OutputsReport = o.outputs()
	var reported ReportedTrace
	problem := o.tooLarge("agent_trace.json", o.RawTrace)
	if o.RawTrace != nil {
		var err error
		if reported, err = ParseReportedTrace(o.RawTrace); err != nil {
			problem = err.Error()
		}
	}
	rec.Trace = o.trace(rec.Outputs, reported)
	rec.TraceReport = o.traceReport(rec.Trace, reported, problem)
	rec.Diagnostics = o.diagnostics(rec, problem)
	return rec
}

func (o Observed) tooLarge(name string, raw []byte) string {
	if raw == nil && o.RawTooLarge {
		return name + " or actual_outputs.json is too large to be read; it is kept as it is"
	}
	return ""
}

func (o Observed) trace(outputs apprentice.ActualOutputs, reported ReportedTrace) apprentice.AgentTrace {
	s := &steps{o: o}
	user := s.user()
	command := s.command(user)
	s.stream(command)
	s.merge(reported.Steps, user, command)
	s.files(command)
	if last := len(s.list); last > command {
		s.answer(outputs, command, last)
	} else {
		s.answer(outputs, command)
	}
	iteration := o.Iteration
	t := apprentice.AgentTrace{
		SchemaVersion: "aa-trace-v0.1", TraceID: "trace_" + o.attemptID(), RunID: string(o.RunID), PackageID: string(o.TaskID),
		TraceMode: "live", Task: o.Instruction, TaskID: string(o.TaskID),
		AttemptID: o.attemptID(), AttemptKind: o.traceKind(), AttemptStatus: attemptStatus(o.Outcome),
		AgentTools: o.tools(reported), StartedAt: o.startedAt(), EndedAt: o.endedAt(),
		AgentConfig:       o.config(),
		EnvironmentDomain: "terminal", ActualOutputsRef: o.ref("actual_outputs.json"),
		InputArtifactRefs: o.Inputs, ArtifactRefs: outputs.ArtifactRefs, DeliverableRefs: outputs.DeliverableRefs,
		OutputSummary: outputs.OutputSummary, FinalOutputSummary: outputs.OutputSummary,
		TerminationReason: termination(o.Outcome), Steps: s.list, Artifacts: o.artifacts(),
		IterationIndex: &iteration, PreviousAttemptID: string(o.Previous), RevisionGroupID: string(o.TaskID),
		CompletionReason: o.Outcome.Message,
		MetadataJSON:     map[string]any{"attempt_folder": o.dir(), "kind": string(o.Kind)},
	}
	o.tellStream(&t)
	if len(reported.Steps) > 0 {
		t.MetadataJSON["reported_steps"] = len(reported.Steps)
	}
	if len(reported.Rest) > 0 {
		t.MetadataJSON["reported"] = reported.Rest
	}
	return t
}

// config tells how the agent was called.
func (o Observed) config() map[string]any {
	c := map[string]any{"agent": o.Agent, "agent_name": o.AgentName}
	if o.Use == nil {
		return c
	}
	for key, value := range map[string]string{
		"command": commandText(o.Use.Command), "program": o.Use.Program, "version": o.Use.Version, "permissions": o.Use.Permissions,
		"permission_mode": o.Use.Mode, "model": o.Use.Model, "resumed_session": o.Use.Resumed,
	} {
		if value != "" {
			c[key] = value
		}
	}
	return c
}

func attemptStatus(out Outcome) string {
	switch out.Status {
	case "success":
		return "completed"
	case "partial":
		return "partial"
	}
	return "failed"
}

func termination(out Outcome) string {
	switch {
	case out.Status == "success":
		return "task_complete"
	case out.Status == "partial":
		return "partial_then_stopped"
	case out.Error == apprentice.TimeoutError, out.Error == apprentice.StalledError:
		return "timeout"
	case out.Error == apprentice.QuotaError, out.Error == apprentice.RateLimitError:
		return "provider_usage_limit"
	case out.Error == apprentice.CancelledError:
		return "other"
	}
	return "error_unrecoverable"
}

// tools are what the agent was seen or said to use.
func (o Observed) tools(reported ReportedTrace) apprentice.List[string] {
	tools, seen := apprentice.List[string]{o.Agent}, map[string]bool{o.Agent: true, "": true}
	use := func(tool string) {
		if !seen[tool] {
			seen[tool] = true
			tools = append(tools, tool)
		}
	}
	if o.Told != nil {
		for _, s := range o.Told.Steps {
			use(s.Tool)
		}
	}
	for _, s := range reported.Steps {
		use(s.Tool)
	}
	return tools
}

func (o Observed) artifacts() []apprentice.ArtifactRef {
	role := "worker_output"
	if o.revision() {
		role = "reviser_output"
	}
	refs := make([]apprentice.ArtifactRef, 0, len(o.Files))
	for i, f := range o.Files {
		size := int(f.Size)
		refs = append(refs, apprentice.ArtifactRef{
			ArtifactID: fmt.Sprintf("%s_artifact_%d", o.attemptID(), i+1), TaskID: string(o.TaskID), AttemptID: o.attemptID(),
			ArtifactKind: "output", ArtifactRole: role, WorkspacePath: f.Path, PackageRelativePath: o.ref(f.Path),
			MimeType: f.MimeType, MediaType: firstOf(f.MediaType, "unknown"), SizeBytes: &size, ContentHash: "sha256:" + f.Hash,
			MetadataJSON: map[string]any{"secret_scan": "not run"}, // it is when a bundle is made
		})
	}
	return refs
}

func (o Observed) traceReport(t apprentice.AgentTrace, reported ReportedTrace, problem string) apprentice.TraceReport {
	rep := apprentice.TraceReport{
		TaskID: string(o.TaskID), AttemptID: o.attemptID(), AttemptKind: string(o.Kind),
		NormalizedTraceRef: o.ref("agent_trace.json"), CanonicalTraceRef: o.ref("agent_trace.json"),
		TraceLossless: problem == "", FallbackTrace: len(reported.Steps) == 0 && (o.Told == nil || o.Told.Count == 0),
		RawStepCount: len(reported.Steps), NormalizedStepCount: len(t.Steps),
		TraceSchemaValid: len(reported.Steps) > 0 && reported.Exact,
		TraceNormalized:  len(reported.Steps) > 0 && !reported.Exact,
	}
	if o.RawTrace != nil {
		rep.RawTraceRef = o.ref("agent_trace.raw.json")
	}
	merged := 0
	for _, s := range t.Steps {
		if s.MetadataJSON["source"] == "reported" {
			merged++
		}
	}
	kept := 0
	for _, s := range reported.Steps {
		if s.Exact {
			kept++
		}
	}
	rep.MetadataJSON = map[string]any{
		"kept": kept, "mapped": len(reported.Steps) - kept, "dropped": rep.DiscardedStepCount,
		"observed_step_count": len(t.Steps) - merged, "reported_step_count": merged,
		"merged_into_user_message": len(reported.Steps) - merged,
	}
	if problem != "" {
		rep.MetadataJSON["problem"] = problem
	}
	if o.Told != nil {
		rep.MetadataJSON["stream"] = o.Told.counts(o.streamRef())
	}
	return rep
}

func (o Observed) diagnostics(rec Record, problem string) *Diagnostics {
	d := Diagnostics{TaskID: string(o.TaskID), AttemptID: o.attemptID(), AttemptKind: string(o.Kind)}
	if len(o.Files) == 0 {
		d.Missing = append(d.Missing, o.ref("artifacts/"))
	}
	d.Missing = append(d.Missing, rec.OutputsReport.UnresolvedRefs...)
	if problem != "" {
		d.Problems = append(d.Problems, problem)
	}
	if p, ok := rec.OutputsReport.MetadataJSON["problem"].(string); ok {
		d.Problems = append(d.Problems, p)
	}
	for _, left := range o.LeftOut {
		d.Problems = append(d.Problems, "left out: "+left)
	}
	if len(d.Missing)+len(d.Problems) == 0 {
		return nil
	}
	if d.Missing == nil {
		d.Missing = []string{}
	}
	return &d
}
