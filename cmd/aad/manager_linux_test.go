package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"aad/apprentice"
	"aad/daemon"
	"aad/internal/testbin"
)

// TestReadinessAndLifeAreToldToTheManager plays the service manager with a socket of
// its own: aad says that it is ready once it listens, and goes on saying that it lives.
func TestReadinessAndLifeAreToldToTheManager(t *testing.T) {
	dir := shortDir(t)
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	aad := startAad(t, dir, nil, "NOTIFY_SOCKET="+filepath.Join(dir, "notify"), "WATCHDOG_USEC=100000")
	if got := heard(t, manager); got != "READY=1" {
		t.Fatalf("the manager first hears %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	who, err := daemon.Ask(ctx, filepath.Join(dir, "home", "aad.sock"))
	if err != nil || who.PID != aad.Process.Pid {
		t.Fatalf("it said that it is ready, and answers %+v, %v", who, err)
	}
	for range 3 {
		if got := heard(t, manager); got != "WATCHDOG=1" {
			t.Fatalf("the manager hears %q, want a sign of life", got)
		}
	}
}

// TestSocketOfTheManagerIsServedAndLeftInItsPlace hands over a listening socket as
// systemd does, with a call waiting in it already.
func TestSocketOfTheManagerIsServedAndLeftInItsPlace(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	early, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	fmt.Fprintln(early, `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
	file, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	aad := startAad(t, dir, []*os.File{file}, "LISTEN_FDS=1")
	buf := make([]byte, 200)
	if err := early.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n, err := early.Read(buf)
	if want := fmt.Sprintf(`"pid":%d`, aad.Process.Pid); err != nil || !strings.Contains(string(buf[:n]), want) {
		t.Fatalf("the call that waited is answered with %s, %v; want %s", buf[:n], err, want)
	}
	if err := aad.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := aad.Wait(); err != nil {
		t.Errorf("aad ended with %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the manager's socket is gone: %v", err)
	}
}

// TestPrintedUnitsAreWhatSystemdTakes has systemd's own tool look at them.
func TestPrintedUnitsAreWhatSystemdTakes(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	t.Setenv("AA_HOME", "/srv/a home of 100%") // both need quoting
	for _, system := range []bool{false, true} {
		dir := t.TempDir()
		in := &installed{mark: mark{Name: serviceName, System: system, User: "daemon", Executable: "/bin/true", Socket: "/srv/s"}, Home: os.Getenv("AA_HOME")}
		unit, socket := filepath.Join(dir, unitName), filepath.Join(dir, socketName)
		for path, text := range map[string]string{unit: in.serviceUnit(), socket: in.socketUnitText()} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit, socket).CombinedOutput()
		if err != nil || strings.Contains(string(out), dir) || strings.Contains(string(out), "aad.") {
			t.Errorf("system %v: %v\n%s", system, err, out)
		}
		if score, err := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unit).Output(); err == nil {
			lines := strings.Split(strings.TrimSpace(string(score)), "\n")
			t.Logf("system %v: %s", system, lines[len(lines)-1])
		}
	}
}

func TestInstalledEnvironmentIsReadAsItWasWritten(t *testing.T) {
	have := map[string]string{"PATH": `/home/a b/bin:/opt/$x:/c"d\e`, "LANG": "C.UTF-8", "SECRET_KEY": "s3cret"}
	lookup := func(name string) (string, bool) { v, ok := have[name]; return v, ok }
	text := mergeEnv([]byte("# mine\nMINE='1'\nPATH=/old\nexport LANG=old\n"), lookup)
	if again := mergeEnv(text, lookup); string(again) != string(text) {
		t.Errorf("written twice it is\n%s\nand was\n%s", again, text)
	}
	list, err := daemon.ParseSecrets(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(list, "|"), "PATH="+have["PATH"]+"|LANG=C.UTF-8|MINE=1"; got != want {
		t.Errorf("read as\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(string(text), "s3cret") || !strings.Contains(string(text), "# mine") {
		t.Errorf("the file is\n%s", text)
	}
}

// startAad starts the built program as a manager does: LISTEN_PID is its own.
func startAad(t *testing.T, dir string, files []*os.File, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0" run --home "$1" --env-file "$1/env"`, filepath.Join(testbin.Folder(t), "aad"), filepath.Join(dir, "home"))
	cmd.Env = append(os.Environ(), env...)
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return cmd
}

func heard(t *testing.T, manager *net.UnixConn) string {
	t.Helper()
	if err := manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 200)
	n, err := manager.Read(buf)
	if err != nil {
		t.Fatalf("the manager hears nothing: %v", err)
	}
	return string(buf[:n])
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aad")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestAnotherUsersHomeIsNotGivenAway: an install for somebody else would leave a home
// that neither of them can use.
func TestAnotherUsersHomeIsNotGivenAway(t *testing.T) {
	in := &installed{Home: t.TempDir()}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	other := &user.User{Uid: "54321", Username: "other"}
	if err := in.mayUse(other); err != nil {
		t.Errorf("a home without runs: %v", err)
	}
	if err := os.WriteFile(filepath.Join(in.Home, "aad.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := in.mayUse(other); apprentice.KindOf(err) != apprentice.Conflict {
		t.Errorf("another's home: %v", err)
	}
	if err := errors.Join(in.mayUse(me), in.mayUse(nil)); err != nil {
		t.Errorf("one's own home: %v", err)
	}
}
