//go:build linux

package daemon

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/internal/model"
	"aad/rpc"
)

// realAgents is the folder in which .ci/agents has installed the CLIs; without it
// these tests are skipped.
func realAgents(t *testing.T) string {
	dir := os.Getenv("AA_REAL_AGENTS")
	if dir == "" {
		t.Skip("AA_REAL_AGENTS names no folder with codex and opencode: .ci/agents installs them")
	}
	return dir
}

// codexSetUp and openCodeSetUp are their settings for a model on loopback.
const (
	codexSetUp = `model = "scripted"
model_provider = "local"
[model_providers.local]
name = "local"
base_url = "%s/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
`
	openCodeSetUp = `{"model": "local/scripted", "autoupdate": false, "share": "disabled",
 "provider": {"local": {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": "%s/v1", "apiKey": "none"}, "models": {"scripted": {}}}}}
`
)

// worker is a scripted model that has an agent run commands, then say that it is
// done: those of the first attempt, or of a revision.
type worker struct {
	tool, argument  string
	first, revision []string
}

const revisionTitle = "a revision of your earlier attempt"

func (w worker) answer(r model.Request) model.Step {
	if len(r.Tools) == 0 { // the title of a session
		return model.Step{Text: "A report"}
	}
	body, commands := string(r.Body), w.first
	if at := strings.LastIndex(body, revisionTitle); at >= 0 {
		body, commands = body[at:], w.revision
	}
	// Of the two, each protocol has its own word for what a tool brought back.
	done := strings.Count(body, `"function_call_output"`) + strings.Count(body, `"role":"tool"`)
	if done >= len(commands) {
		return model.Step{Text: "The report is written."}
	}
	arguments, err := json.Marshal(map[string]string{w.argument: commands[done], "description": "work on the report"})
	if err != nil {
		panic(err)
	}
	return model.Step{Calls: []model.Call{{Name: w.tool, Arguments: arguments}}}
}

// The commands of the two attempts: the sum of the first is wrong, and it looks for
// the right one in vain.
var (
	firstCommands    = []string{"printf 'total: 41\\n' >artifacts/report.md", "grep -c 'total: 42' artifacts/report.md"}
	revisionCommands = []string{"printf 'total: 42\\n' >artifacts/report.md", "grep -c 'total: 42' artifacts/report.md"}
)

const sumRubric = `version: 1
pass_threshold: 1.0
criteria:
  - name: the sum is right
    check: {contains: {path: artifacts/report.md, texts: ["total: 42"]}}
`

// realAad is a daemon whose agents find the CLIs of a folder, and a home of their
// own with what they need for a scripted model.
func realAad(t *testing.T, w worker) *aad {
	dir := realAgents(t)
	server := model.Start(w.answer)
	t.Cleanup(server.Close)
	home, err := os.MkdirTemp(dir, "home-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) }) // what an agent still writes there is nobody's
	for path, text := range map[string]string{".codex/config.toml": codexSetUp, ".config/opencode/opencode.json": openCodeSetUp} {
		path = filepath.Join(home, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, fmt.Sprintf(text, server.URL()))
	}
	return newAad(t, "HOME="+home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "XDG_STATE_HOME=", "SCRIPTED_KEY=none",
		"AA_AGENT_COMMAND_DIRS="+filepath.Join(dir, "node_modules/.bin"))
}

func TestRealAgentsMendTheirWorkAndAreSeenAtIt(t *testing.T) {
	for _, c := range []struct {
		agent, session string
		worker         worker
	}{
		{"codex", "fresh", worker{"exec_command", "cmd", firstCommands, revisionCommands}},
		{"codex", "resume", worker{"exec_command", "cmd", firstCommands, revisionCommands}},
		{"opencode", "fresh", worker{"bash", "command", firstCommands, revisionCommands}},
		{"acp", "fresh", worker{"bash", "command", firstCommands, revisionCommands}}, // opencode again, by the protocol
	} {
		t.Run(c.agent+" "+c.session, func(t *testing.T) {
			a := realAad(t, c.worker)
			settings := rpc.RunSettings{"agent": c.agent, "agent_session": c.session, "agent_env": []string{"SCRIPTED_KEY"}, "task_timeout_seconds": 600}
			if c.agent == "acp" {
				settings["agent_command"] = "opencode acp"
			}
			a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: "Write the sum of 20 and 22 to artifacts/report.md.", Rubric: sumRubric,
				Path: os.Getenv("PATH"), Settings: settings})
			run := a.patiently("r")
			detail := a.get("r")
			if !run.Accepted() || len(detail.Attempts) != 2 {
				t.Fatalf("it ended %s, %s: %s %s; %+v", run.QueueState, run.Verdict, run.OperationalHint, run.StatusReason, detail.Attempts)
			}
			if got := slurp(t, filepath.Join(detail.Artifacts, "report.md")); got != "total: 42\n" {
				t.Errorf("the report says %q", got)
			}
			a.saw(detail, 0, []string{"total: 41", "grep -c"}, []int{0, 1})
			a.saw(detail, 1, []string{"total: 42", "grep -c"}, []int{0, 0})
			first, second := detail.Attempts[0].Agent, detail.Attempts[1].Agent
			if first == nil || second == nil || first.Version == "" && c.agent != "acp" || first.Permissions != "workspace_write" || (second.Resumed != "") != (c.session == "resume") {
				t.Errorf("the agents were called as %+v and %+v", first, second)
			}
			a.stop()
			a.none()
		})
	}
}

// patiently waits for the end of a run whose agent takes its time to start.
func (a *aad) patiently(id apprentice.RunID) apprentice.Run {
	a.t.Helper()
	var r rpc.RunWaitResult
	for range 6 {
		if r = must(a, rpc.RunWait, rpc.RunWaitParams{RunID: string(id), Deadline: 50}); r.Reached {
			break
		}
	}
	return r.Run
}

// saw expects an attempt's trace to name the commands that the agent really ran, and
// their exit codes.
func (a *aad) saw(d rpc.RunDetail, n int, commands []string, codes []int) {
	a.t.Helper()
	var trace apprentice.AgentTrace
	text := slurp(a.t, filepath.Join(d.Folder, d.Attempts[n].Folder, "agent_trace.json"))
	if err := json.Unmarshal([]byte(text), &trace); err != nil {
		a.t.Fatal(err)
	}
	stream, _ := trace.MetadataJSON["stream"].(map[string]any)
	if stream["unknown_records"] != 0.0 || stream["broken_lines"] != 0.0 || trace.AgentConfig["session_id"] == nil {
		a.t.Errorf("attempt %d: of its stream is told %v, of the agent %v", n+1, stream, trace.AgentConfig)
	}
	var seen []apprentice.AgentTraceStep
	for _, s := range trace.Steps {
		if s.Operation == "execute" && (strings.Contains(s.Command, "printf") || strings.Contains(s.Command, "grep")) {
			seen = append(seen, s)
		}
	}
	if len(seen) != len(commands) {
		a.t.Fatalf("attempt %d: the trace has %d commands: %s", n+1, len(seen), text)
	}
	for i, s := range seen {
		if !strings.Contains(s.Command, commands[i]) || s.ExitCode == nil || *s.ExitCode != codes[i] {
			a.t.Errorf("attempt %d: command %q with exit code %v, want %q with %d", n+1, s.Command, s.ExitCode, commands[i], codes[i])
		}
	}
}
