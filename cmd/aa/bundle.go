package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func bundleCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Make, show, verify and export contribution bundles",
		Long: `Every run that was tried ends with a contribution bundle in its folder: what
happened, sanitised, with a manifest and sums. A bundle is named by its RUN, or
by the path of its folder.`,
		Example: `  aa bundle inspect @last
  aa bundle check ~/Downloads/some-bundle
  aa bundle export @last --format sft --out train.jsonl`,
		Args: takes(0, 0),
	}
	cmd.AddCommand(bundleCreateCommand(a), bundleInspectCommand(a), bundleCheckCommand(a), bundleExportCommand(a))
	return cmd
}

// bundleArgument tells a run from the path of a bundle: a folder with a manifest.
func bundleArgument(arg string) (run, path string, err error) {
	full, err := filepath.Abs(arg)
	if err != nil {
		return "", "", err
	}
	if _, err := os.Stat(filepath.Join(full, "contribution_manifest.json")); err == nil {
		return "", full, nil
	}
	run, err = runArgument(arg)
	if err == nil && strings.ContainsRune(run, filepath.Separator) {
		return "", full, nil
	}
	return run, "", err
}

func bundleCreateCommand(a *app) *cobra.Command {
	var debug bool
	cmd := &cobra.Command{
		Use:     "create RUN",
		Short:   "Make a run's bundle, again if it has one",
		Long:    `Make the contribution bundle of an ended run, again if it has one. Two bundles of the same run differ in the time of their making alone.`,
		Example: `  aa bundle create @last --include-debug`,
		Args:    takes(1, 1), ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			run, err := runArgument(args[0])
			if err != nil {
				return err
			}
			r, err := c.BundleCreate(ctx, rpc.BundleCreateParams{RunID: run, IncludeDebug: debug})
			if err != nil || a.json {
				return a.emitUnless(err, r)
			}
			if a.quiet {
				_, err = fmt.Fprintln(a.out, r.Path)
				return err
			}
			_, err = fmt.Fprintf(a.out, "bundle    %s\nfiles     %d, of which %d sanitised; %d left out\n", r.Path, r.Packed, r.Masked, r.Omitted)
			return err
		}),
	}
	cmd.Flags().BoolVar(&debug, "include-debug", false, "pack prompts and logs too")
	return cmd
}

func bundleInspectCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "inspect RUN|PATH",
		Short:   "Show a bundle on a page",
		Example: `  aa bundle inspect @last`,
		Args:    takes(1, 1), ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			run, path, err := bundleArgument(args[0])
			if err != nil {
				return err
			}
			r, err := c.BundleInspect(ctx, rpc.BundleParams{RunID: run, Path: path})
			if err != nil || a.json {
				return a.emitUnless(err, r)
			}
			_, err = fmt.Fprint(a.out, clean(r.Page))
			return err
		}),
	}
}

func bundleCheckCommand(a *app) *cobra.Command {
	var hashes bool
	cmd := &cobra.Command{
		Use:   "check RUN|PATH",
		Short: "Verify a bundle",
		Long: `Verify a bundle: sums, manifest, references, schemas, counts, the order of events,
and that no secret is in it. What is wrong is listed, and the exit code is 1.`,
		Example: `  aa bundle check ./contribution_bundle
  aa bundle check @last --hashes-only`,
		Args: takes(1, 1), ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			run, path, err := bundleArgument(args[0])
			if err != nil {
				return err
			}
			r, err := c.BundleCheck(ctx, rpc.BundleCheckParams{RunID: run, Path: path, HashesOnly: hashes})
			if err != nil {
				return err
			}
			if err := a.printBundleCheck(r); err != nil || r.Total == 0 {
				return err
			}
			return exitCode(1).asError()
		}),
	}
	cmd.Flags().BoolVar(&hashes, "hashes-only", false, "check sums and manifest only, not what is in the files")
	return cmd
}

func (a *app) printBundleCheck(r rpc.BundleCheckResult) error {
	if a.json {
		return a.emit(r)
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(a.out, clean(p)); err != nil {
			return err
		}
	}
	if a.quiet {
		return nil
	}
	if more := r.Total - len(r.Problems); more > 0 {
		fmt.Fprintf(a.out, "and %d more\n", more)
	}
	state := "whole"
	if r.Total > 0 {
		state = fmt.Sprintf("not whole: %d problems", r.Total)
	}
	signed := "not signed"
	if r.SignedBy != "" {
		signed = "signed by " + r.SignedBy
	}
	_, err := fmt.Fprintf(a.out, "%s is %s (%d files, %d bytes, %s)\n", r.Path, state, r.Files, r.Bytes, signed)
	return err
}

func bundleExportCommand(a *app) *cobra.Command {
	var format, to string
	cmd := &cobra.Command{
		Use:   "export RUN|PATH",
		Short: "Write a bundle in another form",
		Long: `Write a bundle in another form: dir, tar.zst or zip as it is; for training sft, dpo,
reward and process as JSON lines that Hugging Face trainers read; atif as a folder
of trajectories in the agent trajectory interchange format.`,
		Example: `  aa bundle export @last --format tar.zst --out bundle.tar.zst
  aa bundle export @last --format dpo --out pairs.jsonl`,
		Args: takes(1, 1), ValidArgsFunction: a.completeRuns(ended...),
		RunE: a.connected(func(ctx context.Context, c *client.Client, args []string) error {
			run, path, err := bundleArgument(args[0])
			if err != nil {
				return err
			}
			if to == "" {
				return apprentice.Errorf(apprentice.Invalid, "no place to write to was named").WithField("out").WithHint("--out PATH")
			}
			full, err := filepath.Abs(to)
			if err != nil {
				return err
			}
			r, err := c.BundleExport(ctx, rpc.BundleExportParams{RunID: run, Path: path, Format: format, To: full})
			if err != nil || a.json {
				return a.emitUnless(err, r)
			}
			if a.quiet {
				_, err = fmt.Fprintln(a.out, r.To)
				return err
			}
			_, err = fmt.Fprintf(a.out, "wrote %s (%s, %s)\n", r.To, format, exported(format, r.Rows))
			return err
		}),
	}
	cmd.Flags().StringVar(&format, "format", "tar.zst", "format: dir, tar.zst, zip, sft, dpo, reward, process or atif")
	cmd.Flags().StringVarP(&to, "out", "o", "", "path to write to, which must be new")
	return cmd
}

// exported tells a number of what a format is made of.
func exported(format string, n int) string {
	switch format {
	case "dir", "tar.zst", "zip", "atif": // which has a file for each trajectory
		return files(n)
	}
	return counted(n, "row")
}

// emitUnless prints a result as JSON, unless there is an error to tell.
func (a *app) emitUnless(err error, v any) error {
	if err != nil {
		return err
	}
	return a.emit(v)
}
