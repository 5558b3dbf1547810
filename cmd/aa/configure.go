package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

// topic is what aa configure asks about at once.
type topic struct {
	name, short, long, example string
	asks                       []setUp
	// after looks at what was set and tells it; nil tells the settings alone.
	after func(a *app, ctx context.Context, c *client.Client) error
}

// setUp is one question and the setting that its answer goes to.
type setUp struct {
	key, flag, question string
	// choices are the words to choose from; nil takes what is typed.
	choices func(known rpc.IntegrationsResult) []string
	// only is asked when that setting has one of these values, or begins with one that
	// ends in *; "" always.
	only   string
	values []string
	// tidy brings what is typed to what is meant; nil leaves it.
	tidy func(string) (string, error)
}

// wanted reports whether a question is asked, by the answers so far.
func (q setUp) wanted(answers map[string]string) bool {
	return q.only == "" || slices.ContainsFunc(q.values, func(v string) bool {
		begin, open := strings.CutSuffix(v, "*")
		return v == answers[q.only] || open && strings.HasPrefix(answers[q.only], begin)
	})
}

func among(words ...string) func(rpc.IntegrationsResult) []string {
	return func(rpc.IntegrationsResult) []string { return words }
}

var topics = []topic{
	{name: "agent", short: "Choose the agent that plays the apprentice", example: "aa configure agent --agent codex --permissions workspace_write", asks: []setUp{
		{key: "agent", flag: "agent", question: "Which agent?", choices: agentChoices},
		{key: "custom_command_template", flag: "template", question: "Its command, with {workspace} and {prompt_file}?", only: "agent", values: []string{"custom"}},
		{key: "custom_display_name", flag: "name", question: "What is it called?", only: "agent", values: []string{"custom"}},
		{key: "agent_command", flag: "command", question: "Its command, where it is not the usual one?"},
		{key: "agent_model", flag: "model", question: "Which model? (empty leaves it to the agent)"},
		{key: "agent_permissions", flag: "permissions", question: "What may it do?", choices: among("read_only", "workspace_write", "full_access")},
		{key: "agent_session", flag: "session", question: "Does a revision go on in the agent's own session?", choices: among("fresh", "resume")},
	}},
	{name: "model", short: "Choose the model that can be the mentor", example: "aa configure model --provider anthropic", asks: []setUp{
		{key: "mentor_provider", flag: "provider", question: "Whose model?", choices: providerChoices},
		{key: "mentor_base_url", flag: "base-url", question: "At which address?", only: "mentor_provider", values: []string{"compatible"}},
		{key: "mentor_model", flag: "model", question: "Which model? (empty is the provider's usual one)"},
		{key: "mentor_key_variable", flag: "key-variable", question: "Which variable holds the key? (empty is the provider's own)"},
	}},
	{name: "apprenticeship", short: "Choose how runs are reviewed and limited", example: "aa configure apprenticeship --mentor-mode hybrid --max-loops 4", asks: []setUp{
		{key: "mentor_mode", flag: "mentor-mode", question: "Who reviews?", choices: among("checks", "model_assisted", "expert_led", "hybrid")},
		{key: "max_improvement_loops", flag: "max-loops", question: "How many attempts at most?"},
		{key: "task_timeout_seconds", flag: "timeout-seconds", question: "How many seconds may an attempt take?"},
		{key: "sensitive_info_masking", flag: "masking", question: "Is what leaves the machine masked?", choices: among("standard", "no_masking")},
	}},
}

// agentChoices are the agents that can be used, the shell last.
func agentChoices(known rpc.IntegrationsResult) []string {
	var ready []string
	for _, g := range known.Agents {
		if g.State == "ready" || g.Agent == "custom" || g.Agent == "acp" {
			ready = append(ready, g.Agent)
		}
	}
	return ready
}

func providerChoices(known rpc.IntegrationsResult) []string {
	var names []string
	for _, p := range known.Providers {
		names = append(names, p.Provider)
	}
	return names
}

func configureCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "configure",
		Short: "Set up the agent, the mentor's model, or how runs are reviewed",
		Long: `Set up the agent, the mentor's model, or how runs are reviewed. On a terminal aa
asks; elsewhere, or with flags, the flags say it.`,
		Example: "  aa configure agent\n  aa configure model --provider anthropic\n  aa configure apprenticeship --mentor-mode hybrid",
		Args:    takes(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, t := range topics {
		cmd.AddCommand(topicCommand(a, t))
	}
	return cmd
}

