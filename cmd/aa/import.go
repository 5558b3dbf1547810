package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func importCommand(a *app) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "import DIR...",
		Short: "Take in run folders that were made elsewhere, after a check",
		Long: `Check run folders that another aad, or another tool of the family, has made, and take
them in as ended runs: they are listed, shown, compared, packed, learnt from and
followed up like any. A DIR is a run folder, a folder of several, or the home of another
aad. What is wrong with a folder is named by file and line, and nothing of it is taken.
A run that is here already is passed over, so that the command can be called again.`,
		Example: `  aa import ~/Downloads/monthly-1
  aa import /mnt/old/.aad --dry-run
  aa import /mnt/old/.aad`,
		Args: takes(1, -1),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			dirs, err := client.AbsolutePaths("folders", args)
			if err != nil {
				return err
			}
			return a.importAll(ctx, c, dirs, check)
		}),
	}
	cmd.Flags().BoolVar(&check, "dry-run", false, "check only")
	return cmd
}

// importAll takes in what is in each folder, one run a call, and tells each as it comes.
func (a *app) importAll(ctx context.Context, c *client.Client, dirs []string, check bool) error {
	count, refused := map[string]int{}, 0
	for _, dir := range dirs {
		p := rpc.RunImportParams{Path: dir, DryRun: check}
		a.checking(filepath.Base(dir), 0)
		for {
			r, err := c.RunImport(ctx, p)
			if err != nil {
				a.checking("", 0)
				return err
			}
			a.checking("", 0)
			count[r.Outcome]++
			if r.Outcome == rpc.ImportRefused {
				refused++
			}
			if err := a.tellImport(r); err != nil {
				return err
			}
			if p.After = r.Next; r.Next == "" {
				break
			}
			a.checking("those after "+r.Next, r.Left)
		}
	}
	if !a.json && !a.quiet {
		var told []string
		for _, what := range []string{rpc.ImportDone, rpc.ImportChecked, rpc.ImportHere, rpc.ImportRefused} {
			if count[what] > 0 {
				told = append(told, fmt.Sprintf("%d %s", count[what], outcomeWords(what)))
			}
		}
		a.note("%s", strings.Join(told, ", "))
	}
	if refused > 0 {
		return apprentice.Errorf(apprentice.Invalid, "%d of the run folders were refused", refused).WithHint("mend what is named above; nothing of them was taken")
	}
	return nil
}

// checking says on a terminal what is looked at, "" that it is no longer.
func (a *app) checking(what string, left int) {
	if !a.errTerminal || a.quiet || a.json {
		return
	}
	if what != "" {
		what = "checking " + cleanLine(what)
		if left > 1 {
			what += fmt.Sprintf(", %d to go", left)
		}
	}
	fmt.Fprint(a.err, "\r\x1b[K"+a.errStyle(dim, cut(what, max(a.errColumns-1, 20))))
}

func outcomeWords(outcome string) string {
	if outcome == rpc.ImportChecked {
		return "fit to be imported"
	}
	return strings.ReplaceAll(outcome, "_", " ")
}

func (a *app) tellImport(r rpc.RunImportResult) error {
	switch {
	case a.json:
		return a.emit(r)
	case a.quiet && r.Outcome == rpc.ImportRefused:
		return nil
	case a.quiet:
		return a.print("%s", r.RunID)
	}
	name := r.RunID
	if name == "" {
		name = filepath.Base(r.Folder)
	}
	line := fmt.Sprintf("%s  %s", cleanLine(name), outcomeWords(r.Outcome))
	if r.Outcome == rpc.ImportRefused {
		line += ": " + cleanLine(r.Reason)
	} else {
		line += fmt.Sprintf("  %d files, %s, %d events", r.Files, size(r.Bytes), r.Events)
	}
	if err := a.print("%s", line); err != nil {
		return err
	}
	for _, p := range r.Problems {
		at := p.File
		if p.Line > 0 {
			at += fmt.Sprintf(":%d", p.Line)
		}
		if err := a.print("  %s: %s", cleanLine(at), cleanLine(p.Reason)); err != nil {
			return err
		}
	}
	if more := r.Total - len(r.Problems); more > 0 {
		return a.print("  … and %d more", more)
	}
	if r.Bundle != "" {
		return a.print("  its contribution bundle stays behind: %s (aa bundle create %s makes one)", cleanLine(r.Bundle), cleanLine(name))
	}
	return nil
}
