package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/loop"
)

// found deals with what a person left in a file.
func (d *desk) found(ctx context.Context, f checkpoint.Found) error {
	name, _, _ := strings.Cut(f.Key, "/")
	id := apprentice.RunID(name)
	run, err := d.store.Run(id)
	if err != nil {
		d.drop(id)
		return nil
	}
	run = viewOf(run, string(f.Stage))
	at := place{run: id, leave: leaveStage(string(f.Stage))}
	d.mu.Lock()
	known := d.open[at]
	d.mu.Unlock()
	by := checkpoint.Person(f.UID, checkpoint.ByFile)
	have, _ := standing(f.Content)
	if c := run.Checkpoint; c == nil || have.CheckpointID != "" && have.CheckpointID != c.ID || f.Revision != c.Revision || string(f.Stage) != c.Stage || known.taken {
		return d.foundLate(ctx, run, f, by)
	}
	switch {
	case f.Gone:
		return d.put(run)
	case f.Refusal != nil:
		return d.refuseFile(ctx, run, f, by)
	}
	_, err = d.answer(ctx, run, *run.Checkpoint, sent{answer: *f.Answer, by: by, content: f.Content})
	if apprentice.KindOf(err) == apprentice.Conflict {
		return nil // they were told beside the file
	}
	return err
}

// foundLate tells a person who saves the file of a question that is answered who
// answered it. What aad itself wrote there is no answer, and nothing is told twice.
func (d *desk) foundLate(ctx context.Context, run apprentice.Run, f checkpoint.Found, by checkpoint.By) error {
	if f.Gone || checkpoint.Known(d.home.Run(run.RunID).Checkpoints(), f.Stage, f.Content) {
		return nil
	}
	have, _ := standing(f.Content)
	if have.CheckpointID == "" {
		last := d.lastTaken(run.RunID, string(f.Stage))
		have.CheckpointID, have.CreatedAt = last.checkpointID, last.at
	}
	asked := checkpoint.New(f.Stage, checkpoint.File{CheckpointID: have.CheckpointID, Revision: f.Revision, CreatedAt: have.CreatedAt, RunID: run.RunID})
	return d.tellLate(ctx, run, asked, f.Content, by)
}

// tellLate keeps what came too late by a file, and says beside it who was first.
func (d *desk) tellLate(ctx context.Context, run apprentice.Run, asked checkpoint.File, content []byte, by checkpoint.By) error {
	why := d.first(asked).refusal(asked)
	d.keepRefused(ctx, run.RunID, asked, checkpoint.Refused{Because: why.Message, By: by, Content: string(content)})
	return checkpoint.WriteErrors(d.home.Run(run.RunID).Checkpoints(), asked.Stage(),
		&checkpoint.Refusal{Faults: []checkpoint.Fault{{Reason: why.Message}}})
}

// refuseFile tells the person why what stands in the file cannot be used. Their file
// is left as it is.
func (d *desk) refuseFile(ctx context.Context, run apprentice.Run, f checkpoint.Found, by checkpoint.By) error {
	asked, err := d.question(run)
	if err != nil {
		return err
	}
	if err := checkpoint.WriteErrors(d.home.Run(run.RunID).Checkpoints(), asked.Stage(), f.Refusal); err != nil {
		return err
	}
	d.mu.Lock()
	if known, ok := d.open[placeOf(run)]; ok && sameQuestion(known.checkpoint, *run.Checkpoint) {
		known.refused = f.Refusal.Error()
		d.open[placeOf(run)] = known
	}
	d.mu.Unlock()
	d.keepRefused(ctx, run.RunID, asked, checkpoint.Refused{By: by, Faults: f.Refusal.Faults, Because: f.Refusal.Error(), Content: string(f.Content)})
	return nil
}

