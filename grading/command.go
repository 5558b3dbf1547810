package grading

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aad/apprentice"
	"aad/shim"
)

// checkFolder is what one command check has in Checker.Scratch.
type checkFolder string

func (d checkFolder) shim() string      { return filepath.Join(string(d), "shim") }
func (d checkFolder) workspace() string { return filepath.Join(string(d), "workspace") }
func (d checkFolder) files() string     { return filepath.Join(string(d), "files") }
func (d checkFolder) temp() string      { return filepath.Join(string(d), "tmp") }

// errStale says that a check's folder holds nothing that can be gone on with.
var errStale = errors.New("the check was cut off")

// command runs one command check, the n-th criterion's, in a workspace copy, a
// helper folder and a temporary folder of its own.
func (c *Checker) command(ctx context.Context, check *CommandCheck, n int) (measure, error) {
	dir := checkFolder(filepath.Join(c.Scratch, "check-"+strconv.Itoa(n)))
	m, err := c.runIn(ctx, dir, check)
	if errors.Is(err, errStale) {
		if err := removeTree(string(dir)); err != nil {
			return m, err
		}
		m, err = c.runIn(ctx, dir, check)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		// A command that was ended is no result to be found by the next Run.
		return m, errors.Join(cause, removeTree(string(dir)))
	}
	if errors.Is(err, errStale) {
		return measure{broken: "its process was killed from outside, twice"}, nil
	}
	return m, err
}

func (c *Checker) runIn(ctx context.Context, dir checkFolder, check *CommandCheck) (measure, error) {
	p, err := shim.Attach(dir.shim())
	if errors.Is(err, shim.ErrNotStarted) {
		if broken, err := c.prepare(ctx, dir, check); err != nil || broken != "" {
			return measure{broken: broken}, err
		}
		var spec shim.Spec
		if spec, err = c.confined(dir, c.spec(dir, check)); err != nil {
			return measure{}, err
		}
		p, err = shim.Start(ctx, c.Shim, dir.shim(), spec)
	}
	if err != nil {
		return measure{}, err
	}
	exit, err := waitOrEnd(ctx, p)
	switch {
	case errors.Is(err, shim.ErrLost), err == nil && exit.Outcome == shim.Terminated:
		return measure{}, errStale
	case err != nil:
		return measure{}, err
	}
	m, err := c.conclude(dir, check, exit)
	if err != nil {
		return m, err
	}
	return m, removeTree(dir.workspace())
}

// waitOrEnd waits for the end; when ctx is done, for the end that it asks for.
func waitOrEnd(ctx context.Context, p *shim.Process) (shim.Exit, error) {
	exit, err := p.Wait(ctx)
	if ctx.Err() == nil {
		return exit, err
	}
	if err := p.Terminate(); err != nil {
		return shim.Exit{}, err
	}
	if _, err := p.Wait(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, shim.ErrLost) {
		return shim.Exit{}, err
	}
	return shim.Exit{}, context.Cause(ctx)
}

// prepare makes the folder anew.
func (c *Checker) prepare(ctx context.Context, dir checkFolder, check *CommandCheck) (broken string, err error) {
	if err := removeTree(string(dir)); err != nil {
		return "", err
	}
	for _, d := range []string{string(dir), dir.files(), dir.temp()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", fmt.Errorf("make folder of a check: %w", err)
		}
	}
	for _, name := range check.Files {
		from, to := filepath.Join(c.Helpers, filepath.FromSlash(name)), filepath.Join(dir.files(), filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return "", fmt.Errorf("make folder of a check: %w", err)
		}
		err := copyTree(ctx, from, to)
		if errors.Is(err, fs.ErrNotExist) {
			return "the helper file " + name + " is not in the rubric's snapshot", nil
		}
		if err != nil && !errors.Is(err, fs.ErrExist) { // named twice, or inside a folder that is named too
			return "", err
		}
	}
	if err := copyTree(ctx, c.Workspace, dir.workspace(), c.Scratch, c.Helpers); err != nil || c.Adapt == nil {
		return "", err
	}
	return "", c.Adapt(ctx, dir.workspace())
}

