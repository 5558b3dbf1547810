//go:build unix

package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// attempt is a run with one attempt about to happen.
type attempt struct {
	home    Home
	folder  Folder
	prep    Preparation
	place   Place
	streams Streams
}

func prepareAttempt(t *testing.T) *attempt {
	t.Helper()
	a := &attempt{home: openHome(t)}
	a.folder = a.home.Run("r")
	asset := put(t, filepath.Join(t.TempDir(), "data.csv"), "1,2\n")
	assets, err := a.folder.AddAssets(t.Context(), a.folder.Assets(), []string{asset})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.folder.Prepare("do it"); err != nil {
		t.Fatal(err)
	}
	a.prep = Preparation{
		Run: "r", Kind: "baseline", Prompt: "# Task\n",
		Input: Input{Brief: "do it", Task: map[string]string{"task_id": "task_r"}, VisibleRubric: "- good", Assets: assets},
	}
	if a.place, err = a.home.PrepareAttempt(t.Context(), a.prep); err != nil {
		t.Fatal(err)
	}
	a.streams = Streams{Stdout: filepath.Join(a.place.Shim, "stdout"), Stderr: filepath.Join(a.place.Shim, "stderr")}
	put(t, a.streams.Stdout, "hello\n")
	return a
}

func (a *attempt) in(name string) string { return filepath.Join(a.place.Dir, name) }

