package foreign

import (
	"path"
	"strings"

	"aad/apprentice"
	"aad/grading"
	"aad/workspace"
)

// tell makes the run's record, specs and attempts out of what was read.
func (r *reader) tell() {
	s, t, run := r.session, r.status, &r.found.Run
	created, ended, state := run.CreatedAt, run.EndedAt, run.QueueState
	*run = apprentice.Run{RunID: r.found.RunID, Title: t.TaskTitle, QueueState: state,
		RunStatus: apprentice.Status(t.RunStatus), TaskStatus: apprentice.Status(t.TaskStatus), StatusReason: s.StatusReason,
		Verdict: apprentice.Verdict(t.Verdict), FinalScore: t.FinalScore, JudgedBy: t.JudgedBy, OperationalHint: t.LastOperationalError,
		Phase: t.CurrentPhase, Message: t.LatestMessage, CurrentLoop: t.CurrentLoop, MaxLoops: t.MaximumLoops, TracedSteps: t.TracedSteps,
		ArtifactCount: t.ArtifactCount, Agent: t.ApprenticeAgent, MentorMode: t.MentorMode, Group: "default",
		CreatedAt: created, QueuedAt: created, StartedAt: t.StartedAt, EndedAt: ended, UpdatedAt: t.UpdatedAt,
		Pass: len(r.passes) - 1, LatestPackage: apprentice.TaskID(s.LatestPackage), LatestAttemptID: apprentice.AttemptID(s.LatestAttemptID),
		SessionStatus: s.SessionStatus}
	for i := range min(len(s.ExperiencePackIDs), len(s.ExperiencePackTitles), len(s.ExperiencePackSources)) {
		run.Packs = append(run.Packs, apprentice.AppliedPack{PackID: s.ExperiencePackIDs[i], Title: s.ExperiencePackTitles[i], Source: s.ExperiencePackSources[i]})
	}
	r.found.Settings = Settings{Agent: s.ApprenticeAgent, MentorMode: s.MentorMode, Masking: s.SensitiveInfoMasking, MaxLoops: s.MaxLoops}
	run.Imported = &apprentice.Imported{SHA256: r.found.Hash, Events: uint64(len(r.found.Events)), Pass: run.Pass}
	if home, ok := strings.CutSuffix(t.TaskWorkspacePath, "/runs/"+s.RunID); ok && path.IsAbs(home) {
		run.Imported.Home = home
	}
	if state == apprentice.Cancelled {
		run.StopReason = apprentice.StopCancelled
	}
	for n, p := range r.passes {
		if p.worked {
			run.StopReason = apprentice.StopReason(p.manifest.LoopStopReason)
		}
		if p.manifest.SelectedAttemptID != "" {
			run.SelectedID = apprentice.AttemptID(p.manifest.SelectedAttemptID)
		}
		spec := apprentice.Spec{RunID: run.RunID, Pass: n, Instruction: p.instruction, RecordOnly: n > 0 && !p.worked, Packs: run.Packs, CreatedAt: p.at}
		for _, name := range p.assets {
			spec.Assets = append(spec.Assets, r.asset(name))
		}
		r.found.Specs = append(r.found.Specs, spec)
		r.found.Attempts = append(r.found.Attempts, r.attempts(n, p))
	}
}

// asset tells of an asset by its path in the folder.
func (r *reader) asset(name string) apprentice.Asset {
	name = path.Clean(name)
	a := apprentice.Asset{Name: path.Base(name), Path: name}
	if f, ok := r.tree.Find(name); ok {
		a.Size, a.Hash = f.Size, f.SHA256
		return a
	}
	below := r.tree.Below(name)
	inside := make(workspace.Listing, len(below))
	for i, f := range below {
		f.Path = f.Path[len(name)+1:]
		inside[i] = f
	}
	a.Dir, a.Size, a.Hash = true, inside.Size(), inside.Hash()
	return a
}

// attempts tells of a pass's attempts by their files. What is missing or broken among
// those has been told as a problem where it must be there.
func (r *reader) attempts(n int, p passFound) []apprentice.Attempt {
	list := []apprentice.Attempt{}
	dir := path.Join("packages", string(p.task))
	spec, _ := optional[apprentice.RubricSpec](r, dir+"/rubric/rubric.json")
	r.found.Run.Imported.Rubric = r.found.Run.Imported.Rubric || n == 0 && spec.RubricGenerationSource == "expert_override"
	for _, kind := range p.attempts {
		at := path.Join(dir, "attempts", string(kind))
		out, okOut := document[apprentice.ActualOutputs](r, at+"/actual_outputs.json")
		trace, okTrace := document[apprentice.AgentTrace](r, at+"/agent_trace.json")
		if !okOut || !okTrace {
			continue
		}
		r.steps(at+"/agent_trace.json", trace)
		a := apprentice.Attempt{AttemptID: apprentice.AttemptOf(p.task, kind), Kind: kind, TaskID: p.task, Pass: n, Folder: at, Status: out.Status,
			OperationalError: apprentice.OperationalError(out.ErrorType), Message: out.ErrorMessage, StartedAt: trace.StartedAt, EndedAt: trace.EndedAt,
			TracedSteps: len(trace.Steps), Artifacts: out.Delivered()}
		a.Selected = string(a.AttemptID) == p.manifest.SelectedAttemptID
		r.found.Run.OperationalError = a.OperationalError
		if out.MetadataJSON["repository"] != nil {
			r.found.Run.Imported.Repository = true
		}
		r.review(&a, dir, spec)
		list = append(list, a)
	}
	return list
}

// review tells how an attempt was judged, if it was.
func (r *reader) review(a *apprentice.Attempt, dir string, spec apprentice.RubricSpec) {
	grade, ok := optional[apprentice.GraderResult](r, path.Join(dir, "grading", string(a.Kind)+"_grader_result.json"))
	if !ok {
		return
	}
	switch {
	case grade.GraderKind == "unavailable":
		a.Verdict = apprentice.Unreviewed
	case grade.Passed:
		a.Verdict = apprentice.Passed
	default:
		a.Verdict = apprentice.FailedReview
	}
	if run := r.found.Run; a.AttemptID == run.SelectedID && run.Verdict != "" && a.Pass == run.Pass {
		a.Verdict = run.Verdict
	}
	if grade.GraderKind != "unavailable" {
		a.Score = &grade.Score
	}
	a.Criteria = grading.Criteria(grade, spec)
	if f, ok := optional[apprentice.EvaluatorFeedback](r, path.Join(dir, "feedback", string(a.Kind)+"_evaluator_feedback.json")); ok {
		a.Feedback = f.FeedbackSummary
	}
	if plan, ok := optional[apprentice.RevisionPlan](r, path.Join(dir, "feedback", string(a.Kind)+"_revision_plan.json")); ok {
		a.PlannedChanges = plan.PlannedChanges
	}
}

// optional reads a document that need not be there.
func optional[T any](r *reader, name string) (v T, ok bool) {
	if !r.files[name] {
		return v, false
	}
	return document[T](r, name)
}

// steps holds the steps of a trace against their order.
func (r *reader) steps(name string, t apprentice.AgentTrace) {
	if len(t.Steps) == 0 {
		r.problem(name, 0, "the trace has no steps")
	}
	for i, s := range t.Steps {
		if s.Step != i+1 {
			r.problem(name, 0, "step %d stands where %d should", s.Step, i+1)
			return
		}
		for _, c := range s.CausedBy {
			if c < 1 || c >= s.Step {
				r.problem(name, 0, "step %d is caused by %d", s.Step, c)
				return
			}
		}
	}
}
