package main

import (
	"context"
	"os"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func initCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "First use: find what is installed, propose settings, write them",
		Long: `Find the agents that are installed and the providers whose key is there, propose
settings, and write them when you agree. What is set already is left as it is.`,
		Example: `  aa init
  aa init --yes`,
		Args: takes(0, 0),
		RunE: a.connected(func(ctx context.Context, c *client.Client, _ []string) error { return a.init(ctx, c, yes) }),
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "write what is proposed without asking")
	return cmd
}

func (a *app) init(ctx context.Context, c *client.Client, yes bool) error {
	now, err := c.SettingsGet(ctx, "")
	if err != nil {
		return err
	}
	known, err := c.IntegrationList(ctx, os.Getenv("PATH"))
	if err != nil {
		return err
	}
	if !a.quiet && !a.json {
		for _, t := range []*table{agentRows(known.Agents), providerRows(known.Providers)} {
			if err := a.printHealth(t); err != nil {
				return err
			}
			if err := a.print(""); err != nil {
				return err
			}
		}
	}
	changes := proposals(now.Settings, known)
	if len(changes) == 0 {
		if now.Settings.Agent == "" {
			return apprentice.Errorf(apprentice.Unmet, "no agent was found").
				WithHint("install one (docs/agents.md lists them), or set up your own: aa configure agent --agent custom --template '…'")
		}
		return a.told("nothing to do: the agent is %s, and its work is reviewed by %s", now.Settings.Agent, now.Settings.Mode())
	}
	for _, change := range changes {
		a.note("proposed: %s = %s", change[0], change[1])
	}
	if !yes {
		if yes, err = a.confirm("Write these settings?", "--yes"); err != nil {
			return err
		}
	}
	if !yes {
		return a.told("nothing was changed")
	}
	if err := a.apply(ctx, c, changes, false); err != nil {
		return err
	}
	a.note("next: aa certify, then aa run \"what to do\"")
	return nil
}

// proposals are settings for what was found, where none are set.
func proposals(s apprentice.Settings, known rpc.IntegrationsResult) [][2]string {
	var changes [][2]string
	for _, g := range known.Agents {
		if s.Agent == "" && g.State == "ready" && g.Agent != "shell" { // prose run through a shell does harm
			changes = append(changes, [2]string{"agent", g.Agent})
			break
		}
	}
	for _, p := range known.Providers {
		if s.MentorProvider == "" && p.State == "ready" && p.KeyVisible {
			changes = append(changes, [2]string{"mentor_provider", p.Provider})
			if s.MentorMode == "checks" {
				changes = append(changes, [2]string{"mentor_mode", "model_assisted"})
			}
			break
		}
	}
	return changes
}