// keepRefused puts an answer that was not taken into history and into the run's log.
// What cannot be written is logged: the refusal stands anyway.
func (d *desk) keepRefused(ctx context.Context, id apprentice.RunID, asked checkpoint.File, r checkpoint.Refused) {
	r.RefusedAt = apprentice.Stamp(time.Now())
	err := checkpoint.KeepRefused(d.home.Run(id).Checkpoints(), asked.Stage(), asked, r)
	for {
		run, got := d.store.Run(id)
		if got != nil {
			err = errors.Join(err, got)
			break
		}
		_, got = d.store.Change(ctx, id, unchanged(run), apprentice.Change{Events: []apprentice.Event{loop.Refused(run, asked, r.Because, r.By)}, Phase: run.Phase})
		if !errors.Is(got, errChanged) {
			err = errors.Join(err, got)
			break
		}
	}
	d.log.Info("an answer was not taken", "run_id", id, "stage", asked.Stage(), "uid", r.By.UID, "user", r.By.User, "way", r.By.Way, "because", r.Because)
	if err != nil {
		d.log.Error("keep an answer that was not taken", "run_id", id, "error", err)
	}
}

// stillOpen refuses a write when the question was answered or asked anew.
func stillOpen(seen apprentice.Checkpoint) func(apprentice.Run) error {
	return func(r apprentice.Run) error {
		for _, c := range r.Questions() {
			if sameQuestion(c, seen) {
				return nil
			}
		}
		return errAnswered
	}
}

var errAnswered = errors.New("the question was answered meanwhile")

// sent is an answer as it came: content is what stood in the file, or was sent.
type sent struct {
	answer  checkpoint.Answer
	by      checkpoint.By
	content []byte
}

// answer takes an answer if its question is still open: the first one wins, and
// the others are told who that was.
func (d *desk) answer(ctx context.Context, run apprentice.Run, seen apprentice.Checkpoint, s sent) (apprentice.Run, error) {
	asked, err := loop.Question(d.store.Journal(run.RunID, seen.Pass), seen)
	if err != nil {
		return run, err
	}
	now := time.Now()
	change, err := loop.Answer(run, d.settings(), asked, s.answer, s.by, d.store.LastSeq(), now)
	if err != nil {
		return run, err
	}
	id := run.RunID
	if seen.Ended != "" { // what it ended with is packed, or put away
		if err := d.finishes(id); err != nil {
			return run, err
		}
	}
	run, err = d.store.Change(ctx, id, stillOpen(seen), change)
	if errors.Is(err, errAnswered) {
		return run, d.tooLate(ctx, id, asked, s)
	}
	if err != nil {
		return run, err
	}
	if err := d.keepTaken(ctx, run, asked, s, apprentice.Stamp(now)); err != nil {
		d.log.Error("keep an answer", "run_id", id, "error", err)
	}
	d.touch(id)
	if seen.Ended != "" && !run.Live() {
		d.finished(id)
	}
	return run, nil
}

// keepTaken writes an answer that was taken to the question's file and to history.
// What another person has left in the file meanwhile goes to history too.
func (d *desk) keepTaken(ctx context.Context, run apprentice.Run, asked checkpoint.File, s sent, at string) error {
	stage, dir := asked.Stage(), d.home.Run(asked.RunID).Checkpoints()
	d.mu.Lock()
	where := place{run: run.RunID, leave: leaveStage(string(stage))}
	known := d.open[where]
	known.taken = known.taken || !slices.ContainsFunc(run.Questions(), func(c apprentice.Checkpoint) bool { return c.ID == asked.CheckpointID })
	if _, ok := d.open[where]; ok {
		d.open[where] = known
	}
	d.mu.Unlock()
	d.files.Lock()
	other, err := checkpoint.Read(dir, stage)
	var noFile *checkpoint.Refusal
	switch {
	case errors.As(err, &noFile): // a folder or a pipe stands there: the answer takes its place
		err = checkpoint.Archive(dir, stage, asked.CreatedAt)
	case err == nil && !bytes.Equal(other, s.content):
		err = d.setAside(dir, asked, other)
	default:
		other, err = nil, nil
	}
	err = errors.Join(err, loop.KeepAnswer(dir, asked, s.answer, s.by, at))
	d.files.Unlock()
	if _, pending := checkpoint.Parse(other, asked); other != nil && !errors.Is(pending, checkpoint.ErrPending) {
		if have, _ := standing(other); have.ResolvedAt == "" {
			err = errors.Join(err, d.tellLate(ctx, run, asked, other, checkpoint.Person(-1, checkpoint.ByFile)))
		}
	}
	return err
}

