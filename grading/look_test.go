package grading

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const tableCSV = "region,net\nnorth,1\nsouth,2\n"

func TestChecksThatReadFiles(t *testing.T) {
	files := map[string]string{
		"artifacts/report.md":   "# Report\nAll is WELL\n",
		"artifacts/empty.md":    "",
		"artifacts/sub/deep.md": "# Deep\n",
		"artifacts/t.csv":       tableCSV,
		"artifacts/bom.csv":     "\uFEFF\"region\";net\nnorth;1\n",
		"artifacts/ragged.csv":  "a,b\n1\n",
		"artifacts/quote.csv":   "a,b\n\"1,2\n",
		"artifacts/totals.json": `{"a": 1, "b": ["x", 2]}`,
		"artifacts/broken.json": `{"a": 1`,
	}
	cases := []struct {
		name, check string
		failure     string // "" passes
		score       float64
		notes       string
	}{
		{"file there", "file: {path: artifacts/report.md}", "", 1, ""},
		{"file missing", "file: {path: artifacts/none.md}", FailedMissing, 0, "artifacts/none.md is missing"},
		{"file is a folder", "file: {path: artifacts/sub}", FailedMissing, 0, "is a folder"},
		{"folder with files", "file: {path: artifacts/sub/}", "", 1, ""},
		{"too small", "file: {path: artifacts/empty.md, min_bytes: 1}", FailedContent, 0, "has 0 bytes, at least 1"},
		{"one is large enough", "file: {path: 'artifacts/*.md', min_bytes: 1, any: true}", "", 1, ""},
		{"none is large enough", "file: {path: 'artifacts/*.md', min_bytes: 100, any: true}", FailedContent, 0, "has 0 bytes, at least 100"},
		{"none is there", "file: {path: 'artifacts/*.txt', any: true}", FailedMissing, 0, "artifacts/*.txt"},
		{"too large", "file: {path: artifacts/report.md, max_bytes: 3}", FailedContent, 0, "at most 3"},
		{"glob", "file: {path: 'artifacts/*.md', min_count: 2, max_count: 2}", "", 1, ""},
		{"deep glob", "file: {path: 'artifacts/**/*.md', min_count: 3}", "", 1, ""},
		{"too few", "file: {path: 'artifacts/*.md', min_count: 3}", FailedContent, 0, "names 2 files, at least 3"},
		{"too many", "file: {path: 'artifacts/*.md', max_count: 1}", FailedContent, 0, "at most 1"},
		{"glob without match", "file: {path: 'artifacts/*.pdf'}", FailedMissing, 0, "no file matches"},
		{"must not be there", "file: {path: artifacts/none.md, max_count: 0}", "", 1, ""},
		{"must not be there and is", "file: {path: artifacts/report.md, max_count: 0}", FailedContent, 0, "names 1 file, at most 0"},
		{"contains", `contains: {path: artifacts/report.md, text: "# Report"}`, "", 1, ""},
		{"contains some", "contains: {path: artifacts/report.md, texts: [Report, well, All, none]}", FailedContent, 0.5, `does not contain "well", "none"`},
		{"contains in any case", "contains: {path: artifacts/report.md, texts: [report, well], ignore_case: true}", "", 1, ""},
		{"contains in every file", "contains: {path: 'artifacts/**/*.md', text: '# '}", FailedContent, 0, "artifacts/empty.md does not contain"},
		{"contains in no file", "contains: {path: artifacts/none.md, text: x}", FailedMissing, 0, "is missing"},
		{"regex", `regex: {path: artifacts/report.md, pattern: '(?m)^# \w+$'}`, "", 1, ""},
		{"regex without match", "regex: {path: artifacts/report.md, pattern: '^x'}", FailedContent, 0, "does not match ^x"},
		{"schema", "json_schema: {path: artifacts/totals.json, schema: {type: object, required: [a]}}", "", 1, ""},
		{"schema with faults", "json_schema: {path: artifacts/totals.json, schema: {required: [c], properties: {b: {items: {type: string}}}}}", FailedFormat, 0, "/b/1: got number"},
		{"schema, not JSON", "json_schema: {path: artifacts/broken.json, schema: {}}", FailedFormat, 0, "is not JSON"},
		{"schema in a file", "json_schema: {path: artifacts/totals.json, schema: s.json}", "", 1, ""},
		{"csv", "csv: {path: artifacts/t.csv, columns: [net, region], min_rows: 2, max_rows: 2}", "", 1, ""},
		{"csv column missing", "csv: {path: artifacts/t.csv, columns: [gross]}", FailedContent, 0, `no column "gross"; it has region, net`},
		{"csv too short", "csv: {path: artifacts/t.csv, min_rows: 3}", FailedContent, 0, "has 2 rows, at least 3"},
		{"csv too long", "csv: {path: artifacts/t.csv, max_rows: 1}", FailedContent, 0, "at most 1"},
		{"csv with mark and delimiter", "csv: {path: artifacts/bom.csv, columns: [region, net], delimiter: ';'}", "", 1, ""},
		{"csv ragged", "csv: {path: artifacts/ragged.csv}", FailedFormat, 0, "is not a table"},
		{"csv with an open quote", "csv: {path: artifacts/quote.csv}", FailedFormat, 0, "is not a table"},
		{"csv empty", "csv: {path: artifacts/empty.md}", FailedFormat, 0, "it is empty"},
	}
	b := newBed(t, files)
	b.helper("s.json", `{"type":"object"}`)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res := b.run(specOf(t, c.check))[0]
			if !res.Checked || res.Passed != (c.failure == "") || res.Failure != c.failure || res.Score != c.score {
				t.Errorf("got %+v", res)
			}
			if !strings.Contains(res.Notes, c.notes) {
				t.Errorf("notes %q do not tell %q", res.Notes, c.notes)
			}
		})
	}
	if _, err := os.Stat(b.Scratch); !os.IsNotExist(err) {
		t.Errorf("a check without a command touched the scratch folder: %v", err)
	}
}

