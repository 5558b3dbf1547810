package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/internal/atomicfile"
	"aad/shim"
	"aad/workspace"
)

// hooks runs the commands that settings name when something happens. They are the
// user's own: they run with aad's environment, each in its own shim, a few at a
// time. A failure is logged and harms nothing.
type hooks struct {
	home    workspace.Home
	shim    string
	environ []string
	log     *slog.Logger
	limit   time.Duration // of one command
	slots   chan struct{}
	running sync.WaitGroup
	ending  chan struct{} // closed when no further command is to start
}

const (
	hookSlots = 4
	hookLimit = 30 * time.Second
)

// hookInput is what a hook reads on its stdin.
type hookInput struct {
	Hook   string         `json:"hook"` // on_checkpoint or on_run_end
	Run    apprentice.Run `json:"run"`
	Folder string         `json:"folder"`
	// Path is the file to answer by, in on_checkpoint.
	Path string `json:"path,omitempty"`
}

// start runs a hook beside everything else; "" is no hook.
func (h *hooks) start(ctx context.Context, command string, in hookInput) {
	if command == "" {
		return
	}
	h.running.Add(1)
	// Owned by hooks: ends with the command, at the latest after its time limit.
	go func() {
		defer h.running.Done()
		if !h.turn() {
			h.log.Warn("a hook was not run, since aad stops", "hook", in.Hook, "run_id", in.Run.RunID)
			return
		}
		defer func() { <-h.slots }()
		if err := h.run(ctx, command, in); err != nil {
			h.log.Warn("a hook has not worked", "hook", in.Hook, "run_id", in.Run.RunID, "error", err)
		}
	}()
}

// turn waits for a slot; false when aad stops first.
func (h *hooks) turn() bool {
	select {
	case h.slots <- struct{}{}:
	case <-h.ending:
		return false
	}
	select {
	case <-h.ending:
		<-h.slots
		return false
	default:
		return true
	}
}

// sweep removes the folders of hooks that an aad which was killed has left, once
// nothing of theirs runs.
func (h *hooks) sweep() {
	left, err := h.home.Hooks()
	if err != nil {
		h.log.Warn("look for what hooks have left", "error", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	for _, dir := range left {
		h.running.Add(1)
		// Owned by hooks: ends with the command, or when aad stops, and the next one looks.
		go func() {
			defer h.running.Done()
			if process, err := shim.Attach(filepath.Join(dir, "shim")); err == nil {
				if _, err := process.Wait(ctx); err != nil && ctx.Err() != nil {
					return
				}
			}
			if err := os.RemoveAll(dir); err != nil {
				h.log.Warn("remove what a hook has left", "folder", dir, "error", err)
			}
		}()
	}
	// Owned by hooks: ends when aad stops.
	go func() { <-h.ending; cancel() }()
}

func (h *hooks) run(ctx context.Context, command string, in hookInput) (err error) {
	dir := h.home.Hook(rand.Text())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	stdin := filepath.Join(dir, "stdin.json")
	if err := atomicfile.Write(stdin, data, 0o600); err != nil {
		return err
	}
	process, err := shim.Start(ctx, h.shim, filepath.Join(dir, "shim"), shim.Spec{
		Args: []string{"/bin/sh", "-c", command}, Dir: string(h.home), Env: h.environ, StdinFile: stdin,
		TimeoutMS: h.limit.Milliseconds(), GraceMS: 1000, OutputLimit: 64 << 10,
	})
	if err != nil {
		return err
	}
	exit, err := process.Wait(ctx)
	if err != nil {
		return err
	}
	if exit.Outcome != shim.Exited || exit.ExitCode != 0 {
		return apprentice.Errorf(apprentice.Unmet, "it ended with %s, exit status %d", exit.Outcome, exit.ExitCode)
	}
	return nil
}

// end waits for the hooks that run, which their limits bound. Those that have not
// started are left out.
func (h *hooks) end() {
	close(h.ending)
	h.running.Wait()
}

// tellHooks runs the hook for what a run has come to, now that it left its slot. The
// question's file is written first: hooks may open it.
func (d *Daemon) tellHooks(id apprentice.RunID) {
	run, err := d.store.Run(id)
	if err != nil {
		return // deleted meanwhile
	}
	d.desk.ask(run)
	s := d.settings.inForce()
	in := hookInput{Run: run, Folder: string(d.home.Run(id))}
	switch {
	case run.Checkpoint != nil:
		in.Hook, in.Path = "on_checkpoint", checkpoint.Path(d.home.Run(id).Checkpoints(), checkpoint.Stage(run.Checkpoint.Stage))
		d.hooks.start(context.Background(), s.OnCheckpoint, in)
	case !run.Live():
		d.sharing.ended(id)
		in.Hook = "on_run_end"
		d.hooks.start(context.Background(), s.OnRunEnd, in)
	}
}