func (c *Checker) spec(dir checkFolder, check *CommandCheck) shim.Spec {
	limit, grace := check.Timeout(), c.Grace
	if limit <= 0 {
		limit = c.DefaultTimeout
	}
	if limit <= 0 {
		limit = defaultTimeout
	}
	if grace <= 0 {
		grace = defaultGrace
	}
	spec := shim.Spec{
		Args:        []string{"/bin/sh", "-c", check.Run},
		Dir:         filepath.Join(dir.workspace(), c.Dir),
		Env:         setEnv(c.Env, "AA_CHECK_DIR="+dir.files(), "AA_WORKSPACE="+dir.workspace(), "TMPDIR="+dir.temp(), "PWD="+filepath.Join(dir.workspace(), c.Dir)),
		TimeoutMS:   max(limit.Milliseconds(), 1),
		GraceMS:     grace.Milliseconds(),
		OutputLimit: outputLimit,
	}
	if c.Token != "" {
		spec.Token = c.Token + "-" + path.Base(filepath.ToSlash(string(dir)))
	}
	return spec
}

// confined has a check write to its copies alone, where the sandbox is on. What tools
// keep for later goes with the check's folder then.
func (c *Checker) confined(dir checkFolder, spec shim.Spec) (_ shim.Spec, err error) {
	if c.Confine == nil {
		return spec, nil
	}
	spec.Args, err = c.Confine(spec.Dir, []string{dir.workspace(), dir.temp()}, []string{dir.files()}, spec.Args)
	spec.Env = setEnv(spec.Env, "XDG_CACHE_HOME="+filepath.Join(dir.temp(), "cache"))
	return spec, err
}

// setEnv gives env with the values set, each name once.
func setEnv(env []string, values ...string) []string {
	set := map[string]bool{}
	for _, v := range values {
		name, _, _ := strings.Cut(v, "=")
		set[name] = true
	}
	var out []string
	for _, v := range env {
		if name, _, _ := strings.Cut(v, "="); !set[name] {
			out = append(out, v)
		}
	}
	return append(out, values...)
}

// conclude turns a command's end into what it measured.
func (c *Checker) conclude(dir checkFolder, check *CommandCheck, exit shim.Exit) (measure, error) {
	stdout, err := readEnd(shim.StdoutPath(dir.shim()))
	if err != nil {
		return measure{}, err
	}
	stderr, err := readEnd(shim.StderrPath(dir.shim()))
	if err != nil {
		return measure{}, err
	}
	m := measure{tail: dir.tail(stdout, stderr), duration: lasted(exit)}
	switch exit.Outcome {
	case shim.StartFailed:
		m.broken = "its command could not be started: " + exit.StartError
		return m, nil
	case shim.TimedOut, shim.Stalled:
		m.timedOut, m.failed, m.failure = true, true, FailedTimeout
		m.notes = fmt.Sprintf("the check had not ended after %v", time.Duration(c.spec(dir, check).TimeoutMS)*time.Millisecond)
		return m, nil
	}
	code := exit.ExitCode
	m.exitCode = &code
	m.judge(exit, stdout)
	return m, nil
}

// judge applies the rule of CommandCheck: the score line rules the score, and
// another exit than 0 fails whatever it says.
func (m *measure) judge(exit shim.Exit, stdout []byte) {
	line := lastScore(stdout)
	ended := "exit " + strconv.Itoa(exit.ExitCode)
	if exit.Signal != "" {
		ended = "ended by " + exit.Signal
	}
	if exit.ExitCode != 0 {
		m.failed, m.failure, m.notes = true, FailedCommand, ended
		if line.Score != nil && *line.Score > 0 && *line.Score < 1 {
			m.score = *line.Score
		}
		if line.Notes != "" {
			m.notes = plainText(line.Notes) + " (" + ended + ")"
		}
		return
	}
	m.score = 1
	if line.Score == nil {
		m.broken = line.fault
		return
	}
	if *line.Score < 0 || *line.Score > 1 {
		m.broken = fmt.Sprintf("it printed the score %g; scores lie in 0–1", *line.Score)
		return
	}
	m.score, m.failure, m.notes = *line.Score, FailedThreshold, plainText(line.Notes)
	if m.notes == "" && m.score < 1 {
		m.notes = fmt.Sprintf("the check gave a score of %s", apprentice.ScoreText(m.score))
	}
}

func lasted(exit shim.Exit) time.Duration {
	from, err := apprentice.ParseStamp(exit.StartedAt)
	if err != nil {
		return 0
	}
	to, err := apprentice.ParseStamp(exit.EndedAt)
	if err != nil {
		return 0
	}
	return max(0, to.Sub(from))
}

// clear removes the folders of all checks, and Scratch where that leaves it empty.
func (c *Checker) clear() error {
	entries, err := os.ReadDir(c.Scratch)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove folders of checks: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "check-") {
			continue
		}
		if err := removeTree(filepath.Join(c.Scratch, e.Name())); err != nil {
			return err
		}
	}
	_ = os.Remove(c.Scratch) // others may have files there
	return nil
}
