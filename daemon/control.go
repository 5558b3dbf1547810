package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aad/apprentice"
	"aad/loop"
	"aad/rpc"
	"aad/workspace"
)

// runCancel ends a run: at once when it holds no slot, else by its job, which ends
// every process first.
func (d *Daemon) runCancel(ctx context.Context, _ *rpc.Peer, p rpc.RunParams) (apprentice.Run, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return run, err
	}
	return d.cancel(ctx, run.RunID)
}

func (d *Daemon) cancel(ctx context.Context, id apprentice.RunID) (apprentice.Run, error) {
	for {
		run, err := d.store.Run(id)
		switch {
		case err != nil:
			return run, err
		case run.QueueState.Ended():
			return run, apprentice.Errorf(apprentice.Conflict, "run %s has already ended: %s", id, run.QueueState)
		}
		change := apprentice.Change{Update: func(r *apprentice.Run) { r.CancelRequested = true }}
		finishing := run.Finishing()
		switch {
		case finishing:
			change = loop.Withdrawn(run, "by request")
		case run.QueueState != apprentice.Running && !run.Parked: // a parked agent is ended by its job
			change = loop.CancelledChange(run, time.Now())
		}
		seen := run.QueueState
		run, err = d.store.Change(ctx, id, func(r apprentice.Run) error {
			if r.QueueState != seen {
				return errChanged
			}
			return nil
		}, change)
		if errors.Is(err, errChanged) {
			continue
		}
		if err == nil {
			d.sched.cancel(id, loop.ErrCancelled)
			d.ended(id)
		}
		if err == nil && seen == apprentice.Waiting && !finishing && run.QueueState == apprentice.Cancelled {
			run, err = d.closeCancelled(ctx, run)
		}
		if err == nil && seen != apprentice.Running && !finishing {
			d.tellHooks(id)
		}
		return run, err
	}
}

// closeCancelled has the loop close the package of a run that was cancelled while it
// waited for a person. It starts nothing: what is not done is left undone.
func (d *Daemon) closeCancelled(ctx context.Context, run apprentice.Run) (apprentice.Run, error) {
	if err := d.packer.due(run.RunID); err != nil {
		return run, err
	}
	over, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	cancel(loop.ErrCancelled)
	out, err := d.workRun(over, run, loop.Slot{})
	if err != nil {
		d.log.Error("close the package of a cancelled run", "run_id", run.RunID, "error", err)
		return run, nil
	}
	if out.Selected == "" {
		return run, nil
	}
	run, err = d.store.Change(ctx, run.RunID, nil, apprentice.Change{Update: func(r *apprentice.Run) { r.SelectedID = out.Selected }})
	if err == nil {
		d.packer.soon(run.RunID)
	}
	return run, err
}

// expired goes on after a run was cancelled because nobody answered it in time, as
// after any cancel.
func (d *Daemon) expired(ctx context.Context, run apprentice.Run) {
	d.ended(run.RunID)
	if run.QueueState != apprentice.Cancelled {
		return // the question came with its finish
	}
	if _, err := d.closeCancelled(ctx, run); err != nil {
		d.log.Error("close the package of an expired run", "run_id", run.RunID, "error", err)
	}
	d.tellHooks(run.RunID)
}

// errChanged refuses a write because the run moved on since it was read.
var errChanged = errors.New("the run has changed meanwhile")

// ended has the scheduler look at a run, and at those that wait for it.
func (d *Daemon) ended(id apprentice.RunID) {
	d.sched.touch(id)
	d.sched.touchDependents(id)
}

func (d *Daemon) runRetry(ctx context.Context, _ *rpc.Peer, p rpc.RunParams) (apprentice.Run, error) {
	run, err := d.resolve(p.RunID)
	if err == nil {
		err = notHere(run)
	}
	if err != nil {
		return run, err
	}
	spec, err := d.store.Spec(run.RunID, run.Pass)
	if err != nil {
		return run, err
	}
	drops, err := loop.Retry(d.store.Journal(run.RunID, run.Pass))
	if err != nil {
		return run, err
	}
	seen := run.EventCount
	run, err = d.store.Change(ctx, run.RunID, func(r apprentice.Run) error {
		switch {
		case r.Live():
			return apprentice.Errorf(apprentice.Conflict, "run %s has not ended: %s", r.RunID, r.QueueState)
		case r.Accepted():
			return apprentice.Errorf(apprentice.Conflict, "run %s was accepted", r.RunID).
				WithHint("aa run --again %s works the same task as a new run; aa continue adds to this one", r.RunID)
		case r.EventCount != seen:
			return apprentice.Errorf(apprentice.Conflict, "run %s has changed meanwhile", r.RunID).WithHint("look and try again")
		}
		return notOnlyRecorded(r, spec)
	}, apprentice.Change{
		Update: func(r *apprentice.Run) { reopen(r, d.store.LastSeq()); r.Retries++ },
		Events: []apprentice.Event{loop.OfPass(run, apprentice.Event{EventType: apprentice.RunRetried, Phase: apprentice.PhaseQueued, Message: "Queued again by request"})},
		Drop:   drops,
	})
	d.sched.touch(run.RunID)
	return run, err
}

