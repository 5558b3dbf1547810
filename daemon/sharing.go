package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"aad/apprentice"
	"aad/bundle"
	"aad/ecosystem"
	"aad/internal/atomicfile"
	"aad/internal/git"
	"aad/internal/proc"
	"aad/loop"
	"aad/rpc"
)

// sharing contributes bundles to the place that the settings name and takes bundles
// from there. Its notes are of runs whose bundles are to be shared by themselves.
type sharing struct {
	*notes
	d       *Daemon
	dir     string
	one     sync.Mutex // around one contribution after the other
	pulling sync.Mutex // around one pull after the other
	listing sync.Mutex // around one list after the other

	mu    sync.Mutex
	moves []*rpc.EcosystemTransfer    // what is under way
	last  map[apprentice.RunID]string // why a run's bundle still waits
}

func newSharing(d *Daemon) *sharing {
	s := &sharing{d: d, dir: d.home.Ecosystem(), last: map[apprentice.RunID]string{}}
	s.notes = newNotes(filepath.Join(s.dir, "due"), "share a bundle", d.log, s.byItself)
	return s
}

func (s *sharing) bundles() string { return filepath.Join(s.dir, "bundles") }
func (s *sharing) cache() string   { return filepath.Join(s.dir, "cache") }
func (s *sharing) records() string { return filepath.Join(s.dir, "shared.jsonl") }

// Serve removes what an earlier aad has left half done, then shares what is due.
func (s *sharing) Serve(ctx context.Context) error {
	for _, dir := range []string{s.bundles(), s.cache()} {
		if err := ecosystem.Sweep(dir); err != nil {
			s.log.Warn("remove what was left half pulled", "error", err)
		}
	}
	return s.notes.Serve(ctx)
}

// open makes ready to use the place of the settings.
func (s *sharing) open(now apprentice.Settings) (*ecosystem.Ecosystem, error) {
	if now.Place == "" {
		return nil, apprentice.Errorf(apprentice.Unmet, "no place is named where bundles are shared").WithField("ecosystem_place").
			WithHint("aa ecosystem configure --place PLACE")
	}
	place, err := ecosystem.ParsePlace(now.Place)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.cache(), 0o700); err != nil {
		return nil, fmt.Errorf("make ready to share: %w", err)
	}
	return ecosystem.Open(place, ecosystem.Access{Endpoint: now.Endpoint, Region: now.Region, AllowHTTP: now.AllowHTTP,
		Variable: s.d.variable, Git: s.git, Dir: s.cache()}, s.room)
}

// git finds the program, as it reaches other machines.
func (s *sharing) git() (git.Git, error) {
	g, err := s.d.git("")
	if err != nil {
		return g, apprentice.Errorf(apprentice.Unmet, "a git repository needs git, and there is none in aad's PATH").WithHint("install git")
	}
	return g.ForRemotes(s.d.cfg.Environ), nil
}

// usesGit reports that an earlier aad may have been killed while its git fetched or
// pushed.
func (s *sharing) usesGit() bool {
	copies, _ := filepath.Glob(filepath.Join(s.cache(), "git-*"))
	return len(copies) > 0
}

// room is how many bytes may be written before the disk is as full as it may be.
func (s *sharing) room() (int64, error) {
	free, err := proc.DiskFree(string(s.d.home))
	return max(free-int64(s.d.settings.inForce().MinFreeDisk)<<20, 0), err
}

// moving tells of something under way until done is called.
func (s *sharing) moving(what, id string) (moved func(done, total int64), done func()) {
	t := &rpc.EcosystemTransfer{What: what, ID: id}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moves = append(s.moves, t)
	moved = func(n, total int64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		t.Done, t.Total = n, total
	}
	return moved, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.moves = slices.DeleteFunc(s.moves, func(m *rpc.EcosystemTransfer) bool { return m == t })
	}
}

// permitted refuses what the settings do not permit to leave.
func permitted(now apprentice.Settings) *apprentice.Error {
	switch {
	case now.Policy == "disabled":
		return apprentice.Errorf(apprentice.Denied, "nothing is shared from this home: contribution_policy is disabled").
			WithField("contribution_policy").WithHint("aa ecosystem configure --contribution manual")
	case now.Consent == "not_given":
		return apprentice.Errorf(apprentice.Unmet, "nobody has said that bundles may be shared: contribution_consent is not_given").
			WithField("contribution_consent").WithHint("aa settings set contribution_consent text")
	}
	return nil
}

// stale reports that a run's bundle must be made before it can be shared: there is
// none, or it does not say what the settings say of consent and licence.
func (s *sharing) stale(run apprentice.Run, now apprentice.Settings) bool {
	if run.BundledAt == "" {
		return true
	}
	doc, err := os.ReadFile(filepath.Join(s.d.home.Run(run.RunID).Bundle(), bundle.ManifestName))
	if err != nil {
		return true
	}
	m, err := bundle.ParseManifest(doc)
	return err != nil || m.Consent != now.Consent || m.License != now.License
}

