package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/internal/proc"
	"aad/rpc"
	"aad/storage"
)

func (d *Daemon) checkpointList(_ context.Context, _ *rpc.Peer, p rpc.CheckpointListParams) (rpc.CheckpointListResult, error) {
	out := rpc.CheckpointListResult{Checkpoints: []rpc.CheckpointInfo{}}
	limit := cmp.Or(p.Limit, 50)
	if limit < 0 || limit > maxListed {
		return out, apprentice.Errorf(apprentice.Invalid, "limit %d is not between 1 and %d", limit, maxListed).WithField("limit")
	}
	runs, err := d.asking(p.RunID)
	if err != nil {
		return out, err
	}
	out.Total = len(runs)
	first, _ := slices.BinarySearchFunc(runs, p.Cursor+"\x00", func(r apprentice.Run, after string) int { return cmp.Compare(askedAt(r), after) })
	if len(runs)-first > limit {
		runs = runs[:first+limit]
		out.Next = askedAt(runs[first+limit-1])
	}
	for _, run := range runs[first:] {
		info, err := d.checkpointInfo(run)
		if err != nil {
			return out, err
		}
		out.Checkpoints = append(out.Checkpoints, info)
	}
	return out, nil
}

// asking lists the runs that wait for a person, the longest waiting first; one run
// where ref names it.
func (d *Daemon) asking(ref string) ([]apprentice.Run, error) {
	var runs []apprentice.Run
	var err error
	if ref == "" {
		runs, err = d.waiting()
	} else {
		runs = make([]apprentice.Run, 1)
		runs[0], err = d.resolve(ref)
	}
	var all []apprentice.Run
	for _, r := range runs {
		all = append(all, viewsOf(r)...)
	}
	runs = all
	slices.SortFunc(runs, func(a, b apprentice.Run) int { return cmp.Compare(askedAt(a), askedAt(b)) })
	return runs, err
}

// askedAt orders runs that wait, and is where a page of them ends.
func askedAt(run apprentice.Run) string {
	return run.Checkpoint.OpenedAt + " " + string(run.RunID) + " " + run.Checkpoint.Stage
}

// waiting lists the runs that wait for a person; only these have a checkpoint.
func (d *Daemon) waiting() (all []apprentice.Run, err error) {
	states := storage.Filter{States: []apprentice.QueueState{apprentice.Waiting}}
	for cursor := ""; ; {
		page, next, err := d.store.Runs(states, cursor, 1000)
		all = append(all, page...)
		if err != nil || next == "" {
			return all, err
		}
		cursor = next
	}
}

func (d *Daemon) checkpointInfo(run apprentice.Run) (rpc.CheckpointInfo, error) {
	c := *run.Checkpoint
	info := rpc.CheckpointInfo{CheckpointID: c.ID, RunID: run.RunID, Title: run.Title, Stage: c.Stage, Revision: c.Revision,
		OpenedAt: c.OpenedAt, Refused: d.desk.refusedOf(run),
		Path: checkpoint.Path(d.home.Run(run.RunID).Checkpoints(), checkpoint.Stage(c.Stage))}
	asked, err := d.desk.question(run)
	info.Decisions, info.HowTo = checkpoint.Decisions(asked), asked.HowTo
	if asked.Stage().IsPermission() {
		info.Asks = asked.Title
	}
	return info, err
}

// askedOf finds the open question that a call means. Who means one that was
// answered is told by whom, when and how.
func (d *Daemon) askedOf(ref, stage string, revision int) (apprentice.Run, error) {
	run, err := d.resolve(ref)
	if err != nil {
		return run, err
	}
	if named, err := checkpoint.ParseStage(stage); err == nil {
		stage = string(named)
	}
	run = viewOf(run, stage)
	c := run.Checkpoint
	if c != nil && (stage == "" || stage == c.Stage) && (revision == 0 || revision == c.Revision) {
		return run, nil
	}
	err = apprentice.Errorf(apprentice.Conflict, "run %s waits for nobody: it is %s", run.RunID, run.QueueState).
		WithHint("aa checkpoints lists who waits")
	if c != nil && (stage == "" || stage == c.Stage) && revision == rpc.NotOpen {
		err = apprentice.Errorf(apprentice.Conflict, "run %s waits for %s only since now", run.RunID, c.Stage).
			WithHint("look at it: aa review %s", run.RunID)
	} else if c != nil && (stage == "" || stage == c.Stage) {
		err = apprentice.Errorf(apprentice.Conflict, "the question was asked anew: it is at revision %d, not %d", c.Revision, revision).
			WithHint("look at it again: aa review %s", run.RunID)
	} else if c != nil {
		err = apprentice.Errorf(apprentice.Conflict, "run %s waits for %s, not for %s", run.RunID, c.Stage, stage).WithField("stage")
	}
	return run, err
}

