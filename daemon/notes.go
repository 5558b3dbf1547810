package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// notes are what is owed to runs: a file each in a folder of the home, so that a crash
// forgets none, and a queue of those to be settled.
type notes struct {
	dir    string
	what   string // is done for a run, as logs say it
	log    *slog.Logger
	settle func(ctx context.Context, id apprentice.RunID) error

	wake  chan struct{}
	mu    sync.Mutex
	queue []apprentice.RunID

	writing sync.Mutex // around the files
	count   int        // of all notes made
	noted   map[apprentice.RunID]int
}

// errLater is what settle returns when nothing can be settled for now. It is tried
// again after a pause.
var errLater = errors.New("not now")

// The pauses after which it is tried again: the first, and the longest.
const (
	firstPause = time.Minute
	mostPause  = time.Hour
)

func newNotes(dir, what string, log *slog.Logger, settle func(context.Context, apprentice.RunID) error) *notes {
	return &notes{dir: dir, what: what, log: log, settle: settle, wake: make(chan struct{}, 1), noted: map[apprentice.RunID]int{}}
}

func (n *notes) path(id apprentice.RunID) string { return filepath.Join(n.dir, string(id)) }

// due notes that something is owed to a run; it is called before what makes it so is
// written. The file that is there stays as it is.
func (n *notes) due(id apprentice.RunID) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	n.count++
	n.noted[id] = n.count
	if n.owes(id) {
		return nil
	}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return fmt.Errorf("note to %s: %w", n.what, err)
	}
	return atomicfile.Write(n.path(id), nil, 0o600)
}

func (n *notes) owes(id apprentice.RunID) bool {
	_, err := os.Lstat(n.path(id))
	return err == nil
}

// settled takes the note away.
func (n *notes) settled(id apprentice.RunID) error { return n.settling(id)() }

// settling is called before what is owed is looked at. The returned function takes the
// note away, unless it was made again since: then it is owed for something newer.
func (n *notes) settling(id apprentice.RunID) (settled func() error) {
	n.writing.Lock()
	defer n.writing.Unlock()
	seen := n.noted[id]
	return func() error {
		n.writing.Lock()
		defer n.writing.Unlock()
		if n.noted[id] != seen {
			return nil
		}
		delete(n.noted, id)
		if err := os.Remove(n.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
}

// all are the runs that something is owed to.
func (n *notes) all() ([]apprentice.RunID, error) {
	entries, err := os.ReadDir(n.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for what runs to %s: %w", n.what, err)
	}
	var ids []apprentice.RunID
	for _, e := range entries {
		if !atomicfile.IsTemp(e.Name()) {
			ids = append(ids, apprentice.RunID(e.Name()))
		}
	}
	return ids, nil
}

// soon has notes settled by Serve. It never blocks.
func (n *notes) soon(ids ...apprentice.RunID) {
	n.mu.Lock()
	for _, id := range ids {
		if !slices.Contains(n.queue, id) {
			n.queue = append(n.queue, id)
		}
	}
	n.mu.Unlock()
	n.nudge()
}

// nudge has what waits be tried again.
func (n *notes) nudge() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Serve settles what is due, also what an earlier aad has left, until ctx ends.
func (n *notes) Serve(ctx context.Context) error {
	left, err := n.all()
	if err != nil {
		return err
	}
	n.soon(left...)
	var pause time.Duration
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.wake:
		case <-again:
		}
		again = nil
		if n.round(ctx) {
			pause = 0
			continue
		}
		pause = min(max(2*pause, firstPause), mostPause)
		again = time.After(pause)
	}
}

// round settles what waits, and reports whether nothing has to be tried later.
func (n *notes) round(ctx context.Context) bool {
	n.mu.Lock()
	queue := n.queue
	n.queue = nil
	n.mu.Unlock()
	for i, id := range queue {
		err := n.settle(ctx, id)
		switch {
		case errors.Is(err, errLater):
			n.mu.Lock()
			n.queue = append(append(n.queue, queue[i+1:]...), id) // another is the first to be tried then
			n.mu.Unlock()
			return false
		case err != nil && ctx.Err() == nil:
			n.log.Error(n.what, "run_id", id, "error", err)
		}
	}
	return true
}
