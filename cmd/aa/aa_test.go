package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"

	"github.com/spf13/cobra"
)

// every calls f with each command a user can type.
func every(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" {
			f(c)
			every(c, f)
		}
	}
}

func TestEveryCommandSaysWhatItDoesAndShowsAnExample(t *testing.T) {
	every(newRoot(newApp(), nil), func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: its line is %q", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: its example %q is not indented", c.CommandPath(), line)
			}
		}
		if c.Example == "" {
			t.Errorf("%s has no example", c.CommandPath())
		}
		if !c.HasSubCommands() && c.Args == nil {
			t.Errorf("%s takes any words", c.CommandPath())
		}
	})
}

func TestACommandIsMadeAloneWhereItIsCalled(t *testing.T) {
	for _, g := range groups {
		for _, c := range g.commands {
			if got := called([]string{"-q", c.name, "run"}); got != c.name {
				t.Errorf("%s calls %q", c.name, got)
			}
			made := newRoot(newApp(), []string{c.name}).Commands()
			if i := slices.IndexFunc(made, func(m *cobra.Command) bool { return m.Name() == c.name }); i < 0 || len(made) != 3 { // and help, and exit-codes
				t.Errorf("of %s is made %v", c.name, made)
			}
		}
	}
	for _, args := range [][]string{nil, {"--help"}, {"help", "run"}, {"statsu"}, {"__complete", "run"}} {
		if got := called(args); got != "" {
			t.Errorf("%v calls %s alone", args, got)
		}
	}
}

func TestEveryCommandHasAScript(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(data)
	}
	every(newRoot(newApp(), nil), func(c *cobra.Command) {
		if !strings.Contains(scripts.String(), c.CommandPath()) {
			t.Errorf("no script uses %s", c.CommandPath())
		}
	})
}

func TestEveryKindOfErrorHasAnExitCodeOfItsOwn(t *testing.T) {
	seen := map[exitCode]bool{}
	for _, row := range kindCodes {
		if seen[row.code] {
			t.Errorf("exit code %d stands for two kinds", row.code)
		}
		seen[row.code] = true
	}
	for _, kind := range []apprentice.Kind{apprentice.Internal, apprentice.Invalid, apprentice.NotFound, apprentice.Conflict,
		apprentice.Denied, apprentice.Unmet, apprentice.Unavailable} {
		a := &app{err: &bytes.Buffer{}}
		if code := a.fail(apprentice.Errorf(kind, "x")); code == 0 || (kind != apprentice.Internal && code == 1) {
			t.Errorf("%s has exit code %d", kind, code)
		}
	}
	for _, row := range resultCodes {
		if seen[row.code] {
			t.Errorf("exit code %d stands for an error and a result", row.code)
		}
		seen[row.code] = true
	}
}

func TestReadmeListsTheExitCodes(t *testing.T) {
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var codes []exitCode
	for _, row := range kindCodes {
		codes = append(codes, row.code)
	}
	for _, row := range resultCodes {
		codes = append(codes, row.code)
	}
	for _, code := range codes {
		if !strings.Contains(string(data), fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("README.md does not list exit code %d", code)
		}
	}
}

func TestOnlyAnAcceptedRunGivesZero(t *testing.T) {
	for _, c := range []struct {
		state   apprentice.QueueState
		verdict apprentice.Verdict
		want    exitCode
	}{
		{apprentice.Completed, apprentice.Passed, 0},
		{apprentice.Completed, apprentice.FailedReview, exitNotAccepted},
		{apprentice.Completed, apprentice.Unreviewed, exitNotAccepted},
		{apprentice.Completed, "", exitNotAccepted},
		{apprentice.Partial, apprentice.Passed, exitPartial},
		{apprentice.Failed, apprentice.Passed, exitFailed},
		{apprentice.Cancelled, "", exitCancelled},
		{apprentice.Waiting, "", exitWaiting},
		{apprentice.Queued, "", exitDetached}, {apprentice.Running, "", exitDetached}, {apprentice.Deferred, "", exitDetached},
	} {
		if got := codeOf(apprentice.Run{QueueState: c.state, Verdict: c.verdict}); got != c.want {
			t.Errorf("%s, %s: exit code %d, want %d", c.state, c.verdict, got, c.want)
		}
	}
}

