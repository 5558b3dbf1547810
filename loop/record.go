package loop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/agent"
	"aad/apprentice"
	"aad/internal/atomicfile"
	"aad/shim"
	"aad/workspace"
)

const (
	quotedTail = 8 << 10  // of stderr, for the sentence that says how an attempt ended
	maxReport  = 64 << 20 // of what an agent reports of itself
)

// record takes what the ended attempt left into the package, writes the files that
// tell it, and puts all of that on disk before the stage is saved. An outcome that
// is not known yet is told from the exit and from what was delivered.
func (p *pass) record(ctx context.Context, in intent, place workspace.Place, exit shim.Exit, outcome agent.Outcome) (tried, error) {
	ctx = context.WithoutCancel(ctx) // a stop or a cancel does not leave it half done
	use, err := useOf(place)
	if err != nil {
		return tried{}, err
	}
	if err := p.writeDialogue(place); err != nil {
		return tried{}, err
	}
	kept, got, err := p.collect(ctx, place, in.Kind, exit)
	if err != nil {
		return tried{}, err
	}
	told, err := p.told(got, place)
	if err != nil {
		return tried{}, err
	}
	if outcome.Status == "" {
		if outcome, err = p.classify(exit, got, told); err != nil {
			return tried{}, err
		}
	}
	if kept.Kept != nil && outcome.Error == apprentice.OutputContract {
		outcome.Message = nothingDone
	}
	seen, err := p.observed(in, exit, outcome, got)
	if err != nil {
		return tried{}, err
	}
	kept.into(&seen)
	if seen.Use = use; use != nil {
		seen.Command = use.Command
	}
	seen.Told, seen.Workspace = told, place.Dir
	rec := seen.Record()
	if err := writeRecord(got, rec, told); err != nil {
		return tried{}, err
	}
	if err := p.folder.Deliver(ctx, p.task, in.Kind); err != nil {
		return tried{}, err
	}
	if err := atomicfile.SyncTree(string(p.folder)); err != nil {
		return tried{}, err
	}
	t := tried{Kind: in.Kind, Outputs: rec.Outputs, Operational: outcome.Error, Message: outcome.Message,
		Started: rec.Trace.StartedAt, Ended: rec.Trace.EndedAt, Steps: len(rec.Trace.Steps), Agent: use, Kept: kept.Kept}
	if exit.Outcome == shim.Exited {
		t.ExitCode = &exit.ExitCode
	}
	if told != nil {
		t.Session, t.Charge = told.Session, p.chargeOf(*told)
	}
	return t, nil
}

// chargeOf is what an agent's stream says that its model took, nil when it tells
// nothing.
func (p *pass) chargeOf(told agent.Told) *apprentice.Charge {
	u := told.Usage
	if u.Input == 0 && u.Output == 0 && u.CostUSD == nil {
		return nil
	}
	c := apprentice.Charge{RunID: p.run.RunID, Day: dayOf(p.Now()), Role: apprentice.ApprenticeRole, Agent: p.run.Agent, Model: strings.ReplaceAll(told.Model, "\x00", ""),
		Spending: apprentice.Spending{Calls: 1, InputTokens: u.Input, OutputTokens: u.Output, Unpriced: 1}}
	if u.CostUSD != nil {
		c.Cost, c.Unpriced = *u.CostUSD, 0
	}
	return &c
}

// told reads the stream that an ended attempt left; nil where it left none.
func (p *pass) told(got workspace.Collected, place workspace.Place) (*agent.Told, error) {
	recipe, ok := agent.Find(p.spec.Settings.Agent)
	if !ok {
		return nil, nil
	}
	ticks, err := os.ReadFile(ticksPath(place))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read when the agent's stream grew: %w", err)
	}
	if recipe.Dialogue() {
		ticks = nil // its records are dated
	}
	told, err := recipe.ReadStream(got.Folder.Stream(), agent.ParseTicks(ticks))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return told, err
}

func (p *pass) classify(exit shim.Exit, got workspace.Collected, told *agent.Told) (agent.Outcome, error) {
	end := agent.End{Exit: exit, Delivered: len(got.Deliverables), Stderr: tail(got.Folder.Stderr(), quotedTail)}
	for _, path := range got.Deliverables {
		if slices.Contains(got.Changes.Created, path) || slices.Contains(got.Changes.Modified, path) {
			end.Changed++
		}
	}
	if recipe, ok := agent.Find(p.spec.Settings.Agent); ok {
		end.OwnErrors = recipe.OwnErrors()
	}
	if told != nil {
		end.Failure = told.Failure
	}
	if !p.speaks() {
		return agent.Classify(end), nil
	}
	talk, err := endOfDialogue(got.Folder.Stream())
	return agent.ClassifyConversation(talk, end), err
}

