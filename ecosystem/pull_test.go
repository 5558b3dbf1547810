package ecosystem

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/bundle"
)

// real is the folder of a real bundle; testdata has what aa ecosystem contribute made
// of it.
func real(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/bundle_one.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	if _, err := bundle.Unpack(t.Context(), f, dir, false, 1<<30); err != nil {
		t.Fatal(err)
	}
	return dir
}

// packed is the archive of a bundle, whatever is wrong with it.
func packed(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bundle.Pack(t.Context(), dir, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// empty expects that a refused pull has left nothing.
func empty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("it has left %v, %v", left, err)
	}
}

func TestABundleIsPulledOnceItIsWhole(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		if _, err := share(t, p.home(t), real(t)); err != nil {
			t.Fatal(err)
		}
		e, to := p.home(t), t.TempDir()
		put(t, filepath.Join(to, tempOf("bundle_one"), "half"), []byte("what a kill has left"))
		var came int64
		got, err := e.Pull(t.Context(), "bundle_one", to, nil, func(n int64) { came = n })
		if err != nil || got.Already || got.Verdict.Files < 40 || came < 10_000 {
			t.Fatalf("it came as %+v after %d bytes, %v", got, came, err)
		}
		if v, err := bundle.Check(t.Context(), got.Dir, bundle.CheckOptions{}); err != nil || len(v.Problems) > 0 {
			t.Errorf("what lies there: %v, %v", v.Problems, err)
		}
		if again, err := e.Pull(t.Context(), "bundle_one", to, nil, nil); err != nil || !again.Already {
			t.Errorf("once more: %+v, %v", again, err)
		}
		put(t, filepath.Join(got.Dir, "README.md"), []byte("mine"))
		if _, err := e.Pull(t.Context(), "bundle_one", to, nil, nil); apprentice.KindOf(err) != apprentice.Conflict {
			t.Errorf("over what was altered here: %v", err)
		}
	})
}

func TestAnArchiveThatWasAlteredInThePlaceIsRefusedAndTheFileNamed(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		dir, e, to := real(t), p.home(t), t.TempDir()
		if _, err := share(t, e, dir); err != nil {
			t.Fatal(err)
		}
		listed(t, e) // it remembers what it was
		note := filepath.Join(dir, "contribution_card.md")
		text, err := os.ReadFile(note)
		if err != nil {
			t.Fatal(err)
		}
		put(t, note, bytes.Replace(text, []byte("a"), []byte("b"), 1))
		p.lay("bundle_one"+extension, packed(t, dir))
		_, err = e.Pull(t.Context(), "bundle_one", to, nil, nil)
		if apprentice.KindOf(err) != apprentice.Invalid || !strings.Contains(fmt.Sprint(err), "contribution_card.md: was altered") {
			t.Errorf("a byte of a file: %v", err)
		}
		empty(t, to)
		whole := packed(t, real(t))
		for _, at := range []int{0, 5, len(whole) / 2, len(whole) - 1} {
			torn := bytes.Clone(whole)
			torn[at] ^= 0x10
			p.lay("bundle_one"+extension, torn)
			if _, err := e.Pull(t.Context(), "bundle_one", to, nil, nil); apprentice.KindOf(err) != apprentice.Invalid {
				t.Errorf("a byte of the archive, %d: %v", at, err)
			}
			empty(t, to)
		}
		p.lay("bundle_two"+extension, whole)
		if _, err := e.Pull(t.Context(), "bundle_two", to, nil, nil); apprentice.KindOf(err) != apprentice.Invalid {
			t.Errorf("another bundle under that name: %v", err)
		}
		empty(t, to)
	})
}

func TestLinksInASharedFolderLeadNowhere(t *testing.T) {
	p := folderPlace(t)
	e, to := p.home(t), t.TempDir()
	p.lay("x", nil)
	out := filepath.Join(t.TempDir(), "bundle_one.tar.zst")
	put(t, out, packed(t, real(t)))
	at := filepath.Join(p.At, folderName, "bundle_one"+extension)
	for _, target := range []string{out, "x", "/dev/zero", filepath.Join(p.At, folderName)} {
		if err := os.Symlink(target, at); err != nil {
			t.Skip(err)
		}
		if ids := listed(t, e); len(ids) > 0 {
			t.Errorf("a link to %s is listed as %v", target, ids)
		}
		if _, err := e.Pull(t.Context(), "bundle_one", to, nil, nil); apprentice.KindOf(err) != apprentice.Invalid {
			t.Errorf("a link to %s is pulled: %v", target, err)
		}
		if _, err := share(t, e, real(t)); apprentice.KindOf(err) != apprentice.Conflict {
			t.Errorf("a link to %s is written over: %v", target, err)
		}
		empty(t, to)
		if err := os.Remove(at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(p.At, folderName)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(p.At, folderName)); err != nil {
		t.Fatal(err)
	}
	if _, err := share(t, e, real(t)); err == nil {
		t.Error("a folder that is a link out of the place was written to")
	}
}

func TestAFolderThatCannotBeWrittenSaysSoAndKeepsNothing(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root may write everywhere: a file in the folder's way must do")
	}
	p := folderPlace(t)
	e := p.home(t)
	put(t, filepath.Join(p.At, folderName), []byte("a file is in the way"))
	if _, err := share(t, e, real(t)); apprentice.KindOf(err) != apprentice.Unavailable {
		t.Errorf("a file in the way: %v", err)
	}
	if err := os.RemoveAll(p.At); err != nil {
		t.Fatal(err)
	}
	if _, err := share(t, e, real(t)); apprentice.KindOf(err) != apprentice.Unavailable || !strings.Contains(apprentice.HintOf(err), "mount") {
		t.Errorf("a folder that is gone: %v", err)
	}
	if left, err := os.ReadDir(e.dir); err != nil || len(left) > 0 {
		t.Errorf("it keeps %v, %v", left, err)
	}
}

func TestWhatAKilledOneHasLeftInAFolderIsNeverListedAndGoesWithTime(t *testing.T) {
	p := folderPlace(t)
	e := p.home(t)
	for name, age := range map[string]time.Duration{".aa-tmp-old": 2 * abandoned, ".aa-tmp-new": 0} {
		p.lay(name, []byte("half"))
		at := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(p.At, folderName, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if ids := listed(t, e); len(ids) > 0 {
		t.Errorf("listed are %v", ids)
	}
	if _, err := share(t, e, real(t)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(p.At, folderName, ".aa*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != ".aa-tmp-new" {
		t.Errorf("there is left %v, %v", names, err)
	}
}

func TestABundleThatNeedsMoreRoomThanThereIsIsRefusedBeforeItComes(t *testing.T) {
	p := folderPlace(t)
	e, to := p.home(t), t.TempDir()
	if _, err := share(t, e, real(t)); err != nil {
		t.Fatal(err)
	}
	e.room = func() (int64, error) { return 20_000, nil }
	if _, err := e.Pull(t.Context(), "bundle_one", to, nil, nil); apprentice.KindOf(err) != apprentice.Unmet {
		t.Errorf("without room: %v", err)
	}
	empty(t, to)
}
