package client

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"aad/apprentice"
	"aad/internal/proc"
	"aad/rpc"
)

const (
	// firstPause and longestPause bound the time between two looks at the socket.
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
	// newTry is how long somebody else may be starting before we try ourselves
	// again, since that one may have died.
	newTry = 3 * time.Second
	// patience is how long a home may be locked while nobody listens at the
	// socket: a database may be migrated meanwhile.
	patience = 2 * time.Minute
	// slowStart is when whoever waits is told so.
	slowStart = 2 * time.Second
	// servicePatience is how long the service manager may take.
	servicePatience = 30 * time.Second
)

// start starts aad and returns a connection to it, and the daemon it started
// itself, if any, which need not be the one that answers. Of several that start at once
// one wins the database's lock; the others see their own daemon end with a
// conflict and wait for the winner to listen.
func (o Options) start(ctx context.Context) (conn *rpc.Conn, own *child, err error) {
	if o.hasService() {
		conn, err = o.startService(ctx)
		return conn, nil, err
	}
	child, err := o.launch()
	if err != nil {
		return nil, nil, err
	}
	begun, tried := time.Now(), time.Now()
	pause, slow := firstPause, false
	for {
		var ended error
		select {
		case <-child.ready:
			child.ready = nil
		case <-child.exited:
			child.exited = nil
			ended = child.failure()
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
		if !slow && time.Since(begun) > slowStart {
			slow = true
			o.Log("waiting for aad to be ready")
		}
		conn, err := rpc.Dial(ctx, o.Socket)
		switch {
		case err == nil:
			return conn, child, nil
		case !errors.Is(err, rpc.ErrNoDaemon):
			return nil, nil, err
		case ended != nil && apprentice.KindOf(ended) != apprentice.Conflict:
			return nil, nil, ended
		case time.Since(begun) > patience:
			return nil, nil, apprentice.Errorf(apprentice.Conflict, "another aad holds the home %s, and nobody listens at %s", o.Home, o.Socket).
				WithHint("it may use another AA_SOCKET: see %s", filepath.Join(o.Home, "log"))
		case child.exited == nil && time.Since(tried) > newTry:
			if child, err = o.launch(); err != nil {
				return nil, nil, err
			}
			tried = time.Now()
		}
	}
}

// startService starts the installed service, so that it and a daemon of ours
// never fight, and waits for it to listen.
func (o Options) startService(ctx context.Context) (*rpc.Conn, error) {
	if err := o.service(ctx, "start"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, servicePatience)
	defer cancel()
	conn, err := o.dialUntil(ctx)
	if ctx.Err() != nil && err != nil {
		return nil, apprentice.Errorf(apprentice.Unavailable, "the service of aad was started, and nobody listens at %s", o.Socket).
			WithHint("aad status; aa daemon logs")
	}
	if err == nil {
		o.Log("started the service of aad")
	}
	return conn, err
}

// service asks aad to start or stop the installed service.
func (o Options) service(ctx context.Context, what string) error {
	path, err := DaemonPath()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, what)
	cmd.Env = o.environment()
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	message, hint := words(string(out))
	if hint == "" {
		hint = "aad status"
	}
	return &apprentice.Error{Kind: kindOfExit(cmd), Message: "the service of aad did not " + what + ": " + message, Hint: hint, Err: err}
}

// hasService reports whether a service serves the home.
func (o Options) hasService() bool {
	_, err := os.Stat(filepath.Join(o.Home, "service.json"))
	return err == nil
}

// dialUntil dials until somebody listens or ctx ends.
func (o Options) dialUntil(ctx context.Context) (*rpc.Conn, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		conn, err := rpc.Dial(ctx, o.Socket)
		if err == nil || !errors.Is(err, rpc.ErrNoDaemon) {
			return conn, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// MayStart reports whether the caller is one for whom aad may be started unasked: no
// agent that has named no home. The usual one may not be that of its aad, and what it
// started there would end with it.
func MayStart() bool {
	return os.Getenv(proc.TokenVar) == "" || os.Getenv("AA_HOME") != "" || os.Getenv("AA_SOCKET") != ""
}

// DaemonPath finds the daemon's program: $AA_DAEMON, else beside our own
// executable, else in the PATH.
func DaemonPath() (string, error) {
	if path := os.Getenv("AA_DAEMON"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", apprentice.Errorf(apprentice.Unmet, "AA_DAEMON names %s, which cannot be used: %s", path, reason(err)).Because(err)
		}
		return path, nil
	}
	if own, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(own); err == nil {
			own = real
		}
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(own), "aad")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("aad")
	if err != nil {
		return "", apprentice.Errorf(apprentice.Unmet, "the program aad is neither beside aa nor in the PATH").
			Because(err).WithHint("install it beside aa, or name it in AA_DAEMON")
	}
	return filepath.Abs(path)
}
