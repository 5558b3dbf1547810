package workspace

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// plan is what Collect does to a workspace before it moves it. It is written
// down before the first step, so that a repetition does the same.
type plan struct {
	Version    int       `json:"version"`
	Before     Listing   `json:"before"`
	After      Listing   `json:"after"` // paths as they are when the plan is done
	LeftOut    []LeftOut `json:"left_out,omitempty"`
	Moves      []rename  `json:"moves,omitempty"`
	RawTrace   string    `json:"raw_trace,omitempty"`
	RawOutputs string    `json:"raw_outputs,omitempty"`
}

type rename struct {
	From string `json:"from"`
	To   string `json:"to"`
}

const planVersion = 1

func (c collection) loadPlan() (plan, error) {
	var p plan
	if err := readRecord(c.planFile(), &p); err != nil {
		return plan{}, err
	}
	if p.Version != planVersion {
		return plan{}, fmt.Errorf("read %s: it has format version %d and this program knows %d", c.planFile(), p.Version, planVersion)
	}
	return p, nil
}

// plan looks at what the agent left. It changes nothing but what hinders looking.
func (c collection) plan(ctx context.Context) (plan, error) {
	p := plan{Version: planVersion}
	lost, err := requireFolder(c.root, c.work)
	if err != nil {
		return plan{}, err
	}
	if err := tame(ctx, c.work); err != nil {
		return plan{}, err
	}
	p.Before = c.before()
	after, left, err := snapshot(ctx, c.work, skipping(c.streams.Tree))
	if err != nil {
		return plan{}, err
	}
	p.After, p.LeftOut = after, append(lost, left...)
	c.planMoves(&p)
	if err := c.planPatch(ctx, &p); err != nil {
		return plan{}, err
	}
	p.After.sort()
	if err := os.MkdirAll(c.control, 0o700); err != nil {
		return plan{}, err
	}
	return p, writeRecord(c.planFile(), p)
}

// before is what was in the workspace at first, nothing when that is not known
// any more: then all that is there counts as created.
func (c collection) before() Listing {
	var before Listing
	if err := readRecord(beforeFile(c.control), &before); err != nil {
		return nil
	}
	return before
}

// recount tells what lies in an attempt's folder that was collected before. It
// looks anew, since a power cut may have taken what was not on disk yet; the plan,
// where it is left, tells what cannot be seen any more.
func (c collection) recount(ctx context.Context) (plan, error) {
	p, err := c.loadPlan()
	if err != nil {
		p = plan{Version: planVersion, Before: c.before()}
	}
	after, left, err := snapshot(ctx, string(c.to), skipping(c.streams.Tree))
	if err != nil {
		return plan{}, err
	}
	p.LeftOut = append(p.LeftOut, left...)
	p.RawTrace, p.RawOutputs = "", ""
	p.After = slices.DeleteFunc(after, func(f File) bool {
		switch f.Path {
		case rawName(traceName):
			p.RawTrace = f.Path
		case rawName(outputsName):
			p.RawOutputs = f.Path
		}
		return slices.Contains(ours, f.Path) || isRawReport(f.Path)
	})
	return p, nil
}

// isRawReport reports what an agent's report on itself was renamed to.
func isRawReport(name string) bool {
	return strings.HasPrefix(name, rawStem(traceName)) || strings.HasPrefix(name, rawStem(outputsName))
}

func rawStem(name string) string { return strings.TrimSuffix(rawName(name), path.Ext(name)) }

// planMoves clears the names that aad needs. The agent's reports on itself leave
// the listing; other files are listed under their new names.
func (c collection) planMoves(p *plan) {
	p.RawTrace = c.planReport(p, traceName)
	p.RawOutputs = c.planReport(p, outputsName)
	for _, name := range ours {
		if exists(filepath.Join(c.work, name)) && !p.settled(name) {
			c.planMove(p, name, rawName(name))
		}
	}
	if info, err := os.Lstat(filepath.Join(c.work, artifactsName)); err == nil && !info.IsDir() && !p.settled(artifactsName) {
		c.planMove(p, artifactsName, artifactsName+".raw")
	}
	was, had := p.Before.Find(promptName)
	is, has := p.After.Find(promptName)
	if altered := !has || !same(was, is); had && altered && exists(filepath.Join(c.work, promptName)) && !p.settled(promptName) {
		c.planMove(p, promptName, rawName(promptName))
	}
	if _, has := p.After.Find(promptName); had && !has {
		p.After = append(p.After, was) // it is put back
	}
}

// settled reports a name that the plan already clears.
func (p *plan) settled(name string) bool {
	return slices.ContainsFunc(p.Moves, func(m rename) bool { return m.From == name }) ||
		slices.ContainsFunc(p.LeftOut, func(l LeftOut) bool { return l.Path == name })
}