// notOnlyRecorded refuses to do again what nobody worked: a note is a pass of its own,
// and what it follows is worked again no more.
func notOnlyRecorded(r apprentice.Run, spec apprentice.Spec) error {
	if !spec.RecordOnly {
		return nil
	}
	return apprentice.Errorf(apprentice.Conflict, "the last follow-up of run %s was only recorded: there is nothing in it to do again", r.RunID).
		WithHint(`aa continue %[1]s "…" goes on from what was delivered so far; aa run --again %[1]s works the task anew`, r.RunID)
}

// reopen takes back what the end of a pass had written into the run.
func reopen(r *apprentice.Run, seq uint64) {
	r.QueueState, r.QueueReason, r.QueuedAt, r.QueuedSeq = apprentice.Queued, "", apprentice.Stamp(time.Now()), seq
	r.RunStatus, r.TaskStatus, r.StatusReason = apprentice.StatusRunning, apprentice.StatusRunning, ""
	r.Verdict, r.FinalScore, r.JudgedBy, r.StopReason = "", nil, "", ""
	r.OperationalError, r.OperationalHint, r.OperationalAdvice, r.EndedAt, r.CancelRequested = "", "", "", "", false
	r.Held, r.Released, r.PausedUntil = false, true, ""
}

func (d *Daemon) runHold(ctx context.Context, _ *rpc.Peer, p rpc.RunParams) (apprentice.Run, error) {
	return d.waitingChange(ctx, p.RunID, apprentice.Change{
		Update: func(r *apprentice.Run) {
			r.Held, r.QueueState, r.QueueReason = true, apprentice.Deferred, "held"
		},
		Events: []apprentice.Event{{EventType: apprentice.RunDeferred, Phase: apprentice.PhaseQueued, Message: "Deferred: held"}},
	})
}

func (d *Daemon) runRelease(ctx context.Context, _ *rpc.Peer, p rpc.RunParams) (apprentice.Run, error) {
	return d.waitingChange(ctx, p.RunID, apprentice.Change{
		Update: func(r *apprentice.Run) {
			r.Held, r.Released, r.PausedUntil, r.QueueState, r.QueueReason = false, true, "", apprentice.Queued, ""
		},
		Events: []apprentice.Event{{EventType: apprentice.RunReleased, Phase: apprentice.PhaseQueued, Message: "Released by request"}},
	})
}

func (d *Daemon) runReprioritize(ctx context.Context, _ *rpc.Peer, p rpc.RunPriorityParams) (apprentice.Run, error) {
	return d.waitingChange(ctx, p.RunID, apprentice.Change{
		Update: func(r *apprentice.Run) { r.Priority = p.Priority },
		Events: []apprentice.Event{{EventType: apprentice.RunReprioritized, Phase: apprentice.PhaseQueued,
			Message: fmt.Sprintf("Priority is now %d", p.Priority)}},
	})
}

// waitingChange alters a run that waits in the queue.
func (d *Daemon) waitingChange(ctx context.Context, ref string, change apprentice.Change) (apprentice.Run, error) {
	run, err := d.resolve(ref)
	if err != nil {
		return run, err
	}
	for i, e := range change.Events {
		change.Events[i] = loop.OfPass(run, e)
	}
	run, err = d.store.Change(ctx, run.RunID, func(r apprentice.Run) error {
		if r.QueueState != apprentice.Queued && r.QueueState != apprentice.Deferred {
			return apprentice.Errorf(apprentice.Conflict, "run %s is %s and not in the queue", r.RunID, r.QueueState)
		}
		return nil
	}, change)
	d.sched.touch(run.RunID)
	return run, err
}

func (d *Daemon) runFinish(ctx context.Context, _ *rpc.Peer, p rpc.RunParams) (apprentice.Run, error) {
	run, err := d.resolve(p.RunID)
	if err != nil || run.SessionStatus == sessionFinished && (!run.Live() || run.Finishing()) {
		return run, err
	}
	change, asked, err := loop.FinishQuestion(d.store.Journal(run.RunID, run.Pass), run, d.settings.inForce(), time.Now())
	if err != nil {
		return run, err
	}
	if run.Imported.Holds(run.Pass) { // whether a person approved it was settled where it was made
		change, asked = apprentice.Change{}, false
	}
	open := change.Update
	change.Update = func(r *apprentice.Run) {
		r.SessionStatus = sessionFinished
		if asked {
			open(r)
		}
	}
	change.Events = append([]apprentice.Event{{EventType: apprentice.SessionFinished, Phase: apprentice.PhaseSessionFinished,
		Message: "Session finished"}}, change.Events...)
	change.Session = []apprentice.SessionEvent{loop.FinishedSession(run)}
	if err := d.packer.due(run.RunID); err != nil {
		return run, err
	}
	run, err = d.store.Change(ctx, run.RunID, mayFinish, change)
	if err == nil && asked {
		d.sched.touch(run.RunID)
	}
	if err != nil || asked {
		return run, err
	}
	return d.packed(ctx, run)
}

