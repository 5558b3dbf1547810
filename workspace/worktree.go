package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aad/apprentice"
)

// Tree makes the worktree of the user's repository in a workspace. What is in it is
// git's to tell: this package lists nothing of it, moves it and removes it.
type Tree struct {
	// Make checks the repository out at a folder that does not exist. It is called
	// again, for another folder, after a crash.
	Make func(ctx context.Context, dir string) error
	// Whole reports whether it is still as it was made.
	Whole func(ctx context.Context, dir string) bool
}

// build makes the worktree in a workspace that is being made. The patch of the attempt
// that artifacts/ were taken over from stays behind: it is in the worktree.
func (t *Tree) build(ctx context.Context, dir string) error {
	if t == nil {
		return nil
	}
	if err := os.Remove(filepath.Join(dir, artifactsName, patchName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.Make(ctx, filepath.Join(dir, repoName))
}

// skipping leaves out of a workspace's listing what is ignored, and the worktree
// where there is one.
func skipping(tree bool) func(rel string, d fs.DirEntry) bool {
	if !tree {
		return ignoredEntry
	}
	return func(rel string, d fs.DirEntry) bool { return rel == repoName || ignoredEntry(rel, d) }
}

// Tame makes what an agent left in a folder such that it can be read and removed.
func Tame(ctx context.Context, dir string) error { return tame(ctx, dir) }

// Repo is the attempt's worktree of the user's repository, until aa gc removes it.
func (a AttemptFolder) Repo() string { return a.join(repoName) }

// Patch is what the attempt did to the user's repository; there is none where it did
// nothing.
func (a AttemptFolder) Patch() string { return filepath.Join(a.Artifacts(), patchName) }

// PatchName is Patch, relative to the attempt's folder.
const PatchName = artifactsName + "/" + patchName

// RepoName is the worktree, relative to the attempt's folder.
const RepoName = repoName

// planPatch adds the patch to the artifacts. A file or folder of that name that the
// agent left is kept under another.
func (c collection) planPatch(ctx context.Context, p *plan) error {
	if c.streams.Patch == "" || !exists(c.streams.Patch) {
		return nil
	}
	if exists(filepath.Join(c.work, filepath.FromSlash(PatchName))) && !p.settled(PatchName) && !p.settled(artifactsName) {
		c.planMove(p, PatchName, artifactsName+"/"+rawName(patchName))
	}
	sum, size, err := hashFile(ctx, c.streams.Patch)
	if err != nil {
		return err
	}
	info, err := os.Stat(c.streams.Patch)
	if err == nil {
		p.After = append(p.After, File{Path: PatchName, Size: size, SHA256: sum, Mode: 0o644, ModTime: info.ModTime().UTC()})
	}
	return err
}

// Worktrees are the folders in which git worktrees of a run may lie: its workspaces
// and its own folder.
func (h Home) Worktrees(id apprentice.RunID) []string {
	return []string{filepath.Join(h.workRoot(), string(id)), string(h.Run(id))}
}

// RemoveRepo removes an attempt's worktree from its workspace or its folder. What git
// notes of it is the caller's to remove.
func (h Home) RemoveRepo(id apprentice.RunID, pass int, kind apprentice.AttemptKind) error {
	var all error
	if work := h.Work(id, pass, kind); isReal(h.workRoot(), work) {
		all = removeTree(filepath.Join(work, repoName))
	}
	if folder := h.attempt(id, pass, kind); isReal(string(h.Run(id)), string(folder)) {
		all = errors.Join(all, removeTree(folder.Repo()))
	}
	return all
}

// repos are the worktrees in a run's folder: those of attempts that have ended.
func (h Home) repos(id apprentice.RunID) (dirs []string, err error) {
	found, err := filepath.Glob(filepath.Join(globLiteral(string(h.Run(id))), "packages", "*", "attempts", "*", repoName, ".git"))
	for _, link := range found {
		if dir := filepath.Dir(link); isReal(string(h.Run(id)), dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs, err
}

// Repos counts the worktrees in a run's folder and the bytes they take.
func (h Home) Repos(ctx context.Context, id apprentice.RunID) (n int, bytes int64, err error) {
	dirs, err := h.repos(id)
	for _, dir := range dirs {
		size, uerr := Usage(ctx, dir)
		err = errors.Join(err, uerr)
		bytes += size.Bytes
	}
	return len(dirs), bytes, err
}

// RemoveRepos removes them. What git notes of them is the caller's to remove.
func (h Home) RemoveRepos(id apprentice.RunID) error {
	dirs, err := h.repos(id)
	for _, dir := range dirs {
		err = errors.Join(err, removeTree(dir))
	}
	return err
}

// globLiteral has Glob take a path as it is.
func globLiteral(path string) string {
	var b []byte
	for i := range len(path) {
		if c := path[i]; c == '*' || c == '?' || c == '[' {
			b = append(b, '[', c, ']')
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// isRepo reports the worktree among an attempt's files: a folder that is linked to a
// repository elsewhere.
func (p Package) isRepo(rel, rest string) bool {
	if rest != repoName {
		return false
	}
	info, err := os.Lstat(filepath.Join(p.File(rel), ".git"))
	return err == nil && info.Mode().IsRegular()
}

// repositoryFile notes whose worktrees a run has, so that they are found whatever
// becomes of its records.
func (h Home) repositoryFile(id apprentice.RunID) string {
	return filepath.Join(h.Private(id), "repository.json")
}

// KeepRepository notes it, before anything is made in the repository.
func (h Home) KeepRepository(id apprentice.RunID, r apprentice.Repository) error {
	if err := os.MkdirAll(h.Private(id), 0o700); err != nil {
		return err
	}
	return writeRecord(h.repositoryFile(id), r)
}

// Repository reads the note; false when the run has no repository.
func (h Home) Repository(id apprentice.RunID) (r apprentice.Repository, ok bool, err error) {
	err = readRecord(h.repositoryFile(id), &r)
	if errors.Is(err, fs.ErrNotExist) {
		return r, false, nil
	}
	return r, err == nil, err
}

// WithRepository lists the runs that have a repository.
func (h Home) WithRepository() ([]apprentice.RunID, error) {
	found, err := filepath.Glob(filepath.Join(globLiteral(h.privateRoot()), "*", "repository.json"))
	var ids []apprentice.RunID
	for _, path := range found {
		if id := filepath.Base(filepath.Dir(path)); apprentice.CheckRunID(id) == nil {
			ids = append(ids, apprentice.RunID(id))
		}
	}
	return ids, err
}
