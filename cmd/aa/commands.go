package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// command is a command of aa by the name that it is called by.
type command struct {
	name string
	make func(*app) *cobra.Command
}

// group is a group of commands, as aa help shows them.
type group struct {
	title    string
	commands []command
}

// groups are in the order of use.
var groups = []group{
	{"Work", []command{
		{"run", runCommand}, {"submit", submitCommand}, {"continue", continueCommand}, {"finish", finishCommand},
		{"retry", retryCommand}, {"regrade", regradeCommand}, {"batch", batchCommand}, {"import", importCommand},
		{"learn", learnCommand}, {"ecosystem", ecosystemCommand},
	}},
	{"Answer", []command{
		{"checkpoints", checkpointsCommand}, {"review", reviewCommand}, {"approve", approveCommand}, {"reject", rejectCommand},
		{"revise", reviseCommand}, {"answer", answerCommand}, {"edit", editCommand},
	}},
	{"Look", []command{
		{"status", statusCommand}, {"list", listCommand}, {"show", showCommand}, {"watch", watchCommand},
		{"logs", logsCommand}, {"diff", diffCommand}, {"cp", copyCommand}, {"open", openCommand},
		{"wait", waitCommand}, {"bundle", bundleCommand},
	}},
	{"Steer", []command{
		{"cancel", cancelCommand}, {"hold", holdCommand}, {"release", releaseCommand}, {"prioritize", prioritizeCommand},
		{"pause", pauseCommand}, {"resume", resumeCommand}, {"queue", queueCommand}, {"delete", deleteCommand},
	}},
	{"Set up", []command{
		{"init", initCommand}, {"doctor", doctorCommand}, {"configure", configureCommand}, {"integrations", integrationsCommand},
		{"certify", certifyCommand}, {"eval", evalCommand},
	}},
	{"Daemon and home", []command{
		{"daemon", daemonCommand}, {"settings", settingsCommand}, {"usage", usageCommand}, {"du", diskCommand},
		{"gc", gcCommand}, {"check", checkCommand}, {"compact", compactCommand}, {"rpc", rpcCommand},
		{"mcp", mcpCommand}, {"version", versionCommand}, {"completion", completionCommand},
	}},
}

// called is the name of the command that the words after aa call, "" where it takes all
// of them to tell: for help, completion and what does not exist.
func called(args []string) string {
	i := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if i < 0 {
		return ""
	}
	for _, g := range groups {
		if slices.ContainsFunc(g.commands, func(c command) bool { return c.name == args[i] }) {
			return args[i]
		}
	}
	return ""
}