func (a *attempt) collect(t *testing.T) Collected {
	t.Helper()
	got, err := a.home.Collect(t.Context(), "r", 0, "baseline", a.streams)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWorkspaceHoldsInputArtifactsAndPrompt(t *testing.T) {
	a := prepareAttempt(t)
	want := "artifacts/ input/ input/data.csv input/task.json input/task_brief.md input/worker_visible_rubric.md prompt.md"
	if got := names(t, a.place.Dir); got != want {
		t.Fatalf("workspace: %s", got)
	}
	put(t, a.in("artifacts/begun"), "x")
	if again, err := a.home.PrepareAttempt(t.Context(), a.prep); err != nil || again != a.place || !exists(a.in("artifacts/begun")) {
		t.Fatalf("a repetition undid work: %+v, %v", again, err)
	}
	if err := a.folder.PreparePackage(t.Context(), "task_r", a.prep.Input); err != nil {
		t.Fatal(err)
	}
	if got := names(t, a.folder.Package("task_r").Input()); got != "data.csv task.json task_brief.md worker_visible_rubric.md" {
		t.Fatalf("package's input: %s", got)
	}
}

func TestCollectTakesWorkspaceAndTellsChanges(t *testing.T) {
	a := prepareAttempt(t)
	put(t, a.in("artifacts/b.md"), "b")
	put(t, a.in("artifacts/build/a"), "a")
	put(t, a.in("scratch"), "s")
	put(t, a.in("node_modules/x/y"), "ignored")
	put(t, a.in("input/data.csv"), "tampered")
	os.Remove(a.in("input/task_brief.md"))
	put(t, a.in("artifacts/agent_trace.json"), "[]")
	put(t, a.in("actual_outputs.json"), "{}")
	put(t, a.in("stdout.txt"), "the agent's own")
	got := a.collect(t)
	if s := fmt.Sprint(got.Changes); s != "{[artifacts/b.md artifacts/build/a scratch stdout.raw.txt] [input/data.csv] [input/task_brief.md]}" {
		t.Errorf("changes: %s", s)
	}
	if s := fmt.Sprint(got.Deliverables); s != "[artifacts/b.md artifacts/build/a]" {
		t.Errorf("deliverables: %s", s)
	}
	if got.RawTrace != got.Folder.RawTrace() || got.RawOutputs != got.Folder.RawOutputs() || exists(got.Folder.Trace()) {
		t.Errorf("reports: %+v", got)
	}
	if content(t, got.Folder.Stdout()) != "hello\n" || content(t, got.Folder.Stderr()) != "" {
		t.Error("what was printed is not there")
	}
	if exists(a.place.Dir) || !exists(got.Folder.join("node_modules/x/y")) {
		t.Error("the workspace was not moved whole")
	}
	again := a.collect(t)
	if fmt.Sprint(again) != fmt.Sprint(got) {
		t.Errorf("a repetition told %+v, first %+v", again, got)
	}
}

func TestCollectTakesHostileLeftovers(t *testing.T) {
	a := prepareAttempt(t)
	secret := put(t, filepath.Join(t.TempDir(), "secret"), "s")
	put(t, a.in("artifacts/ok"), "fine")
	put(t, a.in("artifacts/locked/inner/f"), "f")
	put(t, a.in("artifacts/unreadable"), "u")
	os.Chmod(a.in("artifacts/unreadable"), 0)
	os.Chmod(a.in("artifacts/locked/inner"), 0)
	os.Chmod(a.in("artifacts/locked"), 0)
	os.Symlink(secret, a.in("artifacts/out"))
	os.Symlink(filepath.Dir(secret), a.in("artifacts/outdir"))
	os.Symlink("../../../../../..", a.in("up"))
	os.Symlink(a.in("artifacts/ok"), a.in("artifacts/own"))
	syscall.Mkfifo(a.in("stdout.txt"), 0o600)
	syscall.Mkfifo(a.in("artifacts/agent_trace.json"), 0o600)
	put(t, a.in("artifacts/new\nline"), "n")
	put(t, a.in("artifacts/a\xff"), "n")
	os.Remove(a.in("prompt.md"))
	os.Symlink(secret, a.in("prompt.md"))
	if f, err := os.Create(a.in("artifacts/sparse")); err == nil {
		f.Truncate(1 << 40)
		f.Close()
	}
	os.Chmod(a.place.Dir, 0)
	got := a.collect(t)
	want := []string{"artifacts/a%FF", "artifacts/locked/inner/f", "artifacts/new\nline", "artifacts/ok", "artifacts/unreadable"}
	if !slices.Equal(got.Deliverables, want) {
		t.Errorf("deliverables: %q", got.Deliverables)
	}
	var left []string
	for _, l := range got.LeftOut {
		left = append(left, l.Path)
	}
	if s := strings.Join(left, " "); s != "artifacts/agent_trace.json artifacts/out artifacts/outdir artifacts/sparse prompt.md stdout.txt up" {
		t.Errorf("left out: %s", s)
	}
	if content(t, got.Folder.Stdout()) != "hello\n" || content(t, got.Folder.Prompt()) != "# Task\n" {
		t.Error("aad's own files are not there")
	}
	if to, _ := os.Readlink(got.Folder.join("artifacts/own")); to != "ok" {
		t.Errorf("a link to the own workspace leads to %q", to)
	}
	if content(t, secret) != "s" {
		t.Error("a link was followed out")
	}
	if err := a.folder.Deliver(t.Context(), "task_r", "baseline"); err != nil {
		t.Fatal(err)
	}
}

func TestCollectOutlivesAgentThatRemovedItsWorkspace(t *testing.T) {
	for name, ruin := range map[string]func(a *attempt){
		"removed":             func(a *attempt) { os.RemoveAll(a.place.Dir) },
		"a link in its place": func(a *attempt) { os.RemoveAll(a.place.Dir); os.Symlink("/etc", a.place.Dir) },
		"artifacts a file":    func(a *attempt) { os.RemoveAll(a.in("artifacts")); os.WriteFile(a.in("artifacts"), nil, 0o600) },
		"artifacts a link":    func(a *attempt) { os.RemoveAll(a.in("artifacts")); os.Symlink("/etc", a.in("artifacts")) },
	} {
		t.Run(name, func(t *testing.T) {
			a := prepareAttempt(t)
			ruin(a)
			got := a.collect(t)
			if len(got.Deliverables) != 0 || !exists(got.Folder.Stdout()) || !exists(got.Folder.Artifacts()) {
				t.Fatalf("%+v in %s", got, names(t, string(got.Folder)))
			}
		})
	}
}

// interrupted is a context that ends after some looks at it, as a crash would.
type interrupted struct {
	context.Context
	after int
}

func (c *interrupted) Err() error {
	if c.after--; c.after < 0 {
		return context.Canceled
	}
	return nil
}

func TestCollectInterruptedAnywhereEndsTheSame(t *testing.T) {
	for cut := 0; ; cut++ {
		a := prepareAttempt(t)
		put(t, a.in("artifacts/b.md"), "b")
		put(t, a.in("artifacts/agent_trace.json"), "[]")
		put(t, a.in("stdout.txt"), "own")
		syscall.Mkfifo(a.in("pipe"), 0o600)
		_, err := a.home.Collect(&interrupted{t.Context(), cut}, "r", 0, "baseline", a.streams)
		got := a.collect(t)
		if content(t, got.Folder.Stdout()) != "hello\n" || content(t, got.Folder.join("stdout.raw.txt")) != "own" ||
			content(t, got.RawTrace) != "[]" || len(got.Deliverables) != 1 {
			t.Fatalf("after a cut at %d: %+v", cut, got)
		}
		if err == nil {
			return
		}
	}
}

func TestApplyInterruptedAfterAnyStepLosesNothing(t *testing.T) {
	a := prepareAttempt(t)
	put(t, a.in("stdout.txt"), "own")
	syscall.Mkfifo(a.in("stderr.txt"), 0o600)
	put(t, a.streams.Stderr, "oh\n")
	c := collection{root: a.home.workRoot(), work: a.place.Dir, control: a.place.Control, to: a.home.attempt("r", 0, "baseline"), streams: a.streams}
	p, err := c.plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.apply(p); err != nil {
			t.Fatal(err)
		}
	}
	got := a.collect(t)
	if content(t, got.Folder.Stdout()) != "hello\n" || content(t, got.Folder.Stderr()) != "oh\n" || content(t, got.Folder.join("stdout.raw.txt")) != "own" {
		t.Fatalf("left: %s", names(t, string(got.Folder)))
	}
}