func (p *pass) observed(in intent, exit shim.Exit, outcome agent.Outcome, got workspace.Collected) (agent.Observed, error) {
	now := apprentice.Stamp(p.Now())
	o := agent.Observed{
		RunID: p.run.RunID, TaskID: p.task, Kind: in.Kind, Iteration: in.N, Followup: p.run.Pass > 0,
		Agent: p.spec.Settings.Agent, AgentName: p.spec.Settings.Agent, Instruction: p.instruction(),
		StartedAt: in.Started, EndedAt: now, Exit: exit, Outcome: outcome,
		Changes: changes(got), Files: artifacts(got),
	}
	if in.N > 0 {
		o.Previous = apprentice.AttemptOf(p.task, apprentice.KindOfAttempt(in.N-1))
	}
	if recipe, ok := agent.Find(p.spec.Settings.Agent); ok {
		o.AgentName = recipe.DisplayName(p.spec.Settings)
	}
	o.Inputs = p.inputRefs(got)
	for _, l := range got.LeftOut {
		o.LeftOut = append(o.LeftOut, l.Path+": "+l.Reason)
	}
	var err error
	if o.RawTrace, err = report(got.RawTrace, &o.RawTooLarge); err != nil {
		return o, err
	}
	o.RawOutputs, err = report(got.RawOutputs, &o.RawTooLarge)
	return o, err
}

// inputRefs are the inputs that were handed over, as references of the package: what
// the package itself does not hold, as a revision's feedback, is the attempt's own.
func (p *pass) inputRefs(got workspace.Collected) []string {
	pack := p.folder.Package(p.task)
	var refs []string
	for _, f := range got.Before.Below("input") {
		own := pack.Rel(filepath.Join(string(got.Folder), filepath.FromSlash(f.Path)))
		for _, ref := range []string{f.Path, own} {
			if pack.Has(ref) {
				refs = append(refs, ref)
				break
			}
		}
	}
	return refs
}

// report reads what an agent wrote of itself; nil where it wrote nothing.
func report(path string, tooLarge *bool) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the agent's own report: %w", err)
	}
	if info.Size() > maxReport {
		*tooLarge = true
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the agent's own report: %w", err)
	}
	return data, nil
}

// changes lists what the attempt did to its workspace, in our agent room's words.
func changes(got workspace.Collected) []agent.Change {
	var list []agent.Change
	add := func(paths []string, operation string) {
		for _, path := range paths {
			c := agent.Change{Path: path, Operation: operation}
			if was, ok := got.Before.Find(path); ok {
				c.Was = was.SHA256
			}
			if is, ok := got.After.Find(path); ok {
				c.Hash, c.Size, c.Link, c.ModTime = is.SHA256, is.Size, is.Link, is.ModTime
			}
			list = append(list, c)
		}
	}
	add(got.Changes.Created, agent.Created)
	add(got.Changes.Modified, agent.Modified)
	add(got.Changes.Deleted, agent.Deleted)
	return list
}

func artifacts(got workspace.Collected) []agent.Artifact {
	var list []agent.Artifact
	for _, path := range got.Deliverables {
		a := agent.Artifact{Path: path}
		if f, ok := got.After.Find(path); ok {
			a.Hash, a.Size = f.SHA256, f.Size
		}
		a.MimeType, a.MediaType = workspace.MediaType(filepath.Join(string(got.Folder), filepath.FromSlash(path)))
		list = append(list, a)
	}
	return list
}

// writeRecord writes the files that tell an ended attempt.
func writeRecord(got workspace.Collected, rec agent.Record, told *agent.Told) error {
	f := got.Folder
	if told != nil && told.Final != "" {
		if err := atomicfile.Write(f.FinalMessage(), []byte(told.Final), 0o600); err != nil {
			return err
		}
	}
	all := errors.Join(atomicfile.WriteJSON(f.Trace(), rec.Trace), atomicfile.WriteJSON(f.Outputs(), rec.Outputs),
		atomicfile.WriteJSON(f.TraceReport(), rec.TraceReport), atomicfile.WriteJSON(f.OutputsReport(), rec.OutputsReport))
	if rec.Diagnostics != nil {
		all = errors.Join(all, atomicfile.WriteJSON(f.Diagnostics(), rec.Diagnostics))
	} else if err := os.Remove(f.Diagnostics()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		all = errors.Join(all, err)
	}
	return all
}

// tail reads the end of a file that an agent wrote; nothing where it cannot be read.
func tail(path string, most int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	buf := make([]byte, min(most, info.Size()))
	n, _ := f.ReadAt(buf, info.Size()-int64(len(buf))) // what was read is what there is
	return string(buf[:n])
}
