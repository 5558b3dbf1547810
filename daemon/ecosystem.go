package daemon

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/ecosystem"
	"aad/internal/atomicfile"
	"aad/internal/proc"
	"aad/rpc"
)

// handleEcosystem serves the methods of sharing.
func (d *Daemon) handleEcosystem(s *rpc.Server) {
	rpc.Handle(s, rpc.EcosystemStatusOf, func(context.Context, *rpc.Peer, rpc.Empty) (rpc.EcosystemStatus, error) {
		return d.sharing.status()
	})
	rpc.Handle(s, rpc.EcosystemCheck, d.ecosystemCheck)
	rpc.Handle(s, rpc.EcosystemList, d.ecosystemList)
	rpc.Handle(s, rpc.EcosystemInspect, d.ecosystemInspect)
	rpc.Handle(s, rpc.EcosystemPull, d.ecosystemPull)
	rpc.Handle(s, rpc.EcosystemContribute, d.ecosystemContribute)
	rpc.Handle(s, rpc.EcosystemShared, d.ecosystemShared)
}

// maySetSharing refuses an agent that would decide what is shared and where, and a
// place that cannot be used.
func (d *Daemon) maySetSharing(peer *rpc.Peer, p rpc.SettingsSetParams) error {
	if !strings.HasPrefix(p.Key, "ecosystem_") && !strings.HasPrefix(p.Key, "contribution_") {
		return nil
	}
	if proc.UnderShim(peer.PID) {
		return noSharer()
	}
	if p.Unset || p.Value == "" {
		return nil
	}
	now := d.settings.inForce()
	switch p.Key {
	case "ecosystem_place":
		now.Place = p.Value
	case "ecosystem_endpoint":
		return ecosystem.CheckEndpoint(p.Value)
	default:
		return nil
	}
	_, err := ecosystem.ParsePlace(now.Place)
	return err
}

func noSharer() *apprentice.Error {
	return apprentice.Errorf(apprentice.Denied, "an agent cannot share for a person").WithHint("share from a terminal of your own")
}

// status is how sharing stands, as far as is known without asking the place.
func (s *sharing) status() (out rpc.EcosystemStatus, err error) {
	now, err := s.d.settings.read()
	if err != nil {
		return out, err
	}
	out = rpc.EcosystemStatus{Place: now.Place, Endpoint: now.Endpoint, Region: now.Region, Policy: now.Policy, Consent: now.Consent,
		License: now.License, Folder: s.bundles()}
	if place, err := ecosystem.ParsePlace(now.Place); err == nil {
		if out.Kind = place.Kind; out.Kind == ecosystem.Bucket {
			out.Keys = ecosystem.KeysFrom(s.d.variable)
		}
	}
	if _, err := s.open(now); err != nil {
		fault(&out, err)
	}
	shared, err := ecosystem.Records(s.records())
	if err != nil {
		return out, err
	}
	out.Contributed, out.Pulled = len(shared), len(s.pulled())
	due, err := s.all()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range due {
		out.Waiting = append(out.Waiting, rpc.EcosystemWaiting{RunID: string(id), Error: s.last[id]})
	}
	for _, m := range s.moves {
		out.Transfers = append(out.Transfers, *m)
	}
	return out, err
}

// pulled are the bundles that were taken into the home.
func (s *sharing) pulled() []string {
	names, _ := filepath.Glob(filepath.Join(s.bundles(), "*"))
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	return slices.DeleteFunc(names, atomicfile.IsTemp)
}

func (d *Daemon) ecosystemCheck(ctx context.Context, _ *rpc.Peer, _ rpc.Empty) (rpc.EcosystemStatus, error) {
	out, err := d.sharing.status()
	if err != nil || out.Problem != "" {
		return out, err
	}
	place, err := d.sharing.open(d.settings.inForce())
	if err == nil {
		err = place.Probe(ctx)
	}
	if out.Checked = true; err != nil {
		d.log.Warn("the place where bundles are shared cannot be used", "place", out.Place, "error", err)
		fault(&out, err)
		return out, nil
	}
	d.sharing.nudge()
	return out, nil
}

// fault tells why a place cannot be used.
func fault(out *rpc.EcosystemStatus, err error) {
	out.Problem, out.Hint = apprentice.Reason(err), apprentice.HintOf(err)
}

// mostListed bounds the bundles, and the problems, of one answer.
const (
	mostListed   = 200
	shownOfTask  = 500
	mostProblems = 100
)

