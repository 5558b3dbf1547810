package release

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aad/apprentice"
	"aad/bundle/sanitise"
	"aad/internal/atomicfile"
	"aad/internal/proc"
)

// Options say what a release is made of, and how.
type Options struct {
	IDs     []apprentice.RunID // in any order
	Run     func(apprentice.RunID) (apprentice.Run, error)
	Folder  func(apprentice.RunID) string
	Created time.Time
	Version string // of aad
	Replace bool   // what is there may be a release, which this one replaces
	License string
	Consent string            // not_given, text or all: all includes in public/ what cannot be read as text
	Limit   int64             // size in bytes of a file above which it is left out
	Scanner *sanitise.Scanner // of what must not be in public/; nil looks for secrets alone
	Labels  map[string]string // placeholders of known folders
	// Progress is told how far it is; nil is told nothing.
	Progress *Progress
}

// Create makes a release in dir, whole or not at all: what was there stays until the
// new one takes its place. A run that cannot be read is left out and named. Two
// releases of the same runs differ in the time of their making alone.
//
// It may be killed at any time; the next call for the same dir takes away what that
// left. It ends when ctx does.
func Create(ctx context.Context, dir string, o Options) (m DatasetManifest, err error) {
	if err := MayPut(dir, o.Replace); err != nil {
		return m, err
	}
	temp := filepath.Join(filepath.Dir(dir), tempPrefix+filepath.Base(dir))
	lock, err := lockFor(dir, temp+".lock")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.Remove(temp+".lock"), lock.Close()) }()
	if err := os.RemoveAll(temp); err != nil {
		return m, fmt.Errorf("remove a half made release: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }() // nothing is there once it is in place
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Scanner == nil {
		if o.Scanner, err = sanitise.New(sanitise.Options{}); err != nil {
			return m, err
		}
	}
	if m, err = build(ctx, temp, o); err != nil {
		return m, told(dir, err)
	}
	o.Progress.begin("writing it to the disk", 0)
	if err := atomicfile.SyncTree(temp); err != nil {
		return m, told(dir, err)
	}
	if err := MayPut(dir, o.Replace); err != nil { // somebody may have been faster
		return m, err
	}
	return m, atomicfile.ReplaceTree(temp, dir)
}

// told says what kept a release from being made in the words of who asked for it.
func told(dir string, err error) error {
	var known *apprentice.Error
	switch {
	case errors.As(err, &known):
		return err
	case proc.IsFull(err):
		return apprentice.Errorf(apprentice.Unavailable, "the disk of %s is full: no release was made", dir).WithField("path").Because(err).
			WithHint("free some room, or name a folder on another disk")
	case errors.Is(err, fs.ErrPermission):
		return apprentice.Errorf(apprentice.Denied, "no release can be made in %s", dir).WithField("path").Because(err)
	}
	return fmt.Errorf("make release %s: %w", dir, err)
}

// tempPrefix begins the name of the folder beside DIR in which a release is made.
const tempPrefix = ".aa-tmp-release-"

// MayPut refuses a place that is taken by anything but a release that is to be
// replaced.
func MayPut(dir string, replace bool) error {
	info, err := os.Lstat(filepath.Dir(dir))
	switch {
	case err != nil:
		return apprentice.Errorf(apprentice.Invalid, "there is no folder %s to make a release in", filepath.Dir(dir)).WithField("path").Because(err)
	case !info.IsDir() && info.Mode()&fs.ModeSymlink == 0:
		return apprentice.Errorf(apprentice.Invalid, "%s is no folder to make a release in", filepath.Dir(dir)).WithField("path")
	}
	_, err = os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return apprentice.Errorf(apprentice.Denied, "%s cannot be looked at", dir).WithField("path").Because(err)
	}
	_, release := open(dir)
	switch {
	case release == nil && replace:
		return nil
	case release == nil:
		return apprentice.Errorf(apprentice.Conflict, "%s is a release already", dir).WithField("path").WithHint("--replace puts the new one in its place")
	}
	return apprentice.Errorf(apprentice.Conflict, "%s is there already, and is no release", dir).WithField("path").WithHint("name a folder that is new")
}

// lockFor keeps others from making a release in the same place. A crash frees it.
func lockFor(dir, path string) (*proc.Lock, error) {
	lock, err := proc.TryLock(path)
	if errors.Is(err, proc.ErrLocked) {
		return nil, apprentice.Errorf(apprentice.Conflict, "a release is being made in %s", dir).WithField("path")
	}
	if err != nil {
		return nil, apprentice.Errorf(apprentice.Denied, "no release can be made in %s", filepath.Dir(dir)).WithField("path").Because(err)
	}
	mine, err := lock.Stat()
	there, gone := os.Stat(path)
	if err != nil || gone != nil || !os.SameFile(mine, there) { // its owner removed it meanwhile
		return nil, errors.Join(apprentice.Errorf(apprentice.Conflict, "a release was just made in %s", dir).WithField("path"), lock.Close())
	}
	return lock, nil
}

// build makes the release in a folder of its own.
func build(ctx context.Context, dir string, o Options) (m DatasetManifest, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return m, err
	}
	g, err := newGatherer(dir, o)
	if err != nil {
		return m, err
	}
	err = g.all(ctx)
	if err = errors.Join(err, g.close()); err != nil {
		return m, err
	}
	if len(g.ids) == 0 {
		why := "no run was named"
		if len(g.left) > 0 {
			why = g.left[0].RunID + ": " + g.left[0].Why
		}
		return m, apprentice.Errorf(apprentice.Unmet, "there is no run that a release could be made of (%s)", why)
	}
	for _, r := range append(rulePatterns(), inputRule) {
		if n := g.ruled[r]; n > 0 {
			g.left = append(g.left, LeftOut{Path: r, Count: n, Why: whyOf(r)})
		}
	}
	p := &publisher{o: o, from: dir, dir: filepath.Join(dir, PublicName), private: g.private, book: sanitise.NewBook(o.Labels)}
	raw := sealed{dir: dir, o: o, counts: g.counts, quality: g.quality, ids: g.ids, left: g.left}
	for _, d := range datasets {
		raw.rows = append(raw.rows, Dataset{d.name, g.files[d.name].rows})
	}
	if err := p.publish(ctx, raw); err != nil {
		return m, fmt.Errorf("make %s: %w", PublicName, err)
	}
	return raw.seal(ctx)
}

// all gathers the runs in the order of their ids.
func (g *gatherer) all(ctx context.Context) error {
	ids := slices.Compact(slices.Sorted(slices.Values(g.o.IDs)))
	g.o.Progress.begin("reading runs", len(ids))
	for _, id := range ids {
		if err := g.add(ctx, id); err != nil {
			return err
		}
		g.o.Progress.step()
	}
	return nil
}

func rulePatterns() (list []string) {
	for _, r := range rules {
		list = append(list, r.pattern)
	}
	return list
}

func whyOf(pattern string) string {
	for _, r := range rules {
		if r.pattern == pattern {
			return r.why
		}
	}
	return "the package's input/ has the same"
}
