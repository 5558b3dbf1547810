package daemon

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"aad/rpc"
)

// TestAnotherUserIsRefused connects as nobody: first the folders' permissions keep
// them out, then, with these opened by mistake, the kernel's word on who connects.
func TestAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	for _, tool := range []string{"setpriv", "socat"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("there is no " + tool)
		}
	}
	a := newAad(t)
	asNobody := func() string {
		cmd := exec.CommandContext(a.ctx(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "socat", "-t", "5", "-", "UNIX-CONNECT:"+a.home.Socket())
		cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"run/submit","params":{"instruction":"id > artifacts/who.txt"}}` + "\n")
		out, _ := cmd.CombinedOutput() // what it prints is looked at
		return string(out)
	}
	if said := asNobody(); !strings.Contains(said, "Permission denied") {
		t.Errorf("behind its permissions the socket says %s", said)
	}
	for path, mode := range map[string]os.FileMode{string(a.home): 0o755, a.home.Socket(): 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if said := asNobody(); strings.Contains(said, `"result"`) || !strings.Contains(said, `"kind":"denied"`) {
		t.Errorf("with its permissions opened the socket says %s", said)
	}
	if list := must(a, rpc.RunList, rpc.RunListParams{}); len(list.Runs) != 0 {
		t.Errorf("nobody's task was queued: %+v", list.Runs)
	}
	if err := os.Chmod(string(a.home), 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestAConnectionWhoseProcessHasEndedIsRefused has a process connect and end while aad
// is held up: another may speak on what it has left, and nobody can say which.
func TestAConnectionWhoseProcessHasEndedIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to connect")
	}
	a := newAad(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	left := os.NewFile(uintptr(fd), "left")
	defer left.Close()
	signal := func(s syscall.Signal) {
		if err := a.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	connect := exec.CommandContext(a.ctx(), "python3", "-c", "import socket, sys; socket.socket(fileno=3).connect(sys.argv[1])", a.home.Socket())
	connect.ExtraFiles = []*os.File{left}
	out, err := connect.CombinedOutput()
	signal(syscall.SIGCONT)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := left.WriteString(`{"jsonrpc":"2.0","id":1,"method":"run/submit","params":{"instruction":"true"}}` + "\n"); err != nil {
		t.Logf("it has hung up already: %v", err)
	}
	_ = syscall.Shutdown(fd, syscall.SHUT_WR) // it may have hung up
	said, _ := io.ReadAll(left)
	if !strings.Contains(string(said), `"kind":"denied"`) {
		t.Errorf("it is answered %s", said)
	}
	if list := must(a, rpc.RunList, rpc.RunListParams{}); len(list.Runs) != 0 {
		t.Errorf("its task was queued: %+v", list.Runs)
	}
}
