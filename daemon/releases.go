package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"aad/apprentice"
	"aad/internal/proc"
	"aad/release"
	"aad/rpc"
	"aad/storage"
)

// releases keeps how far the releases that are being made or checked are. The zero
// value has none.
type releases struct {
	mu sync.Mutex
	at map[string]*release.Progress // by path
}

// begin notes work on a release; end is called when it is over. Two at once in the
// same place are told of by the later.
func (r *releases) begin(path string) (progress *release.Progress, end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = map[string]*release.Progress{}
	}
	progress = new(release.Progress)
	r.at[path] = progress
	return progress, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.at[path] == progress {
			delete(r.at, path)
		}
	}
}

// handleReleases serves the methods of releases.
func (d *Daemon) handleReleases(s *rpc.Server) {
	rpc.Handle(s, rpc.ReleaseCreate, d.releaseCreate)
	rpc.Handle(s, rpc.ReleaseProgressOf, d.releaseProgress)
	rpc.Handle(s, rpc.ReleaseValidate, d.releaseValidate)
	rpc.Handle(s, rpc.ReleaseInspect, d.releaseInspect)
	rpc.Handle(s, rpc.ReleaseSummary, d.releaseSummary)
}

// releaseCreate makes a release. It holds what runs of others hold too, so an agent
// makes none.
func (d *Daemon) releaseCreate(ctx context.Context, peer *rpc.Peer, p rpc.ReleaseCreateParams) (out rpc.ReleaseInfo, err error) {
	if proc.UnderShim(peer.PID) {
		return out, apprentice.Errorf(apprentice.Denied, "an agent cannot make a release").WithHint("call it from a terminal of your own")
	}
	if err := d.releasePath(&p.Path, true); err != nil {
		return out, err
	}
	if p.DryRun {
		return rpc.ReleaseInfo{Path: p.Path, Warnings: []string{}}, release.MayPut(p.Path, p.Replace)
	}
	o, err := d.releaseOptions(p)
	if err != nil {
		return out, err
	}
	var end func()
	o.Progress, end = d.releases.begin(p.Path)
	defer end()
	if _, err := release.Create(ctx, p.Path, o); err != nil {
		return out, err
	}
	return releaseInfo(p.Path)
}

// releasePath cleans the path of a release that a client names. One that is made lies
// outside of the home, where nothing would look after it.
func (d *Daemon) releasePath(path *string, made bool) error {
	if !filepath.IsAbs(*path) {
		return apprentice.Errorf(apprentice.Invalid, "path %q is not absolute", *path).WithField("path")
	}
	*path = filepath.Clean(*path)
	if !made {
		return nil
	}
	if d.inHome(*path) {
		return apprentice.Errorf(apprentice.Invalid, "%s lies in the home of aad", *path).WithField("path").WithHint("name a folder outside of %s", d.home)
	}
	return nil
}

