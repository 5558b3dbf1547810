//go:build unix

package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aad/internal/testbin"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestMain(m *testing.M) { os.Exit(testbin.Main{M: m}.Run()) }

// TestMCPClientSubmitsFollowsReadsAndAnswers drives aa mcp with the official SDK's
// client, as an editor does.
func TestMCPClientSubmitsFollowsReadsAndAnswers(t *testing.T) {
	m := startMCP(t)
	var names []string
	list, err := m.session.ListTools(m.ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := "continue_run list_checkpoints list_runs read_artifact run_events run_status submit_task"; strings.Join(names, " ") != want {
		t.Errorf("the tools are %v, want %s: without being asked for, none answers for a person", names, want)
	}
	detail := m.call(t, "submit_task", `{"instruction":"echo hello > artifacts/greeting.txt","agent":"shell","wait":true}`)
	run := at[string](t, detail, "run", "run_id")
	if state := at[string](t, detail, "run", "queue_state"); state != "completed" {
		t.Errorf("the run is %s when submit_task has waited", state)
	}
	if told := m.told("submit_task", 3); len(told) < 3 || told[0] != "Queued" {
		t.Errorf("progress was %q", told)
	}
	if got := at[string](t, m.call(t, "read_artifact", `{"run_id":"`+run+`","path":"greeting.txt"}`), "text"); got != "hello\n" {
		t.Errorf("the artifact is %q", got)
	}
	if got := m.call(t, "read_artifact", `{"run_id":"`+run+`","path":"../../../settings.json"}`); !strings.Contains(mustJSON(t, got), "error") {
		t.Errorf("a path that leads out is answered with %v", got)
	}
	if n := len(at[[]any](t, m.call(t, "run_events", `{"run_id":"@last"}`), "events")); n < 5 {
		t.Errorf("%d events", n)
	}
	if n := len(at[[]any](t, m.call(t, "list_runs", `{"states":["completed"]}`), "runs")); n != 1 {
		t.Errorf("%d runs", n)
	}
	for uri, want := range map[string]string{"aad://runs": run, "aad://runs/" + run: `"artifacts"`, "aad://runs/" + run + "/artifacts/greeting.txt": "hello"} {
		res, err := m.session.ReadResource(m.ctx, &mcp.ReadResourceParams{URI: uri})
		if err != nil || !strings.Contains(res.Contents[0].Text, want) {
			t.Errorf("%s: %v, %v; want %q in it", uri, res, err, want)
		}
	}
	more := m.call(t, "continue_run", `{"run_id":"`+run+`","instruction":"echo again > artifacts/second.txt","wait":true}`)
	if state := at[string](t, more, "run", "queue_state"); state != "completed" {
		t.Errorf("the follow-up is %s", state)
	}
}

func TestMCPToolAnswersOnlyWhereItWasAllowed(t *testing.T) {
	m := startMCP(t, "--allow-answers")
	asked := m.call(t, "submit_task", `{"instruction":"date > artifacts/now.txt","agent":"shell","mentor_mode":"expert_led","wait":true}`)
	run := at[string](t, asked, "run", "run_id")
	if state := at[string](t, asked, "run", "queue_state"); state != "waiting" {
		t.Fatalf("the run is %s", state)
	}
	open := at[[]any](t, m.call(t, "list_checkpoints", `{}`), "checkpoints")
	question := open[0].(map[string]any)
	wrong := m.call(t, "answer_checkpoint", `{"run_id":"`+run+`","stage":"task_intake","revision":99,"decision":"rejected"}`)
	if !strings.Contains(mustJSON(t, wrong), "error") {
		t.Errorf("an answer to another question is taken: %v", wrong)
	}
	in := mustJSON(t, map[string]any{"run_id": run, "stage": question["stage"], "revision": question["revision"], "decision": "rejected", "fields": map[string]any{"notes": "no"}})
	if got := at[string](t, m.call(t, "answer_checkpoint", in), "decision"); got != "rejected" {
		t.Errorf("the answer was %s", got)
	}
}

// TestMCPToolThatContinuesWaitsForTheNewPass continues a run that had asked before:
// its old question is none to return for.
func TestMCPToolThatContinuesWaitsForTheNewPass(t *testing.T) {
	m := startMCP(t, "--allow-answers")
	detail := m.call(t, "submit_task", `{"instruction":"date > artifacts/now.txt","agent":"shell","mentor_mode":"expert_led","wait":true}`)
	run := at[string](t, detail, "run", "run_id")
	m.settle(t, run)
	detail = m.call(t, "continue_run", `{"run_id":"`+run+`","instruction":"date > artifacts/then.txt","wait":true}`)
	if state := at[string](t, detail, "run", "queue_state"); state != "waiting" && state != "completed" {
		t.Errorf("the run is %s when continue_run has waited", state)
	}
	if told := m.told("continue_run", 1); len(told) == 0 || told[0] == "Queued" || told[0] == "Run started" {
		t.Errorf("progress of the follow-up was %q", told)
	}
}

func TestMCPToolThatWaitsNamesTheRunWhenAadStops(t *testing.T) {
	m := startMCP(t)
	p := &mcp.CallToolParams{Name: "submit_task", Arguments: json.RawMessage(`{"instruction":"sleep 60","agent":"shell","wait":true}`)}
	p.SetProgressToken("waiting")
	result := make(chan *mcp.CallToolResult, 1)
	go func() { // owned by the test; ends with the call
		res, err := m.session.CallTool(m.ctx, p)
		if err != nil {
			t.Error(err)
		}
		result <- res
	}()
	m.told("waiting", 4)
	m.aa(t, "daemon", "stop")
	if got := mustJSON(t, <-result); !strings.Contains(got, "-sleep-60 is queued") || !strings.Contains(got, "aad has stopped") {
		t.Errorf("the call is answered with %s", got)
	}
	if got := mustJSON(t, m.call(t, "list_runs", `{}`)); !strings.Contains(got, "aad is not running") {
		t.Errorf("an aad that was stopped is started again, or: %s", got)
	}
	m.aa(t, "cancel", "@last")
}

func TestMCPResourcesAreNamedByEscapedURIs(t *testing.T) {
	m := startMCP(t)
	detail := m.call(t, "submit_task", `{"instruction":"echo hello > 'artifacts/a b%20é.txt'; : > artifacts/empty","agent":"shell","wait":true}`)
	folder := "aad://runs/" + at[string](t, detail, "run", "run_id") + "/"
	for uri, want := range map[string]string{
		folder + "artifacts/a%20b%2520%C3%A9.txt":           "hello\n",
		"aad://runs/%40last/artifacts/a%20b%2520%C3%A9.txt": "hello\n",
		folder + "artifacts/empty":                          "",
	} {
		res, err := m.session.ReadResource(m.ctx, &mcp.ReadResourceParams{URI: uri})
		if err != nil || res.Contents[0].Text != want || want == "" && res.Contents[0].Blob == nil {
			t.Errorf("%s: %v, %v; want %q", uri, res, err, want)
		}
	}
	var told *jsonrpc.Error
	out := &mcp.ReadResourceParams{URI: folder + "%2e%2e/%2e%2e/settings.json"}
	if res, err := m.session.ReadResource(m.ctx, out); !errors.As(err, &told) || told.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("what leads out is answered with %v, %v", res, err)
	}
}

