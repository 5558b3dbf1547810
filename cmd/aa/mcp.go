package main

import (
	"aad/client"

	"github.com/spf13/cobra"
)

func mcpCommand(a *app) *cobra.Command {
	var answers bool
	cmd := &cobra.Command{
		Use:   "mcp",
		Short: "Serve aad to agents and editors over stdio, by the Model Context Protocol",
		Long: `Serve aad to agents and editors by the Model Context Protocol, on stdin and stdout.
Tools queue tasks, follow runs and read what they delivered; run folders are
resources. The first call starts aad where none runs; one that is stopped later stays
so. Answering checkpoints is for people: the tool for it is there only with
--allow-answers, and never for an agent that aad itself has started.`,
		Example: `  aa mcp
  claude mcp add aad -- aa mcp`,
		Args: takes(0, 0),
		RunE: func(*cobra.Command, []string) error {
			path, err := client.DaemonPath()
			if err != nil {
				return err
			}
			words := []string{path, "mcp"}
			if answers {
				words = append(words, "--allow-answers")
			}
			if a.noAutostart {
				words = append(words, "--no-autostart")
			}
			return become(path, words)
		},
	}
	cmd.Flags().BoolVar(&answers, "allow-answers", false, "offer answer_checkpoint: whoever calls it decides in your name")
	return cmd
}
