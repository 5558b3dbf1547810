package daemon

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"aad/apprentice"
	"aad/rpc"
	"aad/storage"
)

// watchPage is how many bytes of events a watcher reads at a time; with the one
// being written it is all that a watcher holds.
const watchPage = 32 << 10

// watchers counts the subscriptions and ends them all at a stop.
type watchers struct {
	mu    sync.Mutex
	last  int
	all   map[*watcher]struct{}
	ended bool          // aad stops: one that comes is told so at once
	left  chan struct{} // closed and replaced when one has gone
}

// farewell is how long watchers may take to be told that aad stops: one that does not
// read is not waited for.
const farewell = time.Second

// watcher is one subscription. It reads from the database at its own pace, so that
// a slow one loses nothing and holds nobody up.
type watcher struct {
	id     string
	peer   *rpc.Peer
	run    apprentice.RunID // "" watches all
	group  string
	after  uint64 // event_index with run, else seq
	toEnd  bool
	cancel context.CancelFunc
	reason string // of the watch's end, set before cancel
}

func (w *watchers) add(s *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	s.id = strconv.Itoa(w.last)
	if w.all == nil {
		w.all = map[*watcher]struct{}{}
	}
	w.all[s] = struct{}{}
	if w.ended {
		s.reason = watchStopping
		s.cancel()
	}
}

func (w *watchers) remove(s *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, s)
	if w.left != nil {
		close(w.left)
		w.left = nil
	}
}

func (w *watchers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all)
}

// watchStopping is why watches end that a stop ends: their clients wait for aad, and
// start none.
const watchStopping = "stopping"

// end has every watcher say that aad stops.
func (w *watchers) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.endThose(func(*watcher) bool { return true }, watchStopping)
}

// await returns when all watchers have gone, or have had time to.
func (w *watchers) await() {
	end := time.After(farewell)
	for {
		w.mu.Lock()
		if w.left == nil {
			w.left = make(chan struct{})
		}
		n, left := len(w.all), w.left
		w.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-left:
		case <-end:
			return
		}
	}
}

// endThose ends the watchers that fit, and reports how many there were.
func (w *watchers) endThose(fits func(*watcher) bool, reason string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for s := range w.all {
		if fits(s) {
			if s.reason == "" {
				s.reason = reason
			}
			s.cancel()
			n++
		}
	}
	return n
}

// say sets why a watch ends, unless that was said before, and returns it.
func (w *watchers) say(s *watcher, reason string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.reason == "" {
		s.reason = reason
	}
	return s.reason
}

func (d *Daemon) runWatch(ctx context.Context, peer *rpc.Peer, p rpc.RunWatchParams) (rpc.RunWatchResult, error) {
	s := &watcher{peer: peer, after: p.After, group: p.Group, toEnd: p.UntilEnd}
	if p.RunID != "" {
		run, err := d.resolve(p.RunID)
		if err != nil {
			return rpc.RunWatchResult{}, err
		}
		s.run = run.RunID
		if p.Tail {
			s.after = run.EventCount
		}
	} else if p.UntilEnd {
		return rpc.RunWatchResult{}, apprentice.Errorf(apprentice.Invalid, "until_end needs a run_id").WithField("until_end")
	} else if p.Tail {
		s.after = d.store.LastSeq()
	}
	watchCtx, cancel := context.WithCancel(peer.Context())
	s.cancel = cancel
	d.watchers.add(s)
	rpc.AfterReply(ctx, func() {
		// Owned by the connection: ends with it, with run/unwatch, with the run
		// or with the daemon.
		go d.watch(watchCtx, s)
	})
	return rpc.RunWatchResult{Subscription: s.id}, nil
}

func (d *Daemon) runUnwatch(_ context.Context, peer *rpc.Peer, p rpc.RunUnwatchParams) (rpc.Empty, error) {
	n := d.watchers.endThose(func(s *watcher) bool { return s.peer == peer && s.id == p.Subscription }, "unwatched")
	if n == 0 {
		return rpc.Empty{}, apprentice.Errorf(apprentice.NotFound, "this connection has no subscription %q", p.Subscription)
	}
	return rpc.Empty{}, nil
}

// watch sends what there is and then what comes, until it is told to end.
func (d *Daemon) watch(ctx context.Context, s *watcher) {
	defer d.watchers.remove(s)
	defer s.cancel()
	more := d.store.Watch(s.run)
	defer more.Close()
	head := []byte(`{"subscription":"` + s.id + `"`)
	for ctx.Err() == nil {
		sent, err := d.sendPage(s, head)
		if err != nil {
			if apprentice.KindOf(err) == apprentice.NotFound {
				d.watchers.say(s, "deleted")
				break
			}
			return // the peer is gone or does not read: it comes back with its number
		}
		if sent {
			continue
		}
		if s.toEnd && d.runHasEnded(ctx, s) {
			d.watchers.say(s, "ended")
			break
		}
		select {
		case <-more.C():
		case <-ctx.Done():
		}
	}
	// A peer that is gone needs no farewell.
	_ = s.peer.Send(rpc.RunWatchEnd.Name, rpc.RunWatchEndNote{Subscription: s.id, Reason: d.watchers.say(s, "")})
}

// sendPage sends the next events, if there are any.
func (d *Daemon) sendPage(s *watcher, head []byte) (sent bool, err error) {
	var records []storage.Record
	if s.run != "" {
		records, err = d.store.Events(s.run, s.after, watchPage)
	} else {
		var last uint64
		records, last, err = d.store.Log(s.after, watchPage, nil)
		sent = last > s.after
		s.after = last
		records = d.inGroup(s.group, records)
	}
	if err != nil || len(records) == 0 {
		return sent, err
	}
	tails := make([][]byte, len(records))
	for i, r := range records {
		tails[i] = append(strconv.AppendUint([]byte(`,"seq":`), r.Seq, 10), `,"event":`...)
		tails[i] = append(append(tails[i], r.JSON...), '}')
	}
	if err := s.peer.SendEach(rpc.RunEvent.Name, head, tails...); err != nil {
		return false, err
	}
	if s.run != "" {
		s.after = records[len(records)-1].Index
	}
	return true, nil
}

// inGroup keeps the records of one group's runs; "" keeps all.
func (d *Daemon) inGroup(group string, records []storage.Record) []storage.Record {
	if group == "" {
		return records
	}
	return slices.DeleteFunc(records, func(r storage.Record) bool {
		run, err := d.store.Run(r.RunID)
		return err != nil || run.Group != group
	})
}

// runHasEnded reports whether nothing follows: no pass is live, every event was
// sent, and the run's folder tells it too.
func (d *Daemon) runHasEnded(ctx context.Context, s *watcher) bool {
	run, err := d.store.Run(s.run)
	if err != nil || run.Live() || run.EventCount > s.after {
		return false
	}
	d.mirror.flush(ctx, s.run)
	return true
}
