package daemon

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// project is a user's git repository with work in progress, of which no run may
// change a thing.
type project struct {
	t      *testing.T
	dir    string
	before string
}

func newProject(t *testing.T) *project {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git here")
	}
	t.Setenv("HOME", t.TempDir())
	p := &project{t: t, dir: filepath.Join(t.TempDir(), "my project")}
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.git("init", "-q", "-b", "main")
	write(t, filepath.Join(p.dir, "out.txt"), "nothing\n")
	write(t, filepath.Join(p.dir, "keep.txt"), "kept\n")
	p.git("add", "-A")
	p.git("commit", "-q", "-m", "start")
	hook := write(t, filepath.Join(p.dir, ".git/hooks/post-checkout"), "#!/bin/sh\ntouch '"+p.dir+"/HOOK-RAN'\n")
	if err := os.Chmod(hook, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.dir, "staged.txt"), "staged\n")
	p.git("add", "staged.txt")
	write(t, filepath.Join(p.dir, "wip.txt"), "untracked\n")
	p.before = p.state()
	return p
}

func (p *project) git(args ...string) string {
	p.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "core.hooksPath=/dev/null", "-c", "user.name=u", "-c", "user.email=u@u"}, args...)...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (p *project) state() string {
	head := slurp(p.t, filepath.Join(p.dir, ".git/HEAD"))
	return head + p.git("status", "--porcelain") + p.git("stash", "list") + slurp(p.t, filepath.Join(p.dir, ".git/index"))
}

// untouched expects the user's checkout as it was and a repository that is whole.
func (p *project) untouched() {
	p.t.Helper()
	if now := p.state(); now != p.before {
		p.t.Errorf("the user's checkout was\n%q\nand is\n%q", p.before, now)
	}
	if there(filepath.Join(p.dir, "HOOK-RAN")) {
		p.t.Error("a hook of the repository was run")
	}
	p.git("fsck", "--strict")
	if list := p.git("worktree", "list", "--porcelain"); strings.Contains(list, "prunable") {
		p.t.Errorf("worktrees are left that are gone:\n%s", list)
	}
}

// branches lists those of runs, without aa/.
func (p *project) branches() string {
	return strings.ReplaceAll(p.git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/aa"), "\n", " ")
}

func (p *project) worktrees() int {
	return strings.Count(p.git("worktree", "list", "--porcelain"), "worktree ") - 1
}

// tryInRepo fails its check at first and passes it in the revision, which finds what
// the first one did.
const tryInRepo = `if [ "$AA_ATTEMPT" = baseline ]; then echo bad > out.txt; echo new > fresh.txt; else grep -q bad out.txt && test -f fresh.txt && echo good > out.txt; fi`

const wantsGoodRepo = `
criteria:
  - name: says good
    check: {command: {run: "grep -q good out.txt && git diff --name-only aa-base | grep -q out.txt && git -c user.name=c -c user.email=c@c commit -q --allow-empty -m check"}}
  - name: the file can be looked at
    check: {contains: {path: repo/out.txt, text: good}}
`

func TestARunOnARepositoryEndsAsBranchesAndAPatch(t *testing.T) {
	a, s, p := newAad(t), newScript(t), newProject(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(tryInRepo, "echo notes > ../artifacts/notes.txt"), Rubric: wantsGoodRepo, Repo: p.dir})
	if !run.Accepted() {
		t.Fatalf("it ended %s, %s: %s; %+v", run.QueueState, run.Verdict, run.StatusReason, a.get("r").Attempts)
	}
	p.untouched()
	if got := p.branches(); got != "r/baseline r/revised" {
		t.Errorf("branches are %q", got)
	}
	if got := p.git("log", "--format=%an", "aa/r/revised", "^main"); got != "aad\naad" {
		t.Errorf("the revision was not built on the first attempt: %q", got)
	}
	folder := a.home.Run("r")
	index := slurp(t, folder.Package("task_r").ArtifactsIndex())
	if strings.Contains(index, "/repo/") || !strings.Contains(index, "attempts/revised/artifacts/changes.patch") {
		t.Errorf("artifacts_index.json is\n%s", index)
	}
	if there(filepath.Join(folder.Bundle(), "attempts/baseline/repo")) || !there(filepath.Join(folder.Bundle(), "attempts/revised/artifacts/changes.patch")) {
		t.Errorf("the bundle holds the repository, or no patch of it: %v", under(folder.Bundle()))
	}
	if out := slurp(t, folder.Package("task_r").Attempt("baseline").Outputs()); !strings.Contains(out, "attempts/baseline/repo/fresh.txt") || !strings.Contains(out, `"branch": "aa/r/baseline"`) {
		t.Errorf("actual_outputs.json does not tell what was changed:\n%s", out)
	}
	diff := must(a, rpc.RunDiff, rpc.RunDiffParams{RunID: "r"})
	if names := diffNames(diff); names != "base: added fresh.txt, modified out.txt, added artifacts/notes.txt" {
		t.Errorf("the diff tells %s", names)
	}
	diff = must(a, rpc.RunDiff, rpc.RunDiffParams{RunID: "r", From: "baseline"})
	if names := diffNames(diff); names != "task_r_baseline: modified out.txt" || !strings.Contains(diff.Files[0].Text, "+good") {
		t.Errorf("the diff to the first attempt tells %s", names)
	}
	a.stop()
	a.whole("r")
	p.git("apply", filepath.Join(folder.Artifacts(), "changes.patch"))
	if got := slurp(t, filepath.Join(p.dir, "out.txt")); got != "good\n" {
		t.Errorf("the patch leads to %q", got)
	}
}

