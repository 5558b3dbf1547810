package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"aad/agent"
	"aad/apprentice"
	"aad/grading"
	"aad/mentor"
	"aad/rpc"
	"aad/storage"
	"aad/workspace"
)

const (
	maxInstruction = 1 << 20
	maxRubric      = 256 << 10
	maxHelper      = 64 << 20
	defaultGroup   = "default"
)

// runSubmit checks the request whole, copies what it names, and queues the run.
// Nothing remains of a request that is refused.
func (d *Daemon) runSubmit(ctx context.Context, _ *rpc.Peer, p rpc.RunSubmitParams) (_ rpc.SubmitResult, err error) {
	defer func() { err = d.scarce(err) }()
	if p.Again != "" {
		if err := d.fillAgain(&p); err != nil {
			return rpc.SubmitResult{}, err
		}
	}
	spec, rubric, err := d.newSpec(p)
	if err == nil {
		err = d.settleSandbox(ctx, &spec.Settings)
	}
	if err == nil {
		spec.Repository, err = d.openRepository(ctx, p)
	}
	if err != nil {
		return rpc.SubmitResult{}, err
	}
	run, err := d.newRun(p, spec)
	if err != nil {
		return rpc.SubmitResult{}, err
	}
	sub := storage.Submission{Run: run, Spec: spec, OwnID: p.RunID != "",
		Event: apprentice.Event{EventType: apprentice.RunQueued, Phase: apprentice.PhaseQueued, Message: queuedMessage(run)}}
	if len(p.Assets) > 0 || len(helpers(rubric)) > 0 || spec.Repository != nil {
		return d.submitWithFiles(ctx, p, sub, rubric)
	}
	return d.submitted(d.store.Submit(ctx, sub))
}

func queuedMessage(run apprentice.Run) string {
	if run.QueueReason != "" {
		return "Queued, deferred: " + run.QueueReason
	}
	return "Queued"
}

// submitWithFiles copies assets and the rubric's helpers under a reserved id before
// the run is acknowledged, and removes them again when it is not.
func (d *Daemon) submitWithFiles(ctx context.Context, p rpc.RunSubmitParams, sub storage.Submission, rubric *grading.Rubric) (_ rpc.SubmitResult, err error) {
	if p.IdempotencyKey != "" {
		if run, existing, err := d.store.ByKey(p.IdempotencyKey); err != nil || existing {
			return d.submitted(run, existing, err)
		}
	}
	id, err := d.reserve(ctx, sub.Run.RunID, sub.OwnID)
	if err != nil {
		return rpc.SubmitResult{}, err
	}
	sub.Run.RunID, sub.Spec.RunID, sub.OwnID = id, id, true
	kept := false
	defer func() {
		if !kept {
			err = errors.Join(err, d.removeFiles(id), d.store.Unreserve(context.WithoutCancel(ctx), id))
		}
	}()
	if sub.Spec.Assets, err = d.home.Run(id).AddAssets(ctx, d.home.Run(id).AssetsOf(0), p.Assets); err != nil {
		return rpc.SubmitResult{}, err
	}
	if err = d.keepHelpers(ctx, id, &sub.Spec, p.RubricPath, rubric); err != nil {
		return rpc.SubmitResult{}, err
	}
	if err = d.keepRepository(ctx, id, p, &sub.Spec); err != nil {
		return rpc.SubmitResult{}, err
	}
	run, existing, err := d.store.Submit(ctx, sub)
	kept = err == nil && !existing
	done, err := d.submitted(run, existing, err)
	if kept {
		done.Repository = sub.Spec.Repository
	}
	return done, err
}

// reserve promises the run's id: the caller's own, which must be free, or one that
// is made from base.
func (d *Daemon) reserve(ctx context.Context, base apprentice.RunID, own bool) (apprentice.RunID, error) {
	id, err := d.store.Reserve(ctx, base)
	if err != nil || !own || id == base {
		return id, err
	}
	return "", errors.Join(apprentice.Errorf(apprentice.Conflict, "run id %s is taken", base).WithField("run_id").
		WithHint("choose another, or leave it out"), d.store.Unreserve(ctx, id))
}

func (d *Daemon) submitted(run apprentice.Run, existing bool, err error) (rpc.SubmitResult, error) {
	if err != nil {
		return rpc.SubmitResult{}, err
	}
	d.sched.touch(run.RunID)
	return rpc.SubmitResult{Run: run, Existing: existing, Folder: string(d.home.Run(run.RunID))}, nil
}

