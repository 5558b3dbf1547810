package daemon

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

// answersOf are the answers to a run that is revised once, in order.
var answersOf = []struct {
	stage  checkpoint.Stage
	values string
}{
	{checkpoint.TaskIntake, `{"decision":"confirmed"}`},
	{checkpoint.Rubric, `{"decision":"confirmed"}`},
	{checkpoint.Evaluation, `{"decision":"failed","feedback":"make it good"}`},
	{checkpoint.Revision, `{"decision":"revise"}`},
	{checkpoint.Evaluation, `{"decision":"passed"}`},
	{checkpoint.FinalApproval, `{"decision":"confirmed"}`},
}

// TestRunOutlivesKillsAroundEachAnswer kills aad while it waits for the n-th answer,
// and another one as soon as that answer is in the log.
func TestRunOutlivesKillsAroundEachAnswer(t *testing.T) {
	t.Parallel()
	for n := range answersOf {
		t.Run(fmt.Sprintf("%d-%s", n+1, answersOf[n].stage), func(t *testing.T) {
			t.Parallel()
			a, s := newAad(t), newScript(t)
			id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(twoTries), Rubric: wantsGood})
			for i, answer := range answersOf {
				a.waits(id, answer.stage)
				if i != n {
					a.resolve(id, answer.stage, answer.values)
					continue
				}
				a.kill()
				a.start()
				a.waits(id, answer.stage)
				events, conn, open := a.follow(), a.conn, a.get(id).Run.Checkpoint.ID
				go func() { // ends with the kill at the latest
					_, _ = rpc.Call(a.ctx(), conn, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "r", Values: json.RawMessage(answer.values)})
				}()
				for e := range events {
					if e.EventType == apprentice.CheckpointResolved && e.Metadata["checkpoint_id"] == open {
						break
					}
				}
				a.kill()
				a.start()
			}
			if run := a.wait(id); !run.Accepted() {
				t.Errorf("it ended %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
			}
			want := append([]string{"run_queued(queued)", "run_started(starting)"}, middleOf("expert_review", "expert_review_complete")...)
			a.logged(a.logs(id), append(want, packed, "run_completed(completed)"))
			taken := 0
			for _, path := range under(a.home.Run(id).Checkpoints()) {
				if strings.Contains(path, "/history/") && strings.Contains(slurp(t, path), `"human_approved"`) && strings.Contains(slurp(t, path), `"resolved_by": {`) {
					taken++
				}
			}
			if taken != len(answersOf) {
				t.Errorf("history holds %d answers that were taken, want %d", taken, len(answersOf))
			}
			a.stop()
			a.whole(id)
			a.once(s, id)
		})
	}
}

func TestAWaitingRunCanBeCancelledAndDeleted(t *testing.T) {
	t.Parallel()
	for _, stage := range []checkpoint.Stage{checkpoint.TaskIntake, checkpoint.Evaluation} {
		t.Run(string(stage), func(t *testing.T) {
			a, s := newAad(t), newScript(t)
			for _, id := range []string{"cancelled", "deleted"} {
				a.upTo(a.byExpert(rpc.RunSubmitParams{RunID: id, Instruction: s.text(twoTries), Rubric: wantsGood}), stage)
			}
			must(a, rpc.RunCancel, rpc.RunParams{RunID: "cancelled"})
			if run := a.wait("cancelled"); run.QueueState != apprentice.Cancelled || run.Checkpoint != nil {
				t.Errorf("it ended %s at %v", run.QueueState, run.Checkpoint)
			}
			refused(a, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: "cancelled", Values: json.RawMessage(`{"decision":"passed"}`)}, apprentice.Conflict)
			must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "deleted", Force: true})
			if folder := string(a.home.Run("deleted")); there(folder) {
				t.Errorf("%s is still there", folder)
			}
			if list := must(a, rpc.CheckpointList, rpc.CheckpointListParams{}).Checkpoints; len(list) != 0 {
				t.Errorf("it still waits for %+v", list)
			}
			must(a, rpc.RunRetry, rpc.RunParams{RunID: "cancelled"})
			a.waits("cancelled", stage)
			must(a, rpc.RunCancel, rpc.RunParams{RunID: "cancelled"})
			a.stop()
			a.whole("cancelled")
		})
	}
}
