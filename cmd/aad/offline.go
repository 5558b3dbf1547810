package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"aad/apprentice"
	"aad/daemon"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Check the database of a home whose aad is not running", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := daemon.HomePath(os.LookupEnv)
			if err != nil {
				return err
			}
			report, err := daemon.CheckHome(home)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s: %d runs, %d events, %d bytes\n", report.Path, report.Runs, report.Events, report.Bytes)
			for _, p := range report.Problems {
				fmt.Fprintln(out, "- "+p)
			}
			if n := len(report.Problems); n > 0 {
				return apprentice.Errorf(apprentice.Internal, "the database is damaged, problems found: %d", n).
					WithHint("keep a copy of the home, and put a backup in its place (docs/architecture.md, Restoring)")
			}
			fmt.Fprintln(out, "no problems")
			return nil
		},
	}
}

func compactCommand() *cobra.Command {
	return &cobra.Command{
		Use: "compact", Short: "Rewrite the database without its free room, while aad is not running", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := daemon.HomePath(os.LookupEnv)
			if err != nil {
				return err
			}
			before, after, err := daemon.CompactHome(home)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d bytes before, %d after\n", before, after)
			return nil
		},
	}
}
