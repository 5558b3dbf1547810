package loop

import (
	"encoding/json"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/grading"
)

// Attempts reads a pass's attempts out of its finished stages, put-aside ones left
// out. The last may still be running; then its Status is "".
func Attempts(j Journal, run apprentice.RunID, pass int) ([]apprentice.Attempt, error) {
	if list, done, err := load[[]apprentice.Attempt](j, importedStage); err != nil || done {
		return list, err
	}
	task := apprentice.TaskOf(run, pass)
	d, _, err := load[drafted](j, "draft")
	if err != nil {
		return nil, err
	}
	if a, done, err := load[answered](j, answerStage("rubric")); err != nil {
		return nil, err
	} else if done {
		if _, err := amend(&d, task, a); err != nil {
			return nil, err
		}
	}
	chosen, concluded, err := load[selected](j, "select")
	if err != nil {
		return nil, err
	}
	var list []apprentice.Attempt
	for n := 0; ; n++ {
		kind := apprentice.KindOfAttempt(n)
		in, ok, err := load[intent](j, intentStage(kind))
		if err != nil || !ok {
			return list, err
		}
		a := apprentice.Attempt{AttemptID: apprentice.AttemptOf(task, kind), Kind: kind, TaskID: task, Pass: pass,
			Folder: "packages/" + string(task) + "/attempts/" + string(kind), StartedAt: in.Started}
		t, ended, err := load[tried](j, attemptStage(kind))
		if err != nil {
			return list, err
		}
		if ended {
			tell(&a, t)
		}
		r, done, err := load[reviewed](j, reviewStage(kind))
		if err != nil {
			return list, err
		}
		if done {
			tellReview(&a, r, d.Rubric.Spec)
		} else if r.Graded, done, err = load[graded](j, gradeStage(kind)); err != nil {
			return list, err
		} else if done {
			a.Criteria = grading.Criteria(r.Graded.Grade, d.Rubric.Spec) // a person has the last word, and has not spoken yet
		}
		a.Selected = concluded && chosen.Index == n
		list = append(list, a)
	}
}

const importedStage = "imported"

// Imported is the one stage of a pass that was worked elsewhere, with its result: the
// attempts as they are told.
func Imported(attempts []apprentice.Attempt) (stage string, result []byte, err error) {
	result, err = json.Marshal(envelope[[]apprentice.Attempt]{format, attempts})
	return importedStage, result, err
}

func tell(a *apprentice.Attempt, t tried) {
	a.Status, a.OperationalError, a.Message, a.ExitCode = t.Outputs.Status, t.Operational, t.Message, t.ExitCode
	a.Agent = t.Agent
	a.StartedAt, a.EndedAt, a.TracedSteps = t.Started, t.Ended, t.Steps
	a.Repository = t.Kept
	a.Artifacts = t.Outputs.Delivered()
}

func tellReview(a *apprentice.Attempt, r reviewed, spec apprentice.RubricSpec) {
	a.Verdict = r.Verdict
	if r.Graded.Grade.GraderKind != "unavailable" {
		score := r.Measured.Score
		a.Score = &score
	}
	a.Feedback, a.PlannedChanges = r.Feedback.FeedbackSummary, r.Plan.PlannedChanges
	a.Criteria = grading.Criteria(r.Graded.Grade, spec)
}

// Retry says which stages an ended pass drops so that Work does it again from its
// last attempt: that one is put aside, the ones before it are kept.
func Retry(j Journal) (drop []string, err error) {
	drop = []string{"select", packedStage, questionStage("final"), answerStage("final"), questionStage(finishName), answerStage(finishName)}
	var last apprentice.AttemptKind
	for n := 0; ; n++ {
		kind := apprentice.KindOfAttempt(n)
		_, ok, err := load[intent](j, intentStage(kind))
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		last = kind
	}
	if last == "" {
		again, err := askAgain(j)
		return append(append(drop, "draft"), again...), err
	}
	for _, question := range []string{"evaluation/" + string(last), "revision/" + string(last)} {
		drop = append(drop, questionStage(question), answerStage(question))
	}
	return append(drop, attemptStage(last), reviewStage(last), gradeStage(last), setbackStage(last), pauseStage(last), operationalStage(last)), nil
}

// askAgain says which questions before the first attempt are put again: what a
// person rejected, and what nobody has answered.
func askAgain(j Journal) (drop []string, err error) {
	for _, name := range []string{"task_intake", "rubric"} {
		a, done, err := load[answered](j, answerStage(name))
		if err != nil {
			return nil, err
		}
		if !done || a.Answer.Decision == checkpoint.Rejected {
			drop = append(drop, questionStage(name), answerStage(name))
		}
	}
	return drop, nil
}
