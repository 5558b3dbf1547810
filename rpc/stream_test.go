package rpc

import (
	"fmt"
	"strings"
	"testing"
)

const echoLine = `{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"text":"hi"}}`
const echoAnswer = `{"jsonrpc":"2.0","id":1,"result":{"text":"hi"}}`

func header(body string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

func TestLinesAreAnsweredInLines(t *testing.T) {
	for name, input := range map[string]string{
		"newline":         echoLine + "\n",
		"CRLF":            echoLine + "\r\n",
		"blank lines":     "\r\n \n\t" + echoLine + "  \r\n",
		"spread members":  `{ "params" : {"text":"hi"} , "method":"test/echo", "id": 1, "jsonrpc" : "2.0" }` + "\n",
		"unknown members": `{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"text":"hi"},"trace":[1]}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newRig(t).wire(t)
			w.send(input + input)
			for range 2 {
				if got := w.line(); got != echoAnswer && !strings.Contains(got, "in use") {
					t.Fatalf("got %s", got)
				}
			}
		})
	}
}

func TestHeadersAreAnsweredWithHeaders(t *testing.T) {
	for name, input := range map[string]string{
		"bare":          header(echoLine),
		"vscode":        "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n" + header(echoLine),
		"utf8 unquoted": "content-type: application/vscode-jsonrpc; charset=utf8\r\n" + header(echoLine),
		"after length":  fmt.Sprintf("content-length:%d\r\nContent-Type: application/json\r\nX: y\r\n\r\n%s", len(echoLine), echoLine),
		"bare newlines": strings.ReplaceAll(header(echoLine), "\r\n", "\n"),
		"padded body":   header(echoLine + strings.Repeat(" ", 9000)),
		"blank between": "\r\n" + header(echoLine),
	} {
		t.Run(name, func(t *testing.T) {
			w := newRig(t).wire(t)
			for range 2 { // the second must be found again
				w.send(input)
				w.expect(fmt.Sprintf("Content-Length: %d\r", len(echoAnswer)))
				w.expect("\r")
				got := make([]byte, len(echoAnswer))
				if _, err := w.r.Read(got); err != nil || string(got) != echoAnswer {
					t.Fatalf("got %q, %v", got, err)
				}
			}
		})
	}
}

func TestFaultIsAnsweredAndTheConnectionGoesOn(t *testing.T) {
	deep := strings.Repeat("[", 200_000)
	for name, test := range map[string]struct{ input, want string }{
		"no JSON":           {`{"jsonrpc":`, `"id":null,"error":{"code":-32700`},
		"deep":              {`{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"text":` + deep, `"code":-32700`},
		"deep and closed":   {`{"params":` + deep + strings.Repeat("]", 200_000) + `}`, `"code":-32700`},
		"text":              {`"hello"`, `"code":-32600`},
		"number":            {`17`, `"code":-32600`},
		"batch":             {`[` + echoLine + `]`, `batches are not taken`},
		"empty batch":       {`[]`, `batches are not taken`},
		"no version":        {`{"id":1,"method":"test/echo"}`, `"id":1,"error":{"code":-32600`},
		"old version":       {`{"jsonrpc":"1.0","id":1,"method":"test/echo"}`, `"code":-32600`},
		"number as version": {`{"jsonrpc":2.0,"id":1,"method":"test/echo"}`, `"code":-32600`},
		"negative id":       {`{"jsonrpc":"2.0","id":-5,"method":"test/echo"}`, `"id":-5,"error":{"code":-32600`},
		"fractional id":     {`{"jsonrpc":"2.0","id":1.5,"method":"test/echo"}`, `"id":1.5,"error":{"code":-32600`},
		"huge id":           {`{"jsonrpc":"2.0","id":9223372036854775808,"method":"test/echo"}`, `"code":-32600`},
		"null id":           {`{"jsonrpc":"2.0","id":null,"method":"test/echo"}`, `"id":null,"error":{"code":-32600`},
		"object as id":      {`{"jsonrpc":"2.0","id":{},"method":"test/echo"}`, `"id":null,"error":{"code":-32600`},
		"long id":           {`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 300) + `","method":"test/echo"}`, `"id":null,"error":{"code":-32600`},
		"method and result": {`{"jsonrpc":"2.0","id":1,"method":"test/echo","result":1}`, `"code":-32600`},
		"neither":           {`{"jsonrpc":"2.0","id":1}`, `"code":-32600`},
		"nameless method":   {`{"jsonrpc":"2.0","method":""}`, `"code":-32600`},
		"number as method":  {`{"jsonrpc":"2.0","id":1,"method":7}`, `"id":1,"error":{"code":-32600`},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			lines, headers := r.wire(t), r.wire(t)
			if test.input[0] != '"' && test.input[0] != '1' {
				lines.send(test.input + "\n")
				lines.expect(test.want)
			}
			lines.send(echoLine + "\n")
			lines.expect(`"result":{"text":"hi"}`)
			headers.send(header(test.input))
			headers.expect("Content-Length")
			headers.expect("\r")
			headers.send(header(echoLine))
			headers.expect(test.want) // the body has no newline: the next header follows it
			headers.expect("\r")
		})
	}
}

func TestIDComesBackAsItWasSent(t *testing.T) {
	w := newRig(t).wire(t)
	for _, id := range []string{`0`, `1`, `9223372036854775807`, `""`, `"a"`, `"1"`, `"é\u0000<&>"`} {
		w.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"test/echo"}` + "\n")
		w.expect(`{"jsonrpc":"2.0","id":` + id + `,"result":{}}`)
	}
}

func TestStrayMessagesAreIgnored(t *testing.T) {
	w := newRig(t).wire(t)
	w.send(`{"jsonrpc":"2.0","method":"$/setTrace","params":{"value":"off"}}` + "\n")
	w.send(`{"jsonrpc":"2.0","method":"no/such"}` + "\n")
	w.send(`{"jsonrpc":"2.0","id":1,"result":null}` + "\n")
	w.send(`{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"?"}}` + "\n")
	w.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":77}}` + "\n")
	w.send(`{"jsonrpc":"2.0","method":"$/cancelRequest"}` + "\n")
	w.send(echoLine + "\n")
	w.expect(echoAnswer)
}

func TestMessageOverTheLimitIsRefusedAndTheConnectionEnds(t *testing.T) {
	r := newRig(t)
	for name, input := range map[string]string{
		"line":           `{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"text":"` + strings.Repeat("x", MaxMessage+20_000),
		"announced":      "Content-Length: 4194305\r\n\r\n",
		"announced huge": "Content-Length: 2000000000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := r.wire(t)
			// The server hangs up in the middle of what we write.
			_, _ = w.Write([]byte(input))
			if got := w.rest(); !strings.Contains(got, "larger than 4194304 bytes") {
				t.Fatalf("got %.200q", got)
			}
		})
	}
}

func TestMessageAtTheLimitIsTaken(t *testing.T) {
	w := newRig(t).wire(t)
	head, tail := `{"jsonrpc":"2.0","id":1,"method":"test/echo","params":{"text":"`, `"}}`
	body := head + strings.Repeat("x", MaxMessage-len(head)-len(tail)) + tail
	w.send(header(body))
	w.expect("Content-Length: 41942")
}

func TestLostFramingIsExplainedBeforeTheConnectionEnds(t *testing.T) {
	r := newRig(t)
	const inLine, inHeaders = `{"jsonrpc"`, "Content-Length: " // who speaks as language servers do is answered so
	for name, test := range map[string]struct{ input, begins, want string }{
		"words":         {"hello\n", inLine, "neither a JSON object nor a Content-Length header"},
		"HTTP":          {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", inLine, "neither a JSON object"},
		"no length":     {"Content-Type: x\r\n\r\n{}", inHeaders, "no Content-Length"},
		"two lengths":   {"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", inHeaders, "stands twice"},
		"bad length":    {"Content-Length: many\r\n\r\n", inHeaders, "whole number"},
		"bad charset":   {"Content-Type: text/plain; charset=latin1\r\nContent-Length: 2\r\n\r\n{}", inHeaders, "utf-8"},
		"long header":   {"X: " + strings.Repeat("y", 20_000), inLine, "too long"},
		"endless lines": {strings.Repeat("X: y\r\n", 2000), inLine, "too long"},
		"words later":   {header(echoLine) + "hello\n", inHeaders, "neither a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			w := r.wire(t)
			_, _ = w.Write([]byte(test.input)) // the server may hang up before its end
			if got := w.rest(); !strings.Contains(got, test.want) || !strings.HasPrefix(got, test.begins) || strings.HasSuffix(got, "\n") != (test.begins == inLine) {
				t.Fatalf("got %q", got)
			}
		})
	}
}

func TestCallsOfAHalfClosedConnectionAreAnswered(t *testing.T) {
	r := newRig(t)
	for name, input := range map[string]string{"line": echoLine + "\n", "unended line": echoLine, "headers": header(echoLine)} {
		t.Run(name, func(t *testing.T) {
			w := r.wire(t)
			w.send(input)
			closeWrite(t, w.Conn)
			if got := w.rest(); !strings.Contains(got, echoAnswer) {
				t.Fatalf("got %q", got)
			}
		})
	}
}

func TestManyCallsInOneWriteAreAllAnswered(t *testing.T) {
	w := newRig(t).wire(t)
	var all strings.Builder
	for i := range 500 {
		fmt.Fprintf(&all, `{"jsonrpc":"2.0","id":%d,"method":"test/echo","params":{"n":%d}}`+"\n", i, i)
	}
	w.send(all.String())
	seen := map[string]bool{}
	for range 500 {
		seen[w.line()] = true
	}
	if len(seen) != 500 {
		t.Fatalf("%d different answers", len(seen))
	}
}
