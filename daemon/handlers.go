package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/internal/proc"
	"aad/rpc"
	"aad/storage"
)

// handle gives every method of the table its body.
func (d *Daemon) handle() {
	s := d.server
	rpc.Handle(s, rpc.Initialize, d.initialize)
	rpc.Handle(s, rpc.Ping, d.ping)
	rpc.Handle(s, rpc.DaemonStatusOf, d.daemonStatus)
	rpc.Handle(s, rpc.DaemonShutdown, d.daemonShutdown)
	rpc.Handle(s, rpc.DaemonDoctor, d.daemonDoctor)
	rpc.Handle(s, rpc.IntegrationList, d.integrationList)
	rpc.Handle(s, rpc.IntegrationCertify, d.integrationCertify)
	rpc.Handle(s, rpc.DaemonBackup, d.daemonBackup)
	rpc.Handle(s, rpc.DaemonCheck, d.daemonCheck)
	rpc.Handle(s, rpc.DaemonGC, d.daemonGC)
	rpc.Handle(s, rpc.DaemonMetrics, d.daemonMetrics)
	rpc.Handle(s, rpc.DaemonUsage, d.daemonUsage)
	rpc.Handle(s, rpc.RunSubmit, d.runSubmit)
	rpc.Handle(s, rpc.RunGet, d.runGet)
	rpc.Handle(s, rpc.RunList, d.runList)
	rpc.Handle(s, rpc.RunEvents, d.runEvents)
	rpc.Handle(s, rpc.RunWatch, d.runWatch)
	rpc.Handle(s, rpc.RunUnwatch, d.runUnwatch)
	rpc.Handle(s, rpc.RunOutput, d.runOutput)
	rpc.Handle(s, rpc.RunCancel, d.runCancel)
	rpc.Handle(s, rpc.RunRetry, d.runRetry)
	rpc.Handle(s, rpc.RunRegrade, d.runRegrade)
	rpc.Handle(s, rpc.RunHold, d.runHold)
	rpc.Handle(s, rpc.RunRelease, d.runRelease)
	rpc.Handle(s, rpc.RunReprioritize, d.runReprioritize)
	rpc.Handle(s, rpc.RunWait, d.runWait)
	rpc.Handle(s, rpc.RunContinue, d.runContinue)
	rpc.Handle(s, rpc.RunFinish, d.runFinish)
	rpc.Handle(s, rpc.RunImport, d.runImport)
	rpc.Handle(s, rpc.RunDelete, d.runDelete)
	rpc.Handle(s, rpc.RunFile, d.runFile)
	rpc.Handle(s, rpc.RunDiff, d.runDiff)
	rpc.Handle(s, rpc.BundleCreate, d.bundleCreate)
	rpc.Handle(s, rpc.BundleInspect, d.bundleInspect)
	rpc.Handle(s, rpc.BundleCheck, d.bundleCheck)
	rpc.Handle(s, rpc.BundleExport, d.bundleExport)
	rpc.Handle(s, rpc.CheckpointList, d.checkpointList)
	rpc.Handle(s, rpc.CheckpointGet, d.checkpointGet)
	rpc.Handle(s, rpc.CheckpointResolve, d.checkpointResolve)
	d.handlePacks(s)
	d.handleEcosystem(s)
	d.handleReleases(s)
	rpc.Handle(s, rpc.BatchStart, d.batchStart)
	rpc.Handle(s, rpc.BatchGet, d.batchGet)
	rpc.Handle(s, rpc.BatchRetry, d.batchRetry)
	rpc.Handle(s, rpc.QueueGet, d.queueGet)
	rpc.Handle(s, rpc.QueuePause, d.queuePause)
	rpc.Handle(s, rpc.QueueResume, d.queueResume)
	rpc.Handle(s, rpc.QueueLimit, d.queueLimit)
	rpc.Handle(s, rpc.UsageGet, d.usageGet)
	rpc.Handle(s, rpc.MentorEval, d.mentorEval)
	rpc.Handle(s, rpc.SettingsGet, d.settingsGet)
	rpc.Handle(s, rpc.SettingsSet, d.settingsSet)
}

func (d *Daemon) initialize(_ context.Context, _ *rpc.Peer, p rpc.InitializeParams) (rpc.InitializeResult, error) {
	if p.Protocol != 0 && p.Protocol != rpc.ProtocolVersion {
		return rpc.InitializeResult{}, apprentice.Errorf(apprentice.Unmet, "the client speaks protocol %d, this aad protocol %d", p.Protocol, rpc.ProtocolVersion).
			WithField("protocol").WithHint("bring aa and aad to the same version; aa daemon restart starts the installed aad")
	}
	var names []string
	for _, m := range rpc.Methods {
		names = append(names, m.Name)
	}
	return rpc.InitializeResult{Version: d.cfg.Version, Protocol: rpc.ProtocolVersion, Capabilities: names, Home: string(d.home), PID: os.Getpid()}, nil
}

