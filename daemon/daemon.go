package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/experience"
	"aad/internal/proc"
	"aad/internal/walltime"
	"aad/loop"
	"aad/rpc"
	"aad/storage"
	"aad/workspace"
)

// Config says which daemon to be. Home and Shim are required.
type Config struct {
	Home   string
	Socket string // "" is aad.sock in the home
	// Listener is a socket that a service manager has opened already; nil opens
	// Socket. It stays the manager's: closing it leaves its file.
	Listener net.Listener
	Shim     string // path of the aad-shim binary
	Version  string
	// Logger takes what is logged beside the log file; nil is nowhere.
	Logger slog.Handler
	// Environ is aad's own environment as NAME=value; nil is the process's.
	Environ []string
	// Ready is called once clients can connect; nil calls nothing.
	Ready func()
	// Alive is called every AliveEvery while the store answers, for a watchdog; 0
	// calls nothing.
	Alive      func()
	AliveEvery time.Duration
}

// Daemon is a running aad. Everything in it is safe for many goroutines.
type Daemon struct {
	cfg          Config
	home         workspace.Home
	store        *storage.Store
	log          *slog.Logger
	settings     *settings
	secrets      *secrets
	probes       *agent.Probes
	packs        *experience.Store
	sched        *scheduler
	mirror       *mirror
	meter        *meter
	server       *rpc.Server
	watchers     watchers
	problems     *problems
	desk         *desk
	hooks        *hooks
	packer       *packer
	sharing      *sharing
	scanners     *scanners
	releases     releases
	groupsLock   sync.Mutex    // around reading and writing a group
	followupLock sync.Mutex    // around adding a follow-up with its files
	smokeLock    sync.Mutex    // around appending to the results of smokes
	importLock   sync.Mutex    // around taking a run folder in, and removing what is half written beside it
	cleared      chan struct{} // closed when nothing is left of what an earlier aad was killed in
	started      time.Time
	stop         context.CancelFunc
	forced       atomic.Bool   // a client asked not to wait for calls
	stopping     chan struct{} // closed when calls that only wait are to end
}

// Run is aad: it serves the home until ctx ends or a client asks it to stop, and
// returns when everything it opened is closed. Attempts in progress go on under
// their shims; the next Run follows them on.
func Run(ctx context.Context, cfg Config) (err error) {
	if cfg.Environ == nil {
		cfg.Environ = os.Environ()
	}
	if err := proc.NoDump(); err != nil { // agents run as the same user
		return fmt.Errorf("keep aad's memory from other processes: %w", err)
	}
	home, err := workspace.OpenHome(cfg.Home)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d := &Daemon{cfg: cfg, home: home, packs: experience.NewStore(home.Packs()), started: time.Now(), stop: func() { stop(nil) }, problems: &problems{}, stopping: make(chan struct{}), cleared: make(chan struct{})}
	if d.settings, err = openSettings(home.Settings(), lookupIn(cfg.Environ)); err != nil {
		return err
	}
	logFile, err := d.openLog()
	if err != nil {
		return err
	}
	defer closing(&err, logFile.Close)
	d.secrets = &secrets{path: home.Secrets(), log: d.log}
	d.scanners = &scanners{home: string(home), secrets: d.secrets}
	if _, err := d.secrets.read(); err != nil {
		return err
	}
	d.probes = agent.OpenProbes(home.Probes(), func(err error) { d.log.Warn("remember what agents offer", "error", err) })
	if d.store, err = storage.Open(home.DB(), storage.Options{Logger: d.log, Ballast: home.Ballast(), OnFatal: stop}); err != nil {
		return err
	}
	defer closing(&err, d.store.Close)
	listener, err := d.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	timer, err := walltime.New()
	if err != nil {
		return err
	}
	defer timer.Close()
	if d.desk, err = openDesk(d); err != nil {
		return err
	}
	defer closing(&err, d.desk.Close)
	if err := home.Sweep(); err != nil {
		d.log.Warn("remove what an earlier aad left half written", "error", err)
	}
	d.assemble(timer)
	d.log.Info("aad is ready", "version", cfg.Version, "pid", os.Getpid(), "home", string(home), "socket", listener.Addr().String())
	if err := d.serve(ctx, listener); err != nil {
		return err
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("aad had to stop: %w", cause)
	}
	return nil
}

