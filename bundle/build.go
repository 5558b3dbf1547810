package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/bundle/sanitise"
	"aad/internal/atomicfile"
)

// builder is one bundle being made in a temporary folder.
type builder struct {
	src     Source
	o       Options
	scanner *sanitise.Scanner
	known   *sanitise.Scanner // of what was found anywhere; nil when nothing was
	both    *sanitise.Scanner // of all that must not leave; set once all was looked at
	book    *sanitise.Book
	dir     string
	passes  []Pass
	files   []*file
	report  sanitise.Report
	entries []FileEntry
	session Session
	counts  Counts
}

// file is an item on its way into the bundle.
type file struct {
	item
	name  string // in the bundle, masked
	size  int64
	sum   string // of the original
	found sanitise.File
	names []sanitise.Finding // in its path
	entry FileEntry
}

// Build makes the bundle of a run in contribution_bundle/ of its folder, whole or not
// at all: what was there stays until the new one takes its place. Two builds of the
// same run differ in the time of their making alone.
//
// It may be killed at any time and called again; it ends when ctx does.
func Build(ctx context.Context, src Source, o Options) (m Manifest, err error) {
	final := filepath.Join(src.Folder, "contribution_bundle")
	b := &builder{src: src, o: o, book: sanitise.NewBook(o.Labels), dir: filepath.Join(src.Folder, tempName)}
	if b.o.Limit == 0 {
		b.o.Limit = DefaultLimit
	}
	if b.o.Consent == "" {
		b.o.Consent = "not_given"
	}
	if b.scanner, err = scannerOf(o.Scanner); err != nil {
		return m, err
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return m, fmt.Errorf("remove a half made bundle: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }() // nothing is there once it is in place
	if m, err = b.build(ctx); err != nil {
		return m, fmt.Errorf("make the bundle of run %s: %w", src.Run.RunID, err)
	}
	if err := atomicfile.SyncTree(b.dir); err != nil {
		return m, err
	}
	return m, atomicfile.ReplaceTree(b.dir, final)
}

// scannerOf is a scanner, or one that looks for secrets alone.
func scannerOf(s *sanitise.Scanner) (*sanitise.Scanner, error) {
	if s != nil {
		return s, nil
	}
	return sanitise.New(sanitise.Options{})
}

// tempName is where a bundle is made, hidden from listings as all that is being
// written; a crash may leave it.
const tempName = ".aa-tmp-bundle"

func (b *builder) build(ctx context.Context) (m Manifest, err error) {
	if b.passes, err = PackagesOf(b.src); err != nil {
		return m, err
	}
	items, err := itemsOf(b.src, b.o, b.passes)
	if err != nil {
		return m, err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return m, err
	}
	if err := b.lookAt(ctx, items); err != nil {
		return m, err
	}
	if err := b.writeAll(ctx); err != nil {
		return m, err
	}
	if err := b.derive(); err != nil {
		return m, err
	}
	if err := b.describe(); err != nil {
		return m, err
	}
	if m, err = b.seal(); err != nil {
		return m, err
	}
	return m, b.verify(ctx)
}

// lookAt scans every item, and then again for what was found anywhere; then each
// value has its placeholder, in the order of files and of places in them.
func (b *builder) lookAt(ctx context.Context, items []item) error {
	for _, i := range items {
		b.files = append(b.files, &file{item: i})
	}
	if err := each(ctx, b.files, b.look); err != nil {
		return err
	}
	var all []sanitise.Finding
	for _, f := range b.files {
		all = append(append(all, f.names...), f.found.Findings...)
	}
	b.known = b.scanner.Knowing(all)
	b.both = b.scanner.With(b.known)
	if b.known != nil {
		if err := each(ctx, b.files, b.lookAgain); err != nil {
			return err
		}
	}
	for i := range b.passes {
		p := &b.passes[i]
		p.at = string(b.book.Mask([]byte(p.Path), b.both.Scan([]byte(p.Path))))
	}
	taken := map[string]bool{}
	for _, f := range b.files {
		f.name = string(b.book.Mask([]byte(f.path), f.names))
		for n := 2; taken[f.name]; n++ {
			f.name = fmt.Sprintf("%s-%d", b.book.Mask([]byte(f.path), f.names), n)
		}
		taken[f.name] = true
		for _, found := range f.found.Findings {
			b.book.Placeholder(found)
		}
	}
	return nil
}

// look scans one item; what is too large is only summed.
func (b *builder) look(f *file) error {
	f.names = b.scanner.Scan([]byte(f.path))
	if f.made == nil && f.from == "" {
		return nil
	}
	if f.made == nil {
		info, err := os.Stat(f.from)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.why = "it is not there"
			return nil
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return nil
		case f.why != "" || info.Size() > b.o.Limit:
			if f.why == "" {
				f.why = fmt.Sprintf("larger than %d MiB: referenced, not copied", b.o.Limit>>20)
			}
			f.sum, f.size, err = SumOf(f.from)
			return err
		}
	}
	data, err := f.read()
	if err != nil {
		return err
	}
	f.sum, f.size = sumOfBytes(data), int64(len(data))
	if f.size > b.o.Limit {
		f.why = fmt.Sprintf("larger than %d MiB", b.o.Limit>>20)
		return nil
	}
	f.found = b.scanner.ScanFile(data)
	return nil
}

// lookAgain looks for what was found elsewhere.
func (b *builder) lookAgain(f *file) error {
	f.names = sanitise.Merge(f.names, b.known.Scan([]byte(f.path)))
	if f.why != "" {
		return nil
	}
	data, err := f.read()
	if err != nil {
		return err
	}
	f.found.Findings = sanitise.Merge(f.found.Findings, b.known.ScanFile(data).Findings)
	return nil
}

func (f *file) read() ([]byte, error) {
	if f.made != nil {
		return f.made()
	}
	return os.ReadFile(f.from)
}

// writeAll puts the items into the bundle, and tells what was done to each.
func (b *builder) writeAll(ctx context.Context) error {
	if err := each(ctx, b.files, b.write); err != nil {
		return err
	}
	for _, f := range b.files {
		b.entries = append(b.entries, f.entry)
		b.report.Add(f.name, append(f.names, f.found.Findings...))
	}
	return nil
}

// write puts one item into the bundle, or says why not. It fails closed.
func (b *builder) write(f *file) error {
	f.entry = FileEntry{Path: f.name, Size: f.size, SHA256: f.sum, Action: Omitted, Why: f.why}
	if f.why != "" {
		return nil
	}
	if why := WhyNot(f.found, b.o.Consent); why != "" {
		f.entry.Why = why
		if len(f.found.Findings) > 0 { // its sum would let others try values
			f.entry.Size, f.entry.SHA256 = 0, ""
		}
		return nil
	}
	data, err := f.read()
	if err != nil {
		return err
	}
	if sumOfBytes(data) != f.sum {
		return apprentice.Errorf(apprentice.Conflict, "%q changed while it was packed; the bundle that was there stays", f.path).
			WithHint("make it again when nothing writes into the run folder")
	}
	action := Copied
	if len(f.found.Findings)+len(f.names) > 0 {
		action = Sanitised
	}
	masked, why := Mask(b.book, f.path, data, f.found.Findings)
	if why != "" {
		f.entry = FileEntry{Path: f.name, Action: Omitted, Why: why}
		return nil
	}
	f.entry, err = b.add(f.name, masked, action)
	return err
}

// WhyNot says why a file in which this was found must not leave, "" where it may
// once it is masked.
func WhyNot(found sanitise.File, consent string) string {
	switch {
	case !found.Text && len(found.Findings) > 0:
		return "something in it must not leave, and cannot be masked there"
	case found.Unreadable != "" && consent != "all":
		return found.Unreadable + "; consent \"all\" would include it"
	}
	return ""
}

// Mask masks what was found in a text, or says why it must be left out.
func Mask(book *sanitise.Book, name string, data []byte, found []sanitise.Finding) (masked []byte, why string) {
	masked = book.Mask(data, found)
	if len(found) > 0 && !stillJSON(name, data, masked) {
		return nil, "masked it would be no JSON"
	}
	return masked, ""
}

// add writes a file of the bundle.
func (b *builder) add(name string, data []byte, action string) (FileEntry, error) {
	to := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return FileEntry{}, err
	}
	if err := os.WriteFile(to, data, 0o600); err != nil {
		return FileEntry{}, err
	}
	return FileEntry{Path: name, Size: int64(len(data)), SHA256: sumOfBytes(data), Action: action}, nil
}

// stillJSON reports that masking left JSON what it was.
func stillJSON(name string, before, after []byte) bool {
	switch filepath.Ext(name) {
	case ".json", ".ipynb":
		return !json.Valid(before) || json.Valid(after)
	case ".jsonl":
		return validLines(before) == validLines(after)
	}
	return true
}

func validLines(data []byte) (n int) {
	for line := range strings.Lines(string(data)) {
		if json.Valid([]byte(line)) {
			n++
		}
	}
	return n
}

// verify scans the whole bundle again: a hit makes it invalid.
func (b *builder) verify(ctx context.Context) error {
	var paths []string
	for _, e := range b.entries {
		if e.Action != Omitted {
			paths = append(paths, e.Path)
		}
	}
	paths = append(paths, ManifestName)
	return each(ctx, paths, func(name string) error {
		data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		found := append(b.both.ScanFile(data).Findings, b.both.Scan([]byte(name))...)
		if len(found) > 0 {
			return apprentice.Errorf(apprentice.Internal, "the sanitised bundle still holds something that must not leave: rule %s in %s", found[0].Rule, name)
		}
		return nil
	})
}
