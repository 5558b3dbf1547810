package grading

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"aad/internal/schema"
)

// maxTimeoutSeconds is a day; a check that needs longer is a task of its own.
const maxTimeoutSeconds = 24 * 60 * 60

var checkKinds = []string{kindCommand, kindFile, kindContains, kindRegex, kindSchema, kindCSV, kindUnchanged}

func (r *reading) check(n *yaml.Node, at string) Check {
	m := r.mapping(n, at, checkKinds...)
	if r.err != nil {
		return Check{}
	}
	if len(m) != 1 {
		r.fault(n, at, "names %d checks; a criterion has exactly one of %v", len(m), checkKinds)
		return Check{}
	}
	var c Check
	for kind, n := range m {
		at := join(at, kind)
		switch kind {
		case kindCommand:
			c.Command = r.command(n, at)
		case kindFile:
			c.File = r.file(n, at)
		case kindContains:
			c.Contains = r.contains(n, at)
		case kindRegex:
			c.Regex = r.regex(n, at)
		case kindSchema:
			c.Schema = r.jsonSchema(n, at)
		case kindCSV:
			c.CSV = r.csv(n, at)
		case kindUnchanged:
			c.Unchanged = r.unchanged(n, at)
		}
	}
	return c
}

// need gives the value of a key that must be there.
func (r *reading) need(m map[string]*yaml.Node, n *yaml.Node, at, key string) *yaml.Node {
	if m[key] == nil && r.err == nil {
		r.fault(n, join(at, key), "is missing")
	}
	return m[key]
}

func (r *reading) command(n *yaml.Node, at string) *CommandCheck {
	m := r.mapping(n, at, "run", "files", "timeout_seconds")
	c := &CommandCheck{
		Run:            r.text(r.need(m, n, at, "run"), at+".run"),
		Files:          r.paths(m["files"], at+".files"),
		TimeoutSeconds: r.number(m["timeout_seconds"], at+".timeout_seconds", 0),
	}
	if m["timeout_seconds"] != nil && (c.TimeoutSeconds < 0.001 || c.TimeoutSeconds > maxTimeoutSeconds) {
		r.fault(m["timeout_seconds"], at+".timeout_seconds", "must be above 0 and at most %d, is %g", maxTimeoutSeconds, c.TimeoutSeconds)
	}
	return c
}

func (r *reading) file(n *yaml.Node, at string) *FileCheck {
	m := r.mapping(n, at, "path", "min_bytes", "max_bytes", "min_count", "max_count", "any")
	c := &FileCheck{
		Path:     r.glob(r.need(m, n, at, "path"), at+".path"),
		MinBytes: r.count(m["min_bytes"], at+".min_bytes"),
		MaxBytes: r.count(m["max_bytes"], at+".max_bytes"),
		MinCount: r.count(m["min_count"], at+".min_count"),
		MaxCount: r.count(m["max_count"], at+".max_count"),
		Any:      r.truth(m["any"], at+".any", false),
	}
	r.ordered(n, at, "bytes", c.MinBytes, c.MaxBytes)
	r.ordered(n, at, "count", c.MinCount, c.MaxCount)
	return c
}

func (r *reading) ordered(n *yaml.Node, at, what string, low, high *int64) {
	if low != nil && high != nil && *low > *high {
		r.fault(n, at, "min_%s %d is above max_%s %d", what, *low, what, *high)
	}
}

func (r *reading) contains(n *yaml.Node, at string) *ContainsCheck {
	m := r.mapping(n, at, "path", "text", "texts", "ignore_case")
	c := &ContainsCheck{
		Path:       r.glob(r.need(m, n, at, "path"), at+".path"),
		Texts:      r.texts(m["texts"], at+".texts"),
		IgnoreCase: r.truth(m["ignore_case"], at+".ignore_case", false),
	}
	if (m["text"] == nil) == (m["texts"] == nil) {
		r.fault(n, at, "needs one of text and texts")
	}
	if m["text"] != nil {
		c.Texts = []string{r.text(m["text"], at+".text")}
	}
	return c
}

func (r *reading) regex(n *yaml.Node, at string) *RegexCheck {
	m := r.mapping(n, at, "path", "pattern")
	c := &RegexCheck{
		Path:    r.glob(r.need(m, n, at, "path"), at+".path"),
		Pattern: r.text(r.need(m, n, at, "pattern"), at+".pattern"),
	}
	if r.err == nil {
		if _, err := regexp.Compile(c.Pattern); err != nil {
			r.fault(m["pattern"], at+".pattern", "is not a regular expression (RE2): %v", err)
		}
	}
	return c
}

