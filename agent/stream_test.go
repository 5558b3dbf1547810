package agent

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
)

var update = flag.Bool("update", false, "write the golden traces anew")

// formats are the readers by the name of their folder in testdata/streams.
var formats = map[string]func(*account) reader{
	"codex": newCodexStream, "claude": newClaudeStream, "cursor": newCursorStream, "opencode": newOpencodeStream,
	"gemini": newGeminiStream, "openclaw": newOpenclawStream, "step": newStepStream, "acp": newACPStream,
}

func follow(t testing.TB, format string, data []byte) *Told {
	t.Helper()
	r := Recipe{ID: format, stream: formats[format]}
	s := r.NewStream(true)
	if err := s.Read(bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return s.Close()
}

// recordOf is what an attempt leaves whose agent printed that.
func recordOf(format string, told *Told) Record {
	o := observed("baseline")
	o.Agent, o.AgentName, o.Told, o.Workspace = format, format, told, "/work/r/baseline"
	o.Changes = []Change{{Path: "artifacts/report.md", Operation: Created, Hash: "aa", Size: 9}}
	o.Files = []Artifact{{"artifacts/report.md", "aa", 9, "text/markdown", "text"}}
	return o.Record()
}

func TestStreamsBecomeTheirGoldenTraces(t *testing.T) {
	paths, err := filepath.Glob("testdata/streams/*/*.jsonl")
	if err != nil || len(paths) < 2*len(formats) {
		t.Fatalf("%d streams, %v", len(paths), err)
	}
	for _, path := range paths {
		format := filepath.Base(filepath.Dir(path))
		t.Run(format+"/"+strings.TrimSuffix(filepath.Base(path), ".jsonl"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			told := follow(t, format, data)
			if told.Bytes != int64(len(data)) {
				t.Errorf("%d of %d bytes were read", told.Bytes, len(data))
			}
			rec := recordOf(format, told)
			checkRecord(t, rec)
			got, err := json.MarshalIndent(map[string]any{
				"final_message": told.Final, "session": told.Session, "model": told.Model, "usage": told.Usage.fields(),
				"stream": told.counts("stream.jsonl"), "agent_tools": rec.Trace.AgentTools, "steps": rec.Trace.Steps,
			}, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(path, ".jsonl") + ".golden.json"
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(append(got, '\n'), want) {
				t.Errorf("differs from %s; look at what -update changes", golden)
			}
		})
	}
}

func TestSessionThatCouldBeAnOptionIsNotTaken(t *testing.T) {
	for id, want := range map[string]string{
		"0199a213-81c0": "0199a213-81c0", "ses_4a1": "ses_4a1", "--dangerously-bypass-approvals-and-sandbox": "", "-s": "", "a b": "", "a\u0000b": "", "": "",
	} {
		if told := follow(t, "codex", []byte(`{"type":"thread.started","thread_id":"`+id+`"}`)); told.Session != want {
			t.Errorf("%q is taken as %q", id, told.Session)
		}
	}
}

func TestPiecesOfAStreamTellTheSameAsTheWhole(t *testing.T) {
	paths, _ := filepath.Glob("testdata/streams/*/*.jsonl")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		format := filepath.Base(filepath.Dir(path))
		want, _ := json.Marshal(follow(t, format, data))
		r := Recipe{stream: formats[format]}
		s := r.NewStream(true)
		for i := range data {
			if err := s.Read(bytes.NewReader(data[i : i+1])); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := json.Marshal(s.Close()); !bytes.Equal(got, want) {
			t.Errorf("%s: byte by byte it tells\n%s\nwhole\n%s", path, got, want)
		}
	}
}

func TestANumberTellsWhatFailedOnlyWhereItStandsAlone(t *testing.T) {
	for text, want := range map[string]apprentice.OperationalError{
		"status 401": apprentice.AuthError, "Got 429, again": apprentice.RateLimitError, "error (403).": apprentice.PermissionError, "402": apprentice.QuotaError,
		"took 1.429 s": "", "in 429.5 ms": "", "/tmp/x811401446/a": "", "request a401b": "", "2401 files": "",
	} {
		if got := failureKind(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestErrorRecordsAreToldApartAndAnswersAreNot(t *testing.T) {
	for path, want := range map[string]apprentice.OperationalError{
		"codex/quota": apprentice.QuotaError, "claude/auth": apprentice.AuthError, "opencode/rate_limit": apprentice.RateLimitError,
		"gemini/auth": apprentice.AuthError, "openclaw/gateway": apprentice.AuthError, "acp/auth": apprentice.AuthError,
		"step/broken": apprentice.WorkspaceTrustError, "codex/reconnect": "",
		// Their answers speak of quota, login, API keys and 429.
		"codex/good": "", "claude/good": "", "cursor/good": "", "opencode/good": "", "gemini/good": "", "openclaw/good": "", "step/good": "", "acp/good": "",
	} {
		data, err := os.ReadFile("testdata/streams/" + path + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		told := follow(t, filepath.Dir(path), data)
		switch {
		case want == "" && told.Failure != nil:
			t.Errorf("%s: an answer became the failure %+v", path, told.Failure)
		case want != "" && (told.Failure == nil || told.Failure.Kind != want):
			t.Errorf("%s: %+v, want %s", path, told.Failure, want)
		}
	}
}
