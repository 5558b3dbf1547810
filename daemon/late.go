package daemon

import (
	"context"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/storage"
)

// mostLate is how many ended runs have their answered files watched on, so that who
// answers there too late is told. Each costs a watch of the system.
const mostLate = 64

// lateFiles are ended runs whose files are watched, in the order of their ends.
type lateFiles []apprentice.RunID

// settled hears that a run waits for nobody. The files of its questions are watched
// on while it lives, and then until mostLate others have ended, so that who comes
// too late is told.
func (d *desk) settled(id apprentice.RunID) {
	d.mu.Lock()
	known, ok := d.open[place{run: id}]
	any := ok || d.leaves > 0
	d.mu.Unlock()
	if !any {
		return
	}
	run, err := d.store.Run(id)
	if err == nil {
		d.dropLeaves(run)
	}
	switch {
	case err != nil:
		d.drop(id)
	case !ok:
	case !run.Live():
		known.taken = true
		d.keepLate(id, known)
	case !known.taken:
		d.drop(id)
	}
}

// keepLate watches the files of one more ended run, and those of the run that ended
// first of all no more.
func (d *desk) keepLate(id apprentice.RunID, known asking) {
	d.mu.Lock()
	d.open[place{run: id}] = known
	d.late = append(d.late, id)
	var oldest apprentice.RunID
	if len(d.late) > mostLate {
		oldest, d.late = d.late[0], d.late[1:]
	}
	d.mu.Unlock()
	if run, err := d.store.Run(oldest); oldest != "" && (err != nil || !run.Live()) {
		d.drop(oldest)
	}
}

// newest is how many runs a start of aad looks at for questions that were answered.
const newest = 1000

// watchLate watches the answered files of live runs and of those that ended last,
// which this aad has not seen being asked.
func (d *desk) watchLate(ctx context.Context) {
	runs, _, err := d.store.Runs(storage.Filter{}, "", newest)
	if err != nil {
		d.log.Error("list the runs whose questions were answered", "error", err)
	}
	ended := 0
	for _, run := range runs {
		if ctx.Err() != nil {
			return
		}
		if run.MentorMode != "expert_led" && run.MentorMode != "hybrid" || !run.Live() && ended == mostLate {
			continue
		}
		if d.watchAnswered(run) && !run.Live() {
			ended++
		}
	}
}

// watchAnswered watches the files of a run's answered questions, and reports whether
// there are any.
func (d *desk) watchAnswered(run apprentice.Run) (any bool) {
	dir := d.home.Run(run.RunID).Checkpoints()
	for _, stage := range checkpoint.Stages() {
		if c := run.Checkpoint; c != nil && c.Stage == string(stage) {
			continue
		}
		data, err := checkpoint.Read(dir, stage)
		if err != nil {
			continue
		}
		have, _ := standing(data)
		asked := checkpoint.New(stage, checkpoint.File{CheckpointID: have.CheckpointID, Revision: have.Revision,
			CreatedAt: have.CreatedAt, RunID: run.RunID})
		if err := d.watcher.Add(watchKey(run.RunID, stage), dir, stage, asked); err != nil {
			d.log.Error("watch an answered question", "run_id", run.RunID, "error", err)
			continue
		}
		any = true
	}
	if !any {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.open[place{run: run.RunID}]; !ok {
		d.open[place{run: run.RunID}] = asking{taken: true}
		if !run.Live() {
			d.late = append(lateFiles{run.RunID}, d.late...) // they come newest first
		}
	}
	return true
}
