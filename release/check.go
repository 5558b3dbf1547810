package release

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/bundle/sanitise"
)

// CheckOptions say how a release is checked.
type CheckOptions struct {
	Scanner  *sanitise.Scanner // of what must not be in public/; nil looks for secrets alone
	Progress *Progress
}

// Verdict is what a check came to. A release without blockers may be used.
type Verdict struct {
	Manifest DatasetManifest
	Blockers apprentice.List[string]
	Warnings apprentice.List[string]
	// Unlisted counts blockers beyond those that are listed.
	Unlisted int
}

// mostBlockers bounds the blockers that are listed.
const mostBlockers = 1000

func (v *Verdict) block(where, format string, args ...any) {
	if len(v.Blockers) == mostBlockers {
		v.Unlisted++
		return
	}
	v.Blockers = append(v.Blockers, where+": "+fmt.Sprintf(format, args...))
}

// checker is one release, or the public copy in one, being checked.
type checker struct {
	*Verdict
	o        CheckOptions
	dir      string
	at       string // what stands before the names of files: "public/" of that
	manifest DatasetManifest
	rows     map[string]int        // by file
	places   map[[16]byte]struct{} // what references may lead to, with its task
	left     []LeftOut             // that files are named in
	private  map[string]*private   // of the whole release, while public/ is checked
}

// Validate checks a release, made here or elsewhere: sums, manifest, that nothing is
// missing or beside them, that rows are what they should be and each is there once,
// that Parquet holds the same rows, that references resolve, and that nothing that
// must not leave is in public/. An error means that there is no release to check; what
// is wrong with one is in the verdict.
func Validate(ctx context.Context, dir string, o CheckOptions) (v Verdict, err error) {
	if o.Progress == nil {
		o.Progress = new(Progress)
	}
	if o.Scanner == nil {
		if o.Scanner, err = sanitise.New(sanitise.Options{}); err != nil {
			return v, err
		}
	}
	c := &checker{Verdict: &v, o: o, dir: dir, private: map[string]*private{}}
	if v.Manifest, err = c.open(); err != nil {
		return v, err
	}
	if v.Manifest.SchemaVersion == "" {
		return v, nil
	}
	if err := c.all(ctx); err != nil || v.Manifest.Public {
		return v, err
	}
	p := &checker{Verdict: &v, o: o, dir: filepath.Join(dir, PublicName), at: PublicName + "/", private: c.private}
	m, err := p.open()
	switch {
	case apprentice.KindOf(err) == apprentice.NotFound:
		v.block(PublicName, "there is no sanitised copy")
		return v, nil
	case err != nil || m.SchemaVersion == "":
		return v, err
	case !m.Public:
		v.block(p.at+ManifestName, "it does not say that it is public")
		return v, nil
	}
	return v, p.all(ctx)
}

