package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
	"aad/internal/proc"
)

// linger is what the rest of a tree gets to end by itself after the main
// process ended by itself: the last reader of a pipe still has to write.
const linger = time.Second

// tree is the agent's processes, as the shim sees them.
type tree struct {
	spec   Spec
	beat   *pulse
	stdout *stream
	stderr *stream
	relay  *relay // nil without a dialogue

	main   *proc.Handle
	reaped proc.Reaped
	asked  <-chan os.Signal

	status *proc.Status // of the main process, once it has ended
	killed map[int]bool
}

// newTree opens what can be opened before the folder is ours.
func newTree(dir folder, spec Spec) (*tree, error) {
	t := &tree{spec: spec, beat: newPulse(), killed: map[int]bool{}}
	var err error
	if t.stdout, err = openStream(StdoutPath(string(dir)), spec.OutputLimit, t.beat); err != nil {
		return nil, err
	}
	if t.stderr, err = openStream(StderrPath(string(dir)), spec.OutputLimit, t.beat); err != nil {
		return nil, err
	}
	if err := proc.BecomeSubreaper(); err != nil {
		return nil, fmt.Errorf("adopt orphans: %w", err)
	}
	if spec.Dialogue {
		if t.relay, err = openRelay(dir, t.stdout, t.beat); err != nil {
			return nil, fmt.Errorf("open the dialogue: %w", err)
		}
	}
	return t, nil
}

// start starts the main process, and everything that follows it.
func (t *tree) start() *fault {
	stdin, err := t.stdin()
	if err != nil {
		return &fault{Other, "open the agent's stdin: " + err.Error()}
	}
	defer stdin.Close()
	path, wrong := find(t.spec)
	if wrong != nil {
		return wrong
	}
	t.main, err = startForGood(proc.Command{
		Path: path, Args: t.spec.Args, Dir: t.spec.Dir,
		Env:           append(t.spec.Env[:len(t.spec.Env):len(t.spec.Env)], proc.TokenVar+"="+t.spec.Token),
		Files:         []*os.File{stdin, t.stdout.in, t.stderr.in},
		DieWithCaller: true,
	})
	t.stdout.in.Close()
	t.stderr.in.Close()
	if err != nil {
		return explain(path, t.spec, err)
	}
	t.beat.now()
	t.reaped = proc.Reap(t.main.Pid())
	t.stdout.follow()
	t.stderr.follow()
	if t.relay != nil {
		t.relay.serve()
	}
	return nil
}

// stdin opens the main process's end of its input.
func (t *tree) stdin() (*os.File, error) {
	switch {
	case t.relay != nil:
		return t.relay.in, nil
	case t.spec.StdinFile != "":
		return os.Open(t.spec.StdinFile)
	}
	return os.Open(os.DevNull)
}

// startForGood starts c on a thread that lasts as long as the shim: the child's
// parent-death signal hangs on it.
func startForGood(c proc.Command) (h *proc.Handle, err error) {
	started := make(chan struct{})
	// Owned by the process, and ends with it.
	go func() {
		runtime.LockOSThread()
		h, err = proc.Start(c)
		close(started)
		select {}
	}()
	<-started
	return h, err
}

// record writes started.json. It is a help for those who look; the tree runs
// without it.
func (t *tree) record(dir folder, at string) {
	boot, err := proc.BootID()
	if err == nil {
		err = atomicfile.WriteJSON(dir.started(), started{Version: formatVersion, Pid: t.main.Pid(), BootID: boot, StartedAt: at})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "aad-shim: write started.json:", err)
	}
}

// run waits for the end of the main process or of its time, ends what is left,
// and fills in exit.
func (t *tree) run(exit *Exit) {
	exit.Outcome = t.watch()
	t.end(exit.Outcome)
	exit.Left = t.kill()
	exit.ExitCode = -1
	if t.status != nil {
		exit.ExitCode, exit.Signal = t.status.Code, t.status.Signal
	}
	exit.Killed = len(t.killed)
	use := proc.ChildrenUsage()
	exit.UserCPUMS, exit.SystemCPUMS, exit.MaxRSSBytes = use.UserCPUMS, use.SystemCPUMS, use.MaxRSSBytes
	err := errors.Join(t.stdout.finish(), t.stderr.finish())
	if t.relay != nil {
		err = errors.Join(err, t.relay.close())
	}
	exit.StdoutBytes, exit.StdoutCut = t.stdout.kept.Load(), t.stdout.cut
	exit.StderrBytes, exit.StderrCut = t.stderr.kept.Load(), t.stderr.cut
	if err != nil {
		exit.OutputError = err.Error()
	}
}

// watch blocks until there is a reason to end the tree. An end that has come
// already wins over one that is due.
func (t *tree) watch() Outcome {
	var hungUp, turned, full <-chan struct{}
	if t.relay != nil {
		hungUp, turned, full = t.relay.hungUp, t.beat.turned, t.stdout.full
	}
	var why Outcome
	for why == "" {
		select {
		case st := <-t.reaped.Main:
			t.status = &st
			return t.exited()
		case <-t.alarm():
			why = t.overdue()
		case <-turned:
		case <-full:
			why = Flooded
		case <-hungUp:
			hungUp = nil
			why = t.farewell()
		case <-t.asked:
			why = Terminated
		}
	}
	select {
	case st := <-t.reaped.Main:
		t.status = &st
		return t.exited()
	default:
		return why
	}
}

