package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func reviseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "revise RUN FEEDBACK | -",
		Short: "Have a waiting run's attempt revised, with your feedback",
		Long: `Have the attempt revised. A run that waits for its evaluation is told that the
attempt failed, with the feedback, and then, when it asks, that it is to revise; one
that waits for that decision already is told so with the feedback as notes. - reads
the feedback from stdin.`,
		Example: `  aa revise @last "The totals leave out December"
  git diff | aa revise @last -`,
		Args:              takes(2, -1),
		ValidArgsFunction: a.completeRuns(apprentice.Waiting),
		RunE: func(cmd *cobra.Command, args []string) error {
			feedback := strings.TrimSpace(strings.Join(args[1:], " "))
			if feedback == "-" {
				var err error
				if feedback, err = readAll(a.in, "stdin"); err != nil {
					return err
				}
			}
			if strings.TrimSpace(feedback) == "" {
				return apprentice.Errorf(apprentice.Invalid, "there is no feedback").WithHint(`aa revise %s "what is to change"`, args[0])
			}
			return a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
				return a.revise(ctx, c, run, feedback)
			})(cmd, args)
		},
	}
}

func (a *app) revise(ctx context.Context, c *client.Client, run, feedback string) error {
	q, err := a.questionFor(ctx, c, run, "", answerValues("revision", "revise", feedback))
	if err != nil {
		return err
	}
	if q.Stage == "evaluation" {
		now, err := c.RunGet(ctx, string(q.RunID))
		switch {
		case err != nil:
			return err
		case now.Run.CurrentLoop >= now.Run.MaxLoops: // what is failed cannot be taken back
			return noneLeft(q.RunID, "reject")
		}
		failed, err := a.answer(ctx, c, q, answerValues(q.Stage, "failed", feedback), "cli")
		if err != nil {
			return err
		}
		a.note("%s", understood(failed))
		if q, err = a.revisionQuestion(ctx, c, failed.Run); err != nil {
			return err
		}
	}
	switch {
	case q.Stage != "revision":
		return apprentice.Errorf(apprentice.Conflict, "run %s waits for %s; only an attempt can be revised", q.RunID, q.Stage).
			WithHint("aa approve %[1]s, or aa reject %[1]s", q.RunID)
	case !slices.Contains(q.Decisions, "revise"):
		return noneLeft(q.RunID, "approve")
	}
	return a.tell(a.answer(ctx, c, q, answerValues(q.Stage, "revise", feedback), "cli"))
}

// noneLeft refuses a revision that would be one too many; verb ends the run's reviews.
func noneLeft(run apprentice.RunID, verb string) error {
	return apprentice.Errorf(apprentice.Unmet, "run %s has no attempt left: it can only finish", run).
		WithHint(`aa %s %s, and aa continue %[2]s "…" when it has ended`, verb, run)
}

// revisionQuestion waits until a run whose attempt was failed asks whether to revise.
func (a *app) revisionQuestion(ctx context.Context, c *client.Client, run apprentice.Run) (rpc.CheckpointInfo, error) {
	run, err := a.nextQuestion(ctx, c, run)
	switch {
	case err != nil:
		return rpc.CheckpointInfo{}, err
	case run.Checkpoint == nil && run.Live():
		return rpc.CheckpointInfo{}, apprentice.Errorf(apprentice.Unavailable, "the attempt is failed with your feedback; run %s is %s and has not asked yet whether to revise",
			run.RunID, run.QueueState).WithHint(`aa revise %s "…" when aa checkpoints shows that it asks`, run.RunID)
	case run.Checkpoint == nil:
		return rpc.CheckpointInfo{}, apprentice.Errorf(apprentice.Conflict, "run %s asks for no revision: it is %s", run.RunID, run.QueueState).
			WithHint(`aa continue %s "…" goes on from its artifacts`, run.RunID)
	}
	return a.question(ctx, c, string(run.RunID), "")
}

// comeback is how long a run that was answered may take to ask the next question
// before aa leaves it: it may wait for a slot.
const comeback = 10 * time.Second

var errMoved = errors.New("the run has moved on")

// nextQuestion waits, after an answer, until the run asks again, lets the apprentice
// work, ends, or takes too long; it returns how it stands then.
func (a *app) nextQuestion(ctx context.Context, c *client.Client, run apprentice.Run) (apprentice.Run, error) {
	if run.QueueState == apprentice.Waiting || !run.Live() {
		return run, nil
	}
	limited, cancel := context.WithTimeout(ctx, comeback)
	defer cancel()
	p := rpc.RunWatchParams{RunID: string(run.RunID), After: run.EventCount, UntilEnd: true}
	_, err := c.Watch(limited, p, func(n rpc.RunEventNote) error {
		switch n.Event.EventType {
		case apprentice.CheckpointOpened, apprentice.AttemptStarted, apprentice.RevisionStarted:
			return errMoved
		}
		return nil
	})
	if err != nil && !errors.Is(err, errMoved) && limited.Err() == nil {
		return run, err
	}
	detail, err := c.RunGet(ctx, string(run.RunID))
	return detail.Run, err
}
