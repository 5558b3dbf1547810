package loop

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/checkpoint"
)

// leave says which request of which agent a question is about: an answer is good for
// this one and no other.
type leave struct {
	Kind    apprentice.AttemptKind `json:"attempt_kind"`
	Token   string                 `json:"token"` // of the process tree
	Request string                 `json:"request_id"`
	Class   string                 `json:"class"` // what allow_always allows
}

// asking is a question for leave that was put, and its answer.
type asking struct {
	question
	name     string
	answered *answered // nil while it is open
}

// withdrawn is the decision of a question that nobody needs an answer to any more.
const withdrawn = "withdrawn"

// leaveQuestions lists the questions for leave of this pass by their numbers, from 1.
func (p *pass) leaveQuestions() ([]asking, error) {
	var all []asking
	for n := 1; ; n++ {
		name := string(checkpoint.Permission(n))
		q, ok, err := load[question](p.journal, questionStage(name))
		if err != nil || !ok {
			return all, err
		}
		a := asking{question: q, name: name}
		if err := p.loadAnswer(&a); err != nil {
			return all, err
		}
		all = append(all, a)
	}
}

// putLeavesAway moves the files of questions that a cancelled run no longer asks to
// history. The run has ended: nothing of it is written to the log.
func (p *pass) putLeavesAway() error {
	leaves, err := p.leaveQuestions()
	for _, a := range leaves {
		if a.answered == nil {
			err = errors.Join(err, checkpoint.Archive(p.folder.Checkpoints(), a.File.Stage(), a.File.CreatedAt))
		}
	}
	return err
}

func (p *pass) loadAnswer(a *asking) error {
	got, ok, err := load[answered](p.journal, answerStage(a.name))
	if ok {
		a.answered = &got
	}
	return err
}

// is reports whether a question is about this request, unaltered.
func (a asking) is(token string, l agent.Permission) bool {
	return a.Leave != nil && a.Leave.Token == token && a.Leave.Request == l.ID && a.File.ActionHash == l.Hash
}

// askLeave puts the n-th question for leave; the run waits then.
func (p *pass) askLeave(n int, kind apprentice.AttemptKind, token string, l agent.Permission) (asking, error) {
	stage := checkpoint.Permission(n)
	name := string(stage)
	f := checkpoint.File{Title: l.Title, Instruction: l.Details, ActionHash: l.Hash,
		ExpiresAt: inSeconds(p.spec.Settings.PermissionDeadline, p.Now())}
	if len(l.Outside) > 0 {
		f.Instruction = outside(l.Outside) + f.Instruction
	}
	f.HowTo = "allow_once allows this one action, allow_always also its like for the rest of this pass."
	if f.ExpiresAt != "" {
		f.HowTo += " Unanswered it is denied at " + f.ExpiresAt + "."
	}
	f = p.identify(f, name, stage)
	a := asking{name: name, question: question{File: f, Leave: &leave{Kind: kind, Token: token, Request: l.ID, Class: l.Class}}}
	change := Opened(p.run, p.spec.Settings, f, name, stage, p.Now())
	change.Events[0].Message += ": " + l.Title
	change.Events[0].Metadata["action_hash"], change.Events[0].Metadata["title"] = l.Hash, l.Title
	if err := p.journal.Save(questionStage(name), envelope[question]{format, a.question}, change); err != nil {
		return a, fmt.Errorf("ask %s: %w", name, err)
	}
	return a, nil
}

// mostOutside is how many paths outside the workspace a question shows.
const mostOutside = 20

func outside(paths []string) string {
	shown := paths[:min(len(paths), mostOutside)]
	if more := len(paths) - len(shown); more > 0 {
		return fmt.Sprintf("OUTSIDE THE WORKSPACE: %q and %d more\n", shown, more)
	}
	return fmt.Sprintf("OUTSIDE THE WORKSPACE: %q\n", shown)
}