// checked checks a run's bundle in full and tells what of it would leave. The caller
// holds the packer's lock.
func (s *sharing) checked(ctx context.Context, run apprentice.Run) (out rpc.EcosystemContributeResult, problem *apprentice.Error, err error) {
	dir := s.d.home.Run(run.RunID).Bundle()
	hidden, err := s.d.scanners.of(true)
	if err != nil {
		return out, nil, err
	}
	v, err := bundle.Check(ctx, dir, bundle.CheckOptions{Scanner: hidden})
	if err != nil {
		return out, nil, err
	}
	if n := len(v.Problems); n > 0 {
		problem = apprentice.Errorf(apprentice.Invalid, "the bundle of run %s is not whole: %s", run.RunID, v.Problems[0]).
			WithHint("aa bundle check %s lists all %d problems; aa bundle create %s makes it anew", run.RunID, n, run.RunID)
	}
	sums, err := os.ReadFile(filepath.Join(dir, bundle.SumsName))
	if err != nil {
		return out, problem, fmt.Errorf("read the sums of a bundle: %w", err)
	}
	digest := sha256.Sum256(sums)
	m := v.Manifest
	out = rpc.EcosystemContributeResult{RunID: string(run.RunID), BundleID: m.BundleID, Title: m.Title, License: m.License, Consent: m.Consent,
		SignedBy: v.SignedBy, Digest: hex.EncodeToString(digest[:]), Count: v.Files, Bytes: v.Bytes}
	for _, e := range m.Files {
		if e.Action == bundle.Omitted {
			out.Omitted++
		}
	}
	return out, problem, nil
}

// mostFiles bounds the files that one answer names.
const mostFiles = 10_000

// preview tells what would leave with a run's bundle, and writes nothing.
func (s *sharing) preview(ctx context.Context, run apprentice.Run, skip int) (out rpc.EcosystemContributeResult, err error) {
	now, err := s.d.settings.read()
	if err != nil {
		return out, err
	}
	why := permitted(now)
	if s.stale(run, now) && run.BundledAt == "" {
		out = rpc.EcosystemContributeResult{RunID: string(run.RunID), Stale: true, Hint: "aa bundle create " + string(run.RunID)}
	} else if out, err = s.previewBundle(ctx, run, &why); err != nil {
		return out, err
	}
	out.Files = out.Files[min(max(skip, 0), len(out.Files)):]
	out.Files = out.Files[:min(len(out.Files), mostFiles)]
	out.Place, out.Stale = now.Place, s.stale(run, now)
	if why != nil {
		out.Refusal, out.Kind, out.Hint = why.Message, string(why.Kind), why.Hint
	}
	return out, nil
}

func (s *sharing) previewBundle(ctx context.Context, run apprentice.Run, why **apprentice.Error) (rpc.EcosystemContributeResult, error) {
	s.d.packer.one.Lock()
	defer s.d.packer.one.Unlock()
	out, problem, err := s.checked(ctx, run)
	if err != nil {
		return out, err
	}
	if *why == nil {
		*why = problem
	}
	dir := s.d.home.Run(run.RunID).Bundle()
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, dir+string(filepath.Separator)))
		out.Files = append(out.Files, rpc.EcosystemFile{Path: name, Bytes: info.Size()})
		return nil
	})
	if err != nil || problem != nil {
		return out, err
	}
	var packed counter
	err = bundle.Pack(ctx, dir, &packed)
	out.Packed = int64(packed)
	return out, err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// contribute shares the bundle of an ended run. Where digest is not "", it shares that
// alone.
func (s *sharing) contribute(ctx context.Context, run apprentice.Run, digest, by string) (out rpc.EcosystemContributeResult, err error) {
	s.one.Lock()
	defer s.one.Unlock()
	now, err := s.d.settings.read()
	if err != nil {
		return out, err
	}
	if why := permitted(now); why != nil {
		return out, why
	}
	place, err := s.open(now)
	if err != nil {
		return out, err
	}
	if s.stale(run, now) {
		if _, err := s.d.packer.make(ctx, run, nil); err != nil {
			return out, err
		}
	}
	moved, done := s.moving("contribute", string(run.RunID))
	defer done()
	out, parcel, err := s.parcel(ctx, place, run, digest)
	if err != nil {
		return out, err
	}
	defer func() {
		if err := parcel.Close(); err != nil {
			s.log.Warn("remove an archive that was sent", "error", err)
		}
	}()
	out.Place, out.Packed = place.Name(), parcel.Bytes
	if out.Already, err = place.Send(ctx, parcel, func(n int64) { moved(n, parcel.Bytes) }); err != nil {
		return out, err
	}
	err = ecosystem.AddRecord(s.records(), ecosystem.Record{BundleID: out.BundleID, RunID: out.RunID, Title: out.Title, Place: out.Place,
		SharedAt: apprentice.Stamp(time.Now()), By: by, Files: out.Count, Bytes: out.Packed, License: out.License})
	if err == nil && !out.Already {
		err = s.tell(ctx, run.RunID, apprentice.BundleShared, "Bundle shared in "+out.Place)
	}
	return out, err
}

