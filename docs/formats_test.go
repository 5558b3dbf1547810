package docs

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aad/agent"
	"aad/apprentice"
	"aad/bundle"
	"aad/ecosystem"
	"aad/grading"
	"aad/internal/schema"
	"aad/release"
	"aad/shim"
	"aad/workspace"
)

// formats are the types that examples are read as, in the order of the page, and
// where files of each are found.
var formats = []struct {
	value  any
	stored string
}{
	{workspace.RunStatus{}, "run_status.json"},
	{workspace.Session{}, "session.json"},
	{apprentice.Event{}, "progress_events.jsonl, one a line, keys sorted"},
	{apprentice.SessionEvent{}, "session_events.jsonl, one a line"},
	{apprentice.RawTaskRecord{}, "task/raw_task_record.json"},
	{apprentice.TaskIntakeSpec{}, "task/task_intake_spec.json"},
	{apprentice.TaskIntakeQualityReport{}, "task/task_intake_quality_report.json"},
	{apprentice.RubricSpec{}, "rubric/rubric.json, rubric/verifier_private_rubric.json"},
	{apprentice.RubricItem{}, "inside RubricSpec; rubric/rubric_items.jsonl, one a line"},
	{apprentice.RubricQualityReport{}, "rubric/rubric_quality_report.json"},
	{apprentice.ActualOutputs{}, "attempts/<kind>/actual_outputs.json"},
	{apprentice.AgentTrace{}, "attempts/<kind>/agent_trace.json"},
	{apprentice.AgentTraceStep{}, "inside AgentTrace"},
	{apprentice.ArtifactRef{}, "inside AgentTrace"},
	{apprentice.TraceReport{}, "attempts/<kind>/trace_normalization_report.json"},
	{agent.OutputsReport{}, "attempts/<kind>/actual_outputs_normalization_report.json"},
	{agent.Diagnostics{}, "attempts/<kind>/contract_diagnostics.json"},
	{apprentice.GraderResult{}, "grading/<kind>_grader_result.json"},
	{apprentice.RubricItemScore{}, "inside GraderResult and RewardModelingExample"},
	{apprentice.VerifierResult{}, "grading/<kind>_verifier_result.json"},
	{apprentice.EvaluatorFeedback{}, "feedback/<kind>_evaluator_feedback.json"},
	{apprentice.RevisionPlan{}, "feedback/<kind>_revision_plan.json"},
	{apprentice.HillclimbResult{}, "signals/hillclimb_result.json"},
	{apprentice.LessonPack{}, "signals/lesson_pack.json"},
	{apprentice.TrainingSignal{}, "signals/training_signals.jsonl, one a line"},
	{apprentice.ProcessSupervisionExample{}, "signals/process_supervision.jsonl, one a line"},
	{apprentice.RewardModelingExample{}, "signals/reward_modeling.jsonl, one a line"},
	{apprentice.RevisionPreferencePair{}, "signals/revision_preference_pairs.jsonl, one a line"},
	{apprentice.RoleResult{}, "roles/<raw_task_id>/<role>/<attempt>/role_result.json"},
	{apprentice.SmokeResult{}, "integration_smoke_results.jsonl of the home, one a line"},
	{ecosystem.Record{}, "ecosystem/shared.jsonl of the home, one a line"},
	{ecosystem.Index{}, "ecosystem/cache/index-….json of the home"},
	{ecosystem.Entry{}, "inside Index"},
	{bundle.Manifest{}, "contribution_bundle/contribution_manifest.json"},
	{bundle.FileEntry{}, "inside Manifest"},
	{bundle.Counts{}, "inside Manifest"},
	{bundle.Metadata{}, "contribution_bundle/session_metadata.json"},
	{bundle.SanitisingReport{}, "contribution_bundle/sanitising_report.json"},
	{release.DatasetManifest{}, "dataset_manifest.json of a release"},
	{release.DatasetCounts{}, "inside DatasetManifest"},
	{release.Dataset{}, "inside DatasetManifest"},
	{release.DatasetFile{}, "inside DatasetManifest"},
	{release.LeftOut{}, "inside DatasetManifest"},
	{release.QualityReport{}, "quality_report.json of a release"},
	{release.PackageRow{}, "packages_index.jsonl of a release, one a line"},
	{release.RoleRow{}, "role_results_index.jsonl of a release, one a line"},
	{release.ArtifactRow{}, "artifacts_index.json of a release, a list of these"},
	{bundle.RawTrace{}, "traces/raw_agent_traces.jsonl of a bundle, raw_agent_traces.jsonl of a release, one a line"},
	{release.FullTaskRecord{}, "full_task_records.jsonl of a release, one a line"},
	{release.FullAttempt{}, "inside FullTaskRecord"},
	{apprentice.Artifact{}, "artifacts_index.json, a list of these"},
}