// packed makes the due bundle of a run and returns the run as it is then. That it
// could not be made stands in the run's log.
func (d *Daemon) packed(ctx context.Context, run apprentice.Run) (apprentice.Run, error) {
	if err := d.packer.remake(ctx, run.RunID); err != nil && ctx.Err() == nil {
		d.log.Error("make a bundle anew", "run_id", run.RunID, "error", err)
	}
	return d.store.Run(run.RunID)
}

func mayFinish(r apprentice.Run) error {
	switch {
	case r.Live():
		return apprentice.Errorf(apprentice.Unmet, "run %s is %s", r.RunID, r.QueueState).
			WithHint("aa wait %s, or aa cancel %s, then finish it", r.RunID, r.RunID)
	case r.SessionStatus == sessionFinished:
		return apprentice.Errorf(apprentice.Conflict, "run %s was finished meanwhile", r.RunID)
	}
	return nil
}

const sessionFinished = "finished"

func (d *Daemon) runDelete(ctx context.Context, _ *rpc.Peer, p rpc.RunDeleteParams) (rpc.Empty, error) {
	run, err := d.resolve(p.RunID)
	if err != nil {
		return rpc.Empty{}, err
	}
	if run.Live() && p.Force {
		if _, err := d.cancel(ctx, run.RunID); err != nil && apprentice.KindOf(err) != apprentice.Conflict {
			return rpc.Empty{}, err
		}
		if _, err := d.runWait(ctx, nil, rpc.RunWaitParams{RunID: string(run.RunID)}); err != nil {
			return rpc.Empty{}, err
		}
	}
	return rpc.Empty{}, d.delete(ctx, run.RunID, p.Purge)
}

// delete removes an ended run: its records, then its folders.
func (d *Daemon) delete(ctx context.Context, id apprentice.RunID, purge bool) error {
	dependents, err := d.store.Dependents(id)
	if err != nil {
		return err
	}
	var trash workspace.Trash
	d.packer.one.Lock() // a bundle being made would bring the folder back
	defer d.packer.one.Unlock()
	err = d.store.Delete(ctx, id, func() error {
		if err := d.releaseRepository(context.WithoutCancel(ctx), id, purge); err != nil {
			d.log.Warn("leave what a deleted run has in its repository", "run_id", id, "error", err)
		}
		d.mirror.writing.Lock() // a view being written would bring the folder back
		defer d.mirror.writing.Unlock()
		trash, err = d.home.Trash(id)
		return err
	})
	if err != nil {
		return err
	}
	d.sched.touch(dependents...)
	d.watchers.endThose(func(w *watcher) bool { return w.run == id }, "deleted")
	return trash.Remove()
}

// removeFiles takes a run's folders away.
func (d *Daemon) removeFiles(id apprentice.RunID) error {
	if err := d.releaseRepository(context.Background(), id, false); err != nil {
		d.log.Warn("leave what a removed run has in its repository", "run_id", id, "error", err)
	}
	trash, err := d.home.Trash(id)
	return errors.Join(err, trash.Remove())
}

// leftOvers are the runs that an earlier daemon was killed in deleting, and the ids
// that it had promised to requests which were never acknowledged.
type leftOvers struct{ deleting, promised []apprentice.RunID }

// findLeftOvers looks for them before the first new request comes.
func (d *Daemon) findLeftOvers() (left leftOvers, err error) {
	if left.deleting, err = d.store.Deleting(); err != nil {
		return left, err
	}
	left.promised, err = d.store.Reserved()
	return left, err
}

// clear removes what was left over.
func (d *Daemon) clear(ctx context.Context, left leftOvers) {
	for _, id := range left.deleting {
		if err := d.delete(ctx, id, false); err != nil {
			d.log.Error("go on deleting a run", "run_id", id, "error", err)
		}
	}
	for _, id := range left.promised {
		if err := errors.Join(d.removeFiles(id), d.store.Unreserve(ctx, id)); err != nil {
			d.log.Error("remove what a submit that was cut off has left", "run_id", id, "error", err)
		}
	}
	if err := d.home.EmptyTrash(ctx); err != nil && ctx.Err() == nil {
		d.log.Error("remove what an earlier aad had put away", "error", err)
	}
	close(d.cleared)
}
