package loop

import (
	"context"
	"errors"
	"fmt"

	"aad/apprentice"
	"aad/bundle"
)

const (
	packingStage = "bundle/begun"
	packedStage  = "bundle"
)

// Packing is what Work needs to make bundles; the zero value makes none.
type Packing struct {
	// Options say what must not leave, by a run's settings.
	Options func(apprentice.Settings) (bundle.Options, error)
	// Tell returns once the run folder tells what the database knows.
	Tell    func(ctx context.Context, run apprentice.RunID)
	Version string // of aad
}

// packed is what became of a pass's bundle; Fault says why there is none.
type packed struct {
	Fault string `json:"fault,omitempty"`
	Files int    `json:"files,omitempty"`
	At    string `json:"at,omitempty"`
}

// pack makes the run's bundle, with what the pass came to. A bundle that cannot be
// made is told and leaves the outcome as it is. It is not cut short by a cancel, which
// comes too late, but by a stop, after which it is made anew.
func (p *pass) pack(ctx context.Context, o Outcome) error {
	if p.Packing.Options == nil || p.spec.NoBundle || o.Stop == apprentice.StopRejected || len(p.rounds) == 0 || !p.run.Live() {
		return nil
	}
	_, err := perform(p, step[struct{}]{
		name: packingStage,
		do:   func() (struct{}, error) { return struct{}{}, nil },
		change: func(struct{}) apprentice.Change {
			return apprentice.Change{Events: []apprentice.Event{p.event(apprentice.BundleStarted, apprentice.PhaseBundle, "Contribution bundle started")}}
		},
	})
	if err != nil {
		return err
	}
	_, err = perform(p, step[packed]{
		name: packedStage,
		do:   func() (packed, error) { return p.makeBundle(ctx, o) },
		change: func(made packed) apprentice.Change {
			return bundleTold(p.Env, p.run, made)
		},
	})
	return err
}

func (p *pass) makeBundle(ctx context.Context, o Outcome) (packed, error) {
	quiet, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		if !cancelled(ctx) {
			cancel(ErrStopping)
		}
	})()
	run := p.run
	now := p.Now()
	o.Change(run, now).Update(&run)
	m, err := Bundle(quiet, p.Env, run, append(append([]apprentice.Spec{}, p.earlier...), p.spec), nil)
	if errors.Is(err, ErrStopping) {
		return packed{}, err
	}
	if err != nil {
		return packed{Fault: p.tellFault(err)}, nil
	}
	return packed{Files: len(m.Files), At: apprentice.Stamp(now)}, nil
}

// tellFault is the reason as people may read it; the whole of it stands in the log.
func (env Env) tellFault(err error) string {
	env.Log.Error("make a contribution bundle", "error", err)
	return apprentice.Reason(err)
}

// bundleTold is the change that tells what became of a bundle.
func bundleTold(env Env, run apprentice.Run, made packed) apprentice.Change {
	if made.Fault != "" {
		e := OfPass(run, apprentice.Event{EventType: apprentice.OperationalErrorEv, Phase: apprentice.PhaseOperationalError,
			Message: "The contribution bundle could not be made: " + made.Fault, OperationalError: "contribution_bundle"})
		return apprentice.Change{Events: []apprentice.Event{e}}
	}
	e := OfPass(run, apprentice.Event{EventType: apprentice.BundleCompleted, Phase: apprentice.PhaseBundleComplete,
		Message: "Contribution bundle made", ContributionBundlePath: env.Home.Run(run.RunID).Bundle()})
	return apprentice.Change{Events: []apprentice.Event{e}, Update: func(r *apprentice.Run) { r.BundledAt = made.At }}
}

// Bundle makes the contribution bundle of a run as it stands; tweak, where it is not
// nil, alters how. It may be called again at any time while no pass of the run is at
// work.
func Bundle(ctx context.Context, env Env, run apprentice.Run, specs []apprentice.Spec, tweak func(*bundle.Options)) (bundle.Manifest, error) {
	if len(specs) == 0 {
		return bundle.Manifest{}, fmt.Errorf("make the bundle of run %s: nothing is known of what it was asked", run.RunID)
	}
	o, err := env.Packing.Options(specs[0].Settings)
	if err != nil {
		return bundle.Manifest{}, err
	}
	if tweak != nil {
		tweak(&o)
	}
	env.Packing.Tell(ctx, run.RunID)
	return bundle.Build(ctx, bundle.Source{Folder: string(env.Home.Run(run.RunID)), Run: run, Specs: specs,
		Version: env.Packing.Version, Created: env.Now()}, o)
}

// Bundled is the change that tells of a bundle made after the run's end, or why there
// is none; the run's phase stays.
func Bundled(env Env, run apprentice.Run, m bundle.Manifest, fault error) apprentice.Change {
	made := packed{Files: len(m.Files), At: apprentice.Stamp(env.Now())}
	if fault != nil {
		made = packed{Fault: env.tellFault(fault)}
	}
	change := bundleTold(env, run, made)
	change.Phase = run.Phase
	return change
}
