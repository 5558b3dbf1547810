package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aad/apprentice"
)

// Snapshot makes a commit over HEAD of all that is in the user's checkout: tracked
// and untracked files, not ignored ones, and nothing of leave, a folder that may lie
// in the checkout. It works on a copy of the index in the folder scratch; what the
// user has staged or not stays as it is. It returns head itself, and 0, where nothing
// differs, else how many files do.
func (r Repository) Snapshot(ctx context.Context, head, scratch, leave string) (commit string, files int, err error) {
	defer func() {
		var refused *failure
		if errors.As(err, &refused) {
			err = apprentice.Errorf(apprentice.Unmet, "the uncommitted changes of %s cannot be taken along: %v", r.Top, refused).
				WithField("include_dirty").WithHint("commit them, or have git ignore what is in the way")
		}
	}()
	index := filepath.Join(scratch, "index")
	if err := copyFile(filepath.Join(r.Private, "index"), index); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", 0, fmt.Errorf("copy the index of %s: %w", r.Top, err)
	}
	defer os.Remove(index)
	env := []string{"GIT_DIR=" + r.Private, "GIT_WORK_TREE=" + r.Top, "GIT_INDEX_FILE=" + index}
	add := []string{"--", "."}
	if rel, err := filepath.Rel(r.Top, leave); err == nil && filepath.IsLocal(rel) {
		add = append(add, ":(exclude,top,literal)"+filepath.ToSlash(rel))
	}
	if err := r.addAll(ctx, r.Top, env, add...); err != nil {
		return "", 0, err
	}
	tree, err := r.git.word(ctx, r.Top, env, "write-tree")
	if err != nil {
		return "", 0, err
	}
	names, err := r.plumb(ctx, "diff-tree", "-r", "-z", "--no-renames", "--name-only", head, tree)
	if err != nil || names == "" {
		return head, 0, err
	}
	commit, err = r.plumb(ctx, "commit-tree", tree, "-p", head, "-m", "aa: uncommitted changes that a run was given")
	return commit, len(fields([]byte(names))), err
}

// copyFile copies a small file of git's own, whole.
func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}
