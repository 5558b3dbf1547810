package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"aad/apprentice"

	"github.com/sourcegraph/jsonrpc2"
)

// decodeParams reads a call's parameters strictly: anything but an object is refused,
// and so is a key that P does not have, one that stands twice, and an object that lacks
// what P needs. Missing parameters are an empty object.
func decodeParams[P any](raw json.RawMessage) (P, error) {
	var p P
	if isNull(raw) {
		raw = json.RawMessage("{}")
	}
	if raw[0] != '{' {
		return p, badParams("", "params must be an object, not %s", jsonWord(raw[0]))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, explainDecode(err, reflect.TypeFor[P]())
	}
	return p, checkKeys[P](raw)
}

func badParams(field, format string, args ...any) *Refusal {
	e := apprentice.Errorf(apprentice.Invalid, format, args...).WithField(field)
	return &Refusal{Err: e, Code: jsonrpc2.CodeInvalidParams}
}

// explainDecode says in words what the decoder refused.
func explainDecode(err error, params reflect.Type) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field := wrong.Field
		if field == "" {
			field = "params"
		}
		return badParams(wrong.Field, "%s must be %s, not %s", field, typeWord(wrong.Type), strings.TrimPrefix(wrong.Value, "number "))
	}
	// encoding/json has no type for this error.
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		key, err := strconv.Unquote(name)
		if err != nil {
			key = name
		}
		return unknownKey(key, params)
	}
	return badParams("", "params cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
}

func unknownKey(key string, params reflect.Type) error {
	refusal := badParams(clip(key), "unknown parameter %q", clip(key))
	if near := apprentice.Nearest(key, keysOf(params, nil)); near != "" {
		refusal.Err = refusal.Err.WithHint("did you mean %q?", near)
	}
	return refusal
}

// keysOf collects the JSON keys of t and of what it holds.
func keysOf(t reflect.Type, seen []reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, s := range seen {
		if s == t {
			return nil
		}
	}
	seen = append(seen, t)
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, ok := jsonKey(f); ok {
			keys = append(keys, name)
		}
		keys = append(keys, keysOf(f.Type, seen)...)
	}
	return keys
}

// jsonKey returns the key of a field and whether it may be left out; false for a
// field that has none of its own.
func jsonKey(f reflect.StructField) (name string, optional, ok bool) {
	tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if tag == "-" || !f.IsExported() || (f.Anonymous && tag == "") {
		return "", false, false
	}
	if tag == "" {
		tag = f.Name
	}
	return tag, strings.Contains(options, "omit"), true
}

// typeWord names the JSON a Go type is written as.
func typeWord(t reflect.Type) string {
	if isText(t) {
		return "text"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeWord(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0"
	default:
		return "a whole number"
	}
}

func jsonWord(first byte) string {
	switch {
	case first == '[':
		return "an array"
	case first == '"':
		return "text"
	case first == 't' || first == 'f':
		return "true or false"
	default:
		return "a number"
	}
}

// unknownMethod refuses a method that is not there.
func unknownMethod(name string) *Refusal {
	e := apprentice.Errorf(apprentice.Invalid, "unknown method %q", clip(name))
	if near := apprentice.Nearest(name, methodNames()); near != "" {
		e = e.WithHint("did you mean %q?", near)
	}
	return &Refusal{Err: e, Code: jsonrpc2.CodeMethodNotFound}
}

// clip keeps a name we repeat short.
func clip(name string) string {
	if len(name) > 64 {
		return strings.ToValidUTF8(name[:64], "") + fmt.Sprintf("… (%d bytes)", len(name))
	}
	return name
}