func TestAPartialScorePassesFromTheCriterionsThreshold(t *testing.T) {
	spec := parsed(t, `criteria: [{name: a, pass_threshold: 0.5, check: {contains: {path: artifacts/x, texts: [a, z]}}}]`)
	res := newBed(t, map[string]string{"artifacts/x": "abc"}).run(spec)[0]
	if !res.Passed || res.Score != 0.5 {
		t.Errorf("got %+v", res)
	}
}

func TestARequiredArtifactThatIsMissingFailsTheCriterionItself(t *testing.T) {
	spec := parsed(t, `criteria: [{name: a, required_artifacts: [artifacts/y, artifacts/z/], check: {file: {path: artifacts/x}}}]`)
	b := newBed(t, map[string]string{"artifacts/x": "abc", "artifacts/z/1": ""})
	res := b.run(spec)[0]
	if res.Passed || res.Failure != FailedMissing || len(res.Missing) != 1 || res.Notes != "artifacts/y is missing" {
		t.Errorf("got %+v", res)
	}
}

func TestLinksThatLeadOutAreNotRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs symbolic links")
	}
	b := newBed(t, map[string]string{"artifacts/real.txt": "secret"})
	b.helper("outside.txt", "secret")
	link(t, filepath.Join(b.Helpers, "outside.txt"), filepath.Join(b.Workspace, "artifacts/out.txt"))
	link(t, "../../helpers/outside.txt", filepath.Join(b.Workspace, "artifacts/up.txt"))
	link(t, "../../helpers", filepath.Join(b.Workspace, "artifacts/folder"))
	link(t, "real.txt", filepath.Join(b.Workspace, "artifacts/in.txt"))
	results := b.run(specOf(t,
		"contains: {path: artifacts/out.txt, text: secret}",
		"contains: {path: artifacts/up.txt, text: secret}",
		"contains: {path: artifacts/folder/outside.txt, text: secret}",
		"file: {path: 'artifacts/**/outside.txt'}",
		"contains: {path: artifacts/in.txt, text: secret}",
		"file: {path: artifacts/, min_count: 2, max_count: 2}",
	))
	for i, want := range []bool{false, false, false, false, true, true} {
		if results[i].Passed != want {
			t.Errorf("check %d: %+v", i+1, results[i])
		}
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func TestAHugeFileIsNotReadIntoMemory(t *testing.T) {
	b := newBed(t, map[string]string{"artifacts/huge.bin": ""})
	if err := os.Truncate(filepath.Join(b.Workspace, "artifacts/huge.bin"), 1<<40); err != nil {
		t.Skipf("the file system has no sparse files of this size: %v", err)
	}
	results := b.run(specOf(t,
		"contains: {path: artifacts/huge.bin, text: x}",
		"regex: {path: artifacts/huge.bin, pattern: x}",
		"json_schema: {path: artifacts/huge.bin, schema: {}}",
		"file: {path: artifacts/huge.bin, min_bytes: 1000}",
	))
	for _, res := range results[:3] {
		if res.Passed || !strings.Contains(res.Notes, "are looked into") {
			t.Errorf("got %+v", res)
		}
	}
	if !results[3].Passed {
		t.Errorf("its size was not seen: %+v", results[3])
	}
}

func TestTamperedInputsAreFound(t *testing.T) {
	spec := specOf(t, "unchanged: ", "unchanged: {paths: [input/a.csv]}", "unchanged: {paths: [input/b/]}", "unchanged: {paths: [input/none.csv]}")
	b := newBed(t, nil)
	b.input("input/a.csv", "1")
	b.input("input/b/c.csv", "2")
	for i, want := range []bool{true, true, true, false} {
		if res := b.run(spec)[i]; res.Passed != want {
			t.Errorf("untouched, check %d: %+v", i+1, res)
		}
	}
	b.write(filepath.Join(b.Workspace, "input/a.csv"), "9")
	if err := os.Remove(filepath.Join(b.Workspace, "input/b/c.csv")); err != nil {
		t.Fatal(err)
	}
	results := b.run(spec)
	if results[0].Passed || results[0].Failure != FailedInputs || results[0].Notes != "input/a.csv was changed; input/b/c.csv is gone or cannot be read" {
		t.Errorf("got %+v", results[0])
	}
	if results[1].Passed || results[2].Passed {
		t.Errorf("got %+v", results[1:3])
	}
	if results[3].Checked || results[3].Error == "" || results[3].Failure != FailedCheckError {
		t.Errorf("a path that is no input is the rubric's fault: %+v", results[3])
	}
}

func TestACheckThatCannotBeRunIsToldApart(t *testing.T) {
	b := newBed(t, map[string]string{"artifacts/x.json": "{}"})
	b.helper("bad.json", `{"type": 3}`)
	for _, check := range []string{"json_schema: {path: artifacts/x.json, schema: none.json}", "json_schema: {path: artifacts/x.json, schema: bad.json}"} {
		if res := b.run(specOf(t, check))[0]; res.Checked || res.Passed || res.Error == "" {
			t.Errorf("%s: got %+v", check, res)
		}
	}
}

func TestGlobsMatchWholePaths(t *testing.T) {
	cases := []struct {
		pattern, name string
		want          bool
	}{
		{"a/*.md", "a/b.md", true}, {"a/*.md", "a/b/c.md", false}, {"a/**/c.md", "a/c.md", true}, {"a/**/c.md", "a/b/b/c.md", true},
		{"**", "a/b", true}, {"a/**", "b/a", false}, {"**/**/**/x", "a/b/c/d/e", false}, {"a/?", "a/bc", false}, {"a/[bc]", "a/c", true},
	}
	for _, c := range cases {
		if got := matchSegments(strings.Split(c.pattern, "/"), strings.Split(c.name, "/")); got != c.want {
			t.Errorf("%s on %s: %t", c.pattern, c.name, got)
		}
	}
}
