package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

func TestFolderRemovedWhileARunIsWorkedOnIsToldAsThat(t *testing.T) {
	t.Parallel()
	for advice, assets := range map[string][]string{
		"aa retry r": nil,
		"its assets have gone with it: hand the task and them over anew with aa run": {filepath.Join(t.TempDir(), "in.txt")},
	} {
		a, s := newAad(t), newScript(t)
		for _, path := range assets {
			if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput, Assets: assets, Instruction: s.text(s.gate("go"), "echo x > artifacts/out.txt")})
		s.reached("go")
		if err := os.RemoveAll(string(a.home.Run("r"))); err != nil {
			t.Fatal(err)
		}
		s.open("go")
		run := a.wait("r")
		if run.QueueState != apprentice.Failed || run.OperationalError != apprentice.Interrupted || run.OperationalAdvice != advice ||
			run.OperationalHint != "the run's folder was removed while it was worked on" {
			t.Errorf("it ended %s, %s: %s; hint: %s", run.QueueState, run.OperationalError, run.OperationalHint, run.OperationalAdvice)
		}
		if types := a.types("r"); !strings.HasSuffix(types, " operational_error run_completed") {
			t.Errorf("its events are %s", types)
		}
		if assets != nil {
			continue
		}
		must(a, rpc.RunRetry, rpc.RunParams{RunID: "r"})
		if run := a.wait("r"); !run.Accepted() {
			t.Errorf("tried again it ended %s: %s", run.QueueState, run.StatusReason)
		}
	}
}
