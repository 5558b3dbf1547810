package main

import (
	"context"
	"fmt"
	"path/filepath"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// releaseCommand lets held runs start; its subcommands make and show releases.
func releaseCommand(a *app) *cobra.Command {
	cmd := a.steering(&cobra.Command{
		Use:   "release RUN... | create | validate | inspect | summary",
		Short: "Let held runs start; make datasets of many runs (create, validate, …)",
		Long: `Let held or deferred runs start, whatever they waited for.

With create, validate, inspect or summary as its first word it is about releases:
datasets gathered from many ended runs, as JSON lines and Parquet, with a sanitised
copy. A run that is called like one of these words is named by its folder.`,
		Example: `  aa release @last
  aa release create ~/datasets/first --accepted
  aa release validate ~/datasets/first`,
	}, "released", []apprentice.QueueState{apprentice.Deferred}, (*client.Client).RunRelease)
	cmd.AddCommand(releaseCreateCommand(a), releaseValidateCommand(a), releaseInspectCommand(a), releaseSummaryCommand(a))
	return cmd
}

func releaseCreateCommand(a *app) *cobra.Command {
	var p rpc.ReleaseCreateParams
	var labels []string
	cmd := &cobra.Command{
		Use:   "create DIR [RUN...]",
		Short: "Gather ended runs into a dataset",
		Long: `Gather ended runs into a dataset in DIR, which must be new: all that fit the filters,
or those that are named. Rows of every kind as JSON lines and Parquet, the files that
they lead to, a manifest, a report on quality and a card; public/ is a sanitised copy
of all of it. A run that cannot be read is named and left out.`,
		Example: `  aa release create ~/datasets/first --accepted
  aa release create ~/datasets/nightly --group nightly --label kind=review
  aa release create ./two 2026-11-27-one 2026-11-27-two --replace`,
		Args: takes(1, -1), ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) (err error) {
			if p.Path, err = filepath.Abs(args[0]); err != nil {
				return err
			}
			for _, arg := range args[1:] {
				run, err := runArgument(arg)
				if err != nil {
					return err
				}
				p.Runs = append(p.Runs, run)
			}
			if p.Labels, err = parseLabels(labels); err != nil {
				return err
			}
			if p.States, err = parseStates(p.States); err != nil {
				return err
			}
			r, err := a.createRelease(ctx, c, p)
			if err == nil && !a.json && !a.quiet {
				for _, w := range r.Warnings {
					a.note("warning: %s", w)
				}
			}
			return err
		}),
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&p.States, "state", nil, "only runs in these `states`: completed, partial, failed, cancelled")
	flags.StringArrayVarP(&labels, "label", "l", nil, "only runs with this `key=value`; repeatable")
	flags.StringVar(&p.Group, "group", "", "only runs of this `group`")
	flags.BoolVar(&p.Accepted, "accepted", false, "only completed runs whose review passed")
	flags.BoolVar(&p.Replace, "replace", false, "put it in the place of the release that is in DIR")
	return cmd
}

// createRelease shows what it has made but its warnings, which validating tells too.
func (a *app) createRelease(ctx context.Context, c *client.Client, p rpc.ReleaseCreateParams) (rpc.ReleaseInfo, error) {
	var r rpc.ReleaseInfo
	err := a.whileRelease(ctx, c, p.Path, func(ctx context.Context) (err error) {
		r, err = c.ReleaseCreate(ctx, p)
		return err
	})
	if err != nil || a.json {
		return r, a.emitUnless(err, r)
	}
	if a.quiet {
		return r, a.print("%s", r.Path)
	}
	return r, a.print("%s: %s\n%d runs, %d packages, %d attempts, %d rows, %d files; %s", clean(r.Path), r.DatasetID, r.Runs, r.Packages, r.Attempts, r.Rows, r.Files, size(r.Bytes))
}

func releaseValidateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "validate DIR",
		Short: "Check a release",
		Long: `Check a release, made here or elsewhere: sums, schemas of all rows, counts, that each
row is there once and the same in Parquet, that references resolve, and that nothing
private is in public/. What blocks its use is listed, and the exit code is 1; warnings
tell what to know before relying on it.`,
		Example: `  aa release validate ~/datasets/first
  aa release validate ~/datasets/first/public --json`,
		Args: takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return a.validateRelease(ctx, c, path)
		}),
	}
}

