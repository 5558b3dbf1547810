package daemon

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

// intake submits a run and waits until it asks about its task.
func (a *aad) intake(id string) apprentice.RunID {
	a.t.Helper()
	run := a.byExpert(rpc.RunSubmitParams{RunID: id, Instruction: "echo x > artifacts/x"})
	a.waits(run, checkpoint.TaskIntake)
	return run
}

func TestAnswersAreTakenHoweverTheFileIsSaved(t *testing.T) {
	t.Parallel()
	ways := map[string]func(t *testing.T, a *aad, path, text string){
		"sed": func(t *testing.T, _ *aad, path, _ string) {
			if out, err := exec.Command("sed", "-i", `s/"decision": "pending"/"decision": "confirmed"/`, path).CombinedOutput(); err != nil {
				t.Fatalf("sed: %v: %s", err, out)
			}
		},
		"rename": func(t *testing.T, _ *aad, path, text string) {
			if err := os.Rename(path, path+"~"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(write(t, path+".new", text), path); err != nil {
				t.Fatal(err)
			}
		},
		"truncate and write": func(t *testing.T, _ *aad, path, text string) { write(t, path, text) },
		"symlink": func(t *testing.T, _ *aad, path, text string) {
			target := filepath.Join(t.TempDir(), "elsewhere.json")
			write(t, target, slurp(t, path))
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			write(t, target, text)
		},
		"while aad is down": func(t *testing.T, a *aad, path, text string) {
			a.stop()
			write(t, path, text)
			a.start()
		},
	}
	for name, save := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAad(t)
			id := a.intake("r")
			save(t, a, a.asked(id, checkpoint.TaskIntake), a.edited(id, checkpoint.TaskIntake, decide("confirmed")))
			a.waits(id, checkpoint.Rubric)
			for _, e := range a.events(id) {
				if e.EventType == apprentice.CheckpointResolved && (e.Metadata["way"] != "file" || e.Metadata["uid"] != float64(os.Getuid())) {
					t.Errorf("the log says it came by %v", e.Metadata)
				}
			}
		})
	}
}

func TestAQuestionWhoseFileOrFolderIsDeletedIsAskedAgain(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.intake("r")
	path := a.asked(id, checkpoint.TaskIntake)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	a.waits(id, checkpoint.TaskIntake)
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	a.answer(id, checkpoint.TaskIntake, decide("confirmed"))
	a.waits(id, checkpoint.Rubric)
	if types := a.types(id); strings.Count(types, "checkpoint_opened") != 2 {
		t.Errorf("its events are %s", types)
	}
}

func TestAnAnswerThatCannotBeUsedIsToldAndACorrectedOneIsTaken(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.intake("r")
	path := a.asked(id, checkpoint.TaskIntake)
	wrong := a.edited(id, checkpoint.TaskIntake, map[string]any{"decision": "perhaps"})
	write(t, path, wrong)
	a.await(id, apprentice.CheckpointRejected)
	if slurp(t, path) != wrong {
		t.Error("the person's file was touched")
	}
	note := filepath.Join(filepath.Dir(path), checkpoint.TaskIntake.ErrorsName())
	for _, part := range []string{"line ", "field decision", "confirmed, edited or rejected", "perhaps"} {
		if text := slurp(t, note); !strings.Contains(text, part) {
			t.Errorf("the note does not say %q:\n%s", part, text)
		}
	}
	run := a.get(id).Run
	if run.Phase != apprentice.PhaseIntakePending || run.QueueState != apprentice.Waiting {
		t.Errorf("the run is %s in phase %s", run.QueueState, run.Phase)
	}
	if list := must(a, rpc.CheckpointList, rpc.CheckpointListParams{}).Checkpoints; len(list) != 1 || !strings.Contains(list[0].Refused, "perhaps") {
		t.Errorf("the list says %+v", list)
	}
	a.refusedAnswers(id, 1, "file", "perhaps")
	write(t, path, a.edited(id, checkpoint.TaskIntake, decide("confirmed")))
	a.waits(id, checkpoint.Rubric)
	if there(note) {
		t.Error("the note is still there")
	}
}

