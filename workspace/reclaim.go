package workspace

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
)

// Reclaim has the worktree of an attempt that has ended be a real folder, and returns
// it. Nothing may be done through a link that the agent has put there: the user's own
// files would be taken for what it left. One in the place of the workspace is removed,
// which lost tells; what stands in the place of the worktree is kept beside it under
// another name. It may be repeated, also after Collect.
func (h Home) Reclaim(run apprentice.RunID, pass int, kind apprentice.AttemptKind) (repo string, lost []LeftOut, err error) {
	repo, collected := h.Repo(run, pass, kind)
	if !collected {
		if lost, err = requireFolder(h.workRoot(), filepath.Dir(repo)); err != nil {
			return "", nil, fmt.Errorf("mend the workspace of %s of %s: %w", kind, run, err)
		}
	}
	info, err := os.Lstat(repo)
	if err == nil && !info.IsDir() {
		err = os.Rename(repo, freeName(filepath.Dir(repo), rawName(repoName)))
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.MkdirAll(repo, 0o700)
	}
	if err != nil {
		return "", nil, fmt.Errorf("mend the worktree of %s of %s: %w", kind, run, err)
	}
	return repo, lost, nil
}

// Repo is where an attempt's worktree lies now: in its workspace, or in its folder
// when that was collected.
func (h Home) Repo(run apprentice.RunID, pass int, kind apprentice.AttemptKind) (dir string, collected bool) {
	if folder := h.attempt(run, pass, kind); isReal(string(h.Run(run)), string(folder)) {
		return folder.Repo(), true
	}
	return filepath.Join(h.Work(run, pass, kind), repoName), false
}

// isReal reports whether path is a folder below root and no link leads to it from there.
func isReal(root, path string) bool {
	top, err := filepath.EvalSymlinks(root)
	if err != nil {
		return false
	}
	end, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	info, err := os.Lstat(path)
	return err == nil && info.IsDir() && relTo(top, end) == relTo(root, path)
}

// requireFolder puts an empty workspace, below root, where the agent removed or
// replaced its own or the folder of it.
func requireFolder(root, workspace string) ([]LeftOut, error) {
	reason, at := "", root
	for part := range strings.SplitSeq(filepath.FromSlash(relTo(root, workspace)), string(filepath.Separator)) {
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		switch {
		case err == nil && info.IsDir():
			if perm := info.Mode().Perm(); perm&0o700 != 0o700 {
				os.Chmod(at, perm|0o700) // else what is done in it tells
			}
			continue
		case err == nil:
			reason = "the workspace was replaced by something that is no folder"
			err = os.Remove(at)
		case errors.Is(err, fs.ErrNotExist):
			reason, err = cmp.Or(reason, "the workspace was removed"), nil
		}
		if err == nil {
			err = os.Mkdir(at, 0o700)
		}
		if err != nil {
			return nil, err
		}
	}
	if reason == "" {
		return nil, nil
	}
	return []LeftOut{{".", reason}}, nil
}
