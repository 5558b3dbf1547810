package loop

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/shim"
	"aad/workspace"
)

// intent is written before an agent is started, so that a later Work follows it on
// and never starts a second one.
type intent struct {
	N       int                    `json:"n"`
	Kind    apprentice.AttemptKind `json:"kind"`
	Started string                 `json:"started_at"`
	From    string                 `json:"from,omitempty"` // the attempt whose artifacts it starts from
	Inputs  workspace.Listing      `json:"inputs"`         // as handed over, kept where no agent can change it
}

// tried is an attempt that has ended, as far as the loop goes on with it. What it
// left is in its folder of the package.
type tried struct {
	Kind        apprentice.AttemptKind      `json:"kind"`
	Outputs     apprentice.ActualOutputs    `json:"outputs"`
	Operational apprentice.OperationalError `json:"operational_error,omitempty"`
	Message     string                      `json:"message,omitempty"`
	ExitCode    *int                        `json:"exit_code,omitempty"`
	Started     string                      `json:"started_at"`
	Ended       string                      `json:"ended_at"`
	Steps       int                         `json:"traced_steps"`
	Agent       *apprentice.AgentUse        `json:"agent,omitempty"`
	Session     string                      `json:"agent_session,omitempty"`
	Kept        *apprentice.Kept            `json:"kept,omitempty"`
	// Charge is what the agent says that its own model took; nil when it says nothing.
	Charge *apprentice.Charge `json:"charge,omitempty"`
}

func attemptStage(kind apprentice.AttemptKind) string     { return "attempt/" + string(kind) }
func operationalStage(kind apprentice.AttemptKind) string { return "operational/" + string(kind) }
func intentStage(kind apprentice.AttemptKind) string      { return attemptStage(kind) + "/intent" }

// setback counts how often an attempt was put aside because nobody knows how it
// ended.
type setback struct {
	Count int `json:"count"`
}

func setbackStage(kind apprentice.AttemptKind) string { return "setback/" + string(kind) }

// maxSetbacks is how often a lost attempt is tried anew.
const maxSetbacks = 1

// errInterrupted: nobody knows how the attempt would have ended, and it may be
// tried anew.
var errInterrupted = errors.New("the attempt was interrupted")

// attempt has the apprentice try for the n-th time, from 0, or takes over the try
// that an earlier Work started.
func (p *pass) attempt(ctx context.Context, n int) (tried, error) {
	kind := apprentice.KindOfAttempt(n)
	for {
		t, err := p.tryOnce(ctx, n, kind)
		if !errors.Is(err, errInterrupted) {
			return t, err
		}
		if err := p.unparkLost(ctx); err != nil {
			return tried{}, err
		}
		if err := p.setBack(kind); err != nil {
			return tried{}, err
		}
	}
}

func (p *pass) tryOnce(ctx context.Context, n int, kind apprentice.AttemptKind) (tried, error) {
	if t, done, err := load[tried](p.journal, attemptStage(kind)); err != nil || done {
		return t, err
	}
	place, req, err := p.place(ctx, n, kind)
	if err != nil {
		return tried{}, err
	}
	in, err := perform(p, step[intent]{
		name: intentStage(kind),
		do: func() (intent, error) {
			inputs, err := place.Inputs()
			return intent{N: n, Kind: kind, Started: apprentice.Stamp(p.Now()), From: p.bestKind(), Inputs: inputs}, err
		},
		change: p.startChange,
	})
	if err != nil {
		return tried{}, err
	}
	exit, outcome, err := p.follow(ctx, place, req)
	if err != nil {
		return tried{}, err
	}
	return perform(p, step[tried]{
		name:   attemptStage(kind),
		do:     func() (tried, error) { return p.record(ctx, in, place, exit, outcome) },
		change: p.endChange,
	})
}

// place prepares the attempt's workspace and what its agent is asked. What an
// attempt of this kind left that was retried is put aside first.
func (p *pass) place(ctx context.Context, n int, kind apprentice.AttemptKind) (workspace.Place, agent.Request, error) {
	_, begun, err := load[intent](p.journal, intentStage(kind))
	if err != nil {
		return workspace.Place{}, agent.Request{}, err
	}
	if begun && p.forgotten(kind) {
		return workspace.Place{}, agent.Request{}, errInterrupted
	}
	if !begun {
		if err := p.putAside(ctx, kind); err != nil {
			return workspace.Place{}, agent.Request{}, err
		}
	}
	prep, err := p.preparation(n, kind)
	if err != nil {
		return workspace.Place{}, agent.Request{}, err
	}
	if err := p.folder.PreparePackage(ctx, p.task, prep.Input); err != nil {
		return workspace.Place{}, agent.Request{}, err
	}
	prep.Tree = p.tree(kind)
	place, err := p.Home.PrepareAttempt(ctx, prep)
	if err == nil && !place.Ended {
		err = p.settleNew(place)
	}
	return place, agent.Request{
		Settings: p.spec.Settings, RunID: p.run.RunID, Kind: kind, Instruction: p.instruction(), Session: p.sessionBefore(),
		RunDir: string(p.folder), Workspace: cmp.Or(place.Repo, place.Dir), Folder: place.Dir, PromptFile: place.Prompt, FeedbackFile: place.Feedback, Control: place.Control,
		Lookup: p.lookup(),
	}, err
}

