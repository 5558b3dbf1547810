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

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// gathered are the .jsonl files of a package that gather what lies in it as one JSON
// file an attempt.
var gathered = []struct {
	name string
	file string // a pattern; %s is the attempt's kind
	rows func(*Counts) *int
}{
	{"traces/agent_traces.jsonl", "attempts/%s/agent_trace.json", func(c *Counts) *int { return &c.AgentTraces }},
	{"outputs/actual_outputs.jsonl", "attempts/%s/actual_outputs.json", func(c *Counts) *int { return &c.ActualOutputs }},
	{"evaluation/grader_results.jsonl", "grading/%s_grader_result.json", func(c *Counts) *int { return &c.GraderResults }},
	{"evaluation/verifier_results.jsonl", "grading/%s_verifier_result.json", func(c *Counts) *int { return &c.VerifierResults }},
	{"evaluation/evaluator_feedback.jsonl", "feedback/%s_evaluator_feedback.json", func(c *Counts) *int { return &c.EvaluatorFeedback }},
	{"evaluation/revision_plans.jsonl", "feedback/%s_revision_plan.json", func(c *Counts) *int { return &c.RevisionPlans }},
}

// counted are the .jsonl files whose rows the manifest counts, beside gathered.
var counted = map[string]func(*Counts) *int{
	"traces/raw_agent_traces.jsonl":                 func(c *Counts) *int { return &c.RawAgentTraces },
	"evaluation/hillclimb_results.jsonl":            func(c *Counts) *int { return &c.HillclimbResults },
	"learning_data/process_supervision.jsonl":       func(c *Counts) *int { return &c.ProcessSupervision },
	"learning_data/reward_modeling.jsonl":           func(c *Counts) *int { return &c.RewardModeling },
	"learning_data/revision_preference_pairs.jsonl": func(c *Counts) *int { return &c.RevisionPreferences },
	"learning_data/training_signals.jsonl":          func(c *Counts) *int { return &c.TrainingSignals },
}

// derive writes what is made of files that are masked already.
func (b *builder) derive() error {
	for _, p := range b.passes {
		for _, g := range gathered {
			if err := b.gather(p, g.name, g.file); err != nil {
				return err
			}
		}
		for name := range counted {
			if err := b.ensure(path.Join(p.at, name)); err != nil {
				return err
			}
		}
		if err := b.index(p); err != nil {
			return err
		}
	}
	return nil
}

// written reads a file of the bundle in the making; nil when it is not there.
func (b *builder) written(name string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (b *builder) gather(p Pass, name, pattern string) error {
	var lines [][]byte
	for _, kind := range p.Kinds {
		doc, err := b.written(path.Join(p.at, fmt.Sprintf(pattern, kind)))
		if err != nil {
			return err
		}
		if doc == nil {
			continue
		}
		line, err := CompactLine(doc)
		if err != nil {
			return fmt.Errorf("gather %s: %w", name, err)
		}
		lines = append(lines, line)
	}
	return b.addMade(path.Join(p.at, name), joined(lines))
}

// ensure makes a file without rows where a package has none of a kind.
func (b *builder) ensure(name string) error {
	if slices.ContainsFunc(b.entries, func(e FileEntry) bool { return e.Path == name }) {
		return nil
	}
	return b.addMade(name, nil)
}

func (b *builder) addMade(name string, data []byte) error {
	entry, err := b.add(name, data, Copied)
	b.entries = append(b.entries, entry)
	return err
}

// index makes outputs/artifacts_index.json: the package's own rows of what is in the
// bundle, as it lies there. Paths are relative to the package.
func (b *builder) index(p Pass) error {
	data, err := os.ReadFile(filepath.Join(p.Dir, "artifacts_index.json"))
	var own []map[string]any
	if err == nil {
		err = json.Unmarshal(data, &own)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the index of package %s: %w", p.TaskID, err)
	}
	byPath := map[string]*file{}
	for _, f := range b.files {
		byPath[f.path] = f
	}
	kept := []map[string]any{}
	for _, row := range own {
		ref, _ := row["package_relative_path"].(string)
		f := byPath[placed(p.Path, ref)]
		if f == nil || f.entry.Action == Omitted {
			continue
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(f.entry.Path, p.at), "/")
		row["package_relative_path"], row["artifact_ref"] = rel, rel
		row["size_bytes"], row["content_hash"] = f.entry.Size, "sha256:"+f.entry.SHA256
		kept = append(kept, row)
	}
	b.counts.Artifacts += len(kept)
	doc, err := atomicfile.JSON(kept)
	if err != nil {
		return err
	}
	return b.addMade(path.Join(p.at, "outputs/artifacts_index.json"), doc)
}

// placed is where a reference of a package leads in the bundle.
func placed(at, ref string) string {
	to, _ := placeInPackage(ref, true)
	if to == "" {
		return ""
	}
	return path.Join(at, to)
}

// count fills in how many rows of each kind there are.
func (b *builder) count() error {
	c := &b.counts
	c.Packages = len(b.passes)
	for _, p := range b.passes {
		c.Attempts += len(p.Kinds)
		all := map[string]func(*Counts) *int{}
		for _, g := range gathered {
			all[g.name] = g.rows
		}
		for name, rows := range counted {
			all[name] = rows
		}
		for name, n := range all {
			data, err := b.written(path.Join(p.at, name))
			if err != nil {
				return err
			}
			*n(c) += rows(data)
		}
		steps, err := b.steps(path.Join(p.at, "traces/agent_traces.jsonl"))
		if err != nil {
			return err
		}
		c.TracedSteps += steps
	}
	events, err := b.written(eventsName)
	c.SessionEvents = rows(events)
	return err
}

func (b *builder) steps(name string) (n int, err error) {
	data, err := b.written(name)
	if err != nil {
		return 0, err
	}
	return countSteps(data)
}

// countSteps counts the steps of all traces of a file.
func countSteps(traces []byte) (n int, err error) {
	for line := range strings.Lines(string(traces)) {
		var trace struct {
			Steps []json.RawMessage `json:"steps"`
		}
		if err := json.Unmarshal([]byte(line), &trace); err != nil {
			return n, fmt.Errorf("count traced steps: %w", err)
		}
		n += len(trace.Steps)
	}
	return n, nil
}

// packages are the passes as the manifest names them.
func (b *builder) packages() apprentice.List[Package] {
	var list apprentice.List[Package]
	for _, p := range b.passes {
		list = append(list, Package{TaskID: p.TaskID, Path: p.at})
	}
	return list
}
