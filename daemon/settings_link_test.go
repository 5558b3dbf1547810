package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

// TestSettingsAreWrittenThroughALink keeps a file of settings where people keep their
// dotfiles.
func TestSettingsAreWrittenThroughALink(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	real := filepath.Join(t.TempDir(), "s.json")
	write(t, real, "\ufeff"+`{"max_parallel": 3}`) // as an editor on Windows leaves it
	link := filepath.Join(string(a.home), "settings.json")
	_ = os.Remove(link) // there may be none
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	set := func() error {
		_, err := rpc.Call(a.ctx(), a.conn, rpc.SettingsSet, rpc.SettingsSetParams{Key: "stall_rounds", Value: "5"})
		return err
	}
	if err := set(); err != nil {
		t.Fatal(err)
	}
	if got := slurp(t, real); !strings.Contains(got, `"stall_rounds": 5`) || !strings.Contains(got, `"max_parallel": 3`) {
		t.Errorf("the file is %s", got)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if err := os.Remove(real); err != nil {
		t.Fatal(err)
	}
	if err := set(); apprentice.KindOf(err) != apprentice.Conflict {
		t.Errorf("a link to nothing: %v", err)
	}
}
