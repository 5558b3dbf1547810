package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestFollowedLogIsReadToItsEndBeforeTheNextOne appends to the log right before it
// is begun anew: between two looks at it.
func TestFollowedLogIsReadToItsEndBeforeTheNextOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aad.log")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown, out := io.Pipe()
	a := &app{out: out}
	go func() { // ends with ctx
		_ = out.CloseWithError(a.tailFile(ctx, path, 50, true))
	}()
	lines := bufio.NewScanner(shown)
	for round := range 3 {
		if round > 0 {
			write("last of one\n")
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			write("first of the next\n")
		}
		for _, want := range [][]string{{"first"}, {"last of one", "first of the next"}}[min(round, 1)] {
			if !lines.Scan() || lines.Text() != want {
				t.Fatalf("%q is shown, want %q", lines.Text(), want)
			}
		}
	}
}

// TestEndOfALogThatWasJustBegunReachesIntoTheOneBefore asks for more lines than the
// new log has.
func TestEndOfALogThatWasJustBegunReachesIntoTheOneBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "aad.log")
	for name, text := range map[string]string{path + ".1": "a\nb\nc\n", path: "d\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for lines, want := range map[int]string{1: "d\n", 3: "b\nc\nd\n", 9: "a\nb\nc\nd\n"} {
		var out bytes.Buffer
		a := &app{out: &out}
		if err := a.tailFile(t.Context(), path, lines, false); err != nil || out.String() != want {
			t.Errorf("the last %d lines are %q, %v, want %q", lines, out.String(), err, want)
		}
	}
}
