package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"golang.org/x/term"
)

// board is a table on the terminal of stderr that is drawn anew in its place.
type board struct {
	app   *app
	drawn int // lines of it that stand
}

// window is the size of the terminal, as it is now.
func (b *board) window() (columns, lines int) {
	columns, lines, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || columns <= 0 || lines <= 0 {
		return max(b.app.errColumns, 80), 24
	}
	return columns, lines
}

// draw replaces what stands.
func (b *board) draw(text string, columns int) {
	b.erase()
	for line := range strings.Lines(text) {
		fmt.Fprintln(b.app.err, cut(strings.TrimRight(line, "\n "), max(columns-1, 20)))
		b.drawn++
	}
}

func (b *board) erase() {
	if b.drawn > 0 {
		fmt.Fprintf(b.app.err, "\r\x1b[%dA\x1b[J", b.drawn)
		b.drawn = 0
	}
}

// watchBatch draws how the runs of a batch stand until none is to be worked on. Those
// that are at work come first; what the window has no room for is only counted.
func (a *app) watchBatch(ctx context.Context, c *client.Client, name string) error {
	b := &board{app: a}
	defer b.erase()
	for {
		s, err := c.BatchGet(ctx, name)
		if err != nil {
			return err
		}
		columns, lines := b.window()
		runs, err := batchRuns(ctx, c, name, max(lines-4, 3))
		if err != nil {
			return err
		}
		text, err := boardOf(s, runs, columns)
		if err != nil {
			return err
		}
		b.draw(text, columns)
		if batchLeft(s) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// batchRuns are as many runs of a batch as there is room for: those at work, those that
// wait for people, the newest that have ended, then what is queued.
func batchRuns(ctx context.Context, c *client.Client, name string, room int) (runs []apprentice.Run, err error) {
	for _, states := range [][]apprentice.QueueState{{apprentice.Running}, {apprentice.Waiting}, ended, {apprentice.Queued, apprentice.Deferred}} {
		if room <= len(runs) {
			break
		}
		page, err := c.RunList(ctx, rpc.RunListParams{States: stateNames(states), Group: "batch-" + name, Labels: map[string]string{"batch": name}, Limit: min(room-len(runs), pageSize)})
		if err != nil {
			return nil, err
		}
		runs = append(runs, page.Runs...)
	}
	return runs, nil
}

func boardOf(s rpc.BatchStatus, runs []apprentice.Run, columns int) (string, error) {
	t := newTable("RUN", "RECORD", "STATE", "SCORE", "NOW")
	for _, r := range runs {
		state := string(r.QueueState)
		if r.Verdict != "" && !r.Live() {
			state += ", " + string(r.Verdict)
		}
		t.row(string(r.RunID), r.Labels["raw_task_id"], state, score(r.FinalScore), r.Message)
	}
	var out bytes.Buffer
	if err := t.print(&out, columns); err != nil {
		return "", err
	}
	if more := s.Runs - len(runs); more > 0 {
		fmt.Fprintf(&out, "and %d more\n", more)
	}
	left := batchLeft(s)
	fmt.Fprintf(&out, "%d of %d runs have ended, %d accepted; %s\n", s.Runs-left, s.Runs, s.Accepted, stateCounts(s))
	return out.String(), nil
}
