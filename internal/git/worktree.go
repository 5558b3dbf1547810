package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aad/internal/atomicfile"
)

// worktree is one entry of the repository's list of worktrees. Beside it, in the
// worktree, stands a file .git that names admin.
type worktree struct {
	admin string // the entry: HEAD, index and gitdir
	dir   string // where the worktree is or was
}

// worktrees reads the list as gitrepository-layout(5) draws it, so that entries can be
// mended of which the worktree is gone or was moved.
func (r Repository) worktrees() ([]worktree, error) {
	entries, err := os.ReadDir(filepath.Join(r.Common, "worktrees"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list worktrees: %w", err)
	}
	var list []worktree
	for _, e := range entries {
		w := worktree{admin: filepath.Join(r.Common, "worktrees", e.Name())}
		data, err := os.ReadFile(filepath.Join(w.admin, "gitdir"))
		if err != nil {
			continue // half made or half removed, by somebody else
		}
		w.dir = filepath.Dir(strings.TrimSuffix(string(data), "\n"))
		if !filepath.IsAbs(w.dir) {
			w.dir = filepath.Join(w.admin, w.dir)
		}
		list = append(list, w)
	}
	return list, nil
}

// find returns the entry of the worktree at a place, which may be gone.
func (r Repository) find(place string) (worktree, bool, error) {
	return r.first(func(dir string) bool { return dir == real(place) })
}

func (r Repository) first(match func(dir string) bool) (worktree, bool, error) {
	list, err := r.worktrees()
	for _, w := range list {
		if match(w.dir) {
			return w, true, err
		}
	}
	return worktree{}, false, err
}

// real follows the links in what exists of a path, as git does before it notes one.
func real(path string) string {
	if whole, err := filepath.EvalSymlinks(path); err == nil {
		return whole
	}
	if up := filepath.Dir(path); up != path {
		return filepath.Join(real(up), filepath.Base(path))
	}
	return path
}

// AddWorktree checks a commit out at dir, which must not exist, on the branch, which
// it makes. The entry is locked, so that the user's git worktree prune leaves it. A
// copy of the fresh index is kept at index.
func (r Repository) AddWorktree(ctx context.Context, dir, branch, start, index string) error {
	if err := r.makeBranch(ctx, branch, start); err != nil {
		return fmt.Errorf("make branch %s: %w", branch, err)
	}
	add := func() error {
		_, err := r.plumb(ctx, "-c", "checkout.workers=0", "worktree", "add", "--quiet", "--lock", dir, branch)
		return err
	}
	err := add()
	for tries := 0; tries < 200 && beingMade(err); tries++ {
		select {
		case <-time.After(25 * time.Millisecond):
		case <-ctx.Done():
		}
		err = add()
	}
	if err != nil {
		return fmt.Errorf("make a worktree of %s: %w", r.Common, err)
	}
	w, ok, err := r.find(dir)
	if err != nil || !ok {
		return errors.Join(fmt.Errorf("make a worktree of %s: git made none at %s", r.Common, dir), err)
	}
	if err := os.WriteFile(filepath.Join(w.admin, "locked"), []byte("aad works here: aa gc and aa delete remove it\n"), 0o644); err != nil {
		return fmt.Errorf("lock worktree %s: %w", dir, err)
	}
	if err := copyFile(filepath.Join(w.admin, "index"), index); err != nil {
		return fmt.Errorf("keep the index of worktree %s: %w", dir, err)
	}
	return nil
}

// beingMade reports whether git has met an entry that another git is just making: its
// file commondir is there, and empty for a moment. Git refuses that before it does
// anything.
func beingMade(err error) bool {
	var f *failure
	return errors.As(err, &f) && strings.Contains(f.all, "/commondir: ")
}

// Settle has the list say that the worktree which it has where from matches is at to,
// and the worktree name its entry, whatever an agent made of that. It returns false
// when the list has no such entry. It may be repeated. A link in the worktree's place
// is refused: what it leads to is not the agent's.
func (r Repository) Settle(from func(dir string) bool, to string) (bool, error) {
	w, ok, err := r.find(to)
	if err == nil && !ok {
		w, ok, err = r.first(from)
	}
	if err != nil || !ok {
		return false, err
	}
	if info, err := os.Lstat(to); err != nil || !info.IsDir() {
		return true, errors.Join(fmt.Errorf("mend worktree %s: there is no folder in its place", to), err)
	}
	link := filepath.Join(to, ".git")
	if w.dir != real(to) {
		if err := atomicfile.Write(filepath.Join(w.admin, "gitdir"), []byte(filepath.Join(real(to), ".git")+"\n"), 0o644); err != nil {
			return true, fmt.Errorf("move worktree %s: %w", w.dir, err)
		}
	}
	want := "gitdir: " + w.admin + "\n"
	if info, err := os.Lstat(link); err == nil && info.Mode().IsRegular() && info.Size() < 1<<16 {
		if is, err := os.ReadFile(link); err == nil && string(is) == want {
			return true, nil
		}
	}
	if err := os.RemoveAll(link); err != nil {
		return true, fmt.Errorf("mend worktree %s: %w", to, err)
	}
	return true, atomicfile.Write(link, []byte(want), 0o644)
}

// Clean reports whether the worktree is as it was checked out. It does not look into
// repositories that are nested in it: a worktree has them empty, and to look runs what
// they have configured.
func (r Repository) Clean(ctx context.Context, dir string) bool {
	w, ok, err := r.find(dir)
	if err != nil || !ok {
		return false
	}
	out, err := r.git.word(ctx, dir, []string{"GIT_DIR=" + w.admin, "GIT_COMMON_DIR=" + r.Common, "GIT_WORK_TREE=" + dir},
		"status", "--porcelain", "--untracked-files=normal", "--ignore-submodules=all")
	return err == nil && out == ""
}

// Forget takes the worktrees that match off the list. Their folders are the caller's
// to remove, before or after.
func (r Repository) Forget(match func(dir string) bool) error {
	list, err := r.worktrees()
	if err != nil {
		return err
	}
	for _, w := range list {
		if !match(w.dir) {
			continue
		}
		if err := os.RemoveAll(w.admin); err != nil {
			return fmt.Errorf("take worktree %s off the list: %w", w.dir, err)
		}
	}
	_ = os.Remove(filepath.Join(r.Common, "worktrees")) // when it was the last, as git does
	return nil
}

// Below matches worktrees at or below a folder, not what a link in its place leads to.
func Below(folder string) func(dir string) bool {
	folder = filepath.Join(real(filepath.Dir(folder)), filepath.Base(folder))
	return func(dir string) bool { return within(folder, dir) }
}
