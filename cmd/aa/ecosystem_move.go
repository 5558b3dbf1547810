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

func ecosystemPullCommand(a *app) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "pull BUNDLE...", Short: "Take shared bundles, each once it has been checked in full",
		Long: `Take shared bundles into ecosystem/bundles of the home, or into another folder. Each is
checked in full first; one that is not whole is refused, and nothing of it is left.`,
		Example: `  aa ecosystem pull bundle_monthly-1
  aa ecosystem pull bundle_monthly-1 bundle_monthly-2 --to ./taken
  aa learn create --from ~/.aad/ecosystem/bundles/bundle_monthly-1`,
		Args: takes(1, -1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			if to != "" {
				var err error
				if to, err = filepath.Abs(to); err != nil {
					return err
				}
			}
			var last error
			for _, id := range args {
				err := a.pull(ctx, c, rpc.EcosystemPullParams{BundleID: id, To: to})
				if err != nil && len(args) > 1 && ctx.Err() == nil {
					a.note("%s: %s", id, apprentice.Reason(err))
					last = err
					continue
				}
				if err != nil {
					return err
				}
			}
			return last
		}),
	}
	cmd.Flags().StringVar(&to, "to", "", "`folder` to put them into, instead of the home's")
	return cmd
}

func (a *app) pull(ctx context.Context, c *client.Client, p rpc.EcosystemPullParams) error {
	var r rpc.EcosystemPullResult
	err := a.underWay(ctx, c, "pulling "+p.BundleID, func() (err error) {
		r, err = c.EcosystemPull(ctx, p)
		return err
	})
	if err != nil {
		return err
	}
	return a.show(r, func() error {
		if a.quiet {
			return a.print("%s", r.Path)
		}
		state := "pulled and checked"
		if r.Already {
			state = "it was there already"
		}
		return a.pairs("bundle", r.BundleID, "state", state, "folder", r.Path, "files", fmt.Sprintf("%d, %d bytes", r.Files, r.Bytes),
			"signature", firstText(r.SignedBy, "not signed"), "licence", firstText(r.License, "none was given"))
	})
}

func ecosystemContributeCommand(a *app) *cobra.Command {
	var dry, yes bool
	cmd := &cobra.Command{
		Use: "contribute RUN...", Short: "Share the bundles of runs, after showing what leaves",
		Long: `Share the bundles of ended runs in the place that aa ecosystem configure has named. Each
is checked in full; what leaves is shown, and on a terminal you are asked. A bundle that
is shared is never altered again.`,
		Example: `  aa ecosystem contribute @last --dry-run
  aa ecosystem contribute @last
  aa ecosystem contribute monthly-1 monthly-2 --yes`,
		Args: takes(1, -1), ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			for _, arg := range args {
				run, err := runArgument(arg)
				if err != nil {
					return err
				}
				if dry {
					err = a.dryRun(ctx, c, run)
				} else {
					err = a.contribute(ctx, c, run, yes)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show every file that would leave, with its bytes, and write nothing anywhere")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// preview asks what would leave, with all of its files.
func (a *app) preview(ctx context.Context, c *client.Client, run string, files bool) (out rpc.EcosystemContributeResult, err error) {
	p := rpc.EcosystemContributeParams{RunID: run, DryRun: true}
	for {
		var page rpc.EcosystemContributeResult
		err := a.underWay(ctx, c, "checking the bundle", func() (err error) {
			page, err = c.EcosystemContribute(ctx, p)
			return err
		})
		if err != nil {
			return out, err
		}
		page.Files = append(out.Files, page.Files...)
		if out = page; !files || len(out.Files) >= out.Count || len(out.Files) == p.Skip {
			return out, nil
		}
		p.Skip = len(out.Files)
	}
}

func (a *app) dryRun(ctx context.Context, c *client.Client, run string) error {
	r, err := a.preview(ctx, c, run, true)
	if err != nil {
		return err
	}
	return a.show(r, func() error {
		for _, f := range r.Files {
			if err := a.print("%12d  %s", f.Bytes, cleanLine(f.Path)); err != nil {
				return err
			}
		}
		if !a.quiet {
			if err := a.printParcel(r); err != nil {
				return err
			}
		}
		switch {
		case r.Refusal != "":
			a.note("it would be refused: %s (%s)", r.Refusal, r.Hint)
		case r.Stale:
			a.note("the bundle would be made anew first, to say what the settings say now: aa bundle create %s", r.RunID)
		}
		return nil
	})
}

func (a *app) printParcel(r rpc.EcosystemContributeResult) error {
	if r.BundleID == "" {
		return a.pairs("run", r.RunID, "bundle", "there is none yet")
	}
	return a.pairs("bundle", r.BundleID, "title", r.Title, "leaves", fmt.Sprintf("%d files, %d bytes; as one archive %d bytes", r.Count, r.Bytes, r.Packed),
		"left out", fmt.Sprintf("%d files", r.Omitted), "licence", firstText(r.License, "none was given"), "consent", r.Consent,
		"signature", firstText(r.SignedBy, "not signed"), "to", firstText(r.Place, "nowhere: aa ecosystem configure"))
}

// contribute shows what leaves, asks, and shares just that.
func (a *app) contribute(ctx context.Context, c *client.Client, run string, yes bool) error {
	r, err := a.preview(ctx, c, run, false)
	if err != nil {
		return err
	}
	if r.Refusal != "" {
		return apprentice.Errorf(apprentice.Kind(r.Kind), "%s", r.Refusal).WithHint("%s", r.Hint)
	}
	if r.Stale {
		if _, err := c.BundleCreate(ctx, rpc.BundleCreateParams{RunID: r.RunID}); err != nil {
			return err
		}
		if r, err = a.preview(ctx, c, run, false); err != nil {
			return err
		}
	}
	if !yes {
		if !a.json && !a.quiet {
			if err := a.printParcel(r); err != nil {
				return err
			}
		}
		agreed, err := a.confirm("Share it?", "--yes")
		if err != nil {
			return err
		}
		if !agreed {
			a.note("nothing was shared")
			return exitCode(apprentice.Denied.ExitCode()).asError()
		}
	}
	err = a.underWay(ctx, c, "sharing "+r.BundleID, func() (err error) {
		r, err = c.EcosystemContribute(ctx, rpc.EcosystemContributeParams{RunID: r.RunID, Digest: r.Digest})
		return err
	})
	if err != nil {
		return err
	}
	return a.show(r, func() error {
		state := "is shared in"
		if r.Already {
			state = "was shared already in"
		}
		return a.told("%s %s %s (%d files, %d bytes)", r.BundleID, state, cleanLine(r.Place), r.Count, r.Packed)
	})
}

// underWay does what may take long, and tells how far the latest transfer is.
func (a *app) underWay(ctx context.Context, c *client.Client, what string, do func() error) error {
	return a.tellWhile(ctx, func(ctx context.Context) string {
		if s, err := c.EcosystemStatus(ctx, false); err == nil && len(s.Transfers) > 0 {
			return what + " · " + transferText(s.Transfers[len(s.Transfers)-1])
		}
		return what
	}, do)
}

// transferText says how far something under way is.
func transferText(t rpc.EcosystemTransfer) string {
	text := func(n int64) string { return size(n) }
	if t.What == "list" {
		text = func(n int64) string { return fmt.Sprintf("%d bundles", n) }
	}
	if t.Total > 0 {
		return text(t.Done) + " of " + text(t.Total)
	}
	return text(t.Done)
}
