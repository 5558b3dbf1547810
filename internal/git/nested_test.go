//go:build unix

package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nest makes a repository with one commit at a place of a working tree.
func (u user) nest(dir string) {
	u.t.Helper()
	put(u.t, filepath.Join(dir, "f"), "one\n")
	u.runIn(dir, "init", "-q")
	u.runIn(dir, "add", "-A")
	u.runIn(dir, "commit", "-q", "-m", "nested")
}

// arm has a nested repository's git run a command when it looks at its own files. It
// returns the file that tells on it.
func (u user) arm(dir string) string {
	u.t.Helper()
	tale := filepath.Join(u.t.TempDir(), "RAN")
	put(u.t, filepath.Join(dir, ".git/info/attributes"), "* filter=evil\n")
	u.runIn(dir, "config", "filter.evil.clean", "id > '"+tale+"'; cat")
	put(u.t, filepath.Join(dir, "f"), "two\n") // as long as before, so that git has to look into it
	return tale
}

func (u user) unharmed(tale string) {
	u.t.Helper()
	if data, err := os.ReadFile(tale); err == nil {
		u.t.Errorf("aad's git ran what a nested repository has configured:\n%s", data)
	}
}

// again checks a commit out as the next attempt's worktree.
func (a tried) again(commit string) tried {
	a.t.Helper()
	a.tree, a.start = filepath.Join(a.t.TempDir(), "repo"), commit
	a.left.Dir, a.left.Branch, a.left.Start, a.left.Scratch = a.tree, Branch("run", "revised"), commit, a.t.TempDir()
	a.left.Index = filepath.Join(a.left.Scratch, "index")
	must(a.t, a.repo.AddWorktree(a.t.Context(), a.tree, a.left.Branch, commit, a.left.Index))
	return a
}

// keepNested keeps a working tree of which git may not take all.
func (a tried) keepNested() string {
	a.t.Helper()
	commit, _, err := a.repo.Keep(a.t.Context(), a.left)
	must(a.t, err)
	return commit
}

func TestKeepTellsWhatGitHasNotTakenOfANestedRepository(t *testing.T) {
	a := newUser(t).attempt()
	for _, name := range []string{"deep/nested", "also"} {
		a.nest(filepath.Join(a.tree, name))
	}
	commit, refused, err := a.repo.Keep(t.Context(), a.left)
	must(t, err)
	if want := "of a repository in the repository the commit is kept, and none of its files: also, deep/nested"; refused != want {
		t.Errorf("it tells %q, want %q", refused, want)
	}
	if next := a.again(commit); next.keep() != commit {
		t.Error("where they are empty something is kept of them")
	}
}

func TestKeepRunsNoFilterOfANestedRepository(t *testing.T) {
	first := newUser(t).attempt()
	first.nest(filepath.Join(first.tree, "nested"))
	a := first.again(first.keepNested())
	nested := filepath.Join(a.tree, "nested")
	a.nest(nested)
	tale := a.arm(nested)
	a.repo.Clean(t.Context(), a.tree)
	a.unharmed(tale)
	a.keepNested()
	a.unharmed(tale)
}

func TestSnapshotRunsNoFilterOfANestedRepository(t *testing.T) {
	u := newUser(t)
	nested := filepath.Join(u.dir, "nested")
	u.nest(nested)
	u.run("add", "-A")
	u.run("commit", "-q", "-m", "with one nested")
	tale := u.arm(nested)
	r, h := u.open()
	if _, _, err := r.Snapshot(t.Context(), h.Commit, t.TempDir(), "/elsewhere"); err != nil {
		t.Fatal(err)
	}
	u.unharmed(tale)
}

// A repository within the repository is a commit's name in it. Keep has that follow
// what the agent did, as git add does, and no further.
func TestKeepFollowsWhatBecameOfANestedRepository(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(a tried, nested string)
		want string
	}{
		"left as a worktree has it, empty": {func(tried, string) {}, ""},
		"left empty and ignored":           {func(a tried, _ string) { put(a.t, filepath.Join(a.tree, ".gitignore"), "deep\n") }, "M .gitignore\n"},
		"removed":                          {func(a tried, nested string) { must(a.t, os.Remove(nested)) }, "D deep/nested\n"},
		"filled": {func(a tried, nested string) {
			a.nest(nested)
			a.runIn(nested, "commit", "-q", "--amend", "-m", "another")
		}, "M deep/nested\n"},
		"made a file": {func(a tried, nested string) {
			must(a.t, os.Remove(nested))
			put(a.t, nested, "text\n")
		}, "T deep/nested\n"},
		"filled without a repository": {func(a tried, nested string) { put(a.t, filepath.Join(nested, "f"), "one\n") }, "D deep/nested\nA deep/nested/f\n"},
		"behind a link": {func(a tried, nested string) {
			must(a.t, os.Rename(filepath.Dir(nested), filepath.Join(a.t.TempDir(), "deep")))
			must(a.t, os.Symlink(a.t.TempDir(), filepath.Dir(nested)))
			must(a.t, os.Mkdir(nested, 0o700))
		}, "A deep\nD deep/nested\n"},
	} {
		t.Run(name, func(t *testing.T) {
			first := newUser(t).attempt()
			first.nest(filepath.Join(first.tree, "deep/nested"))
			a := first.again(first.keepNested())
			c.do(a, filepath.Join(a.tree, "deep/nested"))
			commit := a.keepNested()
			if got := a.changes(commit); got != c.want {
				t.Errorf("changes are\n%swant\n%s", got, c.want)
			}
			if status := a.runIn(a.tree, "status", "--porcelain", "--ignored"); strings.Contains(status, "D ") || strings.Contains(status, "A ") {
				t.Errorf("the worktree is shown as changed:\n%s", status)
			}
		})
	}
}
