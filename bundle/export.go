package bundle

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// Formats lists what a bundle can be exported as.
func Formats() []string {
	return []string{"dir", "tar.zst", "zip", "sft", "dpo", "reward", "process", "atif"}
}

// Exported is what an export has written.
type Exported struct {
	Path string // a file; of dir and atif a folder
	Rows int    // of the training formats, trajectories of atif, files of the others
}

// Export writes a bundle to a path that must not be there yet. It checks nothing;
// Check does.
func Export(ctx context.Context, dir, format, to string) (Exported, error) {
	if !slices.Contains(Formats(), format) {
		return Exported{}, apprentice.Errorf(apprentice.Invalid, "format %q is unknown", format).WithField("format").WithHint("%s", strings.Join(Formats(), ", "))
	}
	if _, err := os.Lstat(to); err == nil {
		return Exported{}, apprentice.Errorf(apprentice.Conflict, "%s is there already", to).WithField("to").WithHint("name a path that is new")
	}
	b, err := open(dir)
	if err != nil {
		return Exported{}, err
	}
	temp := atomicfile.TempName(to)
	defer os.RemoveAll(temp) // nothing is there once it is in place
	rows := 0
	switch format {
	case "dir":
		rows, err = b.copyTo(ctx, temp)
	case "tar.zst":
		err = write(temp, func(w io.Writer) error { rows, err = b.pack(ctx, w); return err })
	case "zip":
		rows, err = b.zipTo(ctx, temp)
	case "atif":
		rows, err = b.trajectoriesTo(temp)
	default:
		rows, err = b.trainingTo(format, temp)
	}
	if err == nil {
		err = os.Rename(temp, to)
	}
	if err != nil {
		return Exported{}, fmt.Errorf("export bundle %s as %s: %w", dir, format, err)
	}
	return Exported{Path: to, Rows: rows}, nil
}

// opened is a bundle that is read.
type opened struct {
	dir      string
	manifest Manifest
}

// open reads the manifest of a bundle.
func open(dir string) (opened, error) {
	doc, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if err != nil {
		return opened{}, apprentice.Errorf(apprentice.NotFound, "%s is no contribution bundle: it has no %s", dir, ManifestName).WithField("path").Because(err)
	}
	m, err := ParseManifest(doc)
	if err != nil {
		return opened{}, apprentice.Errorf(apprentice.Invalid, "%v", err).WithField("path")
	}
	return opened{dir, m}, nil
}

// names lists the files of the bundle that its manifest and sums know.
func (b opened) names() []string {
	names := []string{ManifestName, SumsName}
	if _, err := os.Stat(filepath.Join(b.dir, SignatureName)); err == nil {
		names = append(names, SignatureName)
	}
	for _, e := range b.manifest.Files {
		if e.Action != Omitted && filepath.IsLocal(filepath.FromSlash(e.Path)) {
			names = append(names, e.Path)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	return names
}

// each gives every file of the bundle, in order.
func (b opened) each(ctx context.Context, body func(name string, size int64, r io.Reader) error) (int, error) {
	names := b.names()
	for _, name := range names {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		f, err := os.Open(filepath.Join(b.dir, filepath.FromSlash(name)))
		if err != nil {
			return 0, err
		}
		info, err := f.Stat()
		if err == nil {
			err = body(name, info.Size(), f)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return 0, err
		}
	}
	return len(names), nil
}

func (b opened) copyTo(ctx context.Context, to string) (int, error) {
	return b.each(ctx, func(name string, _ int64, r io.Reader) error {
		path := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return write(path, func(w io.Writer) error { _, err := io.Copy(w, r); return err })
	})
}

// made is the time that archives give their files: that of the bundle, so that the
// same bundle makes the same archive.
func (b opened) made() time.Time {
	t, err := apprentice.ParseStamp(b.manifest.CreatedAt)
	if err != nil {
		return time.Unix(0, 0).UTC()
	}
	return t.UTC().Truncate(time.Second)
}

func (b opened) zipTo(ctx context.Context, to string) (n int, err error) {
	err = write(to, func(w io.Writer) error {
		z := zip.NewWriter(w)
		var err error
		n, err = b.each(ctx, func(name string, _ int64, r io.Reader) error {
			f, err := z.CreateHeader(&zip.FileHeader{Name: b.manifest.BundleID + "/" + name, Method: zip.Deflate, Modified: b.made()})
			if err == nil {
				_, err = io.Copy(f, r)
			}
			return err
		})
		return errors.Join(err, z.Close())
	})
	return n, err
}

// write makes a file of what body writes.
func write(path string, body func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(body(f), f.Close())
}
