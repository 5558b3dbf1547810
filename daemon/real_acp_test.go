//go:build linux

package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/checkpoint"
	"aad/rpc"
)

// TestRealOpenCodeIsConversedWith works the same task over the Agent Client Protocol;
// a person gives leave for each command, and aad is killed while it waits for the
// first.
func TestRealOpenCodeIsConversedWith(t *testing.T) {
	a := realAad(t, worker{"bash", "command", firstCommands, revisionCommands})
	home := ""
	for _, pair := range a.env {
		if name, value, _ := strings.Cut(pair, "="); name == "HOME" {
			home = value
		}
	}
	config := filepath.Join(home, ".config/opencode/opencode.json")
	write(t, config, strings.Replace(slurp(t, config), `"autoupdate"`, `"permission": {"bash": "ask"}, "autoupdate"`, 1))
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: "Write the sum of 20 and 22 to artifacts/report.md.", Rubric: sumRubric, Path: os.Getenv("PATH"),
		Settings: rpc.RunSettings{"agent": "acp", "agent_command": "opencode acp", "permission_policy": "ask", "task_timeout_seconds": 600}})
	for n := 1; n <= 4; n++ {
		f := a.leave(id, n)
		if !strings.Contains(f.Title+f.Instruction, "report.md") {
			t.Errorf("it asks %q: %q", f.Title, f.Instruction)
		}
		if n == 1 {
			a.kill()
			a.start()
		}
		a.allow(id, n, checkpoint.AllowOnce)
	}
	run := a.wait(id)
	detail := a.get(id)
	if !run.Accepted() || len(detail.Attempts) != 2 {
		t.Fatalf("it ended %s, %s: %s %s; %+v", run.QueueState, run.Verdict, run.OperationalHint, run.StatusReason, detail.Attempts)
	}
	a.saw(detail, 0, []string{"total: 41", "grep -c"}, []int{0, 1})
	a.saw(detail, 1, []string{"total: 42", "grep -c"}, []int{0, 0})
	a.none()
}
