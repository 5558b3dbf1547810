package release

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/schema"
)

// files checks artifacts_index.json, every file that it names, and that there are no
// others in packages/.
func (c *checker) files(ctx context.Context) error {
	c.o.Progress.begin(strings.TrimSuffix("checking files of "+c.at, " of "), c.manifest.Counts.Artifacts)
	full, list := rowsPath(c.dir, indexName)
	seen := map[[16]byte]struct{}{}
	err := eachRow(full, list, func(n int, line []byte) error {
		c.o.Progress.step()
		c.rows[indexName] = n
		c.scan(fmt.Sprintf("%s%s: row %d", c.at, indexName, n), line)
		row, err := c.artifact(n, line)
		if err != nil {
			c.block(c.at+indexName, "row %d: %v", n, err)
			return ctx.Err()
		}
		if _, twice := seen[key(row.Path)]; twice {
			c.block(c.at+indexName, "row %d: %s stands twice", n, row.Path)
		}
		seen[key(row.Path)] = struct{}{}
		if c.sum(DatasetFile{Path: row.Path, Size: row.SizeBytes, SHA256: strings.TrimPrefix(row.ContentHash, "sha256:")}) {
			c.scanFile(row.Path)
		}
		for rel := row.PackageRelativePath; rel != "."; rel = path.Dir(rel) {
			c.places[key(row.TaskID, rel)] = struct{}{}
		}
		return ctx.Err()
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		c.block(c.at+indexName, "%v", err)
	}
	c.beside(seen)
	return nil
}

// artifact reads a row of the index, whose file must lie where its package is.
func (c *checker) artifact(n int, line []byte) (row ArtifactRow, err error) {
	if err := schema.CheckType(row, line); err != nil {
		return row, err
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return row, err
	}
	if row.Path != path.Join(packagesName, row.TaskID, row.PackageRelativePath) || !filepath.IsLocal(filepath.FromSlash(row.Path)) ||
		!strings.HasPrefix(row.Path, packagesName+"/") {
		return row, fmt.Errorf("%q is not where the file of a package lies", row.Path)
	}
	return row, nil
}

// beside finds files in packages/ that the index does not name.
func (c *checker) beside(seen map[[16]byte]struct{}) {
	root := filepath.Join(c.dir, packagesName)
	err := filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if full == root && os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(c.dir, full)
		if err != nil {
			return err
		}
		if name := filepath.ToSlash(rel); !in(seen, key(name)) {
			c.block(c.at+name, "does not belong to the release")
		}
		return nil
	})
	if err != nil {
		c.block(c.at+packagesName, "cannot be listed: %v", err)
	}
}

func in(set map[[16]byte]struct{}, k [16]byte) bool { _, ok := set[k]; return ok }

// scan looks for what must not be in public/.
func (c *checker) scan(where string, text []byte) {
	if !c.manifest.Public {
		return
	}
	for _, f := range c.o.Scanner.Scan(text) {
		c.block(where, "holds what must not leave: rule %s at byte %d", f.Rule, f.Start)
	}
}

func (c *checker) scanFile(name string) {
	if !c.manifest.Public {
		return
	}
	data, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(name)))
	if err != nil {
		c.block(c.at+name, "cannot be read")
		return
	}
	found := c.o.Scanner.ScanFile(data)
	if found.Unreadable != "" && c.manifest.Consent != "all" {
		c.block(c.at+name, "%s, and consent for such files was not given", found.Unreadable)
	}
	for _, f := range found.Findings {
		c.block(c.at+name, "holds what must not leave: rule %s at byte %d", f.Rule, f.Start)
	}
	c.scan(c.at+name, []byte(name))
}

// dataset checks the rows of a kind, in both forms.
func (c *checker) dataset(ctx context.Context, d dataset) error {
	other, err := openParquet(c.dir, d)
	if err != nil {
		c.block(c.at+d.name+".parquet", "%v", err)
	} else {
		defer other.close()
	}
	full, list := rowsPath(c.dir, d.name)
	name := c.at + d.name + ".jsonl"
	ids := map[[16]byte]struct{}{}
	err = eachRow(full, list, func(n int, line []byte) error {
		c.o.Progress.step()
		c.rows[d.name] = n
		where := fmt.Sprintf("%s: row %d", name, n)
		if err := schema.CheckType(d.value, line); err != nil {
			c.block(where, "%v", err)
			return ctx.Err()
		}
		c.row(d, where, line, ids)
		c.scan(where, line)
		if other != nil {
			if err := other.same(line); err != nil {
				c.block(c.at+d.name+".parquet", "row %d: %v", n, err)
				other = nil
			}
		}
		return ctx.Err()
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		c.block(name, "%v", err)
	}
	if other != nil && other.rows != int64(c.rows[d.name]) {
		c.block(c.at+d.name+".parquet", "it has %d rows, %s has %d", other.rows, name, c.rows[d.name])
	}
	return nil
}

// row checks what one row says of itself.
func (c *checker) row(d dataset, where string, line []byte, ids map[[16]byte]struct{}) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		c.block(where, "%v", err)
		return
	}
	text := func(name string) string {
		var s string
		if json.Unmarshal(members[name], &s) != nil {
			return string(members[name])
		}
		return s
	}
	var id []string
	for _, name := range d.id {
		id = append(id, text(name))
	}
	if in(ids, key(id...)) {
		c.block(where, "the row of %s stands twice", strings.Join(id, ", "))
	}
	ids[key(id...)] = struct{}{}
	task := taskOf(line)
	if task == "" {
		c.block(where, "it names no task")
	}
	place := d.from
	if d.attempt != "" {
		place = strings.ReplaceAll(place, "{kind}", strings.TrimPrefix(text(d.attempt), task+"_"))
	}
	if place != "" {
		c.places[key(task, place)] = struct{}{}
	}
	if !c.manifest.Public {
		c.secrets(d, task, line)
	} else {
		c.hidden(d, where, task, line)
	}
}

