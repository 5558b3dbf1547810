package grading

import (
	"fmt"
	"strings"
)

// WorkerView is what the apprentice is shown of the rubric, as Markdown: hidden
// criteria are absent, and of a command no more is told than that one is run.
func (r *Rubric) WorkerView() string {
	var b strings.Builder
	b.WriteString("# How it will be judged\n\n")
	total, visible := 0.0, 0
	for _, c := range r.Criteria {
		if !c.Hidden {
			total += c.Weight
			visible++
		}
	}
	if visible == 0 {
		b.WriteString("No criteria are shown. Do what the task says.\n")
		return b.String()
	}
	n := 0
	for i := range r.Criteria {
		if c := &r.Criteria[i]; !c.Hidden {
			n++
			c.view(&b, n, c.Weight/total)
		}
	}
	return b.String()
}

func (c *Criterion) view(b *strings.Builder, n int, share float64) {
	fmt.Fprintf(b, "%d. **%s** (%.0f %% of the score", n, c.Name, 100*share)
	if c.PassThreshold < 1 {
		fmt.Fprintf(b, "; passes from %g", c.PassThreshold)
	}
	b.WriteString(")\n")
	if c.Description != "" && c.Description != c.Name {
		fmt.Fprintf(b, "   - %s\n", strings.ReplaceAll(c.Description, "\n", "\n     "))
	}
	check := c.Check.sentence()
	if c.Judged && c.Check.Kind() != "" {
		check += ", and the mentor judges it"
	}
	fmt.Fprintf(b, "   - Measured: %s.\n", strings.ReplaceAll(check, "\n", " "))
	for _, e := range c.Evidence {
		if e != check {
			fmt.Fprintf(b, "   - Evidence: %s\n", strings.ReplaceAll(e, "\n", " "))
		}
	}
	if required := c.requiredArtifacts(); required[0] != anyDeliverable {
		fmt.Fprintf(b, "   - Required: %s\n", joinAnd(required))
	}
}

// Words say what the check asks for, with its command; false for the zero Check.
func (c Check) Words() (string, bool) {
	if c.Command != nil {
		return "the command `" + c.Command.Run + "` exits 0", true
	}
	return c.sentence(), c.Kind() != ""
}

// sentence says what the check asks for, without giving a command away.
func (c Check) sentence() string {
	switch c.Kind() {
	case kindCommand:
		return "a command is run on a copy of the work and must succeed"
	case kindFile:
		return c.File.sentence()
	case kindContains:
		s := fmt.Sprintf("%s contains %s", c.Contains.Path, joinQuoted(c.Contains.Texts))
		if c.Contains.IgnoreCase {
			s += ", in upper or lower case"
		}
		return s
	case kindRegex:
		return fmt.Sprintf("%s matches the regular expression `%s`", c.Regex.Path, c.Regex.Pattern)
	case kindSchema:
		return c.Schema.sentence()
	case kindCSV:
		return c.CSV.sentence()
	case kindUnchanged:
		if len(c.Unchanged.Paths) == 0 {
			return "the inputs are as they were handed over"
		}
		return "the inputs " + joinAnd(c.Unchanged.Paths) + " are as they were handed over"
	}
	return "judged by the mentor"
}

func (c *FileCheck) sentence() string {
	if c.MaxCount != nil && *c.MaxCount == 0 {
		return "no file " + c.Path + " exists"
	}
	s := c.Path + " exists"
	if c.Any {
		s = "a file of " + s
	}
	switch low, high := c.MinBytes, c.MaxBytes; {
	case low != nil && *low == 1 && high == nil:
		s += " and is not empty"
	case low != nil && high != nil:
		s += fmt.Sprintf(", with %d to %d bytes", *low, *high)
	case low != nil:
		s += fmt.Sprintf(", with at least %d bytes", *low)
	case high != nil:
		s += fmt.Sprintf(", with at most %d bytes", *high)
	}
	if c.MinCount != nil {
		s += fmt.Sprintf(", at least %d of them", *c.MinCount)
	}
	if c.MaxCount != nil {
		s += fmt.Sprintf(", at most %d of them", *c.MaxCount)
	}
	return s
}

func (c *SchemaCheck) sentence() string {
	if c.File != "" {
		return c.Path + " is JSON and fits a JSON Schema"
	}
	return fmt.Sprintf("%s is JSON and fits the JSON Schema `%s`", c.Path, c.Inline)
}

func (c *CSVCheck) sentence() string {
	s := c.Path + " is a table"
	if len(c.Columns) > 0 {
		s += " with the columns " + joinQuoted(c.Columns)
	}
	if c.Delimiter != "" {
		s += fmt.Sprintf(", delimited by %q", c.Delimiter)
	}
	if c.MinRows != nil {
		s += fmt.Sprintf(", at least %d rows", *c.MinRows)
	}
	if c.MaxRows != nil {
		s += fmt.Sprintf(", at most %d rows", *c.MaxRows)
	}
	return s
}

func joinQuoted(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return joinAnd(quoted)
}

func joinAnd(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
