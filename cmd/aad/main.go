// Command aad is the daemon: it keeps the queue of runs and works them. People
// drive it with aa.
//
// This package parses flags, connects signals and logs, and maps errors to exit
// codes. It holds no logic. Read main first, then runCommand.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"aad/apprentice"
	"aad/internal/version"
)

func main() {
	root := rootCommand()
	if err := root.ExecuteContext(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "aad: "+message(err))
		var told *apprentice.Error
		if errors.As(err, &told) && told.Hint != "" {
			fmt.Fprintln(os.Stderr, "hint: "+told.Hint)
		}
		os.Exit(apprentice.KindOf(err).ExitCode())
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aad",
		Short: "The daemon that works runs; aa drives it",
		Long: "aad keeps the queue of runs and works them. It is started by itself when aa needs\n" +
			"it; aad run keeps it in the foreground. The home is $AA_HOME, else ~/.aad.",
		Version:      version.String(),
		SilenceUsage: true, SilenceErrors: true, Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }, // without it a misspelt command is no error
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return apprentice.Errorf(apprentice.Invalid, "%v", err).WithHint("aad --help")
	})
	root.AddCommand(runCommand(), checkCommand(), compactCommand(), mcpCommand(), versionCommand())
	root.AddCommand(serviceCommands()...)
	return root
}

// none refuses words after a command, with the command that may have been meant.
func none(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return apprentice.Errorf(apprentice.Invalid, "%s does not know what to do with %q", cmd.CommandPath(), args[0]).
			WithHint("%s --help", cmd.CommandPath())
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return apprentice.Errorf(apprentice.Invalid, "%s has no command %q", cmd.CommandPath(), args[0]).
		WithHint("%s%s --help lists all", apprentice.DidYouMean(args[0], names), cmd.CommandPath())
}

// message is what people are told: the refusal's own words, with its cause where
// aad itself is at fault.
func message(err error) string {
	var told *apprentice.Error
	if errors.As(err, &told) && told.Kind != apprentice.Internal {
		return told.Message
	}
	return err.Error()
}
