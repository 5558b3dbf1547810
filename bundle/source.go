package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/bundle/sanitise"
)

// Source is the run of which a bundle is made. Its folder is read and, but for
// contribution_bundle/, not altered.
type Source struct {
	Folder  string            // of the run
	Run     apprentice.Run    // with what it came to, also while it has not ended yet
	Specs   []apprentice.Spec // of its passes, in order
	Version string            // of aad
	Created time.Time
}

// Options say what goes into a bundle. The zero value looks for secrets alone, gives
// no licence and includes neither logs nor what cannot be read.
type Options struct {
	Scanner *sanitise.Scanner // of what must not leave; nil looks for secrets alone
	Labels  map[string]string // placeholders of known folders
	Debug   bool              // prompts and logs too
	License string
	Consent string // not_given, text or all: all includes what cannot be read as text
	// Limit is the size in bytes of a file above which it is only referenced; 0 is
	// DefaultLimit.
	Limit int64
	// Key is the path of an SSH private key that signs SHA256SUMS, "" for none.
	Key string
}

// DefaultLimit is the size above which a file is only referenced.
const DefaultLimit = 16 << 20

// item is one file that a bundle may hold: from the run folder, or made.
type item struct {
	path string                 // in the bundle, as it would be without masking
	from string                 // on disk, "" when it is made
	made func() ([]byte, error) // from the run folder's own files
	why  string                 // why it is left out, "" when it is not
}

// Pass is one package of the run that has a folder.
type Pass struct {
	Package
	Dir   string   // its folder in the run
	Kinds []string // of its attempts, in the order in which they were made
	at    string   // where it lies in the bundle: Path, masked
}

// PackagesOf finds the packages of the run, in the order of its passes.
func PackagesOf(src Source) ([]Pass, error) {
	var list []Pass
	for n := range src.Run.Pass + 1 {
		task := apprentice.TaskOf(src.Run.RunID, n)
		dir := filepath.Join(src.Folder, "packages", string(task))
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			continue // recorded only, or never begun
		} else if err != nil {
			return nil, fmt.Errorf("look for package %s: %w", task, err)
		}
		kinds, err := attemptsIn(dir)
		if err != nil {
			return nil, err
		}
		list = append(list, Pass{Package: Package{TaskID: string(task)}, Dir: dir, Kinds: kinds})
	}
	if len(list) > 1 {
		for i := range list {
			list[i].Path = path.Join("packages", list[i].TaskID)
		}
	}
	return list, nil
}

// attemptsIn lists a package's attempts in the order in which they were made.
func attemptsIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "attempts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list attempts: %w", err)
	}
	var kinds []string
	for n := range entries {
		kind := string(apprentice.KindOfAttempt(n))
		if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.IsDir() && e.Name() == kind }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds, nil
}

// itemsOf lists everything of the run that may go into its bundle, sorted by path.
func itemsOf(src Source, o Options, passes []Pass) ([]item, error) {
	items := []item{{path: "task/task_instruction.md", from: filepath.Join(src.Folder, "task", "task_instruction.md")}}
	for from, to := range map[string]string{"task/task_instruction_assets": "task/task_instruction_assets", "mentor_checkpoints": "mentor_checkpoints"} {
		found, err := tree(filepath.Join(src.Folder, filepath.FromSlash(from)), to, nil)
		if err != nil {
			return nil, err
		}
		items = append(items, found...)
	}
	for _, p := range passes {
		found, err := tree(p.Dir, p.Path, func(rel string) (string, string) { return placeInPackage(rel, o.Debug) })
		if err != nil {
			return nil, err
		}
		for i, one := range found {
			if one.from == filepath.Join(p.Dir, "signals", hillclimbName) {
				found[i].made = func() ([]byte, error) { return oneRow(one.from) }
			}
		}
		items = append(items, found...)
		items = append(items, item{path: path.Join(p.Path, "traces/raw_agent_traces.jsonl"), made: p.rawTraces})
	}
	roles, err := tree(filepath.Join(src.Folder, "roles"), "roles", func(rel string) (string, string) { return rel, logOnly(o.Debug) })
	if err != nil {
		return nil, err
	}
	items = append(items, roles...)
	items = append(items, item{path: eventsName, from: filepath.Join(src.Folder, "session_events.jsonl")})
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.path, b.path) })
	return items, nil
}

// hillclimbName is the one result of a package that becomes a file of rows.
const hillclimbName = "hillclimb_result.json"

// oneRow makes a file of rows of one JSON document.
func oneRow(file string) ([]byte, error) {
	doc, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return CompactLine(doc)
}

// placeInPackage says where a file of a package lies in the bundle, "" for nowhere,
// and why it is left out of it.
func placeInPackage(rel string, debug bool) (to, why string) {
	switch top, rest, _ := strings.Cut(rel, "/"); top {
	case readmeName, "artifacts_index.json": // the bundle has its own
		return "", ""
	case "aside":
		return rel, "of an attempt that was put aside"
	case "signals":
		if rest == hillclimbName {
			return "evaluation/hillclimb_results.jsonl", ""
		}
		return "learning_data/" + rest, ""
	case "attempts":
		_, name, _ := strings.Cut(rest, "/")
		switch {
		case name == "prompt.md", name == "stdout.txt", name == "stderr.txt", name == "stream.jsonl":
			return rel, logOnly(debug)
		case strings.HasPrefix(name, "input/"):
			return rel, InputAgain
		}
	}
	return rel, ""
}

