package mcpserver

import (
	"context"
	"testing"
	"time"

	"aad/apprentice"
)

// TestProgressGrowsAlsoWhereNothingHappens has ticks between events: each value told is
// above the one before, as the protocol wants it.
func TestProgressGrowsAlsoWhereNothingHappens(t *testing.T) {
	told := make(chan float64)
	p := &callProgress{say: func(at float64, _ string) { told <- at }}
	ctx, cancel := context.WithCancel(t.Context())
	ticks, done := make(chan time.Time), make(chan bool)
	go func() { // ends by cancel
		p.keep(ctx, ticks)
		close(done)
	}()
	last, n := 0.0, 0
	above := func() {
		t.Helper()
		at := <-told
		if n++; at <= last {
			t.Errorf("value %d is %v after %v", n, at, last)
		}
		last = at
	}
	for index := range uint64(3) {
		go p.tell(apprentice.Event{EventIndex: index + 1})
		above()
		for range 40 {
			ticks <- time.Time{}
			above()
		}
	}
	cancel()
	<-done
	if n != 3*41 {
		t.Errorf("%d values were told", n)
	}
}
