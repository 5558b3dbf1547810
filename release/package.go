package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/schema"
)

// taking is a package being gathered.
type taking struct {
	*gatherer
	bundle.Pass
	run    apprentice.Run
	latest bool
	docs   map[string][]byte // single documents of it, by their path
	steps  int
	files  int
	size   int64
}

func (t *taking) take(n int) error {
	for _, d := range datasets {
		if d.from == "" {
			continue
		}
		if err := t.gather(d); err != nil {
			return err
		}
	}
	for _, kind := range t.Kinds {
		raw, err := t.RawTrace(kind, maxRaw)
		if err != nil {
			return err
		}
		if err := t.put("raw_agent_traces", raw); err != nil {
			return err
		}
	}
	if err := t.copyFiles(); err != nil {
		return err
	}
	if err := t.full(); err != nil {
		return err
	}
	if err := t.roles(); err != nil {
		return err
	}
	return t.index(n)
}

// gather writes the rows of a dataset that lie in the package as they are.
func (t *taking) gather(d dataset) error {
	if !strings.Contains(d.from, "{kind}") {
		return t.rowsFrom(d, d.from)
	}
	for _, kind := range t.Kinds {
		if err := t.rowsFrom(d, strings.ReplaceAll(d.from, "{kind}", kind)); err != nil {
			return err
		}
	}
	return nil
}

