package daemon

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/bundle"
	"aad/bundle/sanitise"
	"aad/internal/schema"
	"aad/loop/foreign"
	"aad/rpc"
)

// conforms holds every file of a run folder against its format.
func (a *aad) conforms(id apprentice.RunID) {
	a.t.Helper()
	dir := string(a.home.Run(id))
	for _, path := range under(dir) {
		ref, err := filepath.Rel(dir, path)
		if err != nil {
			a.t.Fatal(err)
		}
		if strings.HasPrefix(ref, "contribution_bundle/") {
			continue // bundle.Check knows it
		}
		kind, known := foreign.FormatOf(ref)
		if !known {
			a.t.Errorf("%s: %s is no file of the run folder's layout", id, ref)
			continue
		}
		if kind != nil {
			a.document(path, ref, kind)
		}
	}
	a.bundled(id)
	tasks, _ := filepath.Glob(filepath.Join(dir, "packages", "*"))
	for _, pack := range tasks {
		a.references(pack)
		a.traces(pack)
		a.rubric(pack)
		a.manifests(pack)
	}
}

// bundled holds a run's bundle against all that can be checked, if it has one.
func (a *aad) bundled(id apprentice.RunID) {
	a.t.Helper()
	dir := a.home.Run(id).Bundle()
	if !there(dir) {
		return
	}
	scanner, err := sanitise.New(sanitise.Options{Private: true, Places: []string{string(a.home)}})
	if err != nil {
		a.t.Fatal(err)
	}
	v, err := bundle.Check(a.t.Context(), dir, bundle.CheckOptions{Scanner: scanner})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, p := range v.Problems {
		a.t.Errorf("%s: its bundle: %s", id, p)
	}
}

func (a *aad) document(path, ref string, kind any) {
	a.t.Helper()
	data := []byte(slurp(a.t, path))
	var docs [][]byte
	switch {
	case strings.HasSuffix(path, ".jsonl"):
		for line := range bytes.Lines(data) {
			docs = append(docs, line)
		}
	default:
		docs = [][]byte{data}
	}
	for _, doc := range docs {
		if err := schema.CheckType(kind, doc); err != nil {
			a.t.Errorf("%s: %v", ref, err)
		}
		v := reflect.New(reflect.TypeOf(kind))
		if err := json.Unmarshal(doc, v.Interface()); err != nil {
			a.t.Errorf("%s: %v", ref, err)
		}
		a.bounded(ref, doc)
	}
}

// bounded expects every score and confidence between 0 and 1, and no key that
// scanners take for a secret.
func (a *aad) bounded(ref string, doc []byte) {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		a.t.Errorf("%s: %v", ref, err)
	}
	walk(v, "", func(key string, v any) {
		if n, ok := v.(float64); ok && (strings.HasSuffix(key, "score") || strings.HasSuffix(key, "confidence")) && (n < 0 || n > 1 || math.IsNaN(n)) {
			a.t.Errorf("%s: %s is %v", ref, key, n)
		}
		if key == "user_id" {
			a.t.Errorf("%s has a key user_id", ref)
		}
	})
}

// walk calls f for every value with the key that it or its list stands under.
func walk(v any, key string, f func(key string, v any)) {
	f(key, v)
	switch v := v.(type) {
	case map[string]any:
		for k, v := range v {
			walk(v, k, f)
		}
	case []any:
		for _, v := range v {
			walk(v, key, f)
		}
	}
}

