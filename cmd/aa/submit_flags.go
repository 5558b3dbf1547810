package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// submitFlags are the flags that aa run and aa submit share.
type submitFlags struct {
	assets, after, labels, sets, packs     []string
	agent, mentorMode, rubric, timeout     string
	agentModel, permissions                string
	repo                                   string
	group, at, delay, runID, key, fromFile string
	again                                  string
	maxLoops, priority                     int
	hold, force, autoApprove, noPacks      bool
	includeDirty                           bool
	noBundle                               bool
	command                                string // run or submit
	approved                               bool   // no person is asked
	given                                  func(flag string) bool
}

func (f *submitFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.given, f.command = flags.Changed, cmd.Name()
	flags.SortFlags = false
	flags.StringArrayVarP(&f.assets, "asset", "a", nil, "file or folder, by its `path`, to hand to the apprentice; repeatable")
	flags.StringVar(&f.agent, "agent", "", "`agent` that plays the apprentice; aa integrations lists them")
	flags.StringVar(&f.agentModel, "agent-model", "", "`model` that the agent is to use, in its own words")
	flags.StringVar(&f.permissions, "agent-permissions", "", "what the agent may do: read_only, workspace_write or full_access (`mode`)")
	pathVar(flags, &f.repo, "repo", "`path` of a git repository to work on: in a worktree, on a branch aa/RUN/ATTEMPT, never in your checkout")
	flags.BoolVar(&f.includeDirty, "include-dirty", false, "take the repository's uncommitted changes along, untracked files too")
	pathVar(flags, &f.rubric, "rubric", "`file` with the criteria and their checks, YAML or JSON")
	flags.IntVar(&f.maxLoops, "max-loops", 0, "`number` of attempts at most, the first included")
	flags.StringVar(&f.timeout, "timeout", "", "end an attempt after this `duration`, like 90s or 15m; 0 is never")
	flags.StringVar(&f.mentorMode, "mentor-mode", "", "`mode` of review: checks, model_assisted, expert_led or hybrid")
	flags.BoolVar(&f.autoApprove, "auto-approve", false, "ask no person: take what checks and drafts found, and record who asked for that")
	flags.IntVar(&f.priority, "priority", 0, "`number`; higher goes first")
	flags.StringVar(&f.group, "group", "", "`group` of the queue, with a limit of its own")
	flags.StringArrayVar(&f.after, "after", nil, "start only when this `RUN` was accepted; repeatable")
	flags.StringVar(&f.at, "at", "", "start at a `time`: 18:30, \"2026-12-24 18:30\" or RFC 3339")
	flags.StringVar(&f.delay, "delay", "", "start after this `duration`, like 90s, 2h or 1d")
	flags.StringArrayVarP(&f.labels, "label", "l", nil, "`key=value` to find the run by; repeatable")
	flags.StringVar(&f.runID, "run-id", "", "`id` of your own instead of one made of time and instruction")
	flags.StringVar(&f.key, "key", "", "idempotency `key`: the same key gives the same run")
	flags.StringVarP(&f.fromFile, "file", "f", "", "read the instruction from a `file`")
	flags.StringVar(&f.again, "again", "", "take instruction, assets, rubric and settings of this `RUN` where nothing else is said")
	flags.StringArrayVarP(&f.sets, "set", "s", nil, "`key=value` of a setting, for this run; aa settings lists them; repeatable")
	flags.StringArrayVar(&f.packs, "experience-pack", nil, "`pack` whose lessons the apprentice is told; repeatable")
	flags.BoolVar(&f.noPacks, "no-experience-packs", false, "tell no lessons, also where an active pack fits")
	flags.BoolVar(&f.noBundle, "no-bundle", false, "make no contribution bundle at the end")
	flags.BoolVar(&f.hold, "hold", false, "queue it held; aa release lets it start")
	flags.BoolVar(&f.force, "force", false, "queue it even when the agent is not found now")
}

// params is what the flags and words ask for.
func (f *submitFlags) params(a *app, words []string) (rpc.RunSubmitParams, error) {
	p := rpc.RunSubmitParams{
		RunID: f.runID, IdempotencyKey: f.key, Priority: f.priority, Group: f.group,
		Hold: f.hold, Force: f.force, Path: os.Getenv("PATH"), Packs: f.packs, NoPacks: f.noPacks, NoBundle: f.noBundle, IncludeDirty: f.includeDirty,
	}
	var err error
	if p.Instruction, err = a.instruction(words, f.fromFile, f.again != ""); err != nil {
		return p, err
	}
	if p.Assets, err = client.AbsolutePaths("assets", f.assets); err != nil {
		return p, err
	}
	if f.repo != "" {
		if p.Repo, err = filepath.Abs(f.repo); err != nil {
			return p, err
		}
	}
	if f.rubric != "" {
		if p.RubricPath, err = filepath.Abs(f.rubric); err != nil {
			return p, err
		}
	}
	if p.NotBefore, err = f.notBefore(time.Now()); err != nil {
		return p, err
	}
	if p.Labels, err = parseLabels(f.labels); err != nil {
		return p, err
	}
	if p.Settings, err = f.settings(); err != nil {
		return p, err
	}
	if f.again != "" {
		if p.Again, err = runArgument(f.again); err != nil {
			return p, err
		}
	}
	for _, after := range f.after {
		id, err := runArgument(after)
		if err != nil {
			return p, err
		}
		p.AfterRuns = append(p.AfterRuns, id)
	}
	return p, nil
}

