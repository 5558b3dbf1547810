package main

import (
	"context"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func runCommand(a *app) *cobra.Command {
	var f submitFlags
	var follow followFlags
	cmd := &cobra.Command{
		Use:   "run [flags] [INSTRUCTION | -]",
		Short: "Queue a task and follow it to its end",
		Long: `Queue a task and follow it to its end. Progress goes to stderr, the result to
stdout: the run's id, status, verdict, score, and where the artifacts lie.

When the run waits for a person, it is reviewed on a terminal; elsewhere aa waits
until somebody answers.

Without an instruction aa asks for it on a terminal. Ctrl-C leaves the run,
which goes on. aa help exit-codes says what the exit codes mean.`,
		Example: `  aa run "Summarise sales.csv into report.md" --asset sales.csv --rubric rubric.yaml
  aa run --agent shell 'wc -l input/*.csv > artifacts/lines.txt' --asset data.csv --out results
  git diff | aa run - --label kind=review
  aa run --again @last --max-loops 5`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.submit(cmd.Context(), &f, args, func(ctx context.Context, c *client.Client, done rpc.SubmitResult) error {
				if follow.noWait && (f.approved || !asksSoon(done.Run)) {
					return a.printSubmitted(done)
				}
				if !a.json {
					a.note("run %s", done.Run.RunID)
				}
				return a.follow(ctx, c, done.Run.RunID, 0, follow)
			})
		},
	}
	f.define(cmd)
	follow.define(a, cmd)
	a.completeSubmit(cmd)
	return cmd
}

func submitCommand(a *app) *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use:   "submit [flags] [INSTRUCTION | -]",
		Short: "Queue a task and return at once",
		Long: `Queue a task and print the run's id. When aa has printed it, the task is on
disk and will be worked on, whatever happens to aad.`,
		Example: `  aa submit "Tidy the notes" --asset notes/ --group nightly --at 02:00
  aa submit --file task.md --after @last --priority 10
  id=$(aa submit -q "…" --key order-4711)`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.submit(cmd.Context(), &f, args, func(_ context.Context, _ *client.Client, done rpc.SubmitResult) error {
				return a.printSubmitted(done)
			})
		},
	}
	f.define(cmd)
	a.completeSubmit(cmd)
	return cmd
}

// submit reads the flags, queues the task and hands the result on.
func (a *app) submit(ctx context.Context, f *submitFlags, words []string,
	then func(context.Context, *client.Client, rpc.SubmitResult) error) error {
	p, err := f.params(a, words)
	if err != nil {
		return err
	}
	ctx, release := leavable(ctx) // when the instruction is read, which Ctrl-C may end
	defer release()
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if p.AutoApprove, err = f.autoApproval(ctx, a, c, p); err != nil {
		return err
	}
	f.approved = p.AutoApprove != nil && !p.AutoApprove.Only
	done, err := c.RunSubmit(ctx, p)
	if err != nil {
		return err
	}
	if done.Existing {
		a.note("the key %s was used before: this is that run", p.IdempotencyKey)
	}
	for _, p := range done.Run.Packs {
		a.note("told the lessons of %s (%s)", p.PackID, p.Source)
	}
	a.noteRepository(done.Repository)
	return then(ctx, c, done)
}

func (a *app) printSubmitted(done rpc.SubmitResult) error {
	if a.json {
		return a.emit(done)
	}
	if err := a.print("%s", done.Run.RunID); err != nil {
		return err
	}
	if done.Run.QueueState == apprentice.Deferred {
		a.note("deferred: %s", done.Run.QueueReason)
	}
	a.note("to follow it: aa watch %s", done.Run.RunID)
	return nil
}

func (a *app) completeSubmit(cmd *cobra.Command) {
	words := func(list ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	for flag, f := range map[string]cobra.CompletionFunc{
		"agent":       words("shell", "custom"),
		"mentor-mode": words("checks", "model_assisted", "expert_led", "hybrid"),
		"after":       a.completeRuns(),
		"again":       a.completeRuns(),
		"set":         completeAssignments,
	} {
		// The only error is a flag that is not there or has one already.
		if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
			panic(err)
		}
	}
}

func completeAssignments(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	for _, key := range apprentice.SettingKeys() {
		if apprentice.IsRunSetting(key.Name) {
			out = append(out, key.Name+"=\t"+key.Doc)
		}
	}
	return out, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
