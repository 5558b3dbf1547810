package agent

import (
	"fmt"
	"strings"

	shellquote "github.com/kballard/go-shellquote"

	"aad/apprentice"
)

// custom runs a command of the user's own, from a template. The template is split
// into words as a POSIX shell does, then the placeholders are filled in, and no
// shell ever sees it: blanks in paths do no harm.
var custom = Recipe{
	ID: "custom", Name: "Custom command", stream: newStepStream,
	usable: func(s apprentice.Settings, l Lookup) error {
		words, err := templateWords(s)
		if err != nil {
			return err
		}
		return l.findsOwn(words[0])
	},
	command: func(r Request, l Lookup) (Command, error) {
		words, err := templateWords(r.Settings)
		if err != nil {
			return Command{}, err
		}
		paths := strings.NewReplacer(workspaceMark, r.Workspace, promptMark, r.PromptFile, runDirMark, r.RunDir)
		all := strings.NewReplacer(workspaceMark, r.Workspace, promptMark, r.PromptFile, runDirMark, r.RunDir, taskMark, r.Instruction)
		var cmd Command
		for _, word := range words {
			filled := all.Replace(word)
			if len(filled) > maxArgument {
				return Command{}, &Unusable{Kind: apprentice.HeadlessUnavailable, Field: "custom_command_template", Hint: templateHint,
					Message: fmt.Sprintf("the task has %d bytes, over %d: too long for %s in a command", len(r.Instruction), maxArgument, taskMark)}
			}
			cmd.Args = append(cmd.Args, filled)
			cmd.Used.Command = append(cmd.Used.Command, paths.Replace(word))
		}
		path, missing := l.find(r.Workspace, l.ownHome(cmd.Args[0]))
		if missing != nil {
			return Command{}, missing
		}
		cmd.Args[0], cmd.Used.Command[0] = path, path
		cmd.Used.Mode = "as its template says"
		return cmd, nil
	},
}

// The placeholders of a template; the first two are required.
// findsOwn refuses, as unmet, a command of the user's own that is not there.
func (l Lookup) findsOwn(command string) error {
	program := l.ownHome(command)
	if inWorkspace(program) {
		return nil // it can only be looked for when there is a workspace
	}
	if _, missing := l.find("", program); missing != nil {
		return missing.Unmet()
	}
	return nil
}

const (
	workspaceMark = "{workspace}"
	promptMark    = "{prompt_file}"
	runDirMark    = "{run_dir}"
	taskMark      = "{task_instruction}"

	templateHint = `for example aa settings set custom_command_template 'my-agent --dir {workspace} --prompt {prompt_file}'`
)

// inWorkspace reports a command that lies below the workspace.
func inWorkspace(word string) bool {
	return strings.Contains(word, workspaceMark) || strings.Contains(word, "/") && !strings.HasPrefix(word, "/")
}

// templateWords splits the template that the permissions ask for. What is wrong
// with it is unmet: told at submit, when nothing has been queued.
func templateWords(s apprentice.Settings) ([]string, error) {
	field, template := "custom_command_template", s.CustomCommandTemplate
	unmet := func(format string, args ...any) error {
		return apprentice.Errorf(apprentice.Unmet, format, args...).WithField(field).WithHint(templateHint)
	}
	if permissions(s) == readOnly {
		if field, template = "custom_read_only_template", s.CustomReadOnly; strings.TrimSpace(template) == "" {
			return nil, apprentice.Errorf(apprentice.Unmet, "the custom agent has no command for read_only").WithField(field).
				WithHint("aa settings set custom_read_only_template '…', or another agent_permissions")
		}
	}
	if strings.TrimSpace(template) == "" {
		return nil, unmet("the custom agent has no command template")
	}
	words, fault := splitTemplate(template)
	if fault != "" {
		return nil, unmet("%s", fault)
	}
	return words, nil
}

// CheckTemplate refuses a command template that no attempt could be started with.
func CheckTemplate(field, template string) error {
	if _, fault := splitTemplate(template); fault != "" {
		return apprentice.Errorf(apprentice.Invalid, "%s", fault).WithField(field).WithHint(templateHint)
	}
	return nil
}

// splitTemplate returns the words of a template, or what is wrong with it.
func splitTemplate(template string) (words []string, fault string) {
	words, err := shellquote.Split(template)
	if err != nil {
		return nil, fmt.Sprintf("the custom command template cannot be split into words: %v", err)
	}
	for _, mark := range []string{workspaceMark, promptMark} {
		if !strings.Contains(template, mark) {
			return nil, "the custom command template lacks " + mark
		}
	}
	if len(words) == 0 || words[0] == "" || strings.ContainsRune(template, 0) {
		return nil, "the custom command template names no command"
	}
	return words, ""
}
