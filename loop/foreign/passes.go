package foreign

import (
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/schema"
	"aad/workspace"
)

// passFound is one pass over the task as the folder tells it.
type passFound struct {
	task        apprentice.TaskID
	instruction string
	assets      []string
	at          string
	worked      bool // it has a package
	manifest    apprentice.PackageManifest
	attempts    []apprentice.AttemptKind
}

// sessionEvents reads session_events.jsonl, and which passes there were. A run that
// ended before it started has none.
func (r *reader) sessionEvents() {
	const name = "session_events.jsonl"
	first := passFound{task: apprentice.TaskOf(r.found.RunID, 0), instruction: r.session.TaskInstruction, assets: r.session.TaskAssets, at: r.found.Run.CreatedAt}
	r.passes = []passFound{first}
	if !r.files[name] && !r.files["packages"] {
		return
	}
	for n, line := range r.lines(name, maxLog) {
		var e apprentice.SessionEvent
		if !hold(r, name, n+1, line, &e) {
			return
		}
		switch {
		case e.EventIndex != n+1:
			r.problem(name, n+1, "event_index is %d where %d should stand", e.EventIndex, n+1)
			return
		case e.RunID != string(r.found.RunID):
			r.problem(name, n+1, "the event is of run %q", e.RunID)
			return
		}
		r.stamp(name, n+1, e.CreatedAt)
		r.found.Session = append(r.found.Session, e)
		r.sessionEvent(n+1, e)
	}
}

func (r *reader) sessionEvent(line int, e apprentice.SessionEvent) {
	const name = "session_events.jsonl"
	last := &r.passes[len(r.passes)-1]
	switch e.EventType {
	case "task_instruction":
		if e.Instruction != r.session.TaskInstruction {
			r.problem(name, line, "the instruction is another than that of session.json")
		}
	case "user_followup":
		n := len(r.passes)
		if e.FollowupIndex != nil && *e.FollowupIndex != n {
			r.problem(name, line, "followup_index is %d where %d should stand", *e.FollowupIndex, n)
		}
		if strings.TrimSpace(e.FollowupInstruction) == "" {
			r.problem(name, line, "followup_instruction is empty")
		}
		r.passes = append(r.passes, passFound{task: apprentice.TaskOf(r.found.RunID, n), instruction: e.FollowupInstruction, at: e.CreatedAt})
	case "followup_assets_added":
		last.assets = e.FollowupAssets
	}
	for _, path := range slices.Concat(e.Assets, e.FollowupAssets) {
		if !r.files[strings.TrimSuffix(path, "/")] {
			r.problem(name, line, "names the asset %q, which is not there", path)
		}
	}
	if e.SessionID != "" && e.SessionID != r.session.SessionID {
		r.problem(name, line, "session_id is %q; session.json says %q", e.SessionID, r.session.SessionID)
	}
}

// readPasses finds the packages and their attempts.
func (r *reader) readPasses() {
	for _, task := range r.foldersIn("packages") {
		if !slices.ContainsFunc(r.passes, func(p passFound) bool { return string(p.task) == task }) {
			r.problem("packages/"+task, 0, "is no package of this run, which has %d passes", len(r.passes))
		}
	}
	for i := range r.passes {
		p := &r.passes[i]
		dir := path.Join("packages", string(p.task))
		if p.worked = r.files[dir]; !p.worked {
			continue
		}
		p.manifest, _ = document[apprentice.PackageManifest](r, dir+"/package_manifest.json")
		kinds := r.foldersIn(dir + "/attempts")
		for n := range kinds {
			kind := apprentice.KindOfAttempt(n)
			if !slices.Contains(kinds, string(kind)) {
				r.problem(dir+"/attempts", 0, "the attempts are %v: %s is missing", kinds, kind)
				break
			}
			p.attempts = append(p.attempts, kind)
		}
		r.mustResolve(p, dir+"/package_manifest.json", "selected_attempt_id", p.manifest.SelectedAttemptID)
	}
	latest := slices.IndexFunc(r.passes, func(p passFound) bool { return string(p.task) == r.session.LatestPackage })
	switch {
	case r.session.LatestPackage != "" && (latest < 0 || !r.passes[latest].worked):
		r.problem("session.json", 0, "latest_package %q is not there", r.session.LatestPackage)
	case latest >= 0:
		r.mustResolve(&r.passes[latest], "session.json", "latest_attempt_id", r.session.LatestAttemptID)
	}
}

