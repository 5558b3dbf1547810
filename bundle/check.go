package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"aad/apprentice"
	"aad/bundle/sanitise"
)

// CheckOptions say how much is checked.
type CheckOptions struct {
	HashesOnly bool
	Scanner    *sanitise.Scanner // of what must not be in it; nil looks for secrets alone
}

// Verdict is what a check came to. A bundle without problems is whole.
type Verdict struct {
	Manifest Manifest
	Files    int
	Bytes    int64
	// SignedBy is the fingerprint of the key that signed the bundle, "" where nobody
	// did.
	SignedBy string
	Problems apprentice.List[string]
}

// checker is one bundle being checked.
type checker struct {
	dir      string
	o        CheckOptions
	manifest Manifest
	entries  map[string]FileEntry
	paths    map[string]bool // of files and folders in the bundle
	left     map[string]bool // of omitted files

	mu       sync.Mutex
	problems []string
	bytes    int64
}

// Check verifies a bundle: sums, manifest, that nothing is missing or beside them,
// schemas, counts, references, the order of events, and that no secret is in it. It
// reads folders that others have made and trusts nothing in them. An error means that
// there is no bundle to check; what is wrong with one is in the verdict.
func Check(ctx context.Context, dir string, o CheckOptions) (Verdict, error) {
	c := &checker{dir: dir, o: o, entries: map[string]FileEntry{}, paths: map[string]bool{}, left: map[string]bool{}}
	doc, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) {
		return Verdict{}, apprentice.Errorf(apprentice.NotFound, "%s is no contribution bundle: it has no %s", dir, ManifestName).WithField("path")
	}
	if err != nil {
		return Verdict{}, apprentice.Errorf(apprentice.Denied, "the bundle %s cannot be read", dir).Because(err)
	}
	if c.manifest, err = ParseManifest(doc); err != nil {
		return Verdict{Problems: []string{err.Error()}}, nil
	}
	v := Verdict{Manifest: c.manifest}
	names, err := c.list()
	if err != nil {
		return v, err
	}
	sums := c.sums()
	c.manifestAgainst(sums)
	if v.SignedBy, err = c.signature(); err != nil {
		c.problem(SignatureName, "%v", err)
	}
	scanner, err := scannerOf(c.o.Scanner)
	if err != nil {
		return v, err
	}
	err = each(ctx, names, func(name string) error { c.file(name, sums, scanner); return ctx.Err() })
	if err != nil {
		return v, err
	}
	if !o.HashesOnly {
		c.counts()
	}
	slices.Sort(c.problems)
	v.Files, v.Bytes, v.Problems = len(names), c.bytes, c.problems
	return v, nil
}

func (c *checker) problem(name, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, name+": "+fmt.Sprintf(format, args...))
}

// list walks the bundle. What is neither a file nor a folder is a problem.
func (c *checker) list() (names []string, err error) {
	err = filepath.WalkDir(c.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == c.dir {
			return err
		}
		rel, err := filepath.Rel(c.dir, file)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir():
			c.paths[name] = true
		case !d.Type().IsRegular():
			c.problem(name, "is no regular file")
		default:
			c.paths[name] = true
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list bundle %s: %w", c.dir, err)
	}
	return names, nil
}

func (c *checker) sums() map[string]string {
	data, err := os.ReadFile(filepath.Join(c.dir, SumsName))
	if err != nil {
		c.problem(SumsName, "is missing")
		return nil
	}
	list, err := ParseSums(data)
	if err != nil {
		c.problem(SumsName, "%v", err)
	}
	sums := map[string]string{}
	for _, s := range list {
		if !filepath.IsLocal(filepath.FromSlash(s.Path)) {
			c.problem(SumsName, "%q leads out of the bundle", s.Path)
			continue
		}
		if sums[s.Path] = s.SHA256; !c.paths[s.Path] {
			c.problem(s.Path, "is missing")
		}
	}
	return sums
}

// manifestAgainst holds the manifest against what lies there and against the sums.
func (c *checker) manifestAgainst(sums map[string]string) {
	named := map[string]bool{ManifestName: true}
	for _, e := range c.manifest.Files {
		if !filepath.IsLocal(filepath.FromSlash(e.Path)) || named[e.Path] {
			c.problem(ManifestName, "%q leads out of the bundle, or is named twice", e.Path)
			continue
		}
		named[e.Path], c.entries[e.Path] = true, e
		switch {
		case e.Action == Omitted:
			c.left[e.Path] = true
			if c.paths[e.Path] {
				c.problem(e.Path, "is there, though the manifest says that it was omitted")
			}
			if e.Why == "" {
				c.problem(ManifestName, "%s was omitted without a reason", e.Path)
			}
		case e.Action != Copied && e.Action != Sanitised:
			c.problem(ManifestName, "%s: action %q is unknown", e.Path, e.Action)
		case sums[e.Path] != e.SHA256:
			c.problem(e.Path, "%s and %s do not agree on it", ManifestName, SumsName)
		}
	}
	for path := range sums {
		if !named[path] {
			c.problem(path, "stands in %s and not in the manifest", SumsName)
		}
	}
}

