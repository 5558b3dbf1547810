package main

import (
	"bufio"
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
