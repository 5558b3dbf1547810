package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"aad/apprentice"
	"aad/bundle"
)

// Parcel is a bundle packed to be sent. Close it.
type Parcel struct {
	Manifest bundle.Manifest
	Bytes    int64 // of the archive
	archive  *os.File
}

// Pack writes the archive of the bundle in dir to a temporary file. It checks nothing:
// the caller has.
func (e *Ecosystem) Pack(ctx context.Context, dir string) (p Parcel, err error) {
	if _, p.Manifest, err = bundle.Inspect(dir); err != nil {
		return p, err
	}
	if err := bundle.CheckID(p.Manifest.BundleID); err != nil {
		return p, err
	}
	if p.archive, err = os.CreateTemp(e.dir, ".aa-tmp-*"+extension); err != nil {
		return p, fmt.Errorf("pack a bundle: %w", err)
	}
	if err = bundle.Pack(ctx, dir, p.archive); err == nil {
		p.Bytes, err = p.archive.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return p, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close removes the archive.
func (p Parcel) Close() error { return errors.Join(p.archive.Close(), os.Remove(p.archive.Name())) }

// Send adds a bundle to the place, and reports whether it lay there already. A bundle
// of that id with other content is a conflict, and is left as it is. It may be killed
// at any time and called again.
func (e *Ecosystem) Send(ctx context.Context, p Parcel, moved func(int64)) (already bool, err error) {
	if _, err := p.archive.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	ctx, cancel := e.within(ctx, p.Bytes)
	defer cancel()
	err = told(ctx, e.store.put(ctx, p.Manifest.BundleID, p.archive, moved))
	if errors.Is(err, fs.ErrExist) {
		return true, e.compare(ctx, p.Manifest)
	}
	return false, err
}

// compare answers for a bundle whose id is taken.
func (e *Ecosystem) compare(ctx context.Context, m bundle.Manifest) error {
	err := e.head(ctx, m.BundleID, func(_ string, there bundle.Manifest) error {
		if bundle.Same(m, there) {
			return nil
		}
		return apprentice.Errorf(apprentice.Conflict, "another bundle %s is shared there: shared bundles are never altered", m.BundleID).
			WithField("run_id").WithHint("what it holds: aa ecosystem inspect %s", m.BundleID)
	})
	if apprentice.KindOf(err) == apprentice.Invalid {
		return apprentice.Errorf(apprentice.Conflict, "something that is no bundle lies there as %s", filepath.Base(nameOf(m.BundleID))).Because(err)
	}
	return err
}
