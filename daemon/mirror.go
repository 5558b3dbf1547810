package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
	"aad/storage"
	"aad/workspace"
)

// mirror keeps the views of the event log in the run folders up to date, by
// following the log as any watcher does. A run that has only been queued is not
// worth a folder yet.
type mirror struct {
	home  workspace.Home
	store *storage.Store
	log   *slog.Logger
	wake  chan struct{} // capacity 1

	// Owned by Serve.
	views  map[apprentice.RunID]views    // of live runs
	failed map[apprentice.RunID]struct{} // could not be written and are tried again

	writing sync.Mutex // around one run's views, so that they and a delete do not meet

	mu    sync.Mutex
	dirty map[apprentice.RunID]struct{}
	// waiting are closed when the run's folder tells all that was known before.
	waiting map[apprentice.RunID][]chan struct{}
}

func newMirror(home workspace.Home, store *storage.Store, log *slog.Logger) *mirror {
	return &mirror{home: home, store: store, log: log, wake: make(chan struct{}, 1), views: map[apprentice.RunID]views{}, failed: map[apprentice.RunID]struct{}{},
		dirty: map[apprentice.RunID]struct{}{}, waiting: map[apprentice.RunID][]chan struct{}{}}
}

func (m *mirror) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// flush returns when the run's folder tells everything that is in the database
// now, or ctx ends.
func (m *mirror) flush(ctx context.Context, id apprentice.RunID) {
	done := make(chan struct{})
	m.mu.Lock()
	m.dirty[id] = struct{}{}
	m.waiting[id] = append(m.waiting[id], done)
	m.mu.Unlock()
	m.nudge()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Serve follows the log from where the views stood last, until ctx ends and
// nothing is left to write.
func (m *mirror) Serve(ctx context.Context) {
	more := m.store.Watch("")
	defer more.Close()
	after := m.readMark()
	var again <-chan time.Time
	for saved := after; ; {
		after = m.follow(after)
		if m.drain() && after >= saved+markEvery {
			m.saveMark(after)
			saved = after
		}
		if len(m.failed) > 0 && again == nil {
			again = time.After(roomPause)
		}
		select {
		case <-again:
			again = nil
			m.tryFailed()
			continue
		case <-more.C():
			continue
		case <-m.wake:
			continue
		case <-ctx.Done():
		}
		good := m.drain()
		if next := m.follow(after); next == after {
			if good && after != saved {
				m.saveMark(after)
			}
			return
		}
	}
}

// follow marks the runs that have events after a seq, and returns the log's end.
// A mark ahead of the log belongs to another database.
func (m *mirror) follow(after uint64) uint64 {
	for {
		records, last, err := m.store.Log(after, 256<<10, nil)
		if err != nil {
			m.log.Error("find the run folders that are behind the log", "error", err)
			return after
		}
		m.mu.Lock()
		for _, r := range records {
			if r.Index > 1 {
				m.dirty[r.RunID] = struct{}{}
			}
		}
		m.mu.Unlock()
		if last <= after {
			return after
		}
		after = last
	}
}

// tryFailed marks the runs whose views could not be written.
func (m *mirror) tryFailed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.Copy(m.dirty, m.failed)
}

// drain writes the views of every run that is dirty, and reports whether all
// folders tell what they should.
func (m *mirror) drain() bool {
	for {
		m.mu.Lock()
		var id apprentice.RunID
		found := false
		for id = range m.dirty {
			found = true
			break
		}
		delete(m.dirty, id)
		waiting := m.waiting[id]
		delete(m.waiting, id)
		m.mu.Unlock()
		if !found {
			return len(m.failed) == 0
		}
		if err := m.write(id); err != nil {
			m.log.Warn("mirror the events of a run", "run_id", id, "error", err)
			m.failed[id] = struct{}{}
		} else {
			delete(m.failed, id)
		}
		for _, done := range waiting {
			close(done)
		}
	}
}

// write brings one run's views to what the database says.
func (m *mirror) write(id apprentice.RunID) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	run, err := m.store.Run(id)
	if apprentice.KindOf(err) == apprentice.NotFound || run.Deleting {
		delete(m.views, id)
		return nil
	}
	if err != nil {
		return err
	}
	if run.Imported != nil && run.EventCount == run.Imported.Events {
		return nil // its folder stays as it came until the run goes on here
	}
	folder := m.home.Run(id)
	if err := folder.Make(); err != nil {
		return err
	}
	first, err := m.store.Spec(id, 0)
	if err != nil {
		return err
	}
	if _, known := m.views[id]; !known {
		if err := folder.Sweep(); err != nil {
			return err
		}
	}
	v := m.viewsOf(id, folder)
	all := errors.Join(v.events.Update(), v.session.Update(),
		folder.WriteStatus(folder.StatusOf(run)), folder.WriteSession(workspace.SessionOf(run, first)))
	if !run.Live() {
		delete(m.views, id)
	}
	return all
}

// views are the two logs of a run that is being worked.
type views struct{ events, session *workspace.Mirror }

func (m *mirror) viewsOf(id apprentice.RunID, folder workspace.Folder) views {
	v, ok := m.views[id]
	if !ok {
		v = views{
			workspace.NewMirror(folder.Progress(), func(after uint64) ([][]byte, error) { return m.events(id, after) }),
			workspace.NewMirror(folder.SessionLog(), func(after uint64) ([][]byte, error) { return m.sessionEvents(id, after) }),
		}
		m.views[id] = v
	}
	return v
}

func (m *mirror) events(id apprentice.RunID, after uint64) ([][]byte, error) {
	records, err := m.store.Events(id, after, 256<<10)
	lines := make([][]byte, len(records))
	for i, r := range records {
		lines[i] = r.JSON
	}
	return lines, err
}

func (m *mirror) sessionEvents(id apprentice.RunID, after uint64) ([][]byte, error) {
	all, err := m.store.SessionEvents(id)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, e := range all {
		if uint64(e.EventIndex) <= after {
			continue
		}
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// markEvery is how many events may lie beyond the mark: so many are looked at again
// after a crash. A mark at every commit costs as much as the commit.
const markEvery = 1000

// mark is how far the views had come when all were written: below seq nothing
// needs a look after a crash.
type mark struct {
	Version int    `json:"version"`
	Seq     uint64 `json:"seq"`
}

func (m *mirror) markPath() string { return filepath.Join(string(m.home), "mirror.json") }

func (m *mirror) saveMark(seq uint64) {
	if err := atomicfile.WriteJSON(m.markPath(), mark{Version: 1, Seq: seq}); err != nil {
		m.log.Warn("note how far the run folders tell the log", "error", err)
	}
}

// readMark is 0 where there is no mark that can be read, or one that belongs to
// another database.
func (m *mirror) readMark() uint64 {
	var from mark
	data, err := os.ReadFile(m.markPath())
	if err != nil || json.Unmarshal(data, &from) != nil || from.Seq > m.store.LastSeq() {
		return 0
	}
	return from.Seq
}
