package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
)

// Message is one turn of a conversation, as chat templates read it.
type Message struct {
	Role    string `json:"role" enum:"system|user|assistant"`
	Content string `json:"content"`
}

// The rows of the training formats are the dataset types that the trainers of Hugging
// Face TRL read: conversational language modelling, preference, unpaired preference
// with a score, and stepwise supervision. Further columns are ignored by them.

// SFTRow is an attempt to imitate: the selected one of a package that passed.
type SFTRow struct {
	Messages []Message `json:"messages"`
	TaskID   string    `json:"task_id"`
	Attempt  string    `json:"attempt_id"`
	Score    *float64  `json:"score,omitempty"`
}

// DPORow is a pair of attempts of which one is preferred.
type DPORow struct {
	Prompt   []Message `json:"prompt"`
	Chosen   []Message `json:"chosen"`
	Rejected []Message `json:"rejected"`
	Margin   float64   `json:"margin"`
	TaskID   string    `json:"task_id"`
}

// RewardRow is one graded attempt.
type RewardRow struct {
	Prompt     []Message `json:"prompt"`
	Completion []Message `json:"completion"`
	Label      bool      `json:"label"`
	Score      float64   `json:"score"`
	TaskID     string    `json:"task_id"`
	Attempt    string    `json:"attempt_id"`
}

// ProcessRow is an attempt step by step; a step without a label of its own is taken
// for sound where nothing was observed to fail.
type ProcessRow struct {
	Prompt      string   `json:"prompt"`
	Completions []string `json:"completions"`
	Labels      []bool   `json:"labels"`
	TaskID      string   `json:"task_id"`
	Attempt     string   `json:"attempt_id"`
}

// learnt is what a package holds to learn from.
type learnt struct {
	Package
	selected string
	traces   []apprentice.AgentTrace
	outputs  map[string]apprentice.ActualOutputs
	rewards  []apprentice.RewardModelingExample
	pairs    []apprentice.RevisionPreferencePair
	process  []apprentice.ProcessSupervisionExample
}

func (b opened) learnt(p Package) (learnt, error) {
	l := learnt{Package: p, outputs: map[string]apprentice.ActualOutputs{}}
	outputs, err := readRows[apprentice.ActualOutputs](b, path.Join(p.Path, "outputs/actual_outputs.jsonl"))
	for _, o := range outputs {
		l.outputs[o.AttemptID] = o
	}
	var errs [5]error
	l.traces, errs[0] = readRows[apprentice.AgentTrace](b, path.Join(p.Path, "traces/agent_traces.jsonl"))
	l.rewards, errs[1] = readRows[apprentice.RewardModelingExample](b, path.Join(p.Path, "learning_data/reward_modeling.jsonl"))
	l.pairs, errs[2] = readRows[apprentice.RevisionPreferencePair](b, path.Join(p.Path, "learning_data/revision_preference_pairs.jsonl"))
	l.process, errs[3] = readRows[apprentice.ProcessSupervisionExample](b, path.Join(p.Path, "learning_data/process_supervision.jsonl"))
	l.selected, errs[4] = b.selected(p)
	return l, errors.Join(append(errs[:], err)...)
}

func (b opened) selected(p Package) (string, error) {
	var m struct {
		Selected string `json:"selected_attempt_id"`
	}
	data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(path.Join(p.Path, "package_manifest.json"))))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	return m.Selected, err
}

// readRows reads a .jsonl file of the bundle; none when it was left out.
func readRows[T any](b opened, name string) ([]T, error) {
	data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []T
	for line := range strings.Lines(string(data)) {
		var row T
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		list = append(list, row)
	}
	return list, nil
}

func (b opened) trainingTo(format, to string) (n int, err error) {
	err = write(to, func(w io.Writer) error {
		for _, p := range b.manifest.Packages {
			l, err := b.learnt(p)
			if err != nil {
				return err
			}
			rows, err := b.rowsOf(format, l)
			if err != nil {
				return err
			}
			for _, row := range rows {
				line, err := JSONLine(row)
				if err != nil {
					return err
				}
				if _, err := w.Write(line); err != nil {
					return err
				}
				n++
			}
		}
		return nil
	})
	return n, err
}

