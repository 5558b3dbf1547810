package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// tellWhile does what may take long, and tells how far it is from the first second on:
// on a terminal in a line that lives, elsewhere in one now and then. What far says
// becomes that line; "" is nothing to tell.
func (a *app) tellWhile(ctx context.Context, far func(context.Context) string, do func() error) error {
	ctx, stop := context.WithCancel(ctx)
	var told sync.WaitGroup
	if !a.quiet && !a.jsonProgress {
		// Owned by tellWhile, which waits for it; ends when do has.
		told.Go(func() { a.tellFar(ctx, far) })
	}
	err := do()
	stop()
	told.Wait()
	return err
}

func (a *app) tellFar(ctx context.Context, far func(context.Context) string) {
	every := time.Second
	if !a.errTerminal {
		every = 5 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	began, drawn := time.Now(), false
	for {
		select {
		case <-ctx.Done():
			if drawn {
				fmt.Fprint(a.err, "\r\x1b[K")
			}
			return
		case <-tick.C:
		}
		line := far(ctx)
		if line == "" || ctx.Err() != nil {
			continue
		}
		line = cleanLine(line + " · " + span(time.Since(began)))
		if !a.errTerminal {
			fmt.Fprintln(a.err, line)
			continue
		}
		fmt.Fprint(a.err, "\r\x1b[K"+a.errStyle(dim, cut(line, max(a.errColumns-1, 20))))
		drawn = true
	}
}