func (r *reading) jsonSchema(n *yaml.Node, at string) *SchemaCheck {
	m := r.mapping(n, at, "path", "schema")
	c := &SchemaCheck{Path: r.glob(r.need(m, n, at, "path"), at+".path")}
	s := r.need(m, n, at, "schema")
	if r.err != nil {
		return c
	}
	if s.Kind == yaml.ScalarNode && s.Tag == "!!str" {
		c.File = r.path(s, at+".schema")
		return c
	}
	doc, err := treeJSON(s, 0)
	if err != nil {
		r.fault(s, at+".schema", "%v", err)
		return c
	}
	if _, err := schema.Compile(doc); err != nil {
		r.fault(s, at+".schema", "%v", err)
	}
	// Kept as it comes back from a stored spec, keys in order.
	var tree any
	if err = json.Unmarshal(doc, &tree); err == nil {
		c.Inline, err = json.Marshal(tree)
	}
	if err != nil {
		r.fault(s, at+".schema", "%v", err)
	}
	return c
}

func (r *reading) csv(n *yaml.Node, at string) *CSVCheck {
	m := r.mapping(n, at, "path", "columns", "min_rows", "max_rows", "delimiter")
	c := &CSVCheck{
		Path:    r.glob(r.need(m, n, at, "path"), at+".path"),
		Columns: r.texts(m["columns"], at+".columns"),
		MinRows: r.count(m["min_rows"], at+".min_rows"),
		MaxRows: r.count(m["max_rows"], at+".max_rows"),
	}
	r.ordered(n, at, "rows", c.MinRows, c.MaxRows)
	if d := m["delimiter"]; d != nil && r.err == nil {
		if d.Value == "tab" {
			d.Value = "\t"
		}
		first, size := utf8.DecodeRuneInString(d.Value)
		if d.Tag != "!!str" || size != len(d.Value) || slices.Contains([]rune{0, '"', '\r', '\n', utf8.RuneError}, first) {
			r.fault(d, at+".delimiter", "must be one character or tab, is %s", strconv.Quote(d.Value))
		}
		c.Delimiter = d.Value
	}
	return c
}

func (r *reading) unchanged(n *yaml.Node, at string) *UnchangedCheck {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return &UnchangedCheck{}
	}
	m := r.mapping(n, at, "paths")
	return &UnchangedCheck{Paths: r.paths(m["paths"], at+".paths")}
}

// glob reads a workspace path that may hold wildcards; a folder with a slash at
// its end means all files below it.
func (r *reading) glob(n *yaml.Node, field string) string {
	p := r.path(n, field)
	if err := checkGlob(p); err != nil && r.err == nil {
		r.fault(n, field, "%q %v", p, err)
	}
	return p
}

// treeJSON writes a part of the tree as JSON.
func treeJSON(n *yaml.Node, depth int) (json.RawMessage, error) {
	switch {
	case depth > maxDepth:
		return nil, fmt.Errorf("is nested deeper than %d", maxDepth)
	case n.Kind == yaml.MappingNode:
		return objectJSON(n, depth)
	case n.Kind == yaml.SequenceNode:
		items := make([]json.RawMessage, 0, len(n.Content))
		for _, child := range n.Content {
			item, err := treeJSON(child, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return json.Marshal(items)
	case n.Kind != yaml.ScalarNode:
		return nil, errors.New("holds a YAML alias, which rubric files do not use")
	}
	switch n.Tag {
	case "!!int", "!!float":
		if !json.Valid([]byte(n.Value)) {
			return nil, fmt.Errorf("line %d: %s is not a JSON number", n.Line, strconv.Quote(n.Value))
		}
		return json.RawMessage(n.Value), nil
	case "!!bool", "!!null":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return json.Marshal(v)
	}
	return json.Marshal(n.Value)
}

func objectJSON(n *yaml.Node, depth int) (json.RawMessage, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: a key is %s", n.Content[i].Line, kindOf(n.Content[i]))
		}
		key, err := json.Marshal(n.Content[i].Value)
		if err != nil {
			return nil, err
		}
		value, err := treeJSON(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
