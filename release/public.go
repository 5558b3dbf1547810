package release

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"aad/bundle"
	"aad/bundle/sanitise"
)

// publisher makes the sanitised copy of a release from its rows and files: all are
// looked at first, so that what is found anywhere is masked everywhere, by the same
// placeholder. It fails closed: what still holds something once it is masked is left
// out.
type publisher struct {
	o       Options
	from    string
	dir     string
	private map[string]*private // by task
	book    *sanitise.Book
	known   *sanitise.Scanner // of what was found anywhere; nil until all was looked at
	found   map[string]bool   // values that all has
	all     []sanitise.Finding
	masked  map[string]int
	left    []LeftOut
	counts  DatasetCounts
	quality QualityReport
	packed  map[string]DatasetCounts // files in packages/, by task
	lastRun string
}

// publish writes public/ as a release of its own.
func (p *publisher) publish(ctx context.Context, raw sealed) error {
	p.masked, p.found, p.packed, p.quality = map[string]int{}, map[string]bool{}, map[string]DatasetCounts{}, newQuality()
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return err
	}
	total := len(raw.rows)
	for _, d := range raw.rows {
		total += d.Rows
	}
	p.o.Progress.begin("looking for what must not leave", total+raw.counts.Artifacts)
	if err := p.lookAtAll(ctx); err != nil {
		return err
	}
	p.known = p.o.Scanner.Knowing(p.all)
	p.found, p.all = nil, nil
	p.o.Progress.begin("writing "+PublicName, total+raw.counts.Artifacts)
	out := sealed{dir: p.dir, o: p.o, public: true, mask: p.text}
	if err := p.writeAll(ctx, &out); err != nil {
		return err
	}
	for _, l := range append(raw.left, p.left...) {
		out.left = append(out.left, LeftOut{RunID: p.word(l.RunID), Path: p.word(l.Path), Count: l.Count, Why: p.word(l.Why)})
	}
	for task, secret := range p.private {
		if secret.leaked {
			out.left = append(out.left, LeftOut{Path: packagesName + "/" + p.word(task), Why: "what is hidden of its rubric got into it"})
		}
	}
	slices.SortStableFunc(out.left, func(a, b LeftOut) int { return strings.Compare(a.Path, b.Path) })
	out.counts, out.quality = p.counts, p.quality
	out.counts.Artifacts, out.counts.ArtifactSize = p.packed[""].Artifacts, p.packed[""].ArtifactSize
	out.quality.Masked = p.masked
	_, err := out.seal(ctx)
	return err
}

