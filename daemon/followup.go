package daemon

import (
	"context"
	"errors"
	"time"

	"aad/apprentice"
	"aad/loop"
	"aad/rpc"
)

// runContinue adds a follow-up to a run whose passes have all ended.
func (d *Daemon) runContinue(ctx context.Context, _ *rpc.Peer, p rpc.RunContinueParams) (apprentice.Run, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return run, err
	}
	if err := checkInstruction(p.Instruction); err != nil {
		return run, err
	}
	if err := mayContinue(run, run.Pass); err != nil {
		return run, err
	}
	spec, err := d.store.Spec(run.RunID, 0)
	if err != nil {
		return run, err
	}
	first := spec
	spec.Pass, spec.Instruction, spec.RecordOnly = run.Pass+1, p.Instruction, p.RecordOnly
	spec.Assets, spec.CreatedAt = nil, apprentice.Stamp(time.Now())
	if p.Path != "" {
		spec.Path = p.Path
	}
	if err := d.mayFollow(ctx, run, p, &spec); err != nil {
		return run, err
	}
	if spec.Repository, err = d.startOfFollowup(ctx, run, spec); err != nil {
		return run, err
	}
	// Two follow-ups at once would copy into one folder.
	d.followupLock.Lock()
	defer d.followupLock.Unlock()
	return d.addFollowup(ctx, p, run, spec, first)
}

func (d *Daemon) addFollowup(ctx context.Context, p rpc.RunContinueParams, run apprentice.Run, spec, first apprentice.Spec) (_ apprentice.Run, err error) {
	folder := d.home.Run(run.RunID)
	if now, err := d.store.Run(run.RunID); err != nil || mayContinue(now, run.Pass) != nil {
		return run, errors.Join(err, mayContinue(now, run.Pass))
	}
	if p.Rubric != "" || p.RubricPath != "" {
		rubric, err := readRubric(&spec, p.Rubric, p.RubricPath)
		if err != nil {
			return run, err
		}
		spec.Helpers, spec.HelpersHash = "", ""
		if err = d.keepHelpers(ctx, run.RunID, &spec, p.RubricPath, rubric); err != nil {
			return run, err
		}
	}
	if spec.Assets, err = folder.AddAssets(ctx, folder.AssetsOf(spec.Pass), p.Assets); err != nil {
		return run, err
	}
	if p.RecordOnly {
		spec.Rubric, spec.RubricName = first.Rubric, first.RubricName
		spec.Helpers, spec.HelpersHash = first.Helpers, first.HelpersHash
	}
	if p.RecordOnly {
		if err := d.packer.due(run.RunID); err != nil {
			return run, errors.Join(err, folder.RemoveAssets(spec.Pass))
		}
	}
	run, err = d.store.Change(ctx, run.RunID, func(r apprentice.Run) error { return mayContinue(r, spec.Pass-1) },
		d.followupChange(run, spec))
	if err != nil {
		return run, errors.Join(err, folder.RemoveAssets(spec.Pass))
	}
	d.sched.touch(run.RunID)
	if p.RecordOnly {
		return d.packed(ctx, run)
	}
	return run, nil
}

// mayContinue refuses a follow-up while a pass is live, or when another follow-up
// was added after pass.
func mayContinue(r apprentice.Run, pass int) error {
	switch {
	case r.Live():
		return apprentice.Errorf(apprentice.Conflict, "run %s is %s", r.RunID, r.QueueState).
			WithHint("aa wait %s, then continue it", r.RunID)
	case r.Pass != pass:
		return apprentice.Errorf(apprentice.Conflict, "run %s got another follow-up meanwhile", r.RunID).WithHint("look and try again")
	}
	return nil
}

func (d *Daemon) followupChange(run apprentice.Run, spec apprentice.Spec) apprentice.Change {
	n := spec.Pass
	if spec.RecordOnly {
		started := loop.FollowupEvent(n, apprentice.FollowupStarted, apprentice.PhaseFollowup, "recorded")
		completed := loop.FollowupEvent(n, apprentice.FollowupCompleted, apprentice.PhaseFollowupComplete, "completed: recorded only")
		started.Metadata["record_only"], completed.Metadata["record_only"] = true, true
		return apprentice.Change{Spec: &spec, Update: func(r *apprentice.Run) { r.Pass = n },
			Events: []apprentice.Event{started, completed}, Session: loop.Asked(run, spec)}
	}
	return apprentice.Change{Spec: &spec,
		Update: func(r *apprentice.Run) {
			reopen(r, d.store.LastSeq())
			r.Pass, r.PassStartedAt, r.SessionStatus = n, "", "open"
		},
		Events: []apprentice.Event{loop.FollowupEvent(n, apprentice.RunQueued, apprentice.PhaseQueued, "queued")}}
}