func diffNames(d rpc.RunDiffResult) string {
	var names []string
	for _, f := range d.Files {
		names = append(names, f.Change+" "+f.Path)
	}
	return string(d.From) + ": " + strings.Join(names, ", ")
}

func TestUncommittedChangesAreTakenAlongOnRequest(t *testing.T) {
	a, s, p := newAad(t), newScript(t), newProject(t)
	script := s.text("cat staged.txt wip.txt > out.txt 2>/dev/null; true")
	a.work(rpc.RunSubmitParams{RunID: "without", Instruction: script, Repo: p.dir})
	got := must(a, rpc.RunSubmit, rpc.RunSubmitParams{RunID: "with", Instruction: script, Repo: p.dir, IncludeDirty: true})
	if got.Repository == nil || got.Repository.Uncommitted != 2 || got.Repository.Base == got.Repository.Head {
		t.Errorf("the submit tells %+v", got.Repository)
	}
	a.wait("with")
	p.untouched()
	if out := p.git("show", "aa/with/baseline:out.txt"); out != "staged\nuntracked" {
		t.Errorf("with them the apprentice saw %q", out)
	}
	if out := p.git("show", "aa/without/baseline:out.txt"); out != "" {
		t.Errorf("without them the apprentice saw %q", out)
	}
	p.git("apply", filepath.Join(a.home.Run("with").Artifacts(), "changes.patch"))
}

func TestARunThatLeavesTheRepositoryAloneHasDeliveredNothing(t *testing.T) {
	a, s, p := newAad(t), newScript(t), newProject(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text("true"), Repo: p.dir})
	if run.OperationalError != apprentice.OutputContract || !strings.Contains(run.OperationalHint, "changed nothing in the repository") {
		t.Errorf("it ended %s: %s", run.OperationalError, run.OperationalHint)
	}
	run = a.work(rpc.RunSubmitParams{RunID: "report", Instruction: s.text("echo all is well > ../artifacts/report.md"), Repo: p.dir})
	if !run.Accepted() {
		t.Errorf("a report about the repository ended %s, %s", run.QueueState, run.Verdict)
	}
	p.untouched()
}

func TestAFollowUpGoesOnFromTheSelectedBranch(t *testing.T) {
	a, s, p := newAad(t), newScript(t), newProject(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text("echo one >> out.txt"), Repo: p.dir})
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: s.text("echo two >> out.txt")})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	if got := p.git("show", "aa/r/followup-1-baseline:out.txt"); got != "nothing\none\ntwo" {
		t.Errorf("the follow-up came to %q", got)
	}
	p.git("apply", "--check", filepath.Join(a.home.Run("r").Artifacts(), "changes.patch"))
	p.untouched()
}

