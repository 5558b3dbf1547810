package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/proc"
	"aad/loop"
	"aad/loop/foreign"
	"aad/rpc"
	"aad/storage"
)

// runImport checks one run folder that was made elsewhere and takes it in.
func (d *Daemon) runImport(ctx context.Context, peer *rpc.Peer, p rpc.RunImportParams) (rpc.RunImportResult, error) {
	if proc.UnderShim(peer.PID) {
		return rpc.RunImportResult{}, apprentice.Errorf(apprentice.Denied, "an agent cannot import runs").WithHint("import them from a terminal of your own")
	}
	dir, next, left, err := foreignRun(p.Path, p.After)
	if err != nil {
		return rpc.RunImportResult{}, err
	}
	out := rpc.RunImportResult{Folder: dir, Next: next, Left: left, Problems: []rpc.ImportProblem{}}
	found, err := foreign.Read(ctx, dir)
	if err != nil {
		return out, err
	}
	out.RunID, out.Files, out.Bytes, out.Events, out.Total = string(found.RunID), found.Files, found.Bytes, len(found.Events), found.Total
	for _, f := range found.Problems {
		out.Problems = append(out.Problems, rpc.ImportProblem(f))
	}
	if len(found.Problems) > 0 {
		out.Outcome, out.Reason = rpc.ImportRefused, "the folder is not whole"
		return out, nil
	}
	if out.Bundle, err = d.foreignBundle(ctx, dir, &found); err != nil {
		return out, err
	}
	d.importLock.Lock()
	defer d.importLock.Unlock()
	return out, d.takeIn(ctx, dir, found, p.DryRun, &out)
}

// foreignRun finds the run folder that a call means: path itself, or the first below it,
// or below its folder runs, whose name comes after the one given.
func foreignRun(path, after string) (dir, next string, left int, err error) {
	if !filepath.IsAbs(path) {
		return "", "", 0, apprentice.Errorf(apprentice.Invalid, "path %q is not absolute", path).WithField("path")
	}
	path = filepath.Clean(path)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return "", "", 0, apprentice.Errorf(apprentice.NotFound, "%s is no folder that can be read", path).WithField("path").Because(err)
	}
	if foreign.Is(path) {
		return path, "", 0, nil
	}
	for _, room := range []string{path, filepath.Join(path, "runs")} {
		entries, err := os.ReadDir(room)
		if err != nil {
			continue
		}
		var names []string
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && foreign.Is(filepath.Join(room, e.Name())) {
				names = append(names, e.Name())
			}
		}
		if len(names) == 0 {
			continue
		}
		rest := names[len(names)-countAfter(names, after):]
		if len(rest) == 0 {
			return "", "", 0, apprentice.Errorf(apprentice.NotFound, "%s has no run folder after %s", room, after).WithField("after")
		}
		if len(rest) > 1 {
			next = rest[0]
		}
		return filepath.Join(room, rest[0]), next, len(rest) - 1, nil
	}
	return "", "", 0, apprentice.Errorf(apprentice.Invalid, "%s is no run folder and holds none", path).WithField("path").
		WithHint("a run folder holds session.json, run_status.json and progress_events.jsonl")
}

// countAfter counts the names, which are sorted, that come after one.
func countAfter(names []string, after string) int {
	return len(names) - len(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n > after }))
}

// foreignBundle checks the bundle that lies in a run folder. One that is not whole does
// not come along, and the answer says why.
func (d *Daemon) foreignBundle(ctx context.Context, dir string, found *foreign.Found) (why string, err error) {
	if !found.Bundled {
		return "", nil
	}
	hidden, err := d.scanners.of(true)
	if err != nil {
		return "", err
	}
	v, err := bundle.Check(ctx, filepath.Join(dir, "contribution_bundle"), bundle.CheckOptions{Scanner: hidden})
	switch {
	case ctx.Err() != nil:
		return "", err
	case err != nil:
		why = "it cannot be read"
	case len(v.Problems) > 0:
		why = v.Problems[0]
	case v.Manifest.RunID != string(found.RunID):
		why = "it is of run " + v.Manifest.RunID
	default:
		found.Run.BundledAt = v.Manifest.CreatedAt
	}
	return why, nil
}

