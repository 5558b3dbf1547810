package loop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/grading"
	"aad/internal/atomicfile"
	"aad/workspace"
)

// graded is what the checks measured of an attempt, and whether that holds.
type graded struct {
	Results []grading.Result          `json:"results"`
	Grade   apprentice.GraderResult   `json:"grade"`
	Verify  apprentice.VerifierResult `json:"verify"`
	// Missing is the call that a mentor did not answer; nil when none was missed.
	Missing *call `json:"missing,omitempty"`
}

// reviewed is the mentor's word on an attempt.
type reviewed struct {
	Graded   graded                       `json:"graded"`
	Measured measured                     `json:"measured"`
	Feedback apprentice.EvaluatorFeedback `json:"feedback"`
	Plan     apprentice.RevisionPlan      `json:"plan"`
	Decision decision                     `json:"decision"`
	Verdict  apprentice.Verdict           `json:"verdict"`
	Stop     apprentice.StopReason        `json:"loop_stop_reason,omitempty"`
	JudgedBy string                       `json:"judged_by"`
}

// review grades the attempt of a round, verifies the grade, writes feedback and
// plan, and decides whether another attempt is worth it.
func (p *pass) review(ctx context.Context, r *round) (reviewed, error) {
	kind := r.attempt.Kind
	if _, err := perform(p, step[struct{}]{
		name: reviewStage(kind) + "/started",
		do:   func() (struct{}, error) { return struct{}{}, nil },
		change: func(struct{}) apprentice.Change {
			return apprentice.Change{Events: []apprentice.Event{p.event(apprentice.ReviewStarted, reviewPhase[p.run.MentorMode][0],
				fmt.Sprintf("Review of attempt %d started", r.n+1))}}
		},
	}); err != nil {
		return reviewed{}, err
	}
	g, err := p.grade(ctx, r)
	if err != nil {
		return reviewed{}, err
	}
	advice, err := p.advise(ctx, r, g)
	if err != nil {
		return reviewed{}, err
	}
	return perform(p, step[reviewed]{
		name: reviewStage(kind),
		do: func() (v reviewed, err error) {
			if err := p.syncRoles(); err != nil {
				return v, err
			}
			if p.human() {
				v, err = p.judgeByPerson(r, g, advice)
			} else {
				v, err = p.judge(r, g, advice)
			}
			if err != nil {
				return v, err
			}
			return p.settled(r, v)
		},
		files:  func(v reviewed) error { return p.writeFeedback(kind, v) },
		change: func(v reviewed) apprentice.Change { return p.reviewChange(r, v) },
	})
}

// reviewPhase are the phases of a review under way and completed, by mentor mode.
var reviewPhase = map[string][2]string{
	"checks":         {apprentice.PhaseReview, apprentice.PhaseReviewComplete},
	"model_assisted": {apprentice.PhaseReview, apprentice.PhaseReviewComplete},
	"expert_led":     {apprentice.PhaseExpertReview, apprentice.PhaseExpertReviewComplete},
	"hybrid":         {apprentice.PhaseHybridReview, apprentice.PhaseHybridReviewComplete},
}

func reviewStage(kind apprentice.AttemptKind) string { return "review/" + string(kind) }
func gradeStage(kind apprentice.AttemptKind) string  { return "grade/" + string(kind) }

// grade has an attempt measured, and judged where a model is at work.
func (p *pass) grade(ctx context.Context, r *round) (graded, error) {
	if p.modelled() {
		return p.gradeByModel(ctx, r)
	}
	return p.saveGrade(r.attempt.Kind, func() (graded, error) {
		results, err := p.measure(ctx, r)
		if err != nil {
			return graded{}, err
		}
		return p.sumUp(r, results)
	})
}

// measure runs the rubric's checks on a copy of what the attempt left.
func (p *pass) measure(ctx context.Context, r *round) ([]grading.Result, error) {
	kind := r.attempt.Kind
	helpers, err := p.helpers(ctx)
	if err != nil {
		return nil, err
	}
	given, _, err := load[intent](p.journal, intentStage(kind))
	if err != nil {
		return nil, err
	}
	checker := grading.Checker{
		Shim: p.Shim, Workspace: string(p.folder.Package(p.task).Attempt(kind)), Helpers: helpers,
		Scratch: filepath.Join(p.Home.Control(p.run.RunID, p.run.Pass, kind), "checks"),
		Env:     agent.CheckEnv(p.spec.Settings, p.lookup()), Inputs: inputHashes(given.Inputs),
		Adapt: p.copyOfTree(r.attempt.Kept), Dir: p.checkDir(), Confine: p.confineCheck(),
		DefaultTimeout: time.Duration(p.spec.Settings.CheckTimeout) * time.Second,
		Grace:          time.Duration(p.spec.Settings.CancelGrace) * time.Second,
	}
	results, err := checker.Run(ctx, p.rubrics)
	if err != nil && ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	return results, err
}