func (d *Daemon) ping(context.Context, *rpc.Peer, rpc.Empty) (rpc.PingResult, error) {
	return rpc.PingResult{PID: os.Getpid()}, nil
}

// resolve finds the run that a client's word means.
func (d *Daemon) resolve(ref string) (apprentice.Run, error) {
	if ref == "" {
		return apprentice.Run{}, apprentice.Errorf(apprentice.Invalid, "run_id is missing").WithField("run_id").
			WithHint("name a run by its id, a unique prefix, or @last")
	}
	id, err := d.store.Resolve(ref)
	if err != nil {
		return apprentice.Run{}, err
	}
	return d.store.Run(id)
}

func (d *Daemon) settingsGet(_ context.Context, _ *rpc.Peer, p rpc.SettingsParams) (rpc.SettingsResult, error) {
	s, err := d.settings.read()
	if err == nil && p.Key != "" {
		_, err = s.Get(p.Key)
	}
	return rpc.SettingsResult{Settings: s, Path: d.settings.path}, err
}

func (d *Daemon) settingsSet(ctx context.Context, peer *rpc.Peer, p rpc.SettingsSetParams) (rpc.SettingsResult, error) {
	if err := d.maySetSharing(peer, p); err != nil {
		return rpc.SettingsResult{}, err
	}
	if p.Key == "agent" && p.Value != "" && !p.Unset {
		if _, err := agent.Require(apprentice.Settings{Agent: p.Value}, agent.Lookup{}); err != nil {
			return rpc.SettingsResult{}, err
		}
	}
	if strings.HasPrefix(p.Key, "custom_") && strings.HasSuffix(p.Key, "_template") && p.Value != "" && !p.Unset {
		if err := agent.CheckTemplate(p.Key, p.Value); err != nil {
			return rpc.SettingsResult{}, err
		}
	}
	if err := d.settings.set(p.Key, p.Value, p.Unset); err != nil {
		return rpc.SettingsResult{}, err
	}
	d.sched.nudge()
	d.sharing.nudge()
	return d.settingsGet(ctx, peer, rpc.SettingsParams{Key: p.Key})
}

// shownNext is how many of the runs that would start next are told.
const shownNext = 20

func (d *Daemon) queueGet(ctx context.Context, _ *rpc.Peer, _ rpc.Empty) (out rpc.QueueResult, err error) {
	waiting, err := d.sched.turns(ctx)
	if err != nil {
		return out, err
	}
	if out.Running, err = d.inState(apprentice.Running); err != nil {
		return out, err
	}
	for i := range out.Running {
		d.sched.tellStuck(&out.Running[i])
	}
	deferred, err := d.inState(apprentice.Deferred)
	if err != nil {
		return out, err
	}
	if out.Groups, out.Paused, err = d.groups(waiting, out.Running, deferred); err != nil {
		return out, err
	}
	out.Deferred = deferred[:min(len(deferred), shownNext)]
	out.Waiting = len(waiting)
	for _, e := range firstOf(waiting, shownNext) {
		r, err := d.store.Run(e.id)
		switch {
		case apprentice.KindOf(err) == apprentice.NotFound: // deleted meanwhile
		case err != nil:
			return out, err
		default:
			out.Next = append(out.Next, r)
		}
	}
	return out, nil
}

// inState lists the newest thousand runs of a state, the oldest first.
func (d *Daemon) inState(state apprentice.QueueState) ([]apprentice.Run, error) {
	runs, _, err := d.store.Runs(storage.Filter{States: []apprentice.QueueState{state}}, "", 1000)
	slices.Reverse(runs)
	return runs, err
}

// groups counts the queued, running and deferred runs of every group, and tells
// whether the whole queue is paused.
func (d *Daemon) groups(waiting []*queued, running, deferred []apprentice.Run) (list []rpc.Group, paused bool, err error) {
	known, err := groupsByName(d.store)
	if err != nil {
		return nil, false, err
	}
	counted := map[string]*rpc.Group{}
	for name, g := range known {
		if name != "" {
			counted[name] = &rpc.Group{Name: name, Paused: g.Paused, Limit: g.Limit}
		}
	}
	group := func(name string) *rpc.Group {
		if counted[name] == nil {
			counted[name] = &rpc.Group{Name: name}
		}
		return counted[name]
	}
	for _, e := range waiting {
		group(e.lane.group).Queued++
	}
	for _, r := range running {
		group(r.Group).Running++
	}
	for _, r := range deferred {
		group(r.Group).Deferred++
	}
	for _, g := range counted {
		list = append(list, *g)
	}
	sortGroups(list)
	return list, known[""].Paused, nil
}

