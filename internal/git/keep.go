package git

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
)

// Left is a worktree whose agent has ended.
type Left struct {
	Dir     string // the worktree
	Branch  string
	Start   string // the commit that it was checked out at
	Index   string // the copy that AddWorktree kept
	Scratch string // a folder for another copy
	Message string
	When    time.Time // of the commit, so that a repetition makes the same
}

// Keep commits what is in the worktree and was not committed by the agent, whose own
// commits stay, and has the branch end there. It returns the commit, and what git
// could not take, in its own words, "" for nothing. Without a change the commit is
// what the agent's HEAD was. It may be repeated.
func (r Repository) Keep(ctx context.Context, l Left) (commit, refused string, err error) {
	w, listed, err := r.find(l.Dir)
	if err != nil {
		return "", "", err
	}
	tree, refused, err := r.tree(ctx, w, l)
	if err != nil {
		return "", "", fmt.Errorf("see what was left in %s: %w", l.Dir, err)
	}
	if commit, err = r.commit(ctx, w, l, tree); err != nil {
		return "", "", fmt.Errorf("commit what was left in %s: %w", l.Dir, err)
	}
	if err := r.setRef(ctx, "refs/heads/"+l.Branch, commit, "end of an attempt"); err != nil {
		return "", "", fmt.Errorf("keep branch %s: %w", l.Branch, err)
	}
	if !listed {
		return commit, refused, nil
	}
	// The worktree is shown as clean, on its branch, wherever its agent went.
	_ = os.Remove(filepath.Join(w.admin, "index.lock"))
	err = errors.Join(os.WriteFile(filepath.Join(w.admin, "HEAD"), []byte("ref: refs/heads/"+l.Branch+"\n"), 0o644),
		copyFile(l.index(), filepath.Join(w.admin, "index")))
	return commit, refused, err
}

func (l Left) index() string { return filepath.Join(l.Scratch, "index-left") }

// tree writes the worktree's content as a tree. It begins with the agent's index,
// which knows what the agent has added though it is ignored, and where that is
// damaged with the one that was kept.
func (r Repository) tree(ctx context.Context, w worktree, l Left) (tree, refused string, err error) {
	env := []string{"GIT_DIR=" + r.Common, "GIT_WORK_TREE=" + l.Dir, "GIT_INDEX_FILE=" + l.index()}
	sources := []string{l.Index}
	if w.admin != "" {
		sources = []string{filepath.Join(w.admin, "index"), l.Index}
	}
	for _, from := range sources {
		if err = copyFile(from, l.index()); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", "", err
		}
		refused = ""
		var told *failure
		if err = r.addAll(ctx, l.Dir, env, "--ignore-errors", "--", "."); errors.As(err, &told) {
			refused = told.said
		} else if err != nil {
			return "", "", err
		}
		if tree, err = r.git.word(ctx, l.Dir, env, "write-tree"); err == nil {
			notTaken, err := r.notTaken(ctx, l.Dir, env)
			return tree, cmp.Or(refused, notTaken), err
		}
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = errors.New("its index is gone")
	}
	return "", "", err
}

// commit returns the commit that the branch is to end at.
func (r Repository) commit(ctx context.Context, w worktree, l Left, tree string) (string, error) {
	tip, err := r.tip(ctx, l.Branch)
	if err != nil {
		return "", err
	}
	parent := l.Start
	if tip != "" {
		parent = tip
	}
	if w.admin != "" {
		env := []string{"GIT_DIR=" + w.admin, "GIT_COMMON_DIR=" + r.Common}
		if head, err := r.git.word(ctx, r.Common, env, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); err == nil {
			parent = head
		}
	}
	parents := []string{"-p", parent}
	if tip != "" && tip != parent {
		if _, err := r.plumb(ctx, "merge-base", "--is-ancestor", tip, parent); err != nil {
			parents = append(parents, "-p", tip) // the agent left its branch, with commits on it
		}
	}
	was, err := r.plumb(ctx, "rev-parse", parent+"^{tree}")
	if err != nil || was == tree && len(parents) == 2 {
		return parent, err
	}
	date := l.When.UTC().Format(time.RFC3339)
	env := []string{"GIT_DIR=" + r.Common, "GIT_AUTHOR_DATE=" + date, "GIT_COMMITTER_DATE=" + date}
	return r.git.word(ctx, r.Common, env, append([]string{"commit-tree", tree, "-m", strings.TrimSpace(l.Message)}, parents...)...)
}
