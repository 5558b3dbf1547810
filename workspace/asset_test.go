//go:build unix

package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aad/apprentice"
)

func TestAssetsAreCopiedWithNamesMadeUnique(t *testing.T) {
	home, from := openHome(t), t.TempDir()
	f := home.Run("r")
	a := put(t, filepath.Join(from, "a", "data.csv"), "1")
	b := put(t, filepath.Join(from, "b", "data.csv"), "2")
	put(t, filepath.Join(from, "dir.d", "deep", "x.sh"), "#!/bin/sh\n")
	put(t, filepath.Join(from, "dir.d", "y"), "yy")
	if err := os.Chmod(filepath.Join(from, "dir.d", "deep", "x.sh"), 0o555); err != nil {
		t.Fatal(err)
	}
	old := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(a, old, old); err != nil {
		t.Fatal(err)
	}
	task := put(t, filepath.Join(from, "task.json"), "{}")
	assets, err := f.AddAssets(t.Context(), f.Assets(), []string{a, b, filepath.Join(from, "dir.d"), filepath.Join(from, "dir.d") + "/", task, a})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range assets {
		got = append(got, x.Name)
	}
	if s := strings.Join(got, " "); s != "data.csv data-2.csv dir.d dir.d-2 task-2.json data-3.csv" {
		t.Fatalf("names: %s", s)
	}
	if x := assets[1]; x.Path != "task/task_instruction_assets/data-2.csv" || x.Size != 1 || x.From != b ||
		x.Hash != "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35" {
		t.Fatalf("asset: %+v", x)
	}
	if x, y := assets[2], assets[3]; !x.Dir || x.Size != 12 || x.Hash != y.Hash || len(x.Hash) != 64 {
		t.Fatalf("folders: %+v, %+v", x, y)
	}
	info, err := os.Stat(filepath.Join(f.Assets(), "dir.d", "deep", "x.sh"))
	if err != nil || info.Mode().Perm() != 0o555 {
		t.Fatalf("permission bits: %v, %v", info.Mode(), err)
	}
	if info, _ := os.Stat(filepath.Join(f.Assets(), "data.csv")); !info.ModTime().Equal(old) {
		t.Fatalf("time of change: %v", info.ModTime())
	}
}

func TestRefusedAssetLeavesNothing(t *testing.T) {
	home, from := openHome(t), t.TempDir()
	good := put(t, filepath.Join(from, "good"), "x")
	for name, make := range map[string]func(dir string) string{
		"missing":  func(dir string) string { return filepath.Join(dir, "nothing") },
		"relative": func(dir string) string { return "good" },
		"empty":    func(dir string) string { return "" },
		"nul":      func(dir string) string { return dir + "/a\x00b" },
		"device":   func(dir string) string { return "/dev/null" },
		"link": func(dir string) string {
			os.Symlink(good, filepath.Join(dir, "l"))
			return filepath.Join(dir, "l")
		},
		"pipe inside": func(dir string) string {
			syscall.Mkfifo(filepath.Join(dir, "p"), 0o600)
			return dir
		},
		"link out": func(dir string) string {
			os.Symlink("../../good", filepath.Join(dir, "l"))
			return dir
		},
		"link out by another": func(dir string) string {
			os.Symlink("..", filepath.Join(dir, "up"))
			os.Symlink("up/good", filepath.Join(dir, "l"))
			return dir
		},
		"links in a circle": func(dir string) string {
			os.Symlink("m", filepath.Join(dir, "l"))
			os.Symlink("l", filepath.Join(dir, "m"))
			return dir
		},
		"too many": func(dir string) string {
			long := strings.Repeat("x", 240)
			deep := filepath.Join(dir, long, long, long)
			if err := os.MkdirAll(deep, 0o755); err != nil {
				t.Fatal(err)
			}
			for n := range mostTold / (4*240 + toldOfFile) {
				put(t, filepath.Join(deep, long+strconv.Itoa(n)), "")
			}
			return dir
		},
		"no file": func(dir string) string {
			os.MkdirAll(filepath.Join(dir, "sub", "deeper"), 0o755)
			return dir
		},
		"no UTF-8":  func(dir string) string { put(t, filepath.Join(dir, "a\xff"), ""); return dir },
		"the home":  func(string) string { return string(home) },
		"above it":  func(string) string { return filepath.Dir(string(home)) },
		"a secret":  func(string) string { return put(t, home.Secrets(), "KEY=1") },
		"all roots": func(string) string { return "/" },
	} {
		dir := filepath.Join(from, name, "asset")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		f := home.Run("r")
		path := make(dir)
		_, err := f.AddAssets(t.Context(), f.Assets(), []string{good, path})
		if apprentice.KindOf(err) != apprentice.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if f.Exists() {
			t.Errorf("%s: left behind %s", name, names(t, string(f)))
		}
	}
}

