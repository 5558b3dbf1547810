package bundle

import (
	"os"
	"path/filepath"
	"testing"

	"aad/apprentice"
	"aad/bundle/sanitise"
)

func TestAFileThatChangedWhileItWasPackedIsToldAsSuch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("now"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := (&builder{o: Options{Consent: "all"}}).write(&file{item: item{path: "artifacts/x", from: path}, sum: sumOfBytes([]byte("before")), found: sanitise.File{Text: true}})
	if apprentice.KindOf(err) != apprentice.Conflict {
		t.Errorf("it is told as %v", err)
	}
}
