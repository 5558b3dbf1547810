package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// followFlags are the flags of the commands that follow a run to its end.
type followFlags struct {
	noWait bool
	look   bool // only look on: open no review
	out    string
}

func (f *followFlags) define(a *app, cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.noWait, "no-wait", false, "do not follow the run to its end; where people review it, follow it until it waits for them")
	f.defineOut(cmd)
	cmd.Flags().BoolVar(&a.jsonProgress, "json-progress", false, "print progress as the event objects, one a line, on stderr")
}

func (f *followFlags) defineOut(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "copy the artifacts to this `folder` too, when the run has ended")
	cmd.PreRunE = func(*cobra.Command, []string) error { return checkOut(f.out) }
}

// checkOut makes the folder that artifacts are to be copied to: that it cannot be made
// is better known before the run than after it.
func checkOut(dir string) error {
	if dir == "" {
		return nil
	}
	err := os.MkdirAll(dir, 0o777)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		return apprentice.Errorf(apprentice.Invalid, "--out %s is no folder and cannot be made one: %v", dir, err).
			WithField("out").WithHint("name a folder that is there, or that can be made")
	}
	return nil
}

// leavable is a context that Ctrl-C ends, so that a run can be left. It is made
// before the run is asked for: from then on Ctrl-C must not end aa without a word.
func leavable(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}

// follow shows a run's events after a number until it ends, then its result,
// and returns the exit code of how it stands. When the run waits for a person, it
// is reviewed where one can be talked to, left with noWait, and else waited for. It
// leaves the run when ctx, which is leavable, ends.
func (a *app) follow(ctx context.Context, c *client.Client, run apprentice.RunID, after uint64, f followFlags) error {
	w := &following{app: a, c: c, run: run, seen: after, flags: f}
	person := a.newReviewer(c)
	person.followed = true
	reason, err := w.watch(ctx)
	for errors.Is(err, errAsked) && !f.noWait {
		if _, err = person.once(ctx, string(run)); err != nil && apprentice.KindOf(err) != apprentice.Conflict {
			break // a conflict is an answer that came before the person was asked
		}
		reason, err = w.watch(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return a.detached(run, "detached: the run goes on")
	case reason == client.Stopping:
		return a.detached(run, aadStopped)
	case reason == "deleted":
		return apprentice.Errorf(apprentice.NotFound, "run %s was deleted", run)
	case err != nil && !errors.Is(err, errAsked) && !errors.Is(err, errLeave):
		if apprentice.KindOf(err) == apprentice.Unavailable {
			a.note("the run goes on when aad runs again: aa watch %s", run)
		}
		return err
	}
	signal.Reset(os.Interrupt, syscall.SIGTERM) // what is left to do may be broken off
	return a.result(ctx, c, run, f.out)
}

const aadStopped = "aad was stopped: the run goes on when it starts again"

// detached tells how to come back to a run that goes on.
func (a *app) detached(run apprentice.RunID, why string) error {
	a.note("%s\n  to come back:  aa watch %s\n  to cancel:     aa cancel %s", why, run, run)
	if a.json {
		if err := a.emit(map[string]any{"run_id": run, "detached": true}); err != nil {
			return err
		}
	}
	return exitDetached
}

// result prints how a run ended, copies its artifacts where that was asked for,
// and returns its exit code.
func (a *app) result(ctx context.Context, c *client.Client, run apprentice.RunID, out string) error {
	detail, err := c.RunGet(context.WithoutCancel(ctx), string(run))
	if err != nil {
		return err
	}
	if err := a.show(detail, func() error { return a.printResult(detail) }); err != nil {
		return err
	}
	if out != "" {
		copied, err := copyArtifacts(detail, out, false)
		if err != nil {
			return err
		}
		a.note("copied %s to %s", files(copied), out)
	}
	code := codeOf(detail.Run)
	if code == exitWaiting {
		a.note("to answer:  %s", howToAnswer(string(run)))
	}
	if code == exitNotAccepted || code == exitFailed || code == exitPartial {
		a.note("to see why: aa show %s", run)
	}
	if branch := branchOf(detail); branch != "" && detail.Run.Accepted() && detail.Repository.Base == detail.Repository.Head {
		a.note("to take it: git -C %s merge %s", shellWord(detail.Repository.Path), branch)
	}
	return code.asError()
}

func (a *app) printResult(d rpc.RunDetail) error {
	r := d.Run
	if a.quiet {
		return a.print("%s", r.RunID)
	}
	judged := score(r.FinalScore)
	if judged != "" && r.JudgedBy != "" {
		judged += " (by " + r.JudgedBy + ")"
	}
	return a.pairs(
		"run", string(r.RunID),
		"status", string(r.QueueState),
		"reason", reasonOf(r),
		"hint", r.OperationalAdvice,
		"verdict", string(r.Verdict),
		"score", judged,
		"mentor", tookOfModels(r),
		"branch", branchOf(d),
		"artifacts", d.Artifacts)
}

// reasonOf says in a sentence why a run stands as it does.
func reasonOf(r apprentice.Run) string {
	switch {
	case r.OperationalHint != "":
		return r.OperationalHint
	case r.QueueReason != "":
		return r.QueueReason
	case r.Accepted():
		return ""
	}
	return r.StatusReason
}

func files(n int) string { return counted(n, "file") }

// counted tells a number of things.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
