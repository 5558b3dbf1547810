package rpc

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
)

type keysInner struct {
	Path string `json:"path"`
}

type keysParams struct {
	RunParams
	Limit  int            `json:"limit"`
	Files  []keysInner    `json:"files,omitempty"`
	One    *keysInner     `json:"one,omitempty"`
	Any    map[string]any `json:"any,omitempty"`
	Counts map[string]int `json:"counts,omitempty"`
}

func TestKeysAreThoseThatAreDocumented(t *testing.T) {
	for params, want := range map[string]string{
		`{"run_id":"x","limit":0}`: "",
		`{"limit":1,"run_id":"x","files":[{"path":"a"},{}],"one":{},"any":{"A":1,"a":{"Path":2}},"counts":null}`: "",
		`null`:                                                         `run_id is missing|limit is missing`,
		`{"run_id":"x"}`:                                               `limit is missing`,
		`{"run_id":"x","limit":null}`:                                  `limit is missing`,
		`{"run_id":"x","limit":1,"Limit":2}`:                           `unknown parameter "Limit"`,
		`{"run_id":"x","limit":1,"limit":2}`:                           `parameter "limit" stands twice`,
		`{"run_id":"x","limit":1,"any":{"a":1,"a":2}}`:                 `parameter "a" stands twice`,
		`{"run_id":"x","limit":1,"one":{"PATH":"a"}}`:                  `unknown parameter "PATH"`,
		`{"run_id":"x","limit":1,"files":[{"path":"a"},{"patH":"b"}]}`: `unknown parameter "patH"`,
		`{"run_id":"x","limit":1,"counts":{"\u0061":1,"a":2}}`:         `parameter "a" stands twice`,
	} {
		_, err := decodeParams[keysParams](json.RawMessage(params))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if !slices.Contains(strings.Split(want, "|"), got) || (err != nil && apprentice.KindOf(err) != apprentice.Invalid) {
			t.Errorf("%s: %q, want %q", params, got, want)
		}
	}
}