// inHome reports whether a path, which need not be there, is the home or lies in it,
// once links are followed.
func (d *Daemon) inHome(path string) bool {
	rest := ""
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		real, err := filepath.EvalSymlinks(dir)
		if err == nil {
			path = filepath.Join(real, rest)
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
		rest = filepath.Join(filepath.Base(dir), rest)
	}
	for _, home := range spellings(string(d.home)) {
		if rel, err := filepath.Rel(home, path); err == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// releaseOptions say of which runs a release is made, and how.
func (d *Daemon) releaseOptions(p rpc.ReleaseCreateParams) (release.Options, error) {
	ids, err := d.releasable(p)
	if err != nil {
		return release.Options{}, err
	}
	if len(ids) == 0 {
		return release.Options{}, apprentice.Errorf(apprentice.Unmet, "no ended run fits: there is nothing to make a release of").WithHint("aa list --state completed --all")
	}
	imported, err := d.importedOf(ids)
	if err != nil {
		return release.Options{}, err
	}
	hide, err := d.bundleOptions(d.settings.inForce(), imported...)
	return release.Options{IDs: ids, Run: d.store.Run, Folder: func(id apprentice.RunID) string { return string(d.home.Run(id)) }, Created: time.Now(),
		Version: d.cfg.Version, Replace: p.Replace, License: hide.License, Consent: hide.Consent, Limit: hide.Limit, Scanner: hide.Scanner, Labels: hide.Labels}, err
}

// importedOf are the runs among these that came from elsewhere.
func (d *Daemon) importedOf(ids []apprentice.RunID) (runs []apprentice.Run, err error) {
	for _, id := range ids {
		run, err := d.store.Run(id)
		if err != nil && apprentice.KindOf(err) != apprentice.NotFound {
			return nil, err
		}
		if run.Imported != nil {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// releasable lists the runs that a release is made of. Those that are named are taken
// as they are: the release tells what is wrong with them.
func (d *Daemon) releasable(p rpc.ReleaseCreateParams) (ids []apprentice.RunID, err error) {
	filter := storage.Filter{Labels: p.Labels, Group: p.Group}
	if filter.States, err = states(p.States); err != nil {
		return nil, err
	}
	for _, s := range filter.States {
		if !s.Ended() {
			return nil, apprentice.Errorf(apprentice.Invalid, "runs that are %s have not ended", s).WithField("states").WithHint("completed, partial, failed, cancelled")
		}
	}
	fits := func(r apprentice.Run) bool { return !r.Live() && (!p.Accepted || r.Accepted()) }
	if len(p.Runs) > 0 && len(p.States)+len(p.Labels)+len(p.Group) > 0 {
		return nil, apprentice.Errorf(apprentice.Invalid, "runs are named and filtered at once").WithField("runs").WithHint("name runs, or give filters")
	}
	for _, ref := range p.Runs {
		run, err := d.resolve(ref)
		if err != nil {
			return nil, err
		}
		if !p.Accepted || run.Accepted() {
			ids = append(ids, run.RunID)
		}
	}
	if len(p.Runs) > 0 {
		return ids, nil
	}
	for cursor := ""; ; {
		page, next, err := d.store.Runs(filter, cursor, 1000)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			if fits(r) {
				ids = append(ids, r.RunID)
			}
		}
		if cursor = next; cursor == "" {
			return ids, nil
		}
	}
}

func (d *Daemon) releaseProgress(_ context.Context, _ *rpc.Peer, p rpc.ReleaseParams) (out rpc.ReleaseProgressResult, err error) {
	d.releases.mu.Lock()
	progress := d.releases.at[filepath.Clean(p.Path)]
	d.releases.mu.Unlock()
	if progress != nil {
		out.Stage, out.Done, out.Total = progress.At()
	}
	return out, nil
}

func (d *Daemon) releaseValidate(ctx context.Context, _ *rpc.Peer, p rpc.ReleaseParams) (out rpc.ReleaseValidateResult, err error) {
	if err := d.releasePath(&p.Path, false); err != nil {
		return out, err
	}
	m, _, err := release.Open(p.Path)
	private := err != nil || m.Masking != "no_masking" // as it was made
	o := release.CheckOptions{}
	if o.Scanner, err = d.scanners.of(private); err != nil {
		return out, err
	}
	var end func()
	o.Progress, end = d.releases.begin(p.Path)
	defer end()
	v, err := release.Validate(ctx, p.Path, o)
	if err != nil {
		return out, err
	}
	return rpc.ReleaseValidateResult{Path: p.Path, DatasetID: v.Manifest.DatasetID, Runs: v.Manifest.Counts.Runs, Rows: v.Manifest.Counts.Rows,
		Blockers: some(v.Blockers), Blocking: len(v.Blockers) + v.Unlisted, Warnings: some(v.Warnings)}, nil
}

// some are the first of a list, and an empty one for none.
func some(list []string) []string {
	return append([]string{}, list[:min(len(list), maxProblems)]...)
}

func releaseInfo(path string) (rpc.ReleaseInfo, error) {
	m, q, err := release.Open(path)
	out := rpc.ReleaseInfo{Path: path, DatasetID: m.DatasetID, CreatedAt: m.CreatedAt, Public: m.Public, Runs: m.Counts.Runs, Packages: m.Counts.Packages,
		Attempts: m.Counts.Attempts, Steps: m.Counts.TracedSteps, Rows: m.Counts.Rows, Files: m.Counts.Artifacts, Bytes: m.Size(),
		Accepted: q.Accepted, Unreviewed: q.Unreviewed, Scored: q.Scored, MeanScore: q.MeanScore}
	var left []string
	for _, l := range m.LeftOut {
		if l.RunID != "" && l.Path == "" {
			left = append(left, fmt.Sprintf("%s: %s", l.RunID, l.Why))
		}
	}
	out.LeftOut, out.Warnings = some(left), some(q.Warnings)
	return out, err
}

func (d *Daemon) releaseInspect(_ context.Context, _ *rpc.Peer, p rpc.ReleaseParams) (out rpc.ReleaseInspectResult, err error) {
	if err := d.releasePath(&p.Path, false); err != nil {
		return out, err
	}
	if out.ReleaseInfo, err = releaseInfo(p.Path); err != nil {
		return out, err
	}
	out.Page, _, err = release.Inspect(p.Path)
	return out, err
}

func (d *Daemon) releaseSummary(_ context.Context, _ *rpc.Peer, p rpc.ReleaseSummaryParams) (out rpc.ReleaseSummaryResult, err error) {
	out.Releases = []rpc.ReleaseInfo{}
	t := &out.Total
	t.LeftOut, t.Warnings = []string{}, []string{}
	sum := 0.0
	for _, path := range p.Paths {
		if err := d.releasePath(&path, false); err != nil {
			return out, err
		}
		r, err := releaseInfo(path)
		if err != nil {
			return out, err
		}
		out.Releases = append(out.Releases, r)
		t.Runs, t.Packages, t.Attempts, t.Steps = t.Runs+r.Runs, t.Packages+r.Packages, t.Attempts+r.Attempts, t.Steps+r.Steps
		t.Rows, t.Files, t.Bytes = t.Rows+r.Rows, t.Files+r.Files, t.Bytes+r.Bytes
		t.Accepted, t.Unreviewed, t.Scored = t.Accepted+r.Accepted, t.Unreviewed+r.Unreviewed, t.Scored+r.Scored
		sum += r.MeanScore * float64(r.Scored)
	}
	if t.Scored > 0 {
		t.MeanScore = sum / float64(t.Scored)
	}
	return out, nil
}
