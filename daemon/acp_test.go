package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/internal/testbin"
	"aad/rpc"
)

// acpAgent builds the scripted agent once.
var acpAgent = sync.OnceValues(func() (string, error) {
	dir := filepath.Dir(shimPath)
	return filepath.Join(dir, "acpagent"), testbin.Build(dir, "aad/internal/acpagent")
})

// talk submits a run of the scripted ACP agent that does these lines.
func (a *aad) talk(id string, settings rpc.RunSettings, lines ...string) apprentice.RunID {
	a.t.Helper()
	return a.submit(a.talkParams(id, settings, lines...))
}

func (a *aad) talkParams(id string, settings rpc.RunSettings, lines ...string) rpc.RunSubmitParams {
	a.t.Helper()
	bin, err := acpAgent()
	if err != nil {
		a.t.Fatalf("build acpagent: %v: %s", err, bin)
	}
	all := rpc.RunSettings{"agent": "acp", "agent_command": bin, "max_improvement_loops": 1}
	for k, v := range settings {
		all[k] = v
	}
	text := "Do as the script says.\n"
	for _, line := range lines {
		text += "acp: " + line + "\n"
	}
	return rpc.RunSubmitParams{RunID: id, Settings: all, Instruction: text}
}

// told reads what the agent noted of its script.
func (a *aad) told(id apprentice.RunID) string {
	a.t.Helper()
	data, err := os.ReadFile(filepath.Join(a.home.Run(id).Artifacts(), "log.txt"))
	if err != nil && !os.IsNotExist(err) {
		a.t.Fatal(err)
	}
	return string(data)
}

// opened waits until so many questions for leave are open, and lists them.
func (a *aad) opened(id apprentice.RunID, n int) (open []rpc.CheckpointInfo) {
	a.t.Helper()
	eventually(a.t, "questions for leave are open", func() bool {
		if run := a.get(id).Run; run.QueueState.Ended() {
			a.t.Fatalf("%s has ended: %s, %s", id, run.QueueState, run.StatusReason)
		}
		open = must(a, rpc.CheckpointList, rpc.CheckpointListParams{RunID: string(id)}).Checkpoints
		return len(open) == n
	})
	return open
}

// leave waits until the n-th question for leave is open, and reads its file.
func (a *aad) leave(id apprentice.RunID, n int) (f checkpoint.File) {
	a.t.Helper()
	stage := checkpoint.Permission(n)
	eventually(a.t, string(stage)+" is open", func() bool {
		run := a.get(id).Run
		if run.QueueState.Ended() {
			a.t.Fatalf("%s has ended: %s, %s", id, run.QueueState, run.StatusReason)
		}
		for _, c := range run.Questions() {
			data, err := os.ReadFile(a.asked(id, stage))
			f = checkpoint.File{}
			if c.Stage == string(stage) && err == nil && json.Unmarshal(data, &f) == nil && f.CheckpointID == c.ID && f.ResolvedAt == "" {
				return true
			}
		}
		return false
	})
	return f
}

// allow answers a question for leave by call.
func (a *aad) allow(id apprentice.RunID, n int, decision string) {
	a.t.Helper()
	must(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: string(id), Stage: string(checkpoint.Permission(n)),
		Values: json.RawMessage(`{"decision":"` + decision + `"}`)})
}

var asks = rpc.RunSettings{"permission_policy": "ask"}

