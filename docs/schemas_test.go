package docs

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/internal/schema"
	"aad/internal/typeschema"
	"aad/release"
	"aad/workspace"
)

// schemaKinds are the files in schemas/, and how each is made. Editors complete and
// check with them; aad itself reads none, since its parsers say more.
var schemaKinds = map[string]func() map[string]any{
	"settings":   settingsSchema,
	"checkpoint": checkpointSchema,
	"rubric":     rubricSchema,
	"task": func() map[string]any {
		return of(reflect.TypeFor[apprentice.TaskFile](), "input/task.json of a workspace: the task for programs")
	},
	"package_manifest": func() map[string]any {
		return of(reflect.TypeFor[apprentice.PackageManifest](), "package_manifest.json of a package: how its loop went")
	},
	"dataset_manifest": func() map[string]any {
		return of(reflect.TypeFor[release.DatasetManifest](), "dataset_manifest.json of a release: what is in it, and what is not")
	},
	"quality_report": func() map[string]any {
		return of(reflect.TypeFor[release.QualityReport](), "quality_report.json of a release: how far its reviews can be relied on")
	},
	"run_status": func() map[string]any {
		return of(reflect.TypeFor[workspace.RunStatus](), "run_status.json of a run folder: where the run stands")
	},
}

func schemaPath(name string) string { return filepath.Join("../schemas", name+".schema.json") }

func of(t reflect.Type, what string) map[string]any {
	m := typeschema.Maker{Prefix: "#/definitions/"}
	return headed(m.Object(t), &m, what)
}

// headed makes a document of an object's schema.
func headed(object map[string]any, m *typeschema.Maker, what string) map[string]any {
	object["$schema"], object["title"] = typeschema.Draft, what
	if m.Defs != nil {
		object["definitions"] = m.Defs
	}
	return object
}

func settingsSchema() map[string]any {
	m := typeschema.Maker{Prefix: "#/definitions/", Strict: true}
	object := m.Object(reflect.TypeFor[apprentice.Settings]())
	delete(object, "required") // what is left out keeps its default
	properties := object["properties"].(map[string]any)
	defaults := reflect.ValueOf(apprentice.DefaultSettings())
	for i, key := range apprentice.SettingKeys() {
		if v := defaults.Field(i); !v.IsZero() {
			properties[key.Name].(map[string]any)["default"] = v.Interface()
		}
	}
	properties["$schema"] = map[string]any{"type": "string"}
	return headed(object, &m, "settings.json of aad's home")
}

// checkpointSchema lets each kind of question have its own decisions and fields.
func checkpointSchema() map[string]any {
	m := typeschema.Maker{Prefix: "#/definitions/"}
	object := m.Object(reflect.TypeFor[checkpoint.File]())
	properties := object["properties"].(map[string]any)
	for name, s := range properties {
		if name != "decision" && name != "checkpoint_type" {
			properties[name] = typeschema.OrNull(s.(map[string]any)) // empty ones stand as null
		}
	}
	// Its values stand with each question alone: an editor would offer those of all.
	properties["decision"] = map[string]any{"type": "string"}
	properties["score"] = map[string]any{"type": []string{"number", "null"}, "minimum": 0, "maximum": 100, "description": "0 to 1, or per cent above 1"}
	added := map[string]any{"anyOf": []any{map[string]any{"type": "string"}, m.Schema(reflect.TypeFor[checkpoint.Criterion]())}}
	properties["additional_criteria"] = map[string]any{"type": []string{"array", "null"}, "items": added}
	object["required"] = []string{"decision"}
	object["additionalProperties"] = false
	var questions []any
	for _, f := range questionsOfEveryKind() {
		decisions := append([]string{checkpoint.Pending}, checkpoint.Decisions(f)...)
		its := map[string]any{"decision": map[string]any{"enum": decisions, "description": f.HowTo}}
		for name := range properties {
			if _, own := keysOf(f)[name]; !own {
				its[name] = false
			}
		}
		questions = append(questions, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"checkpoint_type": map[string]any{"const": f.CheckpointType}}, "required": []string{"checkpoint_type"}},
			"then": map[string]any{"properties": its},
		})
	}
	object["allOf"] = questions
	return headed(object, &m, "a question of aad to a person: change decision and save")
}

// questionsOfEveryKind makes one question of each stage.
func questionsOfEveryKind() []checkpoint.File {
	var list []checkpoint.File
	for _, stage := range append(checkpoint.Stages(), "permission-1") {
		list = append(list, checkpoint.New(stage, checkpoint.File{RunID: "r", TaskID: "t", MentorMode: "expert_led", AttemptsLeft: 1, CreatedAt: "2026-11-22T22:00:00.000000Z"}))
	}
	return list
}