// exited is the outcome of a main process that has ended by itself.
func (t *tree) exited() Outcome {
	if t.relay != nil {
		select {
		case <-t.relay.hungUp:
			return HungUp
		default:
		}
	}
	return Exited
}

// farewell gives an agent whose stdin was closed the time to end by itself.
func (t *tree) farewell() Outcome {
	grace := time.NewTimer(max(time.Duration(t.spec.GraceMS)*time.Millisecond, linger))
	defer grace.Stop()
	select {
	case st := <-t.reaped.Main:
		t.status = &st
	case <-t.asked:
	case <-grace.C:
	}
	return HungUp
}

// alarm fires when the next limit may be over; never without one, or while the agent
// is parked.
func (t *tree) alarm() <-chan time.Time {
	left, counts := time.Duration(0), false
	for _, l := range []struct {
		ms   int64
		used time.Duration
	}{{t.spec.TimeoutMS, t.beat.worked()}, {t.spec.IdleMS, t.beat.quiet()}} {
		if rest := time.Duration(l.ms)*time.Millisecond - l.used; l.ms > 0 && (!counts || rest < left) {
			left, counts = rest, true
		}
	}
	if !counts || t.beat.parked() {
		return nil
	}
	return time.After(left)
}

// overdue says which limit is over, "" for none yet.
func (t *tree) overdue() Outcome {
	switch {
	case t.beat.parked():
	case t.spec.TimeoutMS > 0 && t.beat.worked() >= time.Duration(t.spec.TimeoutMS)*time.Millisecond:
		return TimedOut
	case t.spec.IdleMS > 0 && t.beat.quiet() >= time.Duration(t.spec.IdleMS)*time.Millisecond:
		return Stalled
	}
	return ""
}

// end gives the tree the chance to end by itself: all of it at once, or, when
// the main process has just ended, what is left after a moment.
func (t *tree) end(why Outcome) {
	if why == Exited && t.none(linger) || t.spec.GraceMS == 0 {
		return
	}
	proc.Hurry()
	grouped := t.status == nil && t.main.SignalGroup(proc.Term) == nil
	procs, err := t.rest()
	if err != nil {
		fmt.Fprintln(os.Stderr, "aad-shim:", err)
	}
	if t.status != nil {
		t.count(procs...)
	}
	if grouped { // once is enough: some programs take a second SIGTERM for impatience
		_ = t.main.SignalGroup(proc.Cont)
		procs = slices.DeleteFunc(procs, func(p proc.Info) bool { return p.Group == t.main.Pid() })
	}
	proc.AskAll(procs)
	t.none(time.Duration(t.spec.GraceMS) * time.Millisecond)
}

// kill ends what is left and checks that nothing is. It returns how many
// processes even SIGKILL has not ended.
func (t *tree) kill() int {
	ctx, cancel := context.WithTimeout(context.Background(), hangTime)
	defer cancel()
	for ctx.Err() == nil {
		if t.none(0) {
			return 0
		}
		proc.Hurry()
		_ = t.main.SignalGroup(proc.Stop) // first what goes at once: no fork outruns it
		if procs, err := t.rest(); err == nil {
			t.count(procs...)
		}
		_ = t.main.SignalGroup(proc.Kill)
		if err := proc.EndAll(ctx, t.rest, func(p proc.Info) { t.count(p) }); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "aad-shim:", err)
		}
		t.none(linger)
	}
	procs, _ := t.rest()
	return len(procs)
}

func (t *tree) count(procs ...proc.Info) {
	for _, p := range procs {
		if p.Pid != t.main.Pid() {
			t.killed[p.Pid] = true
		}
	}
}

// rest lists the live processes of the tree.
func (t *tree) rest() ([]proc.Info, error) {
	if proc.OrphansComeHome {
		return proc.Descendants(os.Getpid())
	}
	return proc.Marked(t.spec.Token, t.main.Pid())
}

// none waits until no process of the tree is left, but not longer than most,
// and tells whether that is so.
func (t *tree) none(most time.Duration) bool {
	limit := time.NewTimer(most)
	defer limit.Stop()
	for {
		select {
		case <-t.reaped.None:
			return t.gone()
		default:
		}
		select {
		case st := <-t.reaped.Main:
			t.status = &st
		case <-t.reaped.None:
			return t.gone()
		case <-limit.C:
			return false
		}
	}
}

// gone tells whether the tree is gone, no child being left.
func (t *tree) gone() bool {
	select {
	case st := <-t.reaped.Main:
		t.status = &st
	default:
	}
	if proc.OrphansComeHome {
		return true
	}
	procs, err := t.rest()
	return err == nil && len(procs) == 0
}

func stampNow() string { return apprentice.Stamp(time.Now()) }
