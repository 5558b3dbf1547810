//go:build unix

package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/internal/proc"
	"aad/internal/testbin"
	"aad/rpc"
)

// TestMain makes this test program play aad when AA_TEST_AAD says how.
func TestMain(m *testing.M) {
	if how := os.Getenv("AA_TEST_AAD"); how != "" {
		os.Exit(aad(how))
	}
	os.Exit(withAad(m))
}

// withAad runs the tests with a built aad and a home for it, which the examples use,
// and stops it after them.
func withAad(m *testing.M) int {
	bin, err := os.MkdirTemp("", "aad")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	if err := testbin.Build(bin, "aad/cmd/aad", "aad/cmd/aad-shim"); err != nil {
		panic(err)
	}
	for name, value := range map[string]string{"AA_DAEMON": filepath.Join(bin, "aad"), "AA_HOME": filepath.Join(bin, "home")} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	code := m.Run()
	if c, err := client.Connect(context.Background(), client.Options{}); err == nil {
		_ = c.Stop(context.Background(), true) // there may be none
		<-c.Gone()
		c.Close()
	}
	return code
}

// aad is a daemon with the manners of the real one: it locks the home, listens,
// says that it is ready, and ends when it is asked to. It writes its pid to
// starts, one line a start.
func aad(how string) int {
	home := os.Getenv("AA_HOME")
	note(filepath.Join(home, "starts"), strconv.Itoa(os.Getpid()))
	if how == "service" {
		fmt.Fprintf(os.Stderr, "aad: the service manager is away: %s\nhint: call it back\n", os.Args[1])
		return 7
	}
	if how == "broken" {
		fmt.Fprintln(os.Stderr, "level=INFO msg=starting\naad: settings.json: agent is no text\nhint: mend it")
		return 2
	}
	if how == "silent" {
		return 1
	}
	lock, err := proc.TryLock(filepath.Join(home, "lock"))
	if how == "patient" && errors.Is(err, proc.ErrLocked) {
		await(filepath.Join(home, "never"))
		return 0
	}
	if errors.Is(err, proc.ErrLocked) {
		fmt.Fprintln(os.Stderr, "aad: already running")
		return 4
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aad:", err)
		return 1
	}
	defer lock.Close()
	if how == "slow" {
		await(filepath.Join(home, "go"))
	}
	ln, err := rpc.Listen(os.Getenv("AA_SOCKET"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "aad:", err)
		return 1
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s := rpc.NewServer(nil)
	rpc.Handle(s, rpc.Initialize, func(context.Context, *rpc.Peer, rpc.InitializeParams) (rpc.InitializeResult, error) {
		return rpc.InitializeResult{Version: "test", Protocol: rpc.ProtocolVersion, Home: home, PID: os.Getpid()}, nil
	})
	rpc.Handle(s, rpc.DaemonShutdown, func(ctx context.Context, _ *rpc.Peer, _ rpc.ShutdownParams) (rpc.Empty, error) {
		rpc.AfterReply(ctx, stop)
		return rpc.Empty{}, nil
	})
	if fd, err := strconv.Atoi(os.Getenv("AA_READY_FD")); err == nil {
		ready := os.NewFile(uintptr(fd), "ready")
		fmt.Fprintln(ready, "ready")
		ready.Close()
	}
	if err := s.Serve(ctx, ln); err != nil {
		return 1
	}
	return 0
}

func note(path, line string) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aad:", err)
	}
}

// await returns when path exists, or when a minute has passed, so that no
// process is left behind.
func await(path string) {
	end := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(path); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			return
		}
	}
}

func events(run apprentice.RunID, from, to uint64) []rpc.RunEventNote {
	var out []rpc.RunEventNote
	for n := from; n <= to; n++ {
		out = append(out, rpc.RunEventNote{Subscription: "1", Seq: 1000 + n,
			Event: apprentice.Event{RunID: run, EventIndex: n, EventType: apprentice.RunQueued}})
	}
	return out
}
