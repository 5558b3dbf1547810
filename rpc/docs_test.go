package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"aad/apprentice"
)

var update = flag.Bool("update", false, "print docs/protocol.md's reference from the method table")

const (
	docsPath   = "../docs/protocol.md"
	docsMarker = "<!-- printed from the method table: go test ./rpc -run Docs -update -->\n"
)

func readDocs(t *testing.T) (text, reference string) {
	t.Helper()
	b, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	text, reference, ok := strings.Cut(string(b), docsMarker)
	if !ok {
		t.Fatalf("%s has no line %s", docsPath, docsMarker)
	}
	return text, reference
}

func TestDocsReferenceIsPrintedFromTheTable(t *testing.T) {
	text, reference := readDocs(t)
	var want bytes.Buffer
	want.WriteByte('\n')
	if err := Markdown(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(docsPath, []byte(text+docsMarker+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if reference != want.String() {
		t.Fatalf("%s is not what the method table says; run: go test ./rpc -run Docs -update", docsPath)
	}
}

func TestDocsNameEveryCodeAndLimit(t *testing.T) {
	text, _ := readDocs(t)
	for _, row := range codes {
		if !strings.Contains(text, fmt.Sprintf("| %d | `%s` |", row.code, row.kind)) {
			t.Errorf("no row for %d, %s", row.code, row.kind)
		}
	}
	for _, limit := range []string{
		fmt.Sprintf("%d MiB", MaxMessage>>20), fmt.Sprintf("| %d |", MaxConnections), "1,024", fmt.Sprintf("| %d,%03d |", MaxRate/1000, MaxRate%1000),
		fmt.Sprintf("%.0f s", StallTimeout.Seconds()), fmt.Sprintf("up to %d bytes", maxID-2), fmt.Sprintf("%d bytes", MaxSocketPath),
	} {
		if !strings.Contains(text, limit) {
			t.Errorf("no word of %s", limit)
		}
	}
}

var fence = regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```\n")

func TestDocsExamplesAreWhatHappens(t *testing.T) {
	text, _ := readDocs(t)
	r := exampleRig(t)
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		switch block[1] {
		case "jsonrpc":
			playLines(t, r, block[2])
		case "headers":
			head, body, _ := strings.Cut(strings.TrimSuffix(block[2], "\n"), "\n\n")
			w := r.wire(t)
			w.send(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
			closeWrite(t, w.Conn)
			if got := w.rest(); !strings.HasPrefix(got, "Content-Length: ") || !strings.Contains(got, `"result"`) {
				t.Errorf("%s\nis answered with %s", block[2], got)
			}
		case "sh":
			_, rest, _ := strings.Cut(block[2], "'")
			request, _, _ := strings.Cut(rest, "'")
			checkRequest(t, request)
		default:
			t.Errorf("an example in the language %q is run by nobody", block[1])
		}
	}
}

// exampleRig answers as the examples say. Only ping and errors are compared to the
// letter: results are shortened in the text.
func exampleRig(t *testing.T) *rig {
	return newRig(t, func(s *Server) {
		Handle(s, Ping, func(context.Context, *Peer, Empty) (PingResult, error) { return PingResult{PID: 4711}, nil })
		Handle(s, RunSubmit, func(context.Context, *Peer, RunSubmitParams) (SubmitResult, error) { return SubmitResult{}, nil })
		Handle(s, RunWatch, func(context.Context, *Peer, RunWatchParams) (RunWatchResult, error) { return RunWatchResult{}, nil })
		Handle(s, RunWait, func(ctx context.Context, _ *Peer, _ RunWaitParams) (RunWaitResult, error) {
			<-ctx.Done()
			return RunWaitResult{}, ctx.Err()
		})
		Handle(s, RunGet, func(_ context.Context, _ *Peer, p RunParams) (RunDetail, error) {
			return RunDetail{}, apprentice.Errorf(apprentice.NotFound, "run %q does not exist", p.RunID).WithHint("aa list")
		})
	})
}

// playLines sends the --> lines of one example and compares what comes with the <--
// lines.
func playLines(t *testing.T, r *rig, example string) {
	t.Helper()
	w := r.wire(t)
	asked := map[string]string{} // method by id
	for line := range strings.Lines(strings.TrimSpace(example)) {
		line = strings.TrimSpace(line)
		if sent, ok := strings.CutPrefix(line, "--> "); ok {
			w.send(sent + "\n")
			if json.Valid([]byte(sent)) && sent[0] == '{' {
				m, _ := parse([]byte(sent))
				asked[string(m.id)] = m.method
			}
			continue
		}
		want, ok := strings.CutPrefix(line, "<-- ")
		if !ok {
			t.Errorf("this line has no direction: %s", line)
			continue
		}
		m, f := parse([]byte(want))
		switch {
		case f != nil:
			t.Errorf("%s: %v", want, f)
		case m.method != "":
			checkNotice(t, m)
		case m.err != nil || asked[string(m.id)] == "ping":
			if got := w.line(); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		default:
			w.expect(`"result"`)
			info, _ := Lookup(asked[string(m.id)])
			checkShape(t, info.Name, m.result, info.Result)
		}
	}
}

func checkRequest(t *testing.T, request string) {
	t.Helper()
	m, f := parse([]byte(request))
	if f != nil {
		t.Errorf("%s: %v", request, f)
		return
	}
	info, ok := Lookup(m.method)
	if !ok {
		t.Errorf("%s: no such method", request)
		return
	}
	if m.params != nil {
		checkShape(t, info.Name, m.params, info.Params)
	}
}

func checkNotice(t *testing.T, m message) {
	t.Helper()
	for _, info := range Notices {
		if info.Name == m.method {
			checkShape(t, info.Name, m.params, info.Params)
			return
		}
	}
	t.Errorf("no notification is called %s", m.method)
}

// checkShape reads JSON strictly as the type it is an example of.
func checkShape(t *testing.T, name string, raw json.RawMessage, shape reflect.Type) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(reflect.New(shape).Interface()); err != nil {
		t.Errorf("%s: %s: %v", name, raw, err)
	}
}

func TestTableIsWhole(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(/[a-z]+[A-Za-z]*)?$`)
	key := regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	for _, info := range append(append([]Info{}, Methods...), Notices...) {
		if !name.MatchString(info.Name) || strings.HasSuffix(info.Doc, ".") {
			t.Errorf("%s: %s", info.Name, info.Doc)
		}
		for _, k := range keysOf(info.Params, nil) {
			if !key.MatchString(k) {
				t.Errorf("%s takes %q, which is no snake_case", info.Name, k)
			}
		}
	}
	defer func() {
		if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "ping is defined twice") {
			t.Errorf("a method was defined twice: %v", v)
		}
	}()
	define[Empty, Empty]("ping", "again")
}

func TestNearestNamesOnlyWhatIsNear(t *testing.T) {
	for word, want := range map[string]string{
		"run/submt": "run/submit", "submit": "", "run/lst": "run/list", "": "", "zzzzzzzz": "", "pnig": "ping", "gnip": "",
		strings.Repeat("x", 100): "",
	} {
		if got := apprentice.Nearest(word, methodNames()); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}
