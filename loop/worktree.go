package loop

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/internal/git"
	"aad/shim"
	"aad/workspace"
)

// repository is the user's repository, when the run has one.
func (p *pass) repository() (git.Repository, error) {
	lookup := p.lookup()
	g, err := git.Find(cmp.Or(lookup.Path, variable(lookup.Environ, "PATH")), lookup.Environ, string(p.Home))
	if err != nil {
		return git.Repository{}, err
	}
	return g.At(p.spec.Repository.GitDir), nil
}

func variable(environ []string, name string) string {
	for _, pair := range environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// branch names the branch of an attempt of this pass.
func (p *pass) branch(kind apprentice.AttemptKind) string {
	return git.Branch(p.run.RunID, filepath.Base(p.Home.Work(p.run.RunID, p.run.Pass, kind)))
}

// startCommit is what an attempt's worktree starts as: the best attempt's end in a
// revision. It is pure.
func (p *pass) startCommit() string {
	if len(p.rounds) > 0 {
		if kept := p.rounds[choose(p.rounds)].attempt.Kept; kept != nil {
			return kept.Commit
		}
	}
	return cmp.Or(p.spec.Repository.Start, p.spec.Repository.Base)
}

// tree says how an attempt's worktree is made; nil where the run has no repository.
func (p *pass) tree(kind apprentice.AttemptKind) *workspace.Tree {
	if p.spec.Repository == nil {
		return nil
	}
	start, control := p.startCommit(), p.Home.Control(p.run.RunID, p.run.Pass, kind)
	return &workspace.Tree{
		Make: func(ctx context.Context, dir string) error {
			repo, err := p.repository()
			if err != nil {
				return err
			}
			if err := repo.Gone(p.spec.Repository.Path); err != nil {
				return err
			}
			// What a crash left half made: a run has one live attempt at a time.
			if err := repo.Forget(git.Below(p.Home.Worktrees(p.run.RunID)[0])); err != nil {
				return err
			}
			return repo.AddWorktree(ctx, dir, p.branch(kind), start, keptIndex(control))
		},
		Whole: func(ctx context.Context, dir string) bool {
			repo, err := p.repository()
			if err != nil {
				return false
			}
			_, err = repo.Settle(git.Below(dir), dir)
			return err == nil && repo.Clean(ctx, dir)
		},
	}
}

// keptIndex is the copy of a worktree's index as it was at first.
func keptIndex(control string) string { return filepath.Join(control, "index") }

// settle has git know where an attempt's worktree is now: it was made under another
// name, and moves into the package when the attempt has ended.
func (p *pass) settle(from, to string) error {
	if p.spec.Repository == nil {
		return nil
	}
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		return nil // aa gc has removed it
	}
	repo, err := p.repository()
	if err != nil {
		return err
	}
	_, err = repo.Settle(git.Below(from), to)
	return err
}

// settleNew settles a workspace that was just made, or that a crash left unsettled. One
// whose agent was started has been settled, and is the agent's until it has ended.
func (p *pass) settleNew(place workspace.Place) error {
	if _, err := os.Lstat(place.Shim); place.Repo == "" || err == nil {
		return nil
	}
	repo, err := p.repository()
	if err != nil {
		return err
	}
	_, err = repo.Settle(git.Below(p.Home.Worktrees(p.run.RunID)[0]), place.Repo)
	return err
}

// kept is what became of the repository in an attempt.
type kept struct {
	*apprentice.Kept
	patch   string // the patch, out of the workspace; "" for none
	changes []agent.Change
	lost    []workspace.LeftOut
}

// keep commits what an ended attempt left in its worktree to its branch and writes the
// patch; nothing where the run has no repository. It may be repeated, also after the
// workspace was collected.
func (p *pass) keep(ctx context.Context, kind apprentice.AttemptKind, exit shim.Exit) (k kept, err error) {
	if p.spec.Repository == nil {
		return k, nil
	}
	repo, err := p.repository()
	if err != nil {
		return k, err
	}
	control := p.Home.Control(p.run.RunID, p.run.Pass, kind)
	k.Kept = &apprentice.Kept{Branch: p.branch(kind), Start: p.startCommit()}
	_, collected := p.worktree(kind)
	dir, lost, err := p.Home.Reclaim(p.run.RunID, p.run.Pass, kind)
	if err != nil {
		return k, err
	}
	k.lost = lost
	if err := workspace.Tame(ctx, dir); err != nil {
		return k, err
	}
	if _, err := repo.Settle(git.Below(p.Home.Work(p.run.RunID, p.run.Pass, kind)), dir); err != nil {
		return k, err
	}
	if err := os.MkdirAll(control, 0o700); err != nil {
		return k, err
	}
	ended, err := apprentice.ParseStamp(exit.EndedAt)
	if err != nil {
		ended = p.Now()
	}
	k.Commit, k.Refused, err = repo.Keep(ctx, git.Left{Dir: dir, Branch: k.Branch, Start: k.Start, Index: keptIndex(control),
		Scratch: control, When: ended.Truncate(time.Second), Message: p.commitMessage(kind)})
	if err != nil {
		return k, err
	}
	changes, err := repo.Changes(ctx, p.spec.Repository.Base, k.Commit)
	if err != nil {
		return k, err
	}
	if k.Files = len(changes); k.Files > 0 {
		k.Patch = workspace.PatchName
	}
	if !collected {
		k.patch = filepath.Join(control, path.Base(workspace.PatchName))
		if err := repo.Patch(ctx, p.spec.Repository.Base, k.Commit, k.patch); err != nil {
			return k, err
		}
	}
	if changes, err = repo.Changes(ctx, k.Start, k.Commit); err != nil {
		return k, err
	}
	for _, c := range changes {
		k.changes = append(k.changes, changeOf(dir, c))
	}
	return k, nil
}

