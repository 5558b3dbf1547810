package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
)

func closeWrite(t testing.TB, conn net.Conn) {
	t.Helper()
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionOverTheLimitIsToldAndOthersGoOn(t *testing.T) {
	r := newRig(t)
	conns := make([]*wire, MaxConnections)
	for i := range conns {
		conns[i] = r.wire(t)
		conns[i].send(echoLine + "\n")
		conns[i].expect(echoAnswer)
	}
	for range 22 {
		over := r.wire(t)
		over.send(echoLine + "\n")
		over.expect(`"id":1,"error":{"code":-32006,"message":"aad has 256 connections already"`)
		editor := r.wire(t)
		editor.send(header(echoLine))
		if got := editor.rest(); !strings.HasPrefix(got, "Content-Length: ") || !strings.Contains(got, `"retry_after_ms":1000`) {
			t.Fatalf("got %q", got)
		}
	}
	_, err := Call(t.Context(), r.dial(t), echo, echoParams{})
	if wait, ok := RetryAfter(err); apprentice.KindOf(err) != apprentice.Unavailable || !ok || wait != time.Second {
		t.Fatalf("got %v", err)
	}
	for _, w := range conns {
		w.send(echoLine + "\n")
		w.expect(echoAnswer)
	}
	if got := r.Stats().Connections; got != MaxConnections {
		t.Fatalf("%d connections counted", got)
	}
	conns[7].Close()
	until(t, "a place is free again", func() bool { return r.Stats().Connections == MaxConnections-1 })
	w := r.wire(t)
	w.send(echoLine + "\n")
	w.expect(echoAnswer)
}

func TestCallOverTheLimitIsToldToComeBack(t *testing.T) {
	r := newRig(t)
	w := r.wire(t)
	for i := range MaxCalls {
		w.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"test/block"}`+"\n", i))
	}
	for range MaxCalls {
		<-r.blocked
	}
	w.send(`{"jsonrpc":"2.0","id":"over","method":"test/echo"}` + "\n")
	w.expect(`"id":"over","error":{"code":-32006,"message":"1024 calls are in flight on this connection"`)
	other := r.wire(t)
	other.send(echoLine + "\n")
	other.expect(echoAnswer)
	w.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":0}}` + "\n")
	w.expect(`"id":0,"error":{"code":-32800,"message":"the call was cancelled","data":{"kind":"cancelled"}}`)
	until(t, "a place is free again", func() bool { return r.Stats().Calls < MaxCalls })
	w.send(`{"jsonrpc":"2.0","id":"over","method":"test/echo"}` + "\n")
	w.expect(`"id":"over","result"`)
}

func TestIDInUseIsRefused(t *testing.T) {
	r := newRig(t)
	w := r.wire(t)
	w.send(`{"jsonrpc":"2.0","id":1,"method":"test/block"}` + "\n")
	<-r.blocked
	w.send(echoLine + "\n")
	w.expect(`"id":1,"error":{"code":-32600`)
}

func TestCallsEndWhenTheirCallerLeaves(t *testing.T) {
	r := newRig(t)
	w := r.wire(t)
	w.send(`{"jsonrpc":"2.0","id":1,"method":"test/block"}` + "\n")
	<-r.blocked
	w.Close()
	if err := <-r.ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("ended by %v", err)
	}
	until(t, "the connection is gone", func() bool { return r.Stats() == Stats{} })
}

