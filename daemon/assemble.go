package daemon

import (
	"time"

	"aad/apprentice"
	"aad/internal/walltime"
	"aad/rpc"
)

// assemble makes the parts that serve runs side by side.
func (d *Daemon) assemble(timer *walltime.Timer) {
	d.mirror = newMirror(d.home, d.store, d.log)
	d.hooks = &hooks{home: d.home, shim: d.cfg.Shim, environ: d.cfg.Environ, log: d.log, limit: hookLimit, slots: make(chan struct{}, hookSlots), ending: make(chan struct{})}
	d.hooks.sweep()
	d.packer = newPacker(d)
	d.sharing = newSharing(d)
	d.sched = newScheduler(d, timer)
	d.server = rpc.NewServer(d.log)
	d.server.Refuse = refuseConfined
	d.server.Farewell = d.watchers.await
	d.meter = newMeter(d)
	d.handle()
}

func newScheduler(d *Daemon, timer *walltime.Timer) *scheduler {
	return &scheduler{
		home: d.home, store: d.store, log: d.log, settings: d.settings.inForce, work: d.workRun, room: d.room, timer: timer, stopping: d.stopping,
		asked: d.desk.askSoon, settled: d.desk.settled, left: d.tellHooks, cancelled: d.cancel,
		wake: make(chan struct{}, 1), dirty: map[apprentice.RunID]struct{}{}, jobs: map[apprentice.RunID]*job{},
		queue: newQueue(), loaded: make(chan struct{}), later: map[apprentice.RunID]time.Time{},
	}
}
