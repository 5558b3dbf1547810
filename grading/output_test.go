package grading

import (
	"strings"
	"testing"
	"unicode/utf8"

	"aad/shim"
)

func TestTheLastScoreLineIsFoundAmongOtherOutput(t *testing.T) {
	line := lastScore([]byte("{\"score\": 0.1}\r\n{\"score\": 0.2, \"notes\": \"n\", \"more\": 1}\r\n{broken\n[1]\n\n"))
	if line.Score == nil || *line.Score != 0.2 || line.Notes != "n" {
		t.Errorf("got %+v", line)
	}
	if line := lastScore([]byte("score: 1\n{\"notes\": \"no score\"}")); line.Score != nil || line.fault != "" {
		t.Error("found a score where there is none")
	}
}

func FuzzCommandOutput(f *testing.F) {
	f.Add([]byte("ok\n{\"score\": 0.5}\n"), 0)
	f.Add([]byte("{\"score\": 1e300}\x1b[31m\xff"), 1)
	f.Fuzz(func(t *testing.T, stdout []byte, code int) {
		var m measure
		m.judge(shim.Exit{Outcome: shim.Exited, ExitCode: code}, stdout)
		var res Result
		m.into(&res, 1)
		if res.Score < 0 || res.Score > 1 || res.Passed && (code != 0 || res.Score != 1) {
			t.Fatalf("got %+v", res)
		}
		tail := checkFolder("/d").tail(stdout, stdout)
		if len(tail) > maxTail || !utf8.ValidString(tail) || strings.ContainsRune(tail, '\x1b') {
			t.Fatalf("tail %q", tail)
		}
	})
}
