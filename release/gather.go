package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"aad/apprentice"
	"aad/bundle"
)

// gatherer writes the rows and files of runs, run by run. A run that cannot be read
// leaves nothing.
type gatherer struct {
	o       Options
	dir     string
	files   map[string]*rowFile // by dataset; and the index of files
	counts  DatasetCounts
	quality QualityReport
	ids     []string
	left    []LeftOut
	ruled   map[string]int // files that a rule left out, by its place in rules
	private map[string]*private
	run     partial
}

// partial is what a run added; it counts when the run is whole.
type partial struct {
	counts  DatasetCounts
	left    []LeftOut
	ruled   map[string]int
	private map[string]*private
	quality []func(*QualityReport) error
	folders []string
}

// rules say which files of a package no release has, and why.
var rules = []struct{ pattern, why string }{
	{"README.md", "packages_index.jsonl tells it"},
	{"manifest.json", "packages_index.jsonl tells it"},
	{"package_manifest.json", "full_task_records.jsonl has it"},
	{"task/task_intake_quality_report.json", "full_task_records.jsonl has it"},
	{"rubric/rubric_quality_report.json", "full_task_records.jsonl has it"},
	{"rubric/verifier_private_rubric.json", "rubrics.jsonl has it, public/ what an apprentice was shown of it"},
	{"feedback/revision_plan.json", "revision_plans.jsonl has it"},
	{"attempts/*/actual_outputs_normalization_report.json", "a report on how a file came to be"},
	{"attempts/*/contract_diagnostics.json", "a report on how a file came to be"},
	{"attempts/*/prompt.md", "a prompt or log"},
	{"attempts/*/stdout.txt", "a prompt or log"},
	{"attempts/*/stderr.txt", "a prompt or log"},
	{"attempts/*/stream.jsonl", "a prompt or log; raw_agent_traces.jsonl has its records"},
}

func newGatherer(dir string, o Options) (*gatherer, error) {
	g := &gatherer{o: o, dir: dir, files: map[string]*rowFile{}, ruled: map[string]int{}, private: map[string]*private{}, quality: newQuality()}
	for _, name := range rowNames() {
		path, list := rowsPath(dir, name)
		f, err := createRows(path, list)
		if err != nil {
			return g, errors.Join(err, g.close())
		}
		g.files[name] = f
	}
	return g, nil
}

// rowNames are all files of rows: those of the datasets, and the index of files.
func rowNames() []string {
	var names []string
	for _, d := range datasets {
		names = append(names, d.name)
	}
	return append(names, indexName)
}

func (g *gatherer) close() error {
	var err error
	for _, f := range g.files {
		err = errors.Join(err, f.close())
	}
	return err
}

// add gathers a run. What is wrong with the run is told in left_out; an error is that
// of the release.
func (g *gatherer) add(ctx context.Context, id apprentice.RunID) error {
	g.run = partial{ruled: map[string]int{}, private: map[string]*private{}}
	err := g.take(ctx, id)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var disk *writeError
	if errors.As(err, &disk) {
		return disk.err
	}
	if err != nil {
		return g.undo(id, err)
	}
	for _, f := range g.files {
		f.keep()
	}
	g.ids = append(g.ids, string(id))
	g.left = append(g.left, g.run.left...)
	g.counts.Runs++
	g.counts.Packages += g.run.counts.Packages
	g.counts.Attempts += g.run.counts.Attempts
	g.counts.TracedSteps += g.run.counts.TracedSteps
	g.counts.Artifacts += g.run.counts.Artifacts
	g.counts.ArtifactSize += g.run.counts.ArtifactSize
	for pattern, n := range g.run.ruled {
		g.ruled[pattern] += n
	}
	for task, p := range g.run.private {
		g.private[task] = p
	}
	for _, count := range g.run.quality {
		if err := count(&g.quality); err != nil {
			return err
		}
	}
	return nil
}

// writeError is a failure of the release's own disk, which no other run would mend.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// undo takes back what a run wrote, and says why it is left out.
func (g *gatherer) undo(id apprentice.RunID, why error) error {
	for _, f := range g.files {
		if err := f.undo(); err != nil {
			return err
		}
	}
	for _, dir := range g.run.folders {
		if err := os.RemoveAll(filepath.Join(g.dir, filepath.FromSlash(dir))); err != nil {
			return err
		}
	}
	text := why.Error()
	if errors.Is(why, fs.ErrNotExist) {
		text = "its folder is not whole: " + text
	}
	g.left = append(g.left, LeftOut{RunID: string(id), Why: text})
	return nil
}

func (g *gatherer) take(ctx context.Context, id apprentice.RunID) error {
	run, err := g.o.Run(id)
	if err != nil {
		return err
	}
	switch {
	case run.Live():
		return fmt.Errorf("it has not ended: %s", run.QueueState)
	case run.StopReason == apprentice.StopRejected:
		return errors.New("it was rejected: its experience does not leave")
	}
	passes, err := bundle.PackagesOf(bundle.Source{Folder: g.o.Folder(id), Run: run})
	if err != nil {
		return err
	}
	passes = slices.DeleteFunc(passes, func(p bundle.Pass) bool { return len(p.Kinds) == 0 })
	if len(passes) == 0 {
		return errors.New("it has no attempt")
	}
	for n, p := range passes {
		if err := ctx.Err(); err != nil {
			return err
		}
		one := &taking{gatherer: g, Pass: p, run: run, latest: n == len(passes)-1, docs: map[string][]byte{}}
		if err := one.take(n); err != nil {
			return fmt.Errorf("package %s: %w", p.TaskID, err)
		}
	}
	return nil
}
