// Package typeschema makes the JSON Schema of a Go type, from its json, doc, min and enum
// tags: the OpenRPC document and the files in schemas/ are made of it.
//
// It links no library, so that aa may use it, and it never checks a document: that
// is internal/schema. Read Maker.Schema first.
package typeschema

import (
	"encoding"
	"encoding/json"
	"path"
	"reflect"
	"strings"
)

// Draft is the version of JSON Schema that the schemas are written in.
const Draft = "http://json-schema.org/draft-07/schema#"

// Maker makes schemas that refer to each other. Its zero value refers to #/name.
type Maker struct {
	Prefix string         // of references, such as "#/definitions/"
	Defs   map[string]any // the schemas of the structs referred to, by name
	// Strict closes objects against keys that their type does not have.
	Strict bool

	names map[reflect.Type]string
}

// Schema returns the schema of t. Structs with a name become references to Defs.
func (m *Maker) Schema(t reflect.Type) map[string]any {
	switch kind := t.Kind(); {
	case t == reflect.TypeFor[json.RawMessage](), kind == reflect.Interface:
		return map[string]any{}
	case kind == reflect.Pointer:
		return OrNull(m.Schema(t.Elem()))
	case kind == reflect.String, t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return map[string]any{"type": "string"}
	case kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	case kind == reflect.Slice || kind == reflect.Array:
		return map[string]any{"type": "array", "items": m.Schema(t.Elem())}
	case kind != reflect.Struct && t.Implements(reflect.TypeFor[json.Marshaler]()):
		return map[string]any{} // written as its own code says
	case kind == reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": m.Schema(t.Elem())}
	case kind == reflect.Struct && t.Name() != "":
		return map[string]any{"$ref": m.Prefix + m.define(t)}
	case kind == reflect.Struct:
		return m.Object(t)
	case kind == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case kind == reflect.Float32 || kind == reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

// Object returns the schema of a struct itself, without a reference.
func (m *Maker) Object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range Fields(t) {
		if f.Optional && f.Type.Kind() == reflect.Pointer { // then nil is left out
			f.Type = f.Type.Elem()
		}
		s := m.Schema(f.Type)
		if !f.Optional && nilIsNull(f.Type) {
			s = OrNull(s)
		}
		if items, isList := s["items"].(map[string]any); isList && f.Enum != nil {
			items["enum"] = f.Enum
		} else if f.Enum != nil {
			s["enum"] = f.Enum
		}
		if f.Min != "" {
			s["minimum"] = json.Number(f.Min)
		}
		if _, isRef := s["$ref"]; isRef && f.Doc != "" {
			s = map[string]any{"allOf": []any{s}} // draft 7 reads nothing beside $ref
		}
		if f.Doc != "" {
			s["description"] = f.Doc
		}
		properties[f.Name] = s
		if !f.Optional {
			required = append(required, f.Name)
		}
	}
	object := map[string]any{"type": "object", "properties": properties}
	if required != nil {
		object["required"] = required
	}
	if m.Strict {
		object["additionalProperties"] = false
	}
	return object
}

// define makes the schema of a named struct once, and returns its name.
func (m *Maker) define(t reflect.Type) string {
	if name, known := m.names[t]; known {
		return name
	}
	if m.names == nil {
		m.names = map[reflect.Type]string{}
	}
	if m.Defs == nil {
		m.Defs = map[string]any{}
	}
	name := t.Name()
	if _, taken := m.Defs[name]; taken {
		name = path.Base(t.PkgPath()) + "." + name
	}
	m.names[t] = name
	m.Defs[name] = nil // it may refer to itself
	m.Defs[name] = m.Object(t)
	return name
}

// Field is a struct's field as it stands in JSON.
type Field struct {
	Name, Doc string
	Type      reflect.Type
	Optional  bool
	Enum      []string // nil: any value of its type
	Min       string   // of a number, as JSON; empty: none
}

// Fields lists the fields of a struct, and those of the structs embedded in it.
func Fields(t reflect.Type) []Field {
	var list []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			list = append(list, Fields(f.Type)...)
			continue
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			name = f.Name
		}
		field := Field{Name: name, Doc: f.Tag.Get("doc"), Type: f.Type, Optional: strings.Contains(options, "omit"), Min: f.Tag.Get("min")}
		if words := f.Tag.Get("enum"); words != "" {
			field.Enum = strings.Split(words, "|")
		}
		list = append(list, field)
	}
	return list
}

// nilIsNull reports whether the zero value of a type is written as null.
func nilIsNull(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Map) && !t.Implements(reflect.TypeFor[json.Marshaler]())
}

// OrNull lets null stand where s does.
func OrNull(s map[string]any) map[string]any {
	word, plain := s["type"].(string)
	switch {
	case plain && s["enum"] == nil:
		s["type"] = []string{word, "null"}
		return s
	case len(s) == 0:
		return s
	}
	return map[string]any{"anyOf": []any{s, map[string]any{"type": "null"}}}
}
