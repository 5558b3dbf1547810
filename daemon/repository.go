package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aad/apprentice"
	"aad/internal/git"
	"aad/rpc"
)

// glance is how long a submit looks for uncommitted changes, to tell of them.
const glance = 5 * time.Second

// git finds the program, in the submitter's PATH where there is one.
func (d *Daemon) git(path string) (git.Git, error) {
	return git.Find(cmp.Or(path, d.ownPath()), d.cfg.Environ, string(d.home))
}

// ownPath is the PATH that aad was started with.
func (d *Daemon) ownPath() (path string) {
	for _, pair := range d.cfg.Environ {
		if value, ok := strings.CutPrefix(pair, "PATH="); ok {
			path = value
		}
	}
	return path
}

// endOldGit ends what an earlier aad was killed in doing to repositories.
func (d *Daemon) endOldGit(ctx context.Context) error {
	ids, err := d.home.WithRepository()
	if err != nil || len(ids) == 0 && !d.sharing.usesGit() {
		return err
	}
	return git.EndLeftOver(ctx, string(d.home))
}

// openRepository looks at the repository that a submit names, and refuses one that no
// attempt could work on. It makes nothing.
func (d *Daemon) openRepository(ctx context.Context, p rpc.RunSubmitParams) (*apprentice.Repository, error) {
	switch {
	case p.Repo == "" && p.IncludeDirty:
		return nil, apprentice.Errorf(apprentice.Invalid, "include_dirty takes changes of a repository along, and none is named").
			WithField("include_dirty").WithHint("--repo PATH names it")
	case p.Repo == "":
		return nil, nil
	case !filepath.IsAbs(p.Repo):
		return nil, apprentice.Errorf(apprentice.Invalid, "repo %s is not absolute", p.Repo).WithField("repo")
	}
	g, err := d.git(p.Path)
	if err != nil {
		return nil, err
	}
	repo, head, err := g.Open(ctx, p.Repo, string(d.home))
	if err != nil {
		return nil, err
	}
	r := &apprentice.Repository{Path: repo.Top, GitDir: repo.Common, Branch: head.Branch, Head: head.Commit, Base: head.Commit, IncludeDirty: p.IncludeDirty}
	if !p.IncludeDirty {
		r.Uncommitted, err = repo.Uncommitted(ctx, glance)
	}
	return r, err
}

// keepRepository has what the run starts from stay, the user's uncommitted changes
// included where that was asked for. What it makes is noted first, so that it is found
// after a crash.
func (d *Daemon) keepRepository(ctx context.Context, id apprentice.RunID, p rpc.RunSubmitParams, spec *apprentice.Spec) error {
	if spec.Repository == nil {
		return nil
	}
	r := *spec.Repository
	if err := d.home.KeepRepository(id, r); err != nil {
		return fmt.Errorf("note the repository of run %s: %w", id, err)
	}
	g, err := d.git(p.Path)
	if err != nil {
		return err
	}
	repo := g.At(r.GitDir)
	if r.IncludeDirty {
		full, _, err := g.Open(ctx, r.Path, string(d.home))
		if err != nil {
			return err
		}
		if r.Base, r.Uncommitted, err = full.Snapshot(ctx, r.Head, d.home.Private(id), string(d.home)); err != nil {
			return err
		}
	}
	spec.Repository = &r
	return repo.KeepBase(ctx, id, r.Base)
}

// releaseRepository removes what a run has in the user's repository: its worktrees from
// the list of git, what it started from, and with purge the attempts' branches. The
// worktrees' folders go with the run's. Where the repository is gone there is nothing
// to remove.
func (d *Daemon) releaseRepository(ctx context.Context, id apprentice.RunID, purge bool) error {
	r, ok, err := d.home.Repository(id)
	if err != nil || !ok {
		return err
	}
	if _, err := os.Stat(r.GitDir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, folder := range d.home.Worktrees(id) {
		if err := (git.Git{}).At(r.GitDir).Forget(git.Below(folder)); err != nil {
			return err
		}
	}
	g, err := d.git("")
	if err != nil {
		return err
	}
	repo := g.At(r.GitDir)
	if purge {
		if _, err := repo.DeleteBranches(ctx, id); err != nil {
			return err
		}
	}
	return repo.Release(ctx, id)
}

// collectWorktrees removes the worktrees of runs that have ended; their branches stay.
// A follow-up makes new ones.
func (d *Daemon) collectWorktrees(dry bool, out *rpc.GCResult) error {
	ids, err := d.home.WithRepository()
	if err != nil {
		return err
	}
	for _, id := range ids {
		run, err := d.store.Run(id)
		if err != nil && apprentice.KindOf(err) != apprentice.NotFound {
			return err
		}
		if err != nil || run.Live() {
			continue
		}
		n, bytes, err := d.dropWorktrees(id, dry)
		out.Worktrees, out.Bytes = out.Worktrees+n, out.Bytes+bytes
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Daemon) dropWorktrees(id apprentice.RunID, dry bool) (n int, bytes int64, err error) {
	if n, bytes, err = d.home.Repos(context.Background(), id); err != nil || dry || n == 0 {
		return n, bytes, err
	}
	r, ok, err := d.home.Repository(id)
	if err != nil || !ok {
		return 0, 0, err
	}
	if err := d.home.RemoveRepos(id); err != nil {
		return n, bytes, err
	}
	return n, bytes, git.Git{}.At(r.GitDir).Forget(git.Below(string(d.home.Run(id))))
}

// startOfFollowup is the commit that a follow-up starts from: where the branch of the
// selected attempt ends.
func (d *Daemon) startOfFollowup(ctx context.Context, run apprentice.Run, spec apprentice.Spec) (*apprentice.Repository, error) {
	if spec.Repository == nil || spec.RecordOnly {
		return spec.Repository, nil
	}
	all, err := d.allAttempts(run.RunID)
	if err != nil {
		return nil, err
	}
	r := *spec.Repository
	for _, a := range all {
		if a.AttemptID == run.SelectedID && a.Repository != nil {
			r.Start = a.Repository.Commit
		}
	}
	g, err := d.git(spec.Path)
	if err != nil {
		return nil, err
	}
	if err := g.At(r.GitDir).Gone(r.Path); err != nil {
		return nil, err
	}
	for _, commit := range []string{r.Base, cmp.Or(r.Start, r.Base)} {
		if !g.At(r.GitDir).Has(ctx, commit) {
			return nil, apprentice.Errorf(apprentice.Unmet, "repository %s no longer has the commit %s that the follow-up is to start from", r.Path, commit).
				WithHint("start a new run from a branch that is there: aa run --repo %s", r.Path)
		}
	}
	return &r, nil
}
