package main

import (
	"context"
	"strconv"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func cancelCommand(a *app) *cobra.Command {
	var noWait bool
	cmd := &cobra.Command{
		Use:   "cancel RUN...",
		Short: "End runs, with every process of theirs",
		Long: `End runs, with every process of theirs, and wait until they have ended. Agents
get a while to end by themselves (setting cancel_grace_seconds).`,
		Example:           `  aa cancel @last`,
		Args:              takes(1, -1),
		ValidArgsFunction: a.completeRuns(live...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			return a.each(args, func(run string) error {
				r, err := c.RunCancel(ctx, run)
				if err == nil && r.Live() && !noWait {
					var w rpc.RunWaitResult
					w, err = c.RunWait(ctx, rpc.RunWaitParams{RunID: string(r.RunID)})
					r = w.Run
				}
				if err != nil {
					return err
				}
				if r.Live() {
					return a.printRun(r, "cancel asked for")
				}
				return a.printRun(r, "cancelled")
			})
		}),
	}
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait until it has ended")
	return cmd
}

// each does the same with several runs and stops at the first error.
func (a *app) each(args []string, body func(run string) error) error {
	for _, arg := range args {
		run, err := runArgument(arg)
		if err != nil {
			return err
		}
		if err := body(run); err != nil {
			return err
		}
	}
	return nil
}

// steering makes a command that does one thing with each run named.
func (a *app) steering(cmd *cobra.Command, done string, states []apprentice.QueueState,
	do func(*client.Client, context.Context, string) (apprentice.Run, error)) *cobra.Command {
	cmd.Args = takes(1, -1)
	cmd.ValidArgsFunction = a.completeRuns(states...)
	cmd.RunE = a.connected(func(ctx context.Context, c *client.Client, args []string) error {
		return a.each(args, func(run string) error {
			r, err := do(c, ctx, run)
			if err != nil {
				return err
			}
			return a.printRun(r, done)
		})
	})
	return cmd
}

func holdCommand(a *app) *cobra.Command {
	return a.steering(&cobra.Command{
		Use:     "hold RUN...",
		Short:   "Keep queued runs from starting",
		Example: "  aa hold @last",
	}, "held", live, (*client.Client).RunHold)
}

func prioritizeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "prioritize RUN PRIORITY",
		Short: "Change a run's place in the queue: higher goes first",
		Example: `  aa prioritize @last 10
  aa prioritize @last -- -5`,
		Args:              takes(2, 2),
		ValidArgsFunction: a.completeRuns(live...),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, rest []string) error {
			priority, err := strconv.Atoi(rest[0])
			if err != nil {
				return apprentice.Errorf(apprentice.Invalid, "the priority %q is no whole number", rest[0]).
					WithHint("aa prioritize %s 10", run)
			}
			r, err := c.RunReprioritize(ctx, run, priority)
			if err != nil {
				return err
			}
			return a.printRun(r, "priority "+rest[0])
		}),
	}
}
