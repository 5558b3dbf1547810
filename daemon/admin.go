package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aad/apprentice"
	"aad/rpc"
	"aad/storage"
	"aad/workspace"
)

// daemonBackup copies the database, then the folders. What the folders have gained
// in between belongs to stages the copied database has not heard of, and is made
// anew after a restore.
func (d *Daemon) daemonBackup(ctx context.Context, _ *rpc.Peer, p rpc.BackupParams) (rpc.BackupResult, error) {
	if !filepath.IsAbs(p.Dir) {
		return rpc.BackupResult{}, apprentice.Errorf(apprentice.Invalid, "dir %q is not absolute", p.Dir).WithField("dir")
	}
	if d.inHome(p.Dir) {
		return rpc.BackupResult{}, apprentice.Errorf(apprentice.Invalid, "%s lies in the home of aad, which is what is copied", p.Dir).WithField("dir").
			WithHint("name a folder outside of %s", d.home)
	}
	entries, err := os.ReadDir(p.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(p.Dir, 0o700); err != nil {
			return rpc.BackupResult{}, apprentice.Errorf(apprentice.Invalid, "folder %s cannot be made", p.Dir).Because(err).WithField("dir")
		}
	case err != nil:
		return rpc.BackupResult{}, apprentice.Errorf(apprentice.Invalid, "%s is no folder that can be read", p.Dir).Because(err).WithField("dir")
	case len(entries) > 0:
		return rpc.BackupResult{}, apprentice.Errorf(apprentice.Conflict, "folder %s is not empty", p.Dir).WithField("dir").
			WithHint("name a folder that is new or empty")
	}
	stats, err := d.store.Stats()
	if err != nil {
		return rpc.BackupResult{}, err
	}
	to := workspace.Home(p.Dir)
	if err := d.store.BackupTo(to.DB()); err != nil {
		return rpc.BackupResult{}, err
	}
	if err := d.home.CopyTo(ctx, to); err != nil {
		return rpc.BackupResult{}, err
	}
	size, err := workspace.Usage(ctx, p.Dir)
	return rpc.BackupResult{Dir: p.Dir, Bytes: size.Bytes, Runs: stats.Runs}, err
}

func (d *Daemon) daemonCheck(context.Context, *rpc.Peer, rpc.Empty) (rpc.CheckResult, error) {
	report, err := d.store.Check()
	return rpc.CheckResult{Problems: report.Problems, Runs: report.Runs, Events: report.Events}, err
}

// daemonGC deletes runs that ended long ago, and folders that belong to no run.
func (d *Daemon) daemonGC(ctx context.Context, _ *rpc.Peer, p rpc.GCParams) (rpc.GCResult, error) {
	days := cmp.Or(p.OlderThanDays, d.settings.inForce().RetentionDays)
	if err := notNegative("older_than_days", days); err != nil {
		return rpc.GCResult{}, err
	}
	out := rpc.GCResult{Runs: []apprentice.RunID{}, Folders: []string{}}
	if days > 0 {
		if err := d.collectOld(ctx, time.Now().AddDate(0, 0, -days), p.DryRun, &out); err != nil {
			return out, err
		}
	}
	if err := errors.Join(d.collectWorktrees(p.DryRun, &out), d.collectOrphans(ctx, p.DryRun, &out)); err != nil {
		return out, err
	}
	if p.DryRun {
		return out, nil
	}
	d.importLock.Lock() // what an import is copying looks like what a crash has left
	defer d.importLock.Unlock()
	return out, d.home.EmptyTrash(ctx)
}

func (d *Daemon) collectOld(ctx context.Context, before time.Time, dry bool, out *rpc.GCResult) error {
	filter := storage.Filter{EndedBefore: apprentice.Stamp(before),
		States: []apprentice.QueueState{apprentice.Completed, apprentice.Partial, apprentice.Failed, apprentice.Cancelled}}
	for cursor := ""; ; {
		runs, next, err := d.store.Runs(filter, cursor, maxListed)
		if err != nil {
			return err
		}
		for _, r := range runs {
			size, err := d.home.RunUsage(ctx, r.RunID)
			if err != nil {
				return err
			}
			out.Runs, out.Bytes = append(out.Runs, r.RunID), out.Bytes+size.Bytes
			if dry {
				continue
			}
			if err := d.delete(ctx, r.RunID, false); err != nil && apprentice.KindOf(err) != apprentice.NotFound {
				return fmt.Errorf("delete run %s: %w", r.RunID, err)
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

// collectOrphans removes run folders that no run claims, and reports runs whose
// folder was removed by hand.
func (d *Daemon) collectOrphans(ctx context.Context, dry bool, out *rpc.GCResult) error {
	ids, err := d.home.RunFolders()
	if err != nil {
		return err
	}
	reserved, err := d.store.Reserved()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := d.store.Run(id); apprentice.KindOf(err) != apprentice.NotFound || slices.Contains(reserved, id) {
			continue
		}
		size, err := d.home.RunUsage(ctx, id)
		if err != nil {
			return err
		}
		out.Folders, out.Bytes = append(out.Folders, string(d.home.Run(id))), out.Bytes+size.Bytes
		if dry {
			continue
		}
		if err := d.removeFiles(id); err != nil {
			return err
		}
	}
	return d.missingFolders(out)
}

func (d *Daemon) missingFolders(out *rpc.GCResult) error {
	for cursor := ""; ; {
		runs, next, err := d.store.Runs(storage.Filter{}, cursor, maxListed)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.EventCount > 1 && !d.home.Run(r.RunID).Exists() {
				out.Missing = append(out.Missing, r.RunID)
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}

const usageListed = 100

func (d *Daemon) daemonUsage(ctx context.Context, _ *rpc.Peer, _ rpc.Empty) (rpc.UsageResult, error) {
	stats, err := d.store.Stats()
	if err != nil {
		return rpc.UsageResult{}, err
	}
	out := rpc.UsageResult{Database: stats.Bytes, Free: stats.FreeBytes, Runs: []rpc.RunUsage{}}
	ids, err := d.home.RunFolders()
	if err != nil {
		return out, err
	}
	for _, id := range ids {
		size, err := d.home.RunUsage(ctx, id)
		if err != nil {
			return out, err
		}
		out.RunTotal += size.Bytes
		out.Runs = append(out.Runs, rpc.RunUsage{RunID: id, Bytes: size.Bytes})
	}
	slices.SortFunc(out.Runs, func(a, b rpc.RunUsage) int { return cmp.Compare(b.Bytes, a.Bytes) })
	out.Runs = out.Runs[:min(len(out.Runs), usageListed)]
	size, err := workspace.Usage(ctx, d.home.Log())
	if err != nil {
		return out, err
	}
	out.Log = size.Bytes
	size, err = workspace.Usage(ctx, string(d.home))
	known := out.RunTotal + out.Database + out.Log
	out.Total = max(size.Bytes, known)
	out.Other = out.Total - known
	return out, err
}
