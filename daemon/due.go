package daemon

import (
	"context"
	"errors"
	"time"

	"aad/apprentice"
	"aad/loop"
)

// dueAt is when the next thing of an open question is due, its reminder or its
// deadline; the zero time is never.
func dueAt(c apprentice.Checkpoint) (first time.Time) {
	for _, stamp := range []string{c.RemindAt, c.ExpireAt} {
		at, err := apprentice.ParseStamp(stamp)
		if stamp != "" && err == nil && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// dueAt is when the next thing of a question at the desk is due and may be tried.
func (a asking) dueAt() time.Time {
	at := dueAt(a.checkpoint)
	if !at.IsZero() && at.Before(a.notBefore) {
		return a.notBefore
	}
	return at
}

// setDue sets the timer if nothing is due before what this question has.
func (d *desk) setDue(c apprentice.Checkpoint) {
	at := dueAt(c)
	d.mu.Lock()
	first := !at.IsZero() && (d.next.IsZero() || at.Before(d.next))
	if first {
		d.next = at
	}
	d.mu.Unlock()
	if first {
		d.setTimer(at)
	}
}

func (d *desk) setTimer(at time.Time) {
	if err := d.due.Set(at); err != nil {
		d.log.Error("set the time of the next reminder or deadline", "error", err)
	}
}

// tellDue tells again of the questions that have waited long enough, and closes
// those that nobody answered by their deadline.
func (d *desk) tellDue(ctx context.Context, now time.Time) {
	d.mu.Lock()
	var due []place
	for id, a := range d.open {
		if at := a.dueAt(); !a.taken && !at.IsZero() && !at.After(now) {
			due = append(due, id)
		}
	}
	d.mu.Unlock()
	for _, id := range due {
		err := d.tellDueOf(ctx, id, now)
		if err != nil {
			d.putOff(id, now.Add(roomPause))
		}
		if err != nil && !errors.Is(err, errAnswered) {
			d.log.Error("tell that a question waits", "run_id", id.run, "error", err)
		}
	}
	d.mu.Lock()
	d.next = time.Time{}
	for _, a := range d.open {
		if at := a.dueAt(); !a.taken && !at.IsZero() && (d.next.IsZero() || at.Before(d.next)) {
			d.next = at
		}
	}
	next := d.next
	d.mu.Unlock()
	d.setTimer(next)
}

// putOff has what is due of a question tried no earlier than until: its time has passed
// and stays so, and the timer would fire at once again.
func (d *desk) putOff(at place, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a, ok := d.open[at]; ok {
		a.notBefore = until
		d.open[at] = a
	}
}

func (d *desk) tellDueOf(ctx context.Context, at place, now time.Time) error {
	id := at.run
	run, err := d.store.Run(id)
	if err != nil || run.Checkpoint == nil {
		d.drop(id)
		return err
	}
	run, ok := at.view(run)
	if !ok {
		d.dropLeaves(run)
		return nil
	}
	asked, err := d.question(run)
	if err != nil {
		return err
	}
	open := *run.Checkpoint
	if until, err := apprentice.ParseStamp(open.ExpireAt); open.ExpireAt != "" && err == nil && !until.After(now) {
		if at.leave != "" {
			return d.denyLate(ctx, run, asked, now)
		}
		run, err = d.store.Change(ctx, id, stillOpen(open), loop.Expired(run, asked, now))
		if err == nil {
			d.expired(ctx, run)
		}
		return err
	}
	run, err = d.store.Change(ctx, id, stillOpen(open), loop.Reminder(run, d.settings(), asked, now))
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	run, ok = at.view(run)
	if known, there := d.open[at]; ok && there && sameQuestion(known.checkpoint, *run.Checkpoint) {
		known.checkpoint = *run.Checkpoint
		d.open[at] = known
	}
	return nil
}
