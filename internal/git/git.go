// Package git has the program git make, commit and compare the worktrees in which
// attempts work on a user's repository.
//
// It never touches the user's index, HEAD, stash or working tree, never runs a hook
// of the repository and never asks anybody anything. It talks to no remote but a
// Mirror's. It trusts nothing that an agent can write: which repository a worktree
// belongs to is told by the caller, not by the worktree.
//
// Read Open first, then Repository.AddWorktree and Repository.Keep, which bracket
// an attempt.
package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"aad/apprentice"
	"aad/internal/proc"
)

const (
	// patience bounds one call of git: checking a large tree out takes minutes.
	patience = 30 * time.Minute
	// maxPrinted bounds what a call may print; names of changed files are the most.
	maxPrinted = 256 << 20
)

// neutral are the settings that keep git from running what a repository or its user
// has configured for people, and from working in the background.
var neutral = []string{
	"core.hooksPath=" + os.DevNull, "core.fsmonitor=false", "core.untrackedCache=false", "core.fsync=committed,loose-object",
	"core.fsyncMethod=batch", "core.quotePath=false", "commit.gpgSign=false", "tag.gpgSign=false", "gc.auto=0",
	"maintenance.auto=false", "credential.helper=", "worktree.useRelativePaths=false", "advice.addEmbeddedRepo=false",
	"submodule.recurse=false", "color.ui=false", "diff.suppressBlankEmpty=false",
}

// Git is the program, and the variables it is run with.
type Git struct {
	program  string
	env      []string
	settings []string
}

// Find looks for git in the folders of path, a PATH. environ is the environment of
// the aad in home, of which git sees what tells it who the user is.
func Find(path string, environ []string, home string) (Git, error) {
	for _, dir := range filepath.SplitList(path) {
		program := filepath.Join(dir, "git")
		if !filepath.IsAbs(program) {
			continue
		}
		if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return Git{program: program, settings: neutral, env: append(environment(path, environ), proc.TokenVar+"="+token(home))}, nil
		}
	}
	return Git{}, apprentice.Errorf(apprentice.Unmet, "a repository needs git, and there is none in PATH").WithField("repo").
		WithHint("install git, or hand the folder over as a copy: --asset PATH")
}

func environment(path string, environ []string) []string {
	env := []string{"PATH=" + path, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "GIT_ASKPASS=", "SSH_ASKPASS=",
		"GIT_EDITOR=false", "GIT_PAGER=cat", "GIT_NO_LAZY_FETCH=1", "GIT_ADVICE=0",
		"GIT_AUTHOR_NAME=aad", "GIT_AUTHOR_EMAIL=aad@localhost", "GIT_COMMITTER_NAME=aad", "GIT_COMMITTER_EMAIL=aad@localhost"}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains([]string{"HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME"}, name) {
			env = append(env, pair)
		}
	}
	return env
}

// token marks what an aad's git runs, so that a later aad finds it.
func token(home string) string {
	sum := sha256.Sum256([]byte(home))
	return "git-" + hex.EncodeToString(sum[:12])
}

// EndLeftOver ends what the git of an earlier aad in this home still does: nothing may
// be made in a repository beside what is made anew. It asks first, so that git removes
// its locks and what it has half made.
func EndLeftOver(ctx context.Context, home string) error {
	list := func() ([]proc.Info, error) { return proc.Marked(token(home), 0) }
	left, err := list()
	if err != nil || len(left) == 0 {
		return err
	}
	proc.AskAll(left)
	asked, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(left) > 0 && asked.Err() == nil {
		select {
		case <-tick.C:
		case <-asked.Done():
		}
		if left, err = list(); err != nil {
			return err
		}
	}
	return proc.EndAll(ctx, list, nil)
}

// failure is a call that git refused.
type failure struct {
	args []string
	code int
	said string // the last line of its stderr that says something
	all  string // its whole stderr
}

func (f *failure) Error() string {
	what := f.args[0]
	if what == "worktree" || what == "update-ref" {
		what = strings.Join(f.args[:2], " ")
	}
	if f.said == "" {
		return fmt.Sprintf("git %s: exit status %d", what, f.code)
	}
	return fmt.Sprintf("git %s: %s", what, f.said)
}

// Is tells a full disk, which git tells in words alone.
func (f *failure) Is(target error) bool {
	return target == syscall.ENOSPC && strings.Contains(f.all, "No space left on device")
}

// call runs git in dir with variables of the call's own and returns what it printed.
func (g Git) call(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	full := []string{"git"}
	for _, setting := range g.settings {
		full = append(full, "-c", setting)
	}
	out, err := proc.Output(ctx, proc.Command{Path: g.program, Args: append(full, args...), Dir: dir, Env: append(slices.Clip(g.env), env...)}, maxPrinted)
	switch {
	case errors.Is(err, fs.ErrNotExist) && dir != "":
		return nil, fmt.Errorf("run git in %s: %w", dir, err)
	case err != nil:
		return nil, fmt.Errorf("run git %s: %w", args[0], err)
	case out.Cut:
		return nil, fmt.Errorf("run git %s: it printed more than %d bytes", args[0], maxPrinted)
	case out.Status.Code != 0:
		return out.Stdout, &failure{args: args, code: out.Status.Code, said: lastLine(out.Stderr), all: string(out.Stderr)}
	}
	return out.Stdout, nil
}

// lastLine is what git says went wrong. The advice that it ends with, where a remote
// cannot be read, is left out: the reason stands before.
func lastLine(text []byte) string {
	if why, _, _ := bytes.Cut(text, []byte("fatal: Could not read from remote repository.")); len(bytes.TrimSpace(why)) > 0 {
		text = why
	}
	said := ""
	for line := range bytes.Lines(text) {
		if l := strings.TrimSpace(strings.ToValidUTF8(string(line), "?")); l != "" && !strings.HasPrefix(l, "hint:") {
			said = l
		}
	}
	said = strings.TrimPrefix(strings.TrimPrefix(said, "fatal: "), "error: ")
	if len(said) > 300 {
		said = strings.ToValidUTF8(said[:300], "") + "…"
	}
	return said
}

// word runs git and returns the one line that it prints.
func (g Git) word(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	out, err := g.call(ctx, dir, env, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

// fields splits what git prints with -z.
func fields(out []byte) []string {
	text := strings.TrimSuffix(string(out), "\x00")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\x00")
}
