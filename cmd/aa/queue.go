package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func pauseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "pause [GROUP]",
		Short: "Start no new run, of a group or at all",
		Long:  "Start no new run, of a group or at all. Runs that are worked on go on.",
		Example: `  aa pause
  aa pause nightly`,
		Args: takes(0, 1),
		RunE: a.onGroup("paused", (*client.Client).QueuePause),
	}
}

func resumeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume [GROUP]",
		Short: "Start runs again",
		Example: `  aa resume
  aa resume nightly`,
		Args: takes(0, 1),
		RunE: a.onGroup("resumed", (*client.Client).QueueResume),
	}
}

func (a *app) onGroup(done string, do func(*client.Client, context.Context, string) error) func(*cobra.Command, []string) error {
	return a.connected(func(ctx context.Context, c *client.Client, args []string) error {
		group, name := "", "the whole queue"
		if len(args) == 1 {
			group, name = args[0], "group "+args[0]
		}
		if err := do(c, ctx, group); err != nil {
			return err
		}
		if err := a.noteEmpty(ctx, c, group); err != nil {
			return err
		}
		return a.show(map[string]string{"group": group, "queue": done}, func() error {
			return a.told("%s: %s", done, cleanLine(name))
		})
	})
}

// noteEmpty notes that a group has no run, as one that is misspelt.
func (a *app) noteEmpty(ctx context.Context, c *client.Client, group string) error {
	if group == "" {
		return nil
	}
	list, err := c.RunList(ctx, rpc.RunListParams{Group: group, Limit: 1})
	if err == nil && len(list.Runs) == 0 {
		a.note("no run is in group %s, and none is known that was; it holds for those to come", cleanLine(group))
	}
	return err
}

// told prints what was done, unless the user wants quiet.
func (a *app) told(format string, args ...any) error {
	if a.quiet {
		return nil
	}
	return a.print(format, args...)
}

func queueCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Show the queue in the order runs would start, what is deferred and why, and the groups",
		Example: `  aa queue
  aa queue limit nightly 1`,
		Args: takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			q, err := c.QueueGet(ctx)
			if err != nil {
				return err
			}
			return a.show(q, func() error { return a.printQueue(q) })
		}),
	}
	cmd.AddCommand(&cobra.Command{
		Use:     "limit GROUP NUMBER",
		Short:   "Set how many runs of a group are worked on at once; 0 is no limit of its own",
		Example: "  aa queue limit nightly 1",
		Args:    takes(2, 2),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil {
				return apprentice.Errorf(apprentice.Invalid, "the limit %q is no whole number", args[1]).WithHint("aa queue limit %s 1", args[0])
			}
			if err := c.QueueLimit(ctx, args[0], n); err != nil {
				return err
			}
			return a.show(rpc.QueueLimitParams{Group: args[0], Limit: n}, func() error {
				return a.told("limit of group %s: %d", cleanLine(args[0]), n)
			})
		}),
	})
	return cmd
}

func (a *app) printQueue(q rpc.QueueResult) error {
	if a.quiet {
		for _, r := range q.Next {
			if err := a.print("%s", r.RunID); err != nil {
				return err
			}
		}
		return nil
	}
	if q.Paused {
		if err := a.print("%s", a.style(yellow, "the queue is paused: aa resume starts runs again")); err != nil {
			return err
		}
	}
	groups := newTable("GROUP", "RUNNING", "QUEUED", "DEFERRED", "LIMIT", "")
	groups.right = map[int]bool{1: true, 2: true, 3: true, 4: true}
	for _, g := range q.Groups {
		if g.Name == "" {
			continue
		}
		limit, state := "", ""
		if g.Limit > 0 {
			limit = fmt.Sprint(g.Limit)
		}
		if g.Paused {
			state = "paused"
		}
		groups.row(g.Name, fmt.Sprint(g.Running), fmt.Sprint(g.Queued), fmt.Sprint(g.Deferred), limit, state)
	}
	if len(groups.rows) > 0 {
		if err := groups.print(a.out, a.columns); err != nil {
			return err
		}
	}
	runs := slices.Concat(q.Running, q.Next, q.Deferred)
	if len(runs) == 0 {
		a.note("nothing is queued")
		return nil
	}
	if len(groups.rows) > 0 {
		if err := a.print(""); err != nil {
			return err
		}
	}
	if err := a.runTable(runs); err != nil {
		return err
	}
	if more := q.Waiting - len(q.Next); more > 0 {
		if err := a.print("and %d more are queued", more); err != nil {
			return err
		}
	}
	if err := a.reasons("stuck:", q.Running); err != nil {
		return err
	}
	return a.reasons("deferred:", q.Deferred)
}

// reasons tells why runs do not go on, those that have a reason.
func (a *app) reasons(mark string, runs []apprentice.Run) error {
	for _, r := range runs {
		if r.QueueReason == "" {
			continue
		}
		if err := a.print("%s %s: %s", a.style(yellow, mark), r.RunID, cleanLine(r.QueueReason)); err != nil {
			return err
		}
	}
	return nil
}