// takeIn settles what becomes of a folder that is whole. The caller holds importLock.
func (d *Daemon) takeIn(ctx context.Context, dir string, found foreign.Found, dry bool, out *rpc.RunImportResult) error {
	refuse := func(reason string) error {
		out.Outcome, out.Reason = rpc.ImportRefused, reason
		return nil
	}
	here, err := d.store.Run(found.RunID)
	switch {
	case err == nil:
		same, err := d.sameRun(ctx, here, dir, found)
		if err != nil {
			return err
		}
		if !same {
			return refuse(fmt.Sprintf("another run %s is here; the id stands in every file, so it cannot be given another: aa delete %s first, or import it into another home", found.RunID, found.RunID))
		}
		out.Outcome = rpc.ImportHere
		return nil
	case apprentice.KindOf(err) != apprentice.NotFound:
		return err
	case d.home.Run(found.RunID).Exists():
		return refuse(fmt.Sprintf("%s is in the way and is no run of this aad: move it out of the home, then import it from there", d.home.Run(found.RunID)))
	}
	if err := d.roomFor(found.Bytes); err != nil {
		return err
	}
	if dry {
		out.Outcome = rpc.ImportChecked
		return nil
	}
	out.Outcome = rpc.ImportDone
	return d.adopt(ctx, dir, found)
}

// sameRun reports whether a run of this aad is the one of a folder: that which was
// imported here, whatever was done with it since, or one whose folder says the same.
func (d *Daemon) sameRun(ctx context.Context, here apprentice.Run, dir string, found foreign.Found) (bool, error) {
	if here.Imported != nil && here.Imported.SHA256 == found.Hash {
		return true, nil
	}
	own := string(d.home.Run(here.RunID))
	if own == dir || here.Live() {
		return own == dir, nil
	}
	d.mirror.flush(ctx, here.RunID)
	now, err := foreign.Read(ctx, own)
	if apprentice.KindOf(err) == apprentice.Invalid {
		return false, nil // its folder was removed by hand
	}
	return now.Hash == found.Hash, err
}

// roomFor refuses what the disk could not take.
func (d *Daemon) roomFor(bytes int64) error {
	free, err := d.leastFree()
	if err != nil {
		return err
	}
	if least := int64(d.settings.inForce().MinFreeDisk); (free-bytes)>>20 < least {
		return apprentice.Errorf(apprentice.Unavailable, "the run takes %d MiB and the disk of %s has %d MiB left, of which min_free_disk_mib (%d) are to stay free", bytes>>20+1, d.home, free>>20, least).
			WithHint("make room there (aa du, then aa gc), then import it again")
	}
	return nil
}

