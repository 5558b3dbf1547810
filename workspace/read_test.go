//go:build unix

package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aad/apprentice"
)

func TestFilesAreReadByRange(t *testing.T) {
	f := openHome(t).Run("r")
	put(t, filepath.Join(f.Artifacts(), "a.txt"), "0123456789")
	for _, c := range []struct {
		offset, next int64
		limit        int
		want         string
	}{{0, 4, 4, "0123"}, {4, 0, 6, "456789"}, {8, 0, 100, "89"}, {10, 0, 5, ""}, {99, 0, 5, ""}, {0, 0, 0, ""}} {
		p, err := f.Read("artifacts/a.txt", c.offset, c.limit)
		if err != nil || string(p.Data) != c.want || p.Next != c.next || p.Size != 10 {
			t.Errorf("from %d at most %d: %q, next %d, %v", c.offset, c.limit, p.Data, p.Next, err)
		}
	}
	if _, err := f.Read("artifacts/a.txt", -1, 1); apprentice.KindOf(err) != apprentice.Invalid {
		t.Errorf("a negative offset: %v", err)
	}
}

func TestNothingOutsideTheRunFolderIsRead(t *testing.T) {
	home := openHome(t)
	f := home.Run("r")
	put(t, home.Secrets(), "KEY=1")
	put(t, filepath.Join(f.Artifacts(), "a"), "x")
	put(t, f.Package("task_r").PrivateRubric(), "hidden")
	put(t, f.join("artifacts", ".aa-tmp-1"), "half")
	os.Symlink(home.Secrets(), f.join("artifacts", "abs"))
	os.Symlink("../../..", f.join("artifacts", "up"))
	os.Symlink("a", f.join("artifacts", "in"))
	syscall.Mkfifo(f.join("artifacts", "pipe"), 0o600)
	for name, want := range map[string]apprentice.Kind{
		"../../.env.local": apprentice.Invalid, "artifacts/../../../.env.local": apprentice.Invalid, "/etc/passwd": apprentice.Invalid,
		"artifacts/abs": apprentice.Invalid, "artifacts/up/.env.local": apprentice.Invalid, "artifacts/up": apprentice.Invalid,
		"artifacts/pipe": apprentice.Invalid, "nothing": apprentice.NotFound, "artifacts/a/b": apprentice.NotFound,
		"artifacts/.aa-tmp-1": apprentice.NotFound,
		"packages/task_r/rubric/verifier_private_rubric.json": apprentice.NotFound,
		"artifacts": apprentice.Invalid, "artifacts/a\x00b": apprentice.NotFound, strings.Repeat("a", 300): apprentice.NotFound,
		strings.Repeat("a/", 3000): apprentice.NotFound,
	} {
		if _, err := f.Read(name, 0, 100); apprentice.KindOf(err) != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if p, err := f.Read("artifacts/in", 0, 9); err != nil || string(p.Data) != "x" {
		t.Errorf("a link within: %q, %v", p.Data, err)
	}
}

func TestABackslashIsPartOfAName(t *testing.T) {
	f := openHome(t).Run("r")
	put(t, f.join("artifacts", `a\b`), "x")
	put(t, f.join("artifacts", "c", "d"), "y")
	if p, err := f.Read(`artifacts/a\b`, 0, 9); err != nil || string(p.Data) != "x" {
		t.Errorf("read %q, %v", p.Data, err)
	}
	for _, name := range []string{`artifacts\c\d`, `artifacts/c\d`, `artifacts/..\..`} {
		if _, err := f.Read(name, 0, 9); apprentice.KindOf(err) != apprentice.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFoldersAreListedWithSizes(t *testing.T) {
	f := openHome(t).Run("r")
	put(t, filepath.Join(f.Artifacts(), "b"), "xx")
	put(t, filepath.Join(f.Artifacts(), "a", "c"), "x")
	put(t, filepath.Join(f.Artifacts(), ".aa-tmp-1"), "x")
	list, err := f.List("artifacts/")
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprint(e.Name, " ", e.Dir, " ", e.Size))
	}
	if s := strings.Join(got, ", "); err != nil || s != "a true 0, b false 2" {
		t.Fatalf("listed %s, %v", s, err)
	}
	if list, err := f.List(""); err != nil || len(list) != 1 {
		t.Fatalf("the run folder: %v, %v", list, err)
	}
	if _, err := f.List("artifacts/b"); apprentice.KindOf(err) != apprentice.Invalid {
		t.Fatalf("a file was listed: %v", err)
	}
}

func TestDeletedRunGoesOutOfSightAndThenAway(t *testing.T) {
	home := openHome(t)
	f := home.Run("r")
	put(t, f.join("session.json"), "{}")
	put(t, f.join("packages/x/locked/f"), "x")
	os.Chmod(f.join("packages/x/locked"), 0)
	put(t, filepath.Join(home.Work("r", 0, "baseline"), "f"), "x")
	put(t, filepath.Join(home.Control("r", 0, "baseline"), "f"), "x")
	put(t, filepath.Join(home.Private("r"), "f"), "x")
	put(t, filepath.Join(home.Run("other").Artifacts(), "f"), "x")
	if size, err := home.RunUsage(t.Context(), "r"); err != nil || size.Files < 3 || size.Bytes == 0 {
		t.Fatalf("usage %+v, %v", size, err)
	}
	trash, err := home.Trash("r")
	if err != nil || !trash.Found || f.Exists() {
		t.Fatalf("trash: %v, %v", trash, err)
	}
	if trash, err := home.Trash("r"); trash.Found || err != nil {
		t.Fatalf("again: %v, %v", trash, err)
	}
	if err := home.EmptyTrash(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, string(home)); got != "control/ log/ private/ runs/ runs/other/ runs/other/artifacts/ runs/other/artifacts/f work/" {
		t.Fatalf("left: %s", got)
	}
	for _, id := range []apprentice.RunID{"", "..", "a/b"} {
		if _, err := home.Trash(id); apprentice.KindOf(err) != apprentice.Invalid {
			t.Errorf("trash of %q: %v", id, err)
		}
	}
}