func TestACPAgentWorksATask(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", nil, "noise", "write artifacts/a.txt hello", "put artifacts/b.txt by aad", "read artifacts/b.txt", "flood 2000", "big 30", "read /etc/passwd")
	run := a.wait(id)
	if run.QueueState != apprentice.Completed {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	for name, want := range map[string]string{"a.txt": "hello\n", "b.txt": "by aad\n"} {
		if got := slurp(t, filepath.Join(a.home.Run(id).Artifacts(), name)); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	log := a.told(id)
	for _, want := range []string{`read b.txt: {"content":"by aad\n"}`, "it is outside the workspace"} {
		if !strings.Contains(log, want) {
			t.Errorf("the agent was told %q", log)
		}
	}
	stream := slurp(t, filepath.Join(string(a.home.Run(id)), "packages", "task_r", "attempts", "baseline", "stream.jsonl"))
	for _, want := range []string{`"msg":{"jsonrpc":"2.0","id":1,"method":"initialize"`, `{"dir":"out","time":"2`, `"stopReason":"end_turn"`, `"text":"Warning: this is no protocol"`} {
		if !strings.Contains(stream, want) {
			t.Errorf("the stream lacks %s", want)
		}
	}
	if n := strings.Count(stream, "agent_thought_chunk"); n != 2000 {
		t.Errorf("the stream has %d of 2000 thoughts", n)
	}
	a.none()
}

func TestPolicyDecidesWithoutAPerson(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "outside.txt")
	for policy, want := range map[string][]string{
		"allow_workspace": {"edit artifacts/in.txt: yes", "edit " + outside + ": no", "switch_mode artifacts/mode: no", "run echo hi: yes"},
		"deny":            {"edit artifacts/in.txt: no", "edit " + outside + ": no", "switch_mode artifacts/mode: no", "run echo hi: no"},
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			a := newAad(t)
			id := a.talk("r", rpc.RunSettings{"permission_policy": policy},
				"ask edit artifacts/in.txt x", "ask edit "+outside+" x", "ask switch_mode artifacts/mode x", "run echo hi")
			a.wait(id)
			log := a.told(id)
			for _, line := range want {
				if !strings.Contains(log, line+"\n") {
					t.Errorf("lacks %q: %s", line, log)
				}
			}
			if there(outside) {
				t.Error("it wrote outside the workspace")
			}
			if types := a.types(id); strings.Contains(types, "checkpoint") {
				t.Errorf("a person was asked: %s", types)
			}
		})
	}
}

func TestPersonDecidesByCallAndByFile(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "ask edit artifacts/one.txt x", "ask edit artifacts/two.txt x", "write artifacts/end x")
	q := a.opened(id, 1)[0]
	if q.Stage != "permission-1" || strings.Join(q.Decisions, " ") != "allow_once allow_always deny" {
		t.Errorf("it asks %+v", q)
	}
	f := a.waits(id, checkpoint.Permission(1))
	if f.Title != "edit artifacts/one.txt" || len(f.ActionHash) != 64 || f.ExpiresAt == "" || f.MentorMode != "checks" {
		t.Errorf("the file is %+v", f)
	}
	if run := a.get(id).Run; run.QueueState != apprentice.Waiting || run.Phase != apprentice.PhasePermissionPending || !run.Parked {
		t.Errorf("the run is %+v", run)
	}
	a.allow(id, 1, "allow_once")
	a.answer(id, checkpoint.Permission(2), map[string]any{"decision": "deny", "notes": "not that one"})
	if run := a.wait(id); run.QueueState != apprentice.Completed {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	if log := a.told(id); log != "edit artifacts/one.txt: yes\nedit artifacts/two.txt: no\n" {
		t.Errorf("the agent was told %q", log)
	}
	logs := strings.Join(a.logs(id), " ")
	if !strings.Contains(logs, "apprentice_attempt_started(apprentice_attempt) checkpoint_opened(permission-1) checkpoint_resolved(permission-1) "+
		"checkpoint_opened(permission-2) checkpoint_resolved(permission-2) apprentice_attempt_completed") {
		t.Errorf("the log is %s", logs)
	}
	var done checkpoint.File
	if err := json.Unmarshal([]byte(slurp(t, a.asked(id, checkpoint.Permission(1)))), &done); err != nil || !done.HumanApproved || done.ResolvedBy == nil {
		t.Errorf("the answered file is %+v, %v", done, err)
	}
	if err := json.Unmarshal([]byte(slurp(t, a.asked(id, checkpoint.Permission(2)))), &done); err != nil || done.HumanApproved || done.Notes != "not that one" {
		t.Errorf("the denied file is %+v, %v", done, err)
	}
}

