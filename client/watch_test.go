//go:build unix

package client_test

import (
	"context"
	"errors"
	"net"
	"os"
	osexec "os/exec"
	"sync"
	"testing"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"
)

// exec starts a daemon of which the test holds the process.
func exec(t *testing.T, opts client.Options) *osexec.Cmd {
	t.Helper()
	cmd := osexec.Command(os.Getenv("AA_DAEMON"), "run")
	cmd.Env = append(os.Environ(), "AA_HOME="+opts.Home, "AA_SOCKET="+opts.Socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// serve answers run/watch at opts' socket with what watch does, until the test
// ends.
func serve(t *testing.T, opts client.Options, watch func(*rpc.Peer, rpc.RunWatchParams)) *client.Client {
	t.Helper()
	ln, err := rpc.Listen(opts.Socket)
	if err != nil {
		t.Fatal(err)
	}
	s := rpc.NewServer(nil)
	rpc.Handle(s, rpc.Initialize, func(context.Context, *rpc.Peer, rpc.InitializeParams) (rpc.InitializeResult, error) {
		return rpc.InitializeResult{Version: "test", Protocol: rpc.ProtocolVersion, PID: os.Getpid()}, nil
	})
	rpc.Handle(s, rpc.DaemonStatusOf, func(context.Context, *rpc.Peer, rpc.Empty) (rpc.DaemonStatus, error) {
		return rpc.DaemonStatus{LastSeq: 1004}, nil
	})
	rpc.Handle(s, rpc.RunGet, func(_ context.Context, _ *rpc.Peer, p rpc.RunParams) (rpc.RunDetail, error) {
		return rpc.RunDetail{Run: apprentice.Run{RunID: "r", EventCount: 3}}, nil
	})
	rpc.Handle(s, rpc.RunWatch, func(ctx context.Context, peer *rpc.Peer, p rpc.RunWatchParams) (rpc.RunWatchResult, error) {
		if p.RunID == "missing" {
			return rpc.RunWatchResult{}, apprentice.Errorf(apprentice.NotFound, "there is no run missing")
		}
		rpc.AfterReply(ctx, func() { go watch(peer, p) }) // owned by the connection; watch returns
		return rpc.RunWatchResult{Subscription: "1"}, nil
	})
	ctx, stop := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Add(1)
	// Owned by the test: ends with its cleanup.
	go func() {
		defer served.Done()
		if err := s.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); served.Wait() })
	opts.Autostart = false
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(peer *rpc.Peer, notes []rpc.RunEventNote) {
	for _, n := range notes {
		if peer.Send(rpc.RunEvent.Name, n) != nil {
			return // the watcher is gone
		}
	}
}

func bye(peer *rpc.Peer, reason string) {
	// A watcher that is gone needs no word.
	_ = peer.Send(rpc.RunWatchEnd.Name, rpc.RunWatchEndNote{Subscription: "1", Reason: reason})
}

// numbers collects the numbers of the events that a watch delivers.
func numbers(t *testing.T, c *client.Client, p rpc.RunWatchParams) (got []uint64, reason string, err error) {
	t.Helper()
	reason, err = c.Watch(t.Context(), p, func(n rpc.RunEventNote) error {
		if p.RunID == "" {
			got = append(got, n.Seq)
		} else {
			got = append(got, n.Event.EventIndex)
		}
		return nil
	})
	return got, reason, err
}

func isRow(got []uint64, from, to uint64) bool {
	for i, n := range got {
		if n != from+uint64(i) {
			return false
		}
	}
	return uint64(len(got)) == to-from+1
}

func TestWatchGivesEachEventOnceAcrossBrokenConnections(t *testing.T) {
	const last, each = 500, 7
	c := serve(t, home(t, "none"), func(peer *rpc.Peer, p rpc.RunWatchParams) {
		to := min(p.After+each, last)
		// Two that were sent before come again, as no daemon should do.
		send(peer, events("r", max(1, p.After-min(p.After, 2)), to))
		if to == last {
			bye(peer, "ended")
			return
		}
		if to%2 == 0 {
			bye(peer, "stopping")
			return
		}
		_ = peer.SendFrames([]byte("this is no message\n")) // the client hangs up
	})
	got, reason, err := numbers(t, c, rpc.RunWatchParams{RunID: "r"})
	if err != nil || reason != "ended" || !isRow(got, 1, last) {
		t.Errorf("got %d events up to %v, reason %q, %v", len(got), got[max(0, len(got)-3):], reason, err)
	}
}

func TestWatchFromNowOnKeepsItsPlaceWhenTheConnectionBreaks(t *testing.T) {
	var mu sync.Mutex
	var asked []uint64
	c := serve(t, home(t, "none"), func(peer *rpc.Peer, p rpc.RunWatchParams) {
		mu.Lock()
		asked = append(asked, p.After)
		first := len(asked) == 1
		mu.Unlock()
		if first {
			bye(peer, "stopping") // before any event
			return
		}
		send(peer, events("r", p.After-999, 9))
		bye(peer, "unwatched")
	})
	got, reason, err := numbers(t, c, rpc.RunWatchParams{Tail: true})
	if err != nil || reason != "unwatched" || !isRow(got, 1005, 1009) {
		t.Errorf("got %v, reason %q, %v", got, reason, err)
	}
	if len(asked) != 2 || asked[1] != 1004 {
		t.Errorf("it asked for what follows %v", asked)
	}
}

// TestAStoppedDaemonIsNotStartedByWhoFollows has a daemon say that it stops, and take
// some more connections before it is gone, as one does that is asked at that moment.
func TestAStoppedDaemonIsNotStartedByWhoFollows(t *testing.T) {
	for name, follow := range map[string]func(context.Context, *client.Client) error{
		"watch": func(ctx context.Context, c *client.Client) error {
			reason, err := c.Watch(ctx, rpc.RunWatchParams{RunID: "r"}, func(rpc.RunEventNote) error { return nil })
			if reason == client.Stopping {
				err = errors.New(reason)
			}
			return err
		},
		"wait": func(ctx context.Context, c *client.Client) error {
			_, err := c.RunWait(ctx, rpc.RunWaitParams{RunID: "r"})
			return err
		},
		"output": func(ctx context.Context, c *client.Client) error {
			_, err := c.RunOutput(ctx, rpc.RunOutputParams{RunID: "r", Follow: true})
			return err
		},
	} {
		for more := range 4 {
			opts := home(t, "ready")
			c := stopping(t, opts, more)
			limited, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // less than a daemon may be away
			if err := follow(limited, c); err == nil {
				t.Errorf("%d more, %s: it ends well", more, name)
			}
			cancel()
			if n := len(starts(t, opts.Home)); n != 0 {
				t.Errorf("%d more, %s: %d daemons were started", more, name, n)
			}
		}
	}
}

// stopping serves opts' socket until it is asked anything to wait for: then it says that
// it stops, and takes so many more connections.
func stopping(t *testing.T, opts client.Options, more int) *client.Client {
	t.Helper()
	ln, err := rpc.Listen(opts.Socket)
	if err != nil {
		t.Fatal(err)
	}
	last := &lastConnections{Listener: ln, more: more}
	s := rpc.NewServer(nil)
	rpc.Handle(s, rpc.Initialize, func(context.Context, *rpc.Peer, rpc.InitializeParams) (rpc.InitializeResult, error) {
		return rpc.InitializeResult{Version: "test", Protocol: rpc.ProtocolVersion}, nil
	})
	rpc.Handle(s, rpc.RunWait, func(context.Context, *rpc.Peer, rpc.RunWaitParams) (rpc.RunWaitResult, error) {
		last.stop()
		return rpc.RunWaitResult{}, rpc.ErrStopping()
	})
	rpc.Handle(s, rpc.RunOutput, func(context.Context, *rpc.Peer, rpc.RunOutputParams) (rpc.RunOutputResult, error) {
		last.stop()
		return rpc.RunOutputResult{}, rpc.ErrStopping()
	})
	rpc.Handle(s, rpc.RunWatch, func(ctx context.Context, peer *rpc.Peer, p rpc.RunWatchParams) (rpc.RunWatchResult, error) {
		if last.stop() {
			rpc.AfterReply(ctx, func() { bye(peer, "stopping") })
		} else {
			rpc.AfterReply(ctx, func() { _ = peer.SendFrames([]byte("this is no message\n")) }) // the client hangs up
		}
		return rpc.RunWatchResult{Subscription: "1"}, nil
	})
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { served <- s.Serve(ctx, last) }() // owned by the test, which waits for it
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := errors.Join(c.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return c
}

// lastConnections is the listener of a daemon that takes so many more connections
// once it has said that it stops.
type lastConnections struct {
	net.Listener
	mu      sync.Mutex
	stopped bool
	more    int
}

// stop reports whether it was not stopping before.
func (l *lastConnections) stop() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.stopped
	l.stopped = true
	if l.more == 0 {
		l.Listener.Close()
	}
	return first
}

func (l *lastConnections) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		if l.more--; l.more <= 0 {
			l.Listener.Close()
		}
	}
	return conn, nil
}

