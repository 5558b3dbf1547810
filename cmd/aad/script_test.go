//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"aad/internal/testbin"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(testbin.Main{M: m}, map[string]func(){"aad": main})
}

// TestManual runs the scripts of testdata/script, each with a home of its own. The
// shim is never started here: any file will do for one.
func TestManual(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			dir, err := os.MkdirTemp("", "aad") // short: a socket's path is limited
			if err != nil {
				return err
			}
			env.Defer(func() { os.RemoveAll(dir) })
			env.Setenv("AA_HOME", filepath.Join(dir, "home"))
			env.Setenv("AA_SHIM", "/bin/true")
			return nil
		},
	})
}