// newSpec checks what is asked for and freezes the settings.
func (d *Daemon) newSpec(p rpc.RunSubmitParams) (apprentice.Spec, *grading.Rubric, error) {
	spec := apprentice.Spec{Instruction: p.Instruction, Path: p.Path, NoBundle: p.NoBundle, AutoApprove: p.AutoApprove, CreatedAt: apprentice.Stamp(time.Now())}
	if err := checkInstruction(p.Instruction); err != nil {
		return spec, nil, err
	}
	s, err := d.settled(p.Settings)
	if err != nil {
		return spec, nil, err
	}
	spec.Settings = s
	if _, err := d.secrets.read(); err != nil {
		return spec, nil, err
	}
	if err := d.checkAgent(s, p.Path, p.Force); err != nil {
		return spec, nil, err
	}
	if err := d.checkMentor(s, p.Force); err != nil {
		return spec, nil, err
	}
	if spec.Packs, err = d.packsFor(p); err != nil {
		return spec, nil, err
	}
	rubric, err := readRubric(&spec, p.Rubric, p.RubricPath)
	return spec, rubric, err
}

// settled are the settings in force with those of a run over them.
func (d *Daemon) settled(own rpc.RunSettings) (apprentice.Settings, error) {
	s, err := d.settings.read()
	if err != nil {
		return s, err
	}
	if named, ok := own["agent"]; ok && named != s.Agent { // what these say is meant for the other agent
		s.AgentCommand, s.AgentModel, s.AgentExtraArgs = "", "", ""
	}
	if named, ok := own["mentor_provider"]; ok && named != s.MentorProvider {
		s.MentorModel, s.MentorBaseURL, s.MentorKeyVariable = "", "", ""
	}
	for key, value := range own {
		if _, err := s.Get(key); err == nil && !apprentice.IsRunSetting(key) {
			return s, apprentice.Errorf(apprentice.Invalid, "%s is a setting of aad, not of a run", key).WithField(key).
				WithHint("aa settings set %s VALUE", key)
		}
		data, err := json.Marshal(value)
		if err != nil {
			return s, err
		}
		if s, err = s.With(key, data); err != nil {
			return s, err
		}
	}
	err = s.Check()
	s.MentorMode = s.Mode()
	return s, err
}

func checkInstruction(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return apprentice.Errorf(apprentice.Invalid, "the instruction is empty").WithField("instruction").
			WithHint(`say what is to be done, as in aa run "sum up data.csv in report.md" --asset data.csv`)
	case len(text) > maxInstruction:
		return apprentice.Errorf(apprentice.Invalid, "the instruction has %d bytes, over %d", len(text), maxInstruction).
			WithField("instruction").WithHint("hand long texts over as assets")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return apprentice.Errorf(apprentice.Invalid, "the instruction is no UTF-8 text").WithField("instruction")
	}
	return nil
}

// checkMentor refuses a run whose attempts no model could review, as things stand.
func (d *Daemon) checkMentor(s apprentice.Settings, force bool) error {
	if force || s.MentorMode != "model_assisted" {
		return nil
	}
	_, err := mentor.Open(mentor.ConfigOf(s), d.variable)
	return err
}

// checkAgent refuses a run that could not be attempted by this aad.
func (d *Daemon) checkAgent(s apprentice.Settings, path string, force bool) error {
	lookup := d.lookup(s, path)
	recipe, err := agent.Require(s, lookup)
	if err != nil || force {
		return err
	}
	return recipe.Check(s, lookup)
}

// lookup is where the agents of a submitter are looked for.
func (d *Daemon) lookup(s apprentice.Settings, path string) agent.Lookup {
	return agent.Lookup{Path: path, Environ: d.environ(s), Probes: d.probes}
}

// readRubric takes the rubric from the request or from the file it names.
func readRubric(spec *apprentice.Spec, text, path string) (*grading.Rubric, error) {
	if path != "" && !filepath.IsAbs(path) {
		return nil, apprentice.Errorf(apprentice.Invalid, "rubric_path %s is not absolute", path).WithField("rubric_path")
	}
	if text == "" {
		if path == "" {
			return nil, nil
		}
		data, err := readBounded(path, maxRubric)
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	spec.Rubric, spec.RubricName = text, "rubric"
	if path != "" {
		spec.RubricName = filepath.Base(path)
	}
	return grading.ParseRubric([]byte(text), spec.RubricName)
}

func readBounded(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, apprentice.Errorf(apprentice.Invalid, "rubric %s does not exist", path).WithField("rubric")
	case err != nil:
		return nil, apprentice.Errorf(apprentice.Invalid, "rubric %s cannot be read", path).Because(err).WithField("rubric")
	case !info.Mode().IsRegular():
		return nil, apprentice.Errorf(apprentice.Invalid, "rubric %s is no regular file", path).WithField("rubric")
	case info.Size() > most:
		return nil, apprentice.Errorf(apprentice.Invalid, "rubric %s has %d bytes, over %d", path, info.Size(), most).WithField("rubric")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, apprentice.Errorf(apprentice.Invalid, "rubric %s cannot be read", path).Because(err).WithField("rubric")
	}
	return data, nil
}

