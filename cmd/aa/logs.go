package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// logFlags are those of aa logs.
type logFlags struct {
	follow, stderr, raw bool
	attempt             string
	tail                int
}

// piece is how much output is asked for at once.
const piece = 65536

func logsCommand(a *app) *cobra.Command {
	var f logFlags
	cmd := &cobra.Command{
		Use:   "logs RUN",
		Short: "Show what an attempt printed",
		Long: `Show what the latest attempt printed, or another one. With -f it goes on until
the run ends, through all attempts that follow. What could act on the terminal is
taken out; --raw leaves it in.`,
		Example: `  aa logs -f @last
  aa logs @last --attempt baseline --stderr --tail 20`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeRuns(),
		PreRunE:           countsFrom("tail", 0),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
			return a.logs(ctx, c, run, f)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVarP(&f.follow, "follow", "f", false, "go on until the run ends")
	flags.BoolVar(&f.stderr, "stderr", false, "stderr instead of stdout")
	flags.StringVar(&f.attempt, "attempt", "", "this `attempt`: baseline, revised, revised-2, …, or its id")
	flags.IntVarP(&f.tail, "tail", "n", 0, "only the last `lines`; 0 is all")
	flags.BoolVar(&f.raw, "raw", false, "as it was printed, control sequences included")
	return cmd
}

func (a *app) logs(ctx context.Context, c *client.Client, run string, f logFlags) error {
	p := rpc.RunOutputParams{RunID: run, Attempt: f.attempt, Stream: "stdout", Limit: piece}
	if f.stderr {
		p.Stream = "stderr"
	}
	if f.tail > 0 {
		p.Offset = -piece
	}
	if !f.follow || f.attempt != "" {
		return a.logsOfAttempt(ctx, c, p, f)
	}
	d, err := c.RunGet(ctx, run)
	for next := max(len(d.Attempts)-1, 0); err == nil; next++ {
		for next >= len(d.Attempts) {
			if !d.Run.Live() {
				return nil
			}
			if d, err = awaitAttempt(ctx, c, d.Run); err != nil {
				return err
			}
		}
		p.RunID, p.Attempt = string(d.Run.RunID), string(d.Attempts[next].AttemptID)
		if err := a.logsOfAttempt(ctx, c, p, f); err != nil {
			return err
		}
		p.Offset, f.tail = 0, 0
		d, err = c.RunGet(ctx, p.RunID)
	}
	return err
}

// logsOfAttempt prints one attempt's output, to its end where it is followed.
func (a *app) logsOfAttempt(ctx context.Context, c *client.Client, p rpc.RunOutputParams, f logFlags) error {
	var cl cleaner
	p.Follow = f.follow
	for first := true; ; first = false {
		r, err := c.RunOutput(ctx, p)
		if err != nil {
			return err
		}
		if first && f.tail > 0 {
			r.Text = lastLines(r.Text, f.tail)
		}
		if a.json {
			err = a.emit(r)
		} else {
			text := r.Text
			if !f.raw {
				text = cl.clean(text)
			}
			_, err = io.WriteString(a.out, text)
		}
		if err != nil {
			return err
		}
		if r.End || (!f.follow && r.Next == r.Offset) {
			return nil
		}
		p.Offset, p.Attempt = r.Next, string(r.Attempt)
	}
}

func lastLines(text string, n int) string {
	end := strings.TrimSuffix(text, "\n")
	for i := len(end); i > 0; {
		if i = strings.LastIndexByte(end[:i], '\n'); i < 0 {
			break
		}
		if n--; n == 0 {
			return text[i+1:]
		}
	}
	return text
}

// errStarted ends the watch for the next attempt.
var errStarted = errors.New("an attempt has started")

// awaitAttempt returns how the run stands when a further attempt has started, or
// the run has ended.
func awaitAttempt(ctx context.Context, c *client.Client, run apprentice.Run) (rpc.RunDetail, error) {
	p := rpc.RunWatchParams{RunID: string(run.RunID), After: run.EventCount, UntilEnd: true}
	_, err := c.Watch(ctx, p, func(n rpc.RunEventNote) error {
		switch n.Event.EventType {
		case apprentice.AttemptStarted, apprentice.RevisionStarted:
			return errStarted
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStarted) {
		return rpc.RunDetail{}, err
	}
	return c.RunGet(ctx, p.RunID)
}