func TestSlowReaderIsDisconnectedAndOthersAreServed(t *testing.T) {
	r := newRig(t, func(s *Server) { s.limits.stall = 100 * time.Millisecond })
	slow := r.wire(t)
	slow.send(`{"jsonrpc":"2.0","id":1,"method":"test/watch","params":{"n":100000,"text":"` + strings.Repeat("x", 1000) + `"}}` + "\n")
	c := r.dial(t)
	for r.Stats().Connections == 2 {
		if _, err := Call(t.Context(), c, echo, echoParams{Text: "hi"}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "only the reader is left", func() bool { return r.Stats().Connections == 1 })
}

func TestHalfSentMessageHoldsUpNobody(t *testing.T) {
	r := newRig(t)
	r.wire(t).send(echoLine[:20])
	r.wire(t).send("Content-Length: 4000000\r\n\r\n{")
	r.wire(t).send("Content-Le")
	for range 3 {
		w := r.wire(t)
		w.send(echoLine + "\n")
		w.expect(echoAnswer)
	}
}

func TestPanicIsTheCallersErrorOnly(t *testing.T) {
	r := newRig(t)
	w := r.wire(t)
	w.send(`{"jsonrpc":"2.0","id":1,"method":"test/crash"}` + "\n")
	w.expect(`"id":1,"error":{"code":-32000,"message":"internal error, see the log of aad","data":{"kind":"internal"}}`)
	w.send(echoLine + "\n")
	w.expect(echoAnswer)
	if got := r.log.String(); !strings.Contains(got, "the handler's own") || !strings.Contains(got, "main_test.go") {
		t.Fatalf("the log has no stack: %s", got)
	}
}

func TestForeignErrorIsLoggedAndNotTold(t *testing.T) {
	r := newRig(t)
	r.failure = errors.New("secret detail")
	w := r.wire(t)
	w.send(`{"jsonrpc":"2.0","id":1,"method":"test/fail"}` + "\n")
	w.expect(`"code":-32000,"message":"internal error, see the log of aad"`)
	r.failure = apprentice.Errorf(apprentice.Unmet, "no agent").Because(errors.New("its cause"))
	w.send(`{"jsonrpc":"2.0","id":1,"method":"test/fail"}` + "\n")
	w.expect(`"error":{"code":-32005,"message":"no agent","data":{"kind":"unmet"}}`)
	if got := r.log.String(); !strings.Contains(got, "secret detail") || !strings.Contains(got, "its cause") {
		t.Fatalf("the log has no cause: %s", got)
	}
}

func TestParamsAreReadStrictly(t *testing.T) {
	w := newRig(t).wire(t)
	for _, test := range []struct{ params, want string }{
		{`{"texd":"x"}`, `"code":-32602,"message":"unknown parameter \"texd\"","data":{"kind":"invalid","field":"texd","hint":"did you mean \"text\"?"}`},
		{`{"completely_else":1}`, `"data":{"kind":"invalid","field":"completely_else"}`},
		{`{"a\"\n":1}`, `"unknown parameter \"a\\\"\\n\""`},
		{`{"` + strings.Repeat("é", 50) + `":1}`, `… (100 bytes)`},
		{`{"n":"7"}`, `"message":"n must be a whole number, not string","data":{"kind":"invalid","field":"n"}`},
		{`{"n":1.5}`, `n must be a whole number, not 1.5`},
		{`{"list":"x"}`, `list must be an array, not string`},
		{`{"list":[7]}`, `must be text, not number`},
		{`{"text":"a","text":"b"}`, `"message":"parameter \"text\" stands twice"`},
		{`{"Text":"a"}`, `"unknown parameter \"Text\"","data":{"kind":"invalid","field":"Text","hint":"did you mean \"text\"?"}`},
		{`[]`, `params must be an object, not an array`},
		{`"x"`, `params must be an object, not text`},
		{`null`, `"result":{}`},
		{`{}`, `"result":{}`},
	} {
		w.send(`{"jsonrpc":"2.0","id":1,"method":"test/echo","params":` + test.params + "}\n")
		w.expect(test.want)
	}
	w.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test/echo\",\"params\":{\"text\":\"caf\xe9\"}}\n")
	w.expect(`"code":-32700,"message":"the message is no UTF-8"`)
	w.send(`{"jsonrpc":"2.0","id":1,"method":"run/submti"}` + "\n")
	w.expect(`"code":-32601,"message":"unknown method \"run/submti\"","data":{"kind":"invalid","hint":"did you mean \"run/submit\"?"}`)
}

func TestResultOverTheLimitIsRefused(t *testing.T) {
	c := newRig(t).dial(t)
	_, err := Call(t.Context(), c, large, echoParams{N: MaxMessage})
	if apprentice.KindOf(err) != apprentice.Invalid || !strings.Contains(err.Error(), "result is larger") {
		t.Fatalf("got %v", err)
	}
	got, err := Call(t.Context(), c, large, echoParams{N: MaxMessage - 100})
	if err != nil || len(got.Text) != MaxMessage-100 {
		t.Fatalf("got %d bytes, %v", len(got.Text), err)
	}
}

func TestShutdownLetsCallsEnd(t *testing.T) {
	r := newRig(t)
	hold := Method[struct{}, echoParams]{Name: "test/hold"}
	begun, release := make(chan struct{}), make(chan struct{})
	Handle(r.Server, hold, func(context.Context, *Peer, struct{}) (echoParams, error) {
		close(begun)
		<-release
		return echoParams{N: 7}, nil
	})
	c, second := r.dial(t), r.dial(t)
	answer := make(chan error, 1)
	// Ends with the call.
	go func() {
		got, err := Call(context.Background(), c, hold, struct{}{})
		if err == nil && got.N != 7 {
			err = fmt.Errorf("got %+v", got)
		}
		answer <- err
	}()
	<-begun
	down := make(chan error, 1)
	// Ends with the held call.
	go func() { down <- r.Shutdown(context.Background()) }()
	until(t, "new calls are refused", func() bool {
		_, err := Call(t.Context(), second, echo, echoParams{})
		return apprentice.KindOf(err) == apprentice.Unavailable
	})
	close(release)
	if err := <-answer; err != nil {
		t.Fatalf("the call in flight: %v", err)
	}
	if err := <-down; err != nil {
		t.Fatalf("Shutdown: %v", err)
	}
	<-c.Done()
	if _, err := Dial(t.Context(), r.path); !errors.Is(err, ErrNoDaemon) {
		t.Fatalf("dialled after Shutdown: %v", err)
	}
}

