//go:build unix

package daemon

import (
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

// finishing is a run that nobody approved, and that is being finished.
func finishing(t *testing.T) (*aad, apprentice.RunID) {
	a := newAad(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: "echo x > artifacts/x",
		AutoApprove: &apprentice.AutoApproval{By: "uid 7 by flag"}})
	if run := a.wait(id); !run.Accepted() {
		t.Fatalf("it ended %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
	}
	run := must(a, rpc.RunFinish, rpc.RunParams{RunID: "r"})
	if run.QueueState != apprentice.Waiting || run.SessionStatus != "finished" {
		t.Fatalf("finished, it is %s, its session %s", run.QueueState, run.SessionStatus)
	}
	return a, id
}

func TestFinishAsksForTheApprovalThatNoPersonGave(t *testing.T) {
	t.Parallel()
	a, id := finishing(t)
	before := len(a.events(id))
	if again := must(a, rpc.RunFinish, rpc.RunParams{RunID: "r"}); again.QueueState != apprentice.Waiting || len(a.events(id)) != before {
		t.Errorf("finished twice, it is %s", again.QueueState)
	}
	a.kill()
	a.start()
	a.answer(id, checkpoint.FinalApproval, decide("held"))
	eventually(t, "it is asked anew", func() bool { c := a.get(id).Run.Checkpoint; return c != nil && c.Revision == 2 })
	a.answer(id, checkpoint.FinalApproval, map[string]any{"decision": "rejected", "notes": "no good"})
	run := a.wait(id)
	if run.QueueState != apprentice.Completed || run.Accepted() || run.StopReason != apprentice.StopRejected {
		t.Errorf("rejected, it is %s, %s, %s", run.QueueState, run.Verdict, run.StopReason)
	}
	ends := 0
	for _, e := range a.events(id) {
		if e.EventType == apprentice.RunCompleted {
			ends++
		}
	}
	if ends != 1 {
		t.Errorf("it ended %d times", ends)
	}
	if run := must(a, rpc.RunFinish, rpc.RunParams{RunID: "r"}); run.QueueState != apprentice.Completed {
		t.Errorf("once a person has answered, finish makes it %s", run.QueueState)
	}
}

func TestAFinishedRunWhoseQuestionIsWithdrawnIsAsItEnded(t *testing.T) {
	t.Parallel()
	a, id := finishing(t)
	if run := must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"}); !run.Accepted() || run.Checkpoint != nil {
		t.Errorf("withdrawn, it is %s, %s", run.QueueState, run.Verdict)
	}
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: string(id)})
}