func keysOf(v any) map[string]json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		panic(err)
	}
	return keys
}

func TestSchemasArePrintedFromTheTypes(t *testing.T) {
	for name, makeIt := range schemaKinds {
		path := schemaPath(name)
		text, err := json.MarshalIndent(makeIt(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, '\n')
		if *update {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if there, err := os.ReadFile(path); err != nil || !bytes.Equal(there, text) {
			t.Errorf("%s is not what the types say (%v); run: go test ./docs -update", path, err)
		}
	}
	files, err := filepath.Glob(schemaPath("*"))
	if err != nil || len(files) != len(schemaKinds) {
		t.Errorf("%d schemas for %d kinds: %v", len(files), len(schemaKinds), err)
	}
}

// holds says what a schema has against a document.
func holds(t *testing.T, name string, doc []byte) error {
	t.Helper()
	text, err := os.ReadFile(schemaPath(name))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(text, doc)
}

func TestWhatAadWritesFitsItsSchema(t *testing.T) {
	check := func(name string, v any) {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := holds(t, name, text); err != nil {
			t.Errorf("%s: %s\n%v", name, text, err)
		}
	}
	check("settings", apprentice.DefaultSettings())
	check("task", apprentice.TaskFile{})
	check("package_manifest", apprentice.PackageManifest{})
	for _, f := range questionsOfEveryKind() {
		check("checkpoint", f)
		for _, decision := range checkpoint.Decisions(f) {
			f.Decision = decision
			check("checkpoint", f)
		}
	}
}

func TestMistakesInSettingsAreFound(t *testing.T) {
	for text, good := range map[string]bool{
		`{"mentor_mode": "hybrid", "max_parallel": 1, "sandbox": ""}`: true,
		`{"mentor_mode": "hybird"}`:                                   false,
		`{"log_format": "xml"}`:                                       false,
		`{"max_parallel": 0}`:                                         false,
		`{"task_timeout_seconds": 0}`:                                 true,
	} {
		_, parsed := apprentice.ParseSettings([]byte(text), apprentice.DefaultSettings())
		checked := holds(t, "settings", []byte(text))
		if (parsed == nil) != good || (checked == nil) != good {
			t.Errorf("%s: aad says %v, the schema says %v", text, parsed, checked)
		}
	}
}

func TestMistakesInACheckpointAreFound(t *testing.T) {
	of := map[string]checkpoint.File{}
	for _, f := range questionsOfEveryKind() {
		of[f.CheckpointType] = f
	}
	for _, c := range []struct{ question, key, value string }{
		{"task_intake", "decision", `"passed"`}, {"evaluation_verifier", "score", `101`}, {"evaluation_verifier", "score", `"good"`},
		{"evaluation_verifier", "edited_title", `"x"`}, {"revision_decision", "decision", `"confirmed"`}, {"rubric", "additional_criteria", `"x"`},
		{"task_intake", "edited_titel", `"x"`},
	} {
		doc := keysOf(of[c.question])
		doc[c.key] = json.RawMessage(c.value)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if holds(t, "checkpoint", text) == nil {
			t.Errorf("%s: %s %s is let through", c.question, c.key, c.value)
		}
	}
}

// TestEditorsOfferTheDecisionsOfTheQuestionAlone looks at what they gather: every enum
// of a field that may apply.
func TestEditorsOfferTheDecisionsOfTheQuestionAlone(t *testing.T) {
	decision := checkpointSchema()["properties"].(map[string]any)["decision"].(map[string]any)
	if enum, ok := decision["enum"]; ok {
		t.Errorf("whatever is asked, %v are offered", enum)
	}
}

func TestSettingsSchemaNamesEveryKeyAndNoOther(t *testing.T) {
	properties := settingsSchema()["properties"].(map[string]any)
	var names []string
	for _, key := range apprentice.SettingKeys() {
		names = append(names, key.Name)
	}
	for name := range properties {
		if name != "$schema" && !slices.Contains(names, name) {
			t.Errorf("%s is no setting", name)
		}
	}
	if len(properties) != len(names)+1 {
		t.Errorf("%d keys for %d settings", len(properties), len(names))
	}
	if holds(t, "settings", []byte(`{"$schema": "x", "max_paralel": 2}`)) == nil {
		t.Error("a misspelt setting is let through")
	}
}
