package daemon

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"aad/apprentice"
	"aad/internal/model"
	"aad/mentor"
	"aad/rpc"
)

func TestRegradeReviewsAgainWithoutTheAgentAndKeepsTheEarlierGrades(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, byWords)
	a, s := newAad(t, env...), newScript(t)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(reportBy("january", "january, march")), Settings: rpc.RunSettings{"max_improvement_loops": 2}})
	if run.Verdict != apprentice.FailedReview || run.SelectedID != "task_r_revised" {
		t.Fatalf("run is %+v", run)
	}
	r.grade = func(text string) any { // a milder mind: names of months are enough
		g := byWords(text).(mentor.GraderAnswer)
		g.Criteria[2].Score, g.Criteria[2].Evidence[0].Quote = 1, ""
		return g
	}
	must(a, rpc.RunRegrade, rpc.RunRegradeParams{RunID: "r", Reason: "the total was never asked for"})
	run = a.wait("r")
	if !run.Accepted() || *run.FinalScore != 1 || run.StopReason != apprentice.StopAccepted || len(s.starts()) != 2 || s.starts()["r baseline"] != 1 {
		t.Errorf("regraded, it is %+v; attempts %v", run, s.starts())
	}
	var before, now apprentice.GraderResult
	a.read("r", "grading/history/1/revised_grader_result.json", &before)
	a.read("r", "grading/revised_grader_result.json", &now)
	if before.Score != 0.6 || now.Score != 1 {
		t.Errorf("grades are %v, then %v", before.Score, now.Score)
	}
	told := slurp(t, filepath.Join(string(a.home.Run("r").Package("task_r")), "grading/history/1/regrade.json"))
	if !strings.Contains(told, "the total was never asked for") || !strings.Contains(told, `"replaced_at": "2`) || strings.Contains(told, `"replaced_by": ""`) {
		t.Errorf("the history says %s", told)
	}
	if !strings.Contains(a.types("r"), "run_completed run_regraded run_resumed mentor_review_started") {
		t.Errorf("events are %s", a.types("r"))
	}
	must(a, rpc.RunRegrade, rpc.RunRegradeParams{RunID: "r", Role: "verifier"})
	a.wait("r")
	if r.asked("grader") != 4 || r.asked("verifier") != 6 {
		t.Errorf("graders were asked %d times, verifiers %d", r.asked("grader"), r.asked("verifier"))
	}
	a.rolesLeft("r", "intake/task", "rubric/task", "grader/baseline", "grader/revised", "verifier/baseline", "verifier/revised",
		"evaluator/baseline", "evaluator/revised", "grader/baseline-regrade-1", "grader/revised-regrade-1", "verifier/baseline-regrade-1",
		"verifier/revised-regrade-1", "evaluator/baseline-regrade-1", "verifier/baseline-regrade-2", "verifier/revised-regrade-2", "evaluator/baseline-regrade-2")
	a.stop()
	a.whole("r")
}

func TestRegradeOfAnUnreviewedRunReviewsIt(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, func(string) any { return model.Step{Fault: "quota"} })
	a := newAad(t, env...)
	if run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("march; total 1")}); run.Verdict != apprentice.Unreviewed {
		t.Fatalf("run is %+v", run)
	}
	r.grade = byWords
	must(a, rpc.RunRegrade, rpc.RunRegradeParams{RunID: "r"})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("regraded, it is %+v", run)
	}
	refused(a, rpc.RunRegrade, rpc.RunRegradeParams{RunID: "r", Role: "intake"}, apprentice.Invalid)
}

func TestBudgetOfARunStopsTheLoop(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, byWords)
	// Each call takes 120 tokens: intake, rubric, grader, verifier, evaluator are 600.
	a := newAad(t, append(env, "AA_RUN_TOKEN_BUDGET=600")...)
	run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: reportBy("january", "march; total")})
	if run.StopReason != apprentice.StopBudget || run.Verdict != apprentice.FailedReview || run.CurrentLoop != 1 || r.asked("grader") != 1 {
		t.Errorf("run is %+v", run)
	}
	if run.Spending == nil || run.Spending.Tokens() != 600 || run.Spending.Calls != 5 {
		t.Errorf("it took %+v", run.Spending)
	}
}