func (d *Daemon) checkpointGet(_ context.Context, _ *rpc.Peer, p rpc.CheckpointParams) (rpc.CheckpointGetResult, error) {
	run, err := d.askedOf(p.RunID, p.Stage, 0)
	if err != nil {
		return rpc.CheckpointGetResult{}, err
	}
	asked, err := d.desk.question(run)
	if err != nil {
		return rpc.CheckpointGetResult{}, err
	}
	data, err := json.Marshal(asked)
	if err != nil {
		return rpc.CheckpointGetResult{}, err
	}
	info, err := d.checkpointInfo(run)
	return rpc.CheckpointGetResult{Info: info, File: data}, err
}

// checkpointResolve takes an answer by call. An agent is no person: processes under
// a shim are refused.
func (d *Daemon) checkpointResolve(ctx context.Context, peer *rpc.Peer, p rpc.CheckpointResolveParams) (out rpc.CheckpointResolveResult, err error) {
	by := checkpoint.Person(peer.UID, checkpoint.Way(cmp.Or(p.Way, "rpc")))
	if !slices.Contains([]checkpoint.Way{checkpoint.ByCLI, checkpoint.ByInteractive, checkpoint.ByRPC}, by.Way) {
		return out, apprentice.Errorf(apprentice.Invalid, "way %q is none of cli, interactive, rpc", p.Way).WithField("way")
	}
	run, err := d.askedOf(p.RunID, p.Stage, p.Revision)
	if err != nil {
		return out, d.refuseClosed(ctx, peer, run, p, by, err)
	}
	seen := *run.Checkpoint
	asked, err := d.desk.question(run)
	if err != nil {
		return out, err
	}
	refuse := func(why *apprentice.Error, faults []checkpoint.Fault) error {
		d.desk.keepRefused(ctx, run.RunID, asked, checkpoint.Refused{By: by, Because: why.Message, Faults: faults, Content: string(p.Values)})
		return why
	}
	if proc.UnderShim(peer.PID) {
		return out, refuse(noPerson(), nil)
	}
	a, err := checkpoint.FromValues(asked, p.Values)
	if err != nil {
		var refusal *checkpoint.Refusal
		if !errors.As(err, &refusal) {
			return out, err
		}
		return out, refuse(apprentice.Errorf(apprentice.Invalid, "%v", err).WithField("values").WithHint("%s", asked.HowTo), refusal.Faults)
	}
	run, err = d.desk.answer(ctx, run, seen, sent{answer: a, by: by, content: p.Values})
	return rpc.CheckpointResolveResult{Run: run, Stage: seen.Stage, Decision: a.Decision, Edited: a.Edited}, err
}

func noPerson() *apprentice.Error {
	return apprentice.Errorf(apprentice.Denied, "an agent cannot answer for a person").WithHint("answer from a terminal of your own")
}

// refuseClosed refuses the answer to a question that is not open. If it was open and
// somebody answered it, that is told and the answer is kept while the run lives; else err
// is the reason.
func (d *Daemon) refuseClosed(ctx context.Context, peer *rpc.Peer, run apprentice.Run, p rpc.CheckpointResolveParams, by checkpoint.By, err error) error {
	if proc.UnderShim(peer.PID) {
		return noPerson()
	}
	if run.RunID == "" {
		return err
	}
	if c := run.Checkpoint; c != nil && (p.Stage == "" || p.Stage == c.Stage) && p.Revision > c.Revision {
		return err
	}
	over := !run.Live() // its log is closed: what comes now is told, and not kept
	first := d.desk.lastTaken(run.RunID, p.Stage)
	if first.at == "" || over && p.Stage == "" {
		return err
	}
	asked := checkpoint.New(first.stage, checkpoint.File{CheckpointID: first.checkpointID, Revision: first.revision, CreatedAt: first.at, RunID: run.RunID})
	why := first.refusal(asked)
	var told *apprentice.Error
	if errors.As(err, &told) {
		why.Hint = told.Hint
	}
	if !over {
		d.desk.keepRefused(ctx, run.RunID, asked, checkpoint.Refused{By: by, Because: why.Message, Content: string(p.Values)})
	}
	return why
}
