package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func checkpointsCommand(a *app) *cobra.Command {
	var number int
	var all bool
	cmd := &cobra.Command{
		Use:   "checkpoints [RUN]",
		Short: "Show who waits for you, since when, for what, and how to answer",
		Long: `Show the questions that wait for a person, the oldest first: which run asks,
what, since when, and what may be decided. With RUN all of its question. With --json
one question a line.`,
		Example: `  aa checkpoints
  aa checkpoints @last
  for run in $(aa checkpoints -q --all); do aa review $run; done`,
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeRuns(apprentice.Waiting),
		PreRunE:           countsFrom("number", 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.connectedRun(a.checkpointOf)(cmd, args)
			}
			return a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
				if all {
					number = 0
				}
				return a.checkpoints(ctx, c, number)
			})(cmd, args)
		},
	}
	cmd.Flags().IntVarP(&number, "number", "n", 50, "how many")
	cmd.Flags().BoolVar(&all, "all", false, "all of them")
	return cmd
}

// checkpoints lists the open questions; 0 is all of them.
func (a *app) checkpoints(ctx context.Context, c *client.Client, number int) error {
	list, more, err := questions(ctx, c, number)
	if err != nil {
		return err
	}
	for _, q := range list {
		if a.json {
			err = a.emit(q)
		} else if a.quiet {
			err = a.print("%s", q.RunID)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case a.json || a.quiet:
		return nil
	case len(list) == 0:
		a.note("nothing waits for you")
		return nil
	}
	if err := a.questionTable(list); err != nil {
		return err
	}
	if more > 0 {
		a.note("and %d more: aa checkpoints --all", more)
	}
	a.note("to answer:  %s", howToAnswer("RUN"))
	return nil
}

// questions are the open questions, page by page, up to a number where it is not 0,
// and how many there are beyond.
func questions(ctx context.Context, c *client.Client, number int) (list []rpc.CheckpointInfo, more int, err error) {
	p := rpc.CheckpointListParams{Limit: pageSize}
	for {
		if number > 0 {
			p.Limit = min(number-len(list), pageSize)
		}
		page, err := c.CheckpointList(ctx, p)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, page.Checkpoints...)
		if p.Cursor = page.Next; p.Cursor == "" || (number > 0 && len(list) >= number) {
			return list, page.Total - len(list), nil
		}
	}
}

func (a *app) checkpointOf(ctx context.Context, c *client.Client, run string, _ []string) error {
	got, err := c.CheckpointGet(ctx, run, "")
	if err != nil {
		return err
	}
	return a.show(got.Info, func() error {
		if a.quiet {
			return a.print("%s", got.Info.Stage)
		}
		if err := a.printQuestion(got.Info); err != nil {
			return err
		}
		a.note("to answer:  %s", howToAnswer(string(got.Info.RunID)))
		return nil
	})
}

// howToAnswer tells the commands that answer a run's question.
func howToAnswer(run string) string {
	return fmt.Sprintf("aa review %[1]s, or aa approve, aa reject, aa revise, aa edit %[1]s", run)
}

// questionTable lists open questions, one a line.
func (a *app) questionTable(list []rpc.CheckpointInfo) error {
	t := newTable("RUN", "WAITS FOR", "SINCE", "DECIDE", "TITLE")
	now := time.Now()
	for _, q := range list {
		title := q.Title
		if q.Asks != "" {
			title = q.Asks + " (" + q.Title + ")"
		}
		if q.Refused != "" {
			title = "answer refused: " + q.Refused
		}
		t.row(string(q.RunID), q.Stage, ago(q.OpenedAt, now), strings.Join(q.Decisions, "|"), title)
	}
	t.paint = func(row, column int, cell string) string {
		switch {
		case row < 0:
			return a.style(dim, cell)
		case column == 1:
			return a.style(yellow, cell)
		}
		return cell
	}
	return t.print(a.out, a.columns)
}

// printQuestion tells all of one open question but its file.
func (a *app) printQuestion(q rpc.CheckpointInfo) error {
	waits := q.Stage
	if q.Revision > 1 {
		waits += fmt.Sprintf(" (asked for the %s time)", ordinal(q.Revision))
	}
	return a.pairs("run", string(q.RunID), "title", q.Title, "waits for", waits, "asks", q.Asks, "since", ago(q.OpenedAt, time.Now()),
		"decide", strings.Join(q.Decisions, ", "), "refused", q.Refused, "how to", q.HowTo, "file", q.Path)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		suffix = map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]
		if suffix == "" {
			suffix = "th"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