func TestBudgetOfADayLeavesFurtherRunsUnreviewed(t *testing.T) {
	t.Parallel()
	r, env := newReviewer(t, byWords)
	a := newAad(t, append(env, "AA_DAY_COST_BUDGET=0.0005")...) // a call costs 0.0003
	a.work(rpc.RunSubmitParams{RunID: "one", Instruction: reportBy("march; total")})
	run := a.work(rpc.RunSubmitParams{RunID: "two", Instruction: reportBy("march; total")})
	if run.Verdict != apprentice.Unreviewed || run.StopReason != apprentice.StopBudget || len(r.server.Requests()) != 2 {
		t.Errorf("run is %+v after %d calls", run, len(r.server.Requests()))
	}
	u := must(a, rpc.UsageGet, rpc.UsageParams{By: []string{"run", "role", "agent", "model", "day"}})
	if len(u.Rows) != 2 || u.Rows[0].RunID != "one" || u.Rows[0].Agent != "shell" || u.Rows[0].Model != "scripted" || u.Total.Tokens() != 240 || u.Total.Cost != 0.0006 {
		t.Errorf("usage is %+v", u)
	}
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "one"})
	if u = must(a, rpc.UsageGet, rpc.UsageParams{RunID: "one"}); u.Total.Calls != 2 || len(u.Rows) != 0 {
		t.Errorf("of a deleted run, usage is %+v", u)
	}
	refused(a, rpc.UsageGet, rpc.UsageParams{By: []string{"colour"}}, apprentice.Invalid)
}

func TestKillDuringACallRepeatsThatCallOnly(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"intake", "rubric", "grader", "verifier", "evaluator"} {
		t.Run(role, func(t *testing.T) {
			r, env := newReviewer(t, byWords)
			reached := make(chan struct{})
			var hung atomic.Bool
			r.before = func(q model.Request) *model.Step {
				if q.Schema != role || hung.Swap(true) {
					return nil
				}
				close(reached)
				return &model.Step{Fault: "hang"}
			}
			a, s := newAad(t, env...), newScript(t)
			a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(reportBy("january", "march; total"))})
			<-reached
			a.kill()
			a.start()
			run := a.wait("r")
			if !run.Accepted() {
				t.Errorf("run is %+v", run)
			}
			want := map[string]int{"intake": 1, "rubric": 1, "grader": 2, "verifier": 2, "evaluator": 1}
			want[role]++
			for name, n := range want {
				if r.asked(name) != n {
					t.Errorf("the %s was asked %d times, want %d", name, r.asked(name), n)
				}
			}
			if u := must(a, rpc.UsageGet, rpc.UsageParams{}); u.Total.Calls != 7 {
				t.Errorf("usage is %+v", u.Total)
			}
			if starts := s.starts(); starts["r baseline"] != 1 || starts["r revised"] != 1 {
				t.Errorf("attempts were started %v", starts)
			}
			a.stop()
			a.whole("r")
		})
	}
}

func TestWhatANoteFollowsIsNotWorkedAgainAndThatIsSaid(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "exit 3"})
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: "noted", RecordOnly: true})
	for _, err := range []error{
		refused(a, rpc.RunRetry, rpc.RunParams{RunID: "r"}, apprentice.Conflict),
		refused(a, rpc.RunRegrade, rpc.RunRegradeParams{RunID: "r"}, apprentice.Conflict),
	} {
		if !strings.Contains(err.Error(), "was only recorded") {
			t.Errorf("it is refused with: %v", err)
		}
	}
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: "echo hi > artifacts/x"})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("continued, it is %s, %s: %s", run.QueueState, run.Verdict, run.StatusReason)
	}
}