func TestRevisionStartsFromArtifactsAndTheyAreDelivered(t *testing.T) {
	a := prepareAttempt(t)
	put(t, a.in("artifacts/report.md"), "one")
	first := a.collect(t)
	if err := a.folder.Deliver(t.Context(), "task_r", "baseline"); err != nil {
		t.Fatal(err)
	}
	next := a.prep
	next.Kind, next.Artifacts, next.Input.Feedback = "revised", first.Folder.Artifacts(), "more"
	place, err := a.home.PrepareAttempt(t.Context(), next)
	if err != nil || content(t, place.Feedback) != "more" || content(t, filepath.Join(place.Dir, "artifacts/report.md")) != "one" {
		t.Fatalf("%+v, %v", place, err)
	}
	put(t, filepath.Join(place.Dir, "artifacts/report.md"), "two")
	got, err := a.home.Collect(t.Context(), "r", 0, "revised", Streams{})
	if err != nil || fmt.Sprint(got.Changes) != "{[] [artifacts/report.md] []}" {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := a.folder.Deliver(t.Context(), "task_r", "revised"); err != nil {
		t.Fatal(err)
	}
	if content(t, filepath.Join(a.folder.Artifacts(), "report.md")) != "two" || content(t, first.Folder.join("artifacts/report.md")) != "one" {
		t.Fatal("the wrong artifacts were delivered")
	}
	if got := names(t, string(a.folder)); strings.Contains(got, ".aa-tmp") {
		t.Fatalf("left behind: %s", got)
	}
}

func TestAttemptPutAsideCanBeTriedAnew(t *testing.T) {
	a := prepareAttempt(t)
	for n := 1; n <= 2; n++ {
		put(t, a.in("artifacts/half"), "h")
		to, err := a.home.SetAside(t.Context(), "r", 0, "baseline", a.streams)
		want := a.folder.Package("task_r").join("aside", fmt.Sprintf("baseline-%d", n))
		if err != nil || to != want || !exists(filepath.Join(to, "artifacts/half")) {
			t.Fatalf("put aside to %s, %v", to, err)
		}
		if exists(a.place.Control) || exists(a.place.Dir) {
			t.Fatal("something of the attempt is still in the way")
		}
		if to, err := a.home.SetAside(t.Context(), "r", 0, "baseline", a.streams); to != "" || err != nil {
			t.Fatalf("a second time: %s, %v", to, err)
		}
		if _, err := a.home.PrepareAttempt(t.Context(), a.prep); err != nil || exists(a.in("artifacts/half")) {
			t.Fatalf("prepared anew: %v", err)
		}
	}
}

func TestAbandonRemovesWhatACrashLeftHalfMade(t *testing.T) {
	a := prepareAttempt(t)
	room := filepath.Dir(a.place.Dir)
	put(t, filepath.Join(atomicfile.TempName(a.place.Dir), "input", "task.json"), "{")
	if err := a.home.Abandon("r", 0, "baseline"); err != nil || exists(room) {
		t.Fatalf("%s is left: %v, %v", room, exists(room), err)
	}
}

func TestSecondWorkspaceOfACollectedKindIsRefused(t *testing.T) {
	a := prepareAttempt(t)
	a.collect(t)
	if place, err := a.home.PrepareAttempt(t.Context(), a.prep); err != nil || !place.Ended {
		t.Fatalf("%+v, %v", place, err)
	}
	put(t, a.in("artifacts/x"), "x")
	if _, err := a.home.Collect(t.Context(), "r", 0, "baseline", a.streams); apprentice.KindOf(err) != apprentice.Conflict {
		t.Fatalf("got %v", err)
	}
}