func (a *app) validateRelease(ctx context.Context, c *client.Client, path string) error {
	var r rpc.ReleaseValidateResult
	err := a.whileRelease(ctx, c, path, func(ctx context.Context) (err error) {
		r, err = c.ReleaseValidate(ctx, path)
		return err
	})
	if err == nil {
		err = a.show(r, func() error { return a.printValidation(r) })
	}
	if err == nil && r.Blocking > 0 {
		return exitCode(1).asError()
	}
	return err
}

func (a *app) printValidation(r rpc.ReleaseValidateResult) error {
	for _, b := range r.Blockers {
		if err := a.print("blocker: %s", clean(b)); err != nil {
			return err
		}
	}
	if more := r.Blocking - len(r.Blockers); more > 0 {
		if err := a.print("and %d more", more); err != nil {
			return err
		}
	}
	if a.quiet {
		return nil
	}
	for _, w := range r.Warnings {
		if err := a.print("warning: %s", clean(w)); err != nil {
			return err
		}
	}
	state := "valid"
	if r.Blocking > 0 {
		state = fmt.Sprintf("not valid: %d blockers", r.Blocking)
	}
	return a.print("%s is %s (%d runs, %d rows, %d warnings)", clean(r.Path), state, r.Runs, r.Rows, len(r.Warnings))
}

func releaseInspectCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "inspect DIR",
		Short:   "Show a release on a page",
		Example: `  aa release inspect ~/datasets/first`,
		Args:    takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			path, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			r, err := c.ReleaseInspect(ctx, path)
			if err != nil || a.json {
				return a.emitUnless(err, r)
			}
			_, err = fmt.Fprint(a.out, clean(r.Page))
			return err
		}),
	}
}

func releaseSummaryCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "summary DIR...",
		Short:   "Show several releases in a table, with totals",
		Example: `  aa release summary ~/datasets/*`,
		Args:    takes(1, -1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			var paths []string
			for _, arg := range args {
				path, err := filepath.Abs(arg)
				if err != nil {
					return err
				}
				paths = append(paths, path)
			}
			s, err := c.ReleaseSummary(ctx, paths)
			if err != nil || a.json {
				return a.emitUnless(err, s)
			}
			t := newTable("RELEASE", "RUNS", "PACKAGES", "ATTEMPTS", "STEPS", "ROWS", "FILES", "ACCEPTED", "UNREVIEWED", "SCORE", "SIZE", "ID")
			t.right = map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true}
			for _, r := range append(s.Releases, s.Total) {
				name := r.Path
				if name == "" {
					name = "total"
				}
				mean := "-"
				if r.Scored > 0 {
					mean = score(&r.MeanScore)
				}
				t.row(name, fmt.Sprint(r.Runs), fmt.Sprint(r.Packages), fmt.Sprint(r.Attempts), fmt.Sprint(r.Steps), fmt.Sprint(r.Rows), fmt.Sprint(r.Files),
					fmt.Sprint(r.Accepted), fmt.Sprint(r.Unreviewed), mean, size(r.Bytes), r.DatasetID)
			}
			return t.print(a.out, a.columns)
		}),
	}
}

// whileRelease does something with a release, and tells how far it is. Ctrl-C ends it.
func (a *app) whileRelease(ctx context.Context, c *client.Client, path string, do func(context.Context) error) error {
	ctx, release := leavable(ctx)
	defer release()
	err := a.tellWhile(ctx, func(ctx context.Context) string {
		p, err := c.ReleaseProgress(ctx, path)
		switch {
		case err != nil || p.Stage == "":
			return ""
		case p.Total == 0:
			return p.Stage
		}
		return fmt.Sprintf("%s · %d of %d (%d %%)", p.Stage, p.Done, p.Total, 100*min(p.Done, p.Total)/p.Total)
	}, func() error { return do(ctx) })
	if ctx.Err() != nil {
		a.note("stopped: nothing is left of it")
		return exitCode(130).asError() // as a shell says it
	}
	return err
}
