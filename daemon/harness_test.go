package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aad/apprentice"
	"aad/internal/testbin"
	"aad/rpc"
	"aad/workspace"
)

// homeVar makes the test binary be aad in the home it names.
const homeVar = "AAD_TEST_HOME"

// patience is how long a test waits for what must come: long, since a loaded machine
// takes its time.
const patience = 3 * time.Minute

var shimPath string

func TestMain(m *testing.M) {
	if home := os.Getenv(homeVar); home != "" {
		os.Exit(beAad(home))
	}
	os.Exit(testAll(m))
}

func testAll(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aadtest")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	shimPath = filepath.Join(dir, "aad-shim")
	if err := testbin.Build(dir, "aad/cmd/aad-shim"); err != nil {
		fmt.Println(err)
		return 1
	}
	return m.Run()
}

func beAad(home string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := Run(ctx, Config{Home: home, Shim: os.Getenv("AAD_TEST_SHIM"), Version: "test", Ready: func() { fmt.Println("ready") }})
	if err != nil {
		fmt.Fprintln(os.Stderr, "aad:", err)
		return 1
	}
	return 0
}

// newHome is a home whose path is short enough for sockets.
func newHome(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aad")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// aad is a daemon under test: a process of its own in a home.
type aad struct {
	t    *testing.T
	home workspace.Home
	env  []string
	cmd  *exec.Cmd
	said *said
	conn *rpc.Conn
}

// said gathers what a daemon prints.
type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// newAad starts a daemon in a new home, and ends it and what it started with the
// test. Variables are NAME=value, over what a plain test needs.
func newAad(t *testing.T, env ...string) *aad {
	t.Helper()
	a := &aad{t: t, home: workspace.Home(newHome(t)), env: env, said: &said{}}
	t.Cleanup(a.clear)
	a.start()
	return a
}

func (a *aad) start() {
	a.t.Helper()
	if err := a.tryStart(); err != nil {
		a.t.Fatal(err)
	}
}

func (a *aad) command() *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		a.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), homeVar+"="+string(a.home), "AAD_TEST_SHIM="+shimPath,
		"AA_AGENT=shell", "AA_MIN_FREE_DISK_MIB=1", "AA_CANCEL_GRACE_SECONDS=1")
	cmd.Env = append(cmd.Env, a.env...)
	return cmd
}

func (a *aad) tryStart() error {
	a.t.Helper()
	cmd := a.command()
	cmd.Stderr = a.said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return fmt.Errorf("aad does not get ready: %q, %w, %w: %s", line, err, cmd.Wait(), a.said)
	}
	a.cmd = cmd
	a.conn = a.dial()
	return nil
}

func (a *aad) dial() *rpc.Conn {
	a.t.Helper()
	conn, err := rpc.Dial(a.ctx(), a.home.Socket())
	if err != nil {
		a.t.Fatal(err)
	}
	return conn
}

// ctx bounds one call of a test.
func (a *aad) ctx() context.Context { return testContext(a.t, patience) }

func testContext(t *testing.T, most time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	t.Cleanup(cancel)
	return ctx
}

// kill ends aad as a crash does.
func (a *aad) kill() {
	a.t.Helper()
	if a.cmd == nil {
		return
	}
	a.conn.Close()
	if err := a.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		a.t.Error(err)
	}
	_ = a.cmd.Wait() // it was killed
	a.cmd = nil
}

// stop ends aad as a service does, and expects it to end well.
func (a *aad) stop() {
	a.t.Helper()
	if a.cmd == nil {
		return
	}
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Error(err)
	}
	if err := a.cmd.Wait(); err != nil {
		a.t.Errorf("aad ends with %v: %s", err, a.said)
	}
	a.conn.Close()
	a.cmd = nil
}

