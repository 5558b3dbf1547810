package grading

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

type scoreLine struct {
	Score *float64 `json:"score"` // nil where there is none, or fault says what is wrong with it
	Notes string   `json:"notes"`
	fault string
}

// lastScore finds the last line that is a JSON object with a score. One that is meant
// as such and cannot be read is a fault of the check: to overlook it would be to give
// the full score.
func lastScore(stdout []byte) scoreLine {
	for len(stdout) > 0 {
		start := bytes.LastIndexByte(bytes.TrimRight(stdout, "\r\n"), '\n') + 1
		text := bytes.TrimSpace(stdout[start:])
		stdout = stdout[:start]
		if len(text) == 0 || text[0] != '{' {
			continue
		}
		var line scoreLine
		if err := json.Unmarshal(text, &line); err == nil && line.Score != nil {
			return line
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal(text, &keys) == nil && keys["score"] != nil {
			return scoreLine{fault: fmt.Sprintf("it printed the score line %s; score must be a number, and notes text", clip(plainText(string(text)), 200))}
		}
	}
	return scoreLine{}
}

// readEnd reads the last part of an output file, where the score line stands.
func readEnd(name string) ([]byte, error) {
	const most = 64 << 10
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read output of a check: %w", err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("read output of a check: %w", err)
	}
	data, err := io.ReadAll(io.NewSectionReader(f, max(0, size-most), most))
	if err != nil {
		return nil, fmt.Errorf("read output of a check: %w", err)
	}
	return data, nil
}

// tail joins the ends of both streams and hides where the throw-away folders
// were, so that the same check says the same everywhere.
func (d checkFolder) tail(stdout, stderr []byte) string {
	hide := strings.NewReplacer(d.workspace(), ".", d.files(), "$AA_CHECK_DIR", d.temp(), "$TMPDIR")
	out := strings.TrimSpace(hide.Replace(plainText(string(stdout))))
	errs := strings.TrimSpace(hide.Replace(plainText(string(stderr))))
	if out == "" || errs == "" {
		return clipTail(out+errs, maxTail)
	}
	errs = clipTail(errs, maxTail/2)
	return clipTail(out, maxTail-len(errs)-1) + "\n" + errs
}