func (b opened) rowsOf(format string, l learnt) (rows []any, err error) {
	switch format {
	case "sft":
		for _, r := range l.rewards {
			if r.Passed && r.AttemptID == l.selected {
				rows = append(rows, SFTRow{append(l.prompt(r.AttemptID), b.answer(l, r.AttemptID)...), l.TaskID, r.AttemptID, &r.FinalScore})
			}
		}
	case "dpo":
		for _, p := range l.pairs {
			if p.ScoreDelta != 0 { // at equality nothing was preferred
				rows = append(rows, DPORow{l.prompt(p.ChosenAttemptID), b.answer(l, p.ChosenAttemptID), b.answer(l, p.RejectedAttemptID), max(p.ScoreDelta, -p.ScoreDelta), l.TaskID})
			}
		}
	case "reward":
		for _, r := range l.rewards {
			rows = append(rows, RewardRow{l.prompt(r.AttemptID), b.answer(l, r.AttemptID), r.Passed, r.FinalScore, l.TaskID, r.AttemptID})
		}
	case "process":
		for _, t := range l.traces {
			if row, ok := l.steps(t); ok {
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// prompt is what the apprentice was told: the first step of the trace.
func (l learnt) prompt(attempt string) []Message {
	for _, t := range l.traces {
		if t.AttemptID == attempt && len(t.Steps) > 0 && t.Steps[0].Input != "" {
			return []Message{{"user", t.Steps[0].Input}}
		}
		if t.AttemptID == attempt {
			return []Message{{"user", t.Task}}
		}
	}
	return []Message{{"user", ""}}
}

// answer is what an attempt did and delivered, in one turn: its steps in words, then
// its text files.
func (b opened) answer(l learnt, attempt string) []Message {
	var t strings.Builder
	for _, trace := range l.traces {
		if trace.AttemptID != attempt {
			continue
		}
		for _, s := range trace.Steps {
			if text := stepText(s); text != "" && s.Action != "user_message" {
				t.WriteString(text + "\n")
			}
		}
	}
	for _, ref := range l.outputs[attempt].DeliverableRefs {
		if text, ok := b.delivered(l.Package, ref); ok {
			fmt.Fprintf(&t, "\n%s:\n```\n%s\n```\n", path.Base(ref), strings.TrimRight(text, "\n"))
		}
	}
	if t.Len() == 0 {
		t.WriteString(l.outputs[attempt].OutputSummary)
	}
	return []Message{{"assistant", strings.TrimSpace(t.String())}}
}

// maxQuoted bounds a deliverable that is quoted in training data.
const maxQuoted = 64 << 10

func (b opened) delivered(p Package, ref string) (string, bool) {
	name := path.Join(p.Path, ref)
	for _, e := range b.manifest.Files {
		if e.Path != name || e.Action == Omitted || e.Size > maxQuoted {
			continue
		}
		data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(name)))
		if err == nil && !slices.Contains(data, 0) {
			return string(data), true
		}
	}
	return "", false
}

// stepText is a step in words.
func stepText(s apprentice.AgentTraceStep) string {
	var parts []string
	for _, part := range []string{s.Reasoning, labelled(s.Tool, s.Command, s.Input), s.Output, s.Observation} {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n")
}

func labelled(tool, command, input string) string {
	if command != "" {
		input = command
	}
	if tool == "" || input == "" {
		return input
	}
	return tool + ": " + input
}

// steps is an attempt as stepwise supervision.
func (l learnt) steps(t apprentice.AgentTrace) (ProcessRow, bool) {
	row := ProcessRow{Prompt: t.Task, TaskID: l.TaskID, Attempt: t.AttemptID, Completions: []string{}, Labels: []bool{}}
	for _, s := range t.Steps {
		if s.Action == "user_message" {
			continue
		}
		sound := s.Success == nil || *s.Success
		for _, e := range l.process {
			if e.AttemptID == t.AttemptID && e.Step == s.Step {
				sound = e.StepQualityLabel != "negative" && (e.StepQualityLabel != "unknown" || sound)
			}
		}
		text := stepText(s)
		if text == "" {
			text = s.Operation
		}
		row.Completions, row.Labels = append(row.Completions, text), append(row.Labels, sound)
	}
	return row, len(row.Completions) > 0
}
