package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/internal/proc"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func daemonCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "daemon",
		Short: "Start, stop and look after aad",
		Example: `  aa daemon status
  aa daemon restart
  aa daemon backup /mnt/backup/aad`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "start", Short: "Start aad, or the installed service, unless it runs", Example: "  aa daemon start",
			Args: takes(0, 0), RunE: func(cmd *cobra.Command, _ []string) error { return a.startDaemon(cmd.Context()) },
		},
		a.stopCommand(),
		&cobra.Command{
			Use: "restart", Short: "Stop aad and start it again; attempts go on meanwhile", Example: "  aa daemon restart",
			Args: takes(0, 0),
			RunE: func(cmd *cobra.Command, _ []string) error {
				if err := a.mayStart(cmd.Context()); err != nil {
					return err
				}
				if _, err := a.stopDaemon(cmd.Context(), false); err != nil {
					return err
				}
				return a.startDaemon(cmd.Context())
			},
		},
		&cobra.Command{
			Use: "status", Short: "Show how aad stands; starts nothing", Example: "  aa daemon status",
			Args: takes(0, 0), RunE: func(cmd *cobra.Command, _ []string) error { return a.daemonStatus(cmd.Context()) },
		},
		a.daemonLogsCommand(),
		&cobra.Command{
			Use: "metrics", Short: "Show what aad has counted since it started", Example: "  aa daemon metrics\n  aa settings set metrics_address 127.0.0.1:9464",
			Args: takes(0, 0), RunE: a.connected(a.metrics),
		},
		&cobra.Command{
			Use: "backup DIR", Short: "Write a consistent copy of the database and the folders while aad runs",
			Long: `Write a consistent copy of the database and the folders to DIR, which is new or
empty. To restore it: aa daemon stop, put its content in the place of the home, and
aa daemon start.`,
			Example: "  aa daemon backup /mnt/backup/aad-2026-11-22", Args: takes(1, 1),
			RunE: a.connected(a.backup),
		})
	return cmd
}

func (a *app) startDaemon(ctx context.Context) error {
	c, err := a.dial(ctx, true)
	if err != nil {
		return err
	}
	defer c.Close()
	d := c.Daemon()
	return a.show(d, func() error { return a.told("aad %s runs (pid %d) in %s", d.Version, d.PID, cleanLine(d.Home)) })
}

func (a *app) stopCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop aad; attempts go on and are taken up again when it starts",
		Long: `Stop aad, or the installed service, and wait until it has gone. Attempts that
are worked on go on without it and are taken up when it starts again.`,
		Example: "  aa daemon stop",
		Args:    takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			was, err := a.stopDaemon(cmd.Context(), force)
			if err != nil {
				return err
			}
			return a.show(map[string]bool{"stopped": was}, func() error {
				if !was {
					return a.told("aad was not running")
				}
				return a.told("aad is stopped")
			})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "do not wait for calls in progress")
	return cmd
}

// mayStart refuses to stop an aad that could not be started again for its settings.
func (a *app) mayStart(ctx context.Context) error {
	c, err := a.dial(ctx, false)
	if err != nil {
		return nil // there is none to stop, or stopping tells why it cannot be reached
	}
	defer c.Close()
	_, err = c.SettingsGet(ctx, "")
	var fault *apprentice.Error
	if !errors.As(err, &fault) || fault.Kind == apprentice.Unavailable {
		return nil
	}
	return apprentice.Errorf(fault.Kind, "aad goes on, since it could not start again: %s", fault.Message).
		WithHint("%s", cmp.Or(fault.Hint, "mend the file, then aa daemon restart"))
}

// stopDaemon stops aad and waits until its process has gone. It reports whether
// it ran.
func (a *app) stopDaemon(ctx context.Context, force bool) (bool, error) {
	c, err := a.dial(ctx, false)
	if errors.Is(err, rpc.ErrNoDaemon) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer c.Close()
	d := c.Daemon()
	// Where the system gives no handle, that aad has hung up must do.
	process, err := proc.Open(d.PID)
	if err == nil {
		defer process.Close()
	}
	if err := c.Stop(ctx, force); err != nil {
		return true, err
	}
	select {
	case <-c.Gone():
	case <-ctx.Done():
		return true, ctx.Err()
	}
	if process == nil {
		return true, nil
	}
	return true, awaitEnd(ctx, process)
}

// stopPatience is how long a daemon may take to end when it has hung up.
const stopPatience = time.Minute

// awaitEnd waits until the daemon's process has gone, and its lock with it.
func awaitEnd(ctx context.Context, process *proc.Handle) error {
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	if err := process.Wait(ctx); err != nil {
		return apprentice.Errorf(apprentice.Unavailable, "aad (pid %d) has hung up and not ended", process.Pid()).
			Because(err).WithHint("aa daemon logs; kill -9 %d ends it, and loses nothing", process.Pid())
	}
	return nil
}

func (a *app) daemonStatus(ctx context.Context) error {
	c, err := a.dial(ctx, false)
	if err != nil {
		return err
	}
	defer c.Close()
	d, err := c.DaemonStatus(ctx)
	if err != nil {
		return err
	}
	return a.show(d, func() error {
		return a.printDaemon(d, "socket", c.Socket(), "log", d.Log, "database", size(d.Database), "disk free", size(d.DiskFree),
			"clients", fmt.Sprint(d.Clients), "watchers", fmt.Sprint(d.Watchers))
	})
}

func (a *app) backup(ctx context.Context, c *client.Client, args []string) error {
	dir, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	r, err := c.DaemonBackup(ctx, dir)
	if err != nil {
		return err
	}
	return a.show(r, func() error {
		return a.told("copied %s, %s, to %s", counted(r.Runs, "run"), size(r.Bytes), cleanLine(r.Dir))
	})
}

func (a *app) metrics(ctx context.Context, c *client.Client, _ []string) error {
	m, err := c.DaemonMetrics(ctx)
	if err != nil {
		return err
	}
	return a.show(m, func() error {
		t := newTable("METRIC", "VALUE", "WHAT IT IS")
		for _, one := range m.Metrics {
			name, value := one.Name, fmt.Sprintf("%g", one.Value)
			for _, key := range slices.Sorted(maps.Keys(one.Labels)) {
				name += " " + key + "=" + one.Labels[key]
			}
			if one.Type == "histogram" {
				value = fmt.Sprintf("%d times, %.3g in all", one.Count, one.Value)
			}
			t.row(cleanLine(name), value, one.Help)
		}
		return t.print(a.out, a.columns)
	})
}