// mustResolve expects an attempt's id to name one of the pass; "" names none.
func (r *reader) mustResolve(p *passFound, file, key, id string) {
	if id == "" || slices.ContainsFunc(p.attempts, func(k apprentice.AttemptKind) bool { return string(apprentice.AttemptOf(p.task, k)) == id }) {
		return
	}
	r.problem(file, 0, "%s %q names no attempt of package %s", key, id, p.task)
}

// foldersIn names the folders in one.
func (r *reader) foldersIn(dir string) (names []string) {
	for _, f := range r.tree {
		rest, ok := strings.CutPrefix(f.Path, dir+"/")
		name, _, below := strings.Cut(rest, "/")
		if ok && below && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// file holds one file against its format, its ids against its place, and its
// references against what is there.
func (r *reader) file(f workspace.File) {
	kind, _ := FormatOf(f.Path)
	if kind == nil || f.Path == "progress_events.jsonl" || f.Path == "session_events.jsonl" {
		return
	}
	data := r.bytes(f.Path, maxDocument)
	if data == nil {
		return
	}
	if path.Ext(f.Path) != ".jsonl" {
		r.row(f.Path, 0, kind, data)
		return
	}
	n := 0
	for line := range strings.Lines(string(data)) {
		if n++; !strings.HasSuffix(line, "\n") {
			r.problem(f.Path, n, "the last line is torn")
		}
		r.row(f.Path, n, kind, []byte(line))
	}
}

func (r *reader) row(name string, line int, kind any, data []byte) {
	if err := schema.CheckType(kind, data); err != nil {
		r.problem(name, line, "%v", err)
		return
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		r.problem(name, line, "%v", err)
		return
	}
	rest, ok := strings.CutPrefix(name, "packages/")
	if !ok {
		return
	}
	task, _, _ := strings.Cut(rest, "/")
	r.ids(name, line, task, v)
	bundle.References(data, func(key, ref string) {
		if key != "rubric_item_refs" && !r.resolves(task, ref) {
			r.problem(name, line, "%s leads to %q, which is not there", key, ref)
		}
	})
}

// ids holds what a document says of its owner against where it lies.
func (r *reader) ids(name string, line int, task string, v any) {
	doc, _ := v.(map[string]any)
	for key, want := range map[string]string{"task_id": task, "run_id": string(r.found.RunID)} {
		if got, ok := doc[key].(string); ok && got != "" && got != want {
			r.problem(name, line, "%s is %q where %q should stand", key, got, want)
		}
	}
	parts := strings.Split(name, "/")
	if got, ok := doc["attempt_id"].(string); ok && len(parts) == 5 && parts[2] == "attempts" && got != task+"_"+parts[3] {
		r.problem(name, line, "attempt_id is %q where %q should stand", got, task+"_"+parts[3])
	}
}

// resolves reports whether a reference leads to something in the folder: from its
// package, or from the root. Worktrees of a user's repository do not come along.
func (r *reader) resolves(task, ref string) bool {
	ref, _, _ = strings.Cut(ref, "#")
	ref = strings.TrimSuffix(ref, "/")
	if strings.Contains(ref, "://") {
		return true
	}
	if !filepath.IsLocal(filepath.FromSlash(ref)) {
		return false
	}
	parts := strings.SplitN(ref, "/", 4)
	if len(parts) == 4 && parts[0] == "attempts" && parts[2] == "repo" {
		return true
	}
	return r.files[path.Join("packages", task, ref)] || r.files[path.Clean(ref)]
}
