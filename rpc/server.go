package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"aad/apprentice"
)

// handler is a method's body, with its types erased.
type handler func(ctx context.Context, peer *Peer, params json.RawMessage) (any, error)

// Server answers calls on any number of listeners. Handlers are given with Handle
// before the first Serve.
type Server struct {
	log      *slog.Logger
	handlers map[string]handler
	limits   limits
	stopping atomic.Bool

	// Refuse says why a process may not connect, nil when it may; nil refuses
	// none. It is set before the first Serve.
	Refuse func(pid int) error

	// Farewell is called by Shutdown once no call is in flight, before it closes the
	// connections: what they are still to be told is written when it returns. nil
	// has nothing to tell. It is set before the first Serve.
	Farewell func()

	mu        sync.Mutex
	peers     map[*Peer]struct{}
	refusing  int // connections over the limit that are being told so
	listeners map[net.Listener]struct{}
	changed   chan struct{} // closed and replaced when a connection ends, or while stopping a call
}

// limits are the package's constants, which tests make smaller.
type limits struct {
	connections, calls, message int
	stall                       time.Duration // of a write; also the time to say something when refused
	lastCalls                   time.Duration // for calls in flight when the peer has closed its sending side
}

// Stats is what a server can say of itself.
type Stats struct {
	Connections int `json:"connections"`
	Calls       int `json:"calls"` // in flight, on all connections
}

// NewServer makes a server that logs to log, slog.Default() if nil. It logs the
// errors whose callers are told only that they are in the log, and panics.
func NewServer(log *slog.Logger) *Server {
	if log == nil {
		log = slog.Default()
	}
	return &Server{
		log:       log,
		handlers:  map[string]handler{},
		limits:    limits{MaxConnections, MaxCalls, MaxMessage, StallTimeout, 5 * time.Second},
		peers:     map[*Peer]struct{}{},
		listeners: map[net.Listener]struct{}{},
		changed:   make(chan struct{}),
	}
}

// Handle gives a method its body. The body runs on a goroutine of its own; calls of
// one connection run beside each other and may end in any order. Its ctx ends with
// the body's return, when the caller cancels the call, and when the connection ends.
// An *apprentice.Error is told to the caller in its own words, any other error is
// logged and told as internal. Handle panics when the method has a body already.
func Handle[P, R any](s *Server, m Method[P, R], body func(ctx context.Context, peer *Peer, params P) (R, error)) {
	if _, taken := s.handlers[m.Name]; taken {
		panic(fmt.Sprintf("rpc: method %s is handled twice", m.Name))
	}
	s.handlers[m.Name] = func(ctx context.Context, peer *Peer, raw json.RawMessage) (any, error) {
		params, err := decodeParams[P](raw)
		if err != nil {
			return nil, err
		}
		return body(ctx, peer, params)
	}
}

// Unhandled names the methods of the table that have no body yet.
func (s *Server) Unhandled() []string {
	var names []string
	for _, info := range Methods {
		if _, ok := s.handlers[info.Name]; !ok {
			names = append(names, info.Name)
		}
	}
	return names
}

// Serve takes connections from ln until ctx ends or Shutdown is called, and then
// returns nil; it closes ln. When ctx ends every connection it took is closed, and
// the calls' contexts end with ctx's cause. Serve may be called for several listeners.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if !s.listen(ln) {
		ln.Close()
		return nil
	}
	defer s.unlisten(ln)
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	var pause time.Duration
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			pause = 0
			// The connection's own goroutine; it ends with the connection, which
			// ctx, Shutdown, the peer or a limit ends.
			go s.take(ctx, conn)
		case errors.Is(err, net.ErrClosed):
			return nil
		default:
			// Out of file descriptors, most likely: others close some.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Warn("connection not accepted", "error", err, "retry_in", pause)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (s *Server) listen(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) unlisten(ln net.Listener) {
	ln.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

