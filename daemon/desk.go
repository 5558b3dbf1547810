package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/internal/walltime"
	"aad/loop"
	"aad/storage"
	"aad/workspace"
)

// desk is where people's answers come in: from the files that they edit, and from
// calls. It keeps a file for every open question and takes the first valid answer.
type desk struct {
	home     workspace.Home
	store    *storage.Store
	log      *slog.Logger
	settings func() apprentice.Settings
	watcher  *checkpoint.Watcher
	touch    func(...apprentice.RunID)
	finishes func(apprentice.RunID) error          // a session is about to be finished by its answer
	finished func(apprentice.RunID)                // a session was finished by its answer
	expired  func(context.Context, apprentice.Run) // a run ended since nobody answered
	due      *walltime.Timer

	files sync.Mutex    // from the look whether a question is open until its file is written
	wake  chan struct{} // holds one: soon is not empty

	mu     sync.Mutex
	open   map[place]asking
	leaves int              // of open, those of agents that ask for leave
	soon   []apprentice.Run // to be asked by Serve
	next   time.Time        // of the first reminder or deadline, zero for none
	late   lateFiles        // of ended runs that are watched on
}

// openDesk opens the watcher of files and the timer of reminders and deadlines.
func openDesk(d *Daemon) (*desk, error) {
	due, err := walltime.New()
	if err != nil {
		return nil, err
	}
	watcher, err := checkpoint.Open(checkpoint.Options{Log: d.log})
	if err != nil {
		return nil, errors.Join(err, due.Close())
	}
	return &desk{home: d.home, store: d.store, log: d.log, settings: d.settings.inForce, watcher: watcher, due: due, expired: d.expired,
		touch: func(ids ...apprentice.RunID) { d.sched.touch(ids...) }, finishes: func(id apprentice.RunID) error { return d.packer.due(id) },
		finished: func(id apprentice.RunID) { d.packer.soon(id) }, wake: make(chan struct{}, 1), open: map[place]asking{}}, nil
}

func (d *desk) Close() error { return errors.Join(d.watcher.Close(), d.due.Close()) }

// asking is a question whose file is watched.
type asking struct {
	checkpoint apprentice.Checkpoint
	refused    string    // why what stands in the file cannot be used
	taken      bool      // it is answered; who answers it now comes too late
	notBefore  time.Time // what is due could not be told, and is not tried again before; mostly zero
}

func sameQuestion(a, b apprentice.Checkpoint) bool { return a.ID == b.ID && a.Revision == b.Revision }

// askSoon has Serve ask a question. It never waits, as the scheduler must not.
func (d *desk) askSoon(run apprentice.Run) {
	d.mu.Lock()
	d.soon = append(d.soon, run)
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *desk) takeSoon() []apprentice.Run {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.soon
	d.soon = nil
	return taken
}

// ask watches the files of the questions that a run waits for, and writes those that
// are not there. It may be repeated.
func (d *desk) ask(run apprentice.Run) {
	for _, view := range viewsOf(run) {
		d.askOne(view)
	}
	d.dropLeaves(run)
}

func (d *desk) askOne(run apprentice.Run) {
	at := placeOf(run)
	d.mu.Lock()
	known, ok := d.open[at]
	// A retry asks with the same id anew.
	if ok && sameQuestion(known.checkpoint, *run.Checkpoint) && known.checkpoint.OpenedAt == run.Checkpoint.OpenedAt {
		d.mu.Unlock()
		return
	}
	if at.leave != "" && !ok {
		d.leaves++
	}
	d.open[at] = asking{checkpoint: *run.Checkpoint}
	d.mu.Unlock()
	d.setDue(*run.Checkpoint)
	if err := d.put(run); err != nil {
		d.log.Error("put a question to a person", "run_id", run.RunID, "checkpoint", run.Checkpoint.ID, "error", err)
	}
}

// put writes the question's file, unless it is there, and has it watched. A
// question that was answered meanwhile is left alone.
func (d *desk) put(run apprentice.Run) error {
	asked, err := d.question(run)
	if err != nil {
		return err
	}
	dir := d.home.Run(run.RunID).Checkpoints()
	d.files.Lock()
	defer d.files.Unlock()
	now, err := d.store.Run(run.RunID)
	if err != nil || stillOpen(*run.Checkpoint)(now) != nil {
		return err
	}
	if err := putFile(dir, asked); err != nil {
		return err
	}
	return d.watcher.Add(watchKey(run.RunID, asked.Stage()), dir, asked.Stage(), asked)
}

// watchKey names the file of a run's question to the watcher.
func watchKey(id apprentice.RunID, stage checkpoint.Stage) string {
	return string(id) + "/" + string(stage)
}

// putFile writes a question's file. What a person has begun to fill in is left; what
// belongs to an earlier question goes to history.
func putFile(dir string, asked checkpoint.File) error {
	stage := asked.Stage()
	data, err := checkpoint.Read(dir, stage)
	if err == nil {
		have, ok := standing(data)
		if !ok {
			return nil // being edited: the watcher says what is wrong with it
		}
		if have.CheckpointID == asked.CheckpointID && have.Revision == asked.Revision && have.ResolvedAt == "" {
			return nil
		}
		if err := checkpoint.Archive(dir, stage, have.CreatedAt); err != nil {
			return err
		}
	}
	return errors.Join(checkpoint.ClearErrors(dir, stage), checkpoint.Write(dir, stage, asked))
}

// stands is what tells whose question a file is, and whether it was answered.
type stands struct {
	CheckpointID string `json:"checkpoint_id"`
	Revision     int    `json:"revision"`
	CreatedAt    string `json:"created_at"`
	ResolvedAt   string `json:"resolved_at"`
}

func standing(data []byte) (s stands, ok bool) {
	err := json.Unmarshal(data, &s)
	return s, err == nil
}

func (d *desk) question(run apprentice.Run) (checkpoint.File, error) {
	return loop.Question(d.store.Journal(run.RunID, run.Checkpoint.Pass), *run.Checkpoint)
}

// drop forgets a run that waits no more.
func (d *desk) drop(id apprentice.RunID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for at := range d.open {
		if at.run == id && at.leave != "" {
			delete(d.open, at)
			d.leaves--
			d.watcher.Remove(watchKey(id, at.leave))
		}
	}
	if _, ok := d.open[place{run: id}]; ok {
		delete(d.open, place{run: id})
		for _, stage := range checkpoint.Stages() {
			d.watcher.Remove(watchKey(id, stage))
		}
	}
}

// Serve takes what the watcher finds until ctx ends.
func (d *desk) Serve(ctx context.Context) error {
	d.watchLate(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
			for _, run := range d.takeSoon() {
				if ctx.Err() != nil {
					return nil
				}
				d.ask(run)
			}
		case <-d.due.C():
			d.tellDue(ctx, time.Now())
		case found := <-d.watcher.Answers():
			if err := d.found(ctx, found); err != nil {
				d.log.Error("take an answer from a file", "run_id", found.Key, "error", err)
			}
		}
	}
}

// refusedOf says why what stands in a question's file cannot be used, "" when it
// can or nothing stands there.
func (d *desk) refusedOf(run apprentice.Run) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[placeOf(run)].refused
}
