package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/internal/version"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func statusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status [RUN]",
		Short: "Show how the daemon and its runs stand, or one run",
		Example: `  aa status
  aa status @last
  aa status --json | jq .daemon.counts`,
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeRuns(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.connectedRun(a.statusOfRun)(cmd, args)
			}
			return a.connected(a.statusOfAll)(cmd, args)
		},
	}
}

func (a *app) statusOfRun(ctx context.Context, c *client.Client, run string, _ []string) error {
	d, err := c.RunGet(ctx, run)
	if err != nil {
		return err
	}
	return a.show(d.Run, func() error {
		r, now := d.Run, time.Now()
		if a.quiet {
			return a.print("%s", r.QueueState)
		}
		loop := ""
		if r.CurrentLoop > 0 {
			loop = fmt.Sprintf("%d of %d", r.CurrentLoop, r.MaxLoops)
		}
		steps, answer := "", ""
		if r.TracedSteps > 0 { // it grows while an agent that prints records is at work
			steps = strconv.Itoa(r.TracedSteps)
		}
		if r.QueueState == apprentice.Waiting {
			answer = "aa review " + string(r.RunID) + ", or see aa checkpoints " + string(r.RunID)
		}
		return a.pairs("run", string(r.RunID), "title", r.Title, "state", string(r.QueueState), "reason", reasonOf(r), "hint", r.OperationalAdvice, "to answer", answer,
			"queue", queuedBecause(d.Ahead, d.Queued), "phase", strings.ReplaceAll(r.Phase, "_", " "), "message", r.Message, "attempt", loop, "steps", steps,
			"verdict", string(r.Verdict), "score", score(r.FinalScore), "started", ago(r.StartedAt, now),
			"took", tookOf(r, now), "artifacts", d.Artifacts)
	})
}

// tookOf is how long the live or latest pass has been worked on.
func tookOf(r apprentice.Run, now time.Time) string {
	if r.QueueState.Ended() || r.QueueState == apprentice.Running {
		return between(r.StartedAt, r.EndedAt, now)
	}
	return ""
}

// overview is what aa status tells.
type overview struct {
	Daemon rpc.DaemonStatus         `json:"daemon"`
	Queue  rpc.QueueResult          `json:"queue"`
	Asking rpc.CheckpointListResult `json:"waiting"`
	Recent []apprentice.Run         `json:"recent"`
}

// shown is how many runs of each kind aa status shows.
const shown = 5

func (a *app) statusOfAll(ctx context.Context, c *client.Client, _ []string) error {
	var o overview
	var err error
	if o.Daemon, err = c.DaemonStatus(ctx); err != nil {
		return err
	}
	if o.Queue, err = c.QueueGet(ctx); err != nil {
		return err
	}
	asking, err := c.CheckpointList(ctx, rpc.CheckpointListParams{Limit: shown})
	if err != nil {
		return err
	}
	o.Asking = asking
	recent, err := c.RunList(ctx, rpc.RunListParams{States: stateNames(ended), Limit: shown})
	if err != nil {
		return err
	}
	o.Recent = recent.Runs
	return a.show(o, func() error { return a.printOverview(o) })
}

func (a *app) printOverview(o overview) error {
	if err := a.printDaemon(o.Daemon); err != nil || a.quiet {
		return err
	}
	if err := a.printAsking(o.Asking); err != nil {
		return err
	}
	for _, part := range []struct {
		title string
		runs  []apprentice.Run
		more  int
	}{
		{"running", o.Queue.Running, 0},
		{"next", o.Queue.Next[:min(shown, len(o.Queue.Next))], o.Queue.Waiting - min(shown, len(o.Queue.Next))},
		{"ended", o.Recent, 0},
	} {
		if len(part.runs) == 0 {
			continue
		}
		if err := a.print("\n%s", a.style(bold, part.title)); err != nil {
			return err
		}
		if err := a.runTable(part.runs); err != nil {
			return err
		}
		if part.more > 0 {
			if err := a.print("and %d more: aa queue", part.more); err != nil {
				return err
			}
		}
	}
	return a.reasons("stuck:", o.Queue.Running)
}

// printAsking tells which runs wait for people; nothing when none does.
func (a *app) printAsking(asking rpc.CheckpointListResult) error {
	if len(asking.Checkpoints) == 0 {
		return nil
	}
	if err := a.print("\n%s", a.style(bold, "waiting for you")); err != nil {
		return err
	}
	if err := a.questionTable(asking.Checkpoints); err != nil {
		return err
	}
	if more := asking.Total - len(asking.Checkpoints); more > 0 {
		return a.print("and %d more: aa checkpoints", more)
	}
	return nil
}

// printDaemon tells how the daemon stands, in a few lines, with further pairs.
func (a *app) printDaemon(d rpc.DaemonStatus, more ...string) error {
	if a.quiet {
		return a.print("running")
	}
	var counts []string
	for _, s := range append(append([]apprentice.QueueState{}, live...), ended...) {
		if n := d.Counts[string(s)]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s))
		}
	}
	queue := ""
	if d.Paused {
		queue = "paused: aa resume starts runs again"
	}
	disk := ""
	if d.DiskFull {
		disk = cmp.Or(d.DiskReason, "the disk is full") + ": no new run starts until there is room"
	}
	list := []string{"aad", fmt.Sprintf("%s, pid %d, up %s", d.Version, d.PID, span(time.Duration(d.Uptime)*time.Second)),
		"home", d.Home, "slots", fmt.Sprintf("%d of %d busy", d.Busy, d.Slots), "runs", strings.Join(counts, ", "),
		"queue", queue, "groups", groupsLine(d.Groups), "disk", disk}
	err := a.pairs(append(list, more...)...)
	for _, problem := range d.Problems {
		if err == nil {
			err = a.print("%s %s", a.style(yellow, "problem:"), cleanLine(problem))
		}
	}
	if d.Version != version.Version {
		a.note("aa is %s and aad is %s: aa daemon restart", version.Version, d.Version)
	}
	return err
}

func groupsLine(groups []rpc.Group) string {
	var parts []string
	for _, g := range groups {
		if g.Name == "" || (!g.Paused && g.Limit == 0) {
			continue
		}
		part := g.Name
		if g.Limit > 0 {
			part += fmt.Sprintf(" (%d of %d busy)", g.Running, g.Limit)
		}
		if g.Paused {
			part += " paused"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
