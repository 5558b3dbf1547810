package bundle

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/internal/schema"
)

// schemas are the types that files of a bundle are read as, by their name in the
// package; * stands for any one part. A file of rows has a type a row.
var schemas = []struct {
	pattern string
	value   any
}{
	{ManifestName, Manifest{}}, {metadataName, Metadata{}}, {reportName, SanitisingReport{}}, {eventsName, apprentice.SessionEvent{}},
	{"task/raw_task_record.json", apprentice.RawTaskRecord{}}, {"task/task_intake_spec.json", apprentice.TaskIntakeSpec{}},
	{"task/task_intake_quality_report.json", apprentice.TaskIntakeQualityReport{}},
	{"rubric/rubric.json", apprentice.RubricSpec{}}, {"rubric/verifier_private_rubric.json", apprentice.RubricSpec{}},
	{"rubric/rubric_items.jsonl", apprentice.RubricItem{}}, {"rubric/rubric_quality_report.json", apprentice.RubricQualityReport{}},
	{"attempts/*/agent_trace.json", apprentice.AgentTrace{}}, {"attempts/*/actual_outputs.json", apprentice.ActualOutputs{}},
	{"traces/agent_traces.jsonl", apprentice.AgentTrace{}}, {"outputs/actual_outputs.jsonl", apprentice.ActualOutputs{}},
	{"evaluation/grader_results.jsonl", apprentice.GraderResult{}}, {"evaluation/verifier_results.jsonl", apprentice.VerifierResult{}},
	{"evaluation/evaluator_feedback.jsonl", apprentice.EvaluatorFeedback{}}, {"evaluation/revision_plans.jsonl", apprentice.RevisionPlan{}},
	{"evaluation/hillclimb_results.jsonl", apprentice.HillclimbResult{}}, {"learning_data/lesson_pack.json", apprentice.LessonPack{}},
	{"learning_data/process_supervision.jsonl", apprentice.ProcessSupervisionExample{}}, {"learning_data/reward_modeling.jsonl", apprentice.RewardModelingExample{}},
	{"learning_data/revision_preference_pairs.jsonl", apprentice.RevisionPreferencePair{}}, {"learning_data/training_signals.jsonl", apprentice.TrainingSignal{}},
}

// schema holds a file against what its name says that it is. What no type is known
// for must be JSON where it says so.
func (c *checker) schema(name string, data []byte) {
	_, rel := c.base(name)
	value := any(nil)
	for _, s := range schemas {
		if ok, err := path.Match(s.pattern, rel); err == nil && ok {
			value = s.value
		}
	}
	switch {
	case value == nil:
		if ours(rel) && filepath.Ext(rel) == ".json" && !json.Valid(data) {
			c.problem(name, "is no JSON")
		}
	case filepath.Ext(rel) == ".json":
		if err := schema.CheckType(value, data); err != nil {
			c.problem(name, "%v", err)
		}
	default:
		n := 0
		for line := range strings.Lines(string(data)) {
			if n++; !strings.HasSuffix(line, "\n") {
				c.problem(name, "line %d is torn", n)
			}
			if err := schema.CheckType(value, []byte(line)); err != nil {
				c.problem(name, "line %d: %v", n, err)
			}
		}
	}
}

// ours reports files that aad wrote; what an apprentice delivered or was given may be
// as it likes.
func ours(rel string) bool {
	for _, dir := range []string{"input/", "task/task_instruction_assets/", "roles/"} {
		if strings.HasPrefix(rel, dir) {
			return false
		}
	}
	parts := strings.SplitN(rel, "/", 4)
	return !(len(parts) == 4 && parts[0] == "attempts") && !strings.HasSuffix(rel, ".raw.json")
}

// references holds every reference in one of our files against what is there, or was
// left out by name.
func (c *checker) references(name string, data []byte) {
	at, rel := c.base(name)
	if !ours(rel) || rel == ManifestName || strings.HasPrefix(rel, "traces/raw_") {
		return
	}
	switch filepath.Ext(rel) {
	case ".json":
		c.refsIn(name, at, data)
	case ".jsonl":
		for line := range strings.Lines(string(data)) {
			c.refsIn(name, at, []byte(line))
		}
	}
}

func (c *checker) refsIn(name, at string, doc []byte) {
	References(doc, func(key, ref string) {
		if !c.resolves(at, ref) {
			c.problem(name, "%s leads to %q, which is neither there nor named as left out", key, ref)
		}
	})
}

// References gives found every reference in a JSON document, with the key that says
// that it is one. What is no JSON has none.
func References(doc []byte, found func(key, ref string)) {
	if !bytes.Contains(doc, []byte("_ref")) && !bytes.Contains(doc, []byte("_path\"")) {
		return
	}
	var v any
	if json.Unmarshal(doc, &v) == nil {
		references("", v, found)
	}
}

func references(key string, v any, found func(key, ref string)) {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			references(k, member, found)
		}
	case []any:
		for _, member := range v {
			references(key, member, found)
		}
	case string:
		if v != "" && isReference(key) {
			found(key, v)
		}
	}
}

// elsewhere are keys that look like references and are none of a bundle: URLs, what
// an agent named in its own words, and what stays with aad.
var elsewhere = []string{"source_url_or_ref", "input_source_ref", "subagent_trajectory_ref"}

func isReference(key string) bool {
	if slices.Contains(elsewhere, key) {
		return false
	}
	return strings.HasSuffix(key, "_ref") || strings.HasSuffix(key, "_refs") || key == "package_relative_path" || key == "package_path"
}

// resolves reports whether a reference leads to something in the bundle: from its
// package, from the root, or as the run folder has it.
func (c *checker) resolves(at, ref string) bool {
	ref, _, _ = strings.Cut(ref, "#")
	ref = strings.TrimSuffix(ref, "/")
	if strings.HasPrefix(ref, "[") || strings.Contains(ref, "://") {
		return true
	}
	candidates := []string{path.Join(at, ref), ref, placed(at, ref)}
	for _, p := range c.manifest.Packages {
		if rest, ok := strings.CutPrefix(ref, "packages/"+p.TaskID); ok {
			candidates = append(candidates, path.Join(p.Path, rest), placed(p.Path, strings.TrimPrefix(rest, "/")))
			if strings.Trim(rest, "/") == "" {
				return true
			}
		}
		candidates = append(candidates, path.Join(p.Path, ref))
	}
	for _, full := range candidates {
		if full == "" || full == "." {
			continue
		}
		if c.paths[full] || c.left[full] || c.under(full) {
			return true
		}
	}
	return false
}

// under reports a folder of which all was left out.
func (c *checker) under(dir string) bool {
	for path := range c.left {
		if strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}

// events checks that the session's events count from 1 without a gap, in time.
func (c *checker) events() {
	data, err := os.ReadFile(filepath.Join(c.dir, eventsName))
	if err != nil {
		c.problem(eventsName, "is missing")
		return
	}
	n, last := 0, ""
	for line := range strings.Lines(string(data)) {
		var e apprentice.SessionEvent
		if json.Unmarshal([]byte(line), &e) != nil {
			return // told as a schema's fault
		}
		if n++; e.EventIndex != n {
			c.problem(eventsName, "event %d stands where %d should", e.EventIndex, n)
			return
		}
		if e.CreatedAt < last {
			c.problem(eventsName, "event %d is older than the one before", n)
		}
		if e.RunID != c.manifest.RunID {
			c.problem(eventsName, "event %d is of another run", n)
		}
		last = e.CreatedAt
	}
	if n == 0 {
		c.problem(eventsName, "has no events")
	}
}
