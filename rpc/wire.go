package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"aad/apprentice"

	"github.com/sourcegraph/jsonrpc2"
)

// maxID bounds an id as it is written, with its quotes: it is kept as long as its call.
const maxID = 256

// message is one JSON-RPC message taken apart. Its slices share the bytes it was
// parsed from.
type message struct {
	id     json.RawMessage // nil: none, so a notification
	key    jsonrpc2.ID     // id, for maps
	method string          // "" in a response
	params json.RawMessage // nil: none
	result json.RawMessage // of a response without error
	err    json.RawMessage // of a response with one
}

// fault is a message that cannot be taken, and what its sender is told.
type fault struct {
	code    int64
	message string
	id      json.RawMessage // nil: the id could not be found out
	ends    bool            // the framing is lost: nothing more can be read
}

func (f *fault) Error() string { return f.message }

func (f *fault) wire() *jsonrpc2.Error {
	return wireError(f.code, f.message, errorData{Kind: string(apprentice.Invalid)})
}

// envelope is the outermost object of a message; nil is a member that is not there.
type envelope struct {
	version, id, method, params, result, err json.RawMessage
}

// take finds the members of a message. Those it does not know are ignored.
func (e *envelope) take(key string, value []byte) {
	switch key {
	case "jsonrpc":
		e.version = value
	case "id":
		e.id = value
	case "method":
		e.method = value
	case "params":
		e.params = value
	case "result":
		e.result = value
	case "error":
		e.err = value
	}
}

// parse takes one message apart, and refuses what the library would misread:
// batches, ids that are neither text nor a whole number from 0, missing versions.
func parse(data []byte) (message, *fault) {
	if !json.Valid(data) {
		return message{}, badJSON(data)
	}
	if !utf8.Valid(data) {
		return message{}, &fault{code: jsonrpc2.CodeParseError, message: "the message is no UTF-8"}
	}
	var e envelope
	if !members(data, e.take) {
		if bytes.TrimSpace(data)[0] == '[' {
			return message{}, invalidRequest(nil, "batches are not taken: send each request as a message of its own")
		}
		return message{}, invalidRequest(nil, "a message is an object")
	}
	if string(e.version) != `"2.0"` {
		return message{}, invalidRequest(e.id, `the message needs "jsonrpc":"2.0"`)
	}
	if e.method == nil {
		return parseResponse(e)
	}
	if e.method[0] != '"' || len(e.method) == len(`""`) {
		return message{}, invalidRequest(e.id, "the method must be a name")
	}
	if e.result != nil || e.err != nil {
		return message{}, invalidRequest(e.id, "the message has both a method and a result")
	}
	m := message{id: e.id, method: textOf(e.method), params: e.params}
	if m.id != nil {
		key, ok := parseID(m.id)
		if !ok {
			return message{}, invalidRequest(e.id, fmt.Sprintf(
				"an id is text of up to %d bytes, or a whole number from 0 that fits 63 bits; leave it out for a notification", maxID-len(`""`)))
		}
		m.key = key
	}
	return m, nil
}

// badJSON says where data stops being JSON.
func badJSON(data []byte) *fault {
	text := "invalid JSON"
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(data, new(json.RawMessage)), &syntax) {
		text = fmt.Sprintf("invalid JSON at byte %d: %s", syntax.Offset, syntax)
	}
	return &fault{code: jsonrpc2.CodeParseError, message: text}
}

func parseResponse(e envelope) (message, *fault) {
	m := message{id: e.id, result: e.result}
	if !isNull(e.err) {
		m.err, m.result = e.err, nil
	}
	if m.err == nil && m.result == nil {
		return message{}, invalidRequest(e.id, "the message has neither a method nor a result")
	}
	if !isNull(e.id) {
		key, ok := parseID(e.id)
		if !ok {
			return message{}, invalidRequest(e.id, "the response's id was never given out")
		}
		m.key = key
		return m, nil
	}
	if m.err == nil {
		return message{}, invalidRequest(e.id, "the response has no id")
	}
	m.id = nil
	return m, nil
}

func invalidRequest(id json.RawMessage, text string) *fault {
	f := &fault{code: jsonrpc2.CodeInvalidRequest, message: text}
	if len(id) <= maxID && len(id) > 0 && (id[0] == '"' || id[0] == '-' || isDigit(id[0])) {
		f.id = id
	}
	return f
}

// parseID reads an id as the library keeps it. It takes only what comes back as it
// went: the library would send -5 back as 18446744073709551611.
func parseID(raw json.RawMessage) (jsonrpc2.ID, bool) {
	if len(raw) == 0 || len(raw) > maxID {
		return jsonrpc2.ID{}, false
	}
	if raw[0] == '"' {
		id := jsonrpc2.ID{IsString: true}
		return id, json.Unmarshal(raw, &id.Str) == nil
	}
	n, err := strconv.ParseUint(string(raw), 10, 63)
	return jsonrpc2.ID{Num: n}, err == nil
}

func isNull(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }
func isDigit(b byte) bool             { return '0' <= b && b <= '9' }

func isLetter(b byte) bool {
	b |= 0x20
	return 'a' <= b && b <= 'z'
}

// appendRequest appends a request, or a notification where id is nil. A nil params
// is left out.
func appendRequest(b []byte, id json.RawMessage, method string, params json.RawMessage) []byte {
	b = append(b, `{"jsonrpc":"2.0"`...)
	if id != nil {
		b = append(append(b, `,"id":`...), id...)
	}
	b = appendText(append(b, `,"method":`...), method)
	if params != nil {
		b = append(append(b, `,"params":`...), params...)
	}
	return append(b, '}')
}

// appendError appends the response that refuses id; nil becomes null.
func appendError(b []byte, id json.RawMessage, e *jsonrpc2.Error) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	b = append(append(b, `{"jsonrpc":"2.0","id":`...), id...)
	b = strconv.AppendInt(append(b, `,"error":{"code":`...), e.Code, 10)
	b = appendText(append(b, `,"message":`...), e.Message)
	if e.Data != nil {
		b = append(append(b, `,"data":`...), *e.Data...)
	}
	return append(b, '}', '}')
}

// appendText appends s as JSON text.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, encodeText(s)...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func encodeText(s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// Text always has an encoding: bytes that are no UTF-8 are replaced.
	_ = enc.Encode(s)
	return bytes.TrimRight(buf.Bytes(), "\n")
}
