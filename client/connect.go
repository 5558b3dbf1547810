package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"aad/apprentice"
	"aad/rpc"
)

// Options say where aad is and what to do when nobody answers there. The zero
// value talks to the daemon of the user's home and starts none.
type Options struct {
	Home      string       // "": $AA_HOME, else ~/.aad
	Socket    string       // "": $AA_SOCKET, else aad.sock in the home
	Autostart bool         // start aad when nobody listens
	Name      string       // of the program that asks; "": aa
	Version   string       // of the program that asks
	Log       func(string) // told what was done unasked, such as starting aad; nil tells nobody
}

// Client is a connection to aad. Any number of goroutines may use it. Who
// connects closes.
type Client struct {
	opts   Options
	daemon rpc.InitializeResult
	conn   atomic.Pointer[rpc.Conn]

	mending sync.Mutex // held while a connection that ended is replaced
	closed  atomic.Bool
}

// Connect connects to aad and checks that both speak the same protocol. When
// nobody listens and opts say so, it starts the installed service, or else a
// daemon of its own that outlives the caller, and returns when it is ready. ctx
// bounds the connecting, not the connection.
func Connect(ctx context.Context, opts Options) (*Client, error) {
	opts, err := opts.complete()
	if err != nil {
		return nil, err
	}
	c := &Client{opts: opts}
	begun, pause := time.Now(), firstPause
	for {
		conn, err := c.reach(ctx)
		if err == nil {
			c.conn.Store(conn)
			return c, nil
		}
		if !passing(err) || time.Since(begun) > hangover {
			return nil, err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// hangover is how long a daemon is asked again that is just ending, or has more
// connections than it takes.
const hangover = 5 * time.Second

// passing reports whether a daemon listened that could not answer now.
func passing(err error) bool {
	return apprentice.KindOf(err) == apprentice.Unavailable && !errors.Is(err, rpc.ErrNoDaemon) &&
		(errors.Is(err, errHungUp) || isStopping(err))
}

// errHungUp is in the chain when the daemon ended before it had answered.
var errHungUp = errors.New("the daemon hung up")

// reach dials, starting the daemon where it must, and learns who answers.
func (c *Client) reach(ctx context.Context) (*rpc.Conn, error) {
	var own *child
	conn, err := rpc.Dial(ctx, c.opts.Socket)
	if err != nil {
		conn, own, err = c.opts.explainOrStart(ctx, err)
	}
	if err != nil {
		return nil, err
	}
	if c.daemon, err = c.opts.introduce(ctx, conn); err != nil {
		if conn.Err() != nil {
			err = errors.Join(err, errHungUp)
		}
		conn.Close()
		return nil, err
	}
	switch {
	case own == nil:
	case own.pid == c.daemon.PID:
		c.opts.Log(fmt.Sprintf("started aad (pid %d)", own.pid))
	default:
		own.abandon()
	}
	return conn, nil
}

// Daemon is how the daemon introduced itself.
func (c *Client) Daemon() rpc.InitializeResult { return c.daemon }

// Socket is the path of the daemon's socket.
func (c *Client) Socket() string { return c.opts.Socket }

// Close ends the connection; calls fail from then on.
func (c *Client) Close() error {
	c.closed.Store(true)
	return c.conn.Load().Close()
}

// Gone is closed when the connection has ended, which a daemon that stops does
// last.
func (c *Client) Gone() <-chan struct{} { return c.conn.Load().Done() }

func (o Options) complete() (Options, error) {
	var err error
	if o.Home == "" {
		if o.Home, err = Home(); err != nil {
			return o, err
		}
	}
	if o.Socket == "" {
		if o.Socket, err = Socket(o.Home); err != nil {
			return o, err
		}
	}
	if o.Name == "" {
		o.Name = "aa"
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	return o, rpc.CheckPath(o.Socket)
}

// explainOrStart is what follows a dial that failed.
func (o Options) explainOrStart(ctx context.Context, dialled error) (conn *rpc.Conn, own *child, err error) {
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	// Root may start a service of the machine, whose home is another user's.
	if err := checkHome(o.Home); err != nil && (os.Geteuid() != 0 || !o.hasService()) {
		return nil, nil, err
	}
	if !errors.Is(dialled, rpc.ErrNoDaemon) {
		return nil, nil, dialled
	}
	if !o.Autostart {
		return nil, nil, apprentice.Errorf(apprentice.Unavailable, "aad is not running in %s", o.Home).
			Because(dialled).WithHint("aa daemon start")
	}
	return o.start(ctx)
}

// introduce says who we are and learns who answers. Another protocol is refused
// by the daemon, which names both.
func (o Options) introduce(ctx context.Context, conn *rpc.Conn) (rpc.InitializeResult, error) {
	return rpc.Call(ctx, conn, rpc.Initialize, rpc.InitializeParams{
		Client:   o.Name + " " + o.Version,
		Protocol: rpc.ProtocolVersion,
	})
}
