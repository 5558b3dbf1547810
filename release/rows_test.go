package release

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
)

func TestRowsThatAreTakenBackLeaveNothing(t *testing.T) {
	for _, list := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "rows")
		f, err := createRows(path, list)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(f.undo(), f.add([]byte(`{"a":1}`)))
		f.keep()
		err = errors.Join(err, f.add([]byte(`{"a":2}`)), f.add([]byte(`{"a":3}`)), f.undo(), f.add([]byte(`{"a":4}`)), f.close())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := eachRow(path, list, func(n int, row []byte) error { got = append(got, string(row)); return nil }); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, " ") != `{"a":1} {"a":4}` || f.rows != 2 {
			t.Errorf("list %v: %d rows: %v", list, f.rows, got)
		}
	}
}

func TestTornAndAlteredRowFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	for _, c := range []struct {
		text string
		list bool
		want string
	}{
		{"{}\n{}", false, "line 2 is torn"}, {"[\n{}\n", true, "without an end"}, {"[{}]\n", true, "no list with a line"},
		{"[\n{}\n]\n{}\n", true, "goes on after its end"}, {"", true, "without an end"}, {"[\n]\n]\n", true, "goes on after its end"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := eachRow(path, c.list, func(int, []byte) error { return nil })
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.text, err)
		}
	}
}

func TestWhatApprenticesWereNotShownIsNotPublic(t *testing.T) {
	p := &private{}
	p.add(apprentice.RubricItem{RubricItemID: "item_2", CriterionName: "unseen style", CriterionDescription: "It has an unseen style of its own."})
	for _, c := range []struct{ name, row, want string }{
		{"grader_results", `{"failed_criteria":["unseen style","total"],"reasoning_summary":"the unseen style is bad","rubric_item_scores":[{"rubric_item_id":"item_1","score":1},{"rubric_item_id":"item_2","score":0}],"n":9007199254740993}`,
			`{"failed_criteria":["total"],"n":9007199254740993,"reasoning_summary":"the [hidden-criterion] is bad","rubric_item_scores":[{"rubric_item_id":"item_1","score":1}]}`},
		{"rubrics", `{"rubric_items":[{"rubric_item_id":"item_1","criterion_description":"x","metadata_json":{"check":{"command":"secret"},"k":1}},{"rubric_item_id":"item_2"}]}`,
			`{"rubric_items":[{"criterion_description":"x","metadata_json":{"k":1},"rubric_item_id":"item_1"}]}`},
		{"rubrics", `{"rubric_items":[{"rubric_item_id":"item_2"}]}`, ``},
		{"rubric_items", `{"rubric_item_id":"item_2"}`, ``},
		{"full_task_records", `{"rubric":{"rubric_items":[{"rubric_item_id":"item_2"}]},"task_id":"t"}`, `{"task_id":"t"}`},
		{"agent_traces", `{"task":"an unseen style"}`, `{"task":"an unseen style"}`}, // in the apprentice's own words
	} {
		got, err := publicRow(c.name, []byte(c.row), p)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v\nwant %s", c.name, got, err, c.want)
		}
	}
	p.leaked = true
	if got, err := publicRow("agent_traces", []byte(`{}`), p); got != nil || err != nil {
		t.Errorf("a package into which something hidden got gives %s, %v", got, err)
	}
}
