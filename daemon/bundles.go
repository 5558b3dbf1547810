package daemon

import (
	"context"
	"path/filepath"

	"aad/apprentice"
	"aad/bundle"
	"aad/rpc"
)

// bundleCreate makes the bundle of an ended run, again if it has one.
func (d *Daemon) bundleCreate(ctx context.Context, _ *rpc.Peer, p rpc.BundleCreateParams) (rpc.BundleResult, error) {
	run, err := d.packable(p.RunID)
	if err != nil {
		return rpc.BundleResult{}, err
	}
	m, err := d.packer.make(ctx, run, func(o *bundle.Options) { o.Debug = p.IncludeDebug })
	if err != nil {
		return rpc.BundleResult{}, err
	}
	out := rpc.BundleResult{Path: d.home.Run(run.RunID).Bundle(), BundleID: m.BundleID}
	for _, e := range m.Files {
		switch e.Action {
		case bundle.Omitted:
			out.Omitted++
		case bundle.Sanitised:
			out.Masked++
			out.Packed++
		default:
			out.Packed++
		}
	}
	return out, nil
}

// packable finds a run that has a bundle or can have one.
func (d *Daemon) packable(ref string) (apprentice.Run, error) {
	run, err := d.resolve(ref)
	switch {
	case err != nil:
		return run, err
	case stillEnded(run) != nil:
		return run, stillEnded(run)
	case rejected(run):
		return run, staysHere(run)
	case run.LatestAttemptID == "":
		return run, apprentice.Errorf(apprentice.Unmet, "run %s has no attempt that could be packed", run.RunID).
			WithHint("aa retry %s", run.RunID)
	}
	return run, nil
}

// staysHere refuses what would give away the experience of a rejected run.
func staysHere(run apprentice.Run) error {
	return apprentice.Errorf(apprentice.Unmet, "run %s was rejected: its experience does not leave", run.RunID)
}

// bundleAt finds the folder of a bundle that a client names.
func (d *Daemon) bundleAt(run, path string) (string, error) {
	switch {
	case run != "" && path != "" || run == "" && path == "":
		return "", apprentice.Errorf(apprentice.Invalid, "name either a run or the path of a bundle").WithField("run_id")
	case path != "" && !filepath.IsAbs(path):
		return "", apprentice.Errorf(apprentice.Invalid, "path %q is not absolute", path).WithField("path")
	case path != "":
		return path, nil
	}
	r, err := d.resolve(run)
	if err != nil {
		return "", err
	}
	if rejected(r) {
		return "", staysHere(r)
	}
	if r.BundledAt == "" {
		return "", apprentice.Errorf(apprentice.NotFound, "run %s has no contribution bundle", r.RunID).
			WithHint("aa bundle create %s", r.RunID)
	}
	return d.home.Run(r.RunID).Bundle(), nil
}

func (d *Daemon) bundleInspect(_ context.Context, _ *rpc.Peer, p rpc.BundleParams) (rpc.BundleInspectResult, error) {
	dir, err := d.bundleAt(p.RunID, p.Path)
	if err != nil {
		return rpc.BundleInspectResult{}, err
	}
	page, m, err := bundle.Inspect(dir)
	return rpc.BundleInspectResult{Path: dir, BundleID: m.BundleID, RunID: m.RunID, Title: m.Title, Page: page}, err
}

// maxProblems bounds the problems that an answer names.
const maxProblems = 100

func (d *Daemon) bundleCheck(ctx context.Context, _ *rpc.Peer, p rpc.BundleCheckParams) (rpc.BundleCheckResult, error) {
	dir, err := d.bundleAt(p.RunID, p.Path)
	if err != nil {
		return rpc.BundleCheckResult{}, err
	}
	hidden, err := d.scanners.of(true)
	if err != nil {
		return rpc.BundleCheckResult{}, err
	}
	v, err := bundle.Check(ctx, dir, bundle.CheckOptions{HashesOnly: p.HashesOnly, Scanner: hidden})
	if err != nil {
		return rpc.BundleCheckResult{}, err
	}
	out := rpc.BundleCheckResult{Path: dir, BundleID: v.Manifest.BundleID, Files: v.Files, Bytes: v.Bytes, SignedBy: v.SignedBy,
		Problems: []string{}, Total: len(v.Problems)}
	out.Problems = append(out.Problems, v.Problems[:min(len(v.Problems), maxProblems)]...)
	return out, nil
}

func (d *Daemon) bundleExport(ctx context.Context, _ *rpc.Peer, p rpc.BundleExportParams) (rpc.BundleExportResult, error) {
	dir, err := d.bundleAt(p.RunID, p.Path)
	if err != nil {
		return rpc.BundleExportResult{}, err
	}
	if !filepath.IsAbs(p.To) {
		return rpc.BundleExportResult{}, apprentice.Errorf(apprentice.Invalid, "to %q is not absolute", p.To).WithField("to")
	}
	out, err := bundle.Export(ctx, dir, p.Format, p.To)
	return rpc.BundleExportResult{To: out.Path, Rows: out.Rows}, err
}
