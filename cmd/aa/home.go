package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func diskCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "du",
		Short: "Show what the home takes on disk",
		Example: `  aa du
  aa du --json | jq .runs_bytes`,
		Args: takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			u, err := c.DaemonUsage(ctx)
			if err != nil {
				return err
			}
			return a.show(u, func() error { return a.printDisk(u) })
		}),
	}
}

// largest is how many run folders aa du shows.
const largest = 10

func (a *app) printDisk(u rpc.UsageResult) error {
	free := ""
	if u.Free > u.Database/4 && u.Free > 1<<20 {
		free = fmt.Sprintf(" (%s of it free: aa compact gives it back)", size(u.Free))
	}
	err := a.pairs("runs", size(u.RunTotal), "database", size(u.Database)+free, "log", size(u.Log),
		"other", size(u.Other), "total", size(u.Total))
	if err != nil || len(u.Runs) == 0 || a.quiet {
		return err
	}
	t := newTable("SIZE", "RUN")
	t.right = map[int]bool{0: true}
	for _, r := range u.Runs[:min(largest, len(u.Runs))] {
		t.row(size(r.Bytes), string(r.RunID))
	}
	if err := a.print(""); err != nil {
		return err
	}
	return t.print(a.out, a.columns)
}

func gcCommand(a *app) *cobra.Command {
	var olderThan string
	var p rpc.GCParams
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Delete old runs and what is left over",
		Long: `Delete runs that ended longer ago than the setting retention_days, or than
--older-than, folders that belong to no run, and the worktrees of repositories that
ended runs worked on. The branches of their attempts stay.`,
		Example: `  aa gc --older-than 30d --dry-run
  aa gc`,
		Args: takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			var err error
			if olderThan != "" {
				if p.OlderThanDays, err = parseDays(olderThan); err != nil {
					return err
				}
			}
			r, err := c.DaemonGC(ctx, p)
			if err != nil {
				return err
			}
			return a.show(r, func() error { return a.printGC(r, p.DryRun) })
		}),
	}
	cmd.Flags().StringVar(&olderThan, "older-than", "", "delete runs that ended longer ago than this `duration`, in whole days: 30d, 8w")
	cmd.Flags().BoolVar(&p.DryRun, "dry-run", false, "only tell what would be deleted")
	return cmd
}

func parseDays(text string) (int, error) {
	d, err := parseSpan(text)
	if err != nil {
		return 0, err
	}
	const day = 24 * time.Hour
	if d < day || d%day != 0 {
		return 0, apprentice.Errorf(apprentice.Invalid, "%q is not a number of whole days", text).WithHint("--older-than 30d")
	}
	return int(d / day), nil
}

func (a *app) printGC(r rpc.GCResult, dry bool) error {
	did := "deleted"
	if dry {
		did = "would delete"
	}
	for _, id := range r.Runs {
		if err := a.told("%s run %s", did, id); err != nil {
			return err
		}
	}
	if r.Worktrees > 0 {
		if err := a.told("%s %s of repositories; their branches stay", did, counted(r.Worktrees, "worktree")); err != nil {
			return err
		}
	}
	for _, folder := range r.Folders {
		if err := a.told("%s left-over folder %s", did, cleanLine(folder)); err != nil {
			return err
		}
	}
	for _, id := range r.Missing {
		a.note("the folder of run %s was removed by hand: aa delete %s", id, id)
	}
	return a.told("%s %s and %s, %s", did, counted(len(r.Runs), "run"), counted(len(r.Folders), "folder"), size(r.Bytes))
}

// byItself has the program aad do a command where no daemon runs, and while asks
// the daemon that does.
func (a *app) byItself(command string, while func(context.Context, *client.Client) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		c, err := a.dial(cmd.Context(), false)
		if errors.Is(err, rpc.ErrNoDaemon) {
			return runDaemonProgram(cmd.Context(), a, command)
		}
		if err != nil {
			return err
		}
		defer c.Close()
		return while(cmd.Context(), c)
	}
}

func checkCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Check the database; works also when aad does not run",
		Example: "  aa check",
		Args:    takes(0, 0),
		RunE: a.byItself("check", func(ctx context.Context, c *client.Client) error {
			r, err := c.DaemonCheck(ctx)
			if err != nil {
				return err
			}
			return a.printCheck(r)
		}),
	}
}

func (a *app) printCheck(r rpc.CheckResult) error {
	err := a.show(r, func() error {
		for _, problem := range r.Problems {
			if err := a.print("%s", cleanLine(problem)); err != nil {
				return err
			}
		}
		return a.told("runs checked: %d, events checked: %d, problems: %d", r.Runs, r.Events, len(r.Problems))
	})
	if err == nil && len(r.Problems) > 0 {
		err = apprentice.Errorf(apprentice.Internal, "the database is damaged").
			WithHint("aa daemon stop, keep a copy of the home, and put a backup in its place (docs/architecture.md, Restoring)")
	}
	return err
}

func compactCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "compact",
		Short:   "Give the database's free space back; aad must not run",
		Example: "  aa daemon stop && aa compact",
		Args:    takes(0, 0),
		RunE: a.byItself("compact", func(_ context.Context, c *client.Client) error {
			return apprentice.Errorf(apprentice.Conflict, "aad runs (pid %d) and uses the database", c.Daemon().PID).
				WithHint("aa daemon stop && aa compact && aa daemon start")
		}),
	}
}