func TestSeveralQuestionsForLeaveAreOpenAtOnce(t *testing.T) {
	t.Parallel()
	a := newAad(t, "AA_MAX_PARALLEL=1")
	id := a.talk("r", asks, "asks 3", "write artifacts/end x")
	open := a.opened(id, 3)
	other := a.work(rpc.RunSubmitParams{RunID: "other", Settings: rpc.RunSettings{"agent": "shell"}, Instruction: "echo x > artifacts/x"})
	if other.QueueState != apprentice.Completed {
		t.Errorf("beside a run that waits another ends %s: %s", other.QueueState, other.StatusReason)
	}
	for i, q := range open {
		a.waits(id, checkpoint.Stage(a.opened(id, 3-i)[0].Stage))
		must(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Stage: q.Stage, Values: json.RawMessage(`{"decision":"allow_once"}`)})
		if i < 2 {
			eventually(t, "the agent goes on with what was allowed", func() bool {
				files, _ := filepath.Glob(filepath.Join(a.home.Work(id, 0, apprentice.Baseline), "artifacts", "[0-9]"))
				return len(files) == i+1
			})
		}
	}
	if run := a.wait(id); run.QueueState != apprentice.Completed || strings.Count(a.told(id), ": yes") != 3 {
		t.Errorf("it ended %s: %s; %s", run.QueueState, run.StatusReason, a.told(id))
	}
	a.none()
}

func TestQuestionsForLeaveOutliveAad(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "asks 2", "ask edit artifacts/three x", "write artifacts/end x")
	open := a.opened(id, 2)
	a.kill()
	a.start()
	a.leave(id, 2)
	write(t, a.asked(id, checkpoint.Permission(2)), a.edited(id, checkpoint.Permission(2), decide("allow_once")))
	eventually(t, "one is open", func() bool { return len(must(a, rpc.CheckpointList, rpc.CheckpointListParams{}).Checkpoints) == 1 })
	a.stop()
	a.start()
	must(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Stage: open[0].Stage, Values: json.RawMessage(`{"decision":"allow_once"}`)})
	a.kill() // between the answer and what it leads to
	a.start()
	a.leave(id, 3)
	a.allow(id, 3, "allow_once")
	if run := a.wait(id); run.QueueState != apprentice.Completed {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	log := a.told(id)
	if strings.Count(log, "yes") != 3 || strings.Contains(log, "stray") {
		t.Errorf("the agent was told %q", log)
	}
	if types := a.types(id); strings.Count(types, "apprentice_attempt_started") != 1 || strings.Count(types, "checkpoint_opened") != 3 {
		t.Errorf("its events are %s", types)
	}
	a.none()
}

// TestAnAnswerIsSaidOnceWheneverAadIsKilled kills aad after a question and after each
// answer, at once.
func TestAnAnswerIsSaidOnceWheneverAadIsKilled(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	const rounds = 8
	var lines []string
	for range rounds {
		lines = append(lines, "run echo x >> artifacts/count")
	}
	id := a.talk("r", asks, lines...)
	for n := 1; n <= rounds; n++ {
		a.waits(id, checkpoint.Permission(n))
		if n%2 == 0 {
			a.kill()
			a.start()
		}
		a.allow(id, n, "allow_once")
		a.kill()
		a.start()
	}
	if run := a.wait(id); run.QueueState != apprentice.Completed {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	if got := slurp(t, filepath.Join(a.home.Run(id).Artifacts(), "count")); got != strings.Repeat("x\n", rounds) || strings.Contains(a.told(id), "stray") {
		t.Errorf("it was done %q; %s", got, a.told(id))
	}
}

func TestDeadlineDeniesAndTheAgentGoesOn(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", rpc.RunSettings{"permission_policy": "ask", "permission_deadline_seconds": 1}, "ask edit artifacts/x x", "write artifacts/end x")
	if run := a.wait(id); run.QueueState != apprentice.Completed {
		t.Errorf("it ended %s: %s", run.QueueState, run.StatusReason)
	}
	if log := a.told(id); log != "edit artifacts/x: no\n" {
		t.Errorf("the agent was told %q", log)
	}
	if types := a.types(id); !strings.Contains(types, "checkpoint_opened checkpoint_expired checkpoint_resolved") {
		t.Errorf("its events are %s", types)
	}
	var f checkpoint.File
	if err := json.Unmarshal([]byte(slurp(t, a.asked(id, checkpoint.Permission(1)))), &f); err != nil || f.HumanApproved || f.Decision != "deny" || f.ResolvedBy != nil {
		t.Errorf("the file is %+v, %v", f, err)
	}
}

func TestAlwaysIsRememberedForTheSameKindOfActionOnly(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "ask edit artifacts/1 x", "ask edit artifacts/2 x", "run echo 1", "run echo 1", "run echo 2", "write artifacts/end x")
	for n, decision := range []string{"allow_always", "allow_always", "deny"} {
		a.waits(id, checkpoint.Permission(n+1))
		a.allow(id, n+1, decision)
	}
	a.wait(id)
	if log := a.told(id); strings.Count(log, "yes") != 4 || !strings.Contains(log, "run echo 2: no") {
		t.Errorf("the agent was told %q", log)
	}
}

