package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aad/internal/testbin"
)

const systemdPath = "/lib/systemd/systemd"

// TestServiceUnderARealSystemd has a real systemd serve one user, and be the init of a
// machine, in namespaces of its own, and plays an installation from install to uninstall.
func TestServiceUnderARealSystemd(t *testing.T) {
	if !exists(systemdPath) {
		t.Skip("there is no " + systemdPath)
	}
	for _, manager := range []string{"user", "system"} {
		t.Run(manager, func(t *testing.T) {
			group := fmt.Sprintf("aad-test-%s-%d", manager, os.Getpid())
			t.Cleanup(func() { removeGroups(group) })
			playService(t, "testdata/systemd.sh", "GROUP="+group, "MANAGER="+manager)
		})
	}
}

// TestServiceStartedByHand starts by hand what the library generates for the managers
// that no machine of ours has.
func TestServiceStartedByHand(t *testing.T) {
	if exists("/run/systemd/system") {
		t.Skip("systemd runs here, so the library chooses it")
	}
	for _, init := range []string{"sysv", "rcs", "procd", "upstart"} {
		t.Run(init, func(t *testing.T) { playService(t, "testdata/byhand.sh", "INIT="+init) })
	}
}

// TestServiceUnderOpenRC has Debian's openrc run what aad installs. .ci/openrc unpacks
// it into a folder and says where.
func TestServiceUnderOpenRC(t *testing.T) {
	if exists("/run/systemd/system") {
		t.Skip("systemd runs here, so the library chooses it")
	}
	if os.Getenv("AA_OPENRC") == "" {
		t.Skip("AA_OPENRC does not say where openrc lies: .ci/openrc does")
	}
	playService(t, "testdata/openrc.sh")
}

// playService runs a script as the first process of namespaces of its own.
func playService(t *testing.T, path string, env ...string) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	bin, work := testbin.Folder(t), t.TempDir()
	home, err := os.MkdirTemp("", "aad") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	for _, dir := range []string{filepath.Dir(bin), bin, home, filepath.Dir(work), work} { // another user may have to reach them
		mode := fs.FileMode(0o755)
		if dir == work {
			mode = 0o777 // and its agent to write there
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	agent := "echo $$ > " + work + "/agent.pid\nwhile [ ! -e " + work + "/go ]; do sleep 0.05; done\nmkdir -p artifacts\necho done > artifacts/report.md\n"
	if err := os.WriteFile(filepath.Join(work, "agent.sh"), []byte(agent), 0o644); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", script)
	cmd.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + home, "AA_HOME=" + filepath.Join(home, "h"), "WORK=" + work, "BIN=" + bin, "OPENRC=" + os.Getenv("AA_OPENRC")}, env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil && strings.HasPrefix(string(out), "unshare: ") {
		t.Skipf("no namespaces of one's own here: %s", out)
	}
	if err != nil || !strings.Contains(string(out), "all held") {
		log, _ := os.ReadFile(filepath.Join(work, "systemd.log"))
		t.Fatalf("%v\n%s\n%s", err, out, log)
	}
}

// removeGroups removes the control groups that a systemd of ours has left.
func removeGroups(group string) {
	for _, tree := range []string{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		var dirs []string
		// What is not there needs no removal.
		_ = filepath.WalkDir(filepath.Join(tree, group), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for _, dir := range slices.Backward(dirs) {
			os.Remove(dir)
		}
	}
}
