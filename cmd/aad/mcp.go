package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"aad/client"
	"aad/mcpserver"
)

// mcpCommand is what aa mcp becomes.
func mcpCommand() *cobra.Command {
	var o mcpserver.Options
	var noAutostart bool
	cmd := &cobra.Command{
		Use:    "mcp",
		Short:  "Serve aad by the Model Context Protocol, on stdin and stdout; aa mcp does so",
		Hidden: true, Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Autostart = !noAutostart && client.MayStart()
			o.Log = func(text string) { fmt.Fprintln(os.Stderr, text) }
			return mcpserver.Serve(cmd.Context(), os.Stdin, os.Stdout, o)
		},
	}
	cmd.Flags().BoolVar(&o.Answers, "allow-answers", false, "offer answer_checkpoint")
	cmd.Flags().BoolVar(&noAutostart, "no-autostart", false, "do not start aad when it does not run")
	return cmd
}
