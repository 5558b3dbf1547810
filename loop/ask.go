package loop

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"aad/apprentice"
	"aad/checkpoint"
)

// ErrWaiting: a question is open, and a person is to answer it. Work returns it,
// the run gives its slot up, and the answer calls Work again.
var ErrWaiting = errors.New("the run waits for a person")

// question is a checkpoint as it was put; it is saved before its file is written.
type question struct {
	File checkpoint.File `json:"file"`
	// Leave is what an agent asks leave for; nil in all other questions.
	Leave *leave `json:"leave,omitempty"`
}

// answered is a checkpoint's answer with who gave it.
type answered struct {
	Answer checkpoint.Answer `json:"answer"`
	By     checkpoint.By     `json:"by"`
	At     string            `json:"at"`
	// Revision and AskedAt are those of the question as it was answered.
	Revision int    `json:"revision"`
	AskedAt  string `json:"asked_at"`
	// Given tells that the submitter wrote the answer down beforehand: it counts
	// as it stands, and is no person's review.
	Given bool `json:"given,omitempty"`
}

func questionStage(name string) string { return "question/" + name }
func answerStage(name string) string   { return "answer/" + name }

// human reports whether a person has the last word in this run's reviews.
func (p *pass) human() bool {
	return p.run.MentorMode == "expert_led" || p.run.MentorMode == "hybrid"
}

// ask returns the answer to a question, or puts it and returns ErrWaiting. A name
// is asked once in a pass.
func (p *pass) ask(name string, stage checkpoint.Stage, context func() checkpoint.File) (answered, error) {
	a, done, err := load[answered](p.journal, answerStage(name))
	if err != nil {
		return a, err
	}
	if done {
		return a, p.keepAgain(name, a)
	}
	_, open, err := load[question](p.journal, questionStage(name))
	if err != nil {
		return answered{}, err
	}
	if open {
		return answered{}, ErrWaiting
	}
	f := p.identify(context(), name, stage)
	if p.spec.AutoApprove.Covers(string(stage)) {
		return p.autoApprove(name, stage, f)
	}
	change := Opened(p.run, p.spec.Settings, f, name, stage, p.Now())
	if err := p.journal.Save(questionStage(name), envelope[question]{format, question{File: f}}, change); err != nil {
		return answered{}, fmt.Errorf("ask %s: %w", name, err)
	}
	return answered{}, ErrWaiting
}

// identify fills in what every question says of its run.
func (p *pass) identify(f checkpoint.File, name string, stage checkpoint.Stage) checkpoint.File {
	f.CheckpointID = "checkpoint_" + string(p.task) + "_" + strings.ReplaceAll(name, "/", "_")
	f.MentorMode, f.RunID, f.TaskID = p.run.MentorMode, p.run.RunID, p.task
	f.CreatedAt = apprentice.Stamp(p.Now())
	if p.run.MentorMode == "hybrid" && f.ModelDraftSource == "" && f.HowTo == "" {
		f.HowTo = "No model is at work here, so there is no draft: what you see was found by the rubric's checks alone."
	}
	return checkpoint.New(stage, f)
}

// Opened is the change that puts a question: the run gives its slot up and waits.
func Opened(run apprentice.Run, s apprentice.Settings, f checkpoint.File, name string, stage checkpoint.Stage, now time.Time) apprentice.Change {
	message := fmt.Sprintf("Waits for a person: %s", stage)
	switch {
	case f.ModelDraftSource != "":
		message += " (drafted by " + f.ModelDraftSource + ")"
	case run.MentorMode == "hybrid":
		message += " (no model drafts: you are asked without a draft)"
	}
	e := ofCheckpoint(run, f, apprentice.CheckpointOpened, message)
	return apprentice.Change{
		Update: func(r *apprentice.Run) {
			var ended apprentice.QueueState
			switch {
			case r.Checkpoint != nil: // asked anew
				ended = r.Checkpoint.Ended
			case !r.Live():
				ended = r.QueueState
			}
			r.QueueState, r.QueueReason = apprentice.Waiting, "for a person: "+string(stage)
			c := apprentice.Checkpoint{ID: f.CheckpointID, Stage: string(stage), Question: name,
				Revision: f.Revision, Pass: run.Pass, OpenedAt: apprentice.Stamp(now), RemindAt: inSeconds(s.Reminder, now), ExpireAt: inSeconds(s.Deadline, now), Ended: ended}
			if stage.IsPermission() {
				c.ExpireAt, r.Parked = f.ExpiresAt, true
			}
			r.Ask(c)
		},
		Events: []apprentice.Event{e},
		Phase:  pendingPhase(run.MentorMode, stage),
	}
}