// each gives every row of the release as an apprentice may know it, with the task it
// belongs to.
func (p *publisher) each(ctx context.Context, name string, row func(line []byte) error) error {
	full, list := rowsPath(p.from, name)
	err := eachRow(full, list, func(n int, line []byte) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p.o.Progress.step()
		line, err := publicRow(name, line, p.private[taskOf(line)])
		if err != nil || line == nil {
			return err
		}
		return row(line)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// taskOf is the task that a row belongs to.
func taskOf(line []byte) string {
	var row struct {
		TaskID string `json:"task_id"`
		Meta   struct {
			TaskID string `json:"task_id"`
		} `json:"metadata_json"`
	}
	if json.Unmarshal(line, &row) != nil {
		return ""
	}
	if row.TaskID == "" {
		return row.Meta.TaskID
	}
	return row.TaskID
}

// lookAtAll scans every row and every file.
func (p *publisher) lookAtAll(ctx context.Context) error {
	for _, name := range rowNames() {
		err := p.each(ctx, name, func(line []byte) error {
			p.note(p.o.Scanner.Scan(line))
			if name != indexName {
				return nil
			}
			row, data, err := p.file(line)
			if err == nil {
				p.note(p.o.Scanner.ScanFile(data).Findings)
				p.note(p.o.Scanner.Scan([]byte(row.Path)))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// note keeps each value that was found once.
func (p *publisher) note(found []sanitise.Finding) {
	for _, f := range found {
		key := string(f.Kind) + "\x00" + f.Value
		if !p.found[key] {
			p.found[key], p.all = true, append(p.all, f)
			p.book.Placeholder(f)
		}
	}
}

// file reads a row of the index and the file that it tells of.
func (p *publisher) file(line []byte) (row ArtifactRow, data []byte, err error) {
	if err := json.Unmarshal(line, &row); err != nil {
		return row, nil, err
	}
	data, err = os.ReadFile(filepath.Join(p.from, filepath.FromSlash(row.Path)))
	return row, data, err
}

// scan looks for everything in a text.
func (p *publisher) scan(text []byte) []sanitise.Finding {
	found := p.o.Scanner.Scan(text)
	if p.known != nil {
		found = sanitise.Merge(found, p.known.Scan(text))
	}
	return found
}

func (p *publisher) word(text string) string {
	return string(p.book.Mask([]byte(text), p.scan([]byte(text))))
}

// errHeld: a text holds something even when it is masked.
var errHeld = errors.New("masked it still holds something that must not leave")

// text masks a text of the release that is not a row, and refuses one that still holds
// something.
func (p *publisher) text(name string, text []byte) ([]byte, error) {
	masked, why := p.clean(name, text, p.scan(text))
	if why != "" {
		return nil, fmt.Errorf("%s: %s", name, why)
	}
	return masked, nil
}

// rowName is the name of a row, whose text is JSON.
const rowName = ".json"

// clean masks a text, or says why it must be left out.
func (p *publisher) clean(name string, text []byte, found []sanitise.Finding) (masked []byte, why string) {
	if masked, why = bundle.Mask(p.book, name, text, found); why == "" && len(found) > 0 && len(p.scan(masked)) > 0 {
		why = errHeld.Error()
	}
	if why == "" && len(masked) > mostOfRow && name == rowName {
		why = "masked it is too large for a row"
	}
	if why == "" {
		for _, f := range found {
			p.masked[f.Rule]++
		}
	}
	return masked, why
}

// writeAll writes the masked rows and files.
func (p *publisher) writeAll(ctx context.Context, out *sealed) error {
	if err := p.writeIndex(ctx); err != nil {
		return err
	}
	for _, d := range datasets {
		full, list := rowsPath(p.dir, d.name)
		f, err := createRows(full, list)
		if err != nil {
			return err
		}
		dropped := LeftOut{Path: d.name + ".jsonl"}
		err = p.each(ctx, d.name, func(line []byte) error {
			line, err := p.counted(d.name, line, out)
			if err != nil {
				return err
			}
			masked, why := p.clean(rowName, line, p.scan(line))
			if why != "" {
				dropped.Count, dropped.Why = dropped.Count+1, "rows: "+why
				return nil
			}
			return f.add(masked)
		})
		if err = errors.Join(err, f.close()); err != nil {
			return err
		}
		if dropped.Count > 0 {
			p.left = append(p.left, dropped)
		}
		out.rows = append(out.rows, Dataset{d.name, f.rows})
	}
	return nil
}

// writeIndex writes the masked files of packages and their index.
func (p *publisher) writeIndex(ctx context.Context) error {
	full, list := rowsPath(p.dir, indexName)
	f, err := createRows(full, list)
	if err != nil {
		return err
	}
	err = p.each(ctx, indexName, func(line []byte) error {
		p.o.Progress.step()
		row, data, err := p.file(line)
		if err != nil {
			return err
		}
		if why, err := p.writeFile(&row, data); err != nil || why != "" {
			p.left = append(p.left, LeftOut{RunID: row.RunID, Path: row.Path, Why: why})
			return err
		}
		if line, err = compact(row); err != nil {
			return err
		}
		masked, why := p.clean(rowName, line, p.scan(line))
		if why != "" {
			return fmt.Errorf("row of %s: %s", row.Path, why)
		}
		return f.add(masked)
	})
	return errors.Join(err, f.close())
}

// writeFile writes one masked file and tells of it in its row, or says why not.
func (p *publisher) writeFile(row *ArtifactRow, data []byte) (why string, err error) {
	found := p.o.Scanner.ScanFile(data)
	if p.known != nil {
		found.Findings = sanitise.Merge(found.Findings, p.known.ScanFile(data).Findings)
	}
	if why := bundle.WhyNot(found, p.o.Consent); why != "" {
		return why, nil
	}
	masked := data
	if found.Text {
		if masked, why = p.clean(row.Path, data, found.Findings); why != "" {
			return why, nil
		}
	}
	rel := p.word(row.PackageRelativePath)
	to := path.Join(packagesName, p.word(row.TaskID), rel)
	out, err := create(filepath.Join(p.dir, filepath.FromSlash(to)))
	if errors.Is(err, os.ErrExist) {
		return "masked its name is that of another file", nil
	}
	if err != nil {
		return "", err
	}
	_, err = out.Write(masked)
	if err = errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	sum := sha256.Sum256(masked)
	row.Path, row.PackageRelativePath, row.ArtifactRef = to, rel, rel
	row.Artifact.SizeBytes, row.Artifact.ContentHash = int64(len(masked)), "sha256:"+hex.EncodeToString(sum[:])
	for _, c := range []string{"", row.TaskID} {
		n := p.packed[c]
		n.Artifacts, n.ArtifactSize = n.Artifacts+1, n.ArtifactSize+int64(len(masked))
		p.packed[c] = n
	}
	return "", nil
}

// counted takes a row into the counts of public/, and tells in that of a package what
// files it has there.
func (p *publisher) counted(name string, line []byte, out *sealed) ([]byte, error) {
	switch name {
	case "full_task_records":
		return line, p.quality.attempts(line)
	case "packages_index":
	default:
		return line, nil
	}
	var row PackageRow
	if err := json.Unmarshal(line, &row); err != nil {
		return nil, err
	}
	files := p.packed[row.TaskID]
	if row.Files, row.Size = files.Artifacts, files.ArtifactSize; row.Files == 0 {
		row.Path = ""
	}
	p.quality.count(row)
	p.counts.Packages++
	p.counts.Attempts += len(row.AttemptIDs)
	p.counts.TracedSteps += row.TracedSteps
	if row.RunID != p.lastRun {
		p.lastRun = row.RunID
		p.counts.Runs++
		out.ids = append(out.ids, p.word(row.RunID))
	}
	return compact(row)
}
