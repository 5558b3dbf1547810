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

// builtAA is the program aa.
func builtAA(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := testbin.Build(dir, "aad/cmd/aa"); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "aa")
}

// TestAnAgentCannotAnswerForAPerson has an agent try to answer another run's question
// with aa, plainly and from a session of its own without the shim's mark.
func TestAnAgentCannotAnswerForAPerson(t *testing.T) {
	t.Parallel()
	bin := builtAA(t)
	a, s := newAad(t), newScript(t)
	victim := a.intake("victim")
	call := bin + ` rpc checkpoint/resolve '{"run_id":"victim","values":{"decision":"confirmed"}}'`
	env := ` AA_HOME='` + string(a.home) + `' HOME='` + t.TempDir() + `' `
	run := a.work(rpc.RunSubmitParams{RunID: "agent", Settings: rpc.RunSettings{"mentor_mode": "checks"}, Instruction: s.text(
		"export"+env,
		call+` > artifacts/plain 2>&1; echo "exit $?" >> artifacts/plain`,
		`( setsid env -i`+env+`sh -c '`+strings.ReplaceAll(call, "'", `'\''`)+`; echo "exit $?"' > artifacts/fled 2>&1 & ) ; n=0; while ! grep -q exit artifacts/fled 2>/dev/null && [ $n -lt 500 ]; do sleep 0.02; n=$((n+1)); done`,
	)})
	for _, name := range []string{"plain", "fled"} {
		text := slurp(t, filepath.Join(a.home.Run(run.RunID).Artifacts(), name))
		if !strings.Contains(text, "an agent cannot answer for a person") || strings.Contains(text, "exit 0") {
			t.Errorf("%s: it was told %q", name, text)
		}
	}
	if now := a.get(victim).Run; now.Checkpoint == nil || now.Checkpoint.Stage != "task_intake" {
		t.Errorf("the question was answered: %s", a.types(victim))
	}
	a.refusedAnswers(victim, 2, "rpc", "confirmed")
}

// TestOfManyAnswersAtOnceOneWins puts answers by the file and by calls to each of
// many questions at once.
func TestOfManyAnswersAtOnceOneWins(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if testing.Short() {
		rounds = 50
	}
	a := newAad(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: "echo x > artifacts/x"})
	a.upTo(id, checkpoint.Evaluation)
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
	a.waits(id, checkpoint.FinalApproval)
	conns := []*rpc.Conn{a.conn, a.dial()}
	t.Cleanup(func() { conns[1].Close() })
	for n := 1; n <= rounds; n++ {
		f := a.waits(id, checkpoint.FinalApproval)
		if f.Revision != n {
			t.Fatalf("the question is at revision %d, want %d", f.Revision, n)
		}
		byFile := n%2 == 0
		text := a.edited(id, checkpoint.FinalApproval, map[string]any{"decision": "held", "notes": "by file"})
		var wins [2]bool
		var both sync.WaitGroup
		for i, conn := range conns {
			both.Go(func() {
				if byFile && i == 1 {
					if err := os.WriteFile(a.asked(id, checkpoint.FinalApproval), []byte(text), 0o600); err != nil {
						t.Error(err)
					}
					return
				}
				_, err := rpc.Call(a.ctx(), conn, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Stage: "final_approval", Revision: n,
					Values: json.RawMessage(`{"decision":"held"}`)})
				wins[i] = err == nil
				if err != nil && (apprentice.KindOf(err) != apprentice.Conflict || !strings.Contains(err.Error(), "was answered already: held by ")) {
					t.Errorf("who comes second is told %v", err)
				}
			})
		}
		both.Wait()
		if byFile {
			a.clearOutdated(id, n)
		}
		if !byFile && wins[0] == wins[1] {
			t.Fatalf("of two calls there won %v", wins)
		}
	}
	resolved := map[any]int{}
	for _, e := range a.events(id) {
		if e.EventType == apprentice.CheckpointResolved && e.Phase == "final_approval" {
			resolved[e.Metadata["revision"]]++
		}
	}
	for revision, n := range resolved {
		if n != 1 {
			t.Errorf("revision %v was answered %d times", revision, n)
		}
	}
	if len(resolved) < rounds {
		t.Errorf("%d questions were answered, want %d", len(resolved), rounds)
	}
}

// clearOutdated removes the file if an answer to the n-th question was saved over the
// question after it: aad leaves a person's file alone, says what is wrong with it, and
// writes the question again once it is gone.
func (a *aad) clearOutdated(id apprentice.RunID, n int) {
	a.t.Helper()
	path := a.asked(id, checkpoint.FinalApproval)
	eventually(a.t, "the question is asked anew", func() bool { c := a.get(id).Run.Checkpoint; return c != nil && c.Revision == n+1 })
	eventually(a.t, "the next question's file is there, or an outdated answer", func() bool {
		var f checkpoint.File
		data, err := os.ReadFile(path)
		if err == nil && json.Unmarshal(data, &f) == nil && f.Revision == n && f.Notes == "by file" && f.ResolvedAt == "" {
			if there(filepath.Join(filepath.Dir(path), checkpoint.FinalApproval.ErrorsName())) {
				return os.Remove(path) == nil
			}
			return false
		}
		return err == nil && f.Revision == n+1
	})
}