func TestLinksThatStayInTheAssetAreKept(t *testing.T) {
	home, dir := openHome(t), filepath.Join(t.TempDir(), "tree")
	put(t, filepath.Join(dir, "sub", "f"), "x")
	for name, target := range map[string]string{"rel": "sub/f", "abs": filepath.Join(dir, "sub", "f"), "sub/up": "../sub", "dangling": "nothing"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	f := home.Run("r")
	if _, err := f.AddAssets(t.Context(), f.Assets(), []string{dir}); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(f.Assets(), "tree")
	for name, want := range map[string]string{"rel": "sub/f", "abs": "sub/f", "sub/up": "../sub", "dangling": "nothing"} {
		if got, err := os.Readlink(filepath.Join(to, name)); got != want {
			t.Errorf("%s leads to %q, want %q (%v)", name, got, want, err)
		}
	}
}

func TestAssetMayLieInAnotherRunFolder(t *testing.T) {
	home := openHome(t)
	earlier := put(t, filepath.Join(home.Run("one").Artifacts(), "report.md"), "x")
	f := home.Run("two")
	assets, err := f.AddAssets(t.Context(), f.FollowupAssets(1), []string{earlier})
	if err != nil || assets[0].Path != "task/task_instruction_assets/followup_1/report.md" {
		t.Fatalf("%+v, %v", assets, err)
	}
	if ref := f.InputRef(assets[0]); ref != "followup_1/report.md" {
		t.Fatalf("its place below input is %s", ref)
	}
}

func TestFolderOfThousandsOfFilesIsCopied(t *testing.T) {
	home, dir := openHome(t), filepath.Join(t.TempDir(), "many")
	for i := range 3000 {
		put(t, filepath.Join(dir, fmt.Sprint(i%50), fmt.Sprint(i)), "x")
	}
	f := home.Run("r")
	assets, err := f.AddAssets(t.Context(), f.Assets(), []string{dir})
	if err != nil || assets[0].Size != 3000 {
		t.Fatalf("%+v, %v", assets, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.AddAssets(ended, f.Assets(), []string{dir}); err == nil || exists(filepath.Join(f.Assets(), "many-2")) {
		t.Fatalf("a cancelled copy gave %v", err)
	}
}

func TestFileThatKeepsChangingIsRefused(t *testing.T) {
	dir := t.TempDir()
	src := put(t, filepath.Join(dir, "log"), strings.Repeat("x", 1<<20))
	ctx := &growing{Context: t.Context(), path: src}
	_, _, err := copyFile(ctx, src, filepath.Join(dir, "copy"))
	if err == nil || reasonOf(err) != errChanged.Error() || exists(filepath.Join(dir, "copy")) {
		t.Fatalf("got %v", err)
	}
}

// growing is a context that touches a file each time the copying looks at it.
type growing struct {
	context.Context
	path  string
	looks int
}

func (g *growing) Err() error {
	g.looks++
	at := time.Unix(int64(g.looks), 0)
	return os.Chtimes(g.path, at, at)
}

func TestAssetNamesAreFitForAPrompt(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b\nc": "b_c", "/a/\x1b[31m": "_[31m", "/": "_", "/a/..": "_", "/x/é.csv": "é.csv", "/x/a\xffb": "a_b", "/x/ok/": "ok",
	} {
		if got := assetName(path); got != want {
			t.Errorf("assetName(%q) = %q, want %q", path, got, want)
		}
	}
	for _, c := range []struct {
		name string
		n    int
		dir  bool
		want string
	}{{"a.tar.gz", 2, false, "a.tar-2.gz"}, {".env", 3, false, ".env-3"}, {"d.x", 2, true, "d.x-2"}, {"a", 1, false, "a"}} {
		if got := numbered(c.name, c.n, c.dir); got != c.want {
			t.Errorf("numbered(%q, %d) = %q, want %q", c.name, c.n, got, c.want)
		}
	}
	if got := numbered(strings.Repeat("é", 200)+".csv", 12, false); len(got) > longestName || !strings.HasSuffix(got, "-12.csv") {
		t.Errorf("a long name became %q", got)
	}
}
