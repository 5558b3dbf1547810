package main

import (
	"context"
	"errors"
	"strings"

	"aad/apprentice"
	"aad/client"
	"aad/internal/version"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot is aa with the command that args call, or with all commands: to make them all
// takes longer than what most of them do before they connect.
func newRoot(a *app, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "aa",
		Short: "Hand tasks to an apprentice and get reviewed results",
		Long: `aa hands tasks to aad, which lets an agent attempt each of them, has the
attempt reviewed against a rubric, lets the agent revise, and keeps what
happened in a folder. aa starts aad by itself when it does not run.

A RUN is named by its id, by a unique beginning of it, by @last, or by the path
of its folder.`,
		Example: `  aa run "Summarise sales.csv by month into report.md" --asset sales.csv --rubric rubric.yaml
  aa status
  aa show @last`,
		Version:       version.String(),
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cobra.EnableCommandSorting = false // the order is that of use
	root.CompletionOptions.DisableDefaultCmd = true
	flags := root.PersistentFlags()
	flags.BoolVar(&a.json, "json", false, "print JSON: one object, or one a line for streams")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print the result only, and of it only what names it")
	flags.BoolVar(&a.noAutostart, "no-autostart", false, "do not start aad when it does not run")
	flags.SortFlags = false
	root.SetFlagErrorFunc(flagError)
	only := called(args)
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range g.commands {
			if only == "" || only == c.name {
				made := c.make(a)
				made.GroupID = g.title
				root.AddCommand(made)
			}
		}
	}
	root.AddCommand(exitCodesHelp())
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = helpTopic
		}
	}
	return root
}

// connected makes a command's body of one that needs the daemon.
func (a *app) connected(body func(ctx context.Context, c *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer c.Close()
		return body(cmd.Context(), c, args)
	}
}

// takes limits the number of words after a command; most -1 sets no limit.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if cmd.HasSubCommands() && most == 0 && len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		switch {
		case len(args) < least:
			return apprentice.Errorf(apprentice.Invalid, "%s needs more: %s", cmd.CommandPath(), cmd.UseLine()).
				WithHint("%s --help", cmd.CommandPath())
		case most >= 0 && len(args) > most:
			return apprentice.Errorf(apprentice.Invalid, "%s does not know what to do with %q", cmd.CommandPath(), args[most]).
				WithHint("%s", cmd.UseLine())
		}
		return nil
	}
}

// helpTopic refuses what help does not know, where cobra would print the help of
// something else.
func helpTopic(cmd *cobra.Command, args []string) error {
	topic, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) == 0 {
		return nil
	}
	return unknownCommand(topic, rest[0])
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return apprentice.Errorf(apprentice.Invalid, "%s has no command %q", cmd.CommandPath(), word).
		WithHint("%s%s --help lists all", apprentice.DidYouMean(word, names), cmd.CommandPath())
}

// flagError puts a mistake in the flags into our words and names the nearest
// flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var value *pflag.InvalidValueError
	switch {
	case errors.As(err, &value):
		f := value.GetFlag()
		return apprentice.Errorf(apprentice.Invalid, "%s: --%s takes %s, and %q is none", cmd.CommandPath(), f.Name, kindOfFlag(f), value.GetValue()).
			WithHint("%s --help", cmd.CommandPath())
	case !errors.As(err, &unknown):
		return apprentice.Errorf(apprentice.Invalid, "%s: %v", cmd.CommandPath(), err).WithHint("%s --help", cmd.CommandPath())
	}
	name := unknown.GetSpecifiedName()
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near := ""
	if flag := apprentice.Nearest(name, names); flag != "" {
		near = "did you mean --" + flag + "? "
	}
	return apprentice.Errorf(apprentice.Invalid, "%s has no flag %s%s", cmd.CommandPath(), strings.Repeat("-", min(len(name), 2)), name).
		WithHint("%s%s --help lists all", near, cmd.CommandPath())
}

// kindOfFlag says what a flag takes.
func kindOfFlag(f *pflag.Flag) string {
	switch kind := f.Value.Type(); kind {
	case "int", "int64":
		return "a whole number"
	case "uint", "uint64":
		return "a whole number, 0 or more"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	case "duration":
		return "a duration, like 90s or 15m"
	default:
		return "a " + kind
	}
}

// countsFrom refuses a flag that counts and is below least.
func countsFrom(flag string, least int) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		n, err := cmd.Flags().GetInt(flag)
		if err == nil && n < least {
			err = apprentice.Errorf(apprentice.Invalid, "--%s %d is below %d", flag, n, least).WithField(flag).
				WithHint("a whole number, %d or more", least)
		}
		return err
	}
}
