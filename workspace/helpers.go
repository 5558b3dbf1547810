package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aad/apprentice"
)

// HelpersHash is the hash of a snapshot's content, names and links.
func HelpersHash(ctx context.Context, dir string) (string, error) {
	list, _, err := snapshot(ctx, dir, func(string, fs.DirEntry) bool { return false })
	if err != nil {
		return "", fmt.Errorf("hash the rubric's helper files: %w", err)
	}
	return list.Hash(), nil
}

// CopyHelpers snapshots a rubric's helper files, which lie below from, into a
// folder, in the place of what a request that was refused has left there. A helper that
// is missing, leads out or is larger than most bytes with the others is refused
// (apprentice.Invalid), and nothing remains.
func CopyHelpers(ctx context.Context, from string, names []string, into string, most int64) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, removeTree(into))
		}
	}()
	if err := errors.Join(removeTree(into), os.MkdirAll(into, 0o700)); err != nil {
		return fmt.Errorf("snapshot the rubric's helper files: %w", err)
	}
	for _, name := range names {
		src := filepath.Join(from, filepath.FromSlash(name))
		real, err := filepath.EvalSymlinks(src)
		if err != nil {
			return badHelper(name, from, err)
		}
		size, err := Usage(ctx, real)
		if err != nil {
			return err
		}
		if most -= size.Bytes; most < 0 {
			return apprentice.Errorf(apprentice.Invalid, "the rubric's helper files are too large, with %s", name).WithField("rubric")
		}
		dst := filepath.Join(into, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(dst), 0o700); err != nil {
			return fmt.Errorf("snapshot the rubric's helper files: %w", err)
		}
		if _, err := CopyTree(ctx, real, dst); err != nil {
			return badHelper(name, from, err)
		}
	}
	return nil
}

func badHelper(name, from string, err error) error {
	reason := "cannot be read"
	if errors.Is(err, fs.ErrNotExist) {
		reason = "does not exist"
	}
	return apprentice.Errorf(apprentice.Invalid, "the rubric's helper file %s %s", name, reason).Because(err).WithField("rubric").
		WithHint("it is looked for beside the rubric, in %s", from)
}

// RemoveAssets takes the assets of a follow-up away that was refused after they
// had been copied.
func (f Folder) RemoveAssets(pass int) error {
	if pass == 0 {
		return nil
	}
	return removeTree(f.FollowupAssets(pass))
}
