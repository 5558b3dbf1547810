package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// Streams names files outside the workspace that become part of the attempt's
// folder; "" and files that are not there are none.
type Streams struct {
	Stdout, Stderr string // stdout.txt, stderr.txt; empty ones are made for none
	Stream         string // stream.jsonl; the same as Stdout: it has both names
	FinalMessage   string // final_message.txt
	Patch          string // artifacts/changes.patch, a deliverable
	Tree           bool   // the workspace has a worktree of the user's repository
}

// Collected is an ended attempt as it lies in the package.
type Collected struct {
	Folder        AttemptFolder
	Before, After Listing // of the workspace, paths relative to it
	Changes       Changes
	// Deliverables are the files below artifacts/, relative to Folder, sorted.
	Deliverables []string
	// LeftOut is what could not be kept: pipes, links that lead out, ….
	LeftOut []LeftOut
	// RawTrace and RawOutputs are what the agent reported of itself, "" for
	// nothing. They are no deliverables and no changes.
	RawTrace, RawOutputs string
}

// Collect moves the workspace of an attempt that has ended into its package,
// with what it printed. It takes whatever an agent left and follows no link out.
// Interrupted at any point it may be repeated, and then returns the same.
func (h Home) Collect(ctx context.Context, run apprentice.RunID, pass int, kind apprentice.AttemptKind, s Streams) (Collected, error) {
	c := collection{
		root: h.workRoot(), work: h.Work(run, pass, kind), control: h.Control(run, pass, kind),
		to: h.attempt(run, pass, kind), streams: s,
	}
	got, err := c.collect(ctx)
	if err != nil {
		return Collected{}, fmt.Errorf("collect attempt %s of %s: %w", kind, run, err)
	}
	return got, nil
}

type collection struct {
	root, work, control string
	to                  AttemptFolder
	streams             Streams
}

func (c collection) planFile() string   { return filepath.Join(c.control, "collect.json") }
func (c collection) movingFile() string { return filepath.Join(c.control, "moving") }

func (c collection) collect(ctx context.Context) (Collected, error) {
	if exists(string(c.to)) {
		if err := c.finishMove(); err != nil {
			return Collected{}, err
		}
		p, err := c.recount(ctx)
		return c.result(p), err
	}
	p, err := c.loadPlan()
	if err != nil { // there is none, or a power cut took its content
		p, err = c.plan(ctx)
	}
	if err != nil {
		return Collected{}, err
	}
	if err := c.apply(p); err != nil {
		return Collected{}, err
	}
	return c.result(p), c.move(ctx)
}

func (c collection) result(p plan) Collected {
	got := Collected{
		Folder: c.to, Before: p.Before, After: p.After, LeftOut: p.LeftOut,
		Changes: Compare(p.Before, p.After),
	}
	for _, f := range p.After.Below(artifactsName) {
		if f.Link == "" {
			got.Deliverables = append(got.Deliverables, f.Path)
		}
	}
	if p.RawTrace != "" {
		got.RawTrace = c.to.join(p.RawTrace)
	}
	if p.RawOutputs != "" {
		got.RawOutputs = c.to.join(p.RawOutputs)
	}
	return got
}

// move takes the workspace to its place in one step, or, between file systems,
// as a copy that is renamed.
func (c collection) move(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Dir(string(c.to)), 0o700); err != nil {
		return err
	}
	err := os.Rename(c.work, string(c.to))
	if !isCrossDevice(err) {
		return err
	}
	if err := sweepTemps(filepath.Dir(string(c.to))); err != nil {
		return err
	}
	if err := atomicfile.Write(c.movingFile(), nil, 0o600); err != nil {
		return err
	}
	temp := atomicfile.TempName(string(c.to))
	if _, err := CopyTree(ctx, c.work, temp); err != nil {
		return errors.Join(err, removeTree(temp))
	}
	if err := os.Rename(temp, string(c.to)); err != nil {
		return err
	}
	return c.finishMove()
}

// finishMove removes the workspace after it was copied. A workspace beside a
// collected attempt is refused: it would be a second attempt of that kind.
func (c collection) finishMove() error {
	switch {
	case !exists(c.work):
		return nil
	case !exists(c.movingFile()):
		return apprentice.Errorf(apprentice.Conflict, "%s holds an attempt already", c.to)
	}
	return removeTree(c.work)
}

// Deliver makes the run's artifacts/ a copy of an attempt's, as a whole: a crash
// leaves the old or the new.
func (f Folder) Deliver(ctx context.Context, task apprentice.TaskID, kind apprentice.AttemptKind) error {
	from := f.Package(task).Attempt(kind).Artifacts()
	// Beside artifacts/ others write files of their own; here a crash's leftovers
	// can be swept.
	room := f.join("packages")
	temp := atomicfile.TempName(filepath.Join(room, artifactsName))
	err := sweepTemps(room)
	if err == nil {
		err = startArtifacts(ctx, from, temp)
	}
	if err == nil {
		err = atomicfile.ReplaceTree(temp, f.Artifacts())
	}
	if err = errors.Join(err, removeTree(temp)); err != nil {
		return fmt.Errorf("deliver artifacts of %s: %w", kind, err)
	}
	return nil
}

// SetAside moves an attempt, collected or not, to aside/<kind>-N in its package
// and forgets aad's records of it, so that the kind can be tried anew. It returns
// the new folder, "" when there was no attempt.
func (h Home) SetAside(ctx context.Context, run apprentice.RunID, pass int, kind apprentice.AttemptKind, s Streams) (string, error) {
	from := h.attempt(run, pass, kind)
	if !exists(string(from)) && exists(h.Work(run, pass, kind)) {
		if _, err := h.Collect(ctx, run, pass, kind, s); err != nil {
			return "", err
		}
	}
	to := ""
	if exists(string(from)) {
		aside := h.Run(run).Package(apprentice.TaskOf(run, pass)).join("aside")
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return "", fmt.Errorf("put attempt %s of %s aside: %w", kind, run, err)
		}
		to = firstFree(filepath.Join(aside, string(kind)))
		if err := os.Rename(string(from), to); err != nil {
			return "", fmt.Errorf("put attempt %s of %s aside: %w", kind, run, err)
		}
	}
	if err := removeTree(h.Control(run, pass, kind)); err != nil {
		return "", fmt.Errorf("put attempt %s of %s aside: %w", kind, run, err)
	}
	return to, nil
}

func firstFree(stem string) string {
	for n := 1; ; n++ {
		if path := fmt.Sprintf("%s-%d", stem, n); !exists(path) {
			return path
		}
	}
}