// inSeconds is the stamp of a time that many seconds on; "" for 0, which is never.
func inSeconds(n int, now time.Time) string {
	if n == 0 {
		return ""
	}
	return apprentice.Stamp(now.Add(time.Duration(n) * time.Second))
}

// pendingPhase is the run's phase while a question is open.
func pendingPhase(mode string, stage checkpoint.Stage) string {
	switch stage {
	case checkpoint.TaskIntake:
		return apprentice.PhaseIntakePending
	case checkpoint.Rubric:
		return apprentice.PhaseRubricPending
	case checkpoint.FinalApproval:
		return apprentice.PhaseFinalPending
	}
	if stage.IsPermission() {
		return apprentice.PhasePermissionPending
	}
	if mode == "hybrid" {
		return apprentice.PhaseHybridPending
	}
	return apprentice.PhaseExpertPending
}

// autoApprove answers for the person that the submitter did without, and says so.
func (p *pass) autoApprove(name string, stage checkpoint.Stage, f checkpoint.File) (answered, error) {
	values := plainApproval(stage, f)
	given, ok := p.spec.AutoApprove.Answers[string(stage)]
	if ok {
		values = given
	}
	a, err := checkpoint.FromValues(f, values)
	if err != nil {
		return answered{}, apprentice.Errorf(apprentice.Invalid, "the automatic answer to %s cannot be used: %v", stage, err)
	}
	got := answered{Answer: a, By: checkpoint.By{UID: -1, User: p.spec.AutoApprove.By, Way: checkpoint.ByAutoApprove},
		At: apprentice.Stamp(p.Now()), Given: ok, Revision: f.Revision, AskedAt: f.CreatedAt}
	f.AutoApprovedBy = p.spec.AutoApprove.By
	opened := Opened(p.run, p.spec.Settings, f, name, stage, p.Now()).Events
	change := Answered(p.run, f, a, got.By)
	change.Events = append(opened, change.Events...)
	if err := p.journal.Save(answerStage(name), envelope[answered]{format, got}, change); err != nil {
		return got, err
	}
	return got, KeepAnswer(p.folder.Checkpoints(), f, a, got.By, got.At)
}

// keepAgain writes an answer that was taken, where a crash came before its file and
// its place in history. The file of a later question is left alone.
func (p *pass) keepAgain(name string, a answered) error {
	q, asked, err := load[question](p.journal, questionStage(name))
	if err != nil || !asked || a.Revision == 0 {
		return err
	}
	f, dir := q.File, p.folder.Checkpoints()
	f.Revision, f.CreatedAt = a.Revision, a.AskedAt
	var have checkpoint.File
	data, err := checkpoint.Read(dir, f.Stage())
	if err == nil && json.Unmarshal(data, &have) == nil && have.CheckpointID == f.CheckpointID && have.ResolvedAt == "" {
		return KeepAnswer(dir, f, a.Answer, a.By, a.At)
	}
	return checkpoint.Keep(dir, f.Stage(), checkpoint.Resolved(f, a.Answer, a.By, a.At))
}

// KeepAnswer writes an answered question to its file and to history. The log has it
// already.
func KeepAnswer(dir string, asked checkpoint.File, a checkpoint.Answer, by checkpoint.By, at string) error {
	done := checkpoint.Resolved(asked, a, by, at)
	stage := asked.Stage()
	return errors.Join(checkpoint.Keep(dir, stage, done), checkpoint.Write(dir, stage, done), checkpoint.ClearErrors(dir, stage))
}

