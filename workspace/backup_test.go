package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestABackupHoldsAllOfAHomeButWhatStaysBehind(t *testing.T) {
	goes := []string{
		"runs/r/run_status.json", "runs/r/.hidden", "work/r/baseline/out.txt", "private/r/rubric.json", "settings.json",
		"experience_packs/p/pack.json", "ecosystem/shared.jsonl", "ecosystem/bundles/b/cache/x", "ecosystem/due/r", "bundles_due/r",
		"integration_smoke_results.jsonl", "what-a-later-aad-keeps/x",
	}
	stays := []string{
		"aad.db", "aad.db.compact-1", "aad.sock", ".env.local", ".env.local.swp", "log/aad.log", "control/c/shim/pid", "ballast",
		"agent_probes.json", "mirror.json", "service.json", "env", "ecosystem/cache/index-1.json", ".aa-tmp-1",
		"runs/.aa-trash-1/x", "ecosystem/bundles/.aa-tmp-2/x",
	}
	home, to := Home(t.TempDir()), Home(filepath.Join(t.TempDir(), "copy"))
	for _, name := range slices.Concat(goes, stays) {
		path := home.join(filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(string(to), 0o700), home.CopyTo(t.Context(), to)); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(string(to), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, filepath.ToSlash(relTo(string(to), path)))
		}
		return err
	})
	slices.Sort(got)
	slices.Sort(goes)
	if err != nil || !slices.Equal(got, goes) {
		t.Errorf("%v, the backup holds\n%s\nwanted\n%s", err, strings.Join(got, "\n"), strings.Join(goes, "\n"))
	}
}

func TestABackupHoldsWhatAFolderOfTheHomeLeadsTo(t *testing.T) {
	disk, home, to := t.TempDir(), Home(t.TempDir()), Home(t.TempDir())
	if err := errors.Join(os.WriteFile(filepath.Join(disk, "x"), nil, 0o600), os.Symlink(disk, home.Runs()),
		os.Symlink(filepath.Join(disk, "gone"), home.Packs()), home.CopyTo(t.Context(), to)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(to.Runs(), "x")); err != nil {
		t.Error(err)
	}
}
