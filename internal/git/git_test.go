//go:build unix

package git

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
)

// user is a user's repository, and git as its user runs it.
type user struct {
	t   *testing.T
	dir string
	Git
}

// newUser makes a repository with a commit of main.go and a hook that tells on us.
func newUser(t *testing.T) user {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git here")
	}
	t.Setenv("HOME", t.TempDir())
	g, err := Find(filepath.Dir(program), os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	u := user{t, filepath.Join(t.TempDir(), "a project"), g}
	if err := os.Mkdir(u.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	u.run("init", "-q", "-b", "main")
	u.write("main.go", "package main\n")
	u.write("sub/data.txt", "one\ntwo\n")
	u.write(".gitignore", "*.log\n")
	u.run("add", "-A")
	u.run("commit", "-q", "-m", "start")
	for _, hook := range []string{"post-checkout", "pre-commit", "post-commit", "reference-transaction", "post-index-change"} {
		u.write(".git/hooks/"+hook, "#!/bin/sh\ntouch '"+u.dir+"/HOOK-RAN'\n")
		if err := os.Chmod(filepath.Join(u.dir, ".git/hooks", hook), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return u
}

func (u user) run(args ...string) string { u.t.Helper(); return u.runIn(u.dir, args...) }

// runIn is what a person or an agent types, without hooks: one that runs is our doing.
func (u user) runIn(dir string, args ...string) string {
	u.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "core.hooksPath=/dev/null"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=u", "GIT_AUTHOR_EMAIL=u@u", "GIT_COMMITTER_NAME=u", "GIT_COMMITTER_EMAIL=u@u")
	out, err := cmd.CombinedOutput()
	if err != nil {
		u.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (u user) write(name, text string) { u.t.Helper(); put(u.t, filepath.Join(u.dir, name), text) }

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (u user) open() (Repository, Head) {
	u.t.Helper()
	r, h, err := u.Open(u.t.Context(), u.dir, u.t.TempDir())
	if err != nil {
		u.t.Fatal(err)
	}
	return r, h
}

// state is all of the user's that must stay as it is.
func (u user) state() string {
	index, err := os.ReadFile(filepath.Join(u.dir, ".git/index"))
	if err != nil {
		u.t.Fatal(err)
	}
	head, _ := os.ReadFile(filepath.Join(u.dir, ".git/HEAD"))
	return u.run("status", "--porcelain") + "|" + string(head) + "|" + u.run("stash", "list") + "|" + string(index)
}

// tried is an attempt's worktree.
type tried struct {
	user
	repo  Repository
	left  Left
	tree  string
	start string
}

func (u user) attempt() tried {
	u.t.Helper()
	r, h := u.open()
	scratch := u.t.TempDir()
	a := tried{user: u, repo: r, start: h.Commit, tree: filepath.Join(u.t.TempDir(), "repo")}
	a.left = Left{Dir: a.tree, Branch: Branch("run", "baseline"), Start: h.Commit, Index: filepath.Join(scratch, "index"),
		Scratch: scratch, Message: "left", When: time.Unix(1e9, 0)}
	if err := r.AddWorktree(u.t.Context(), a.tree, a.left.Branch, h.Commit, a.left.Index); err != nil {
		u.t.Fatal(err)
	}
	return a
}

func (a tried) keep() string {
	a.t.Helper()
	commit, refused, err := a.repo.Keep(a.t.Context(), a.left)
	if err != nil || refused != "" {
		a.t.Fatalf("Keep = %q, %v", refused, err)
	}
	return commit
}

func (a tried) changes(to string) string {
	a.t.Helper()
	list, err := a.repo.Changes(a.t.Context(), a.start, to)
	if err != nil {
		a.t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range list {
		b.WriteString(string(c.Status) + " " + c.Path + "\n")
	}
	return b.String()
}

func TestOpenRefusesWhatNoAttemptCouldWorkOnAndSaysWhatToDo(t *testing.T) {
	u := newUser(t)
	home := t.TempDir()
	bare, unborn, plain := t.TempDir(), t.TempDir(), t.TempDir()
	u.runIn(bare, "init", "-q", "--bare")
	u.runIn(unborn, "init", "-q")
	put(t, filepath.Join(plain, "file"), "")
	own := filepath.Join(home, "work", "repo")
	u.run("worktree", "add", "-q", own)
	for _, c := range []struct{ path, says, hint string }{
		{"/nowhere/at/all", "does not exist", ""},
		{filepath.Join(plain, "file"), "is no folder", ".git"},
		{plain, "is no git repository", "--asset"},
		{bare, "is bare", "clone"},
		{unborn, "has no commit yet", "commit something first"},
		{filepath.Join(u.dir, ".git"), "inside a repository's .git", ".git"},
		{own, "aad's own home", "of yours"},
	} {
		_, _, err := u.Open(t.Context(), c.path, home)
		var told *apprentice.Error
		if !errors.As(err, &told) || !strings.Contains(told.Message, c.says) || !strings.Contains(told.Hint, c.hint) || told.Field != "repo" {
			t.Errorf("Open %s = %v, want %q with hint %q", c.path, err, c.says, c.hint)
		}
	}
	u.write(".gitmodules", "")
	u.run("add", "-A")
	u.run("commit", "-q", "-m", "modules")
	if _, _, err := u.Open(t.Context(), u.dir, home); err == nil || !strings.Contains(err.Error(), "submodules") {
		t.Errorf("Open with submodules = %v", err)
	}
	u.run("rm", "-q", ".gitmodules")
	u.run("commit", "-q", "-m", "no modules")
	u.run("branch", "aa")
	if _, _, err := u.Open(t.Context(), u.dir, home); err == nil || !strings.Contains(err.Error(), "branch aa") {
		t.Errorf("Open with a branch aa = %v", err)
	}
	if _, err := Find(plain, nil, home); apprentice.KindOf(err) != apprentice.Unmet {
		t.Errorf("Find without git = %v", err)
	}
}

func TestOpenTakesASubfolderAndALinkedWorktreeForTheirCheckout(t *testing.T) {
	u := newUser(t)
	r, h, err := u.Open(t.Context(), filepath.Join(u.dir, "sub"), t.TempDir())
	if err != nil || r.Top != real(u.dir) || h.Branch != "main" {
		t.Errorf("Open of a subfolder = %+v, %+v, %v", r, h, err)
	}
	linked := filepath.Join(t.TempDir(), "linked")
	u.run("worktree", "add", "-q", "--detach", linked)
	r, h, err = u.Open(t.Context(), linked, t.TempDir())
	if err != nil || r.Top != real(linked) || r.Common != filepath.Join(real(u.dir), ".git") || h.Branch != "" {
		t.Errorf("Open of a linked worktree = %+v, %+v, %v", r, h, err)
	}
}

func TestSnapshotTakesUncommittedChangesAlongAndTouchesNothing(t *testing.T) {
	u := newUser(t)
	u.write("main.go", "package main // changed\n")
	u.write("staged.txt", "staged")
	u.run("add", "staged.txt")
	u.write("staged.txt", "staged and changed")
	u.write("new/file.txt", "untracked")
	u.write("noise.log", "ignored")
	u.write("home/secret", "aad's own")
	if err := os.Remove(filepath.Join(u.dir, "sub/data.txt")); err != nil {
		t.Fatal(err)
	}
	before := u.state()
	r, h := u.open()
	commit, files, err := r.Snapshot(t.Context(), h.Commit, t.TempDir(), filepath.Join(real(u.dir), "home"))
	if err != nil || files != 4 {
		t.Fatalf("Snapshot = %d files, %v", files, err)
	}
	if got, want := u.run("diff-tree", "-r", "--name-status", "--no-renames", h.Commit, commit), "M\tmain.go\nA\tnew/file.txt\nA\tstaged.txt\nD\tsub/data.txt"; got != want {
		t.Errorf("the snapshot differs from HEAD by\n%s\nwant\n%s", got, want)
	}
	if got := u.run("show", commit+":staged.txt"); got != "staged and changed" {
		t.Errorf("the snapshot has %q", got)
	}
	if after := u.state(); after != before {
		t.Errorf("the user's state changed from\n%q\nto\n%q", before, after)
	}
	if _, err := os.Stat(filepath.Join(u.dir, "HOOK-RAN")); err == nil {
		t.Error("a hook of the repository was run")
	}
}

func TestSnapshotOfACleanCheckoutIsHead(t *testing.T) {
	u := newUser(t)
	r, h := u.open()
	if n, err := r.Uncommitted(t.Context(), time.Minute); err != nil || n != 0 {
		t.Errorf("Uncommitted = %d, %v", n, err)
	}
	commit, files, err := r.Snapshot(t.Context(), h.Commit, t.TempDir(), "/elsewhere")
	if err != nil || commit != h.Commit || files != 0 {
		t.Errorf("Snapshot = %s, %d, %v", commit, files, err)
	}
}

func TestAnAttemptEndsAsABranchAndAPatchThatApplies(t *testing.T) {
	u := newUser(t)
	before := u.state()
	a := u.attempt()
	put(t, filepath.Join(a.tree, "main.go"), "package main\n\nfunc main() {}\n")
	put(t, filepath.Join(a.tree, "logo.bin"), "\x00\x01\x02")
	put(t, filepath.Join(a.tree, "noise.log"), "ignored")
	if err := os.Remove(filepath.Join(a.tree, "sub/data.txt")); err != nil {
		t.Fatal(err)
	}
	commit := a.keep()
	if again := a.keep(); again != commit {
		t.Errorf("kept again it is %s, not %s", again, commit)
	}
	if got, want := a.changes(commit), "A logo.bin\nM main.go\nD sub/data.txt\n"; got != want {
		t.Errorf("changes are\n%swant\n%s", got, want)
	}
	if got := u.run("log", "-1", "--format=%an %s", a.left.Branch); got != "aad left" {
		t.Errorf("the branch ends with %q", got)
	}
	if got := u.runIn(a.tree, "status", "--porcelain", "--branch"); got != "## aa/run/baseline" {
		t.Errorf("the worktree is left as %q", got)
	}
	patch := filepath.Join(t.TempDir(), "changes.patch")
	if err := a.repo.Patch(t.Context(), a.start, commit, patch); err != nil {
		t.Fatal(err)
	}
	if after := u.state(); after != before {
		t.Errorf("the user's state changed from\n%q\nto\n%q", before, after)
	}
	if _, err := os.Stat(filepath.Join(u.dir, "HOOK-RAN")); err == nil {
		t.Error("a hook of the repository was run")
	}
	u.run("apply", "--index", patch)
	if got := u.run("write-tree"); got != u.run("rev-parse", commit+"^{tree}") {
		t.Error("the patch does not lead to what the attempt left")
	}
	u.run("fsck", "--strict")
}

func TestAnAttemptThatChangesNothingLeavesNoPatch(t *testing.T) {
	a := newUser(t).attempt()
	commit := a.keep()
	patch := filepath.Join(t.TempDir(), "changes.patch")
	if err := a.repo.Patch(t.Context(), a.start, commit, patch); err != nil || commit != a.start {
		t.Errorf("Keep = %s, Patch = %v", commit, err)
	}
	if _, err := os.Stat(patch); err == nil {
		t.Error("there is a patch of nothing")
	}
}

// Whatever an agent does to its worktree's git, what it left is kept.
func TestKeepTakesWhatAnAgentLeftHoweverItTreatedGit(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(a tried)
		want string
	}{
		"commits of its own": {func(a tried) {
			put(a.t, filepath.Join(a.tree, "a.txt"), "1")
			a.runIn(a.tree, "add", "-A")
			a.runIn(a.tree, "commit", "-q", "-m", "mine")
			put(a.t, filepath.Join(a.tree, "b.txt"), "2")
		}, "A a.txt\nA b.txt\n"},
		"another branch": {func(a tried) {
			put(a.t, filepath.Join(a.tree, "a.txt"), "1")
			a.runIn(a.tree, "add", "-A")
			a.runIn(a.tree, "commit", "-q", "-m", "on ours")
			a.runIn(a.tree, "checkout", "-q", "-b", "elsewhere", "main")
			put(a.t, filepath.Join(a.tree, "b.txt"), "2")
		}, "A b.txt\n"},
		"an ignored file that it added": {func(a tried) {
			put(a.t, filepath.Join(a.tree, "kept.log"), "1")
			a.runIn(a.tree, "add", "-f", "kept.log")
			a.runIn(a.tree, "commit", "-q", "-m", "forced")
		}, "A kept.log\n"},
		"no .git": {func(a tried) {
			must(a.t, os.Remove(filepath.Join(a.tree, ".git")))
			put(a.t, filepath.Join(a.tree, "a.txt"), "1")
		}, "A a.txt\n"},
		"a repository of its own": {func(a tried) {
			must(a.t, os.Remove(filepath.Join(a.tree, ".git")))
			a.runIn(a.tree, "init", "-q")
			put(a.t, filepath.Join(a.tree, "a.txt"), "1")
			put(a.t, filepath.Join(a.tree, ".git/config"), "[core]\n\tfsmonitor = touch HOOK-RAN\n")
		}, "A a.txt\n"},
		"a broken index and HEAD": {func(a tried) {
			admin := a.admin()
			put(a.t, filepath.Join(admin, "index"), "nonsense")
			put(a.t, filepath.Join(admin, "HEAD"), "nonsense")
			put(a.t, filepath.Join(admin, "index.lock"), "")
			put(a.t, filepath.Join(a.tree, "a.txt"), "1")
		}, "A a.txt\n"},
		"no entry any more": {func(a tried) {
			must(a.t, os.RemoveAll(a.admin()))
			put(a.t, filepath.Join(a.tree, "a.txt"), "1")
		}, "A a.txt\n"},
		"a merge that it gave up": {func(a tried) {
			put(a.t, filepath.Join(a.tree, "main.go"), "package ours\n")
			a.runIn(a.tree, "commit", "-q", "-a", "-m", "ours")
			a.runIn(a.tree, "checkout", "-q", "-b", "theirs", "main")
			put(a.t, filepath.Join(a.tree, "main.go"), "package theirs\n")
			a.runIn(a.tree, "commit", "-q", "-a", "-m", "theirs")
			a.runIn(a.tree, "checkout", "-q", a.left.Branch)
			cmd := exec.Command("git", "-c", "core.hooksPath=/dev/null", "merge", "-q", "theirs")
			cmd.Dir = a.tree
			if cmd.Run() == nil {
				a.t.Error("the merge should not succeed")
			}
		}, "M main.go\n"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newUser(t).attempt()
			c.do(a)
			commit := a.keep()
			if got := a.changes(commit); got != c.want {
				t.Errorf("changes are\n%swant\n%s", got, c.want)
			}
			if _, err := os.Stat(filepath.Join(a.dir, "HOOK-RAN")); err == nil {
				t.Error("something that the agent configured was run")
			}
			if got := a.run("rev-parse", a.left.Branch); got != commit {
				t.Errorf("the branch ends at %s, not %s", got, commit)
			}
			a.run("fsck", "--strict")
		})
	}
}

func (a tried) admin() string {
	a.t.Helper()
	w, ok, err := a.repo.find(a.tree)
	if err != nil || !ok {
		a.t.Fatalf("there is no entry of %s: %v", a.tree, err)
	}
	return w.admin
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeepTellsWhatGitCannotTake(t *testing.T) {
	a := newUser(t).attempt()
	put(t, filepath.Join(a.tree, "a.txt"), "1")
	a.runIn(t.TempDir(), "init", "-q", filepath.Join(a.tree, "nested"))
	put(t, filepath.Join(a.tree, "nested/b.txt"), "2")
	commit, refused, err := a.repo.Keep(t.Context(), a.left)
	if err != nil || refused == "" {
		t.Fatalf("Keep = %q, %v", refused, err)
	}
	if got := a.changes(commit); got != "A a.txt\n" {
		t.Errorf("changes are\n%s", got)
	}
}

func TestAMovedWorktreeStaysAWorktreeAndAForgottenOneLeavesNoTrace(t *testing.T) {
	a := newUser(t).attempt()
	moved := filepath.Join(filepath.Dir(a.tree), "moved")
	must(t, os.Rename(a.tree, moved))
	for range 2 {
		if ok, err := a.repo.Settle(Below(a.tree), moved); err != nil || !ok {
			t.Fatalf("Settle = %v, %v", ok, err)
		}
	}
	a.run("worktree", "prune")
	if got := a.run("worktree", "list"); !strings.Contains(got, real(moved)) {
		t.Errorf("the list is\n%s", got)
	}
	if !a.repo.Clean(t.Context(), moved) {
		t.Error("the moved worktree is not clean")
	}
	must(t, a.repo.Forget(Below(filepath.Dir(moved))))
	if got := a.run("worktree", "list"); strings.Contains(got, "moved") {
		t.Errorf("the list is\n%s", got)
	}
	a.run("branch", "-D", a.left.Branch)
	a.run("fsck", "--strict")
}

// An attempt that a crash cut off anywhere is prepared anew, and one that is tried
// anew does not lose what the first one left.
func TestSettleDoesNothingThroughALink(t *testing.T) {
	a := newUser(t).attempt()
	must(t, os.RemoveAll(a.tree))
	must(t, os.Symlink(a.dir, a.tree))
	if _, err := a.repo.Settle(Below(a.tree), a.tree); err == nil {
		t.Error("a link was taken for the worktree")
	}
	if info, err := os.Lstat(filepath.Join(a.dir, ".git")); err != nil || !info.IsDir() {
		t.Errorf("the user's repository is %v, %v", info, err)
	}
	if list := a.run("worktree", "list", "--porcelain"); !strings.Contains(list, "worktree "+a.tree+"\n") {
		t.Errorf("the worktree is noted elsewhere:\n%s", list)
	}
	if Below(a.tree)(a.dir) {
		t.Error("what a link leads to is taken for a worktree below it")
	}
}

func TestAWorktreeIsMadeAgainAfterACrash(t *testing.T) {
	a := newUser(t).attempt()
	must(t, os.RemoveAll(a.tree))
	must(t, a.repo.Forget(Below(a.tree)))
	must(t, a.repo.AddWorktree(t.Context(), a.tree, a.left.Branch, a.start, a.left.Index))
	put(t, filepath.Join(a.tree, "a.txt"), "1")
	first := a.keep()
	must(t, os.RemoveAll(a.tree))
	must(t, a.repo.Forget(Below(a.tree)))
	must(t, a.repo.AddWorktree(t.Context(), a.tree, a.left.Branch, a.start, a.left.Index))
	if got := a.run("rev-parse", a.left.Branch+"-aside-1"); got != first {
		t.Errorf("the first try is at %s, not %s", got, first)
	}
	if gone, err := a.repo.DeleteBranches(t.Context(), "run"); err != nil || len(gone) != 2 {
		t.Errorf("DeleteBranches = %v, %v", gone, err)
	}
}

// git of another aad, or the user's, may be making a worktree in the same repository.
func TestAWorktreeThatAnotherGitIsJustMakingIsWaitedFor(t *testing.T) {
	a := newUser(t).attempt()
	w, _, err := a.repo.find(a.tree)
	must(t, err)
	half := filepath.Join(w.admin, "commondir")
	whole, err := os.ReadFile(half)
	must(t, err)
	must(t, os.WriteFile(half, nil, 0o644))
	if _, err := a.repo.plumb(t.Context(), "worktree", "list"); !beingMade(err) {
		t.Fatalf("git takes what is half made for whole, or says so otherwise: %v", err)
	}
	done := make(chan error, 1)
	go func() { // ends by its error
		<-time.After(60 * time.Millisecond)
		done <- os.WriteFile(half, whole, 0o644)
	}()
	must(t, a.repo.AddWorktree(t.Context(), filepath.Join(t.TempDir(), "second"), Branch("second", "baseline"), a.start, a.left.Index))
	must(t, <-done)
}

func TestWhatARunStartsFromSurvivesGarbageCollection(t *testing.T) {
	u := newUser(t)
	u.write("main.go", "package changed\n")
	r, h := u.open()
	commit, _, err := r.Snapshot(t.Context(), h.Commit, t.TempDir(), "/elsewhere")
	must(t, err)
	must(t, r.KeepBase(t.Context(), "run..lock", commit))
	u.run("gc", "-q", "--prune=now")
	if !r.Has(t.Context(), commit) {
		t.Error("the base was collected")
	}
	if got := u.run("branch", "--list"); got != "* main" {
		t.Errorf("the user sees branches %q", got)
	}
	must(t, r.Release(t.Context(), "run..lock"))
	must(t, r.Release(t.Context(), "run..lock"))
	u.run("gc", "-q", "--prune=now")
	if r.Has(t.Context(), commit) {
		t.Error("the base is still there")
	}
}

func TestDiffTellsTextsSizesAndWhatIsNoText(t *testing.T) {
	a := newUser(t).attempt()
	put(t, filepath.Join(a.tree, "sub/data.txt"), "one\nthree\n")
	put(t, filepath.Join(a.tree, "b.bin"), "\x00\x01")
	put(t, filepath.Join(a.tree, "[x] ünï.txt"), "x\n")
	commit := a.keep()
	list, err := a.repo.Diff(t.Context(), a.start, commit, "")
	if err != nil || len(list) != 3 {
		t.Fatalf("Diff = %+v, %v", list, err)
	}
	if d := list[0]; d.Path != "[x] ünï.txt" || d.Status != 'A' || d.After != 2 || !strings.Contains(d.Text, "+x\n") {
		t.Errorf("the new file is told as %+v", d)
	}
	if d := list[1]; d.Text != "" || !d.Cut {
		t.Errorf("what is no text is told as %+v", d)
	}
	if d := list[2]; d.Before != 8 || d.After != 10 || !strings.HasPrefix(d.Text, "--- a/sub/data.txt\n") || !strings.HasSuffix(d.Text, "-two\n+three\n") {
		t.Errorf("the changed file is told as %+v", d)
	}
	if one, err := a.repo.Diff(t.Context(), a.start, commit, "sub/data.txt"); err != nil || len(one) != 1 {
		t.Errorf("Diff of one file = %+v, %v", one, err)
	}
}

func TestADetachedCopyIsARepositoryThatReachesNobodyElse(t *testing.T) {
	a := newUser(t).attempt()
	put(t, filepath.Join(a.tree, "a.txt"), "1")
	commit := a.keep()
	dir := filepath.Join(t.TempDir(), "copy")
	must(t, os.CopyFS(dir, os.DirFS(a.tree)))
	must(t, a.repo.Detach(t.Context(), dir, commit, a.start))
	if got := a.runIn(dir, "status", "--porcelain"); got != "" {
		t.Errorf("the copy is not clean: %s", got)
	}
	if got := a.runIn(dir, "diff", "--name-only", "aa-base"); got != "a.txt" {
		t.Errorf("the copy differs from its base by %q", got)
	}
	put(t, filepath.Join(dir, "c.txt"), "3")
	a.runIn(dir, "add", "-A")
	a.runIn(dir, "commit", "-q", "-m", "by a check")
	if got := a.run("rev-parse", a.left.Branch); got != commit {
		t.Error("a commit in the copy reached the branch")
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	u := newUser(t)
	r, h := u.open()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Changes(ctx, h.Commit, h.Commit); !errors.Is(err, context.Canceled) {
		t.Errorf("Changes = %v", err)
	}
}