func TestARetriedAttemptKeepsWhatTheFirstTryLeft(t *testing.T) {
	a, s, p := newAad(t), newScript(t), newProject(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text("echo half > out.txt", "[ -e '"+s.file("go.reached")+"' ] && exit 0", s.gate("go")), Repo: p.dir})
	s.reached("go")
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
	a.wait("r")
	p.untouched()
	must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	if got := p.branches(); got != "r/baseline r/baseline-aside-1" {
		t.Errorf("branches are %q", got)
	}
	if n := p.worktrees(); n != 1 {
		t.Errorf("there are %d worktrees:\n%s", n, p.git("worktree", "list"))
	}
	p.untouched()
}

func TestWorktreesGoWithAGCAndWithTheRunAndBranchesStayUnlessPurged(t *testing.T) {
	a, s, p := newAad(t), newScript(t), newProject(t)
	for _, id := range []string{"a", "b"} {
		a.work(rpc.RunSubmitParams{RunID: id, Instruction: s.text("echo x > out.txt"), Repo: p.dir})
	}
	a.submit(rpc.RunSubmitParams{RunID: "live", Instruction: s.text("echo x > out.txt", s.gate("go")), Repo: p.dir})
	s.reached("go")
	if dry := must(a, rpc.DaemonGC, rpc.GCParams{DryRun: true}); dry.Worktrees != 2 || dry.Bytes == 0 || p.worktrees() != 3 {
		t.Errorf("gc would remove %+v; there are %d worktrees", dry, p.worktrees())
	}
	if done := must(a, rpc.DaemonGC, rpc.GCParams{}); done.Worktrees != 2 || p.worktrees() != 1 {
		t.Errorf("gc removed %+v; there are %d worktrees", done, p.worktrees())
	}
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "a", Instruction: s.text("echo y > y.txt")})
	if run := a.wait("a"); !run.Accepted() {
		t.Errorf("after gc a follow-up ended %s: %s", run.QueueState, run.StatusReason)
	}
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "a"})
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "b", Purge: true})
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "live", Force: true, Purge: true})
	if got := p.branches(); got != "a/baseline a/followup-1-baseline" || p.worktrees() != 0 {
		t.Errorf("branches are %q, and there are %d worktrees", got, p.worktrees())
	}
	if refs := p.git("for-each-ref", "refs/aad"); refs != "" {
		t.Errorf("refs are left: %s", refs)
	}
	p.untouched()
}

func TestARefusedRepositoryLeavesNothing(t *testing.T) {
	a, p := newAad(t), newProject(t)
	submit := func(q rpc.RunSubmitParams, kind apprentice.Kind) {
		t.Helper()
		q.Instruction = "true"
		if err := refused(a, rpc.RunSubmit, q, kind); !strings.Contains(err.Error(), "repo") {
			t.Errorf("it says %v", err)
		}
	}
	submit(rpc.RunSubmitParams{Repo: "relative"}, apprentice.Invalid)
	submit(rpc.RunSubmitParams{Repo: t.TempDir()}, apprentice.Invalid)
	submit(rpc.RunSubmitParams{IncludeDirty: true}, apprentice.Invalid)
	submit(rpc.RunSubmitParams{Repo: p.dir, Path: "/nowhere"}, apprentice.Unmet)
	p.git("branch", "aa")
	submit(rpc.RunSubmitParams{Repo: p.dir}, apprentice.Conflict)
	if entries, _ := os.ReadDir(a.home.Private("")); len(entries) > 0 {
		t.Errorf("notes are left: %v", entries)
	}
	p.untouched()
}

