// Package grading is what an attempt is measured by: the rubric's format, its
// checks, and what they found, as grade, verification and feedback.
//
// It never asks a model or a person, and it never changes the attempt that it
// measures: commands run in a throw-away copy. It keeps the YAML library.
// Read ParseRubric first, then Checker.Run, then Grade.
package grading

import (
	"encoding/json"
	"slices"
	"time"

	"aad/apprentice"
)

// RubricVersion is the version of the rubric file that ParseRubric reads.
const RubricVersion = 1

// Rubric is the content of a rubric file, checked.
type Rubric struct {
	PassThreshold float64 // of the weighted score, 0 < t ≤ 1
	Criteria      []Criterion
}

// Criterion is one thing that counts.
type Criterion struct {
	Name              string // unique in its rubric
	Description       string
	Weight            float64 // above 0; relative to the other criteria's
	PassThreshold     float64 // 0 < t ≤ 1
	Hidden            bool    // withheld from the apprentice
	Judged            bool    // the mentor judges it beside its check, and both count
	RequiredArtifacts []string
	Evidence          []string
	Check             Check
}

// Check says how aad measures a criterion by itself. At most one field is set;
// the zero Check leaves the criterion to the mentor.
type Check struct {
	Command   *CommandCheck   `json:"command,omitempty"`
	File      *FileCheck      `json:"file,omitempty"`
	Contains  *ContainsCheck  `json:"contains,omitempty"`
	Regex     *RegexCheck     `json:"regex,omitempty"`
	Schema    *SchemaCheck    `json:"json_schema,omitempty"`
	CSV       *CSVCheck       `json:"csv,omitempty"`
	Unchanged *UnchangedCheck `json:"unchanged,omitempty"`
}

// CommandCheck runs a shell command in a copy of the workspace. Exit 0 passes.
// The last line of its stdout that is an object {"score": 0.7, "notes": "…"}
// rules the score instead; a command that exits otherwise fails whatever it
// scored.
type CommandCheck struct {
	Run            string   `json:"run"`
	Files          []string `json:"files,omitempty"` // copied to $AA_CHECK_DIR for each run
	TimeoutSeconds float64  `json:"timeout_seconds,omitempty"`
}

// Timeout is the command's time limit, 0 when the rubric names none.
func (c *CommandCheck) Timeout() time.Duration {
	return time.Duration(c.TimeoutSeconds * float64(time.Second))
}

// FileCheck asks for files, each of a size, and how many. A nil limit is none;
// MinCount nil is 1, or 0 where MaxCount is 0.
type FileCheck struct {
	Path     string `json:"path"` // may be a glob, with ** for any folders
	MinBytes *int64 `json:"min_bytes,omitempty"`
	MaxBytes *int64 `json:"max_bytes,omitempty"`
	MinCount *int64 `json:"min_count,omitempty"`
	MaxCount *int64 `json:"max_count,omitempty"`
	Any      bool   `json:"any,omitempty"` // one file of such a size is enough
}

func (c *FileCheck) minCount() int64 {
	switch {
	case c.MinCount != nil:
		return *c.MinCount
	case c.MaxCount != nil && *c.MaxCount == 0:
		return 0
	}
	return 1
}

// ContainsCheck asks for texts in each file that Path names. The score is the
// share of them that was found.
type ContainsCheck struct {
	Path       string   `json:"path"`
	Texts      []string `json:"texts"`
	IgnoreCase bool     `json:"ignore_case,omitempty"`
}

// RegexCheck asks that each file that Path names matches Pattern (RE2).
type RegexCheck struct {
	Path    string `json:"path"`
	Pattern string `json:"pattern"`
}

// SchemaCheck holds each file that Path names against a JSON Schema, which
// stands in the rubric or in a helper file.
type SchemaCheck struct {
	Path   string          `json:"path"`
	File   string          `json:"schema_file,omitempty"`
	Inline json.RawMessage `json:"schema,omitempty"`
}

// CSVCheck asks for columns (others may stand beside them, in any order) and a
// number of rows, the header not counted.
type CSVCheck struct {
	Path      string   `json:"path"`
	Columns   []string `json:"columns,omitempty"`
	MinRows   *int64   `json:"min_rows,omitempty"`
	MaxRows   *int64   `json:"max_rows,omitempty"`
	Delimiter string   `json:"delimiter,omitempty"` // one character; "" is a comma
}

// UnchangedCheck asks that inputs are as they were handed over; no paths means
// all of them.
type UnchangedCheck struct {
	Paths []string `json:"paths,omitempty"`
}

// The kinds of checks, as they are written in a rubric file.
const (
	kindCommand   = "command"
	kindFile      = "file"
	kindContains  = "contains"
	kindRegex     = "regex"
	kindSchema    = "json_schema"
	kindCSV       = "csv"
	kindUnchanged = "unchanged"
)

// Kind is the word for what the check does, "" for the zero Check.
func (c Check) Kind() string {
	switch {
	case c.Command != nil:
		return kindCommand
	case c.File != nil:
		return kindFile
	case c.Contains != nil:
		return kindContains
	case c.Regex != nil:
		return kindRegex
	case c.Schema != nil:
		return kindSchema
	case c.CSV != nil:
		return kindCSV
	case c.Unchanged != nil:
		return kindUnchanged
	}
	return ""
}

// path is the file or glob that the check looks at, "" when it names none.
func (c Check) path() string {
	switch {
	case c.File != nil:
		return c.File.Path
	case c.Contains != nil:
		return c.Contains.Path
	case c.Regex != nil:
		return c.Regex.Path
	case c.Schema != nil:
		return c.Schema.Path
	case c.CSV != nil:
		return c.CSV.Path
	}
	return ""
}

// HelperFiles lists the files and folders that the checks need, relative to the
// rubric file's folder. The submitter snapshots them; the snapshot is a
// Checker's Helpers.
func (r *Rubric) HelperFiles() []string {
	var files []string
	for _, c := range r.Criteria {
		if c.Check.Command != nil {
			files = append(files, c.Check.Command.Files...)
		}
		if c.Check.Schema != nil && c.Check.Schema.File != "" {
			files = append(files, c.Check.Schema.File)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// HasCommands says whether any check starts a process, and so whether a
// Checker needs its shim.
func (r *Rubric) HasCommands() bool {
	return slices.ContainsFunc(r.Criteria, func(c Criterion) bool { return c.Check.Command != nil })
}

// anyDeliverable is the required artifact of a criterion that names no file:
// the folder of deliverables itself. It is never demanded on its own.
const anyDeliverable = "artifacts/"

func (c *Criterion) requiredArtifacts() apprentice.List[string] {
	if len(c.RequiredArtifacts) > 0 {
		return slices.Clone(c.RequiredArtifacts)
	}
	p := c.Check.path()
	if p == "" || c.Check.File != nil && c.Check.File.minCount() == 0 {
		return apprentice.List[string]{anyDeliverable}
	}
	return apprentice.List[string]{p}
}
