// Package testbin builds this module's programs for tests that drive them.
package testbin

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// Folder is where aa, aad, aad-shim and the scripted model lie: $AA_TEST_BIN, which
// make test sets so that they are built once for all packages, else a folder that they
// are built into when a test program first asks. Under -short, which the race run uses,
// the test is skipped: the detector does not see into them.
func Folder(tb testing.TB) string {
	tb.Helper()
	if testing.Short() {
		tb.Skip("drives programs that are built without the race detector")
	}
	dir, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

var made string // the folder to remove; "" where nothing was built

var built = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("AA_TEST_BIN"); dir != "" {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", "aadbin")
	if err != nil {
		return "", err
	}
	made = dir
	return dir, Build(dir, "aad/cmd/aa", "aad/cmd/aad", "aad/cmd/aad-shim", "aad/internal/model/scripted-model")
})

// Build compiles programs of this module, named by their import paths, into dir.
func Build(dir string, programs ...string) error {
	args := append([]string{"build", "-o", dir + string(os.PathSeparator)}, programs...)
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build %v: %w\n%s", programs, err, out)
	}
	return nil
}

// Main runs the tests of a package, and removes what was built for them. It stands in
// TestMain, or where a library runs the tests.
type Main struct{ *testing.M }

// Run returns the exit code.
func (m Main) Run() int {
	defer func() {
		if made != "" {
			os.RemoveAll(made)
		}
	}()
	return m.M.Run()
}
