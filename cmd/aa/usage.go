package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// usageCommand tells what models took; diskCommand is of the disk.
func usageCommand(a *app) *cobra.Command {
	var p rpc.UsageParams
	cmd := &cobra.Command{
		Use:   "usage [RUN]",
		Short: "Show what calls to models took, in tokens and dollars",
		Long: `Show what calls to the mentor's models took, of all runs or of one, also of
deleted ones. Costs count models with a price in the setting mentor_prices, or whose
provider tells what a call cost. What the home takes on disk is told by aa du.`,
		Example: `  aa usage
  aa usage --by day,model --since 2026-11-01
  aa usage @last --by role`,
		Args:              takes(0, 1),
		ValidArgsFunction: a.completeRuns(),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			if len(args) == 1 {
				run, err := runArgument(args[0])
				if err != nil {
					return err
				}
				p.RunID = run
			}
			u, err := c.UsageGet(ctx, p)
			if err != nil {
				return err
			}
			return a.show(u, func() error { return a.printUsage(u, p.By) })
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&p.By, "by", []string{"role", "model"}, "a row for each of these `words`: run, day, role, agent, provider, model")
	flags.StringVar(&p.Since, "since", "", "first `day` (UTC), as 2026-11-01")
	flags.StringVar(&p.Until, "until", "", "last `day`")
	return cmd
}

func (a *app) printUsage(u rpc.ModelUsageResult, by []string) error {
	if u.Total.Calls == 0 {
		return a.told("no model was called")
	}
	var head []string
	for _, key := range by {
		head = append(head, strings.ToUpper(key))
	}
	t := newTable(append(head, "CALLS", "FAILED", "INPUT", "OUTPUT", "COST")...)
	t.right = map[int]bool{}
	for i := range 5 {
		t.right[len(by)+i] = true
	}
	for _, row := range u.Rows {
		cells := map[string]string{"run": string(row.RunID), "day": row.Day, "role": row.Role, "agent": row.Agent,
			"provider": row.Provider, "model": row.Model}
		var names []string
		for _, key := range by {
			names = append(names, cells[key])
		}
		t.row(append(names, spendingCells(row.Spending)...)...)
	}
	if len(by) > 0 {
		total := slices.Repeat([]string{""}, len(by))
		total[0] = "total"
		t.row(append(total, spendingCells(u.Total)...)...)
	} else {
		t.row(spendingCells(u.Total)...)
	}
	if err := t.print(a.out, a.columns); err != nil {
		return err
	}
	if u.Total.Unpriced > 0 {
		a.note("%s of models without a price: aa settings set mentor_prices MODEL=input/cached/output", counted(u.Total.Unpriced, "call"))
	}
	return nil
}

// tookOfModels says in a phrase what the calls to a run's mentor took, "" for none.
func tookOfModels(r apprentice.Run) string {
	s := r.Spending
	if s == nil {
		return ""
	}
	text := fmt.Sprintf("%s, %d tokens", counted(s.Calls, "call"), s.Tokens())
	if s.Cost > 0 {
		text += fmt.Sprintf(", $%.4f", s.Cost)
	}
	return text
}

func spendingCells(s apprentice.Spending) []string {
	cost := fmt.Sprintf("%.4f", s.Cost)
	if s.Cost == 0 && s.Unpriced > 0 {
		cost = "?"
	}
	return []string{fmt.Sprint(s.Calls), fmt.Sprint(s.Failed), fmt.Sprint(s.InputTokens), fmt.Sprint(s.OutputTokens), cost}
}

func regradeCommand(a *app) *cobra.Command {
	var p rpc.RunRegradeParams
	var follow followFlags
	cmd := &cobra.Command{
		Use:   "regrade RUN",
		Short: "Review the attempts of an ended run again",
		Long: `Review the attempts of an ended run again, without running the agent again, and
follow that. The earlier grades stay in grading/history/ of the package, with who
asked, when and why. --role says from which role on: the grader (all of it), the
verifier (the grade stands), the evaluator (feedback only).`,
		Example: `  aa regrade @last
  aa regrade @last --role verifier --reason "another model verifies"`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
			ctx, release := leavable(ctx)
			defer release()
			r, seen, err := changed(ctx, c, run, func(ctx context.Context, run string) (apprentice.Run, error) {
				p.RunID = run
				return c.RunRegrade(ctx, p)
			})
			if err != nil {
				return err
			}
			if follow.noWait && !asksSoon(r) {
				return a.printRun(r, "queued for review")
			}
			return a.follow(ctx, c, r.RunID, seen, follow)
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&p.Role, "role", "", "begin with this `role`: grader, verifier or evaluator")
	flags.StringVar(&p.Reason, "reason", "", "`why`, kept beside the earlier grades")
	follow.define(a, cmd)
	return cmd
}