// open reads the manifest. One that cannot be read is a blocker.
func (c *checker) open() (DatasetManifest, error) {
	doc, err := os.ReadFile(filepath.Join(c.dir, ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return DatasetManifest{}, apprentice.Errorf(apprentice.NotFound, "%s is no release: it has no %s", c.dir, ManifestName).WithField("path")
	}
	if err != nil {
		return DatasetManifest{}, apprentice.Errorf(apprentice.Denied, "the release %s cannot be read", c.dir).WithField("path").Because(err)
	}
	if c.manifest, err = ParseManifest(doc); err != nil {
		c.block(c.at+ManifestName, "%v", err)
		return DatasetManifest{}, nil
	}
	return c.manifest, nil
}

func (c *checker) all(ctx context.Context) error {
	c.rows, c.places = map[string]int{}, map[[16]byte]struct{}{}
	for _, l := range c.manifest.LeftOut {
		if l.Path != "" {
			c.left = append(c.left, l)
		}
	}
	c.root()
	if err := c.files(ctx); err != nil {
		return err
	}
	c.o.Progress.begin(strings.TrimSuffix("checking rows of "+c.at, " of "), c.manifest.Counts.Rows)
	for _, d := range datasets {
		if err := c.dataset(ctx, d); err != nil {
			return err
		}
	}
	c.o.Progress.begin(strings.TrimSuffix("following references of "+c.at, " of "), c.manifest.Counts.Rows)
	for _, d := range datasets {
		if err := c.references(ctx, d); err != nil {
			return err
		}
	}
	c.counts()
	return ctx.Err()
}

// root holds what lies at the root against the manifest and the sums.
func (c *checker) root() {
	sums := c.sums()
	named := map[string]bool{bundle.SumsName: true, PublicName: !c.manifest.Public, packagesName: true}
	for _, f := range c.manifest.Files {
		if f.Path != filepath.Base(f.Path) || named[f.Path] {
			c.block(c.at+ManifestName, "%q is no name of a file here, or stands twice", f.Path)
			continue
		}
		named[f.Path] = true
		if sums[f.Path] != f.SHA256 {
			c.block(c.at+f.Path, "%s and %s do not agree on it", ManifestName, bundle.SumsName)
		}
		c.sum(f)
	}
	for _, name := range []string{ManifestName, PublicName + "/" + bundle.SumsName} {
		if name == ManifestName || !c.manifest.Public {
			named[name] = true
			c.sum(DatasetFile{Path: name, Size: -1, SHA256: sums[name]})
		}
	}
	for name := range sums {
		if !named[name] {
			c.block(c.at+bundle.SumsName, "%q stands there and in no manifest", name)
		}
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.block(c.at, "cannot be listed: %v", err)
	}
	for _, e := range entries {
		folder := e.Name() == packagesName || e.Name() == PublicName
		if !named[e.Name()] || e.IsDir() != folder {
			c.block(c.at+e.Name(), "does not belong to the release")
		}
	}
	for _, name := range append(slices.Clone(mustHave), dataNames()...) {
		if !named[name] {
			c.block(c.at+name, "is missing")
		}
	}
	if data, err := os.ReadFile(filepath.Join(c.dir, qualityName)); err == nil {
		q, err := ParseQuality(data)
		if err != nil {
			c.block(c.at+qualityName, "%v", err)
		}
		c.Verdict.Warnings = append(c.Verdict.Warnings, c.warnings(q)...)
	}
}

// mustHave are the files of every release, beside its datasets.
var mustHave = []string{indexName, qualityName, cardName}

func dataNames() (names []string) {
	for _, d := range datasets {
		names = append(names, d.name+".jsonl", d.name+".parquet")
	}
	return names
}

// warnings are those of the release; its public copy has the same but for its own.
func (c *checker) warnings(q QualityReport) (list []string) {
	for _, w := range warnings(c.manifest, q) {
		if c.at == "" || !slices.Contains(c.Verdict.Warnings, w) && !strings.Contains(w, "is left out") {
			list = append(list, w)
		}
	}
	return list
}

func (c *checker) sums() map[string]string {
	sums := map[string]string{}
	data, err := os.ReadFile(filepath.Join(c.dir, bundle.SumsName))
	if err != nil {
		c.block(c.at+bundle.SumsName, "is missing")
		return sums
	}
	list, err := bundle.ParseSums(data)
	if err != nil {
		c.block(c.at+bundle.SumsName, "%v", err)
	}
	for _, s := range list {
		sums[s.Path] = s.SHA256
	}
	return sums
}

// sum checks that a file is what it should be; a size below 0 is not known.
func (c *checker) sum(f DatasetFile) bool {
	full := filepath.Join(c.dir, filepath.FromSlash(f.Path))
	info, err := os.Lstat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.block(c.at+f.Path, "is missing")
		return false
	case err != nil || !info.Mode().IsRegular():
		c.block(c.at+f.Path, "is no regular file")
		return false
	case f.Size >= 0 && info.Size() != f.Size:
		c.block(c.at+f.Path, "was altered: it has %d bytes and should have %d", info.Size(), f.Size)
		return false
	}
	if sum, _, err := bundle.SumOf(full); err != nil || sum != f.SHA256 {
		c.block(c.at+f.Path, "was altered: its sum is another")
		return false
	}
	return true
}

// key is a text as a set keeps it.
func key(parts ...string) [16]byte {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return [16]byte(sum[:16])
}