func helpers(r *grading.Rubric) []string {
	if r == nil {
		return nil
	}
	return r.HelperFiles()
}

// keepHelpers snapshots the files that the rubric's checks need, out of the
// apprentice's sight, and notes in the spec where they lie and what they hold.
func (d *Daemon) keepHelpers(ctx context.Context, id apprentice.RunID, spec *apprentice.Spec, rubricPath string, r *grading.Rubric) (err error) {
	files := helpers(r)
	if len(files) == 0 {
		return nil
	}
	if rubricPath == "" {
		return apprentice.Errorf(apprentice.Invalid, "the rubric names helper files, but not where it lies itself").
			WithField("rubric_path").WithHint("give the rubric's absolute path")
	}
	into := filepath.Join(d.home.Private(id), fmt.Sprintf("helpers-%d", spec.Pass))
	if err := workspace.CopyHelpers(ctx, filepath.Dir(rubricPath), files, into, maxHelper); err != nil {
		return err
	}
	if spec.Helpers, err = d.home.Rel(into); err != nil {
		return err
	}
	spec.HelpersHash, err = workspace.HelpersHash(ctx, into)
	return err
}

// newRun is the record of a run that is about to be queued.
func (d *Daemon) newRun(p rpc.RunSubmitParams, spec apprentice.Spec) (apprentice.Run, error) {
	now := time.Now()
	run := apprentice.Run{
		RunID: apprentice.NewRunID(now, d.sayable(p.Instruction)), Title: apprentice.Title(p.Instruction),
		QueueState: apprentice.Queued, RunStatus: apprentice.StatusRunning, TaskStatus: apprentice.StatusRunning,
		MaxLoops: spec.Settings.MaxLoops, Agent: spec.Settings.Agent, MentorMode: spec.Settings.MentorMode,
		Group: p.Group, Priority: p.Priority, Labels: p.Labels, Held: p.Hold, Key: p.IdempotencyKey,
		QueuedAt: apprentice.Stamp(now), QueuedSeq: d.store.LastSeq(), SessionStatus: "open", Packs: named(spec.Packs),
	}
	if run.Group == "" {
		run.Group = defaultGroup
	}
	if p.RunID != "" {
		if err := apprentice.CheckRunID(p.RunID); err != nil {
			return run, err
		}
		run.RunID = apprentice.RunID(p.RunID)
	}
	for _, ref := range p.AfterRuns {
		dep, err := d.resolve(ref)
		if err != nil {
			return run, err
		}
		run.AfterRuns = append(run.AfterRuns, dep.RunID)
	}
	if p.NotBefore != "" {
		at, err := apprentice.ParseStamp(p.NotBefore)
		if err != nil {
			return run, apprentice.Errorf(apprentice.Invalid, "not_before %q is no RFC 3339 time", p.NotBefore).WithField("not_before")
		}
		run.NotBefore = apprentice.Stamp(at)
	}
	if reason, _ := d.sched.blocked(run, now); reason != "" {
		run.QueueState, run.QueueReason = apprentice.Deferred, reason
	}
	return run, nil
}

// fillAgain takes over from an earlier run what the request leaves open.
func (d *Daemon) fillAgain(p *rpc.RunSubmitParams) error {
	run, err := d.resolve(p.Again)
	if err != nil {
		return err
	}
	spec, err := d.store.Spec(run.RunID, 0)
	if err != nil {
		return err
	}
	if run.Imported != nil && run.Imported.Rubric && p.Rubric == "" && p.RubricPath == "" {
		return noRubric(run)
	}
	if p.Instruction == "" {
		p.Instruction = spec.Instruction
	}
	if len(p.Assets) == 0 {
		for _, a := range spec.Assets {
			p.Assets = append(p.Assets, filepath.Join(string(d.home.Run(run.RunID)), filepath.FromSlash(a.Path)))
		}
	}
	if p.Rubric == "" && p.RubricPath == "" && spec.Rubric != "" {
		p.Rubric = spec.Rubric
		p.RubricPath = filepath.Join(string(d.home), filepath.FromSlash(spec.Helpers), spec.RubricName)
	}
	if p.Group == "" {
		p.Group = run.Group
	}
	if p.Repo == "" && spec.Repository != nil {
		p.Repo, p.IncludeDirty = spec.Repository.Path, spec.Repository.IncludeDirty
	}
	own := p.Settings
	p.Settings = rpc.RunSettings{}
	data, err := json.Marshal(spec.Settings)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &p.Settings); err != nil {
		return err
	}
	maps.DeleteFunc(p.Settings, func(key string, _ any) bool { return !apprentice.IsRunSetting(key) })
	for key, value := range own {
		p.Settings[key] = value
	}
	return nil
}
