package release

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/bundle"
)

// maxRaw bounds what an agent told of itself, in one row.
const maxRaw = 8 << 20

// compact is a row as a line without its newline.
func compact(row any) ([]byte, error) {
	line, err := bundle.JSONLine(row)
	if err != nil {
		return nil, err
	}
	return line[:len(line)-1], nil
}

// globSafe is a folder whose name means nothing else to Glob.
func globSafe(dir string) string {
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// matches reports whether a file of a package is one of a pattern, in which * stands
// for one part or a piece of one.
func matches(pattern, rel string) bool {
	ok, err := path.Match(pattern, rel)
	return err == nil && ok
}

// gathered names the dataset whose rows have what is in a file of a package.
func gathered(rel string) (dataset, bool) {
	for _, d := range datasets {
		if d.from != "" && matches(strings.ReplaceAll(d.from, "{kind}", "*"), rel) {
			return d, true
		}
	}
	return dataset{}, false
}

// rule is the rule that leaves a file of a package out, "" for none.
func rule(rel string) string {
	for _, r := range rules {
		if matches(r.pattern, rel) {
			return r.pattern
		}
	}
	return ""
}

// place is where a file of a package lies in the release: what is gathered in rows
// lies there alone.
func (t *taking) place(rel string) (to, why string) {
	if _, ok := gathered(rel); ok || rel == indexName || strings.HasPrefix(rel, "aside/") {
		return "", ""
	}
	if r := rule(rel); r != "" {
		t.gatherer.run.ruled[r]++
		return "", ""
	}
	if parts := strings.SplitN(rel, "/", 4); len(parts) == 4 && parts[0] == "attempts" && parts[2] == "input" {
		return rel, bundle.InputAgain
	}
	return rel, ""
}

// copyFiles copies what the rows of the package lead to, and writes its rows of the
// index.
func (t *taking) copyFiles() error {
	var known []apprentice.Artifact
	if data, err := t.read(indexName); err != nil {
		return err
	} else if data != nil {
		if err := json.Unmarshal(data, &known); err != nil {
			return fmt.Errorf("%s: %w", indexName, err)
		}
	}
	byPath := map[string]apprentice.Artifact{}
	for _, a := range known {
		byPath[a.PackageRelativePath] = a
	}
	list, err := t.Files(t.place)
	if err != nil {
		return err
	}
	for _, f := range list {
		row, ok := byPath[f.Path]
		if !ok {
			row = apprentice.Artifact{ArtifactKind: "unknown", MimeType: "application/octet-stream", MediaType: "unknown"}
		}
		if err := t.copyFile(f, row); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies one file, or says why not.
func (t *taking) copyFile(f bundle.File, row apprentice.Artifact) error {
	if f.Why == "" {
		info, err := os.Stat(f.From)
		if err != nil {
			return err
		}
		if info.Size() > t.o.Limit {
			f.Why = fmt.Sprintf("larger than %d MiB", t.o.Limit>>20)
		}
	}
	if f.Why != "" {
		t.leave(f)
		return nil
	}
	to := path.Join(packagesName, t.TaskID, f.Path)
	if t.files == 0 {
		t.gatherer.run.folders = append(t.gatherer.run.folders, path.Join(packagesName, t.TaskID))
	}
	size, sum, err := copyTo(filepath.Join(t.dir, filepath.FromSlash(to)), f.From)
	if err != nil {
		return err
	}
	row.PackageRelativePath, row.ArtifactRef, row.SizeBytes, row.ContentHash = f.Path, f.Path, size, "sha256:"+sum
	t.files++
	t.size += size
	t.gatherer.run.counts.Artifacts++
	t.gatherer.run.counts.ArtifactSize += size
	return t.put(indexName, ArtifactRow{string(t.run.RunID), t.TaskID, to, row})
}

// leave notes a file that is left out; copies of the package's inputs go by a rule.
func (t *taking) leave(f bundle.File) {
	if strings.HasPrefix(f.Why, bundle.InputAgain) {
		t.gatherer.run.ruled[inputRule]++
		return
	}
	t.gatherer.run.left = append(t.gatherer.run.left, LeftOut{RunID: string(t.run.RunID), Path: path.Join(packagesName, t.TaskID, f.Path), Why: f.Why})
}

// inputRule stands for an attempt's copies of the package's inputs.
const inputRule = "attempts/*/input/"

// copyTo copies a file and returns its size and sum.
func copyTo(to, from string) (size int64, sum string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, "", err
	}
	defer in.Close()
	out, err := create(to)
	if err != nil {
		return 0, "", &writeError{err}
	}
	h := sha256.New()
	size, err = io.Copy(onlyWriter{out, h}, in)
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(h.Sum(nil)), nil
}

// onlyWriter writes to a file and a sum; what the file refuses is a writeError.
type onlyWriter struct {
	file *os.File
	sum  io.Writer
}

func (w onlyWriter) Write(p []byte) (int, error) {
	if n, err := w.file.Write(p); err != nil {
		return n, &writeError{err}
	}
	return w.sum.Write(p)
}

// create makes a new file with the folders above it.
func create(to string) (*os.File, error) {
	const how = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(to, how, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return nil, err
		}
		return os.OpenFile(to, how, 0o600)
	}
	return f, err
}
