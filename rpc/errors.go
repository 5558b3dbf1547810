package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"aad/apprentice"
	"aad/internal/proc"

	"github.com/sourcegraph/jsonrpc2"
)

// The codes of error.code that are aad's own. Those of JSON-RPC itself (-32700
// parse error, -32600 invalid request, -32601 method not found, -32602 invalid
// params) are used for what they name; error.data.kind is always there.
const (
	CodeInternal    = -32000
	CodeNotFound    = -32001
	CodeInvalid     = -32002
	CodeConflict    = -32003
	CodeDenied      = -32004
	CodeUnmet       = -32005
	CodeUnavailable = -32006
	CodeCancelled   = -32800
)

// codes is the one table between kinds and codes. Where a kind has several codes,
// its own comes first.
var codes = []struct {
	kind apprentice.Kind
	code int64
}{
	{apprentice.Internal, CodeInternal},
	{apprentice.NotFound, CodeNotFound},
	{apprentice.Invalid, CodeInvalid},
	{apprentice.Conflict, CodeConflict},
	{apprentice.Denied, CodeDenied},
	{apprentice.Unmet, CodeUnmet},
	{apprentice.Unavailable, CodeUnavailable},
	{apprentice.Invalid, jsonrpc2.CodeParseError},
	{apprentice.Invalid, jsonrpc2.CodeInvalidRequest},
	{apprentice.Invalid, jsonrpc2.CodeMethodNotFound},
	{apprentice.Invalid, jsonrpc2.CodeInvalidParams},
}

// kindCancelled is what error.data.kind says of a cancelled call. It is no
// apprentice.Kind: who cancels a call knows it, and on the client's side such an
// error satisfies errors.Is(err, context.Canceled).
const kindCancelled = "cancelled"

// Refusal is an error as it crosses the socket. A client's Call returns one, with
// the *apprentice.Error to be found in it by errors.As; a handler returns one only
// where it has more to say than the Error alone.
type Refusal struct {
	Err        *apprentice.Error
	Code       int64         // 0: the code of Err.Kind
	RetryAfter time.Duration // when to try again; 0: not said
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap gives the error for people.
func (r *Refusal) Unwrap() error { return r.Err }

// RetryAfter says how long err asks to wait before the same call is tried again;
// false when it says nothing of the kind.
func RetryAfter(err error) (time.Duration, bool) {
	var r *Refusal
	if errors.As(err, &r) && r.RetryAfter > 0 {
		return r.RetryAfter, true
	}
	return 0, false
}

// errorData is error.data.
type errorData struct {
	Kind         string `json:"kind"`
	Field        string `json:"field,omitempty"`
	Hint         string `json:"hint,omitempty"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
}

// toWire turns a handler's error into what the caller is told. An
// *apprentice.Error anywhere in the chain is told in its own words, without its
// cause; a cancelled context and a full disk are told as such; of anything else the
// caller learns only that it is in the log.
func toWire(err error) *jsonrpc2.Error {
	var (
		refusal Refusal
		r       *Refusal
		e       *apprentice.Error
	)
	switch {
	case errors.As(err, &r):
		refusal = *r
	case errors.As(err, &e):
		refusal.Err = e
	case errors.Is(err, context.Canceled):
		return wireError(CodeCancelled, "the call was cancelled", errorData{Kind: kindCancelled})
	case proc.IsFull(err):
		refusal.Err = diskFull(err)
	default:
		refusal.Err = apprentice.Errorf(apprentice.Internal, "internal error, see the log of aad")
	}
	kind := refusal.Err.Kind
	if kind == "" {
		kind = apprentice.Internal
	}
	if refusal.Code == 0 {
		refusal.Code = codeOf(kind)
	}
	return wireError(refusal.Code, refusal.Err.Message, errorData{
		Kind:         string(kind),
		Field:        refusal.Err.Field,
		Hint:         refusal.Err.Hint,
		RetryAfterMS: int64((refusal.RetryAfter + time.Millisecond - 1) / time.Millisecond),
	})
}

// diskFull names the file for which there was no room.
func diskFull(err error) *apprentice.Error {
	var file *fs.PathError
	if errors.As(err, &file) {
		err = file
	}
	return apprentice.Errorf(apprentice.Unavailable, "the disk is full: %v", err).WithHint("make room there, then try again; aa du says what aad's own home takes")
}

// fromWire is the client's half of toWire.
func fromWire(w *jsonrpc2.Error) error {
	var data errorData
	if w.Data != nil {
		// Data of another shape is some other server's; code and message remain.
		_ = json.Unmarshal(*w.Data, &data)
	}
	e := &apprentice.Error{
		Kind:    kindOf(w.Code, data.Kind),
		Message: w.Message, Field: data.Field, Hint: data.Hint,
	}
	if w.Code == CodeCancelled {
		e.Err = context.Canceled
	}
	return &Refusal{Err: e, Code: w.Code, RetryAfter: time.Duration(data.RetryAfterMS) * time.Millisecond}
}

func wireError(code int64, message string, data errorData) *jsonrpc2.Error {
	e := &jsonrpc2.Error{Code: code, Message: message}
	e.SetError(data)
	return e
}

func codeOf(kind apprentice.Kind) int64 {
	for _, row := range codes {
		if row.kind == kind {
			return row.code
		}
	}
	return CodeInternal
}

// kindOf prefers what data says, so that codes of a newer aad are still understood.
func kindOf(code int64, said string) apprentice.Kind {
	for _, row := range codes {
		if string(row.kind) == said {
			return row.kind
		}
	}
	for _, row := range codes {
		if row.code == code {
			return row.kind
		}
	}
	if code == CodeCancelled {
		return apprentice.Unavailable
	}
	return apprentice.Internal
}
