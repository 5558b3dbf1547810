package main

import (
	"context"
	"fmt"
	"strings"

	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func diffCommand(a *app) *cobra.Command {
	var p rpc.RunDiffParams
	var names bool
	cmd := &cobra.Command{
		Use:   "diff RUN [FILE]",
		Short: "Show what changed in the artifacts between two attempts, or in a repository",
		Long: `Show what changed in the artifacts between two attempts: the last one and the
one before it, unless --from and --to name others.

Of a run with --repo it shows what the last attempt changed in the repository since
before the first one; --from names an attempt to compare with instead.`,
		Example: `  aa diff @last
  aa diff @last report.md --from baseline --to revised-2
  aa diff @last --names`,
		Args:              takes(1, 2),
		ValidArgsFunction: a.completeRuns(),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, rest []string) error {
			p.RunID = run
			if len(rest) > 0 {
				p.Path = rest[0]
			}
			d, err := c.RunDiff(ctx, p)
			if err != nil {
				return err
			}
			return a.show(d, func() error { return a.printDiff(d, names) })
		}),
	}
	cmd.Flags().StringVar(&p.From, "from", "", "`attempt` to compare from: baseline, revised, …, or base for before the first")
	cmd.Flags().StringVar(&p.To, "to", "", "`attempt` to compare to")
	cmd.Flags().BoolVar(&names, "names", false, "only which files changed and how")
	return cmd
}

func (a *app) printDiff(d rpc.RunDiffResult, names bool) error {
	if len(d.Files) == 0 {
		a.note("nothing changed from %s to %s", d.From, d.To)
		return nil
	}
	var b strings.Builder
	for _, f := range d.Files {
		fmt.Fprintf(&b, "%s %s (%s to %s)\n", f.Change, cleanLine(f.Path), size(f.Before), size(f.After))
		if names {
			continue
		}
		for line := range strings.Lines(clean(f.Text)) {
			b.WriteString(a.style(diffStyle(line), strings.TrimSuffix(line, "\n")) + "\n")
		}
		switch {
		case f.Cut && f.Text == "":
			b.WriteString("… not shown as text: it is binary, a link, a change of mode or large; compare the files\n")
		case f.Cut:
			b.WriteString("… the rest is cut; compare the files\n")
		}
	}
	return a.print("%s", strings.TrimSuffix(b.String(), "\n"))
}

func diffStyle(line string) style {
	switch {
	case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
		return bold
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	case strings.HasPrefix(line, "@@"):
		return cyan
	}
	return ""
}