// collect takes an ended attempt into the package, its patch among its artifacts.
func (p *pass) collect(ctx context.Context, place workspace.Place, kind apprentice.AttemptKind, exit shim.Exit) (kept, workspace.Collected, error) {
	k, err := p.keep(ctx, kind, exit)
	if err != nil {
		return k, workspace.Collected{}, err
	}
	streams := p.streams(kind)
	streams.Patch = k.patch
	got, err := p.Home.Collect(ctx, p.run.RunID, p.run.Pass, kind, streams)
	if err == nil {
		err = p.settle(place.Repo, got.Folder.Repo())
	}
	return k, got, err
}

// into tells it in the record of the attempt.
func (k kept) into(o *agent.Observed) {
	if k.Kept == nil {
		return
	}
	o.Changes = append(o.Changes, k.changes...)
	for _, l := range k.lost {
		o.LeftOut = append(o.LeftOut, l.Path+": "+l.Reason)
	}
	if k.Refused != "" {
		o.LeftOut = append(o.LeftOut, workspace.RepoName+": git could not take it: "+k.Refused)
	}
	o.Repository, o.Current = k.Kept, workspace.RepoName
}

// checkDir is where the rubric's commands run: where the agent worked.
func (p *pass) checkDir() string {
	if p.spec.Repository == nil {
		return ""
	}
	return workspace.RepoName
}

// withValue adds to an event's metadata, which may be nil.
func withValue(m map[string]any, key string, value any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[key] = value
	return m
}

// worktree is where an attempt's worktree lies now.
func (p *pass) worktree(kind apprentice.AttemptKind) (dir string, collected bool) {
	return p.Home.Repo(p.run.RunID, p.run.Pass, kind)
}

func (p *pass) commitMessage(kind apprentice.AttemptKind) string {
	return fmt.Sprintf("aa: %s\n\nWhat the apprentice left uncommitted in attempt %s of run %s.", apprentice.Title(p.spec.Instruction), kind, p.run.RunID)
}

// changeOf tells a change of the repository as one of the attempt's folder.
func changeOf(dir string, c git.Change) agent.Change {
	change := agent.Change{Path: path.Join(workspace.RepoName, c.Path), Operation: agent.Modified}
	switch c.Status {
	case 'A':
		change.Operation = agent.Created
	case 'D':
		change.Operation = agent.Deleted
		return change
	}
	file := filepath.Join(dir, filepath.FromSlash(c.Path))
	info, err := os.Lstat(file)
	if err != nil {
		return change // committed, and not checked out
	}
	change.Size, change.ModTime = info.Size(), info.ModTime().UTC()
	if info.Mode()&fs.ModeSymlink != 0 {
		change.Link, _ = os.Readlink(file)
	} else if info.Mode().IsRegular() {
		change.Hash = hashOf(file)
	}
	return change
}

func hashOf(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// dropTree removes an attempt's worktree after what was left in it was kept, so that
// the attempt can be put aside and its branch be made anew.
func (p *pass) dropTree(ctx context.Context, kind apprentice.AttemptKind) error {
	if p.spec.Repository == nil {
		return nil
	}
	repo, err := p.repository()
	if err != nil {
		return err
	}
	dir, _ := p.worktree(kind)
	if _, err := os.Lstat(dir); err == nil {
		if _, err := p.keep(ctx, kind, shim.Exit{}); err != nil {
			p.Log.Warn("what an interrupted attempt left in its worktree is lost", "run_id", p.run.RunID, "attempt", kind, "error", err)
		}
	}
	if err := p.Home.RemoveRepo(p.run.RunID, p.run.Pass, kind); err != nil {
		return err
	}
	return repo.Forget(git.Below(dir))
}

// abandonTree removes what was made in the repository for an attempt that was never
// started.
func (p *pass) abandonTree(ctx context.Context, kind apprentice.AttemptKind) error {
	if p.spec.Repository == nil {
		return nil
	}
	repo, err := p.repository()
	if err != nil {
		return err
	}
	if err := repo.Forget(git.Below(p.Home.Worktrees(p.run.RunID)[0])); err != nil {
		return err
	}
	return repo.DropBranch(ctx, p.branch(kind), p.startCommit())
}

// nothingDone words an attempt that left neither a change nor a file.
const nothingDone = "the agent ended well, changed nothing in the repository and left nothing in artifacts/"

// copyOfTree makes the worktree in the copy of a workspace that a check gets a
// repository of its own, so that nothing a check does reaches the user's.
func (p *pass) copyOfTree(kept *apprentice.Kept) func(ctx context.Context, workspace string) error {
	if p.spec.Repository == nil || kept == nil {
		return nil
	}
	return func(ctx context.Context, copied string) error {
		repo, err := p.repository()
		if err != nil {
			return err
		}
		return repo.Detach(ctx, filepath.Join(copied, workspace.RepoName), kept.Commit, p.spec.Repository.Base)
	}
}
