package mcpserver

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// lineReader is what the SDK reads of a client. A line that is no message is answered
// here, as JSON-RPC 2.0 wants it: the SDK would end the session.
type lineReader struct {
	in   *bufio.Scanner
	out  io.Writer // takes a line at a time
	rest []byte    // of the line that is being read
}

// stdio has the SDK speak on in and out, and close in at its end.
func stdio(in io.ReadCloser, out io.Writer) *mcp.IOTransport {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mcp.DefaultMaxLineLength)
	return &mcp.IOTransport{
		Reader: struct {
			io.Reader
			io.Closer
		}{&lineReader{in: lines, out: out}, in},
		Writer: struct {
			io.Writer
			io.Closer
		}{out, io.NopCloser(nil)},
	}
}

// Read returns io.EOF once the client has ended its side.
func (l *lineReader) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		if !l.in.Scan() {
			return 0, cmp.Or(l.in.Err(), io.EOF)
		}
		line := bytes.TrimSpace(l.in.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := l.check(line); err != nil {
			if _, err := fmt.Fprintln(l.out, string(err)); err != nil {
				return 0, err
			}
			continue
		}
		l.rest = append(bytes.Clone(line), '\n')
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// check returns the answer to a line that is no message, nil for one that is. A batch
// is the SDK's to judge, which knows the protocol's version.
func (l *lineReader) check(line []byte) (answer []byte) {
	code, message := jsonrpc.CodeParseError, "the line is no JSON: a message is one line"
	var head struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Valid(line) {
		if _, err := jsonrpc.DecodeMessage(line); err == nil || line[0] == '[' {
			return nil
		}
		code, message = jsonrpc.CodeInvalidRequest, "the line is no JSON-RPC 2.0 message"
		_ = json.Unmarshal(line, &head) // what has no id is answered without
	}
	if len(head.ID) == 0 || head.ID[0] == '{' || head.ID[0] == '[' {
		head.ID = json.RawMessage("null")
	}
	answer, _ = json.Marshal(map[string]any{"jsonrpc": "2.0", "id": head.ID,
		"error": map[string]any{"code": code, "message": message}}) // holds nothing that cannot be written
	return answer
}
