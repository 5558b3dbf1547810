package bundle

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"aad/apprentice"
)

// Pack writes a bundle as one archive, tar in Zstandard, as Export does. The same
// bundle makes the same archive. What says most of it comes first: see rank.
func Pack(ctx context.Context, dir string, w io.Writer) error {
	b, err := open(dir)
	if err == nil {
		_, err = b.pack(ctx, w)
	}
	if err != nil {
		return fmt.Errorf("pack bundle %s: %w", dir, err)
	}
	return nil
}

func (b opened) pack(ctx context.Context, w io.Writer) (int, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	t := tar.NewWriter(z)
	n, err := b.each(ctx, func(name string, size int64, r io.Reader) error {
		err := t.WriteHeader(&tar.Header{Name: b.manifest.BundleID + "/" + name, Size: size, Mode: 0o644, ModTime: b.made(), Format: tar.FormatPAX})
		if err == nil {
			_, err = io.Copy(t, r)
		}
		return err
	})
	return n, errors.Join(err, t.Close(), z.Close())
}

// rank orders the files of an archive: the manifest, then what else tells what a
// bundle is about, so that a reader need not go on, then the rest.
func rank(name string) int {
	switch {
	case name == ManifestName:
		return 0
	case name == metadataName, name == reportName, path.Base(name) == lessonsName:
		return 1
	}
	return 2
}

const lessonsName = "lesson_pack.json"

// Bounds of an archive that somebody made.
const (
	maxManifest  = 64 << 20
	maxSums      = 64 << 20
	maxSignature = 64 << 10
	maxWindow    = 64 << 20 // memory that an archive may ask for
	// MaxFiles and MaxUnpacked bound what a bundle may hold to be unpacked.
	MaxFiles    = 200_000
	MaxUnpacked = 8 << 30
)

// Unpack writes the bundle of an archive that somebody made into a new folder. It
// trusts nothing: only the files that the manifest names, each of the size that it
// tells, are taken, and no link. headOnly stops after the files that tell what the
// bundle is about. room is how many bytes there may be.
//
// What it leaves when it fails is the caller's to remove; what it leaves otherwise is
// to be checked.
func Unpack(ctx context.Context, r io.Reader, dir string, headOnly bool, room int64) (Manifest, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return Manifest{}, err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Manifest{}, err
	}
	defer root.Close()
	u := unpacking{tar: tar.NewReader(z), root: root, room: min(room, MaxUnpacked)}
	if err := u.manifestFirst(); err != nil {
		return u.manifest, err
	}
	for {
		if ctx.Err() != nil {
			return u.manifest, context.Cause(ctx)
		}
		name, size, err := u.next()
		if err == io.EOF || err == nil && headOnly && rank(name) > 1 {
			return u.manifest, nil
		}
		if err == nil {
			err = u.file(name, size)
		}
		if err != nil {
			return u.manifest, err
		}
	}
}

// unpacking is an archive being unpacked.
type unpacking struct {
	tar      *tar.Reader
	root     *os.Root
	manifest Manifest
	within   string           // the folder that all names begin with
	most     map[string]int64 // files that may still come, with their sizes
	room     int64
}

func wrong(format string, args ...any) error {
	return apprentice.Errorf(apprentice.Invalid, "the archive is no bundle: "+format, args...)
}

// manifestFirst reads the manifest, which says what else may come.
func (u *unpacking) manifestFirst() error {
	h, err := u.tar.Next()
	if err != nil {
		return damaged(err)
	}
	id, rest, _ := strings.Cut(h.Name, "/")
	if rest != ManifestName || h.Typeflag != tar.TypeReg || h.Size > maxManifest {
		return wrong("it does not begin with %s", ManifestName)
	}
	doc, err := io.ReadAll(io.LimitReader(u.tar, maxManifest))
	if err != nil {
		return damaged(err)
	}
	if u.manifest, err = ParseManifest(doc); err != nil {
		return wrong("%v", err)
	}
	if err := CheckID(id); err != nil || u.manifest.BundleID != id {
		return wrong("it lies in %q and calls itself %q", id, u.manifest.BundleID)
	}
	if len(u.manifest.Files) > MaxFiles {
		return wrong("it names more than %d files", MaxFiles)
	}
	u.within = id + "/"
	u.most = map[string]int64{SumsName: -maxSums, SignatureName: -maxSignature}
	total := int64(len(doc))
	for _, e := range u.manifest.Files {
		if e.Action == Omitted {
			continue
		}
		if !usable(e.Path) || e.Size < 0 {
			return wrong("%s names %q", ManifestName, e.Path)
		}
		if total += e.Size; total > u.room || total < 0 {
			return apprentice.Errorf(apprentice.Unmet, "bundle %s is too large: there is room for %d bytes", id, u.room)
		}
		u.most[e.Path] = e.Size
	}
	return u.root.WriteFile(ManifestName, doc, 0o600)
}

