package grading

import (
	"reflect"
	"strings"
	"testing"
)

func TestADraftedRubricAsksForTheFilesThatTheTaskNames(t *testing.T) {
	cases := []struct {
		instruction string
		assets      []string
		want        []string
	}{
		{"Summarise sales.csv into report.md and totals.json.", []string{"sales.csv"}, []string{"report.md", "totals.json"}},
		{"Summarise the numbers in sales.csv into report.md", nil, []string{"report.md"}},
		{"Put the totals in totals.json", nil, []string{"totals.json"}},
		{"Read data.csv and write out/summary.csv; then stop.", nil, []string{"out/summary.csv"}},
		{"Write `artifacts/report.md` and ./notes.txt", nil, []string{"report.md", "notes.txt"}},
		{"Deliver:\n- report.md\n- totals.json\n", nil, []string{"report.md", "totals.json"}},
		{"Inputs:\n- a.csv\n- b.csv\n\nWrite c.csv", nil, []string{"c.csv"}},
		{"I need slides.pptx, at once!", nil, []string{"slides.pptx"}},
		{"Build a small server with Node.js and Vue.js, e.g. as in https://example.com/guide.md", nil, nil},
		{"Upgrade to v1.2.3 of lib.rs, see docs.rs or mail a.b@c.md", nil, nil},
		{"Do not write secrets.txt, but create ok.txt", nil, []string{"ok.txt"}},
		{"Don't forget to write report.md", nil, []string{"report.md"}},
		{"Write report.md, not notes.txt", nil, []string{"report.md"}},
		{"Fix the bug in calc.go", nil, nil},
		{"Follow the rules according to style.md", nil, nil},
		{"Use the same format as template.md for the letter", nil, nil},
		{"Convert data.json to data.yaml", nil, []string{"data.yaml"}},
		{"Write one file region-<name>.csv or *.md for each, like {x}.csv", nil, nil},
		{"Write /etc/motd.txt and ../x.md and ~/y.md and input/z.md", nil, nil},
		{"Run `sh build all.sh` first", nil, nil},
		{"Write \"final report.pdf\"", nil, nil},
		{"Write report.md. Then report.md again, and Report.md never", nil, []string{"report.md"}},
		{"write SALES.CSV as asked", []string{"data/sales.csv"}, nil},
		{"创建report.md。", nil, []string{"report.md"}},
		{"Schreibe bericht.md über daten.csv", []string{"daten.csv"}, []string{"bericht.md"}},
		{"Say hello.", nil, nil},
		{"", nil, nil},
	}
	for _, c := range cases {
		got := deliverables(c.instruction, c.assets)
		if len(got) != len(c.want) || len(got) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %v, want %v", c.instruction, got, c.want)
		}
	}
}

func TestADraftedRubricIsMetByTheFilesItNames(t *testing.T) {
	r := DefaultRubric("Write report.md and totals.json", nil)
	b := newBed(t, map[string]string{"artifacts/report.md": "# x", "artifacts/out/totals.json": ""})
	results := b.run(r.Spec(Origin{RubricID: "r", TaskID: "t"}))
	if !results[0].Passed || results[1].Passed || !strings.Contains(results[1].Notes, "0 bytes") {
		t.Errorf("got %+v", results)
	}
	r = DefaultRubric("touch artifacts/__init__.py; echo 1 > artifacts/a.py", nil)
	results = newBed(t, map[string]string{"artifacts/__init__.py": "", "artifacts/a.py": "1"}).run(r.Spec(Origin{RubricID: "r", TaskID: "t"}))
	if len(results) != 2 || !results[0].Passed || !results[1].Passed {
		t.Errorf("a package of Python: %+v", results)
	}
	if r := DefaultRubric("", nil); len(r.Criteria) != 1 {
		t.Errorf("got %d criteria for an empty instruction", len(r.Criteria))
	}
}

func TestWithoutNamedFilesAnyDeliverableWillDo(t *testing.T) {
	spec := DefaultRubric("Do something useful", nil).Spec(Origin{RubricID: "r", TaskID: "t"})
	empty := newBed(t, map[string]string{"stdout.txt": "x"}).run(spec)
	if empty[0].Passed || empty[0].Failure != FailedMissing || empty[0].Notes != "there is no file in artifacts/" {
		t.Errorf("nothing delivered: %+v", empty[0])
	}
	some := newBed(t, map[string]string{"artifacts/deep/down/x.txt": "x"}).run(spec)
	if !some[0].Passed || !reflect.DeepEqual(some[0].Evidence, []string{"artifacts/deep/down/x.txt"}) {
		t.Errorf("something delivered: %+v", some[0])
	}
	beside := newBed(t, map[string]string{"artifacts/__init__.py": "", "artifacts/a.py": "1"}).run(spec)
	if !beside[0].Passed {
		t.Errorf("an empty file beside another: %+v", beside[0])
	}
	hollow := newBed(t, map[string]string{"artifacts/a": "", "artifacts/b": ""}).run(spec)
	if hollow[0].Passed || hollow[0].Failure != FailedContent || !strings.Contains(hollow[0].Notes, "artifacts/b has 0 bytes") {
		t.Errorf("only empty files: %+v", hollow[0])
	}
}

func FuzzDefaultRubric(f *testing.F) {
	f.Add("Write report.md from `data.csv`", "data.csv")
	f.Add("../a.md ./b.md //c.md \xff.md", "")
	f.Fuzz(func(t *testing.T, instruction, asset string) {
		r := DefaultRubric(instruction, []string{asset})
		for _, c := range r.Criteria {
			if _, err := cleanPath(c.Check.File.Path); err != nil {
				t.Fatalf("%q: path %q %v", instruction, c.Check.File.Path, err)
			}
			if err := checkGlob(c.Check.File.Path); err != nil {
				t.Fatalf("%q: path %q %v", instruction, c.Check.File.Path, err)
			}
		}
	})
}