func (c *checker) signature() (string, error) {
	signature, err := os.ReadFile(filepath.Join(c.dir, SignatureName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(c.dir, SumsName))
	if err != nil {
		return "", fmt.Errorf("what it signs is missing")
	}
	return verifySignature(signature, text)
}

// maxChecked bounds a file that is looked into; larger ones have their sum checked.
const maxChecked = 256 << 20

// file checks one file: its sum and, unless hashes alone are wanted, what is in it.
func (c *checker) file(name string, sums map[string]string, scanner *sanitise.Scanner) {
	full := filepath.Join(c.dir, filepath.FromSlash(name))
	info, err := os.Stat(full)
	if err != nil {
		c.problem(name, "cannot be read")
		return
	}
	c.mu.Lock()
	c.bytes += info.Size()
	c.mu.Unlock()
	own := name == SumsName || name == SignatureName
	if c.o.HashesOnly || info.Size() > maxChecked {
		if sum, _, err := SumOf(full); !own && (err != nil || sum != sums[name]) {
			c.wrongSum(name, sums)
		}
		return
	}
	data, err := os.ReadFile(full)
	if err != nil {
		c.problem(name, "cannot be read")
		return
	}
	if !own && sumOfBytes(data) != sums[name] {
		c.wrongSum(name, sums)
	}
	if e, ok := c.entries[name]; ok && e.Size != int64(len(data)) {
		c.problem(name, "has %d bytes; the manifest says %d", len(data), e.Size)
	}
	if own {
		return
	}
	found := scanner.ScanFile(data)
	if found.Unreadable != "" && c.manifest.Consent != "all" {
		c.problem(name, "%s, and consent for such files was not given", found.Unreadable)
	}
	for _, f := range append(found.Findings, scanner.Scan([]byte(name))...) {
		c.problem(name, "holds what must not leave: rule %s at byte %d", f.Rule, f.Start)
	}
	c.schema(name, data)
	c.references(name, data)
}

func (c *checker) wrongSum(name string, sums map[string]string) {
	if sums[name] == "" {
		c.problem(name, "is in no manifest")
		return
	}
	c.problem(name, "was altered: its sum is another")
}

// base is the package that a file of the bundle belongs to, and its name there.
func (c *checker) base(name string) (at, rel string) {
	for _, p := range c.manifest.Packages {
		if p.Path != "" && strings.HasPrefix(name, p.Path+"/") {
			return p.Path, strings.TrimPrefix(name, p.Path+"/")
		}
	}
	return "", name
}

// counts holds the manifest's counts against the rows that are there, and the events
// against their order.
func (c *checker) counts() {
	b := &builder{dir: c.dir, entries: c.manifest.Files}
	for _, p := range c.manifest.Packages {
		if !filepath.IsLocal(filepath.FromSlash(p.Path + "x")) {
			c.problem(ManifestName, "package %q leads out of the bundle", p.Path)
			return
		}
		b.passes = append(b.passes, Pass{Package: p, at: p.Path, Kinds: c.kinds(p)})
		index, err := b.written(filepath.ToSlash(filepath.Join(p.Path, "outputs/artifacts_index.json")))
		if err != nil || index == nil {
			c.problem(ManifestName, "package %s has no artifacts_index.json", p.TaskID)
			return
		}
		b.counts.Artifacts += bytes.Count(index, []byte(`"package_relative_path"`))
	}
	if err := b.count(); err != nil {
		c.problem(ManifestName, "%v", err)
		return
	}
	if b.counts != c.manifest.Counts {
		c.problem(ManifestName, "counts are %+v; there are %+v", c.manifest.Counts, b.counts)
	}
	c.events()
}

// kinds are the attempts of a package, from whatever is there or was left out of each.
func (c *checker) kinds(p Package) []string {
	seen := map[string]bool{}
	var kinds []string
	for _, e := range c.manifest.Files {
		at, rel := c.base(e.Path)
		parts := strings.SplitN(rel, "/", 3)
		if at == p.Path && len(parts) == 3 && parts[0] == "attempts" && !seen[parts[1]] {
			seen[parts[1]] = true
			kinds = append(kinds, parts[1])
		}
	}
	return kinds
}