// InputAgain marks an attempt's copy of an input: it is left out where the package
// has the same.
const InputAgain = "the same as "

func logOnly(debug bool) string {
	if debug {
		return ""
	}
	return "a prompt or log; --include-debug adds it"
}

// File is a file that lies in a package, or why it is left out.
type File struct{ Path, From, Why string }

// Files lists the files of a package that place gives a place; see tree. Copies of
// the package's inputs are among them only where they differ from those.
func (p Pass) Files(place func(rel string) (to, why string)) (list []File, err error) {
	items, err := tree(p.Dir, "", place)
	for _, i := range items {
		list = append(list, File{i.path, i.from, i.why})
	}
	return list, err
}

// tree lists the regular files below a folder, with their place in the bundle. A
// folder that is not there has none. Links are named and left out.
func tree(dir, to string, place func(rel string) (to, why string)) (items []item, err error) {
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if errors.Is(err, fs.ErrNotExist) && file == dir {
				return nil
			}
			if err == nil && isWorktree(file) {
				return fs.SkipDir
			}
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		i := item{path: filepath.ToSlash(rel), from: file}
		if place != nil {
			if i.path, i.why = place(i.path); i.path == "" {
				return nil
			}
		}
		i.path = path.Join(to, i.path)
		if !d.Type().IsRegular() {
			i.why, i.from = "it is no regular file", "" // a link may lead anywhere
		}
		if i.why == InputAgain && i.from != "" {
			i.why = sameInput(dir, rel)
		}
		items = append(items, i)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	return items, nil
}

// isWorktree reports a worktree of the user's repository: that is the user's, and what
// the attempt did to it is in the attempt's artifacts, as a patch.
func isWorktree(dir string) bool {
	if filepath.Base(dir) != "repo" {
		return false
	}
	info, err := os.Lstat(filepath.Join(dir, ".git"))
	return err == nil && info.Mode().IsRegular()
}

// sameInput names the package's own input that an attempt's equals, "" for none.
func sameInput(dir, rel string) string {
	parts := strings.SplitN(filepath.ToSlash(rel), "/", 4)
	own := path.Join("input", parts[3])
	a, errA := os.Stat(filepath.Join(dir, rel))
	b, errB := os.Stat(filepath.Join(dir, filepath.FromSlash(own)))
	if errA != nil || errB != nil || a.Size() != b.Size() {
		return ""
	}
	x, _, errA := SumOf(filepath.Join(dir, rel))
	y, _, errB := SumOf(filepath.Join(dir, filepath.FromSlash(own)))
	if errA != nil || errB != nil || x != y {
		return ""
	}
	return InputAgain + own
}

// RawTrace is a row of raw_agent_traces.jsonl: what an agent itself told of an
// attempt, its own trace or the records that it printed.
type RawTrace struct {
	TaskID      string            `json:"task_id"`
	AttemptID   string            `json:"attempt_id"`
	AttemptKind string            `json:"attempt_kind"`
	Source      string            `json:"source"` // the file it stood in, or why there is none
	RawTrace    any               `json:"raw_trace,omitempty"`
	RawText     string            `json:"raw_text,omitempty"` // of a trace that is no JSON
	Records     []json.RawMessage `json:"records,omitempty"`
}

func (p Pass) rawTraces() ([]byte, error) {
	var lines [][]byte
	for _, kind := range p.Kinds {
		row, err := p.RawTrace(kind, maxStream)
		if err != nil {
			return nil, err
		}
		line, err := JSONLine(row)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return joined(lines), nil
}

// maxStream bounds what is taken for a raw trace.
const maxStream = 32 << 20

// RawTrace reads what the agent of an attempt told, where that has at most so many
// bytes.
func (p Pass) RawTrace(kind string, most int64) (RawTrace, error) {
	row := RawTrace{TaskID: p.TaskID, AttemptID: p.TaskID + "_" + kind, AttemptKind: kind}
	for _, name := range []string{"agent_trace.raw.json", "stream.jsonl"} {
		file := filepath.Join(p.Dir, "attempts", kind, name)
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return row, fmt.Errorf("read what an agent told: %w", err)
		}
		if row.Source = name; info.Size() > most {
			row.Source = fmt.Sprintf("none: %s has %d bytes", name, info.Size())
			return row, nil
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return row, fmt.Errorf("read what an agent told: %w", err)
		}
		row.take(data)
		return row, nil
	}
	row.Source = "none: the agent told nothing of itself"
	return row, nil
}

// take fills in what the source holds.
func (row *RawTrace) take(data []byte) {
	switch {
	case row.Source == "stream.jsonl":
	case json.Valid(data):
		row.RawTrace = json.RawMessage(data)
		return
	default:
		row.RawText = string(data)
		return
	}
	row.Records = []json.RawMessage{}
	for line := range strings.Lines(string(data)) {
		if json.Valid([]byte(line)) {
			row.Records = append(row.Records, json.RawMessage(strings.TrimSpace(line)))
		}
	}
}