// helpers is the absolute folder of the rubric's helper files, "" for none. Files
// that are no longer those of the submit are as good as none: the checks that need
// them cannot be run, and what they were to measure stays unreviewed.
func (p *pass) helpers(ctx context.Context) (string, error) {
	if p.spec.Helpers == "" {
		return "", nil
	}
	dir := filepath.Join(string(p.Home), filepath.FromSlash(p.spec.Helpers))
	hash, err := workspace.HelpersHash(context.WithoutCancel(ctx), dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if hash != p.spec.HelpersHash {
		p.Log.Error("the rubric's helper files were changed after the submit: their checks are not run", "folder", dir)
		return filepath.Join(dir, "changed-after-submit"), nil
	}
	return dir, nil
}

func inputHashes(inputs workspace.Listing) map[string]string {
	hashes := make(map[string]string, len(inputs))
	for _, f := range inputs {
		if f.Link == "" {
			hashes[f.Path] = f.SHA256
		}
	}
	return hashes
}

// judge turns the grade into feedback, a plan and a decision. Of files it only asks
// whether they are there.
func (p *pass) judge(r *round, g graded, advice grading.Advice) (reviewed, error) {
	v := reviewed{Graded: g, Measured: measureOf(g), JudgedBy: judgedBy(g.Grade)}
	var so []measured
	for _, earlier := range p.rounds[:r.n] {
		so = append(so, earlier.review.Measured)
	}
	v.Decision, v.Verdict, v.Stop = decide(append(so, v.Measured), p.spec.Settings.MaxLoops, p.spec.Settings.StallRounds)
	if err := p.hold(&v); err != nil {
		return v, err
	}
	target := apprentice.AttemptOf(p.task, apprentice.KindOfAttempt(r.n+1))
	results := g.Results
	if g.Grade.GraderKind == "unavailable" {
		results = grading.Unmeasured(results)
	}
	var err error
	v.Feedback, v.Plan, err = grading.Advised(p.rubrics, g.Grade, results, target, advice)
	pack := p.folder.Package(p.task)
	v.Feedback.ArtifactRefs = slices.DeleteFunc(v.Feedback.ArtifactRefs, func(ref string) bool { return !pack.Has(ref) })
	return v, err
}

// hold takes a decision back that the mentor's silence or a spent budget does not
// bear: what was not reviewed has not passed, and an attempt that nobody could review
// is not made.
func (p *pass) hold(v *reviewed) error {
	c := v.Graded.Missing
	if c != nil && !p.human() && v.Decision != decideRevise {
		v.Decision, v.Verdict, v.Stop = decideStop, apprentice.Unreviewed, c.stopReason()
		v.Measured.Passed, v.Measured.Unreviewed = false, true
		return nil
	}
	if v.Decision != decideRevise || !p.modelled() || p.human() {
		return nil
	}
	why, err := p.exhausted()
	if err == nil && why != "" {
		v.Decision, v.Stop = decideStop, apprentice.StopBudget
	}
	return err
}

// judgedBy says who judged, as a run tells it.
func judgedBy(g apprentice.GraderResult) string {
	if judge, ok := g.MetadataJSON["judge"].(string); ok && judge != "nobody" {
		return judge
	}
	return "checks"
}

func measureOf(g graded) measured {
	unreviewed := len(grading.Unreviewed(g.Grade)) > 0
	return measured{Score: g.Grade.Score, Passed: g.Grade.Passed && !unreviewed,
		Failed: len(g.Grade.FailedCriteria) > 0, Unreviewed: unreviewed || g.Verify.VerificationStatus == "failed"}
}

// regressed is the earlier attempt that a reviewed one falls short of, nil for none.
func (p *pass) regressed(r *round, v reviewed) *round {
	if r.n == 0 || v.Graded.Grade.GraderKind == "unavailable" {
		return nil
	}
	best := &p.rounds[choose(p.rounds[:r.n])]
	if best.review == nil || best.review.Measured.Score <= v.Measured.Score {
		return nil
	}
	return best
}

func (p *pass) writeFeedback(kind apprentice.AttemptKind, v reviewed) error {
	pack := p.folder.Package(p.task)
	err := errors.Join(atomicfile.WriteJSON(pack.Feedback(kind), v.Feedback), atomicfile.WriteJSON(pack.Plan(kind), v.Plan))
	if kind == apprentice.Baseline {
		err = errors.Join(err, atomicfile.WriteJSON(pack.FirstPlan(), v.Plan))
	}
	return err
}

func (p *pass) reviewChange(r *round, v reviewed) apprentice.Change {
	message := fmt.Sprintf("Review of attempt %d: score %s, ", r.n+1, apprentice.ScoreText(v.Measured.Score))
	switch {
	case v.Decision == decideRevise:
		message += "revision requested"
	case v.Verdict == apprentice.Unreviewed:
		message = fmt.Sprintf("Review of attempt %d finished: unreviewed", r.n+1)
	default:
		message += "finished: " + string(v.Verdict)
	}
	if n := len(v.Graded.Grade.FailedCriteria); n > 0 {
		what := "failed check"
		if p.modelled() {
			what = "failed criterion"
		}
		message += ", " + strings.Replace(count(n, what), "criterions", "criteria", 1)
	}
	if best := p.regressed(r, v); best != nil {
		message += fmt.Sprintf("; below attempt %d, which is kept (score %s)", best.n+1, apprentice.ScoreText(best.review.Measured.Score))
	}
	if v.Graded.Verify.VerificationStatus == "failed" {
		message += "; its grade failed verification: " + clipped(strings.Join(v.Graded.Verify.Issues, "; "), 400)
	}
	if c := v.Graded.Missing; c != nil {
		message += "; the mentor did not answer: " + c.failure()
	}
	return apprentice.Change{Events: []apprentice.Event{p.event(apprentice.ReviewCompleted, reviewPhase[p.run.MentorMode][1], message)}}
}