// planReport finds a report of the agent on itself, in the workspace or among
// the artifacts, and returns the name it will have.
func (c collection) planReport(p *plan, name string) string {
	found := ""
	for _, from := range []string{name, path.Join(artifactsName, name)} {
		if f, ok := p.After.Find(from); !ok || f.Link != "" {
			continue
		}
		to := c.planMove(p, from, rawName(name))
		p.After = slices.DeleteFunc(p.After, func(f File) bool { return f.Path == to })
		if found == "" {
			found = to
		}
	}
	return found
}

// planMove renames a file or folder and what the listing says of it. It returns
// the name it found free.
func (c collection) planMove(p *plan, from, to string) string {
	ext := path.Ext(to)
	stem := strings.TrimSuffix(to, ext)
	for n := 2; exists(filepath.Join(c.work, filepath.FromSlash(to))) ||
		slices.ContainsFunc(p.Moves, func(m rename) bool { return m.To == to }); n++ {
		to = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
	p.Moves = append(p.Moves, rename{from, to})
	for i, f := range p.After {
		if f.Path == from || strings.HasPrefix(f.Path, from+"/") {
			p.After[i].Path = to + strings.TrimPrefix(f.Path, from)
		}
	}
	p.After.sort()
	return to
}

// apply does the plan, and again what of it was not done when it was interrupted.
func (c collection) apply(p plan) error {
	in := func(name string) string { return filepath.Join(c.work, filepath.FromSlash(name)) }
	for _, out := range p.LeftOut {
		if out.Path != "." && !c.isOwn(in, out.Path) {
			removeTree(in(out.Path)) // what resists stays, and no copy takes it
		}
	}
	for _, m := range p.Moves {
		if exists(in(m.From)) && !exists(in(m.To)) {
			if err := os.Rename(in(m.From), in(m.To)); err != nil {
				return err
			}
		}
	}
	for _, f := range p.After {
		if f.Link != "" {
			if err := relink(in(f.Path), f.Link); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(in(artifactsName), 0o700); err != nil {
		return err
	}
	return c.placeOwn(in)
}

// isOwn reports what an interrupted apply has put where something odd was.
func (c collection) isOwn(in func(string) string, name string) bool {
	info, err := os.Lstat(in(name))
	if err == nil && info.IsDir() && name == artifactsName {
		_, err = os.ReadDir(in(name)) // else it is what was odd
		return err == nil
	}
	return err == nil && info.Mode().IsRegular() && (name == PatchName || slices.Contains(ours, name))
}

// relink makes a link relative that named its place in the workspace in full.
func relink(path, target string) error {
	is, err := os.Readlink(path)
	if err != nil || is == filepath.FromSlash(target) {
		return nil // moved, or as it should be
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink(filepath.FromSlash(target), path)
}

// placeOwn adds aad's own files: the prompt where it is missing, what the agent
// printed.
func (c collection) placeOwn(in func(string) string) error {
	if prompt := filepath.Join(c.control, promptName); !exists(in(promptName)) && exists(prompt) {
		if _, _, err := copyFile(context.Background(), prompt, in(promptName)); err != nil {
			return err
		}
	}
	stream := c.streams.Stream
	if stream != "" && stream == c.streams.Stdout { // before it is moved, so that a repetition finds it or needs it no more
		if exists(stream) {
			if err := alsoAs(stream, in(streamName)); err != nil {
				return err
			}
		}
		stream = ""
	}
	for _, own := range []struct {
		from, name string
		always     bool
	}{
		{c.streams.Stdout, stdoutName, true}, {c.streams.Stderr, stderrName, true},
		{stream, streamName, false}, {c.streams.FinalMessage, finalMessageName, false},
		{c.streams.Patch, PatchName, false},
	} {
		if err := placeStream(own.from, in(own.name), own.always); err != nil {
			return err
		}
	}
	return nil
}

// alsoAs gives a file a second name, or makes a copy where the file system cannot.
func alsoAs(from, to string) error {
	if exists(to) {
		if err := os.Remove(to); err != nil { // half a copy
			return err
		}
	}
	if os.Link(from, to) == nil {
		return nil
	}
	_, _, err := copyFile(context.Background(), from, to)
	return err
}

func placeStream(from, to string, always bool) error {
	if from != "" && exists(from) {
		err := os.Rename(from, to)
		if !isCrossDevice(err) {
			return err
		}
		if err := os.RemoveAll(to); err != nil { // half a copy
			return err
		}
		if _, _, err := copyFile(context.Background(), from, to); err != nil {
			return err
		}
		return os.Remove(from)
	}
	if !always || exists(to) {
		return nil
	}
	return os.WriteFile(to, nil, 0o600)
}
