// Package loop is the apprenticeship itself: prepare, intake, rubric, attempt,
// grade, review, revise, select, signals, in ordinary top-to-bottom Go.
//
// Each stage's result is saved in the journal before the next begins, and
// between stages the code is pure, so Work may be called again after a crash and
// takes the same path. It never opens the database, never talks to a client and
// never asks for the time but through Env. Read Work first, then perform.
package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/grading"
	"aad/workspace"
)

// Causes with which a ctx given to Work may end.
var (
	// ErrStopping: the daemon goes down. Work returns it, the agent goes on under
	// its shim, and a later Work follows it on.
	ErrStopping = errors.New("aad is stopping")
	// ErrCancelled: the run is to end. Work ends every process of it and returns
	// an Outcome.
	ErrCancelled = errors.New("the run was cancelled")
)

// Journal is where finished stages are kept; storage.Journal is one.
type Journal interface {
	// Load reads the result of a finished stage; false when it is not finished.
	Load(stage string, into any) (bool, error)
	// Save writes a stage's result and the change that goes with it, at once.
	Save(stage string, result any, change apprentice.Change) error
}

// Env is what Work needs of the world.
type Env struct {
	Home workspace.Home
	Shim string // path of the aad-shim binary
	Now  func() time.Time
	Log  *slog.Logger
	// Slot is how a run with a parked agent gives its slot up and gets one again.
	Slot Slot
	// Environ is aad's own environment as NAME=value, of which agents may inherit.
	Environ []string
	// Probes remembers what installed agents offer; nil asks them each time.
	Probes *agent.Probes
	// Variable looks up what the mentor may know beyond that: .env.local.
	Variable func(name string) (string, bool)
	// Spent tells what a run took of models so far, and all runs on a day.
	Spent func(run apprentice.RunID, day string) (ofRun, ofDay apprentice.Spending, err error)
	// Packing makes contribution bundles; the zero value makes none.
	Packing Packing
}

// Slot is a run's place among those that are worked on. A run whose agent waits for a
// person holds none.
type Slot struct {
	// Leave gives the slot up: the run waits, and its record says for what.
	Leave func()
	// Take returns when the run, which is queued, has a slot, or when ctx ends; at
	// once where it has one.
	Take func(ctx context.Context) error
	// Changed gets a token when the run's record has changed.
	Changed <-chan struct{}
}

// pass is one pass over a task while it is worked.
type pass struct {
	Env
	run     apprentice.Run
	spec    apprentice.Spec
	earlier []apprentice.Spec // the passes before, oldest first
	journal Journal
	folder  workspace.Folder
	task    apprentice.TaskID
	rubric  *grading.Rubric
	rubrics apprentice.RubricSpec
	quality apprentice.RubricQualityReport
	rounds  []round
	again   regrade    // the zero value when no review is done again
	past    []replaced // what earlier regrades replaced
	// cancelled says that the run was ended before its review said stop.
	cancelled bool
	titled    string // the title that a person gave the task, "" for its own
	rejected  string // why a person wants no attempt
}

// round is one attempt of the pass with its review.
type round struct {
	n       int
	attempt tried
	review  *reviewed // nil when the attempt was not reviewed
}

// Work does a pass of a run to its end and tells what it came to. The run's
// earlier specs are those of the passes before. It may be called again after a
// crash or a stop: finished stages are not done twice.
//
// An error means that aad could not do its own work, or is ErrStopping; what went
// wrong with the apprentice is in the Outcome.
func Work(ctx context.Context, env Env, run apprentice.Run, spec apprentice.Spec, earlier []apprentice.Spec, journal Journal) (o Outcome, err error) {
	p := &pass{Env: env, run: run, spec: spec, earlier: earlier, journal: journal,
		folder: env.Home.Run(run.RunID), task: run.TaskID()}
	defer func() { o, err = p.unlessRemoved(o, err) }()
	o, err = p.work(ctx)
	switch {
	case errors.Is(err, ErrWaiting) && cancelled(ctx):
		o, err = cancelledOutcome(false), nil
	case err != nil:
		return o, err
	}
	if p.human() {
		err = p.folder.SweepQuestions()
	}
	if err = errors.Join(err, p.publishRoles()); err != nil {
		return o, err
	}
	return o, p.pack(ctx, o)
}

func (p *pass) work(ctx context.Context) (Outcome, error) {
	if err := p.recall(); err != nil {
		return Outcome{}, err
	}
	if err := p.prepare(); err != nil {
		return Outcome{}, err
	}
	switch err := p.draft(ctx); {
	case errors.Is(err, errRejected):
		return p.rejectedOutcome(), nil
	case errors.Is(err, ErrCancelled):
		return cancelledOutcome(false), nil
	case err != nil:
		return Outcome{}, err
	}
	if err := p.attempts(ctx); err != nil {
		return Outcome{}, err
	}
	if len(p.rounds) == 0 && !p.cancelled {
		return Outcome{}, fmt.Errorf("work run %s: no attempt was made", p.run.RunID)
	}
	o, err := p.conclude()
	if errors.Is(err, ErrWaiting) && cancelled(ctx) {
		p.cancelled = true
		return p.conclude()
	}
	return o, err
}

// attempts has the apprentice try until the review says stop, an attempt could
// not be reviewed, or the run is cancelled.
func (p *pass) attempts(ctx context.Context) error {
	for n := 0; ; n++ {
		if may, err := p.mayTry(n); err != nil || !may {
			return err
		}
		if ctx.Err() != nil && !p.begun(n) {
			p.cancelled = cancelled(ctx)
			return unless(p.cancelled, ErrStopping)
		}
		a, err := p.attempt(ctx, n)
		if err != nil && ctx.Err() != nil { // its preparation was cut short
			p.cancelled = cancelled(ctx)
			return unless(p.cancelled, ErrStopping)
		}
		if err != nil {
			return err
		}
		p.rounds = append(p.rounds, round{n: n, attempt: a})
		if a.Operational == apprentice.RateLimitError {
			if err := p.pause(a); err != nil {
				return err
			}
		}
		if a.Operational != "" {
			p.cancelled = a.Operational == apprentice.CancelledError
			return p.tellOperational(a)
		}
		r, err := p.review(ctx, &p.rounds[n])
		if err != nil {
			p.cancelled = errors.Is(err, ErrCancelled) || errors.Is(err, ErrWaiting) && cancelled(ctx)
			return unless(p.cancelled, err)
		}
		p.rounds[n].review = &r
		if r.Decision != decideRevise && p.again.N == 0 {
			return nil
		}
	}
}

// begun reports whether the n-th attempt was started by an earlier Work: then it is
// ended or followed on, and not just left out.
func (p *pass) begun(n int) bool {
	_, ok, err := load[intent](p.journal, intentStage(apprentice.KindOfAttempt(n)))
	return ok || err != nil
}

func unless(fine bool, err error) error {
	if fine {
		return nil
	}
	return err
}

func cancelled(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrCancelled)
}

// stopped turns the end of ctx into the error that Work returns for it.
func stopped(ctx context.Context) error {
	if cancelled(ctx) {
		return ErrCancelled
	}
	return ErrStopping
}
