package docs

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"aad/grading"
	"aad/internal/typeschema"
)

// rubricFile is the shape of a rubric file. grading.ParseRubric reads it node by
// node, to name lines; the tests below hold the two against each other.
type rubricFile struct {
	Schema        string          `json:"$schema,omitempty" doc:"of this file, for editors"`
	Version       int             `json:"version,omitempty" doc:"1"`
	PassThreshold float64         `json:"pass_threshold,omitempty" doc:"of the weighted score, above 0, at most 1; 1"`
	Criteria      []criterionFile `json:"criteria"`
}

type criterionFile struct {
	Name              string    `json:"name" doc:"one line, unique in the file"`
	Description       string    `json:"description,omitempty"`
	Weight            float64   `json:"weight,omitempty" doc:"above 0, relative to the others; 1"`
	PassThreshold     float64   `json:"pass_threshold,omitempty" doc:"of its score, above 0, at most 1; 1"`
	WorkerVisible     bool      `json:"worker_visible,omitempty" doc:"false withholds it from the apprentice"`
	RequiredArtifacts []string  `json:"required_artifacts,omitempty" doc:"paths in the workspace"`
	Evidence          []string  `json:"evidence,omitempty" doc:"what to look at"`
	Check             checkFile `json:"check,omitzero" doc:"how aad measures it by itself; without one it is the mentor's"`
}

type checkFile struct {
	Command   *grading.CommandCheck `json:"command,omitempty" doc:"exit 0 passes; a last line {\"score\": s} rules the score instead"`
	File      *grading.FileCheck    `json:"file,omitempty" doc:"files, their sizes, how many"`
	Contains  *containsFile         `json:"contains,omitempty" doc:"texts in a file"`
	Regex     *grading.RegexCheck   `json:"regex,omitempty" doc:"RE2, in a file"`
	Schema    *schemaFile           `json:"json_schema,omitempty" doc:"a JSON document against a JSON Schema"`
	CSV       *grading.CSVCheck     `json:"csv,omitempty" doc:"columns and rows of a table"`
	Unchanged *unchangedFile        `json:"unchanged,omitempty" doc:"inputs that stay as they were"`
}

type containsFile struct {
	Path       string   `json:"path"`
	Text       string   `json:"text,omitempty" doc:"this, or texts"`
	Texts      []string `json:"texts,omitempty"`
	IgnoreCase bool     `json:"ignore_case,omitempty"`
}

type schemaFile struct {
	Path   string `json:"path"`
	Schema any    `json:"schema" doc:"the schema, or the path of its file"`
}

type unchangedFile struct {
	Paths []string `json:"paths,omitempty" doc:"all inputs, where left out"`
}

func rubricSchema() map[string]any {
	m := typeschema.Maker{Prefix: "#/definitions/", Strict: true}
	object := m.Object(reflect.TypeFor[rubricFile]())
	checks := m.Defs["checkFile"].(map[string]any)
	checks["minProperties"], checks["maxProperties"] = 1, 1
	unchanged := checks["properties"].(map[string]any)
	unchanged["unchanged"] = typeschema.OrNull(unchanged["unchanged"].(map[string]any))
	criterion := m.Schema(reflect.TypeFor[criterionFile]())
	ranges(object, map[string]map[string]any{"version": {"enum": []int{grading.RubricVersion}}, "pass_threshold": {"exclusiveMinimum": 0, "maximum": 1}})
	ranges(m.Defs["criterionFile"].(map[string]any), map[string]map[string]any{
		"weight": {"exclusiveMinimum": 0, "maximum": 1e6}, "pass_threshold": {"exclusiveMinimum": 0, "maximum": 1}})
	object["properties"].(map[string]any)["criteria"] = map[string]any{"type": "array", "minItems": 1, "items": criterion}
	return headed(object, &m, "a rubric: criteria with weights, each with a check or for the mentor to judge")
}

// ranges says of an object's keys which values they may have.
func ranges(object map[string]any, keys map[string]map[string]any) {
	for name, more := range keys {
		maps.Copy(object["properties"].(map[string]any)[name].(map[string]any), more)
	}
}

// TestRubricSchemaAgreesWithTheParser holds both against the examples' rubrics and
// against a mistake put into each of their objects.
func TestRubricSchemaAgreesWithTheParser(t *testing.T) {
	files, err := filepath.Glob("../examples/*/rubric.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rubrics: %v", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, path, text, true)
	}
	for text, good := range map[string]bool{
		`{"criteria": [{"name": "a", "check": {"unchanged": null}}]}`:                                             true,
		`{"$schema": "x", "criteria": [{"name": "a"}]}`:                                                           true,
		`{"version": 1, "criteria": [{"name": "a", "check": {"contains": {"path": "x", "text": "y"}}}]}`:          true,
		`{"criteria": [{"name": "a", "check": {"json_schema": {"path": "x", "schema": {"type": "object"}}}}]}`:    true,
		`{"criteria": [{"name": "a", "check": {"csv": {"path": "x", "columns": ["a"], "min_rows": 1}}}]}`:         true,
		`{"criteria": [{"name": "a", "check": {"file": {"path": "x", "min_bytes": 1}, "regex": {"path": "x"}}}]}`: false,
		`{"criteria": [{"name": "a", "check": {"command": {"run": "x", "timeout": 3}}}]}`:                         false,
		`{"criteria": [{"weight": 2}]}`:                                       false,
		`{"criteria": []}`:                                                    false,
		`{"version": 2, "criteria": [{"name": "a"}]}`:                         false,
		`{"criteria": [{"name": "a", "weight": 0}]}`:                          false,
		`{"criteria": [{"name": "a", "weight": 2000000}]}`:                    false,
		`{"criteria": [{"name": "a", "pass_threshold": 1.5}]}`:                false,
		`{"pass_threshold": 0.5, "criteria": [{"name": "a", "weight": 0.1}]}`: true,
		`{"criteria": [{"name": "a", "wieght": 2}]}`:                          false,
		`{"criteria": [{"name": "a"}], "threshold": 0.5}`:                     false,
	} {
		agree(t, text, []byte(text), good)
	}
}

func agree(t *testing.T, name string, text []byte, good bool) {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	_, parsed := grading.ParseRubric(text, "rubric.yaml")
	checked := holds(t, "rubric", doc)
	if (parsed == nil) != good || (checked == nil) != good {
		t.Errorf("%s: the parser says %v, the schema says %v", strings.TrimSpace(name), parsed, checked)
	}
}
