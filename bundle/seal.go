package bundle

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// seal writes the manifest, the sums of everything, and the signature of the sums.
func (b *builder) seal() (Manifest, error) {
	slices.SortFunc(b.entries, func(x, y FileEntry) int { return strings.Compare(x.Path, y.Path) })
	m := Manifest{SchemaVersion: Version, BundleID: "bundle_" + string(b.src.Run.RunID), Session: b.session, Packages: b.packages(), Counts: b.counts,
		CreatedAt: apprentice.Stamp(b.src.Created), ToolVersion: b.src.Version, Masking: b.masking(), Debug: b.o.Debug,
		License: b.o.License, Consent: b.o.Consent, Files: b.entries}
	doc, err := atomicfile.JSON(m)
	if err != nil {
		return m, err
	}
	found := b.both.Scan(doc)
	doc = b.book.Mask(doc, found)
	if m, err = ParseManifest(doc); err != nil {
		return m, fmt.Errorf("mask the manifest: %w", err)
	}
	entry, err := b.add(ManifestName, doc, Copied)
	if err != nil {
		return m, err
	}
	sums := []Sum{{entry.Path, entry.SHA256}}
	for _, e := range m.Files {
		if e.Action != Omitted {
			sums = append(sums, Sum{e.Path, e.SHA256})
		}
	}
	text := WriteSums(sums)
	if err := os.WriteFile(filepath.Join(b.dir, SumsName), text, 0o600); err != nil {
		return m, err
	}
	if b.o.Key == "" {
		return m, nil
	}
	signature, err := sign(b.o.Key, text)
	if err != nil {
		return m, err
	}
	return m, os.WriteFile(filepath.Join(b.dir, SignatureName), signature, 0o600)
}