// secrets notes what public/ must not tell of a package's rubric.
func (c *checker) secrets(d dataset, task string, line []byte) {
	var items []apprentice.RubricItem
	switch d.name {
	case "rubrics":
		var rubric apprentice.RubricSpec
		if json.Unmarshal(line, &rubric) == nil { // else told as a row's fault
			items = rubric.RubricItems
		}
	case "rubric_items":
		items = make([]apprentice.RubricItem, 1)
		if json.Unmarshal(line, &items[0]) != nil {
			return
		}
	}
	for _, item := range items {
		if shown(item) {
			continue
		}
		if c.private[task] == nil {
			c.private[task] = &private{}
		}
		c.private[task].add(item)
	}
}

// hidden looks for what apprentices were not shown.
func (c *checker) hidden(d dataset, where, task string, line []byte) {
	var row struct {
		Leaked bool `json:"hidden_reference_leaked"`
	}
	if json.Unmarshal(line, &row) == nil && row.Leaked {
		c.block(where, "what is hidden of the rubric of %s got into it", task)
	}
	var item apprentice.RubricItem
	if d.name == "rubric_items" && json.Unmarshal(line, &item) == nil && !shown(item) {
		c.block(where, "it holds a criterion that apprentices were not shown")
		return
	}
	p := c.private[task]
	if p == nil {
		return
	}
	for _, id := range p.ids {
		if strings.Contains(string(line), `"`+id+`"`) {
			c.block(where, "it names the criterion %s, which apprentices were not shown", id)
		}
	}
}

// references holds every reference of a dataset's rows against what is there, or was
// left out by name or rule.
func (c *checker) references(ctx context.Context, d dataset) error {
	full, list := rowsPath(c.dir, d.name)
	name := c.at + d.name + ".jsonl"
	err := eachRow(full, list, func(n int, line []byte) error {
		c.o.Progress.step()
		task := ""
		bundle.References(line, func(member, ref string) {
			if task == "" {
				task = taskOf(line)
			}
			if member != "release_relative_path" && !c.resolves(task, ref) {
				c.block(fmt.Sprintf("%s: row %d", name, n), "%s leads to %q, which is neither there nor named as left out", member, ref)
			}
		})
		return ctx.Err()
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_ = err // told when the rows were checked
	return nil
}

// resolves reports whether a reference of a package leads somewhere.
func (c *checker) resolves(task, ref string) bool {
	ref, _, _ = strings.Cut(ref, "#")
	ref = strings.TrimSuffix(ref, "/")
	if strings.HasPrefix(ref, "[") || strings.Contains(ref, "://") {
		return true
	}
	rel := strings.TrimPrefix(strings.TrimPrefix(ref, packagesName+"/"+task), "/")
	if rel == "" || in(c.places, key(task, rel)) {
		return true
	}
	for _, l := range c.left {
		if l.Path == packagesName+"/"+task+"/"+rel || matches(l.Path, rel) ||
			strings.HasSuffix(l.Path, "/") && inFolder(strings.TrimSuffix(l.Path, "/"), rel) {
			return true
		}
	}
	return false
}

// inFolder reports a file below a folder of a pattern.
func inFolder(pattern, rel string) bool {
	parts := strings.Split(rel, "/")
	n := strings.Count(pattern, "/") + 1
	return len(parts) > n && matches(pattern, path.Join(parts[:n]...))
}

// counts holds the manifest's counts against the rows that are there.
func (c *checker) counts() {
	rows := 0
	for _, d := range c.manifest.Datasets {
		if rows += d.Rows; c.rows[d.Name] != d.Rows {
			c.block(c.at+ManifestName, "%s should have %d rows and has %d", d.Name, d.Rows, c.rows[d.Name])
		}
	}
	m := c.manifest.Counts
	for _, count := range []struct {
		what       string
		said, real int
	}{{"rows", m.Rows, rows}, {"packages", m.Packages, c.rows["packages_index"]}, {"artifacts", m.Artifacts, c.rows[indexName]}, {"runs", m.Runs, len(c.manifest.RunIDs)}, {"datasets", len(c.manifest.Datasets), len(datasets)}} {
		if count.said != count.real {
			c.block(c.at+ManifestName, "it counts %d %s; there are %d", count.said, count.what, count.real)
		}
	}
	if m.Packages == 0 {
		c.block(c.at+ManifestName, "the release is empty")
	}
}