// forgotten reports that aad's own records of a live attempt are gone, as in a
// restored backup: nobody knows how it went on.
func (p *pass) forgotten(kind apprentice.AttemptKind) bool {
	_, err := os.Stat(p.Home.Control(p.run.RunID, p.run.Pass, kind))
	return errors.Is(err, fs.ErrNotExist) && !p.folder.Package(p.task).Has("attempts/"+string(kind))
}

func (p *pass) lookup() agent.Lookup {
	return agent.Lookup{Path: p.spec.Path, Environ: p.Environ, Probes: p.Probes}
}

// follow starts the agent under its shim, or adopts the shim that runs it, and waits
// for its end. When the run is cancelled it ends the tree first.
func (p *pass) follow(ctx context.Context, place workspace.Place, req agent.Request) (shim.Exit, agent.Outcome, error) {
	proc, err := shim.Attach(place.Shim)
	if errors.Is(err, shim.ErrNotStarted) {
		switch {
		case cancelled(ctx), place.Ended: // the records of its end are gone, as in a restored backup
			return p.unfinished(ctx, req.Kind, shim.Exit{})
		case ctx.Err() != nil:
			return shim.Exit{}, agent.Outcome{}, ErrStopping
		}
		var refused agent.Outcome
		if proc, refused, err = p.start(ctx, place, req); refused.Status != "" {
			return shim.Exit{Outcome: shim.StartFailed}, refused, nil
		}
	}
	if err != nil {
		return shim.Exit{}, agent.Outcome{}, err
	}
	if p.speaks() {
		if err := p.converse(ctx, proc, place, req); err != nil && ctx.Err() == nil { // else as below
			return shim.Exit{}, agent.Outcome{}, err
		}
	}
	exit, err := p.watch(ctx, proc, place, req.Kind)
	if err != nil && ctx.Err() != nil {
		if !cancelled(ctx) {
			return shim.Exit{}, agent.Outcome{}, ErrStopping
		}
		exit, err = endTree(ctx, proc)
	}
	if errors.Is(err, shim.ErrLost) || err == nil && exit.Outcome == shim.Terminated {
		return p.unfinished(ctx, req.Kind, exit)
	}
	return exit, agent.Outcome{}, err
}

// unfinished is an attempt that was ended by neither itself nor its limits. Its
// tree is gone. If nobody asked for that, it is tried anew as often as is allowed.
func (p *pass) unfinished(ctx context.Context, kind apprentice.AttemptKind, exit shim.Exit) (shim.Exit, agent.Outcome, error) {
	if !cancelled(ctx) {
		s, _, err := load[setback](p.journal, setbackStage(kind))
		if err != nil {
			return exit, agent.Outcome{}, err
		}
		if s.Count < maxSetbacks {
			return exit, agent.Outcome{}, errInterrupted
		}
	}
	now := apprentice.Stamp(p.Now())
	exit.Outcome = shim.Terminated
	exit.StartedAt, exit.EndedAt = cmp.Or(exit.StartedAt, now), cmp.Or(exit.EndedAt, now)
	return exit, agent.Classify(agent.End{Exit: exit, Cancelled: cancelled(ctx)}), nil
}

func (p *pass) start(ctx context.Context, place workspace.Place, req agent.Request) (*shim.Process, agent.Outcome, error) {
	recipe, err := agent.Require(p.spec.Settings, req.Lookup)
	if err != nil {
		return nil, agent.Outcome{Status: "error", Error: apprentice.CommandNotFound, Message: err.Error()}, nil
	}
	cmd, err := recipe.Command(req)
	if err != nil {
		if outcome, ok := agent.Refused(err); ok {
			return nil, outcome, nil
		}
		return nil, agent.Outcome{}, err
	}
	if cmd, err = p.confineAgent(recipe, place, cmd); err != nil {
		return nil, agent.Outcome{}, err
	}
	if err := keepUse(place, cmd.Used); err != nil {
		return nil, agent.Outcome{}, err
	}
	s := p.spec.Settings
	proc, err := shim.Start(context.WithoutCancel(ctx), p.Shim, place.Shim, shim.Spec{
		Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env, StdinFile: cmd.StdinFile, Dialogue: recipe.Dialogue(),
		TimeoutMS: seconds(s.TaskTimeout), IdleMS: seconds(s.IdleTimeout), GraceMS: seconds(s.CancelGrace),
		OutputLimit: int64(s.OutputLimit) << 20,
	})
	return proc, agent.Outcome{}, err
}

func seconds(n int) int64 { return int64(time.Duration(n) * time.Second / time.Millisecond) }