// references expects every reference of a package to name something in it.
func (a *aad) references(pack string) {
	a.t.Helper()
	for _, path := range under(pack) {
		ref, _ := filepath.Rel(pack, path)
		name := filepath.Base(path)
		if strings.HasPrefix(ref, "aside/") || strings.HasPrefix(ref, "input/") || strings.Contains(ref, "/input/") || strings.Contains(ref, "/artifacts/") ||
			strings.HasSuffix(name, ".raw.json") || !strings.Contains(filepath.Ext(name), "json") {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(slurp(a.t, path), "\n ", " ")) {
			var v any
			if json.Unmarshal([]byte(strings.ReplaceAll(line, "\n", "")), &v) != nil {
				if data := slurp(a.t, path); json.Unmarshal([]byte(data), &v) != nil {
					a.t.Errorf("%s is no JSON", ref)
					break
				}
			}
			walk(v, "", func(key string, v any) {
				text, ok := v.(string)
				isRef := regexp.MustCompile(`(_refs?|^package_relative_path|^files_(created|modified)|^(normalized|canonical|raw)_trace_ref)$`).MatchString(key)
				if !ok || !isRef || key == "rubric_item_refs" || text == "" {
					return
				}
				if !there(filepath.Join(pack, filepath.FromSlash(text))) {
					a.t.Errorf("%s: %s %q names nothing in the package", ref, key, text)
				}
			})
		}
	}
}

// traces holds the traces against the rules of the steps.
func (a *aad) traces(pack string) {
	a.t.Helper()
	paths, _ := filepath.Glob(filepath.Join(pack, "attempts/*/agent_trace.json"))
	for _, path := range paths {
		var trace apprentice.AgentTrace
		if err := json.Unmarshal([]byte(slurp(a.t, path)), &trace); err != nil {
			a.t.Fatal(err)
		}
		kind := filepath.Base(filepath.Dir(path))
		want := "baseline"
		actor := "agent:worker"
		if kind != "baseline" {
			want, actor = "revised", "agent:reviser"
		}
		if trace.SchemaVersion != "aa-trace-v0.1" || trace.AttemptKind != want || len(trace.Steps) == 0 || trace.IterationIndex == nil {
			a.t.Errorf("%s: the trace is %s of a %s with %d steps", path, trace.SchemaVersion, trace.AttemptKind, len(trace.Steps))
			continue
		}
		first := trace.Steps[0]
		if first.Actor != "user" || first.Action != "user_message" || first.MessageRole != "direct_request" || first.Operation != "" || first.Tool != "" ||
			first.ExecutionMode != "" || first.Observation != "" || first.Reasoning != "" || first.Success != nil || first.StepOutcome != "" || first.Output != "" {
			a.t.Errorf("%s: the first step is %+v", path, first)
		}
		for i, s := range trace.Steps {
			if s.Step != i+1 {
				a.t.Errorf("%s: step %d stands after %d", path, s.Step, i)
			}
			if i > 0 && (s.Actor != actor || s.Operation == "") {
				a.t.Errorf("%s: step %d by %s has operation %q", path, s.Step, s.Actor, s.Operation)
			}
			for _, c := range s.CausedBy {
				if c < 1 || c >= s.Step {
					a.t.Errorf("%s: step %d is caused by %d", path, s.Step, c)
				}
			}
		}
	}
}

func (a *aad) rubric(pack string) {
	a.t.Helper()
	var r apprentice.RubricSpec
	path := filepath.Join(pack, "rubric/rubric.json")
	if err := json.Unmarshal([]byte(slurp(a.t, path)), &r); err != nil {
		a.t.Error(err)
	}
	sum := 0.0
	for _, item := range r.RubricItems {
		sum += item.Weight
		if len(item.ObservableEvidence) == 0 || len(item.RequiredArtifacts) == 0 {
			a.t.Errorf("%s: %s has no evidence or artifact", path, item.CriterionName)
		}
	}
	if len(r.RubricItems) == 0 || math.Abs(sum-1) > 1e-9 || math.Abs(r.TotalWeight-1) > 1e-9 {
		a.t.Errorf("%s: %d weights sum to %v, told %v", path, len(r.RubricItems), sum, r.TotalWeight)
	}
}

// keys of the files that have no type of their own.
var manifestKeys = map[string]string{
	"manifest.json":         "schema_version task_id",
	"package_manifest.json": "actual_iterations baseline_attempt_id loop_stop_reason max_iterations mentor_mode revised_attempt_ids selected_attempt_id",
}

