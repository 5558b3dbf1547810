package main

import (
	"context"
	"fmt"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// numbered is an event with its place in the daemon's log, where events of
// several runs stand together.
type numbered struct {
	Seq uint64 `json:"seq"`
	apprentice.Event
}

func watchCommand(a *app) *cobra.Command {
	var p rpc.RunWatchParams
	var follow followFlags
	cmd := &cobra.Command{
		Use:   "watch [RUN]",
		Short: "Show events as they happen, of one run or of all",
		Long: `Show events as they happen. Of one run: all its events, until it ends; then its
result, and the exit code of aa run. Of all runs: what happens from now on, until
Ctrl-C. With --json one event a line, on stdout.`,
		Example: `  aa watch @last
  aa watch --group nightly --json | jq -r .event_type`,
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeRuns(live...),
		RunE: func(cmd *cobra.Command, args []string) error {
			follow.look = true
			p.Tail = len(args) == 0 && !cmd.Flags().Changed("after")
			if len(args) == 0 {
				return a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
					return a.watchAll(ctx, c, p)
				})(cmd, args)
			}
			return a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
				return a.watchRun(ctx, c, run, p.After, follow)
			})(cmd, args)
		},
	}
	cmd.Flags().Uint64Var(&p.After, "after", 0, "only events after this `number`: event_index of a run, else seq")
	cmd.Flags().StringVar(&p.Group, "group", "", "only runs of this `group`")
	follow.defineOut(cmd)
	cmd.Flags().BoolVar(&a.jsonProgress, "json-progress", false, "print progress as the event objects, one a line, on stderr")
	return cmd
}

func (a *app) watchRun(ctx context.Context, c *client.Client, run string, after uint64, follow followFlags) error {
	detail, err := c.RunGet(ctx, run)
	if err != nil {
		return err
	}
	if !a.json {
		ctx, release := leavable(ctx)
		defer release()
		return a.follow(ctx, c, detail.Run.RunID, after, follow)
	}
	p := rpc.RunWatchParams{RunID: string(detail.Run.RunID), After: after, UntilEnd: true}
	reason, err := c.Watch(ctx, p, func(n rpc.RunEventNote) error { return a.emit(n.Event) })
	switch {
	case err != nil:
		return err
	case reason == client.Stopping:
		return a.detached(detail.Run.RunID, aadStopped)
	}
	if detail, err = c.RunGet(ctx, p.RunID); err != nil {
		return err
	}
	return codeOf(detail.Run).asError()
}

func (a *app) watchAll(ctx context.Context, c *client.Client, p rpc.RunWatchParams) error {
	reason, err := c.Watch(ctx, p, func(n rpc.RunEventNote) error {
		if a.json || a.jsonProgress {
			return a.emit(numbered{n.Seq, n.Event})
		}
		_, err := fmt.Fprintln(a.out, eventLine(n.Event, string(n.Event.RunID), a.style))
		return err
	})
	if err == nil && reason == client.Stopping {
		a.note("aad was stopped: aa daemon start, then aa watch")
		return exitDetached
	}
	return err
}