// plainApproval confirms, and takes over what the checks found.
func plainApproval(stage checkpoint.Stage, f checkpoint.File) json.RawMessage {
	decision := checkpoint.Confirmed
	switch stage {
	case checkpoint.Evaluation:
		decision = checkpoint.Failed
		if f.Passed != nil && *f.Passed {
			decision = checkpoint.Passed
		}
	case checkpoint.Revision:
		decision = checkpoint.Finish
		if f.RevisionShouldRun != nil && *f.RevisionShouldRun {
			decision = checkpoint.Revise
		}
	}
	return json.RawMessage(`{"decision":"` + decision + `"}`)
}

// Answered is what an answer changes in the run and its log. The run is not moved.
func Answered(run apprentice.Run, asked checkpoint.File, a checkpoint.Answer, by checkpoint.By) apprentice.Change {
	stage, auto := asked.Stage(), by.Way == checkpoint.ByAutoApprove
	who := by.User
	if auto {
		who = "nobody: auto-approved, as asked by " + asked.AutoApprovedBy
	}
	e := ofCheckpoint(run, asked, apprentice.CheckpointResolved, fmt.Sprintf("%s: %s by %s", stage, a.Decision, who))
	e.Metadata["decision"], e.Metadata["way"], e.Metadata["auto_approved"] = a.Decision, by.Way, auto
	if auto {
		e.Metadata["auto_approved_by"] = asked.AutoApprovedBy
	} else {
		e.Metadata["uid"], e.Metadata["user"] = by.UID, by.User
	}
	return apprentice.Change{
		Update: func(r *apprentice.Run) {
			r.Settle(asked.CheckpointID)
			if a.EditedTitle != "" {
				r.Title = a.EditedTitle
			}
		},
		Events: []apprentice.Event{e},
	}
}

// ofCheckpoint is an event of a question.
func ofCheckpoint(run apprentice.Run, asked checkpoint.File, kind apprentice.EventType, message string) apprentice.Event {
	e := OfPass(run, apprentice.Event{EventType: kind, Phase: string(asked.Stage()), Message: message})
	if e.Metadata == nil {
		e.Metadata = map[string]any{}
	}
	e.Metadata["checkpoint_id"], e.Metadata["revision"] = asked.CheckpointID, asked.Revision
	return e
}

// Question reads the question that a run waits for, as it was asked.
func Question(j Journal, open apprentice.Checkpoint) (checkpoint.File, error) {
	q, ok, err := load[question](j, questionStage(open.Question))
	if err == nil && !ok {
		err = fmt.Errorf("checkpoint %s was never asked", open.ID)
	}
	q.File.Revision, q.File.CreatedAt = open.Revision, open.OpenedAt
	return q.File, err
}

// Answer is the change that takes an answer: the run is queued ahead of new ones
// and goes on from there. Held asks the same question anew instead.
func Answer(run apprentice.Run, s apprentice.Settings, asked checkpoint.File, a checkpoint.Answer, by checkpoint.By, seq uint64, now time.Time) (apprentice.Change, error) {
	open := *run.Checkpoint
	change := Answered(run, asked, a, by)
	if a.Decision == checkpoint.Held {
		asked.Revision++
		again := Opened(run, s, asked, open.Question, asked.Stage(), now)
		again.Events = append(change.Events, again.Events...)
		return again, nil
	}
	result, err := json.Marshal(envelope[answered]{format, answered{Answer: a, By: by, At: apprentice.Stamp(now),
		Revision: asked.Revision, AskedAt: asked.CreatedAt}})
	if err != nil {
		return change, fmt.Errorf("encode the answer to %s: %w", open.ID, err)
	}
	change.Stage, change.Result = answerStage(open.Question), result
	if asked.Stage().IsPermission() {
		return goesOn(run, change, seq, now), nil
	}
	if open.Ended != "" {
		change.Phase = apprentice.PhaseSessionFinished
	}
	clear := change.Update
	change.Update = func(r *apprentice.Run) {
		clear(r)
		if open.Ended != "" {
			finish(r, open.Ended, a, by)
			return
		}
		r.QueueState, r.QueueReason, r.Answered = apprentice.Queued, "", true
		r.QueuedAt, r.QueuedSeq = apprentice.Stamp(now), seq
	}
	return change, nil
}

