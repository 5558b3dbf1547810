package daemon

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aad/apprentice"
	"aad/storage"
)

// TestQueueGivesTheFirstOfTheOpenLanes holds the queue against the plainest one:
// a list that is searched whole.
func TestQueueGivesTheFirstOfTheOpenLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, list := newQueue(), map[apprentice.RunID]apprentice.Run{}
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			id := apprentice.RunID(fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "run")))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				r := apprentice.Run{RunID: id, Number: uint64(i), Group: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group"),
					Agent: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "agent"), Priority: rapid.IntRange(-1, 1).Draw(t, "priority"),
					QueuedSeq: uint64(rapid.IntRange(0, 3).Draw(t, "age")), Answered: rapid.Bool().Draw(t, "answered")}
				q.put(r)
				list[id] = r
			case 1:
				q.remove(id)
				delete(list, id)
			}
			shut := rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "shut")
			var want *apprentice.Run
			for _, r := range list {
				if r.Group != shut && (want == nil || goesFirst(r, *want)) {
					want = &r
				}
			}
			got, ok := q.next(func(e *queued) bool { return e.lane.group != shut })
			if ok != (want != nil) || ok && got != want.RunID {
				t.Fatalf("next is %q, %v, want %+v of %v", got, ok, want, list)
			}
		}
	})
}

// goesFirst says it as behaviour.md does: answered ones ahead, then priority, then
// age.
func goesFirst(a, b apprentice.Run) bool {
	switch {
	case a.Answered != b.Answered:
		return a.Answered
	case a.Priority != b.Priority:
		return a.Priority > b.Priority
	case a.QueuedSeq != b.QueuedSeq:
		return a.QueuedSeq < b.QueuedSeq
	}
	return a.Number < b.Number
}

func TestDeferralFollowsTheWallClock(t *testing.T) {
	t.Parallel()
	store, err := storage.Open(filepath.Join(t.TempDir(), "aad.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := &scheduler{store: store, log: slog.New(slog.DiscardHandler), later: map[apprentice.RunID]time.Time{},
		dirty: map[apprentice.RunID]struct{}{}, wake: make(chan struct{}, 1)}
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	run := apprentice.Run{RunID: "r", NotBefore: apprentice.Stamp(at)}
	for _, c := range []struct {
		name   string
		change func(*apprentice.Run)
		now    time.Time
		reason string
		until  time.Time
	}{
		{"before its time", nil, at.Add(-time.Microsecond), "until " + run.NotBefore, at},
		{"at its time", nil, at, "", time.Time{}},
		{"after a jump forward", nil, at.AddDate(5, 0, 0), "", time.Time{}},
		{"after a jump back", nil, at.AddDate(-5, 0, 0), "until " + run.NotBefore, at},
		{"held", func(r *apprentice.Run) { r.Held = true }, at, "held", time.Time{}},
		{"released", func(r *apprentice.Run) { r.Released = true }, at.Add(-time.Hour), "", time.Time{}},
		{"after one that is gone", func(r *apprentice.Run) { r.AfterRuns = []apprentice.RunID{"gone"} }, at, "waits for gone, which is gone", time.Time{}},
	} {
		r := run
		if c.change != nil {
			c.change(&r)
		}
		if reason, until := s.blocked(r, c.now); reason != c.reason || !until.Equal(c.until) {
			t.Errorf("%s: %q until %v", c.name, reason, until)
		}
	}

	s.later["soon"], s.later["late"] = at, at.Add(time.Hour)
	if next := s.nextDue(); !next.Equal(at) {
		t.Errorf("the timer is set to %v", next)
	}
	s.touchDue(at.Add(-time.Second))
	if len(s.dirty) != 0 {
		t.Errorf("an early fire has these looked at: %v", s.dirty)
	}
	s.touchDue(at)
	if _, ok := s.dirty["soon"]; !ok || len(s.dirty) != 1 {
		t.Errorf("at the time these are looked at: %v", s.dirty)
	}
}