// setAside moves what a person has begun in the file to history, if anything.
func (d *desk) setAside(dir string, asked checkpoint.File, data []byte) error {
	if have, ok := standing(data); ok && have.ResolvedAt != "" {
		return nil
	}
	var was, is any
	plain, err := json.Marshal(asked)
	if err == nil && json.Unmarshal(plain, &was) == nil && json.Unmarshal(data, &is) == nil && fmt.Sprint(was) == fmt.Sprint(is) {
		return nil
	}
	return checkpoint.Archive(dir, asked.Stage(), asked.CreatedAt)
}

// tooLate keeps an answer that came second, and says who came first, when and how.
func (d *desk) tooLate(ctx context.Context, id apprentice.RunID, asked checkpoint.File, s sent) error {
	why := d.first(asked).refusal(asked)
	if s.by.Way == checkpoint.ByFile {
		if run, err := d.store.Run(id); err == nil {
			return errors.Join(d.tellLate(ctx, run, asked, s.content, s.by), why)
		}
	}
	d.keepRefused(ctx, id, asked, checkpoint.Refused{Because: why.Message, By: s.by, Content: string(s.content)})
	return why
}

// took is what the log tells of a question's answer; the zero value is none.
type took struct {
	checkpointID string
	revision     int
	stage        checkpoint.Stage
	decision     string
	who, way, at string
}

// refusal tells who came second who came first, when and how.
func (t took) refusal(asked checkpoint.File) *apprentice.Error {
	if t.at == "" {
		return apprentice.Errorf(apprentice.Conflict, "the question %s of run %s is no longer open", asked.Stage(), asked.RunID)
	}
	return apprentice.Errorf(apprentice.Conflict, "%s of run %s was answered already: %s by %s at %s (%s)",
		t.stage, asked.RunID, t.decision, t.who, t.at, t.way)
}

// first finds who answered a question.
func (d *desk) first(asked checkpoint.File) took {
	for _, t := range slices.Backward(d.allTaken(asked.RunID)) {
		if t.checkpointID == asked.CheckpointID && t.revision == asked.Revision {
			return t
		}
	}
	return took{}
}

// allTaken lists the answers that the log tells of, oldest first; as many as can be
// read.
func (d *desk) allTaken(id apprentice.RunID) (all []took) {
	for after := uint64(0); ; {
		records, err := d.store.Events(id, after, 256<<10)
		if err != nil || len(records) == 0 {
			return all
		}
		for _, r := range records {
			after = r.Index
			var e apprentice.Event
			if !bytes.Contains(r.JSON, []byte(apprentice.CheckpointResolved)) || json.Unmarshal(r.JSON, &e) != nil || e.EventType != apprentice.CheckpointResolved {
				continue
			}
			t := took{stage: checkpoint.Stage(e.Phase), at: e.CreatedAt}
			t.checkpointID, _ = e.Metadata["checkpoint_id"].(string)
			t.decision, _ = e.Metadata["decision"].(string)
			t.way, _ = e.Metadata["way"].(string)
			if n, ok := e.Metadata["revision"].(float64); ok {
				t.revision = int(n)
			}
			if t.who, _ = e.Metadata["user"].(string); t.who == "" {
				t.who = fmt.Sprint("uid ", e.Metadata["uid"])
			}
			if t.way == "deadline" || t.decision == "withdrawn" {
				t.who = "nobody"
			}
			if asker, ok := e.Metadata["auto_approved_by"].(string); ok {
				t.who = "nobody: auto-approved, as asked by " + asker
			}
			all = append(all, t)
		}
	}
}

// lastTaken is the latest answer to a stage of a run, "" for any stage.
func (d *desk) lastTaken(id apprentice.RunID, stage string) took {
	for _, t := range slices.Backward(d.allTaken(id)) {
		if stage == "" || string(t.stage) == stage {
			return t
		}
	}
	return took{}
}
