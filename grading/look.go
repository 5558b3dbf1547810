package grading

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"aad/internal/schema"
)

// look measures a check that only reads files.
func (c *Checker) look(ctx context.Context, w *workspace, check Check) (measure, error) {
	if check.Unchanged != nil {
		return c.unchanged(ctx, w, check.Unchanged)
	}
	files, reason, err := w.find(ctx, check.path())
	if err != nil {
		return measure{}, err
	}
	if check.File != nil {
		return checkFiles(check.File, files, reason), nil
	}
	if reason != "" {
		return measure{failure: FailedMissing, notes: reason}, nil
	}
	one, broken := c.looker(ctx, w, check)
	if broken != "" {
		return measure{broken: broken}, nil
	}
	all := measure{score: 1}
	for _, f := range files {
		if err := context.Cause(ctx); err != nil {
			return measure{}, err
		}
		m := one(f)
		if m.score < all.score {
			all.score, all.failure, all.notes = m.score, m.failure, m.notes
		}
		if len(all.evidence) < maxEvidence {
			all.evidence = append(all.evidence, f.path)
		}
	}
	return all, nil
}

// looker gives the function that measures one file. The lowest score of all
// files that the check names counts.
func (c *Checker) looker(ctx context.Context, w *workspace, check Check) (one func(found) measure, broken string) {
	switch {
	case check.Contains != nil:
		return func(f found) measure { return checkContains(w, check.Contains, f) }, ""
	case check.Regex != nil:
		pattern, err := regexp.Compile(check.Regex.Pattern)
		if err != nil {
			return nil, err.Error()
		}
		return func(f found) measure { return checkRegex(w, pattern, f) }, ""
	case check.Schema != nil:
		s, err := c.schema(check.Schema)
		if err != nil {
			return nil, err.Error()
		}
		return func(f found) measure { return checkSchema(w, s, f) }, ""
	}
	return func(f found) measure { return checkCSV(ctx, w, check.CSV, f) }, ""
}

func checkFiles(c *FileCheck, files []found, reason string) measure {
	m := measure{score: 1}
	for _, f := range files {
		if len(m.evidence) < maxEvidence {
			m.evidence = append(m.evidence, f.path)
		}
	}
	n := int64(len(files))
	var faults []string
	switch {
	case n == 0 && c.minCount() > 0:
		return measure{failure: FailedMissing, notes: reason}
	case n < c.minCount():
		faults = append(faults, fmt.Sprintf("%s names %s, at least %d are wanted", c.Path, count(len(files), "file"), c.minCount()))
	case c.MaxCount != nil && n > *c.MaxCount:
		faults = append(faults, fmt.Sprintf("%s names %s, at most %d are wanted", c.Path, count(len(files), "file"), *c.MaxCount))
	}
	var sizes []string // a fault at most of each file
	for _, f := range files {
		if c.MinBytes != nil && f.size < *c.MinBytes {
			sizes = append(sizes, fmt.Sprintf("%s has %d bytes, at least %d are wanted", f.path, f.size, *c.MinBytes))
		}
		if c.MaxBytes != nil && f.size > *c.MaxBytes {
			sizes = append(sizes, fmt.Sprintf("%s has %d bytes, at most %d are wanted", f.path, f.size, *c.MaxBytes))
		}
	}
	if !c.Any || len(sizes) == len(files) {
		faults = append(faults, sizes...)
	}
	if len(faults) > 0 {
		m.score, m.failure, m.notes = 0, FailedContent, joinFaults(faults)
	}
	return m
}

func checkContains(w *workspace, c *ContainsCheck, f found) measure {
	data, reason := w.read(f)
	if reason != "" {
		return measure{failure: FailedContent, notes: reason}
	}
	if c.IgnoreCase {
		data = bytes.ToLower(data)
	}
	var missing []string
	for _, text := range c.Texts {
		sought := text
		if c.IgnoreCase {
			sought = strings.ToLower(text)
		}
		if !bytes.Contains(data, []byte(sought)) {
			missing = append(missing, fmt.Sprintf("%q", clip(text, 200)))
		}
	}
	if len(missing) == 0 {
		return measure{score: 1}
	}
	share := float64(len(c.Texts)-len(missing)) / float64(len(c.Texts))
	return measure{score: share, failure: FailedContent, notes: f.path + " does not contain " + strings.Join(missing, ", ")}
}

func checkRegex(w *workspace, pattern *regexp.Regexp, f found) measure {
	data, reason := w.read(f)
	if reason == "" && !pattern.Match(data) {
		reason = fmt.Sprintf("%s does not match %s", f.path, pattern)
	}
	if reason != "" {
		return measure{failure: FailedContent, notes: reason}
	}
	return measure{score: 1}
}