func (d *Daemon) queuePause(ctx context.Context, _ *rpc.Peer, p rpc.QueueParams) (rpc.Empty, error) {
	return rpc.Empty{}, d.setPaused(ctx, p.Group, true)
}

func (d *Daemon) queueResume(ctx context.Context, _ *rpc.Peer, p rpc.QueueParams) (rpc.Empty, error) {
	return rpc.Empty{}, d.setPaused(ctx, p.Group, false)
}

func (d *Daemon) setPaused(ctx context.Context, group string, paused bool) error {
	what, kind := "the queue", apprentice.QueueResumed
	verb := "resumed"
	if paused {
		kind, verb = apprentice.QueuePaused, "paused"
	}
	if group != "" {
		what = fmt.Sprintf("group %s", group)
	}
	err := d.changeGroup(ctx, group, func(g *rpc.Group) { g.Paused = paused },
		apprentice.Event{EventType: kind, Phase: apprentice.PhaseQueued, Message: strings.ToUpper(what[:1]) + what[1:] + " is " + verb})
	d.sched.nudge()
	return err
}

func (d *Daemon) queueLimit(ctx context.Context, _ *rpc.Peer, p rpc.QueueLimitParams) (rpc.Empty, error) {
	if p.Group == "" {
		return rpc.Empty{}, apprentice.Errorf(apprentice.Invalid, "the whole queue's limit is the setting max_parallel").WithField("group").
			WithHint("aa settings set max_parallel %d", max(1, p.Limit))
	}
	err := d.changeGroup(ctx, p.Group, func(g *rpc.Group) { g.Limit = p.Limit },
		apprentice.Event{EventType: apprentice.QueueLimited, Phase: apprentice.PhaseQueued,
			Message: fmt.Sprintf("Group %s works on %d runs at once", p.Group, p.Limit)})
	d.sched.nudge()
	return rpc.Empty{}, err
}

// changeGroup alters a group's pause or limit. Two clients at once are kept in
// order by the lock.
func (d *Daemon) changeGroup(ctx context.Context, name string, change func(*rpc.Group), note apprentice.Event) error {
	d.groupsLock.Lock()
	defer d.groupsLock.Unlock()
	known, err := groupsByName(d.store)
	if err != nil {
		return err
	}
	g := known[name]
	view := rpc.Group{Name: name, Paused: g.Paused, Limit: g.Limit}
	change(&view)
	g.Name, g.Paused, g.Limit = name, view.Paused, view.Limit
	return d.store.SetGroup(ctx, g, note)
}

func (d *Daemon) daemonStatus(ctx context.Context, _ *rpc.Peer, _ rpc.Empty) (rpc.DaemonStatus, error) {
	stats, err := d.store.Stats()
	if err != nil {
		return rpc.DaemonStatus{}, err
	}
	waiting, err := d.sched.turns(ctx)
	if err != nil {
		return rpc.DaemonStatus{}, err
	}
	running, err := d.inState(apprentice.Running)
	if err != nil {
		return rpc.DaemonStatus{}, err
	}
	deferred, err := d.inState(apprentice.Deferred)
	if err != nil {
		return rpc.DaemonStatus{}, err
	}
	groups, paused, err := d.groups(waiting, running, deferred)
	if err != nil {
		return rpc.DaemonStatus{}, err
	}
	counts := map[string]int{}
	for state, n := range d.store.Counts() {
		counts[string(state)] = n
	}
	noRoom := d.noRoomReason(stats.Full)
	free, err := proc.DiskFree(string(d.home))
	if err != nil {
		d.log.Warn("see how much room the disk has", "error", err)
	}
	return rpc.DaemonStatus{
		Version: d.cfg.Version, PID: os.Getpid(), Home: string(d.home),
		StartedAt: apprentice.Stamp(d.started), Uptime: int64(time.Since(d.started).Seconds()),
		Counts: counts, Slots: d.settings.inForce().MaxParallel, Busy: d.sched.busy(),
		Groups: groups, Paused: paused, Database: stats.Bytes, DiskFree: free,
		DiskFull: noRoom != "", DiskReason: noRoom, Clients: d.server.Stats().Connections,
		Watchers: d.watchers.count(), LastSeq: stats.LastSeq, Problems: d.problems.list(), Log: filepath.Join(d.home.Log(), LogName),
	}, nil
}

func (d *Daemon) daemonShutdown(ctx context.Context, _ *rpc.Peer, p rpc.ShutdownParams) (rpc.Empty, error) {
	d.forced.Store(p.Force)
	rpc.AfterReply(ctx, d.stop)
	return rpc.Empty{}, nil
}

// notNegative refuses a number below 0.
func notNegative(field string, n int) error {
	if n < 0 {
		return apprentice.Errorf(apprentice.Invalid, "%s %d is below 0", field, n).WithField(field).WithHint("a whole number, 0 or more")
	}
	return nil
}