// finish ends a run again whose final approval came after its end. A rejected
// result is not accepted, whatever its review found.
func finish(r *apprentice.Run, ended apprentice.QueueState, a checkpoint.Answer, by checkpoint.By) {
	r.QueueState, r.QueueReason = ended, ""
	if a.Decision == checkpoint.Rejected {
		r.Verdict, r.StopReason, r.StatusReason = apprentice.FailedReview, apprentice.StopRejected, rejectedResult(a, by)
	}
}

func rejectedResult(a checkpoint.Answer, by checkpoint.By) string {
	reason := "the result was rejected at final approval by " + by.User
	if a.Notes != "" {
		reason += ": " + a.Notes
	}
	return reason
}

// FinishQuestion asks for the final approval of an ended run whose session is
// being finished, unless nobody is to be asked: other mentor modes, a pass without
// an attempt, or a person has answered it for this package already.
func FinishQuestion(j Journal, run apprentice.Run, s apprentice.Settings, now time.Time) (apprentice.Change, bool, error) {
	p := &pass{run: run, task: run.TaskID(), Env: Env{Now: func() time.Time { return now }}}
	if !p.human() || run.SelectedID == "" {
		return apprentice.Change{}, false, nil
	}
	for _, name := range []string{"final", finishName} {
		a, done, err := load[answered](j, answerStage(name))
		if err != nil || done && a.By.Way != checkpoint.ByAutoApprove {
			return apprentice.Change{}, false, err
		}
	}
	f := p.identify(checkpoint.File{}, finishName, checkpoint.FinalApproval)
	change := Opened(run, s, f, finishName, checkpoint.FinalApproval, now)
	result, err := json.Marshal(envelope[question]{format, question{File: f}})
	change.Stage, change.Result = questionStage(finishName), result
	return change, true, err
}

// Withdrawn takes back the question that a finish had put, and says why: the run is
// as it ended.
func Withdrawn(run apprentice.Run, why string) apprentice.Change {
	open := *run.Checkpoint
	e := OfPass(run, apprentice.Event{EventType: apprentice.CheckpointResolved, Phase: open.Stage,
		Message: open.Stage + ": withdrawn, " + why + "; nobody approved"})
	return apprentice.Change{Events: []apprentice.Event{e}, Phase: apprentice.PhaseSessionFinished, Update: func(r *apprentice.Run) {
		r.QueueState, r.QueueReason, r.Checkpoint = open.Ended, "", nil
	}}
}

// finishName names the final approval that is asked for at the session's end.
const finishName = "finish"

// Refused is the event of an answer that could not be used.
func Refused(run apprentice.Run, asked checkpoint.File, why string, by checkpoint.By) apprentice.Event {
	e := ofCheckpoint(run, asked, apprentice.CheckpointRejected, fmt.Sprintf("The answer to %s could not be used: %s", asked.Stage(), why))
	e.Metadata["uid"], e.Metadata["user"], e.Metadata["way"] = by.UID, by.User, by.Way
	return e
}

// Reminder says that a question still waits, and when it is said again.
func Reminder(run apprentice.Run, s apprentice.Settings, asked checkpoint.File, now time.Time) apprentice.Change {
	open := *run.Checkpoint
	open.RemindAt = inSeconds(s.Reminder, now)
	return apprentice.Change{
		Update: func(r *apprentice.Run) { r.Ask(open) },
		Events: []apprentice.Event{ofCheckpoint(run, asked, apprentice.CheckpointReminder,
			fmt.Sprintf("Still waits for a person: %s, since %s", asked.Stage(), open.OpenedAt))},
		Phase: run.Phase,
	}
}

// Expired is the change when nobody has answered by the deadline. Nothing is decided
// for the person: the run is cancelled where it stands, or, if the question came
// with its finish, is as it ended.
func Expired(run apprentice.Run, asked checkpoint.File, now time.Time) apprentice.Change {
	open := *run.Checkpoint
	reason := fmt.Sprintf("nobody answered %s by its deadline", asked.Stage())
	e := ofCheckpoint(run, asked, apprentice.CheckpointExpired, fmt.Sprintf("%s has expired: %s; nothing was decided", asked.Stage(), reason))
	change := Withdrawn(run, reason)
	if open.Ended == "" {
		o := CancelledOutcome(run)
		o.Reason = reason
		change = o.Change(run, now)
	}
	change.Events = append([]apprentice.Event{e}, change.Events...)
	return change
}