// refusedAnswers expects a number of refused answers in history and in the log, each
// with its way and with words of its content.
func (a *aad) refusedAnswers(id apprentice.RunID, n int, way, words string) {
	a.t.Helper()
	kept := 0
	for _, path := range under(filepath.Join(a.home.Run(id).Checkpoints(), "history")) {
		var r checkpoint.Refused
		if strings.Contains(path, "_refused") && json.Unmarshal([]byte(slurp(a.t, path)), &r) == nil &&
			string(r.By.Way) == way && r.By.UID == os.Getuid() && r.By.User != "" && strings.Contains(r.Content, words) {
			kept++
		}
	}
	logged := 0
	for _, e := range a.events(id) {
		if e.EventType == apprentice.CheckpointRejected && e.Metadata["way"] == way && e.Metadata["uid"] == float64(os.Getuid()) && e.Metadata["user"] != "" {
			logged++
		}
	}
	if kept != n || logged != n {
		a.t.Errorf("%d refused answers by %s are in history and %d in the log, want %d", kept, way, logged, n)
	}
}

func TestAnAnswerToAnEndedRunIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.intake("r")
	a.resolve(id, checkpoint.TaskIntake, `{"decision":"rejected"}`)
	before := a.wait(id)
	for stage, words := range map[string]string{"": "run r waits for nobody: it is failed", "task_intake": "was answered already: rejected by "} {
		p := rpc.CheckpointResolveParams{RunID: "r", Stage: stage, Revision: rpc.NotOpen, Values: json.RawMessage(`{"decision":"confirmed"}`)}
		if err := refused(a, rpc.CheckpointResolve, p, apprentice.Conflict); !strings.Contains(err.Error(), words) {
			t.Errorf("the answer to %q is refused with %v", stage, err)
		}
	}
	if run := a.get(id).Run; run.EventCount != before.EventCount || run.Message != before.Message {
		t.Errorf("its log went on to event %d: %s", run.EventCount, run.Message)
	}
}

func TestRefusedCallsAreInHistoryAndInTheLog(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.intake("r")
	p := rpc.CheckpointResolveParams{RunID: "r", Values: json.RawMessage(`{"decision":"maybe"}`)}
	refused(a, rpc.CheckpointResolve, p, apprentice.Invalid)
	a.refusedAnswers(id, 1, "rpc", "maybe")
	a.resolve(id, checkpoint.TaskIntake, `{"decision":"confirmed"}`)
	a.waits(id, checkpoint.Rubric)
	p.Stage, p.Values = "task_intake", json.RawMessage(`{"decision":"rejected"}`)
	err := refused(a, rpc.CheckpointResolve, p, apprentice.Conflict)
	for _, part := range []string{"confirmed by ", " at 20", "(rpc)"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("who comes second is told %q, not %q", err, part)
		}
	}
	a.refusedAnswers(id, 2, "rpc", "decision")
}

func TestWhoSavesAnAnsweredFileIsToldWhoAnswered(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.intake("r")
	late := a.edited(id, checkpoint.TaskIntake, decide("rejected"))
	a.resolve(id, checkpoint.TaskIntake, `{"decision":"confirmed"}`)
	a.waits(id, checkpoint.Rubric)
	path := a.asked(id, checkpoint.TaskIntake)
	write(t, path, late)
	a.await(id, apprentice.CheckpointRejected)
	a.refusedAnswers(id, 1, "file", `"rejected"`)
	note := filepath.Join(filepath.Dir(path), checkpoint.TaskIntake.ErrorsName())
	eventually(t, "a note says who answered", func() bool { return there(note) })
	if text := slurp(t, note); !strings.Contains(text, "was answered already: confirmed by ") || !strings.Contains(text, "(rpc)") {
		t.Errorf("the note says %s", text)
	}
	if run := a.get(id).Run; run.Checkpoint == nil || run.Checkpoint.Stage != "rubric" {
		t.Errorf("the run is %s at %v", run.QueueState, run.Checkpoint)
	}
}