func TestJSONEscapesWhatActsOnATerminal(t *testing.T) {
	in := "a\x1b[31m\u009b\u202E\U000E0041\x7f é 日本 <b>"
	var out bytes.Buffer
	a := &app{out: &out}
	if err := a.emit(map[string]string{"text": in}); err != nil {
		t.Fatal(err)
	}
	for _, r := range strings.TrimSuffix(out.String(), "\n") {
		if hidden(r) {
			t.Errorf("%U stands in %q", r, out.String())
		}
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["text"] != in {
		t.Errorf("it comes back as %q, %v", back["text"], err)
	}
	if !strings.Contains(out.String(), "é 日本 <b>") {
		t.Errorf("ordinary text is escaped: %s", out.String())
	}
}

func TestErrorsAreAMessageAndAHint(t *testing.T) {
	var out bytes.Buffer
	a := &app{err: &out}
	code := a.fail(fmt.Errorf("call: %w", apprentice.Errorf(apprentice.NotFound, "there is no run \x1b[2Jx").WithHint("aa list").Because(os.ErrClosed)))
	if want := "aa: there is no run x\nhint: aa list\n"; out.String() != want || code != 3 {
		t.Errorf("exit code %d, told %q, want %q", code, out.String(), want)
	}
}

func TestTableAlignsWideCharactersAndCutsAtTheTerminal(t *testing.T) {
	table := newTable("NAME", "N", "TITLE")
	table.right = map[int]bool{1: true}
	table.row("日本", "7", "a title that is rather\nlong")
	table.row("abc", "12", "\x1b[31mred")
	var out bytes.Buffer
	if err := table.print(&out, 24); err != nil {
		t.Fatal(err)
	}
	want := "NAME   N  TITLE\n日本   7  a title that …\nabc   12  red\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestNarrowTerminalCutsRunIDsAtTheirEnd(t *testing.T) {
	table := newTable("RUN", "STATE", "TITLE")
	table.row("2026-11-22-222721-summarise-our-sales-of-2025", "completed", "Summarise our sales of 2025.")
	var out bytes.Buffer
	if err := table.print(&out, 60); err != nil {
		t.Fatal(err)
	}
	want := "RUN                          STATE      TITLE\n" +
		"2026-11-22-222721-summaris…  completed  Summarise our sales…\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if err := table.print(&out, 0); err != nil || strings.Contains(out.String(), "…") {
		t.Errorf("without a terminal it is cut: %s, %v", out.String(), err)
	}
}

func TestRunsAreNamedByIDOrByTheirFolder(t *testing.T) {
	dir := t.TempDir()
	artifacts := filepath.Join(dir, "runs", "2026-11-22-run", "artifacts")
	if err := os.MkdirAll(artifacts, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{artifacts, filepath.Dir(artifacts), filepath.Dir(artifacts) + "/"} {
		if got, err := runArgument(text); err != nil || got != "2026-11-22-run" {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"@last", "2026-11", "mine"} {
		if got, err := runArgument(text); err != nil || got != text {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	if _, err := runArgument(dir); apprentice.KindOf(err) != apprentice.NotFound {
		t.Errorf("a folder that is no run's: %v", err)
	}
}

func TestSettingsOfTheEnvironmentYieldToFlags(t *testing.T) {
	t.Setenv("AA_AGENT", "custom")
	t.Setenv("AA_STALL_ROUNDS", "4")
	t.Setenv("AA_MAX_PARALLEL", "9") // the daemon's, not a run's
	f := submitFlags{given: func(string) bool { return false }, agent: "shell", timeout: "2m", sets: []string{"stall_rounds=5", "agent_env=A,B"}}
	got, err := f.settings()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"agent":"shell","agent_env":["A","B"],"stall_rounds":5,"task_timeout_seconds":120}`
	if data, err := json.Marshal(got); err != nil || string(data) != want {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
}

func TestLastLinesKeepsWholeLines(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{{"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc", 1, "c"}, {"a\n", 5, "a\n"}, {"", 1, ""}, {"\n\n", 1, "\n"}} {
		if got := lastLines(c.in, c.n); got != c.want {
			t.Errorf("lastLines(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

func TestVersionsThatDifferAreTold(t *testing.T) {
	for daemon, want := range map[string]string{"dev": "", "9.9": "they differ: aa daemon restart"} {
		var out bytes.Buffer
		a := &app{out: &out}
		if err := a.printVersions(versions{Client: "dev", Daemon: daemon, PID: 7}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || (want == "") == strings.Contains(out.String(), "differ") {
			t.Errorf("aad %s: %s", daemon, out.String())
		}
	}
}
