package rpc

import (
	"bytes"
	"encoding/json"
	"reflect"

	"aad/internal/typeschema"
)

// checkKeys holds the keys of parameters that were read as P against its documented
// ones, which is stricter than encoding/json: each is spelt as it is documented and
// stands once, and what P needs is there and not null.
func checkKeys[P any](raw json.RawMessage) error {
	k := keyCheck{params: reflect.TypeFor[P]()}
	given, err := k.object(raw, k.params)
	if err != nil {
		return err
	}
	for key, f := range fieldsOf(k.params) {
		if !f.Optional && !given[key] {
			return badParams(key, "%s is missing", key)
		}
	}
	return nil
}

// keyCheck looks through one call's parameters.
type keyCheck struct{ params reflect.Type }

// object returns the keys of an object that hold a value.
func (k keyCheck) object(raw json.RawMessage, t reflect.Type) (given map[string]bool, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil { // the brace
		return nil, err
	}
	fields, seen := fieldsOf(t), map[string]bool{}
	given = map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		f, known := fields[key]
		switch {
		case seen[key]:
			return nil, badParams(clip(key), "parameter %q stands twice", clip(key))
		case !known && t.Kind() == reflect.Struct:
			return nil, unknownKey(key, k.params)
		case !known:
			f.Type = t.Elem()
		}
		seen[key], given[key] = true, !isNull(value)
		if err := k.value(value, f.Type); err != nil {
			return nil, err
		}
	}
	return given, nil
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// value looks into objects, and into arrays of them. What reads itself is left alone.
func (k keyCheck) value(raw json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if isNull(raw) || reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	switch {
	case raw[0] == '{' && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		_, err := k.object(raw, t)
		return err
	case raw[0] == '[' && t.Kind() == reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return err
		}
		for _, item := range items {
			if err := k.value(item, t.Elem()); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldsOf returns the keys that a struct is written with, none for another type.
func fieldsOf(t reflect.Type) map[string]typeschema.Field {
	fields := map[string]typeschema.Field{}
	if t.Kind() == reflect.Struct {
		for _, f := range typeschema.Fields(t) {
			fields[f.Name] = f
		}
	}
	return fields
}