// take serves one connection to its end.
func (s *Server) take(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	cred, err := peerOf(conn)
	if err == nil && !cred.trusted(os.Getuid()) {
		err = apprentice.Errorf(apprentice.Denied, "this aad belongs to another user")
	}
	if err == nil && s.Refuse != nil {
		err = s.Refuse(cred.pid)
	}
	if err != nil {
		s.log.Warn("connection refused", "uid", cred.uid, "pid", cred.pid, "error", err)
		s.refuse(conn, err)
		return
	}
	peer := newPeer(ctx, s, conn, cred)
	if err := s.admit(peer); err != nil {
		s.refuse(conn, err)
		return
	}
	defer s.dismiss(peer)
	peer.serve()
}

func (s *Server) admit(peer *Peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return ErrStopping()
	}
	if len(s.peers) >= s.limits.connections {
		return &Refusal{
			Err: apprentice.Errorf(apprentice.Unavailable, "aad has %d connections already", len(s.peers)).
				WithHint("close a watcher, or try again"),
			RetryAfter: time.Second,
		}
	}
	s.peers[peer] = struct{}{}
	return nil
}

func (s *Server) dismiss(peer *Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, peer)
	close(s.changed)
	s.changed = make(chan struct{})
}

// callsEnded wakes a Shutdown that waits for a peer's last call.
func (s *Server) callsEnded() {
	if !s.stopping.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}

// maxRefusing bounds the connections that wait for their refusal; more are closed
// without a word.
const maxRefusing = 64

// refuse answers the first request of a connection with err and hangs up. The
// request is awaited because it carries the framing and the id to answer in.
func (s *Server) refuse(conn net.Conn, err error) {
	s.mu.Lock()
	full := s.refusing >= maxRefusing
	if !full {
		s.refusing++
	}
	s.mu.Unlock()
	if full {
		return
	}
	defer func() {
		s.mu.Lock()
		s.refusing--
		s.mu.Unlock()
	}()
	st := newStream(conn, true)
	st.limit = 64 << 10
	if conn.SetReadDeadline(time.Now().Add(min(s.limits.stall, 2*time.Second))) != nil {
		return
	}
	m, _ := st.nextMessage() // whatever came, the answer is the same
	// A peer that is gone needs no answer.
	_ = st.writeFrames(appendError(nil, m.id, toWire(err)))
}

// ErrStopping is what a call is told that a stop ends. Callers know it by its
// RetryAfter, and wait for a daemon that comes back instead of starting one.
func ErrStopping() error {
	return &Refusal{
		Err:        apprentice.Errorf(apprentice.Unavailable, "aad is stopping").WithHint("ask again once it is back"),
		RetryAfter: time.Second,
	}
}

// Stats counts what is open now.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := Stats{Connections: len(s.peers)}
	for peer := range s.peers {
		stats.Calls += peer.inFlight()
	}
	return stats
}

// Shutdown stops taking connections and calls, lets the calls in flight end until
// ctx does, says farewell, then closes all connections and waits for their handlers, whose contexts
// have ended. Its error is ctx's, if calls had to be cut short.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopping.Store(true)
	s.mu.Lock()
	for ln := range s.listeners {
		ln.Close()
	}
	s.mu.Unlock()
	err := s.await(ctx, func() bool {
		for peer := range s.peers {
			if peer.inFlight() > 0 {
				return false
			}
		}
		return true
	})
	if s.Farewell != nil {
		s.Farewell()
	}
	s.mu.Lock()
	for peer := range s.peers {
		peer.cancel(context.Canceled)
	}
	s.mu.Unlock()
	// The connections are closed: what still runs is a handler on its way out.
	_ = s.await(context.Background(), func() bool { return len(s.peers) == 0 })
	return err
}

// await waits until done, which is called under s.mu, or ctx ends.
func (s *Server) await(ctx context.Context, done func() bool) error {
	for {
		s.mu.Lock()
		ready, changed := done(), s.changed
		s.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