// parcel checks the bundle of a run and packs it, while nobody makes it anew.
func (s *sharing) parcel(ctx context.Context, place *ecosystem.Ecosystem, run apprentice.Run, digest string) (out rpc.EcosystemContributeResult, p ecosystem.Parcel, err error) {
	s.d.packer.one.Lock()
	defer s.d.packer.one.Unlock()
	out, problem, err := s.checked(ctx, run)
	switch {
	case err != nil:
		return out, p, err
	case problem != nil:
		return out, p, problem
	case digest != "" && digest != out.Digest:
		return out, p, apprentice.Errorf(apprentice.Conflict, "the bundle of run %s has been made anew since it was shown", run.RunID).WithField("digest").
			WithHint("aa ecosystem contribute %s --dry-run", run.RunID)
	}
	p, err = place.Pack(ctx, s.d.home.Run(run.RunID).Bundle())
	return out, p, err
}

// tell puts what became of a run's bundle into the run's log.
func (s *sharing) tell(ctx context.Context, id apprentice.RunID, kind apprentice.EventType, message string) error {
	run, err := s.d.store.Run(id)
	if err != nil {
		return err
	}
	e := loop.OfPass(run, apprentice.Event{EventType: kind, Phase: apprentice.PhaseBundleComplete, Message: message})
	_, err = s.d.store.Change(context.WithoutCancel(ctx), id, nil, apprentice.Change{Events: []apprentice.Event{e}, Phase: run.Phase})
	return err
}

// owe notes that the bundle of a run that ends accepted is to be shared, where the
// settings say so. It is called before the end is written.
func (s *sharing) owe(run apprentice.Run, out loop.Outcome) error {
	if s.d.settings.inForce().Policy != "automatic" {
		return nil
	}
	if out.Change(run, time.Now()).Update(&run); !run.Accepted() {
		return nil
	}
	err := s.due(run.RunID)
	if err != nil && !proc.IsFull(err) {
		s.log.Error("note that a bundle is to be shared", "run_id", run.RunID, "error", err)
		return nil
	}
	return err
}

// ended has the bundle of an ended run shared, if it is owed.
func (s *sharing) ended(id apprentice.RunID) {
	if s.owes(id) {
		s.soon(id)
	}
}

// byItself shares the bundle of a run that was accepted.
func (s *sharing) byItself(ctx context.Context, id apprentice.RunID) error {
	run, err := s.d.store.Run(id)
	switch {
	case !s.owes(id):
		return nil
	case apprentice.KindOf(err) == apprentice.NotFound:
		return s.forget(id)
	case err != nil:
		return err
	case run.Live():
		return nil // its end calls again
	case s.d.settings.inForce().Policy != "automatic", !run.Accepted(), run.BundledAt == "":
		return s.forget(id)
	}
	_, err = s.contribute(ctx, run, "", "automatic")
	switch kind := apprentice.KindOf(err); {
	case err == nil:
		return s.forget(id)
	case ctx.Err() != nil:
		return nil // the next aad goes on
	case kind == apprentice.Conflict, kind == apprentice.Invalid, kind == apprentice.NotFound:
		if err := s.tell(ctx, id, apprentice.SharingRefused, "Bundle not shared: "+apprentice.Reason(err)); err != nil {
			return err
		}
		return s.forget(id)
	}
	return s.later(ctx, id, err)
}

// later remembers why a bundle waits, and tells it once in the run's log.
func (s *sharing) later(ctx context.Context, id apprentice.RunID, cause error) error {
	why := apprentice.Reason(cause)
	s.mu.Lock()
	s.last[id] = why
	s.mu.Unlock()
	s.log.Warn("a bundle waits to be shared", "run_id", id, "error", cause)
	if info, err := os.Stat(s.path(id)); err != nil || info.Size() > 0 {
		return errLater // it was told
	}
	if err := s.tell(ctx, id, apprentice.SharingWaits, "Bundle waits to be shared: "+why); err != nil {
		return errLater
	}
	if err := atomicfile.Write(s.path(id), []byte(why+"\n"), 0o600); err != nil {
		s.log.Warn("remember what was told", "run_id", id, "error", err)
	}
	return errLater
}

func (s *sharing) forget(id apprentice.RunID) error {
	s.mu.Lock()
	delete(s.last, id)
	s.mu.Unlock()
	return s.settled(id)
}