func topicCommand(a *app, t topic) *cobra.Command {
	given := map[string]*string{}
	cmd := &cobra.Command{Use: t.name, Short: t.short, Long: t.long, Example: "  " + t.example, Args: takes(0, 0)}
	cmd.Flags().SortFlags = false
	for _, q := range t.asks {
		given[q.key] = cmd.Flags().String(q.flag, "", q.question+" (`"+q.key+"`)")
	}
	cmd.RunE = a.connected(func(ctx context.Context, c *client.Client, _ []string) error {
		changes := [][2]string{}
		for _, q := range t.asks {
			if cmd.Flags().Changed(q.flag) {
				value := *given[q.key]
				if q.tidy != nil {
					var err error
					if value, err = q.tidy(value); err != nil {
						return err
					}
				}
				changes = append(changes, [2]string{q.key, value})
			}
		}
		if len(changes) == 0 {
			if !a.inTerminal || !a.errTerminal || a.json {
				return apprentice.Errorf(apprentice.Invalid, "nobody can be asked here, and no flag says what to set").WithHint("%s", t.example)
			}
			var err error
			if changes, err = a.askTopic(ctx, c, t); err != nil {
				return err
			}
		}
		if err := a.apply(ctx, c, changes, t.after != nil); err != nil || t.after == nil {
			return err
		}
		return t.after(a, ctx, c)
	})
	return cmd
}

// apply changes settings one after the other and tells each; as JSON it tells all at
// the end, unless more follows.
func (a *app) apply(ctx context.Context, c *client.Client, changes [][2]string, more bool) error {
	told := map[string]any{}
	for _, change := range changes {
		p := rpc.SettingsSetParams{Key: change[0], Value: change[1], Unset: change[1] == ""}
		r, err := c.SettingsSet(ctx, p)
		if err != nil {
			return err
		}
		if told[p.Key], err = r.Settings.Get(p.Key); err != nil {
			return err
		}
		if !a.json {
			if err := a.told("%s is now %s", p.Key, firstText(cleanLine(settingText(told[p.Key])), "empty")); err != nil {
				return err
			}
		}
	}
	if a.json && !more {
		return a.emit(told)
	}
	return nil
}

// askTopic asks what flags did not say; what is as it was is no change.
func (a *app) askTopic(ctx context.Context, c *client.Client, t topic) ([][2]string, error) {
	now, err := c.SettingsGet(ctx, "")
	if err != nil {
		return nil, err
	}
	known, err := c.IntegrationList(ctx, os.Getenv("PATH"))
	if err != nil {
		return nil, err
	}
	typing := &prompter{in: a.in}
	answers := map[string]string{}
	var changes [][2]string
	for _, q := range t.asks {
		value, err := now.Settings.Get(q.key)
		if err != nil {
			return nil, err
		}
		answers[q.key] = settingText(value)
		if !q.wanted(answers) {
			continue
		}
		answer, err := a.askOne(ctx, typing, q, known, answers[q.key])
		if err != nil {
			return nil, err
		}
		if answer != answers[q.key] {
			answers[q.key] = answer
			changes = append(changes, [2]string{q.key, answer})
		}
	}
	return changes, nil
}

// askOne asks one question until its answer can be used. An empty answer leaves
// what is; - empties it.
func (a *app) askOne(ctx context.Context, typing *prompter, q setUp, known rpc.IntegrationsResult, was string) (string, error) {
	var choices []string
	if q.choices != nil {
		choices = q.choices(known)
	}
	for {
		fmt.Fprintf(a.err, "%s\n", a.errStyle(bold, q.question))
		for i, choice := range choices {
			fmt.Fprintf(a.err, "  %d  %s\n", i+1, choice)
		}
		fmt.Fprintf(a.err, "[%s] ", firstText(was, "empty"))
		line, err := typing.read(ctx)
		if err == io.EOF {
			return "", apprentice.Errorf(apprentice.Invalid, "the input ended; nothing was changed")
		}
		if err != nil {
			return "", err
		}
		switch n, isNumber := strconv.Atoi(line); {
		case line == "":
			return was, nil
		case line == "-":
			return "", nil
		case choices == nil:
		case isNumber == nil && n >= 1 && n <= len(choices):
			line = choices[n-1]
		case !slices.Contains(choices, line):
			fmt.Fprintf(a.err, "%s\n", a.errStyle(yellow, "one of "+strings.Join(choices, ", ")+", or its number"))
			continue
		}
		if q.tidy != nil {
			if line, err = q.tidy(line); err != nil {
				return "", err
			}
		}
		if _, err := apprentice.DefaultSettings().WithText(q.key, line); err != nil {
			fmt.Fprintf(a.err, "%s\n", a.errStyle(yellow, err.Error()))
			continue
		}
		return line, nil
	}
}