// putAside puts the files of an attempt aside that no longer counts, since it was
// interrupted or is retried. A workspace that was only made ready is left as it is.
func (p *pass) putAside(ctx context.Context, kind apprentice.AttemptKind) error {
	proc, err := shim.Attach(p.Home.Shim(p.run.RunID, p.run.Pass, kind))
	switch {
	case err == nil: // nothing of it may be left when it is tried anew
		_, err = endTree(ctx, proc)
	case !p.folder.Package(p.task).Has("attempts/"+string(kind)) && errors.Is(err, shim.ErrNotStarted):
		return nil
	}
	if err != nil && !errors.Is(err, shim.ErrNotStarted) && !errors.Is(err, shim.ErrLost) {
		return err
	}
	if err := p.dropTree(context.WithoutCancel(ctx), kind); err != nil {
		return err
	}
	_, err = p.Home.SetAside(ctx, p.run.RunID, p.run.Pass, kind, p.streams(kind))
	return err
}

// setBack counts an interrupted attempt and takes its intent back, so that its kind
// is tried anew; its files are put aside then.
func (p *pass) setBack(kind apprentice.AttemptKind) error {
	s, _, err := load[setback](p.journal, setbackStage(kind))
	if err != nil {
		return err
	}
	s.Count++
	return p.journal.Save(setbackStage(kind), envelope[setback]{format, s}, apprentice.Change{
		Drop: []string{intentStage(kind), seenStage(kind)},
		Events: []apprentice.Event{p.event(apprentice.AttemptInterrupted, apprentice.PhaseAttempt,
			"Attempt interrupted: it is put aside and tried anew")},
	})
}

func (p *pass) streams(kind apprentice.AttemptKind) workspace.Streams {
	dir := p.Home.Shim(p.run.RunID, p.run.Pass, kind)
	s := workspace.Streams{Tree: p.spec.Repository != nil, Stdout: shim.StdoutPath(dir), Stderr: shim.StderrPath(dir)}
	recipe, ok := agent.Find(p.spec.Settings.Agent)
	switch {
	case ok && recipe.Dialogue():
		s.Stream = dialoguePath(dir)
	case ok && recipe.Streams(s.Stdout):
		s.Stream = s.Stdout
	}
	return s
}

func (p *pass) startChange(in intent) apprentice.Change {
	kind, phase := apprentice.AttemptStarted, apprentice.PhaseAttempt
	message := fmt.Sprintf("Attempt %d started with %s", in.N+1, p.run.Agent)
	if in.N > 0 {
		kind, phase = apprentice.RevisionStarted, apprentice.PhaseRevision
		message = fmt.Sprintf("Attempt %d started, a revision of %s", in.N+1, in.From)
	}
	return apprentice.Change{
		Update: func(r *apprentice.Run) {
			r.CurrentLoop, r.LatestAttemptID = in.N+1, apprentice.AttemptOf(p.task, in.Kind)
		},
		Events: []apprentice.Event{p.event(kind, phase, message)},
	}
}

func (p *pass) endChange(t tried) apprentice.Change {
	kind, phase := apprentice.AttemptCompleted, apprentice.PhaseAttemptComplete
	n := len(p.rounds)
	if n > 0 {
		kind, phase = apprentice.RevisionCompleted, apprentice.PhaseRevisionComplete
	}
	artifacts := len(t.Outputs.DeliverableRefs)
	message := fmt.Sprintf("Attempt %d ended: %s, %s", n+1, t.Outputs.Status, count(artifacts, "artifact"))
	if t.Kept != nil {
		message += fmt.Sprintf(", %s changed in the repository", count(t.Kept.Files, "file"))
	}
	switch {
	case t.Operational != "" && t.Operational != apprentice.CancelledError: // operational_error tells it next
		message += " (" + strings.ReplaceAll(string(t.Operational), "_", " ") + ")"
	case t.Message != "":
		message += "; " + t.Message
	}
	e := p.event(kind, phase, message)
	if t.Kept != nil {
		e.Metadata = withValue(e.Metadata, "repository", t.Kept)
	}
	e.ArtifactsPath, e.OperationalError = p.folder.Artifacts(), string(t.Operational)
	var charges []apprentice.Charge
	if t.Charge != nil {
		charges = append(charges, *t.Charge)
	}
	return apprentice.Change{
		Charges: charges,
		Update: func(r *apprentice.Run) {
			r.TracedSteps, r.ArtifactCount = t.Steps, artifacts
			for _, earlier := range p.rounds {
				r.TracedSteps += earlier.attempt.Steps
				r.ArtifactCount += len(earlier.attempt.Outputs.DeliverableRefs)
			}
		},
		Events: []apprentice.Event{e},
	}
}

// tellOperational says that the apprentice did not work at all, but for a cancel,
// which the end of the run tells.
func (p *pass) tellOperational(t tried) error {
	if t.Operational == apprentice.CancelledError {
		return nil
	}
	_, err := perform(p, step[struct{}]{
		name: operationalStage(t.Kind),
		do:   func() (struct{}, error) { return struct{}{}, nil },
		change: func(struct{}) apprentice.Change {
			e := p.event(apprentice.OperationalErrorEv, apprentice.PhaseOperationalError, t.Message)
			e.OperationalError = string(t.Operational)
			return apprentice.Change{Events: []apprentice.Event{e}}
		},
	})
	return err
}