func TestAChangedActionIsAskedAnew(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "reask artifacts/other.txt x", "write artifacts/end x")
	var q rpc.CheckpointInfo
	eventually(t, "the second action alone is asked", func() bool {
		q = a.opened(id, 1)[0]
		got := must(a, rpc.CheckpointGet, rpc.CheckpointParams{RunID: "r", Stage: q.Stage})
		return strings.Contains(string(got.File), `"title":"edit artifacts/other.txt"`)
	})
	must(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Stage: q.Stage, Values: json.RawMessage(`{"decision":"deny"}`)})
	a.wait(id)
	if log := a.told(id); log != "edit artifacts/other.txt: no\n" {
		t.Errorf("the agent was told %q", log)
	}
}

func TestCancelEndsAParkedAgent(t *testing.T) {
	t.Parallel()
	for _, script := range [][]string{{"spawn", "asks 2"}, {"spawn", "hang"}, {"spawn", "deaf"}} {
		t.Run(script[1], func(t *testing.T) {
			t.Parallel()
			a := newAad(t)
			id := a.talk("r", asks, script...)
			if script[1] == "asks 2" {
				a.opened(id, 2)
			} else {
				eventually(t, "the agent is at work", func() bool { return len(left(t, string(a.home.Run(id)))) >= 0 && a.get(id).Run.CurrentLoop == 1 })
			}
			must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
			if run := a.wait(id); run.QueueState != apprentice.Cancelled || run.Parked || run.Checkpoint != nil {
				t.Errorf("it ended %+v", run)
			}
			if types := a.types(id); strings.Count(types, "run_cancelled") != 1 {
				t.Errorf("its events are %s", types)
			}
			eventually(t, "no question is left to be answered", func() bool {
				left, err := filepath.Glob(filepath.Join(a.home.Run(id).Checkpoints(), "permission-*_checkpoint.json"))
				return err == nil && len(left) == 0
			})
			a.none()
		})
	}
}

func TestCancelEndsAParkedAgentAfterACrash(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.talk("r", asks, "spawn", "asks 2")
	a.opened(id, 2)
	a.kill()
	a.start()
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
	if run := a.wait(id); run.QueueState != apprentice.Cancelled {
		t.Errorf("it ended %+v", run)
	}
	a.none()
}

func TestEndsOfAConversationAreToldApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines []string
		state apprentice.QueueState
		kind  apprentice.OperationalError
	}{
		"dies":               {[]string{"die 7"}, apprentice.Failed, apprentice.NonzeroExit},
		"dies with 0":        {[]string{"die 0"}, apprentice.Failed, apprentice.NonzeroExit},
		"dies after writing": {[]string{"write artifacts/x x", "die 7"}, apprentice.Partial, ""},
		"refuses":            {[]string{"stop refusal"}, apprentice.Failed, apprentice.OutputContract},
		"out of tokens":      {[]string{"write artifacts/x x", "stop max_tokens"}, apprentice.Partial, ""},
		"leaves nothing":     {[]string{"noise"}, apprentice.Failed, apprentice.OutputContract},
		"not signed in":      {[]string{"fail -32000 Authentication required"}, apprentice.Failed, apprentice.AuthError},
		"quota":              {[]string{"fail -32603 quota exceeded"}, apprentice.Failed, apprentice.QuotaError},
		"not allowed":        {[]string{"ask edit /outside x"}, apprentice.Completed, ""}, // the log is a deliverable
		"stalls":             {[]string{"spawn", "deaf"}, apprentice.Failed, apprentice.StalledError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAad(t)
			run := a.work(a.talkParams("r", rpc.RunSettings{"idle_timeout_seconds": 3}, c.lines...))
			if run.QueueState != c.state || run.OperationalError != c.kind {
				t.Errorf("it ended %s, %s: %s, %s", run.QueueState, run.OperationalError, run.StatusReason, run.OperationalHint)
			}
			a.none()
		})
	}
}
