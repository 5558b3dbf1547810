//go:build unix

package workspace

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// linked puts a link to a folder of somebody's in the place of path, and returns that
// folder, which holds what would be there.
func linked(t *testing.T, path, inside string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "somebody's")
	put(t, filepath.Join(to, inside, "f"), "f")
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestTameDoesNothingThroughALink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	to := linked(t, dir, "")
	if err := Tame(t.Context(), dir); err == nil {
		t.Error("a link was taken for a tree")
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("what the link leads to is %v, %v", info, err)
	}
}

func TestAWorkspaceBehindALinkIsNobodysToMoveOrRemove(t *testing.T) {
	for name, at := range map[string]func(a *attempt) string{
		"repo":                 func(a *attempt) string { return a.in("repo") },
		"baseline":             func(a *attempt) string { return a.place.Dir },
		"the folder of it":     func(a *attempt) string { return filepath.Dir(a.place.Dir) },
		"the collected folder": func(a *attempt) string { return string(a.collectedAs()) },
	} {
		t.Run(name, func(t *testing.T) {
			a := prepareAttempt(t)
			path := at(a)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			inside := "baseline/repo"
			if name != "the folder of it" {
				inside = "repo"
			}
			to := linked(t, path, inside)
			if err := a.home.RemoveRepo("r", 0, "baseline"); err != nil {
				t.Error(err)
			}
			repo, _, err := a.home.Reclaim("r", 0, "baseline")
			if err != nil || !isReal(a.home.workRoot(), repo) {
				t.Errorf("the worktree is %s, %v", repo, err)
			}
			if path != string(a.collectedAs()) {
				a.collect(t)
			}
			if content(t, filepath.Join(to, inside, "f")) != "f" {
				t.Error("a link was followed out")
			}
			if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("what the link leads to is %v, %v", info, err)
			}
		})
	}
}

func (a *attempt) collectedAs() AttemptFolder { return a.home.attempt("r", 0, "baseline") }

func TestWhatStandsInTheWorktreesPlaceIsKeptUnderAnotherName(t *testing.T) {
	a := prepareAttempt(t)
	a.streams.Tree = true
	put(t, a.in("repo"), "mine")
	repo, lost, err := a.home.Reclaim("r", 0, "baseline")
	if err != nil || repo != a.in("repo") || len(lost) > 0 {
		t.Fatalf("Reclaim = %s, %v, %v", repo, lost, err)
	}
	got := a.collect(t)
	if f, ok := got.After.Find("repo.raw"); !ok || content(t, got.Folder.join(f.Path)) != "mine" {
		t.Errorf("left: %v", got.After)
	}
}

func TestAWorkspaceThatItsAgentHasClosedIsOpenedAgain(t *testing.T) {
	a := prepareAttempt(t)
	for _, dir := range []string{a.place.Dir, filepath.Dir(a.place.Dir)} {
		if err := os.Chmod(dir, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := a.home.Reclaim("r", 0, "baseline"); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{a.place.Dir, filepath.Dir(a.place.Dir)} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s is %v, %v", dir, info.Mode(), err)
		}
	}
}

func TestThePatchIsDeliveredWhateverHasItsName(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(at string)
		kept string
	}{
		"a file": {func(at string) { put(t, at, "mine") }, "artifacts/changes.raw.patch"},
		"a file beside that of the other name": {func(at string) {
			put(t, at, "mine")
			put(t, strings.Replace(at, "changes", "changes.raw", 1), "also mine")
		}, "artifacts/changes.raw-2.patch"},
		"a folder":       {func(at string) { put(t, filepath.Join(at, "f"), "mine") }, "artifacts/changes.raw.patch/f"},
		"an empty one":   {func(at string) { os.Mkdir(at, 0o700) }, ""},
		"a pipe":         {func(at string) { syscall.Mkfifo(at, 0o600) }, ""},
		"a link out":     {func(at string) { os.Symlink("/etc", at) }, ""},
		"a linked place": {func(at string) { os.RemoveAll(filepath.Dir(at)); os.Symlink(linkedTo(t), filepath.Dir(at)) }, ""},
		"a place inside": {func(at string) {
			put(t, strings.Replace(at, "artifacts", "mine", 1), "mine")
			os.RemoveAll(filepath.Dir(at))
			os.Symlink("mine", filepath.Dir(at))
		}, "mine/changes.patch"},
	} {
		t.Run(name, func(t *testing.T) {
			a := prepareAttempt(t)
			c.do(a.in(PatchName))
			a.streams.Patch = put(t, filepath.Join(a.place.Control, "changes.patch"), "ours")
			w := collection{root: a.home.workRoot(), work: a.place.Dir, control: a.place.Control, to: a.collectedAs(), streams: a.streams}
			p, err := w.plan(t.Context())
			for range 2 { // as after a crash
				if err == nil {
					err = w.apply(p)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			got := a.collect(t)
			if _, listed := got.After.Find(PatchName); !listed || content(t, got.Folder.Patch()) != "ours" {
				t.Errorf("the patch is %q; left: %v", content(t, got.Folder.Patch()), got.After)
			}
			if c.kept != "" && content(t, got.Folder.join(c.kept)) != "mine" {
				t.Errorf("what the agent left is lost: %v", names(t, string(got.Folder)))
			}
		})
	}
}

// linkedTo is somebody's folder with a file of the patch's name.
func linkedTo(t *testing.T) string {
	t.Helper()
	return filepath.Dir(put(t, filepath.Join(t.TempDir(), "changes.patch"), "somebody's"))
}

func TestAFolderOfThePromptsNameIsKeptAndThePromptPutBack(t *testing.T) {
	a := prepareAttempt(t)
	if err := os.Remove(a.place.Prompt); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(a.place.Prompt, "f"), "mine")
	got := a.collect(t)
	if text := content(t, got.Folder.join("prompt.raw.md/f")); text != "mine" {
		t.Errorf("what the agent left says %q", text)
	}
	if text := content(t, got.Folder.Prompt()); text != a.prep.Prompt {
		t.Errorf("the prompt says %q", text)
	}
}