// serve runs the parts and takes them down in order: first no new calls, then the
// jobs, then what they still have to mirror.
func (d *Daemon) serve(ctx context.Context, listener net.Listener) error {
	left, err := d.findLeftOvers()
	if err == nil {
		err = d.endOldGit(ctx)
	}
	if err != nil {
		return err
	}
	fault := make(chan error, 10) // each part tells at most one
	stopMirror := part(ctx, func(ctx context.Context) error { d.mirror.Serve(ctx); return nil }, fault)
	stopDesk := part(ctx, d.desk.Serve, fault)
	stopPacker := part(ctx, d.packer.Serve, fault)
	stopSharing := part(ctx, d.sharing.Serve, fault)
	stopSched := part(ctx, d.sched.Serve, fault)
	stopClearing := part(ctx, func(ctx context.Context) error { d.clear(ctx, left); return nil }, fault)
	stopMeter := part(ctx, d.meter.Serve, fault)
	stopMetrics := part(ctx, d.serveMetrics, fault)
	stopAlive := part(ctx, d.tellAlive, fault)
	stopServer := part(ctx, func(ctx context.Context) error { return d.server.Serve(ctx, listener) }, fault)
	if d.cfg.Ready != nil {
		d.cfg.Ready()
	}
	select {
	case <-ctx.Done():
	case err = <-fault:
	}
	d.log.Info("aad is stopping", "runs_in_progress", d.sched.busy())
	close(d.stopping)
	d.endCalls()
	for _, p := range []struct {
		name string
		stop func()
	}{{"calls", stopServer}, {"signs of life", stopAlive}, {"metrics", stopMetrics}, {"counting", stopMeter}, {"clearing", stopClearing},
		{"runs", stopSched}, {"questions", stopDesk}, {"sharing", stopSharing}, {"bundles", stopPacker}, {"hooks", d.hooks.end}, {"run folders", stopMirror}} {
		slow := time.AfterFunc(slowStop, func() { d.log.Warn("aad cannot stop yet", "waits_for", p.name) })
		p.stop()
		slow.Stop()
	}
	return err
}

// slowStop is when a stop says in the log what it waits for.
const slowStop = 10 * time.Second

// part runs one part of the daemon beside the others. The returned function ends
// its ctx and waits for it; serve calls it.
func part(ctx context.Context, run func(context.Context) error, fault chan<- error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	// Owned by serve; ends when stop is called, or with a fault of its own.
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			fault <- err
		}
	}()
	return func() { cancel(); <-done }
}

// callGrace is how long calls in progress may take once aad is stopping, and
// forcedGrace where nobody wants to wait for them: those that only wait end at once,
// and are told why.
const (
	callGrace   = 2 * time.Second
	forcedGrace = 200 * time.Millisecond
)

func (d *Daemon) endCalls() {
	d.watchers.end()
	grace := callGrace
	if d.forced.Load() {
		grace = forcedGrace
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.log.Info("calls were cut short", "error", err)
	}
}

// listen takes the socket's place: whoever holds the database's lock may remove
// what an earlier daemon has left.
func (d *Daemon) listen() (net.Listener, error) {
	if d.cfg.Listener != nil {
		return d.cfg.Listener, nil
	}
	path := d.cfg.Socket
	if path == "" {
		path = d.home.Socket()
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, apprentice.Errorf(apprentice.Conflict, "%s is there and is no socket", path).
				WithHint("move it away, or set AA_SOCKET")
		}
	}
	return rpc.Listen(path)
}

// workRun works one pass of a run; it is the scheduler's work.
func (d *Daemon) workRun(ctx context.Context, run apprentice.Run, slot loop.Slot) (loop.Outcome, error) {
	specs, err := d.specs(run)
	if err != nil {
		return loop.Outcome{}, err
	}
	spec := specs[run.Pass]
	env := d.env(run, spec)
	env.Slot = slot
	out, err := loop.Work(ctx, env, run, spec, specs[:run.Pass], d.store.Journal(run.RunID, run.Pass))
	if err == nil {
		err = d.sharing.owe(run, out)
	}
	return out, err
}

// variable looks up what the mentor may know: .env.local over aad's own environment.
func (d *Daemon) variable(name string) (string, bool) {
	return lookupIn(slices.Concat(d.cfg.Environ, d.secrets.named([]string{name})))(name)
}

// environ is what a run's agent may inherit from: aad's own environment and, over
// it, what its settings and its agent's recipe name of the secrets.
func (d *Daemon) environ(s apprentice.Settings) []string {
	names := s.AgentEnv
	if recipe, ok := agent.Find(s.Agent); ok {
		names = slices.Concat(names, recipe.Env())
	}
	return slices.Concat(d.cfg.Environ, d.secrets.named(names))
}

// lookupIn finds a variable among NAME=value pairs; the last one counts.
func lookupIn(environ []string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, pair := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(pair, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}
}

func closing(err *error, closeIt func() error) {
	if e := closeIt(); e != nil && *err == nil {
		*err = e
	}
}