func (d *Daemon) ecosystemList(ctx context.Context, _ *rpc.Peer, p rpc.EcosystemListParams) (out rpc.EcosystemListResult, err error) {
	s := d.sharing
	place, err := s.open(d.settings.inForce())
	if err != nil {
		return out, err
	}
	s.listing.Lock()
	defer s.listing.Unlock()
	moved, done := s.moving("list", "")
	defer done()
	entries, err := place.List(ctx, func(done, all int) { moved(int64(done), int64(all)) })
	if err != nil {
		return out, err
	}
	out = rpc.EcosystemListResult{Place: place.Name(), Bundles: []rpc.EcosystemBundle{}}
	for _, e := range entries {
		if e.Problem != "" && len(out.Problems) < mostProblems {
			out.Problems = append(out.Problems, e.BundleID+": "+e.Problem)
		}
	}
	found := ecosystem.Search(entries, p.Words)
	out.Total = len(found)
	found = found[min(max(p.Skip, 0), len(found)):]
	if p.Limit <= 0 || p.Limit > mostListed {
		p.Limit = mostListed
	}
	here, err := s.known(place.Name())
	for _, f := range found[:min(len(found), p.Limit)] {
		b := rpc.EcosystemBundle{BundleID: f.BundleID, Title: f.Title, Agent: f.Agent, Verdict: f.Verdict, Score: f.Score, License: f.License,
			CreatedAt: f.CreatedAt, Files: f.Files, Bytes: f.Size, Lessons: len(f.Lessons), Where: f.Where, Here: here[f.BundleID]}
		if len(f.Instructions) > 0 {
			b.Instruction = cut(f.Instructions[0], shownOfTask)
		}
		out.Bundles = append(out.Bundles, b)
	}
	return out, err
}

// known tells of bundles how this home knows them.
func (s *sharing) known(place string) (map[string]string, error) {
	here := map[string]string{}
	for _, id := range s.pulled() {
		here[id] = "pulled"
	}
	shared, err := ecosystem.Records(s.records())
	for _, r := range shared {
		if r.Place == place {
			here[r.BundleID] = "shared"
		}
	}
	return here, err
}

func (d *Daemon) ecosystemInspect(ctx context.Context, _ *rpc.Peer, p rpc.EcosystemParams) (rpc.BundleInspectResult, error) {
	place, err := d.sharing.open(d.settings.inForce())
	if err != nil {
		return rpc.BundleInspectResult{}, err
	}
	page, m, err := place.Inspect(ctx, p.BundleID)
	return rpc.BundleInspectResult{Path: place.Name(), BundleID: m.BundleID, RunID: m.RunID, Title: m.Title, Page: page}, err
}

func (d *Daemon) ecosystemPull(ctx context.Context, _ *rpc.Peer, p rpc.EcosystemPullParams) (out rpc.EcosystemPullResult, err error) {
	s := d.sharing
	to := s.bundles()
	if p.To != "" {
		if to = p.To; !filepath.IsAbs(to) {
			return out, apprentice.Errorf(apprentice.Invalid, "to %q is not absolute", to).WithField("to")
		}
	}
	place, err := s.open(d.settings.inForce())
	if err != nil {
		return out, err
	}
	// Of what others have put in we look for secrets; who they are is their affair.
	scanner, err := d.scanners.of(false)
	if err != nil {
		return out, err
	}
	s.pulling.Lock()
	defer s.pulling.Unlock()
	moved, done := s.moving("pull", p.BundleID)
	defer done()
	got, err := place.Pull(ctx, p.BundleID, to, scanner, func(n int64) { moved(n, 0) })
	if err != nil {
		return out, err
	}
	v := got.Verdict
	return rpc.EcosystemPullResult{BundleID: p.BundleID, Path: got.Dir, Files: v.Files, Bytes: v.Bytes, SignedBy: v.SignedBy,
		License: v.Manifest.License, Already: got.Already}, nil
}

// ecosystemContribute shares the bundle of a run. An agent is no person: processes
// under a shim are refused.
func (d *Daemon) ecosystemContribute(ctx context.Context, peer *rpc.Peer, p rpc.EcosystemContributeParams) (rpc.EcosystemContributeResult, error) {
	run, err := d.packable(p.RunID)
	switch {
	case err != nil:
		return rpc.EcosystemContributeResult{}, err
	case p.DryRun:
		return d.sharing.preview(ctx, run, p.Skip)
	case proc.UnderShim(peer.PID):
		return rpc.EcosystemContributeResult{}, noSharer()
	}
	return d.sharing.contribute(ctx, run, p.Digest, "manual")
}

// mostShared bounds what one answer tells of what was shared.
const mostShared = 1000

func (d *Daemon) ecosystemShared(context.Context, *rpc.Peer, rpc.Empty) (rpc.EcosystemSharedResult, error) {
	all, err := ecosystem.Records(d.sharing.records())
	out := rpc.EcosystemSharedResult{Shared: []rpc.EcosystemShare{}, Total: len(all)}
	slices.Reverse(all)
	for _, r := range all[:min(len(all), mostShared)] {
		out.Shared = append(out.Shared, rpc.EcosystemShare{BundleID: r.BundleID, RunID: r.RunID, Title: r.Title, Place: r.Place,
			SharedAt: r.SharedAt, By: r.By, Files: r.Files, Bytes: r.Bytes, License: r.License})
	}
	return out, err
}