func TestARepositoryThatHasGoneIsNamedAndRetriedWhenItIsBack(t *testing.T) {
	p := newProject(t)
	a, s := newAad(t), newScript(t)
	script := s.text("echo good > out.txt")
	a.submit(rpc.RunSubmitParams{RunID: "r", Repo: p.dir, Rubric: anyOutput, Instruction: script, Hold: true})
	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(p.dir, aside); err != nil {
		t.Fatal(err)
	}
	must(a, rpc.RunRelease, rpc.RunParams{RunID: "r"})
	if run := a.wait("r"); !strings.Contains(run.StatusReason, p.dir+" is not there any more") || !strings.Contains(run.OperationalAdvice, "aa retry r") {
		t.Errorf("it ended as %q, %q", run.StatusReason, run.OperationalAdvice)
	}
	if err := os.Rename(aside, p.dir); err != nil {
		t.Fatal(err)
	}
	must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
	if run := a.wait("r"); run.QueueState == apprentice.Failed {
		t.Errorf("retried, it ended as %q", run.StatusReason)
	}
	if err := os.Rename(p.dir, aside); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		refused(a, rpc.RunDiff, rpc.RunDiffParams{RunID: "r"}, apprentice.Unmet),
		refused(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: script}, apprentice.Unmet),
	} {
		if !strings.Contains(err.Error(), "is not there any more") {
			t.Error(err)
		}
	}
}

func TestARepositoryRunOutlivesAKillAtEachOfItsEvents(t *testing.T) {
	for i, kind := range strings.Fields(acceptedEvents) {
		if !sampled(i) {
			continue
		}
		t.Run(fmt.Sprintf("%d-%s", i+1, kind), func(t *testing.T) {
			a, s, p := newAad(t), newScript(t), newProject(t)
			events := a.follow()
			conn := a.conn
			q := rpc.RunSubmitParams{RunID: "r", Instruction: s.text(tryInRepo), Rubric: wantsGoodRepo, Repo: p.dir, IncludeDirty: true}
			go func() { _, _ = rpc.Call(a.ctx(), conn, rpc.RunSubmit, q) }() // ends with the kill at the latest
			for e := range events {
				if e.EventIndex == uint64(i+1) {
					break
				}
			}
			a.kill()
			a.start()
			a.repositoryRunIsWhole(p, s, "r")
			a.stop()
			a.whole("r")
		})
	}
}

func (a *aad) repositoryRunIsWhole(p *project, s script, id apprentice.RunID) {
	a.t.Helper()
	if run := a.wait(id); !run.Accepted() {
		a.t.Errorf("%s ended %s, %s: %s", id, run.QueueState, run.Verdict, run.StatusReason)
	}
	for _, kind := range []string{"baseline", "revised"} {
		if n := s.starts()[string(id)+" "+kind]; n != 1 {
			a.t.Errorf("%s %s was started %d times", id, kind, n)
		}
	}
	p.untouched()
	p.git("apply", "--check", filepath.Join(a.home.Run(id).Artifacts(), "changes.patch"))
	if got := p.git("show", "aa/"+string(id)+"/revised:out.txt"); got != "good" {
		a.t.Errorf("the branch of %s says %q", id, got)
	}
}

// The test kills aad again and again while git works for it, which a filter makes slow,
// and prints the seed with which it did.
func TestRepositoryRunsOutliveKillsAtRandomMoments(t *testing.T) {
	runs, kills := 6, 10
	if testing.Short() {
		runs, kills = 3, 4
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	p := newProject(t)
	p.git("config", "filter.slow.smudge", "sleep 0.05; cat")
	p.git("config", "filter.slow.clean", "cat")
	write(t, filepath.Join(p.dir, ".git/info/attributes"), "*.txt filter=slow\n")
	p.before = p.state()
	a, s := newAad(t, "AA_MAX_PARALLEL=3"), newScript(t)
	var ids []apprentice.RunID
	for i := range runs {
		ids = append(ids, a.submit(rpc.RunSubmitParams{RunID: fmt.Sprintf("r%02d", i), Instruction: s.text(tryInRepo), Rubric: wantsGoodRepo, Repo: p.dir}))
	}
	for range kills {
		<-time.After(time.Duration(random.IntN(300)) * time.Millisecond)
		a.kill()
		a.start()
	}
	for _, id := range ids { // git fsck minds a worktree that is just being made
		a.wait(id)
	}
	for _, id := range ids {
		a.repositoryRunIsWhole(p, s, id)
	}
	if got := p.branches(); strings.Contains(got, "aside") {
		t.Errorf("branches are %q", got)
	}
	a.stop()
	a.whole(ids...)
}