// settings are those of the environment (AA_<KEY>), then --set, then the flags
// that have a name of their own.
func (f *submitFlags) settings() (rpc.RunSettings, error) {
	pairs := environSettings()
	for _, set := range f.sets {
		key, value, ok := strings.Cut(set, "=")
		if !ok {
			return nil, apprentice.Errorf(apprentice.Invalid, "--set %s has no value", set).WithHint("--set %s=VALUE", key)
		}
		pairs = append(pairs, [3]string{"--set", key, value})
	}
	seconds := ""
	if f.timeout != "" {
		n, err := parseSeconds(f.timeout)
		if err != nil {
			return nil, err
		}
		seconds = fmt.Sprint(n)
	}
	loops := ""
	if f.given("max-loops") {
		loops = fmt.Sprint(f.maxLoops)
	}
	pairs = append(pairs, [3]string{"--agent", "agent", f.agent}, [3]string{"--agent-model", "agent_model", f.agentModel},
		[3]string{"--agent-permissions", "agent_permissions", f.permissions}, [3]string{"--mentor-mode", "mentor_mode", f.mentorMode},
		[3]string{"--max-loops", "max_improvement_loops", loops}, [3]string{"--timeout", "task_timeout_seconds", seconds})
	return typed(pairs)
}

// environSettings are the settings of single runs that stand in the environment:
// where each was said, its key, its value.
func environSettings() [][3]string {
	var pairs [][3]string
	for _, key := range apprentice.SettingKeys() {
		variable := "AA_" + strings.ToUpper(key.Name)
		if text := os.Getenv(variable); text != "" && apprentice.IsRunSetting(key.Name) {
			pairs = append(pairs, [3]string{variable, key.Name, text})
		}
	}
	return pairs
}

// typed gives each value its key's type and refuses what cannot be.
func typed(pairs [][3]string) (rpc.RunSettings, error) {
	settings, all := rpc.RunSettings{}, apprentice.DefaultSettings()
	for _, pair := range pairs {
		where, key, text := pair[0], pair[1], pair[2]
		if text == "" && where != "--set" {
			continue
		}
		next, err := all.WithText(key, text)
		if err == nil {
			err = next.Check()
		}
		if err != nil {
			return nil, within(where, err)
		}
		all = next
		if settings[key], err = all.Get(key); err != nil {
			return nil, err
		}
	}
	return settings, nil
}

// within says where the value stands that err is about.
func within(where string, err error) error {
	var e *apprentice.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", where, err)
	}
	told := *e
	told.Message = where + ": " + e.Message
	return &told
}

func (f *submitFlags) notBefore(now time.Time) (string, error) {
	if f.at != "" && f.delay != "" {
		return "", apprentice.Errorf(apprentice.Invalid, "--at and --delay both say when to start").WithHint("use one of them")
	}
	if f.at != "" {
		at, err := parseMoment(f.at, now)
		return apprentice.Stamp(at), err
	}
	if f.delay != "" {
		d, err := parseSpan(f.delay)
		return apprentice.Stamp(now.Add(d)), err
	}
	return "", nil
}

func parseLabels(pairs []string) (map[string]string, error) {
	var labels map[string]string
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, apprentice.Errorf(apprentice.Invalid, "the label %q is not of the form key=value", pair).
				WithHint("--label team=sales")
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[key] = value
	}
	return labels, nil
}

// pathVar defines a flag whose value is a path. Empty text is none: a script whose
// variable is not set must not be taken as if it had left the flag out.
func pathVar(flags *pflag.FlagSet, value *string, name, usage string) {
	flags.Var((*pathValue)(value), name, usage)
}

type pathValue string

func (v *pathValue) String() string { return string(*v) }
func (v *pathValue) Type() string   { return "path" }
func (v *pathValue) Set(path string) error {
	*v = pathValue(path)
	if path == "" {
		return errors.New("it is empty")
	}
	return nil
}

// maxInstruction bounds what is read from a file or stdin: a message to aad may
// have 4 MiB.
const maxInstruction = 2 << 20

// instruction takes the words of the command line, a file, stdin for "-", or
// what a person types. It may be missing only where a run is done again.
func (a *app) instruction(words []string, file string, optional bool) (string, error) {
	text := strings.Join(words, " ")
	var err error
	switch {
	case file != "" && len(words) > 0:
		return "", apprentice.Errorf(apprentice.Invalid, "--file %s and words both say what to do", file).WithHint("use one of them")
	case file == "-" || text == "-":
		text, err = readAll(a.in, "stdin")
	case file != "":
		f, openErr := os.Open(file)
		if openErr != nil {
			return "", apprentice.Errorf(apprentice.Invalid, "the instruction cannot be read from %s: %s", file, systemReason(openErr)).Because(openErr)
		}
		defer f.Close()
		text, err = readAll(f, file)
	case len(words) == 0 && optional:
		return "", nil
	case len(words) == 0 && a.inTerminal && a.errTerminal && !a.json:
		fmt.Fprint(a.err, "What should be done? ")
		text, err = readLine(a.in)
	case len(words) == 0:
		return "", apprentice.Errorf(apprentice.Invalid, "there is no instruction").
			WithHint(`aa run "what to do", or - to read it from stdin, or --file FILE`)
	}
	if err == nil && strings.TrimSpace(text) == "" {
		err = apprentice.Errorf(apprentice.Invalid, "the instruction is empty").WithField("instruction").
			WithHint(`aa run "what to do"`)
	}
	return text, err
}

func readAll(r io.Reader, name string) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInstruction+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the instruction from %s: %w", name, err)
	case len(data) > maxInstruction:
		return "", apprentice.Errorf(apprentice.Invalid, "the instruction in %s is longer than %s", name, size(maxInstruction)).
			WithHint("hand the long part over with --asset")
	case !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0:
		return "", apprentice.Errorf(apprentice.Invalid, "the instruction in %s is no text", name)
	}
	return string(data), nil
}