// adopt copies the folder and stores the run. Its id is reserved meanwhile: after a crash
// the next aad removes what lies under it, and nothing was imported.
func (d *Daemon) adopt(ctx context.Context, dir string, found foreign.Found) (err error) {
	select {
	case <-d.cleared: // what an earlier import has left is gone
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := d.reserve(ctx, found.RunID, true); err != nil {
		return err
	}
	kept, placed := false, false
	defer func() {
		if placed && !kept {
			err = errors.Join(err, d.removeFiles(found.RunID))
		}
		if !kept {
			err = errors.Join(err, d.store.Unreserve(context.WithoutCancel(ctx), found.RunID))
		}
	}()
	copied, err := d.home.Adopt(ctx, found.RunID, dir, found.Run.BundledAt != "")
	if err != nil {
		return err
	}
	if copied.Listing.Hash() != found.Hash {
		return errors.Join(apprentice.Errorf(apprentice.Conflict, "%s was changed while it was copied", dir).WithHint("import it again"), copied.Discard())
	}
	if err := copied.Place(); err != nil {
		return errors.Join(err, copied.Discard())
	}
	placed = true
	in, err := d.imported(dir, found)
	if err != nil {
		return err
	}
	_, err = d.store.Import(context.WithoutCancel(ctx), in)
	kept = err == nil || apprentice.KindOf(err) == apprentice.Internal // it may be stored: the next aad finds out
	return err
}

// imported is what the database is told of a folder.
func (d *Daemon) imported(dir string, found foreign.Found) (storage.Import, error) {
	run := found.Run
	mark := *run.Imported
	mark.At, mark.From = apprentice.Stamp(time.Now()), dir
	run.Imported = &mark
	in := storage.Import{Run: run, Events: found.Events, Session: found.Session,
		Note: apprentice.Event{EventType: apprentice.RunImported, RunID: run.RunID, Message: "Run " + string(run.RunID) + " was imported from " + dir,
			RunStatus: run.RunStatus, TaskStatus: run.TaskStatus}}
	for n, spec := range found.Specs {
		spec.Settings = d.settings.inForce()
		if spec.Settings.Agent != found.Settings.Agent { // what these say is meant for the other agent
			spec.Settings.AgentCommand, spec.Settings.AgentModel, spec.Settings.AgentExtraArgs = "", "", ""
		}
		spec.Settings.Agent, spec.Settings.MentorMode = found.Settings.Agent, found.Settings.MentorMode
		spec.Settings.Masking, spec.Settings.MaxLoops = found.Settings.Masking, found.Settings.MaxLoops
		stage, result, err := loop.Imported(found.Attempts[n])
		if err != nil {
			return in, err
		}
		in.Passes = append(in.Passes, storage.ImportedPass{Spec: spec, Stage: stage, Result: result})
	}
	return in, nil
}

// notHere refuses what would work an imported pass again: its stages are elsewhere.
func notHere(run apprentice.Run) error {
	if !run.Imported.Holds(run.Pass) {
		return nil
	}
	return apprentice.Errorf(apprentice.Unmet, "run %s was imported: what it could be worked again from did not come along", run.RunID).
		WithHint("aa continue %s adds a follow-up to it; aa run --again %s works the same task as a new run", run.RunID, run.RunID)
}

// mayFollow settles whether and with which settings a run that was imported can have a
// follow-up here: those in force, and what its folder told of agent and mentor.
func (d *Daemon) mayFollow(ctx context.Context, run apprentice.Run, p rpc.RunContinueParams, spec *apprentice.Spec) error {
	mark := run.Imported
	switch {
	case mark == nil || p.RecordOnly:
		return nil
	case mark.Repository:
		return apprentice.Errorf(apprentice.Unmet, "run %s was imported, and worked on a repository that did not come along", run.RunID).
			WithHint("aa continue --record-only %s writes the follow-up down; aa run --repo PATH works it on a repository that is here", run.RunID)
	case run.Imported.Rubric && p.Rubric == "" && p.RubricPath == "":
		return noRubric(run)
	}
	s := spec.Settings
	own := rpc.RunSettings{"agent": s.Agent, "mentor_mode": s.MentorMode, "sensitive_info_masking": s.Masking, "max_improvement_loops": s.MaxLoops}
	var err error
	if spec.Settings, err = d.settled(own); err != nil {
		return err
	}
	return errors.Join(d.checkAgent(spec.Settings, spec.Path, false), d.checkMentor(spec.Settings, false), d.settleSandbox(ctx, &spec.Settings))
}

// noRubric refuses work on an imported task by another rubric than it had.
func noRubric(run apprentice.Run) error {
	return apprentice.Errorf(apprentice.Unmet, "run %s was imported, and the rubric file that it was graded by did not come along", run.RunID).
		WithField("rubric").WithHint("name it by --rubric FILE; its criteria are in packages/%s/rubric/rubric.json of the run folder", apprentice.TaskOf(run.RunID, 0))
}
