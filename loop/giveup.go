package loop

import (
	"context"
	"errors"
	"fmt"

	"aad/apprentice"
	"aad/shim"
	"aad/workspace"
)

// GiveUp clears up after a pass that Work cannot bring to its end, before o is written
// as its end: nothing of its agents is left when it returns nil. Of a cancelled run the
// workspaces go too; else they are kept, and a retry puts them aside.
func GiveUp(ctx context.Context, home workspace.Home, run apprentice.Run, o Outcome) (all error) {
	for n := range run.CurrentLoop {
		kind := apprentice.KindOfAttempt(n)
		proc, err := shim.Attach(home.Shim(run.RunID, run.Pass, kind))
		if err == nil {
			_, err = endTree(ctx, proc)
		}
		if err != nil && !errors.Is(err, shim.ErrNotStarted) && !errors.Is(err, shim.ErrLost) {
			all = errors.Join(all, fmt.Errorf("end the agent of attempt %s of %s: %w", kind, run.RunID, err))
			continue
		}
		if o.State == apprentice.Cancelled {
			all = errors.Join(all, home.Abandon(run.RunID, run.Pass, kind))
		}
	}
	return all
}

// endTree ends a process tree, also one whose time stands still since it is parked,
// and returns when nothing of it is left. When aad stops it does not wait for that.
func endTree(ctx context.Context, proc *shim.Process) (shim.Exit, error) {
	if err := proc.Terminate(); err != nil {
		return shim.Exit{}, err
	}
	exit, err := proc.Wait(ctx)
	if err != nil && cancelled(ctx) {
		return proc.Wait(context.WithoutCancel(ctx))
	}
	return exit, unlessEnding(ctx, err)
}
