package daemon

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

// listing is a run's events as type[phase].
func (a *aad) listing(id apprentice.RunID) string {
	a.t.Helper()
	var words []string
	for _, e := range a.events(id) {
		words = append(words, string(e.EventType)+"["+e.Phase+"]")
	}
	return strings.Join(words, "\n")
}

func phases(lines string) string {
	return strings.Join(strings.Fields(lines), "\n")
}

func TestEventsStandInTheirOrderWithTheirPhases(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.work(rpc.RunSubmitParams{RunID: "accepted", Rubric: wantsGood, Instruction: s.text(twoTries)})
	a.work(rpc.RunSubmitParams{RunID: "failed", Rubric: wantsGood, Instruction: "exit 3"})
	a.submit(rpc.RunSubmitParams{RunID: "cancelled", Rubric: wantsGood, Instruction: s.text(s.gate("never"))})
	s.reached("never")
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "cancelled"})
	a.wait("cancelled")
	for id, want := range map[apprentice.RunID]string{
		"accepted": `run_queued[queued] run_started[starting] task_workspace_prepared[preparing_workspace]
			apprentice_attempt_started[apprentice_attempt] apprentice_attempt_completed[apprentice_attempt_complete]
			mentor_review_started[mentor_review] mentor_review_completed[mentor_review_complete]
			revision_started[revision_attempt] revision_completed[revision_attempt_complete]
			mentor_review_started[mentor_review] mentor_review_completed[mentor_review_complete]
			contribution_bundle_started[contribution_bundle] contribution_bundle_completed[contribution_bundle_complete] run_completed[completed]`,
		"failed": `run_queued[queued] run_started[starting] task_workspace_prepared[preparing_workspace]
			apprentice_attempt_started[apprentice_attempt] apprentice_attempt_completed[apprentice_attempt_complete]
			operational_error[operational_error]
			contribution_bundle_started[contribution_bundle] contribution_bundle_completed[contribution_bundle_complete] run_completed[failed]`,
		"cancelled": `run_queued[queued] run_started[starting] task_workspace_prepared[preparing_workspace]
			apprentice_attempt_started[apprentice_attempt] apprentice_attempt_completed[apprentice_attempt_complete]
			contribution_bundle_started[contribution_bundle] contribution_bundle_completed[contribution_bundle_complete] run_cancelled[cancelled]`,
	} {
		if got := a.listing(id); got != phases(want) {
			t.Errorf("%s has\n%s", id, got)
		}
	}
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "accepted", Instruction: s.text("echo good > artifacts/out.txt")})
	a.wait("accepted")
	must(a, rpc.RunFinish, rpc.RunParams{RunID: "accepted"})
	want := phases(`run_queued[queued] followup_started[followup] task_workspace_prepared[preparing_workspace]
		apprentice_attempt_started[apprentice_attempt] apprentice_attempt_completed[apprentice_attempt_complete]
		mentor_review_started[mentor_review] mentor_review_completed[mentor_review_complete] 
		contribution_bundle_started[contribution_bundle] contribution_bundle_completed[contribution_bundle_complete] followup_completed[followup_complete]
		session_finished[session_finished] contribution_bundle_started[contribution_bundle] contribution_bundle_completed[contribution_bundle_complete]`)
	if got := a.listing("accepted"); !strings.HasSuffix(got, want) {
		t.Errorf("the follow-up has\n%s", got)
	}
	a.fields("accepted")
	a.stop()
	a.whole("accepted", "failed", "cancelled")
	a.sessionLog()
}

// fields holds what the events of an accepted run tell beside their types.
func (a *aad) fields(id apprentice.RunID) {
	a.t.Helper()
	for _, e := range a.events(id) {
		switch e.EventType {
		case apprentice.AttemptCompleted, apprentice.RevisionCompleted:
			if e.ArtifactsPath == "" || e.TracedSteps == 0 || e.ArtifactCount == 0 {
				a.t.Errorf("%s tells %+v", e.EventType, e)
			}
		case apprentice.RunStarted, apprentice.ReviewStarted:
			if e.RunStatus != apprentice.StatusRunning || e.TaskStatus != apprentice.StatusRunning || e.MaximumImprovementLoops != 3 {
				a.t.Errorf("%s tells %+v", e.EventType, e)
			}
		case apprentice.RunCompleted:
			if e.RunStatus != apprentice.StatusCompleted || e.CurrentLoop != 2 {
				a.t.Errorf("%s tells %+v", e.EventType, e)
			}
		}
	}
	for line := range strings.Lines(slurp(a.t, a.home.Run(id).Progress())) {
		if keys := keysOf(a, line); !slices.IsSorted(keys) {
			a.t.Errorf("keys are not sorted: %s", line)
		}
	}
}

func keysOf(a *aad, line string) (keys []string) {
	dec := json.NewDecoder(strings.NewReader(line))
	depth := 0
	for key := false; ; {
		token, err := dec.Token()
		if err != nil {
			return keys
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			key = true
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
			key = true
			continue
		}
		if depth == 1 {
			if key {
				keys = append(keys, token.(string))
			}
			key = !key
		}
	}
}

func (a *aad) sessionLog() {
	a.t.Helper()
	f, err := os.Open(a.home.Run("accepted").SessionLog())
	if err != nil {
		a.t.Fatal(err)
	}
	defer f.Close()
	var words []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e apprentice.SessionEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			a.t.Error(err)
		}
		words = append(words, e.EventType+":"+e.TaskID+":"+e.AttemptID)
		if e.EventType == "user_followup" && (e.FeedbackSource != "user" || e.FeedbackType != "followup_instruction" || e.AppliesToAttempt != "task_accepted_revised") {
			a.t.Errorf("the follow-up says %+v", e)
		}
	}
	const second = "task_accepted-followup-1"
	want := []string{"task_instruction:task_accepted:", "agent_attempt:task_accepted:task_accepted_revised", "evaluation:task_accepted:task_accepted_revised",
		"revision:task_accepted:task_accepted_revised", "user_followup:" + second + ":", "agent_attempt:" + second + ":" + second + "_baseline",
		"evaluation:" + second + ":" + second + "_baseline", "session_finished:task_accepted:"}
	if !slices.Equal(words, want) {
		a.t.Errorf("the session tells\n%s\nwant\n%s", strings.Join(words, "\n"), strings.Join(want, "\n"))
	}
}

func TestAFileIsReadToItsEndByPiecesOfAnySize(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "printf 'goodé€' > artifacts/out.txt"})
	for limit := 1; limit <= 5; limit++ {
		var read []byte
		for p := (rpc.RunFileParams{RunID: "r", Path: "artifacts/out.txt", Limit: limit}); ; {
			piece := must(a, rpc.RunFile, p)
			read = append(append(read, piece.Text...), piece.Base64...)
			if piece.Next == 0 {
				break
			}
			if piece.Next <= p.Offset {
				t.Fatalf("by %d bytes: after %d comes %d", limit, p.Offset, piece.Next)
			}
			p.Offset = piece.Next
		}
		if string(read) != "goodé€" {
			t.Errorf("by %d bytes it is %q", limit, read)
		}
	}
}