// rowsFrom writes the rows of one file; one that is not there has none.
func (t *taking) rowsFrom(d dataset, name string) error {
	data, err := t.read(name)
	if err != nil || data == nil {
		return err
	}
	if filepath.Ext(name) == ".json" {
		var line bytes.Buffer
		if err := json.Compact(&line, data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if d.name != "agent_traces" {
			t.docs[name] = line.Bytes()
		}
		return t.row(d, name, line.Bytes())
	}
	n := 0
	for line := range bytes.Lines(data) {
		if n++; line[len(line)-1] != '\n' {
			return fmt.Errorf("%s: line %d is torn", name, n)
		}
		if err := t.row(d, fmt.Sprintf("%s: line %d", name, n), bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
	}
	return nil
}

// read reads a file of the package, nil when it is not there.
func (t *taking) read(name string) ([]byte, error) {
	path := filepath.Join(t.Dir, filepath.FromSlash(name))
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxRow:
		return nil, fmt.Errorf("%s is no file of at most %d MiB", name, maxRow>>20)
	}
	return os.ReadFile(path)
}

// row writes one row, if it is what it should be.
func (t *taking) row(d dataset, name string, line []byte) error {
	if err := schema.CheckType(d.value, line); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if d.name == "rubric_items" { // the only rows that do not name their task
		var err error
		if line, err = t.withTask(line); err != nil {
			return err
		}
	}
	if task := taskOf(line); task != t.TaskID { // what is hidden of a task is found by its id
		return fmt.Errorf("%s: it belongs to task %q", name, task)
	}
	if d.name == "agent_traces" {
		var trace struct {
			Steps []json.RawMessage `json:"steps"`
		}
		if err := json.Unmarshal(line, &trace); err != nil {
			return err
		}
		t.steps += len(trace.Steps)
	}
	return t.write(d.name, line)
}

// withTask adds the task to the metadata of a rubric's item.
func (t *taking) withTask(line []byte) ([]byte, error) {
	var item apprentice.RubricItem
	if err := json.Unmarshal(line, &item); err != nil {
		return nil, err
	}
	if item.MetadataJSON == nil {
		item.MetadataJSON = map[string]any{}
	}
	item.MetadataJSON["task_id"] = t.TaskID
	t.hide(item)
	return compact(item)
}

// put writes a row that was made here, of what was checked where it was read.
func (t *taking) put(name string, row any) error {
	line, err := compact(row)
	if err != nil {
		return err
	}
	return t.write(name, line)
}

func (t *taking) write(name string, line []byte) error {
	if len(line) > mostOfRow {
		return fmt.Errorf("a row of %s has more than %d MiB", name, maxRow>>20)
	}
	if err := t.gatherer.files[name].add(line); err != nil {
		return &writeError{err}
	}
	return nil
}

// doc fills in a document of the package, if it is there.
func doc[T any](t *taking, name string, to **T) error {
	data := t.docs[name]
	if data == nil {
		var err error
		if data, err = t.read(name); err != nil || data == nil {
			return err
		}
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// full writes the row of full_task_records.
func (t *taking) full() error {
	f := FullTaskRecord{RunID: string(t.run.RunID), TaskID: t.TaskID}
	err := errors.Join(
		doc(t, "task/raw_task_record.json", &f.Task), doc(t, "task/task_intake_spec.json", &f.Intake),
		doc(t, "task/task_intake_quality_report.json", &f.IntakeQuality), doc(t, "rubric/rubric.json", &f.Rubric),
		doc(t, "rubric/rubric_quality_report.json", &f.RubricQuality), doc(t, "package_manifest.json", &f.Manifest),
		doc(t, "signals/hillclimb_result.json", &f.Hillclimb), doc(t, "signals/lesson_pack.json", &f.Lesson))
	for _, kind := range t.Kinds {
		a := FullAttempt{AttemptID: t.TaskID + "_" + kind}
		err = errors.Join(err, doc(t, "attempts/"+kind+"/actual_outputs.json", &a.Outputs),
			doc(t, "grading/"+kind+"_grader_result.json", &a.Grade), doc(t, "grading/"+kind+"_verifier_result.json", &a.Verify),
			doc(t, "feedback/"+kind+"_evaluator_feedback.json", &a.Feedback), doc(t, "feedback/"+kind+"_revision_plan.json", &a.Plan))
		f.Attempts = append(f.Attempts, a)
	}
	if err != nil {
		return err
	}
	if f.Rubric != nil {
		for _, item := range f.Rubric.RubricItems {
			t.hide(item)
		}
	}
	for _, a := range f.Attempts {
		if a.Grade != nil && a.Grade.HiddenReferenceLeaked || a.Verify != nil && a.Verify.HiddenReferenceLeaked ||
			a.Feedback != nil && a.Feedback.HiddenReferenceLeaked {
			t.secretOf().leaked = true
		}
	}
	line, err := compact(f)
	if err != nil {
		return err
	}
	t.gatherer.run.quality = append(t.gatherer.run.quality, func(q *QualityReport) error { return q.attempts(line) })
	return t.write("full_task_records", line)
}

// index writes the row of packages_index. The latest package is told by the run,
// earlier ones by the grade of the attempt that was selected.
func (t *taking) index(n int) error {
	var m *apprentice.PackageManifest
	if err := doc(t, "package_manifest.json", &m); err != nil {
		return err
	}
	r := t.run
	row := PackageRow{RunID: string(r.RunID), TaskID: t.TaskID, Pass: n, Title: r.Title, Agent: r.Agent, MentorMode: r.MentorMode,
		TaskStatus: string(r.TaskStatus), Verdict: string(r.Verdict), FinalScore: r.FinalScore, JudgedBy: r.JudgedBy,
		StopReason: string(r.StopReason), SelectedID: string(r.SelectedID), TracedSteps: t.steps, Files: t.files, Size: t.size,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt}
	for _, kind := range t.Kinds {
		row.AttemptIDs = append(row.AttemptIDs, t.TaskID+"_"+kind)
	}
	for _, p := range r.Packs {
		row.Packs = append(row.Packs, p.PackID)
	}
	if m != nil {
		row.StopReason, row.SelectedID = m.LoopStopReason, m.SelectedAttemptID
	}
	if !t.latest {
		if err := t.earlier(&row); err != nil {
			return err
		}
	}
	if row.Verdict == "" {
		row.Verdict = string(apprentice.Unreviewed)
	}
	if t.files > 0 {
		row.Path = packagesName + "/" + t.TaskID
	}
	c := &t.gatherer.run.counts
	c.Packages++
	c.Attempts += len(t.Kinds)
	c.TracedSteps += t.steps
	t.gatherer.run.quality = append(t.gatherer.run.quality, func(q *QualityReport) error { q.count(row); return nil })
	return t.put("packages_index", row)
}

// earlier tells of a package that the run's own record tells no more.
func (t *taking) earlier(row *PackageRow) error {
	kind := strings.TrimPrefix(row.SelectedID, t.TaskID+"_")
	var g *apprentice.GraderResult
	var o *apprentice.ActualOutputs
	if err := errors.Join(doc(t, "grading/"+kind+"_grader_result.json", &g), doc(t, "attempts/"+kind+"/actual_outputs.json", &o)); err != nil {
		return err
	}
	row.Verdict, row.FinalScore, row.JudgedBy, row.TaskStatus = string(apprentice.Unreviewed), nil, "", string(apprentice.StatusPartial)
	if o != nil && o.Status == "success" {
		row.TaskStatus = string(apprentice.StatusCompleted)
	}
	if g == nil || g.GraderKind == "unavailable" {
		return nil
	}
	row.Verdict, row.FinalScore, row.JudgedBy = string(apprentice.FailedReview), &g.Score, g.GraderKind
	if g.Passed {
		row.Verdict = string(apprentice.Passed)
	}
	return nil
}

// roles writes the rows of role_results_index: of the run's first package, whose task
// they name.
func (t *taking) roles() error {
	var task *apprentice.RawTaskRecord
	if err := doc(t, "task/raw_task_record.json", &task); err != nil || task == nil {
		return err
	}
	dir := filepath.Join(t.o.Folder(t.run.RunID), "roles", task.RawTaskID)
	found, err := filepath.Glob(filepath.Join(globSafe(dir), "*", "*", "role_result.json"))
	if err != nil {
		return err
	}
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := schema.CheckType(apprentice.RoleResult{}, data); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		row := RoleRow{RunID: string(t.run.RunID), TaskID: t.TaskID, RawTaskID: task.RawTaskID, Attempt: filepath.Base(filepath.Dir(path))}
		if err := json.Unmarshal(data, &row.RoleResult); err != nil {
			return err
		}
		row.PromptRef, row.OutputRef, row.ParsedOutputRef = "", "", "" // they stay where they are
		if err := t.put("role_results_index", row); err != nil {
			return err
		}
	}
	return nil
}