func (c *Checker) schema(check *SchemaCheck) (*schema.Schema, error) {
	text := []byte(check.Inline)
	if check.File != "" {
		helpers, err := os.OpenRoot(c.Helpers)
		if err != nil {
			return nil, errors.New("the folder of the rubric's helper files cannot be opened")
		}
		defer helpers.Close()
		if text, err = helpers.ReadFile(check.File); err != nil {
			return nil, fmt.Errorf("the JSON Schema %s cannot be read", check.File)
		}
	}
	return schema.Compile(text)
}

func checkSchema(w *workspace, s *schema.Schema, f found) measure {
	data, reason := w.read(f)
	if reason != "" {
		return measure{failure: FailedContent, notes: reason}
	}
	if !json.Valid(data) {
		return measure{failure: FailedFormat, notes: f.path + " is not JSON"}
	}
	if err := s.Validate(data); err != nil {
		return measure{failure: FailedFormat, notes: f.path + " does not fit its schema: " + err.Error()}
	}
	return measure{score: 1}
}

func checkCSV(ctx context.Context, w *workspace, c *CSVCheck, f found) measure {
	file, err := w.root.Open(f.path)
	if err != nil {
		return measure{failure: FailedFormat, notes: f.path + " cannot be read"}
	}
	defer file.Close()
	rows, header, err := readCSV(ctx, file, c.Delimiter)
	if err != nil {
		return measure{failure: FailedFormat, notes: fmt.Sprintf("%s is not a table: %v", f.path, err)}
	}
	var faults []string
	for _, want := range c.Columns {
		if !slices.Contains(header, want) {
			faults = append(faults, fmt.Sprintf("%s has no column %q; it has %s", f.path, want, clip(strings.Join(header, ", "), 300)))
		}
	}
	if c.MinRows != nil && rows < *c.MinRows {
		faults = append(faults, fmt.Sprintf("%s has %d rows, at least %d are wanted", f.path, rows, *c.MinRows))
	}
	if c.MaxRows != nil && rows > *c.MaxRows {
		faults = append(faults, fmt.Sprintf("%s has %d rows, at most %d are wanted", f.path, rows, *c.MaxRows))
	}
	if len(faults) > 0 {
		return measure{failure: FailedContent, notes: joinFaults(faults)}
	}
	return measure{score: 1}
}

func readCSV(ctx context.Context, file io.Reader, delimiter string) (rows int64, header []string, err error) {
	buffered := bufio.NewReader(file)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\uFEFF" {
		_, _ = buffered.Discard(3)
	}
	r := csv.NewReader(buffered)
	r.ReuseRecord = true
	if delimiter != "" {
		r.Comma = []rune(delimiter)[0]
	}
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return 0, nil, errors.New("it is empty")
	}
	if err != nil {
		return 0, nil, err
	}
	for _, name := range first {
		header = append(header, strings.TrimSpace(name))
	}
	for ; ; rows++ {
		if rows%4096 == 0 && ctx.Err() != nil {
			return rows, header, context.Cause(ctx)
		}
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return rows, header, nil
		} else if err != nil {
			return rows, header, err
		}
	}
}

// unchanged compares inputs with what was handed over.
func (c *Checker) unchanged(ctx context.Context, w *workspace, check *UnchangedCheck) (measure, error) {
	var m measure
	var faults []string
	wanted := make([]bool, len(check.Paths))
	for _, p := range slices.Sorted(maps.Keys(c.Inputs)) {
		if err := context.Cause(ctx); err != nil {
			return measure{}, err
		}
		if !names(check.Paths, p, wanted) {
			continue
		}
		now := w.hash(p)
		switch {
		case now == "":
			faults = append(faults, p+" is gone or cannot be read")
			continue
		case now != c.Inputs[p]:
			faults = append(faults, p+" was changed")
		}
		if len(m.evidence) < maxEvidence {
			m.evidence = append(m.evidence, p)
		}
	}
	for i, ok := range wanted {
		if !ok {
			m.broken = fmt.Sprintf("the rubric asks for %s to stay unchanged, which is none of the inputs", check.Paths[i])
			return m, nil
		}
	}
	m.score = 1
	if len(faults) > 0 {
		m.score, m.failure, m.notes = 0, FailedInputs, joinFaults(faults)
	}
	return m, nil
}

// names says whether the list, where empty means all, names the path; used
// remembers which entries did.
func names(list []string, p string, used []bool) bool {
	hit := len(list) == 0
	for i, pattern := range list {
		if strings.HasSuffix(pattern, "/") {
			pattern += "**"
		}
		if matchSegments(strings.Split(pattern, "/"), strings.Split(p, "/")) {
			hit, used[i] = true, true
		}
	}
	return hit
}

func joinFaults(faults []string) string {
	const most = 20
	if len(faults) > most {
		return strings.Join(faults[:most], "; ") + fmt.Sprintf("; and %d more", len(faults)-most)
	}
	return strings.Join(faults, "; ")
}
