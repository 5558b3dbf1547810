package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/internal/schema"
	"aad/workspace"
)

// What a folder may hold. The events of a run go into the database in one transaction.
const (
	maxFiles    = 100_000
	maxDocument = 64 << 20 // of a file that is read
	maxEvents   = 100_000
	maxLog      = 32 << 20 // of progress_events.jsonl and of session_events.jsonl
	maxLine     = 2 << 20  // of their lines
	maxProblems = 100      // that are told
)

// Problem is one fault of a folder. Line is 0 where no line is meant.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
}

// Found is what a run folder tells. With problems only RunID, Files and Bytes are to be
// relied on, and RunID may be "".
type Found struct {
	RunID    apprentice.RunID
	Run      apprentice.Run
	Specs    []apprentice.Spec // of its passes, without their settings
	Settings Settings
	Attempts [][]apprentice.Attempt // by pass
	Events   [][]byte
	Session  []apprentice.SessionEvent
	Files    int
	Bytes    int64
	Hash     string // of all files but the bundle's
	Bundled  bool   // there is a folder contribution_bundle/
	Problems []Problem
	Total    int // of problems, which may be more than are told
}

// Settings are those of a run that its folder tells.
type Settings struct {
	Agent, MentorMode, Masking string
	MaxLoops                   int
}

// reader is one folder being read.
type reader struct {
	dir     string
	tree    workspace.Listing
	files   map[string]bool // and folders
	status  workspace.RunStatus
	session workspace.Session
	passes  []passFound
	found   Found
}

// Is reports whether a folder looks like one of a run.
func Is(dir string) bool {
	for _, name := range []string{"session.json", "run_status.json", "progress_events.jsonl"} {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Read checks the run folder dir and tells what is in it. An error means that it could
// not be looked at; what is wrong with it is in Problems.
func Read(ctx context.Context, dir string) (Found, error) {
	r := &reader{dir: dir, files: map[string]bool{}}
	if err := r.list(ctx); err != nil {
		return r.found, err
	}
	r.heads()
	if r.found.RunID == "" || len(r.tree) > maxFiles || !r.found.Run.QueueState.Ended() {
		return r.found, nil
	}
	r.events()
	r.sessionEvents()
	r.readPasses()
	for _, f := range r.tree {
		if ctx.Err() != nil {
			return r.found, context.Cause(ctx)
		}
		r.file(f)
	}
	r.tell()
	return r.found, nil
}

// problem notes a fault; what several looks at one file find is told once.
func (r *reader) problem(file string, line int, format string, args ...any) {
	p := Problem{file, line, fmt.Sprintf(format, args...)}
	if slices.Contains(r.found.Problems, p) {
		return
	}
	if r.found.Total++; r.found.Total <= maxProblems {
		r.found.Problems = append(r.found.Problems, p)
	}
}

func (r *reader) list(ctx context.Context) error {
	tree, odd, err := workspace.Foreign(ctx, r.dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return apprentice.Errorf(apprentice.Invalid, "%s cannot be read", r.dir).Because(err).WithField("path")
	}
	if err != nil {
		return err
	}
	for _, o := range odd {
		r.problem(o.Path, 0, "%s", o.Reason)
	}
	r.tree, r.found.Files, r.found.Bytes, r.found.Hash = tree, len(tree), tree.Size(), tree.Hash()
	for _, f := range tree {
		for name := f.Path; name != "." && !r.files[name]; name = parent(name) {
			r.files[name] = true
		}
	}
	if len(tree) > maxFiles {
		r.problem(".", 0, "there are %d files, more than %d", len(tree), maxFiles)
	}
	info, err := os.Lstat(filepath.Join(r.dir, "contribution_bundle"))
	r.found.Bundled = err == nil && info.IsDir()
	return nil
}

func parent(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i]
	}
	return "."
}

// bytes reads a file whole; nil, and a problem, for one that cannot be read or is too
// large.
func (r *reader) bytes(name string, most int64) []byte {
	f, ok := r.tree.Find(name)
	switch {
	case !ok || f.Link != "":
		r.problem(name, 0, "is missing")
		return nil
	case f.Size > most:
		r.problem(name, 0, "has %d bytes, more than %d", f.Size, most)
		return nil
	}
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		r.problem(name, 0, "cannot be read")
		return nil
	}
	if data == nil {
		data = []byte{}
	}
	return data
}

// document reads one of our JSON files strictly, and reports whether that went well.
func document[T any](r *reader, name string) (v T, ok bool) {
	data := r.bytes(name, maxDocument)
	return v, data != nil && hold(r, name, 0, data, &v)
}

// hold holds a document against its type and decodes it.
func hold[T any](r *reader, name string, line int, data []byte, into *T) bool {
	err := schema.CheckType(*into, data)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		r.problem(name, line, "%v", err)
	}
	return err == nil
}

