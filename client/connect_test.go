//go:build unix

package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/internal/proc"
	"aad/rpc"

	"golang.org/x/sys/unix"
)

// home makes a home with a short path, since sockets' paths are short, and ends
// the daemons that were started in it.
func home(t *testing.T, how string) client.Options {
	t.Helper()
	dir, err := os.MkdirTemp("", "aac")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AA_DAEMON", exe)
	t.Setenv("AA_TEST_AAD", how)
	t.Cleanup(func() {
		for _, pid := range starts(t, dir) {
			end(t, pid)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return client.Options{Home: dir, Socket: filepath.Join(dir, "s"), Autostart: true, Version: "test"}
}

// end kills a daemon and returns when it has gone.
func end(t *testing.T, pid int) {
	t.Helper()
	h, err := proc.Open(pid)
	if errors.Is(err, proc.ErrGone) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, proc.ErrGone) {
		t.Error(err)
	}
	if err := h.Wait(ctx); err != nil {
		t.Errorf("end daemon %d: %v", pid, err)
	}
}

// starts are the pids of the daemons that were started.
func starts(t *testing.T, dir string) []int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "starts"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var pids []int
	for _, line := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

func TestConnectStartsADaemonThatOutlivesTheConnection(t *testing.T) {
	opts := home(t, "ready")
	var said []string
	opts.Log = func(text string) { said = append(said, text) }
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	pid := c.Daemon().PID
	if want := "started aad (pid " + strconv.Itoa(pid) + ")"; len(said) != 1 || said[0] != want {
		t.Errorf("it said %q, want %q", said, want)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Daemon().PID != pid || len(said) != 1 {
		t.Errorf("the second client found pid %d and said %q; the daemon is %d", again.Daemon().PID, said, pid)
	}
	if own, err := unix.Getsid(pid); err == nil && own != pid {
		t.Errorf("the daemon is in session %d, not in one of its own", own)
	}
}

func TestClientsAtOnceStartOneDaemon(t *testing.T) {
	opts := home(t, "slow")
	const clients = 6
	var wait sync.WaitGroup
	pids := make([]int, clients)
	for i := range clients {
		wait.Add(1)
		// Owned by the test, which waits for it.
		go func() {
			defer wait.Done()
			c, err := client.Connect(t.Context(), opts)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			pids[i] = c.Daemon().PID
		}()
	}
	// The winner listens only when all have lost who can lose.
	end := time.After(30 * time.Second)
	for len(starts(t, opts.Home)) < clients {
		select {
		case <-time.After(2 * time.Millisecond):
		case <-end:
			t.Fatalf("only %d daemons were tried", len(starts(t, opts.Home)))
		}
	}
	note(filepath.Join(opts.Home, "go"), "go")
	wait.Wait()
	for _, pid := range pids {
		if pid != pids[0] || pid == 0 {
			t.Fatalf("the clients found daemons %v", pids)
		}
	}
}

func TestDaemonThatIsNotNeededDoesNotWaitForItsTurn(t *testing.T) {
	opts := home(t, "patient")
	const clients = 4
	var wait sync.WaitGroup
	for range clients {
		wait.Add(1)
		// Owned by the test, which waits for it.
		go func() {
			defer wait.Done()
			c, err := client.Connect(t.Context(), opts)
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		}()
	}
	wait.Wait()
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, pid := range starts(t, opts.Home) {
		if pid == c.Daemon().PID {
			continue
		}
		h, err := proc.Open(pid)
		if errors.Is(err, proc.ErrGone) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if err := h.Wait(ctx); err != nil {
			t.Errorf("daemon %d lost and waits on: %v", pid, err)
		}
		cancel()
		h.Close()
	}
}

func TestClientStartsAnewWhenTheOneItWaitedForDies(t *testing.T) {
	opts := home(t, "slow")
	first := exec(t, opts)
	for len(starts(t, opts.Home)) < 1 {
		<-time.After(time.Millisecond)
	}
	connected := make(chan error, 1)
	// Owned by the test, which waits for it.
	go func() {
		c, err := client.Connect(t.Context(), opts)
		if err == nil {
			err = c.Close()
		}
		connected <- err
	}()
	for len(starts(t, opts.Home)) < 2 {
		<-time.After(time.Millisecond)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was killed
	note(filepath.Join(opts.Home, "go"), "go")
	if err := <-connected; err != nil {
		t.Fatal(err)
	}
}

func TestDaemonThatDiesAtStartIsQuotedWithItsKind(t *testing.T) {
	opts := home(t, "broken")
	_, err := client.Connect(t.Context(), opts)
	var e *apprentice.Error
	if !errors.As(err, &e) || e.Kind != apprentice.Invalid || e.Message != "aad did not start: settings.json: agent is no text" || e.Hint != "mend it" {
		t.Errorf("got %#v", err)
	}
}

func TestDaemonThatDiesWithoutAWordIsToldSo(t *testing.T) {
	opts := home(t, "silent")
	_, err := client.Connect(t.Context(), opts)
	var e *apprentice.Error
	if !errors.As(err, &e) || e.Kind != apprentice.Internal || !strings.Contains(e.Hint, "aad.out") {
		t.Errorf("got %#v", err)
	}
}

func TestInstalledServiceIsStartedInsteadOfADaemonOfOurOwn(t *testing.T) {
	opts := home(t, "service")
	if err := os.WriteFile(filepath.Join(opts.Home, "service.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := client.Connect(t.Context(), opts)
	var e *apprentice.Error
	if !errors.As(err, &e) || e.Kind != apprentice.Unavailable || e.Message != "the service of aad did not start: the service manager is away: start" || e.Hint != "call it back" {
		t.Errorf("got %#v", err)
	}
}

func TestStopAlsoStopsADaemonThatTheServiceDoesNotKnow(t *testing.T) {
	opts := home(t, "ready")
	var said []string
	opts.Log = func(text string) { said = append(said, text) }
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := os.WriteFile(filepath.Join(opts.Home, "service.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	<-c.Gone()
	if len(said) != 2 || !strings.Contains(said[1], "the service of aad did not stop: already running") {
		t.Errorf("it said %q", said)
	}
}

func TestWithoutAutostartNothingIsStarted(t *testing.T) {
	opts := home(t, "ready")
	opts.Autostart = false
	_, err := client.Connect(t.Context(), opts)
	if apprentice.KindOf(err) != apprentice.Unavailable || !errors.Is(err, rpc.ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
	if n := len(starts(t, opts.Home)); n != 0 {
		t.Errorf("%d daemons were started", n)
	}
}

func TestStaleSocketIsTakenOver(t *testing.T) {
	opts := home(t, "ready")
	ln, err := rpc.Listen(opts.Socket)
	if err != nil {
		t.Fatal(err)
	}
	ln.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestHomesThatCannotBeUsedAreExplained(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	note(file, "no folder")
	open := filepath.Join(dir, "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		home string
		kind apprentice.Kind
		says string
	}{
		{file, apprentice.Invalid, "is a file"},
		{open, apprentice.Denied, "others can write"},
		{filepath.Join(file, "below"), apprentice.Unmet, "cannot be used"},
		{filepath.Join(dir, strings.Repeat("long", 30)), apprentice.Unmet, "bytes"},
	} {
		_, err := client.Connect(t.Context(), client.Options{Home: c.home, Autostart: true})
		var e *apprentice.Error
		if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(e.Message, c.says) || e.Hint == "" {
			t.Errorf("%s: got %#v", c.home, err)
		}
	}
}

func TestHomeOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder away")
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Fatal(err)
	}
	_, err := client.Connect(t.Context(), client.Options{Home: dir, Socket: filepath.Join(dir, "s"), Autostart: true})
	if apprentice.KindOf(err) != apprentice.Denied || !strings.Contains(err.Error(), "user 12345") {
		t.Errorf("got %v", err)
	}
}

func TestSettingsOfOneRunDoNotReachADaemonThatIsStartedForIt(t *testing.T) {
	opts := home(t, "ready")
	t.Setenv("AA_AGENT", "shell")
	t.Setenv("AA_MAX_PARALLEL", "7")
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	env, err := os.ReadFile("/proc/" + strconv.Itoa(c.Daemon().PID) + "/environ")
	if err != nil {
		t.Skip("the system does not show a process's environment")
	}
	if strings.Contains(string(env), "AA_AGENT=") || !strings.Contains(string(env), "AA_MAX_PARALLEL=7") {
		t.Errorf("the daemon's environment holds %q", env)
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	opts := home(t, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	// Owned by the test, which waits for it.
	go func() {
		_, err := client.Connect(ctx, opts)
		ended <- err
	}()
	for len(starts(t, opts.Home)) < 1 {
		<-time.After(time.Millisecond)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSettingsOfTheDaemonAreNoRuns(t *testing.T) {
	for name, want := range map[string]bool{
		"agent": true, "max_improvement_loops": true, "task_timeout_seconds": true,
		"max_parallel": false, "agent_limits": false, "log_format": false, "home": false,
	} {
		if got := apprentice.IsRunSetting(name); got != want {
			t.Errorf("%s is a run's setting: %v", name, got)
		}
	}
}