// clear ends aad and every process that it left.
func (a *aad) clear() {
	a.kill()
	for _, p := range left(a.t, string(a.home)) {
		if p, err := os.FindProcess(p); err == nil {
			_ = p.Kill()
		}
	}
	if out := a.said.String(); strings.Contains(out, "DATA RACE") || strings.Contains(out, "panic:") {
		a.t.Error(out)
	}
	if a.t.Failed() {
		log, _ := os.ReadFile(filepath.Join(a.home.Log(), LogName))
		a.t.Logf("aad said %s\nand logged\n%s", a.said, lastBytes(log, 6000))
	}
}

func lastBytes(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// left lists the processes that work for a home or carry its paths.
func left(t *testing.T, home string) []int {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, dir := range dirs {
		var pid int
		if _, err := fmt.Sscanf(dir, "/proc/%d", &pid); err != nil || pid == os.Getpid() {
			continue
		}
		env, _ := os.ReadFile(dir + "/environ")
		args, _ := os.ReadFile(dir + "/cmdline")
		if bytes.Contains(env, []byte("AA_WORKSPACE="+home)) || bytes.Contains(args, []byte(home)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// none expects that no process works for the home any more but aad itself.
func (a *aad) none() {
	a.t.Helper()
	eventually(a.t, "no process is left", func() bool { return len(left(a.t, string(a.home))) == 0 })
}

// eventually looks until what it waits for is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

func try[P, R any](a *aad, m rpc.Method[P, R], params P) (R, error) {
	a.t.Helper()
	return rpc.Call(a.ctx(), a.conn, m, params)
}

func must[P, R any](a *aad, m rpc.Method[P, R], params P) R {
	a.t.Helper()
	r, err := try(a, m, params)
	if err != nil {
		a.t.Fatalf("%s: %v", m.Name, err)
	}
	return r
}

// refused expects a call to be refused in a kind of error.
func refused[P, R any](a *aad, m rpc.Method[P, R], params P, kind apprentice.Kind) error {
	a.t.Helper()
	_, err := try(a, m, params)
	if apprentice.KindOf(err) != kind || err == nil {
		a.t.Errorf("%s: %v, want it refused as %s", m.Name, err, kind)
	}
	return err
}

func (a *aad) submit(p rpc.RunSubmitParams) apprentice.RunID {
	a.t.Helper()
	return must(a, rpc.RunSubmit, p).Run.RunID
}

func (a *aad) wait(id apprentice.RunID, states ...string) apprentice.Run {
	a.t.Helper()
	r := must(a, rpc.RunWait, rpc.RunWaitParams{RunID: string(id), States: states})
	return r.Run
}

func (a *aad) get(id apprentice.RunID) rpc.RunDetail {
	a.t.Helper()
	return must(a, rpc.RunGet, rpc.RunParams{RunID: string(id)})
}

// work submits a run and waits for its end.
func (a *aad) work(p rpc.RunSubmitParams) apprentice.Run {
	a.t.Helper()
	return a.wait(a.submit(p))
}

func (a *aad) events(id apprentice.RunID) []apprentice.Event {
	a.t.Helper()
	var all []apprentice.Event
	for {
		page := must(a, rpc.RunEvents, rpc.RunEventsParams{RunID: string(id), After: uint64(len(all))})
		all = append(all, page.Events...)
		if !page.More {
			return all
		}
	}
}

func (a *aad) types(id apprentice.RunID) string {
	a.t.Helper()
	var words []string
	for _, e := range a.events(id) {
		words = append(words, string(e.EventType))
	}
	return strings.Join(words, " ")
}

// await blocks until a run has an event of a type.
func (a *aad) await(id apprentice.RunID, kind apprentice.EventType) {
	a.t.Helper()
	eventually(a.t, string(id)+" has "+string(kind), func() bool { return strings.Contains(a.types(id), string(kind)) })
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func slurp(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// sampled reports whether case i of many is tried: under -short each fifth is.
func sampled(i int) bool { return !testing.Short() || i%5 == 0 }

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
