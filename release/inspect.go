package release

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
)

// open reads the manifest of a release.
func open(dir string) (DatasetManifest, error) {
	doc, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return DatasetManifest{}, apprentice.Errorf(apprentice.NotFound, "%s is no release: it has no %s", dir, ManifestName).WithField("path")
	}
	if err != nil {
		return DatasetManifest{}, apprentice.Errorf(apprentice.Denied, "the release %s cannot be read", dir).WithField("path").Because(err)
	}
	m, err := ParseManifest(doc)
	if err != nil {
		return m, apprentice.Errorf(apprentice.Invalid, "%v", err).WithField("path")
	}
	return m, nil
}

// Open reads what a release says of itself, in its manifest and its report.
func Open(dir string) (DatasetManifest, QualityReport, error) {
	m, err := open(dir)
	if err != nil {
		return m, QualityReport{}, err
	}
	doc, err := os.ReadFile(filepath.Join(dir, qualityName))
	if err != nil {
		return m, QualityReport{}, apprentice.Errorf(apprentice.Invalid, "the release %s has no %s", dir, qualityName).WithField("path").Because(err)
	}
	q, err := ParseQuality(doc)
	if err != nil {
		return m, q, apprentice.Errorf(apprentice.Invalid, "%v", err).WithField("path")
	}
	return m, q, nil
}

// Size is how many bytes a release holds, without its public copy.
func (m DatasetManifest) Size() int64 {
	size := m.Counts.ArtifactSize
	for _, f := range m.Files {
		size += f.Size
	}
	return size
}

// Inspect is a release on a page of text.
func Inspect(dir string) (string, DatasetManifest, error) {
	m, q, err := Open(dir)
	if err != nil {
		return "", m, err
	}
	var t strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&t, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("release", "%s", m.DatasetID)
	row("made", "%s by aad %s", m.CreatedAt, m.ToolVersion)
	row("licence", "%s; consent: %s", orWord(m.License, "none was given"), m.Consent)
	row("holds", "%d runs, %d packages, %d attempts, %d traced steps", m.Counts.Runs, m.Counts.Packages, m.Counts.Attempts, m.Counts.TracedSteps)
	row("files", "%d of packages (%d bytes); %d bytes in all", m.Counts.Artifacts, m.Counts.ArtifactSize, m.Size())
	row("accepted", "%d of %d; unreviewed %d; ungraded attempts %d of %d", q.Accepted, q.Packages, q.Unreviewed, q.Ungraded, q.Attempts)
	if q.Scored > 0 {
		row("score", "%.2f on average, %.2f to %.2f", q.MeanScore, q.LowestScore, q.HighestScore)
	}
	row("agents", "%s", counted(q.Agents))
	row("judged by", "%s", counted(q.Judges))
	row("masking", "%s of %s/", m.Masking, PublicName)
	for _, d := range m.Datasets {
		row("rows", "%7d %s", d.Rows, d.Name)
	}
	shown, byRule := 0, 0
	for _, l := range m.LeftOut {
		if l.RunID == "" {
			byRule += max(l.Count, 1)
		} else if shown++; shown <= maxShown {
			row("left out", "%s", l.text())
		}
	}
	if shown > maxShown {
		row("left out", "and %d more, see %s", shown-maxShown, ManifestName)
	}
	row("left out", "%d files and rows by rule, see %s", byRule, ManifestName)
	return t.String(), m, nil
}

// maxShown bounds what a page tells of what was left out.
const maxShown = 20

func (l LeftOut) text() string { return strings.TrimSpace(l.RunID+" "+l.Path) + ": " + l.Why }
