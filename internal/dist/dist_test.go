//go:build unix

package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestTwoBuildsOfOneCommitAreIdentical builds everything for this platform twice, the
// second time in a copy of the tree that lies elsewhere, and tries what is in it.
func TestTwoBuildsOfOneCommitAreIdentical(t *testing.T) {
	if testing.Short() {
		t.Skip("builds releases")
	}
	tool := filepath.Join(t.TempDir(), "dist")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("build dist: %v\n%s", err, out)
	}
	here, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	there := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.CopyFS(there, sourceTree{here}); err != nil {
		t.Fatal(err)
	}
	known := exec.Command("sh", "-c", "git init -q && git add -A && touch editors/nvim/doc/.aad.txt.swp schemas/leavings")
	known.Dir = there
	if out, err := known.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	first, second := t.TempDir(), t.TempDir()
	sums := buildRelease(t, tool, here, first)
	if again := buildRelease(t, tool, there, second); again != sums {
		t.Errorf("the second build differs:\n%s\n%s", sums, again)
	}
	if n := strings.Count(sums, "\n"); runtime.GOOS == "linux" && n != 4 {
		t.Errorf("%d files, want archive, SBOM, deb and rpm:\n%s", n, sums)
	}
	tryArchive(t, first)
	trySBOM(t, first)
}

func buildRelease(t *testing.T, tool, tree, out string) string {
	t.Helper()
	cmd := exec.Command(tool, "-out", out, "-platforms", runtime.GOOS+"/"+runtime.GOARCH, "-version", "v1.2.3", "-commit", "abc1234", "-date", "2026-11-22T22:00:00Z")
	cmd.Dir = tree
	if text, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(text), nfpm) {
			t.Skipf("nfpm cannot be had: %s", text)
		}
		t.Fatalf("build in %s: %v\n%s", tree, err, text)
	}
	sums, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	return string(sums)
}

// tryArchive unpacks the archive and asks its programs for their version.
func tryArchive(t *testing.T, out string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(out, "*.tar.gz"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("archives %v: %v", paths, err)
	}
	f, err := os.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir, names := t.TempDir(), map[string]bool{}
	for r := tar.NewReader(z); ; {
		head, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(head.Name, "/")
		names[name] = true
		if head.FileInfo().Mode()&0o111 != 0 {
			data, err := io.ReadAll(r)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), data, 0o755)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"LICENSE", "share/man/man1/aa-run.1", "share/man/man1/aad-install.1", "share/bash-completion/completions/aa",
		"share/zsh/vendor-completions/_aa", "share/fish/vendor_completions.d/aa.fish", "share/aad/schemas/checkpoint.schema.json", "share/aad/nvim/plugin/aad.lua", "share/aad/nvim/doc/tags"} {
		if !names[name] {
			t.Errorf("the archive has no %s", name)
		}
	}
	for _, program := range programs {
		text, err := exec.Command(filepath.Join(dir, program), "--version").Output()
		if err != nil || !strings.Contains(string(text), "v1.2.3 (abc1234, 2026-11-22T22:00:00Z)") {
			t.Errorf("%s --version: %v, %s", program, err, text)
		}
	}
}

func trySBOM(t *testing.T, out string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(out, "*.spdx.json"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("SBOMs %v: %v", paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	var b bill
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{billDocument: true}
	for _, p := range b.Packages {
		known[p.SPDXID] = true
	}
	for _, r := range b.Relationships {
		if !known[r.From] || !known[r.To] {
			t.Errorf("%s %s %s names what is not there", r.From, r.Kind, r.To)
		}
	}
	if !strings.Contains(string(text), "pkg:golang/go.etcd.io/bbolt@v") {
		t.Error("bbolt is not told")
	}
}

func TestExtensionIsPackedWithWhatItRunsWith(t *testing.T) {
	if _, err := os.Stat("../../" + extensionDir + "/out/extension.js"); err != nil {
		t.Skip("the extension is not compiled: make vsix")
	}
	t.Chdir("../..")
	r := release{out: t.TempDir()}
	if err := r.packExtension(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(r.out, "aad.vsix"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	names := map[string]bool{}
	for _, f := range z.File {
		names[f.Name] = true
	}
	for _, name := range []string{"[Content_Types].xml", "extension.vsixmanifest", "extension/package.json", "extension/out/extension.js",
		"extension/node_modules/vscode-jsonrpc/package.json", "extension/schemas/checkpoint.schema.json"} {
		if !names[name] {
			t.Errorf("the extension has no %s", name)
		}
	}
}
