package daemon

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

// others is a folder of the user's that no run was given: keys and repositories, which
// also lie where a workspace or a run's folder would have its worktree.
type others struct {
	t           *testing.T
	dir, before string
}

const secretOfOthers = "the-key-of-somebody"

func newOthers(t *testing.T) others {
	t.Helper()
	o := others{t: t, dir: filepath.Join(t.TempDir(), "others")}
	for _, sub := range []string{"", "repo", "baseline/repo"} {
		if err := os.MkdirAll(filepath.Join(o.dir, sub, ".git"), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(o.dir, sub, "id_ed25519"), secretOfOthers)
		write(t, filepath.Join(o.dir, sub, ".git/config"), "[core]\n")
	}
	o.before = o.picture()
	return o
}

func (o others) picture() string {
	o.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, path, info.Mode())
		if !d.IsDir() {
			b.WriteString(slurp(o.t, path))
		}
		return nil
	})
	if err != nil {
		o.t.Errorf("the user's folder is gone: %v", err)
	}
	return b.String()
}

// untouched expects them as they were, and nothing of them in the home.
func (o others) untouched(a *aad) {
	o.t.Helper()
	if now := o.picture(); now != o.before {
		o.t.Errorf("the user's folder was\n%s\nand is\n%s", o.before, now)
	}
	err := filepath.WalkDir(string(a.home), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(slurp(o.t, path), secretOfOthers) {
			o.t.Errorf("%s holds what no run was given", path)
		}
		return nil
	})
	if err != nil {
		o.t.Error(err)
	}
}

// becomesLink puts a link to a folder in the place of what lies up levels over the
// worktree, 0 being itself.
func becomesLink(up int, to string) string {
	at := `"$(pwd)"`
	for range up {
		at = `"$(dirname ` + at + `)"`
	}
	return "at=" + at + `; cd /; rm -rf "$at"; ln -s '` + to + `' "$at"`
}

const deliverGood = "echo good > ../artifacts/out.txt"

func TestAWorktreeThatBecameALinkIsNotFollowed(t *testing.T) {
	for up, what := range []string{"the worktree", "the workspace", "the run's folder of workspaces"} {
		t.Run(what, func(t *testing.T) {
			a, s, p, o := newAad(t), newScript(t), newProject(t), newOthers(t)
			run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(deliverGood, becomesLink(up, o.dir)), Rubric: plainGood,
				Repo: p.dir, Settings: rpc.RunSettings{"max_improvement_loops": 1}})
			if run.QueueState != apprentice.Completed || run.Accepted() != (up == 0) {
				t.Errorf("it ended %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
			}
			told := slurp(t, a.home.Run("r").Package("task_r").Attempt("baseline").Outputs())
			if !strings.Contains(told, "that leads out of its tree") && !strings.Contains(told, "was replaced by something that is no folder") {
				t.Errorf("nothing is told of the link:\n%s", told)
			}
			if n := p.worktrees(); n != 1 {
				t.Errorf("there are %d worktrees:\n%s", n, p.git("worktree", "list"))
			}
			o.untouched(a)
			p.untouched()
		})
	}
}

func TestASandboxedWorktreeThatBecameALinkIsNotFollowed(t *testing.T) {
	inEachSandbox(t, func(t *testing.T, kind string) {
		a, p, o := newAad(t), newProject(t), newOthers(t)
		for id, to := range map[string]string{"project": p.dir, "others": o.dir} {
			run := a.work(rpc.RunSubmitParams{RunID: id, Instruction: deliverGood + "; " + becomesLink(0, to), Rubric: plainGood,
				Repo: p.dir, Settings: rpc.RunSettings{"sandbox": kind}})
			if !run.Accepted() {
				t.Errorf("%s ended %s, %s: %s", id, run.QueueState, run.Verdict, run.StatusReason)
			}
		}
		o.untouched(a)
		p.untouched()
	})
}

func TestAWorktreeThatBecomesALinkWhileAadIsDownIsNotFollowed(t *testing.T) {
	a, s, p, o := newAad(t), newScript(t), newProject(t), newOthers(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(deliverGood, s.gate("go"), becomesLink(0, o.dir)), Rubric: plainGood, Repo: p.dir})
	s.reached("go")
	a.kill()
	s.open("go")
	eventually(t, "the worktree is a link", func() bool {
		info, err := os.Lstat(filepath.Join(a.home.Work("r", 0, "baseline"), "repo"))
		return err == nil && info.Mode()&fs.ModeSymlink != 0
	})
	a.start()
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
	}
	o.untouched(a)
	p.untouched()
}

func TestACancelledOrRetriedWorktreeThatBecameALinkIsNotFollowed(t *testing.T) {
	for up := range 3 {
		a, s, p, o := newAad(t), newScript(t), newProject(t), newOthers(t)
		a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text("[ -e '"+s.file("go.reached")+"' ] && "+deliverGood+" && exit 0", becomesLink(up, o.dir), s.gate("go")),
			Rubric: plainGood, Repo: p.dir})
		s.reached("go")
		must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
		a.wait("r")
		o.untouched(a)
		must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
		if run := a.wait("r"); run.QueueState != apprentice.Completed {
			t.Errorf("%d up: it ended %s: %s", up, run.QueueState, run.StatusReason)
		}
		o.untouched(a)
		p.untouched()
	}
}

func TestGCRemovesNoRepositoryBehindALink(t *testing.T) {
	a, s, p, o := newAad(t), newScript(t), newProject(t), newOthers(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text("echo x > out.txt"), Repo: p.dir})
	folder := string(a.home.Run("r").Package("task_r").Attempt("baseline"))
	if err := os.Rename(folder, filepath.Join(t.TempDir(), "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(o.dir, folder); err != nil {
		t.Fatal(err)
	}
	if done := must(a, rpc.DaemonGC, rpc.GCParams{}); done.Worktrees != 0 {
		t.Errorf("gc removed %+v", done)
	}
	o.untouched(a)
}

func TestWhatHasTheNameOfTheWorktreeOrOfThePatchIsKeptBesideIt(t *testing.T) {
	for do, kept := range map[string]string{
		"echo good > ../artifacts/out.txt; cd ..; rm -rf repo; echo mine > repo":                                                     "repo.raw",
		"echo good > ../artifacts/out.txt; echo x > new; mkdir ../artifacts/changes.patch; echo mine > ../artifacts/changes.patch/f": "artifacts/changes.raw.patch/f",
	} {
		a, s, p := newAad(t), newScript(t), newProject(t)
		run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(do), Rubric: plainGood, Repo: p.dir})
		if !run.Accepted() {
			t.Errorf("%s: it ended %s, %s: %s", do, run.QueueState, run.Verdict, run.StatusReason)
		}
		folder := a.home.Run("r").Package("task_r").Attempt("baseline")
		if got := slurp(t, filepath.Join(string(folder), kept)); got != "mine\n" {
			t.Errorf("%s says %q", kept, got)
		}
		p.git("apply", "--check", folder.Patch())
		p.untouched()
	}
}
