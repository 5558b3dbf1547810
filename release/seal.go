package release

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/atomicfile"
)

// sealed is a release whose rows and files are written, and what is still to be told
// of it. mask is what is done to every text of it, nil for nothing.
type sealed struct {
	dir     string
	o       Options
	public  bool
	counts  DatasetCounts
	rows    []Dataset
	quality QualityReport
	ids     []string
	left    []LeftOut
	mask    func(name string, text []byte) ([]byte, error)
}

// seal writes the Parquet files, the manifest, the report, the card and the sums.
func (s sealed) seal(ctx context.Context) (m DatasetManifest, err error) {
	stage := "writing Parquet"
	if s.public {
		stage += " of " + PublicName
	}
	total := 0
	for _, d := range s.rows {
		total += d.Rows
	}
	s.o.Progress.begin(stage, total)
	for _, d := range datasets {
		err := writeParquet(s.dir, d, func() error { s.o.Progress.step(); return ctx.Err() })
		if err != nil {
			return m, err
		}
	}
	s.counts.Rows = total
	m = DatasetManifest{SchemaVersion: Version, CreatedAt: apprentice.Stamp(s.o.Created), ToolVersion: s.o.Version, Public: s.public, Masking: "no_masking",
		License: s.o.License, Consent: cmp.Or(s.o.Consent, "not_given"), Counts: s.counts, Datasets: s.rows, RunIDs: s.ids, LeftOut: s.left}
	if s.o.Scanner.Private() {
		m.Masking = "standard"
	}
	if m.Files, err = s.sums(nil); err != nil {
		return m, err
	}
	m.DatasetID = idOf(m.Files)
	s.quality.DatasetID = m.DatasetID
	s.quality.Warnings = warnings(m, s.quality)
	if err := s.text(cardName, []byte(card(m, s.quality))); err != nil {
		return m, err
	}
	if err := s.document(qualityName, s.quality); err != nil {
		return m, err
	}
	if m.Files, err = s.sums(m.Files); err != nil {
		return m, err
	}
	if err := s.document(ManifestName, m); err != nil {
		return m, err
	}
	return m, s.finish(m)
}

// sums are the files at the root of the release, those that are known already as they
// are known.
func (s sealed) sums(known []DatasetFile) ([]DatasetFile, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	var files []DatasetFile
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if i := slices.IndexFunc(known, func(f DatasetFile) bool { return f.Path == e.Name() }); i >= 0 {
			files = append(files, known[i])
			continue
		}
		sum, size, err := bundle.SumOf(filepath.Join(s.dir, e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, DatasetFile{e.Name(), size, sum})
	}
	return files, nil
}

// idOf names what is in a release: the same rows have the same id.
func idOf(files []DatasetFile) string {
	h := sha256.New()
	for _, f := range files {
		if strings.HasSuffix(f.Path, ".jsonl") || f.Path == indexName {
			fmt.Fprintf(h, "%s %s\n", f.Path, f.SHA256)
		}
	}
	return "aa-release-" + hex.EncodeToString(h.Sum(nil))[:10]
}

func (s sealed) document(name string, v any) error {
	doc, err := atomicfile.JSON(v)
	if err != nil {
		return err
	}
	return s.text(name, doc)
}

func (s sealed) text(name string, text []byte) (err error) {
	if s.mask != nil {
		if text, err = s.mask(name, text); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(s.dir, name), text, 0o600)
}

// finish writes SHA256SUMS: of all files at the root, and of the sums of public/.
func (s sealed) finish(m DatasetManifest) error {
	var sums []bundle.Sum
	for _, f := range m.Files {
		sums = append(sums, bundle.Sum{Path: f.Path, SHA256: f.SHA256})
	}
	names := []string{ManifestName}
	if !s.public {
		names = append(names, PublicName+"/"+bundle.SumsName)
	}
	for _, name := range names {
		sum, _, err := bundle.SumOf(filepath.Join(s.dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		sums = append(sums, bundle.Sum{Path: name, SHA256: sum})
	}
	return os.WriteFile(filepath.Join(s.dir, bundle.SumsName), bundle.WriteSums(sums), 0o600)
}
