// Package examples holds no code: it tests that the example tasks keep what
// they promise (an honest first try, a check that finds what is missing, a
// second try that mends it because the feedback says so), without a daemon.
package examples

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"aad/grading"
	"aad/internal/testbin"
)

// task is one example: its agent, its assets, and what its first try fails.
type task struct {
	folder string
	agent  string
	assets []string
	fails  []string
}

var tasks = []task{
	{
		folder: "sales-report",
		agent:  "agent.sh",
		assets: []string{"sales.csv", "rates.csv"},
		fails: []string{
			"net revenue and orders are right", "refunds are told apart", "regions and months add up",
			"totals.json has the agreed shape", "the report has its sections",
		},
	},
	{
		folder: "fix-the-test",
		agent:  "agent.sh",
		assets: []string{"project"},
		fails:  []string{"all tests pass", "it is a repair, not a list of answers"},
	},
	{
		folder: "notes-index",
		agent:  "instruction.sh",
		assets: []string{"notes"},
		fails:  []string{"no draft is listed"},
	},
}

func TestFirstTryFailsHonestlyAndTheSecondMendsWhatTheFeedbackNames(t *testing.T) {
	shim := buildShim(t)
	for _, task := range tasks {
		t.Run(task.folder, func(t *testing.T) {
			ws := task.prepare(t)
			task.attempt(t, ws, "baseline", "")
			results := task.grade(t, shim, ws)
			wantFailed(t, results, task.fails)

			feedback := filepath.Join(t.TempDir(), "feedback.md")
			write(t, feedback, task.visible(t, results))
			task.attempt(t, ws, "revised", feedback)
			wantFailed(t, task.grade(t, shim, ws), nil)
		})
	}
}

func TestWithoutFeedbackTheSecondTryRepeatsTheFirst(t *testing.T) {
	shim := buildShim(t)
	for _, task := range tasks {
		t.Run(task.folder, func(t *testing.T) {
			ws := task.prepare(t)
			task.attempt(t, ws, "baseline", "")
			task.attempt(t, ws, "revised", "")
			wantFailed(t, task.grade(t, shim, ws), task.fails)
		})
	}
}

func TestEachExampleHidesACriterionAndShipsItsHelpers(t *testing.T) {
	for _, task := range tasks {
		hidden := 0
		for _, c := range task.rubric(t).Criteria {
			if c.Hidden {
				hidden++
			}
		}
		if hidden != 1 {
			t.Errorf("%s hides %d criteria, want 1", task.folder, hidden)
		}
		for _, file := range task.rubric(t).HelperFiles() {
			if _, err := os.Stat(filepath.Join(task.folder, file)); err != nil {
				t.Errorf("%s: helper of the rubric: %v", task.folder, err)
			}
		}
	}
}

func TestSalesDataIsWhatItsGeneratorWrites(t *testing.T) {
	needShell(t)
	want, err := os.ReadFile(filepath.Join("sales-report", "sales.csv"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command("sh", filepath.Join("sales-report", "generate.sh")).Output()
	if err != nil {
		t.Fatalf("run generate.sh: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("sales.csv (%d bytes) is not what generate.sh writes (%d bytes)", len(want), len(got))
	}
	if lines := bytes.Count(want, []byte("\n")); lines < 3000 || lines > 5000 {
		t.Errorf("sales.csv has %d lines, want 3,000 to 5,000", lines)
	}
}

func needShell(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the examples are shell scripts")
	}
}

func buildShim(t *testing.T) string {
	t.Helper()
	needShell(t)
	dir := t.TempDir()
	if err := testbin.Build(dir, "aad/cmd/aad-shim"); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "aad-shim")
}

func (k task) rubric(t *testing.T) *grading.Rubric {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(k.folder, "rubric.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rubric, err := grading.ParseRubric(data, k.folder+"/rubric.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return rubric
}

// prepare lays out a workspace as aad does.
func (k task) prepare(t *testing.T) string {
	t.Helper()
	ws := t.TempDir()
	for _, dir := range []string{"input", "artifacts"} {
		if err := os.Mkdir(filepath.Join(ws, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, asset := range k.assets {
		copyTree(t, filepath.Join(k.folder, asset), filepath.Join(ws, "input", asset))
	}
	write(t, filepath.Join(ws, "prompt.md"), "prompt\n")
	return ws
}

// attempt runs the example's agent as aad would.
func (k task) attempt(t *testing.T, ws, kind, feedback string) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join(k.folder, k.agent))
	if err != nil {
		t.Fatal(err)
	}
	prompt := filepath.Join(ws, "prompt.md")
	cmd := exec.Command("sh", script, ws, prompt)
	cmd.Dir = ws
	cmd.Env = append(os.Environ(), "AA_WORKSPACE="+ws, "AA_PROMPT_FILE="+prompt,
		"AA_FEEDBACK_FILE="+feedback, "AA_ATTEMPT="+kind, "AA_RUN_ID=test")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", kind, err, out)
	}
}

// grade measures the workspace by the example's own rubric.
func (k task) grade(t *testing.T, shim, ws string) []grading.Result {
	t.Helper()
	helpers := t.TempDir()
	for _, file := range k.rubric(t).HelperFiles() {
		copyTree(t, filepath.Join(k.folder, file), filepath.Join(helpers, file))
	}
	checker := grading.Checker{
		Shim: shim, Workspace: ws, Helpers: helpers, Scratch: filepath.Join(t.TempDir(), "scratch"),
		Env: os.Environ(), Inputs: k.inputs(t), DefaultTimeout: time.Minute,
	}
	results, err := checker.Run(t.Context(), k.rubric(t).Spec(grading.Origin{RubricID: "r", TaskID: "t"}))
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// inputs gives the hashes of the assets as they were handed out.
func (k task) inputs(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, asset := range k.assets {
		err := filepath.WalkDir(filepath.Join(k.folder, asset), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			sum := sha256.Sum256(data)
			rel, _ := filepath.Rel(k.folder, path)
			out["input/"+filepath.ToSlash(rel)] = hex.EncodeToString(sum[:])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// visible is feedback on what failed, with what the checks said, less what is
// hidden from the apprentice.
func (k task) visible(t *testing.T, results []grading.Result) string {
	t.Helper()
	var b strings.Builder
	for i, c := range k.rubric(t).Criteria {
		if r := results[i]; !c.Hidden && !r.Passed {
			fmt.Fprintf(&b, "- %s: %s\n\n%s\n", r.Criterion, r.Notes, r.Tail)
		}
	}
	return b.String()
}

func wantFailed(t *testing.T, results []grading.Result, want []string) {
	t.Helper()
	expected := map[string]bool{}
	for _, name := range want {
		expected[name] = true
	}
	for _, r := range results {
		if !r.Checked {
			t.Errorf("criterion %q was not checked: %s", r.Criterion, r.Error)
		}
		if r.Passed == expected[r.Criterion] {
			t.Errorf("criterion %q: passed is %v, want %v: %s\n%s", r.Criterion, r.Passed, !r.Passed, r.Notes, r.Tail)
		}
		delete(expected, r.Criterion)
	}
	for name := range expected {
		t.Errorf("the rubric has no criterion %q", name)
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, to, string(data))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