func TestShutdownCutsCallsThatOutliveItsGrace(t *testing.T) {
	r := newRig(t)
	c := r.dial(t)
	answer := make(chan error, 1)
	// Ends with the connection.
	go func() {
		_, err := Call(context.Background(), c, block, struct{}{})
		answer <- err
	}()
	<-r.blocked
	grace, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Shutdown(grace); !errors.Is(err, context.Canceled) {
		t.Fatalf("Shutdown: %v", err)
	}
	if err := <-answer; apprentice.KindOf(err) != apprentice.Unavailable {
		t.Fatalf("the call: %v", err)
	}
}

func TestPeerIsKnownAndKeepsItsValues(t *testing.T) {
	r := newRig(t)
	count := Method[struct{}, []int]{Name: "test/count"}
	closed := make(chan struct{})
	Handle(r.Server, count, func(_ context.Context, p *Peer, _ struct{}) ([]int, error) {
		n := p.Value("n", func() any {
			p.OnClose(func() { close(closed) })
			return new(int)
		}).(*int)
		*n++
		return []int{p.UID, p.PID, *n}, nil
	})
	c := r.dial(t)
	uid, pid := os.Getuid(), os.Getpid()
	if cred, err := peerOf(c.stream.conn); err != nil || cred.uid == -1 {
		uid, pid = -1, -1 // this system does not say
	}
	for n := 1; n <= 2; n++ {
		got, err := Call(t.Context(), c, count, struct{}{})
		if want := []int{uid, pid, n}; err != nil || !slices.Equal(got, want) {
			t.Fatalf("got %v, %v, want %v", got, err, want)
		}
	}
	c.Close()
	<-closed
}

func TestOnlyTheSameUserAndRootAreTrusted(t *testing.T) {
	for _, test := range []struct {
		uid, own int
		want     bool
	}{{1000, 1000, true}, {0, 1000, true}, {1001, 1000, false}, {1000, 0, false}, {-1, 1000, true}} {
		if got := (credentials{uid: test.uid}).trusted(test.own); got != test.want {
			t.Errorf("uid %d at the aad of %d: %t", test.uid, test.own, got)
		}
	}
}

func TestSocketIsPrivateAndReplacesAStaleOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
	if _, err := Listen(path); apprentice.KindOf(err) != apprentice.Conflict {
		t.Fatalf("where another listens: %v", err)
	}
	if _, err := Listen(path + strings.Repeat("x", 100)); apprentice.KindOf(err) != apprentice.Unmet {
		t.Fatalf("a path too long: %v", err)
	}
}

func TestNotificationsFollowTheReplyInOrder(t *testing.T) {
	w := newRig(t).wire(t)
	w.send(`{"jsonrpc":"2.0","id":1,"method":"test/watch","params":{"n":200}}` + "\n")
	w.expect(`"id":1,"result"`)
	for i := range 200 {
		want := fmt.Sprintf(`{"jsonrpc":"2.0","method":"test/tick","params":{"n":%d,"text":""}}`, i)
		if got := w.line(); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestSendWritesOneNotification(t *testing.T) {
	r := newRig(t)
	send := Method[struct{}, struct{}]{Name: "test/send"}
	Handle(r.Server, send, func(_ context.Context, p *Peer, _ struct{}) (struct{}, error) {
		if err := p.Send("a", echoParams{Text: "<"}); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.SendFrames([]byte(`{"b":1}`), []byte(`{"b":2}`))
	})
	w := r.wire(t)
	w.send(header(`{"jsonrpc":"2.0","id":1,"method":"test/send"}`))
	want := header(`{"jsonrpc":"2.0","method":"a","params":{"text":"<"}}`) + header(`{"b":1}`) + header(`{"b":2}`) +
		header(`{"jsonrpc":"2.0","id":1,"result":{}}`)
	closeWrite(t, w.Conn)
	if got := w.rest(); got != want {
		t.Fatalf("got %q", got)
	}
}

func TestUnhandledNamesWhatHasNoBody(t *testing.T) {
	s := NewServer(nil)
	if got := s.Unhandled(); len(got) != len(Methods) {
		t.Fatalf("%d of %d", len(got), len(Methods))
	}
	Handle(s, Ping, func(context.Context, *Peer, Empty) (PingResult, error) { return PingResult{}, nil })
	if got := s.Unhandled(); slices.Contains(got, "ping") || len(got) != len(Methods)-1 {
		t.Fatalf("got %v", got)
	}
}

func TestWritesOfManyGoroutinesStayWhole(t *testing.T) {
	r := newRig(t)
	w := r.wire(t)
	w.send(`{"jsonrpc":"2.0","id":"w","method":"test/watch","params":{"n":2000,"text":"` + strings.Repeat("x", 300) + `"}}` + "\n")
	var calls bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&calls, `{"jsonrpc":"2.0","id":%d,"method":"test/echo"}`+"\n", i)
	}
	w.send(calls.String())
	for range 2301 {
		if _, f := parse([]byte(w.line())); f != nil {
			t.Fatal(f)
		}
	}
}
