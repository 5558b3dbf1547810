package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

const bundleName = "contribution_bundle"

// Foreign lists all files of a run folder that was made elsewhere, but for what
// Adopt leaves behind and the contribution bundle's. What could not be taken over is
// returned with the reason.
func Foreign(ctx context.Context, dir string) (Listing, []LeftOut, error) {
	return snapshot(ctx, dir, func(rel string, d fs.DirEntry) bool {
		return rel == bundleName || stays(dir, rel, d)
	})
}

// stays reports what is no part of a run's record: what a crash left half written, and
// worktrees of the user's repository, which lead to where that is.
func stays(dir, rel string, d fs.DirEntry) bool {
	if atomicfile.IsTemp(d.Name()) {
		return true
	}
	if !d.IsDir() || d.Name() != "repo" {
		return false
	}
	info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(rel), ".git"))
	return err == nil && info.Mode().IsRegular()
}

// Adoption is a copy of a run folder that has not taken its place yet.
type Adoption struct {
	Listing Listing // of what was copied, the bundle's files left out
	Folder  Folder  // where the copy lies
	to      string
}

// Adopt copies a run folder that was made elsewhere beside the place of its run, with
// its bundle or without, and has it on disk when it returns. Place puts it there,
// Discard removes it; after a crash EmptyTrash does.
func (h Home) Adopt(ctx context.Context, id apprentice.RunID, dir string, withBundle bool) (a Adoption, err error) {
	if err := apprentice.CheckRunID(string(id)); err != nil {
		return a, err
	}
	a.to = string(h.Run(id))
	a.Folder = Folder(atomicfile.TempName(a.to))
	skip := func(rel string, d fs.DirEntry) bool {
		return rel == bundleName && !withBundle || stays(dir, rel, d)
	}
	all, err := copyTree(ctx, dir, string(a.Folder), skip, func(rel, reason string) error {
		return apprentice.Errorf(apprentice.Conflict, "%s cannot be copied: %s", rel, reason)
	})
	a.Listing = slices.DeleteFunc(all, func(f File) bool { return strings.HasPrefix(f.Path, bundleName+"/") })
	if err == nil {
		err = os.Chmod(string(a.Folder), 0o700)
	}
	if err == nil {
		err = atomicfile.SyncTree(string(a.Folder))
	}
	if err != nil {
		return a, errors.Join(fmt.Errorf("copy run folder %s: %w", dir, err), a.Discard())
	}
	return a, nil
}

// Place makes the copy the run's folder, which must not be there.
func (a Adoption) Place() error {
	if exists(a.to) {
		return apprentice.Errorf(apprentice.Conflict, "%s is in the way", a.to)
	}
	return atomicfile.ReplaceTree(string(a.Folder), a.to)
}

// Discard removes a copy that was not placed.
func (a Adoption) Discard() error { return removeTree(string(a.Folder)) }