// settle answers each question of a run by the first decision that it offers, until
// the run has ended.
func (m *session) settle(t *testing.T, run string) {
	t.Helper()
	for at[string](t, m.call(t, "run_status", `{"run_id":"`+run+`"}`), "run", "queue_state") != "completed" {
		open := at[[]any](t, m.call(t, "list_checkpoints", `{"run_id":"`+run+`"}`), "checkpoints")
		if len(open) == 0 {
			<-time.After(5 * time.Millisecond)
			continue
		}
		question := open[0].(map[string]any)
		m.call(t, "answer_checkpoint", mustJSON(t, map[string]any{"run_id": run, "stage": question["stage"], "revision": question["revision"],
			"decision": question["decisions"].([]any)[0]}))
	}
}

// session is a client of aa mcp.
type session struct {
	ctx     context.Context
	bin     string
	env     []string
	session *mcp.ClientSession

	mu       sync.Mutex
	progress map[any][]string // by token
}

func startMCP(t *testing.T, flags ...string) *session {
	t.Helper()
	bin := testbin.Folder(t)
	home, err := os.MkdirTemp("", "aad") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "AA_HOME="+home, "AA_SOCKET=", "PATH="+bin+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	m := &session{ctx: ctx, bin: bin, env: env, progress: map[any][]string{}}
	t.Cleanup(func() {
		m.aa(t, "daemon", "stop")
		os.RemoveAll(home)
	})
	client := mcp.NewClient(&mcp.Implementation{Name: "test"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.progress[r.Params.ProgressToken] = append(m.progress[r.Params.ProgressToken], r.Params.Message)
		}})
	cmd := exec.Command(filepath.Join(bin, "aa"), append([]string{"mcp"}, flags...)...)
	cmd.Env, cmd.Stderr = env, os.Stderr
	if m.session, err = client.Connect(ctx, &mcp.CommandTransport{Command: cmd}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.session.Close() })
	return m
}

// aa runs a command of aa beside the session.
func (m *session) aa(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(m.bin, "aa"), args...)
	cmd.Env = m.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("aa %v: %v\n%s", args, err, out)
	}
}

// told returns the progress of the calls with a token once it is n values long, or the
// session's time is over: the SDK handles them beside the answers, so an answer may be
// returned before the last of them.
func (m *session) told(token string, n int) []string {
	for {
		m.mu.Lock()
		told := slices.Clone(m.progress[token])
		m.mu.Unlock()
		if len(told) >= n || m.ctx.Err() != nil {
			return told
		}
		<-time.After(5 * time.Millisecond)
	}
}

// call returns the tool's structured result, or its error under that key.
func (m *session) call(t *testing.T, name, arguments string) map[string]any {
	t.Helper()
	p := &mcp.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)}
	p.SetProgressToken(name)
	res, err := m.session.CallTool(m.ctx, p)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if res.IsError {
		return map[string]any{"error": mustJSON(t, res.Content)}
	}
	out, ok := res.StructuredContent.(map[string]any)
	if !ok {
		t.Fatalf("%s returns %v", name, res.StructuredContent)
	}
	return out
}

// at finds a value in a result by its keys.
func at[T any](t *testing.T, v any, keys ...string) T {
	t.Helper()
	whole := v
	for _, key := range keys {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	value, ok := v.(T)
	if !ok {
		t.Fatalf("no %v in %v", keys, whole)
	}
	return value
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
