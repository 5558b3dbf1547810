package loop

import (
	"errors"
	"io/fs"
	"os"

	"aad/apprentice"
)

// unlessRemoved makes an outcome of a fault that comes of somebody having removed the
// run's folder. Views of the event log are written there all the same, so that a folder
// may be there again: what prepare wrote is missing then.
func (p *pass) unlessRemoved(o Outcome, err error) (Outcome, error) {
	if !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	if _, prepared, unread := load[struct{}](p.journal, "prepare"); !prepared || unread != nil {
		return o, err
	}
	if _, there := os.Lstat(p.folder.Instruction()); !errors.Is(there, fs.ErrNotExist) {
		return o, err
	}
	p.Log.Warn("a run's folder was removed while it was worked on", "run_id", p.run.RunID, "error", err)
	return p.removedOutcome(), nil
}

func (p *pass) removedOutcome() Outcome {
	const removed = "the run's folder was removed while it was worked on"
	o := Outcome{State: apprentice.Failed, Task: apprentice.StatusFailed, Reason: removed, Verdict: apprentice.Unreviewed,
		Stop: apprentice.StopOperationalError, Operational: apprentice.Interrupted, Hint: removed, Untold: true}
	if len(p.allAssets()) > 0 {
		o.Advice = "its assets have gone with it: hand the task and them over anew with aa run"
	}
	return o
}