func (a *aad) manifests(pack string) {
	a.t.Helper()
	for name, want := range manifestKeys {
		var m map[string]any
		if err := json.Unmarshal([]byte(slurp(a.t, filepath.Join(pack, name))), &m); err != nil {
			a.t.Error(err)
		}
		if got := sorted(m); got != want {
			a.t.Errorf("%s has the keys %s", name, got)
		}
	}
}

func sorted(m map[string]any) string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestEveryFileOfARunHasItsFormat works runs that end in every way and holds all
// that they left against the formats.
func TestEveryFileOfARunHasItsFormat(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	data := write(t, s.file("my data.csv"), "1\n")
	folder := s.file("folder")
	if err := os.MkdirAll(filepath.Join(folder, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "deep", "x.txt"), "x")
	submit := func(p rpc.RunSubmitParams) {
		p.Assets = []string{data, folder}
		a.work(p)
	}
	submit(rpc.RunSubmitParams{RunID: "accepted", Instruction: s.text("mkdir -p artifacts/sub; echo x > artifacts/sub/y.json; echo z > notes.txt; rm -f 'input/my data.csv'", twoTries), Rubric: wantsGood})
	submit(rpc.RunSubmitParams{RunID: "plain", Instruction: s.text("echo '# report' > artifacts/report.md # write report.md")})
	submit(rpc.RunSubmitParams{RunID: "failed", Instruction: s.text("echo no >&2; exit 3"), Rubric: wantsGood})
	submit(rpc.RunSubmitParams{RunID: "partial", Instruction: s.text("echo good > artifacts/out.txt; exit 3"), Rubric: wantsGood})
	submit(rpc.RunSubmitParams{RunID: "worse", Instruction: s.text(`[ $AA_ATTEMPT = baseline ] && touch artifacts/a || rm artifacts/*; touch artifacts/b`),
		Rubric: "criteria: [{name: a, check: {file: {path: artifacts/a}}}, {name: b, check: {file: {path: artifacts/b}}}, {name: c, check: {file: {path: artifacts/c}}}]"})
	submit(rpc.RunSubmitParams{RunID: "taste", Instruction: s.text("echo x > artifacts/out.txt"), Rubric: "criteria: [{name: taste, description: it reads well}]"})
	submit(rpc.RunSubmitParams{RunID: "own-trace", Rubric: anyOutput, Instruction: s.text("echo x > artifacts/out.txt",
		`echo '{"steps":[{"action":"agent_step","operation":"read","observation":"looked"},{"nonsense":1}]}' > agent_trace.json`, `echo '{"status":"success","output_summary":"did it"}' > artifacts/actual_outputs.json`)})
	a.work(rpc.RunSubmitParams{RunID: "missing", Instruction: "x", Force: true,
		Settings: rpc.RunSettings{"agent": "custom", "custom_command_template": "{workspace}/none {prompt_file}"}})
	a.submit(rpc.RunSubmitParams{RunID: "cancelled", Rubric: wantsGood, Instruction: s.text(twoTries, `[ $AA_ATTEMPT = baseline ] && exit 0`, s.gate("never"))})
	s.reached("never")
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "cancelled"})
	a.wait("cancelled")
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "accepted", Instruction: s.text("echo good > artifacts/out.txt; echo more > artifacts/more"), Assets: []string{data}})
	a.wait("accepted")
	must(a, rpc.RunFinish, rpc.RunParams{RunID: "accepted"})
	a.stop()
	ids := []apprentice.RunID{"accepted", "plain", "failed", "partial", "worse", "taste", "own-trace", "missing", "cancelled"}
	a.whole(ids...)
	for _, id := range ids {
		t.Run(string(id), func(t *testing.T) {
			b := *a
			b.t = t
			b.conforms(id)
		})
	}
}
