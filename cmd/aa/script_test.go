//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aad/internal/proc"
	"aad/internal/testbin"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { os.Exit(testbin.Main{M: m}.Run()) }

// TestManual runs the scripts of testdata/script, each with a home of its own and
// whatever daemon it starts there.
func TestManual(t *testing.T) {
	bin := testbin.Folder(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setUpHome(env, bin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"capture": capture,
			"waitfor": waitFor,
			"crash":   crash,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
	})
}

// setUpHome gives a script the programs, its home and a socket with a short path, and ends its
// daemon when it has run.
func setUpHome(env *testscript.Env, bin string) error {
	socket, err := os.MkdirTemp("", "aas")
	if err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, "home")
	if err := hideClaude(env); err != nil {
		return err
	}
	env.Setenv("AA_HOME", home)
	env.Setenv("AA_SOCKET", filepath.Join(socket, "s"))
	env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TZ", "UTC")
	env.Setenv("SOCKETS", socket)
	env.Defer(func() {
		stopDaemon(env, home)
		os.RemoveAll(socket)
	})
	return nil
}

// hideClaude has scripts find a claude that cannot be used: one that is installed on
// this machine is never started, not even to be asked for its help.
func hideClaude(env *testscript.Env) error {
	dir := filepath.Join(env.WorkDir, ".hidden")
	env.Setenv("AA_AGENT_COMMAND_DIRS", dir)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "claude"), []byte("#!/bin/sh\nexit 1\n"), 0o700)
}

// stopDaemon cancels what a script has left running and stops its daemon.
func stopDaemon(env *testscript.Env, home string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, line := range []string{
		`for run in $(aa list --no-autostart -q --all --state queued,running,waiting,deferred 2>/dev/null); do aa cancel --no-autostart $run; done`,
		`aa daemon stop`,
	} {
		cmd := exec.CommandContext(ctx, "sh", "-c", line)
		cmd.Env = env.Vars
		if out, err := cmd.CombinedOutput(); err != nil && strings.Contains(line, "stop") && exists(filepath.Join(home, "aad.db")) {
			env.T().Log(fmt.Sprintf("%s: %v\n%s", line, err, out))
		}
	}
}

// exits CODE COMMAND… runs a command and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits code command...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		code = ended.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// capture NAME puts the last command's stdout into a variable.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: capture name")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// waitfor FILE waits until the file exists.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: waitfor file")
	}
	end := time.After(3 * time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !exists(ts.MkAbs(args[0])) {
		select {
		case <-tick.C:
		case <-end:
			ts.Fatalf("%s does not appear", args[0])
		}
	}
}

// crash kills the daemon at once, as a power cut would.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(ts.Exec("aa", "daemon", "status", "--json"))
	_, rest, _ := strings.Cut(ts.ReadFile("stdout"), `"pid":`)
	digits := rest[:strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })]
	pid, err := strconv.Atoi(digits)
	ts.Check(err)
	p, err := proc.Open(pid)
	ts.Check(err)
	defer p.Close()
	ts.Check(p.Signal(syscall.SIGKILL))
	ts.Check(awaitEnd(context.Background(), p))
}
