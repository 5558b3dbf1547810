package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func continueCommand(a *app) *cobra.Command {
	var p rpc.RunContinueParams
	var follow followFlags
	var file string
	cmd := &cobra.Command{
		Use:   "continue RUN [INSTRUCTION | -]",
		Short: "Add a follow-up to an ended run",
		Long: `Add a follow-up to an ended run and follow it to its end. The apprentice is
told the first instruction, all follow-ups and the new one, and starts from a copy
of the artifacts. With --record-only it is written down and nothing is worked on; aa
retry and aa regrade do not reach behind it.`,
		Example: `  aa continue @last "Add a chart of the monthly totals"
  aa continue @last "The customer liked it" --record-only`,
		Args:              takes(1, -1),
		ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, words []string) error {
			return a.followUp(ctx, c, run, words, file, p, follow)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&p.RecordOnly, "record-only", false, "write it down, work on nothing")
	flags.StringArrayVarP(&p.Assets, "asset", "a", nil, "further file or folder, by its `path`, to hand to the apprentice; repeatable")
	pathVar(flags, &p.RubricPath, "rubric", "`file` with the criteria of this pass; the run's own otherwise")
	flags.StringVarP(&file, "file", "f", "", "read the instruction from a `file`")
	follow.define(a, cmd)
	return cmd
}

func (a *app) followUp(ctx context.Context, c *client.Client, run string, words []string, file string,
	p rpc.RunContinueParams, follow followFlags) error {
	p.RunID, p.Path = run, os.Getenv("PATH")
	var err error
	if p.Instruction, err = a.instruction(words, file, false); err != nil {
		return err
	}
	if p.Assets, err = client.AbsolutePaths("assets", p.Assets); err != nil {
		return err
	}
	if p.RubricPath != "" {
		if p.RubricPath, err = filepath.Abs(p.RubricPath); err != nil {
			return err
		}
	}
	ctx, release := leavable(ctx)
	defer release()
	before, err := c.RunGet(ctx, run)
	if err != nil {
		return err
	}
	r, err := c.RunContinue(ctx, p)
	switch {
	case err != nil:
		return err
	case p.RecordOnly:
		return a.show(r, func() error { return a.print("recorded with run %s", r.RunID) })
	case follow.noWait && !asksSoon(r):
		return a.printRun(r, "follow-up queued")
	}
	return a.follow(ctx, c, r.RunID, before.Run.EventCount, follow)
}

func finishCommand(a *app) *cobra.Command {
	var follow followFlags
	cmd := &cobra.Command{
		Use:   "finish RUN",
		Short: "Finish the session of an ended run",
		Long: `Finish the session of an ended run: it is done with, until aa continue opens
it again. Twice changes nothing. Where people review the run and nobody has approved
the end yet, they are asked to.`,
		Example: `  aa finish @last
  aa finish @last --no-wait`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
			ctx, release := leavable(ctx)
			defer release()
			r, seen, err := changed(ctx, c, run, c.RunFinish)
			if err != nil {
				return err
			}
			if r.Live() {
				a.note("session finished: %s is %s", r.RunID, r.QueueState)
				return a.follow(ctx, c, r.RunID, seen, follow)
			}
			return a.printRun(r, "session finished")
		}),
	}
	follow.define(a, cmd)
	return cmd
}

func retryCommand(a *app) *cobra.Command {
	var follow followFlags
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "Work an ended run again",
		Long: `Work an ended run again and follow it: finished stages are kept, the failed
attempt is put aside.`,
		Example: `  aa retry @last
  aa retry 2026-11-22-0915 --no-wait`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
			ctx, release := leavable(ctx)
			defer release()
			r, seen, err := changed(ctx, c, run, c.RunRetry)
			if err != nil {
				return err
			}
			if follow.noWait && !asksSoon(r) {
				return a.printRun(r, "queued again")
			}
			return a.follow(ctx, c, r.RunID, seen, follow)
		}),
	}
	follow.define(a, cmd)
	return cmd
}

// changed does something to a run, and tells the number of the last event before it.
func changed(ctx context.Context, c *client.Client, run string, do func(context.Context, string) (apprentice.Run, error)) (r apprentice.Run, seen uint64, err error) {
	before, err := c.RunGet(ctx, run)
	if err != nil {
		return r, 0, err
	}
	r, err = do(ctx, run)
	return r, before.Run.EventCount, err
}

// connectedRun is connected for a command whose first word names a run.
func (a *app) connectedRun(body func(ctx context.Context, c *client.Client, run string, rest []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		run, err := runArgument(args[0])
		if err != nil {
			return err
		}
		return a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			return body(ctx, c, run, args[1:])
		})(cmd, args)
	}
}

// printRun tells what was done to a run.
func (a *app) printRun(r apprentice.Run, done string) error {
	return a.show(r, func() error {
		if a.quiet {
			return a.print("%s", r.RunID)
		}
		line := done + ": " + string(r.RunID) + " is " + string(r.QueueState)
		if r.QueueReason != "" {
			line += " (" + strings.TrimSuffix(r.QueueReason, ".") + ")"
		}
		return a.print("%s", cleanLine(line))
	})
}