func typeNamed(name string) (any, bool) {
	for _, f := range formats {
		if reflect.TypeOf(f.value).Name() == name {
			return f.value, true
		}
	}
	return nil, false
}

func TestEveryExampleOfFormatsIsReadStrictly(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range blocks(t, formatsPage) {
		seen[b.what] = true
		if err := checkExample(b); err != nil {
			t.Errorf("example of %s: %v", b.what, err)
		}
	}
	for _, f := range formats {
		name := reflect.TypeOf(f.value).Name()
		inner := strings.HasPrefix(f.stored, "inside") || name == "Artifact"
		if !seen[name] && !inner {
			t.Errorf("there is no example of %s", name)
		}
	}
}

// checkExample reads an example as the page says that it can be read.
func checkExample(b block) error {
	data := []byte(b.text)
	switch b.what {
	case "":
		if b.language != "text" {
			return fmt.Errorf("an example in %s that nobody reads:\n%s", b.language, b.text)
		}
		return nil
	case "Settings":
		_, err := apprentice.ParseSettings(data, apprentice.DefaultSettings())
		return err
	case "rubric":
		_, err := grading.ParseRubric(data, "rubric.yaml")
		return err
	case "Artifacts":
		return schema.CheckType([]apprentice.Artifact{}, data)
	case "shim.Spec":
		_, err := shim.ParseSpec(data)
		return errorsOf(err, schema.CheckType(shim.Spec{}, data))
	case "shim.Exit":
		_, err := shim.ParseExit(data)
		return errorsOf(err, schema.CheckType(shim.Exit{}, data))
	case "task.json", "manifest.json", "package_manifest.json", "lock", "started.json":
		return onlyJSON(data) // TestRunFolderHoldsWhatIsDrawn compares their keys
	}
	value, ok := typeNamed(b.what)
	if !ok {
		return fmt.Errorf("no format is called so")
	}
	if b.language == "json" {
		return schema.CheckType(value, data)
	}
	for line := range strings.Lines(b.text) {
		if err := schema.CheckType(value, []byte(line)); err != nil {
			return err
		}
	}
	return nil
}

func errorsOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func onlyJSON(data []byte) error {
	var object map[string]any
	return json.Unmarshal(data, &object)
}

func TestRubricExampleShowsEveryKindOfCheck(t *testing.T) {
	r, err := grading.ParseRubric([]byte(one(t, formatsPage, "rubric")), "rubric.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, c := range r.Criteria {
		kinds = append(kinds, c.Check.Kind())
	}
	check := reflect.TypeFor[grading.Check]()
	for i := range check.NumField() {
		kind, _, _ := strings.Cut(check.Field(i).Tag.Get("json"), ",")
		if !slices.Contains(kinds, kind) {
			t.Errorf("the rubric has no check of the kind %s", kind)
		}
		if !strings.Contains(page(t, formatsPage), "| `"+kind+"` |") {
			t.Errorf("the table of checks has no row for %s", kind)
		}
	}
}

func TestEveryVariableOfAnAgentIsNamed(t *testing.T) {
	recipe, ok := agent.Find("custom")
	if !ok {
		t.Fatal("there is no custom agent")
	}
	settings := apprentice.DefaultSettings()
	settings.CustomCommandTemplate = "sh {workspace} {prompt_file}"
	cmd, err := recipe.Command(agent.Request{Settings: settings, Lookup: agent.Lookup{Path: os.Getenv("PATH")}})
	if err != nil {
		t.Fatal(err)
	}
	text := page(t, formatsPage)
	for _, pair := range cmd.Env {
		if name, _, _ := strings.Cut(pair, "="); !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s is not named", name)
		}
	}
}

func TestEveryTypeOfEventIsNamed(t *testing.T) {
	constant := regexp.MustCompile(`(?m)^\s+\w+\s+EventType = "(\w+)"`)
	all := constant.FindAllStringSubmatch(page(t, "../apprentice/event.go"), -1)
	if len(all) < 20 {
		t.Fatalf("found %d types of events", len(all))
	}
	for _, m := range all {
		if !strings.Contains(page(t, formatsPage), "`"+m[1]+"`") {
			t.Errorf("event %s is not named", m[1])
		}
	}
}
