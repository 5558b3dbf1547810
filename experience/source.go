package experience

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
)

// The files that lessons are drawn from, below a run folder, a bundle or a dataset.
// They are aad's own; what agents delivered is not among them.
var patterns = []string{
	"packages/*/signals/lesson_pack.json", "packages/*/signals/hillclimb_result.json", "packages/*/feedback/*_revision_plan.json",
	"packages/*/feedback/*_evaluator_feedback.json", "packages/*/task/task_intake_spec.json",
	"evaluation/*.jsonl", "packages/*/evaluation/*.jsonl", "learning_data/*.jsonl", "packages/*/learning_data/*.jsonl",
	"task/task_intake_spec.json", "signals/lesson_pack.json", "packages/*/task/*.json", "task/*.json",
	"lesson_packs.jsonl", "hillclimb_results.jsonl", "revision_plans.jsonl", "evaluator_feedback.jsonl", "task_intake_specs.jsonl",
}

const (
	maxFile  = 64 << 20 // larger files are refused
	maxTotal = 512 << 20
)

// record is one row that says something, with the file it stands in.
type record struct {
	ref  string
	line []byte
}

// found is what was read of one source.
type found struct {
	source   Source
	lessons  []of[apprentice.LessonPack]
	climbs   []of[apprentice.HillclimbResult]
	plans    []of[apprentice.RevisionPlan]
	feedback []of[apprentice.EvaluatorFeedback]
	tasks    []of[apprentice.TaskIntakeSpec]
}

type of[T any] struct {
	ref string
	row T
}

// open tells what kind of folder a source is, and how it is called.
func open(dir string) (Source, error) {
	for _, k := range []struct{ kind, file, id string }{
		{"run", "session.json", "run_id"}, {"bundle", "contribution_manifest.json", "bundle_id"}, {"dataset", "dataset_manifest.json", "dataset_id"},
	} {
		data, err := os.ReadFile(filepath.Join(dir, k.file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Source{}, fmt.Errorf("read source %s: %w", dir, err)
		}
		var fields map[string]any
		if err := json.Unmarshal(data, &fields); err != nil {
			return Source{}, apprentice.Errorf(apprentice.Invalid, "%s of %s is no JSON object: %v", k.file, dir, err)
		}
		id, _ := fields[k.id].(string)
		if id == "" {
			id = filepath.Base(dir)
		}
		return Source{Ref: k.kind + ":" + id, Kind: k.kind}, nil
	}
	return Source{}, apprentice.Errorf(apprentice.Invalid, "%s is no run folder, no bundle and no dataset", dir).
		WithHint("it would hold session.json, contribution_manifest.json or dataset_manifest.json")
}

// read takes in what a source says that can be learnt from.
func read(dir string) (found, error) {
	f := found{}
	source, err := open(dir)
	if err != nil {
		return f, err
	}
	f.source = source
	root, err := os.OpenRoot(dir)
	if err != nil {
		return f, fmt.Errorf("read source %s: %w", dir, err)
	}
	defer root.Close()
	var names []string
	for _, p := range patterns {
		some, err := fs.Glob(root.FS(), p)
		if err != nil {
			return f, fmt.Errorf("read source %s: %w", dir, err)
		}
		names = append(names, some...)
	}
	slices.Sort(names)
	sum, total := sha256.New(), int64(0)
	for _, name := range slices.Compact(names) {
		data, err := readBounded(root, name)
		if err != nil {
			return f, fmt.Errorf("read source %s: %w", dir, err)
		}
		if total += int64(len(data)); total > maxTotal {
			return f, apprentice.Errorf(apprentice.Invalid, "%s holds more than %d bytes to learn from", dir, maxTotal)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(data))
		sum.Write(data)
		if err := f.take(name, data); err != nil {
			return f, apprentice.Errorf(apprentice.Invalid, "%s of %s cannot be read: %v", name, dir, err)
		}
	}
	f.source.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if len(f.tasks) > 0 {
		f.source.Title = f.tasks[0].row.NormalizedTitle
	}
	return f, nil
}

func readBounded(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", name, maxFile)
	}
	return root.ReadFile(name)
}

// take reads the rows of a file by what its name says they are.
func (f *found) take(name string, data []byte) error {
	base := strings.TrimSuffix(filepath.Base(name), "l")
	for i, r := range rows(f.source.Ref+"#"+name, data, strings.HasSuffix(name, ".jsonl")) {
		if f.source.Kind == "dataset" { // each row is of another package
			r.ref = fmt.Sprintf("%s:%d", r.ref, i+1)
		}
		var err error
		switch {
		case strings.HasPrefix(base, "lesson_pack"):
			err = add(&f.lessons, r)
		case strings.HasPrefix(base, "hillclimb_result"):
			err = add(&f.climbs, r)
		case strings.HasSuffix(base, "_revision_plan.json"), base == "revision_plans.json":
			err = add(&f.plans, r)
		case strings.HasSuffix(base, "evaluator_feedback.json"):
			err = add(&f.feedback, r)
		case strings.HasPrefix(base, "task_intake_spec"):
			err = add(&f.tasks, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func rows(ref string, data []byte, lines bool) (out []record) {
	if !lines {
		return []record{{ref, data}}
	}
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, maxFile)
	for scan.Scan() {
		if line := bytes.TrimSpace(scan.Bytes()); len(line) > 0 {
			out = append(out, record{ref, slices.Clone(line)})
		}
	}
	return out
}

func add[T any](to *[]of[T], r record) error {
	var row T
	if err := json.Unmarshal(r.line, &row); err != nil {
		return err
	}
	*to = append(*to, of[T]{r.ref, row})
	return nil
}
