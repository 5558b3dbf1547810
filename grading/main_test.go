package grading

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"aad/apprentice"
	"aad/internal/testbin"
)

// shimProgram is the real aad-shim, built once for all tests of the package.
var shimProgram string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "grading-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shimProgram = filepath.Join(dir, "aad-shim")
	if err := testbin.Build(dir, "aad/cmd/aad-shim"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func needShim(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("aad-shim runs nothing on Windows")
	}
}

// testBed is an attempt's folder with all that a Checker needs.
type testBed struct {
	*Checker
	t *testing.T
}

func newBed(t *testing.T, files map[string]string) *testBed {
	t.Helper()
	dir := t.TempDir()
	c := &Checker{
		Shim:      shimProgram,
		Workspace: filepath.Join(dir, "attempt"),
		Helpers:   filepath.Join(dir, "helpers"),
		Scratch:   filepath.Join(dir, "scratch"),
		Env:       []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir},
		Inputs:    map[string]string{},
		Grace:     200 * time.Millisecond,
	}
	b := &testBed{c, t}
	for _, d := range []string{c.Workspace, c.Helpers, filepath.Join(c.Workspace, "artifacts")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		b.write(filepath.Join(c.Workspace, filepath.FromSlash(name)), text)
	}
	return b
}

func (b *testBed) write(name, text string) {
	b.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *testBed) helper(name, text string) { b.write(filepath.Join(b.Helpers, name), text) }

func (b *testBed) input(name, text string) {
	b.write(filepath.Join(b.Workspace, filepath.FromSlash(name)), text)
	sum := sha256.Sum256([]byte(text))
	b.Inputs[name] = hex.EncodeToString(sum[:])
}

// spec parses a rubric of one criterion for each check, in flow YAML.
func specOf(t *testing.T, checks ...string) apprentice.RubricSpec {
	t.Helper()
	text := "criteria:\n"
	for i, check := range checks {
		text += fmt.Sprintf("  - {name: c%d, check: {%s}}\n", i+1, check)
	}
	return parsed(t, text)
}

func parsed(t *testing.T, text string) apprentice.RubricSpec {
	t.Helper()
	r, err := ParseRubric([]byte(text), "rubric.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return r.Spec(Origin{RubricID: "rubric_t", TaskID: "task_t"})
}

func (b *testBed) run(spec apprentice.RubricSpec) []Result {
	b.t.Helper()
	results, err := b.Run(testContext(b.t), spec)
	if err != nil {
		b.t.Fatal(err)
	}
	return results
}

// testContext ends with the test and, should something hang, long before go
// test gives up.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

var attempt = Attempt{TaskID: "task_t", AttemptID: "task_t_baseline", Kind: apprentice.Baseline}
