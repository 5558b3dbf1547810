package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func learnCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "learn",
		Short: "Draw lessons from runs and give them to later ones",
		Long: `Draw an experience pack from runs, bundles or a dataset: what made criteria pass, what
went wrong, what is looked for. A pack is a draft until it is kept; then runs whose
task fits are told its lessons. aa run --experience-pack names one,
--no-experience-packs wants none.`,
		Example: `  aa learn create @last
  aa learn preview aa-exp-monthly
  aa learn replay aa-exp-monthly
  aa learn keep aa-exp-monthly`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(learnCreateCommand(a), learnSearchCommand(a), learnListCommand(a), learnStatusCommand(a), learnPreviewCommand(a),
		learnReplayCommand(a),
		a.learnMove("keep", "kept: runs that it fits are told it", "Make a pack active: runs that it fits are told its lessons", (*client.Client).PackKeep),
		a.learnMove("revert", "reverted: no run is told it unless it names it", "Undo aa learn keep", (*client.Client).PackRevert),
		a.learnMove("remove", "removed: it is kept in the folder _removed", "Move a pack to the folder _removed", (*client.Client).PackRemove))
	return cmd
}

func learnCreateCommand(a *app) *cobra.Command {
	var from []string
	var title string
	cmd := &cobra.Command{
		Use:   "create [RUN...]",
		Short: "Draw a pack, a draft, from ended runs, bundles and datasets",
		Example: `  aa learn create @last
  aa learn create monthly-1 monthly-2 --title "Monthly reports"
  aa learn create --from ./shared/bundle --from ./dataset`,
		Args:              takes(0, -1),
		ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			p := rpc.PackCreateParams{Title: title}
			var err error
			if p.Folders, err = client.AbsolutePaths("folders", from); err != nil {
				return err
			}
			for _, arg := range args {
				run, err := runArgument(arg)
				if err != nil {
					return err
				}
				p.Runs = append(p.Runs, run)
			}
			made, err := c.PackCreate(ctx, p)
			if err != nil {
				return err
			}
			return a.show(made, func() error {
				a.note("a draft of %d lessons from %d sources; look at it: aa learn preview %s", made.Lessons, made.Sources, made.PackID)
				return a.print("%s", made.PackID)
			})
		}),
	}
	cmd.Flags().StringArrayVar(&from, "from", nil, "`folder` of a run, a bundle or a dataset; repeatable")
	cmd.Flags().StringVar(&title, "title", "", "`title` instead of the first task's")
	return cmd
}

func learnListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the packs, the newest first",
		Example: "  aa learn list\n  aa learn list -q",
		Args:    takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
			list, err := c.PackList(ctx)
			if err != nil {
				return err
			}
			for _, problem := range list.Problems {
				a.note("%s", problem)
			}
			return a.show(list, func() error {
				if len(list.Packs) == 0 {
					a.note("there is no experience pack yet: aa learn create RUN")
				}
				t := newTable("PACK", "STATUS", "LESSONS", "SOURCES", "CHANGED", "TITLE")
				for _, p := range list.Packs {
					if a.quiet {
						if err := a.print("%s", p.PackID); err != nil {
							return err
						}
						continue
					}
					t.row(p.PackID, p.Status, strconv.Itoa(p.Lessons), strconv.Itoa(p.Sources), ago(p.UpdatedAt, time.Now()), p.Title)
				}
				if len(t.rows) == 0 {
					return nil
				}
				return t.print(a.out, a.columns)
			})
		}),
	}
}

func learnSearchCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "search WORD...", Short: "Find packs by words, or by a task as a run would",
		Example: "  aa learn search monthly report",
		Args:    takes(1, -1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			found, err := c.PackSearch(ctx, strings.Join(args, " "))
			if err != nil {
				return err
			}
			return a.show(found, func() error {
				if len(found.Hits) == 0 {
					a.note("no pack holds any of these words")
					return nil
				}
				t := newTable("PACK", "STATUS", "SCORE", "FITS", "SHARES", "TITLE")
				for _, h := range found.Hits {
					fits := ""
					if h.Fits {
						fits = "yes"
					}
					t.row(h.Pack.PackID, h.Pack.Status, strconv.FormatFloat(h.Score, 'f', 2, 64), fits, strings.Join(h.Words, " "), h.Pack.Title)
				}
				return t.print(a.out, a.columns)
			})
		}),
	}
}

func learnPreviewCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "preview PACK", Short: "Show exactly what an apprentice would be told",
		Example: "  aa learn preview aa-exp-monthly",
		Args:    takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			got, err := c.PackGet(ctx, args[0])
			if err != nil {
				return err
			}
			return a.show(got.Told, func() error {
				for _, text := range got.Told {
					if err := a.print("- %s", cleanLine(text)); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
}

func learnStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status PACK", Short: "Show one pack: where its lessons come from and how it was replayed",
		Example: "  aa learn status aa-exp-monthly",
		Args:    takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			got, err := c.PackGet(ctx, args[0])
			if err != nil {
				return err
			}
			return a.show(got, func() error {
				p := got.Pack
				var from []string
				for _, s := range got.Sources {
					from = append(from, s.Ref)
				}
				if err := a.pairs("pack", p.PackID, "title", p.Title, "status", p.Status, "lessons", strconv.Itoa(p.Lessons),
					"subject", strings.Join(p.Subject, "; "), "from", strings.Join(from, ", "), "changed", ago(p.UpdatedAt, time.Now()), "folder", p.Folder); err != nil {
					return err
				}
				for _, r := range got.Replays {
					if err := a.printReplay(r); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
}

// printReplay shows how the source tasks went without a pack and with it.
func (a *app) printReplay(r rpc.PackReplay) error {
	if err := a.print("\nreplayed %s: %s", ago(r.StartedAt, time.Now()), r.Finding); err != nil {
		return err
	}
	t := newTable("TASK", "WITHOUT", "WITH", "FINDING", "RUNS")
	for _, p := range r.Pairs {
		t.row(p.Source, score(p.WithoutScore), score(p.WithScore), p.Finding, string(p.Without)+" "+string(p.With))
	}
	return t.print(a.out, a.columns)
}

func learnReplayCommand(a *app) *cobra.Command {
	var agent string
	var noWait bool
	cmd := &cobra.Command{
		Use: "replay PACK", Short: "Work the source tasks without the pack and with it, and compare the scores",
		Long: `Queue each source task twice, without the pack and with it, one attempt each, and
compare the scores: improved, no_observed_change, regressed or inconclusive.`,
		Example: "  aa learn replay aa-exp-monthly",
		Args:    takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			r, err := c.PackReplay(ctx, rpc.PackReplayParams{PackID: args[0], Agent: agent, Path: os.Getenv("PATH")})
			if err != nil {
				return err
			}
			for _, p := range r.Pairs {
				for _, run := range []string{string(p.Without), string(p.With)} {
					if noWait {
						continue
					}
					a.note("waiting for %s", run)
					if _, err := c.RunWait(ctx, rpc.RunWaitParams{RunID: run}); err != nil {
						return err
					}
				}
			}
			got, err := c.PackGet(ctx, args[0])
			if err != nil || len(got.Replays) == 0 {
				return err
			}
			last := got.Replays[len(got.Replays)-1]
			return a.show(last, func() error { return a.printReplay(last) })
		}),
	}
	cmd.Flags().StringVar(&agent, "agent", "", "`agent` instead of the source runs' own")
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "do not wait; aa learn status tells the scores later")
	return cmd
}

// learnMove makes a command that changes a pack's status.
func (a *app) learnMove(verb, done, short string, do func(*client.Client, context.Context, string) (rpc.PackInfo, error)) *cobra.Command {
	return &cobra.Command{
		Use: verb + " PACK", Short: short,
		Example: "  aa learn " + verb + " aa-exp-monthly",
		Args:    takes(1, 1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			p, err := do(c, ctx, args[0])
			if err != nil {
				return err
			}
			return a.show(p, func() error { return a.told("%s is %s", p.PackID, done) })
		}),
	}
}
