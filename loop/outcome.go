package loop

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"aad/agent"
	"aad/apprentice"
)

// Outcome is what a pass came to.
type Outcome struct {
	State       apprentice.QueueState // completed, partial, failed or cancelled
	Task        apprentice.Status     // completed, partial or failed
	Reason      string                // why it is not completed
	Verdict     apprentice.Verdict
	Score       *float64
	JudgedBy    string
	Stop        apprentice.StopReason
	Operational apprentice.OperationalError
	Hint        string               // the operational error as a sentence
	Advice      string               // what to do about it, "" for what the kind's table says
	Untold      bool                 // no event has told the operational error
	Selected    apprentice.AttemptID // "" when no attempt ended
}

// Broken is the outcome of a pass that aad itself could not work.
func Broken(err error) Outcome {
	reason, advice := "aad could not work this run: internal error, see aa daemon logs", ""
	var told *apprentice.Error
	if errors.As(err, &told) {
		reason, advice = "aad could not work this run: "+told.Message, told.Hint
	}
	return Outcome{State: apprentice.Failed, Task: apprentice.StatusFailed, Reason: reason, Advice: advice, Verdict: apprentice.Unreviewed}
}

// Change is the end of a run's pass in one write: its outcome and its last event.
func (o Outcome) Change(run apprentice.Run, now time.Time) apprentice.Change {
	change := apprentice.Change{Update: func(r *apprentice.Run) {
		r.QueueState, r.QueueReason, r.CancelRequested, r.Checkpoint = o.State, "", false, nil
		r.Further, r.Parked = nil, false
		r.TaskStatus, r.RunStatus, r.StatusReason = o.Task, o.Task, o.Reason
		r.Verdict, r.FinalScore, r.JudgedBy, r.StopReason = o.Verdict, o.Score, o.JudgedBy, o.Stop
		r.OperationalError, r.OperationalHint = o.Operational, o.Hint
		r.OperationalAdvice = strings.ReplaceAll(cmp.Or(o.Advice, agent.Advice(o.Operational, r.Agent)), "RUN", string(r.RunID))
		r.EndedAt = apprentice.Stamp(now)
		if o.Selected != "" {
			r.SelectedID = o.Selected
		}
	}}
	if o.Untold {
		change.Events = append(change.Events, OfPass(run, apprentice.Event{EventType: apprentice.OperationalErrorEv,
			Phase: apprentice.PhaseOperationalError, Message: o.Hint, OperationalError: string(o.Operational)}))
	}
	change.Events = append(change.Events, o.last(run))
	return change
}

func (o Outcome) last(run apprentice.Run) apprentice.Event {
	e := apprentice.Event{EventType: apprentice.RunCompleted, Phase: string(o.Task), Message: "Run " + o.words()}
	switch {
	case o.State == apprentice.Cancelled:
		e.EventType, e.Phase, e.Message = apprentice.RunCancelled, string(apprentice.Cancelled), "Run cancelled"
		return OfPass(run, e)
	case run.Pass > 0:
		return FollowupEvent(run.Pass, apprentice.FollowupCompleted, apprentice.PhaseFollowupComplete, o.words())
	}
	return e
}

// words says how a pass ended, in a phrase.
func (o Outcome) words() string {
	text := string(o.State)
	if o.Verdict != "" {
		text += ", " + string(o.Verdict)
	}
	if o.Score != nil {
		text += " with score " + apprentice.ScoreText(*o.Score)
	}
	if o.Reason != "" && o.Operational == "" { // operational_error has told it
		text += ": " + o.Reason
	}
	return text
}

// CancelledChange ends a run that holds no slot.
func CancelledChange(run apprentice.Run, now time.Time) apprentice.Change {
	return CancelledOutcome(run).Change(run, now)
}

// CancelledOutcome is that of a cancelled run whose stages are not looked at.
func CancelledOutcome(run apprentice.Run) Outcome {
	return cancelledOutcome(run.SelectedID != "" || run.LatestAttemptID != "")
}

// cancelledOutcome is partial when an attempt had ended, else failed.
func cancelledOutcome(tried bool) Outcome {
	o := Outcome{State: apprentice.Cancelled, Task: apprentice.StatusFailed, Reason: "cancelled",
		Verdict: apprentice.Unreviewed, Stop: apprentice.StopCancelled}
	if tried {
		o.Task = apprentice.StatusPartial
	}
	return o
}

// FinishedSession is what the session's log says when a person finishes it.
func FinishedSession(run apprentice.Run) apprentice.SessionEvent {
	return session(run, 0, "session_finished")
}
