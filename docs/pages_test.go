// Package docs holds the pages and no code: its tests keep them true. Every
// example of formats.md is read strictly as the type it is an example of, its
// tables are printed from the code, and the session of the README is run.
//
// It never says what a format should be: the rooms do. After a change there,
// `go test ./docs -update` prints the tables anew; read checkExample first.
package docs

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aad/internal/testbin"
)

var update = flag.Bool("update", false, "print the tables of formats.md from the code")

const (
	formatsPage = "formats.md"
	readmePage  = "../README.md"
)

// programs is the folder of the binaries that TestMain builds.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "aad-docs-")
	if err != nil {
		panic(err)
	}
	if err := testbin.Build(dir, "aad/cmd/aa", "aad/cmd/aad", "aad/cmd/aad-shim"); err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func page(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// block is one fenced example; what stands behind its language says what it is.
type block struct{ language, what, text string }

var fence = regexp.MustCompile("(?ms)^```([a-z]*) ?(.*?)\n(.*?)^```$")

func blocks(t *testing.T, path string) []block {
	t.Helper()
	var all []block
	for _, m := range fence.FindAllStringSubmatch(page(t, path), -1) {
		all = append(all, block{m[1], m[2], m[3]})
	}
	if len(all) == 0 {
		t.Fatalf("%s has no example", path)
	}
	return all
}

// one finds the only example of what.
func one(t *testing.T, path, what string) string {
	t.Helper()
	var found []string
	for _, b := range blocks(t, path) {
		if b.what == what {
			found = append(found, b.text)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s has %d examples of %s, want one", path, len(found), what)
	}
	return found[0]
}

// comparePrinted holds the part of a page that is printed against what would be
// printed now; with -update it prints it.
func comparePrinted(t *testing.T, path, what, want string) {
	t.Helper()
	head, end := "<!-- printed: "+what+" -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(page(t, path), head)
	have, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no part between %sand %s", path, head, end)
	}
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(before+head+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case have != want:
		t.Errorf("%s: %s is not what the code says; run: go test ./docs -update", path, what)
	}
}

// program is the path of a built binary.
func program(name string) string { return filepath.Join(programs, name) }
