package mcpserver

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLineThatIsNoMessageIsAnsweredAndPassedOver(t *testing.T) {
	const good = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for line, want := range map[string]string{
		good:                                     "",
		"  " + good + " \r":                      "",
		`[` + good + `]`:                         "", // the SDK knows whether the version takes batches
		"":                                       "",
		"hello":                                  `{"error":{"code":-32700,"message":"the line is no JSON: a message is one line"},"id":null,"jsonrpc":"2.0"}`,
		`{"jsonrpc":"2.0"`:                       `{"error":{"code":-32700,"message":"the line is no JSON: a message is one line"},"id":null,"jsonrpc":"2.0"}`,
		`{"id":7,"method":"x"}`:                  `{"error":{"code":-32600,"message":"the line is no JSON-RPC 2.0 message"},"id":7,"jsonrpc":"2.0"}`,
		`{"jsonrpc":"2.0","id":{},"method":"x"}`: `{"error":{"code":-32600,"message":"the line is no JSON-RPC 2.0 message"},"id":null,"jsonrpc":"2.0"}`,
		`7`:                                      `{"error":{"code":-32600,"message":"the line is no JSON-RPC 2.0 message"},"id":null,"jsonrpc":"2.0"}`,
	} {
		var out bytes.Buffer
		in := io.NopCloser(iotest.HalfReader(strings.NewReader(line + "\n" + good)))
		read, err := io.ReadAll(stdio(in, &out).Reader)
		passed := strings.TrimSpace(line) + "\n"
		if want != "" || line == "" {
			passed = ""
		}
		if got := strings.TrimSpace(out.String()); err != nil || string(read) != passed+good+"\n" || got != want {
			t.Errorf("%q: the SDK reads %q, %v; the answer is %s, want %s", line, read, err, got, want)
		}
	}
}
