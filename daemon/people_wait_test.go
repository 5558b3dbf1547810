package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

func TestNoRunStartsWhileTooManyWaitForPeople(t *testing.T) {
	t.Parallel()
	a := newAad(t, "AA_MAX_WAITING=1")
	first := a.intake("first")
	second := a.byExpert(rpc.RunSubmitParams{RunID: "second", Instruction: "echo x > artifacts/x"})
	third := a.byExpert(rpc.RunSubmitParams{RunID: "third", Instruction: "echo x > artifacts/x", Priority: 9})
	for _, id := range []apprentice.RunID{second, third} {
		if run := a.get(id).Run; run.QueueState != apprentice.Queued || run.StartedAt != "" {
			t.Errorf("%s is %s", id, run.QueueState)
		}
	}
	must(a, rpc.RunCancel, rpc.RunParams{RunID: string(first)})
	a.waits(third, checkpoint.TaskIntake)
	a.resolve(third, checkpoint.TaskIntake, `{"decision":"confirmed"}`) // who was answered goes on
	a.waits(third, checkpoint.Rubric)
}

func TestHooksAreToldOfQuestionsAndEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hook := `cat > ` + dir + `/$$.tmp; test -e "$(sed -n 's/.*"path":"\([^"]*\)".*/\1/p' ` + dir + `/$$.tmp)" && touch ` + dir + `/there; mv ` + dir + `/$$.tmp ` + dir + `/$$.json`
	a := newAad(t, "AA_ON_CHECKPOINT="+hook, "AA_ON_RUN_END="+hook+"; exit 9")
	id := a.intake("r")
	a.resolve(id, checkpoint.TaskIntake, `{"decision":"rejected"}`)
	a.wait(id)
	told := func() map[string]hookInput {
		got := map[string]hookInput{}
		for _, path := range under(dir) {
			var in hookInput
			if filepath.Ext(path) == ".json" && json.Unmarshal([]byte(slurp(t, path)), &in) == nil {
				got[in.Hook] = in
			}
		}
		return got
	}
	eventually(t, "both hooks were told", func() bool { return len(told()) == 2 })
	if in := told()["on_checkpoint"]; in.Run.RunID != id || in.Path != a.asked(id, checkpoint.TaskIntake) || !there(filepath.Join(dir, "there")) {
		t.Errorf("on_checkpoint was told %+v", in)
	}
	if in := told()["on_run_end"]; in.Run.QueueState != apprentice.Failed || in.Folder != string(a.home.Run(id)) {
		t.Errorf("on_run_end was told %+v", in)
	}
	a.stop()
	a.whole(id)
}

func TestAadIsClosedToOtherProcesses(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	if os.Getuid() == 0 {
		t.Skip("root may read every process")
	}
	if _, err := os.ReadFile("/proc/" + strconv.Itoa(a.cmd.Process.Pid) + "/environ"); err == nil {
		t.Error("aad's environment can be read")
	}
}