// CheckID refuses an id that no bundle of aad has.
func CheckID(id string) error {
	run, ok := strings.CutPrefix(id, "bundle_")
	if !ok || apprentice.CheckRunID(run) != nil {
		return apprentice.Errorf(apprentice.Invalid, "%q is no id of a bundle", id).WithField("bundle_id").
			WithHint("bundle_ and the id of a run")
	}
	return nil
}

// usable reports a name that leads to a file within a folder on every system.
func usable(name string) bool {
	return len(name) <= 1024 && utf8.ValidString(name) && path.Clean(name) == name && filepath.IsLocal(filepath.FromSlash(name)) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '\\' || unicode.IsControl(r) })
}

func damaged(err error) error {
	var told *apprentice.Error
	if err == nil || errors.As(err, &told) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("read the archive: %w", err)
}

// next finds the next file, which the manifest must have told of.
func (u *unpacking) next() (name string, size int64, err error) {
	h, err := u.tar.Next()
	if err == io.EOF {
		return "", 0, err
	}
	if err != nil {
		return "", 0, damaged(err)
	}
	name, ok := strings.CutPrefix(h.Name, u.within)
	most, told := u.most[name]
	delete(u.most, name)
	switch {
	case !ok || !told:
		return "", 0, wrong("it holds %q, which its manifest does not name once", h.Name)
	case h.Typeflag != tar.TypeReg:
		return "", 0, wrong("%q is no file", h.Name)
	case most >= 0 && h.Size != most, most < 0 && h.Size > -most:
		return "", 0, wrong("%q has %d bytes, which is not what its manifest says", h.Name, h.Size)
	}
	return name, h.Size, nil
}

func (u *unpacking) file(name string, size int64) error {
	to := filepath.FromSlash(name)
	if err := u.root.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := u.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, u.tar, size)
	return errors.Join(damaged(err), f.Close())
}

// Gist is what a bundle is about, beside its manifest.
type Gist struct {
	Instructions []string // of the task and its follow-ups
	Lessons      []string
}

// GistOf reads what a bundle, or the head of one that Unpack has left, is about.
// What is not there it leaves out.
func GistOf(dir string, m Manifest) (g Gist) {
	var meta Metadata
	if readJSON(filepath.Join(dir, metadataName), &meta) == nil {
		g.Instructions = append([]string{meta.Instruction}, meta.Followups...)
	}
	for _, p := range m.Packages {
		var pack apprentice.LessonPack
		name := filepath.FromSlash(path.Join(p.Path, "learning_data", lessonsName))
		if !filepath.IsLocal(name) || readJSON(filepath.Join(dir, name), &pack) != nil {
			continue
		}
		for _, list := range [][]string{{pack.LessonSummary}, pack.StrategyLessons, pack.CommonFailureModes, pack.RubricReminders, pack.ArtifactRequirements} {
			for _, text := range list {
				if text != "" {
					g.Lessons = append(g.Lessons, text)
				}
			}
		}
	}
	return g
}

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// Same reports two manifests that tell of the same bundle, made at whatever time by
// whatever version: their files but the manifest itself are the same.
func Same(a, b Manifest) bool {
	a.CreatedAt, b.CreatedAt, a.ToolVersion, b.ToolVersion = "", "", "", ""
	x, err := json.Marshal(a)
	y, wrong := json.Marshal(b)
	return err == nil && wrong == nil && string(x) == string(y)
}