// heads reads the two files that say whose folder it is and how the run ended.
func (r *reader) heads() {
	s, okS := document[workspace.Session](r, "session.json")
	t, okT := document[workspace.RunStatus](r, "run_status.json")
	if !okS || !okT {
		return
	}
	r.session, r.status = s, t
	if err := apprentice.CheckRunID(s.RunID); err != nil {
		r.problem("session.json", 0, "%v", err)
		return
	}
	r.found.RunID = apprentice.RunID(s.RunID)
	for _, c := range []struct{ what, session, status string }{
		{"run_id", s.RunID, t.RunID}, {"run_status", s.RunStatus, t.RunStatus}, {"task_status", s.TaskStatus, t.TaskStatus},
		{"apprentice_agent", s.ApprenticeAgent, t.ApprenticeAgent}, {"mentor_mode", s.MentorMode, t.MentorMode},
		{"experience_pack_ids", strings.Join(s.ExperiencePackIDs, " "), strings.Join(t.ExperiencePackIDs, " ")},
	} {
		if c.session != c.status {
			r.problem("run_status.json", 0, "%s is %q; session.json says %q", c.what, c.status, c.session)
		}
	}
	r.state()
	if want := string(apprentice.TaskOf(r.found.RunID, 0)); s.TaskID != want {
		r.problem("session.json", 0, "task_id is %q; that of run %s is %q", s.TaskID, s.RunID, want)
	}
	if strings.TrimSpace(s.TaskInstruction) == "" {
		r.problem("session.json", 0, "task_instruction is empty")
	}
	if len(s.ExperiencePackTitles) != len(s.ExperiencePackIDs) || len(s.ExperiencePackSources) != len(s.ExperiencePackIDs) {
		r.problem("session.json", 0, "experience packs have %d ids, %d titles and %d sources", len(s.ExperiencePackIDs), len(s.ExperiencePackTitles), len(s.ExperiencePackSources))
	}
	for _, path := range s.TaskAssets {
		if !r.files[strings.TrimSuffix(path, "/")] {
			r.problem("session.json", 0, "task_assets names %q, which is not there", path)
		}
	}
	if v := t.Verdict; v != "" && !slices.Contains([]apprentice.Verdict{apprentice.Passed, apprentice.FailedReview, apprentice.Unreviewed}, apprentice.Verdict(v)) {
		r.problem("run_status.json", 0, "verdict %q is none", v)
	}
	if t.FinalScore != nil && (*t.FinalScore < 0 || *t.FinalScore > 1) {
		r.problem("run_status.json", 0, "final_score %v does not lie in 0–1", *t.FinalScore)
	}
}

// state settles how the run ended. One that has not is refused: its own aad may go on
// with it, and what it would go on from is not in the folder.
func (r *reader) state() {
	state := apprentice.QueueState(r.status.QueueState)
	switch {
	case !state.Known():
		r.problem("run_status.json", 0, "queue_state %q is none", state)
	case !state.Ended():
		r.problem("run_status.json", 0, "the run has not ended, it is %s: end it where it was made (aa wait, aa cancel), then import it", state)
	}
	r.found.Run.QueueState = state
}

// events reads progress_events.jsonl: the run's events in order, without a gap.
func (r *reader) events() {
	const name = "progress_events.jsonl"
	last := apprentice.Event{}
	for n, line := range r.lines(name, maxLog) {
		var e apprentice.Event
		if !hold(r, name, n+1, line, &e) {
			return
		}
		switch {
		case e.EventIndex != uint64(n+1):
			r.problem(name, n+1, "event_index is %d where %d should stand", e.EventIndex, n+1)
			return
		case e.RunID != r.found.RunID:
			r.problem(name, n+1, "the event is of run %q", e.RunID)
			return
		}
		r.stamp(name, n+1, e.CreatedAt)
		r.found.Events = append(r.found.Events, line)
		if n == 0 {
			r.found.Run.CreatedAt = e.CreatedAt
		}
		if e.EventType == apprentice.RunCompleted || e.EventType == apprentice.RunCancelled || e.EventType == apprentice.FollowupCompleted {
			r.found.Run.EndedAt = e.CreatedAt
		}
		last = e
	}
	switch {
	case last.EventIndex == 0:
		r.problem(name, 0, "has no events")
	case last.TaskStatus != "" && string(last.TaskStatus) != r.status.TaskStatus, last.RunStatus != "" && string(last.RunStatus) != r.status.RunStatus:
		r.problem(name, int(last.EventIndex), "run and task are %s and %s; run_status.json says %s and %s", last.RunStatus, last.TaskStatus, r.status.RunStatus, r.status.TaskStatus)
	}
	if r.found.Run.EndedAt == "" {
		r.found.Run.EndedAt = last.CreatedAt
	}
}

func (r *reader) stamp(name string, line int, text string) {
	if _, err := apprentice.ParseStamp(text); err != nil {
		r.problem(name, line, "created_at %q is no RFC 3339 time", text)
	}
}

// lines reads a file of rows, each without its end.
func (r *reader) lines(name string, most int64) [][]byte {
	data := r.bytes(name, most)
	if len(data) == 0 {
		return nil
	}
	if !bytes.HasSuffix(data, []byte("\n")) {
		r.problem(name, bytes.Count(data, []byte("\n"))+1, "the last line is torn")
	}
	all := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(all) > maxEvents {
		r.problem(name, 0, "has %d lines, more than %d", len(all), maxEvents)
		return nil
	}
	for n, line := range all {
		if len(line) > maxLine {
			r.problem(name, n+1, "has %d bytes, more than %d", len(line), maxLine)
			return nil
		}
	}
	return all
}
