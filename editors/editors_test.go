//go:build unix

// Package editors tests the editors' extensions, each in its own editor or runtime
// and against a real aad. What cannot be had here is skipped with a clear line.
package editors

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/internal/testbin"
)

// place is a home of its own, with the built programs in the PATH.
type place struct {
	bin  string
	home string // $AA_HOME
	env  []string
}

func TestMain(m *testing.M) { os.Exit(testbin.Main{M: m}.Run()) }

// sit makes a home, whose aad is stopped with the test.
func sit(t *testing.T) place {
	t.Helper()
	bin := testbin.Folder(t)
	home, err := os.MkdirTemp("", "aad") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	p := place{bin: bin, home: filepath.Join(home, "h")}
	p.env = append(os.Environ(), "HOME="+home, "AA_HOME="+p.home, "AA_SOCKET=", "PATH="+bin+":"+os.Getenv("PATH"))
	t.Cleanup(func() {
		if out, err := p.command(t, filepath.Join(bin, "aa"), "--no-autostart", "daemon", "stop").CombinedOutput(); err != nil {
			t.Errorf("stop aad: %v\n%s", err, out)
		}
		os.RemoveAll(home)
	})
	if out, err := p.command(t, filepath.Join(bin, "aa"), "settings", "set", "agent", "shell").CombinedOutput(); err != nil {
		t.Fatalf("choose the agent: %v\n%s", err, out)
	}
	return p
}

func (p place) command(t *testing.T, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = p.env
	return cmd
}

func TestNeovimQueuesShowsAndAnswers(t *testing.T) {
	if _, err := exec.LookPath("nvim"); err != nil {
		t.Skip("there is no nvim")
	}
	p := sit(t)
	folder, err := filepath.Abs("nvim")
	if err != nil {
		t.Fatal(err)
	}
	cmd := p.command(t, "nvim", "--headless", "--clean", "--cmd", "set runtimepath^="+folder, "-c", "luafile "+filepath.Join(folder, "test/play.lua"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "held: its question is open beside the window") {
		t.Errorf("%v\n%s", err, out)
	}
}
