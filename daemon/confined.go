package daemon

import (
	"os"
	"path/filepath"
	"slices"

	"aad/apprentice"
	"aad/internal/proc"
	"aad/internal/sandbox"
	"aad/shim"
)

// refuseConfined refuses a process that Landlock confines: it can connect to any
// socket, and a run that it submits would be confined by nothing. bwrap hides the
// socket itself. A process that has ended is refused too: one that still runs may have
// its connection.
func refuseConfined(pid int) error {
	folders, sure := proc.ShimFolders(pid)
	if !sure {
		return apprentice.Errorf(apprentice.Denied, "the process that has connected (pid %d) has ended, and aad must see who calls", pid).
			WithHint("let it wait for its answer")
	}
	for _, folder := range folders {
		data, err := os.ReadFile(filepath.Join(folder, "spec.json"))
		if err != nil {
			continue
		}
		if spec, err := shim.ParseSpec(data); err == nil && slices.Contains(spec.Args, sandbox.Stage) {
			return apprentice.Errorf(apprentice.Denied, "a command in a sandbox cannot call aad")
		}
	}
	return nil
}