func TestWatchOfAnUnknownRunIsToldAtOnce(t *testing.T) {
	c := serve(t, home(t, "none"), func(*rpc.Peer, rpc.RunWatchParams) {})
	_, _, err := numbers(t, c, rpc.RunWatchParams{RunID: "missing"})
	if apprentice.KindOf(err) != apprentice.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestWatchEndsWithTheErrorOfItsCaller(t *testing.T) {
	c := serve(t, home(t, "none"), func(peer *rpc.Peer, p rpc.RunWatchParams) { send(peer, events("r", 1, 100)) })
	enough := apprentice.Errorf(apprentice.Unavailable, "enough") // a kind that else means: try again
	calls := 0
	_, err := c.Watch(t.Context(), rpc.RunWatchParams{RunID: "r"}, func(rpc.RunEventNote) error {
		calls++
		return enough
	})
	if err != error(enough) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestWatchCallsTheClientFromWithin(t *testing.T) {
	c := serve(t, home(t, "none"), func(peer *rpc.Peer, p rpc.RunWatchParams) {
		send(peer, events("r", 1, 300)) // more than a watcher holds
		bye(peer, "ended")
	})
	calls := 0
	_, err := c.Watch(t.Context(), rpc.RunWatchParams{RunID: "r"}, func(rpc.RunEventNote) error {
		calls++
		_, err := c.RunGet(t.Context(), "r")
		return err
	})
	if err != nil || calls != 300 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	c := serve(t, home(t, "none"), func(peer *rpc.Peer, p rpc.RunWatchParams) { send(peer, events("r", 1, 1)) })
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.Watch(ctx, rpc.RunWatchParams{RunID: "r"}, func(rpc.RunEventNote) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestConnectAsksAgainWhenADaemonHangsUpOnIt(t *testing.T) {
	opts := home(t, "none")
	ln, err := rpc.Listen(opts.Socket)
	if err != nil {
		t.Fatal(err)
	}
	const hangUps = 3
	s := rpc.NewServer(nil)
	rpc.Handle(s, rpc.Initialize, func(context.Context, *rpc.Peer, rpc.InitializeParams) (rpc.InitializeResult, error) {
		return rpc.InitializeResult{Version: "test", Protocol: rpc.ProtocolVersion}, nil
	})
	served := make(chan error, 1)
	// Owned by the test, which waits for it.
	go func() {
		for range hangUps {
			conn, err := ln.Accept()
			if err != nil {
				served <- err
				return
			}
			conn.Close()
		}
		served <- s.Serve(t.Context(), ln)
	}()
	c, err := client.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Close(), ln.Close(), <-served); err != nil {
		t.Error(err)
	}
}

func TestAClosedClientConnectsNoMore(t *testing.T) {
	c := serve(t, home(t, "none"), func(*rpc.Peer, rpc.RunWatchParams) {})
	if _, err := c.RunGet(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.RunGet(t.Context(), "r"); err == nil {
		t.Errorf("a closed client answers %v", got)
	}
}
