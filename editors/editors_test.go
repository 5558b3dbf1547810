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

func TestNeovimQueuesShowsAndAnswers(t *testing.T) { play(t, "play.lua") }

func TestNeovimTellsOfAnAnswerThatIsRefused(t *testing.T) { play(t, "refused.lua") }

func TestNeovimAtTheEdges(t *testing.T) { play(t, "edges.lua") }

// play runs a script of nvim/test in an editor that has the plugin, with a home of its
// own. The script ends the editor with an error when something does not hold.
func play(t *testing.T, script string) {
	t.Helper()
	if _, err := exec.LookPath("nvim"); err != nil {
		t.Skip("there is no nvim")
	}
	folder, err := filepath.Abs("nvim")
	if err != nil {
		t.Fatal(err)
	}
	script = filepath.Join(folder, "test", script)
	cmd := sit(t).command(t, "nvim", "--headless", "--clean", "--cmd", "set runtimepath^="+folder, "-c", "luafile "+script)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "held: all of it") {
		t.Errorf("%v\n%s", err, out)
	}
}

// As README says: the folder is copied into a package, and its help is made.
func TestNeovimFindsThePluginAndItsHelpAfterInstallation(t *testing.T) {
	if _, err := exec.LookPath("nvim"); err != nil {
		t.Skip("there is no nvim")
	}
	home := t.TempDir()
	plugin := filepath.Join(home, "data/nvim/site/pack/aad/start/aad")
	if err := os.CopyFS(plugin, os.DirFS("nvim")); err != nil {
		t.Fatal(err)
	}
	p := place{env: append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home+"/data", "XDG_CONFIG_HOME="+home+"/config", "XDG_STATE_HOME="+home+"/state")}
	help := "for _, word in ipairs({'aad', ':AaRun', 'aad-installation'}) do vim.cmd('help ' .. word) print('help: ' .. vim.fn.expand('%:p')) end"
	cmd := p.command(t, "nvim", "--headless", "-c", "helptags "+plugin+"/doc", "-c", "lua "+help, "-c", "qall!")
	out, err := cmd.CombinedOutput()
	if got := strings.Count(string(out), "help: "+plugin+"/doc/aad.txt"); err != nil || got != 3 {
		t.Errorf("found %d of 3: %v\n%s", got, err, out)
	}
}
