package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func batchCommand(a *app) *cobra.Command {
	var p rpc.BatchStartParams
	var sets []string
	var retry int
	var noWait bool
	var release rpc.ReleaseCreateParams
	cmd := &cobra.Command{
		Use:   "batch FILE.jsonl",
		Short: "Queue a file of task records, a run for each, and wait for them",
		Long: `Queue the raw task records of a JSONL file, a run for each, and show how they go. A
record has a raw_task_id and an instruction (or raw_description); assets,
input_artifact_refs and rubric_path are relative to the file; settings and labels are
the run's own. A line that is no record is named and put aside, the rest goes on. Called
again it goes on where it was: what was queued is not queued twice.`,
		Example: `  aa batch tasks.jsonl
  aa batch tasks.jsonl --limit 10 --parallel 4 --retry 1 --rubric rubric.yaml
  aa batch tasks.jsonl --release ~/datasets/tasks
  aa list -l batch=tasks`,
		Args:    takes(1, 1),
		PreRunE: countsFrom("retry", 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			var err error
			if p.Path, err = filepath.Abs(args[0]); err != nil {
				return err
			}
			if p.Name == "" {
				p.Name = strings.TrimSuffix(filepath.Base(p.Path), filepath.Ext(p.Path))
			}
			if p.Rubric != "" {
				if p.Rubric, err = filepath.Abs(p.Rubric); err != nil {
					return err
				}
			}
			if p.Settings, err = (&submitFlags{sets: sets, given: func(string) bool { return false }}).settings(); err != nil {
				return err
			}
			p.PathList = os.Getenv("PATH")
			if noWait && release.Path != "" {
				return apprentice.Errorf(apprentice.Invalid, "--release needs the runs to have ended, and --no-wait does not wait for them").WithField("release")
			}
			if err := placeOf(ctx, c, &release, p.Name); err != nil {
				return err
			}
			return a.batch(ctx, c, p, retry, noWait, release)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&p.Name, "name", "", "`name` of the batch, instead of the file's; the same name goes on with it")
	flags.IntVar(&p.Limit, "limit", 0, "queue this `number` of records at most")
	flags.IntVar(&p.Parallel, "parallel", 0, "`number` of its runs worked on at once")
	flags.IntVar(&retry, "retry", 0, "retry runs that failed for an operational error, each this `number` of times at most")
	pathVar(flags, &p.Rubric, "rubric", "rubric `file` of records that name none")
	flags.StringArrayVarP(&sets, "set", "s", nil, "`key=value` of a setting, for its runs; repeatable")
	flags.BoolVar(&p.Force, "force", false, "queue them even when the agent is not found now")
	flags.BoolVar(&noWait, "no-wait", false, "queue them and do not wait")
	flags.StringVar(&release.Path, "release", "", "gather its ended runs as a dataset in this `folder`, which must be new, and validate it")
	flags.BoolVar(&release.Replace, "replace", false, "the release that is in that folder may be replaced")
	return cmd
}

func (a *app) batch(ctx context.Context, c *client.Client, p rpc.BatchStartParams, retry int, noWait bool, release rpc.ReleaseCreateParams) error {
	rejected, err := a.queueBatch(ctx, c, p)
	if err != nil {
		return err
	}
	for !noWait {
		if err := a.followBatch(ctx, c, p.Name); err != nil {
			if apprentice.KindOf(err) == apprentice.Unavailable {
				a.note("what is queued goes on when aad runs again; the same command follows it then")
			}
			return err
		}
		again, err := c.BatchRetry(ctx, p.Name, retry)
		if err != nil {
			return err
		}
		if again == 0 {
			break
		}
		a.note("%d runs failed and are tried again", again)
	}
	s, err := c.BatchGet(ctx, p.Name)
	if err != nil {
		return err
	}
	if err := a.show(s, func() error { return a.printBatch(s) }); err != nil {
		return err
	}
	if release.Path != "" {
		if _, err := a.createRelease(ctx, c, release); err != nil {
			return err
		}
		if err := a.validateRelease(ctx, c, release.Path); err != nil {
			return err
		}
	}
	switch {
	case rejected > 0:
		return apprentice.Errorf(apprentice.Invalid, "%d lines of %s are no task records", rejected, p.Path).
			WithHint("mend them and call it again: what was queued is not queued twice")
	case noWait:
		return nil
	}
	if len(s.Failing) > 0 {
		return codeOf(s.Failing[0]).asError()
	}
	return nil
}

// placeOf completes what is asked of the release of a batch, whose ended runs are
// gathered, accepted or not. A place that is taken is told before hours of work.
func placeOf(ctx context.Context, c *client.Client, p *rpc.ReleaseCreateParams, batch string) (err error) {
	if p.Path == "" {
		return nil
	}
	if p.Path, err = filepath.Abs(p.Path); err != nil {
		return err
	}
	p.Labels, p.Group = map[string]string{"batch": batch}, "batch-"+batch
	_, err = c.ReleaseCreate(ctx, rpc.ReleaseCreateParams{Path: p.Path, Replace: p.Replace, DryRun: true})
	return err
}

// queueBatch queues the file page by page and returns how many lines were put aside.
func (a *app) queueBatch(ctx context.Context, c *client.Client, p rpc.BatchStartParams) (rejected int, err error) {
	queued, existing := 0, 0
	for p.From = 1; p.From > 0; {
		page, err := c.BatchStart(ctx, p)
		if err != nil {
			return rejected, err
		}
		queued, existing, rejected = queued+page.Queued, existing+page.Existing, rejected+len(page.Rejected)
		for _, r := range page.Rejected {
			a.note("line %d is put aside: %s", r.Line, r.Reason)
		}
		p.From = page.Next
	}
	a.note("batch %s: %d queued, %d were there, %d put aside", p.Name, queued, existing, rejected)
	return rejected, nil
}

// atWork are the states of runs that a batch is waited for.
var atWork = []apprentice.QueueState{apprentice.Queued, apprentice.Running, apprentice.Deferred}

// batchLeft counts the runs of a batch that are to be worked on.
func batchLeft(s rpc.BatchStatus) (n int) {
	for _, state := range atWork {
		n += s.States[string(state)]
	}
	return n
}

// followBatch waits until no run of a batch is to be worked on. A terminal shows how
// each of them stands; elsewhere it is told how many have ended. Runs that wait for
// people are not waited for.
func (a *app) followBatch(ctx context.Context, c *client.Client, name string) error {
	if a.errTerminal && !a.quiet && !a.json && !a.jsonProgress {
		return a.watchBatch(ctx, c, name)
	}
	for told := -1; ; {
		s, err := c.BatchGet(ctx, name)
		if err != nil {
			return err
		}
		if ended := s.Runs - batchLeft(s); ended != told {
			told = ended
			a.note("%d of %d runs have ended, %d accepted", told, s.Runs, s.Accepted)
		}
		list, err := c.RunList(ctx, rpc.RunListParams{States: stateNames(atWork), Group: "batch-" + name, Limit: 200})
		if err != nil || len(list.Runs) == 0 {
			return err
		}
		oldest := list.Runs[len(list.Runs)-1]
		if _, err := c.RunWait(ctx, rpc.RunWaitParams{RunID: string(oldest.RunID)}); err != nil {
			return err
		}
	}
}

// stateCounts tells how many runs of a batch are in each state.
func stateCounts(s rpc.BatchStatus) string {
	var states []string
	for _, state := range slices.Sorted(maps.Keys(s.States)) {
		states = append(states, fmt.Sprintf("%d %s", s.States[state], state))
	}
	return strings.Join(states, ", ")
}

func (a *app) printBatch(s rpc.BatchStatus) error {
	if err := a.print("%s: %d runs, %d accepted; %s", s.Name, s.Runs, s.Accepted, stateCounts(s)); err != nil || len(s.Failing) == 0 {
		return err
	}
	t := newTable("RUN", "RECORD", "STATE", "VERDICT", "SCORE", "REASON")
	for _, r := range s.Failing {
		t.row(string(r.RunID), r.Labels["raw_task_id"], string(r.QueueState), string(r.Verdict), score(r.FinalScore), reasonOf(r))
	}
	return t.print(a.out, a.columns)
}