// withdraw closes a question for leave that needs no answer any more, and says why.
func (p *pass) withdraw(a *asking, why string) error {
	if err := p.loadAnswer(a); err != nil || a.answered != nil {
		return err
	}
	e := ofCheckpoint(p.run, a.File, apprentice.CheckpointResolved, fmt.Sprintf("%s: withdrawn, %s; nobody approved", a.name, why))
	e.Metadata["decision"] = withdrawn
	got := answered{Answer: checkpoint.Answer{Decision: withdrawn, Notes: why}, At: apprentice.Stamp(p.Now()), Revision: a.File.Revision, AskedAt: a.File.CreatedAt}
	change := goesOn(p.run, apprentice.Change{
		Update: func(r *apprentice.Run) { r.Settle(a.File.CheckpointID) }, Events: []apprentice.Event{e},
	}, 0, p.Now())
	if err := p.journal.Save(answerStage(a.name), envelope[answered]{format, got}, change); err != nil {
		return fmt.Errorf("withdraw %s: %w", a.name, err)
	}
	a.answered = &got
	dir := p.folder.Checkpoints()
	return errors.Join(checkpoint.Archive(dir, a.File.Stage(), a.File.CreatedAt), checkpoint.ClearErrors(dir, a.File.Stage()))
}

// goesOn adds to the change that closes a question for leave what it does to the run:
// after the last one it is queued, ahead of new runs. A seq of 0 leaves its age.
func goesOn(run apprentice.Run, change apprentice.Change, seq uint64, now time.Time) apprentice.Change {
	settle := change.Update
	change.Update = func(r *apprentice.Run) {
		settle(r)
		switch {
		case r.QueueState != apprentice.Waiting:
			return
		case r.Checkpoint != nil:
			r.QueueReason = "for a person: " + r.Checkpoint.Stage
			return
		}
		r.QueueState, r.QueueReason, r.Answered = apprentice.Queued, "", true
		r.QueuedAt = apprentice.Stamp(now)
		if seq > 0 {
			r.QueuedSeq = seq
		}
	}
	change.Phase = AttemptPhase(run)
	if len(run.Questions()) > 1 {
		change.Phase = apprentice.PhasePermissionPending
	}
	return change
}

// AttemptPhase is the phase of a run whose agent works.
func AttemptPhase(run apprentice.Run) string {
	if run.CurrentLoop > 1 {
		return apprentice.PhaseRevision
	}
	return apprentice.PhaseAttempt
}

// DeniedByDeadline is the change when nobody has answered a request for leave in time:
// it is denied, which no person did, and the agent goes on.
func DeniedByDeadline(run apprentice.Run, asked checkpoint.File, seq uint64, now time.Time) (apprentice.Change, checkpoint.Answer, error) {
	name := string(asked.Stage())
	answer := checkpoint.Answer{Decision: checkpoint.Deny, Notes: "nobody answered by the deadline"}
	gone := ofCheckpoint(run, asked, apprentice.CheckpointExpired, name+" has expired: nobody answered by its deadline")
	denied := ofCheckpoint(run, asked, apprentice.CheckpointResolved, name+": denied by its deadline; nobody answered")
	denied.Metadata["decision"], denied.Metadata["way"] = checkpoint.Deny, "deadline"
	result, err := json.Marshal(envelope[answered]{format, answered{Answer: answer, By: checkpoint.By{UID: -1}, At: apprentice.Stamp(now),
		Revision: asked.Revision, AskedAt: asked.CreatedAt}})
	if err != nil {
		return apprentice.Change{}, answer, fmt.Errorf("encode the end of %s: %w", name, err)
	}
	return goesOn(run, apprentice.Change{
		Update: func(r *apprentice.Run) { r.Settle(asked.CheckpointID) },
		Events: []apprentice.Event{gone, denied}, Stage: answerStage(name), Result: result,
	}, seq, now), answer, nil
}
