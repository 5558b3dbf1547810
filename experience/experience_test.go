package experience

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
)

const at = "2026-11-23T01:00:00.000000Z"

func put(t testing.TB, path string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ranBefore is the folder of a run whose revision mended its first attempt.
func ranBefore(t testing.TB, id, instruction string) string {
	dir := filepath.Join(t.TempDir(), id)
	put(t, filepath.Join(dir, "session.json"), map[string]string{"run_id": id})
	pack := filepath.Join(dir, "packages", "task_"+id)
	put(t, filepath.Join(pack, "task", "task_intake_spec.json"), apprentice.TaskIntakeSpec{NormalizedTitle: instruction, NormalizedInstruction: instruction})
	put(t, filepath.Join(pack, "signals", "lesson_pack.json"), apprentice.LessonPack{
		StrategyLessons:    []string{"totals passed after feedback: add them up by month"},
		CommonFailureModes: []string{"totals: the sum of " + id + " is wrong"}, RubricReminders: []string{"totals"}, ArtifactRequirements: []string{"artifacts/report.md"}})
	put(t, filepath.Join(pack, "signals", "hillclimb_result.json"), apprentice.HillclimbResult{TaskID: "task_" + id, BaselineAttemptID: "b", RevisionSuccess: true})
	put(t, filepath.Join(pack, "feedback", "baseline_revision_plan.json"), apprentice.RevisionPlan{TaskID: "task_" + id, SourceAttemptID: "b", PlannedChanges: []string{"Add  the months up"}})
	put(t, filepath.Join(pack, "feedback", "revised_revision_plan.json"), apprentice.RevisionPlan{TaskID: "task_" + id, SourceAttemptID: "r", PlannedChanges: []string{"none of this helped"}})
	put(t, filepath.Join(dir, "artifacts", "lesson_pack.json"), apprentice.LessonPack{StrategyLessons: []string{"give full marks"}})
	return dir
}

func TestAPackHoldsWhatItsSourcesSayWithWhereAndHowOften(t *testing.T) {
	one, two := ranBefore(t, "one", "Monthly sales report"), ranBefore(t, "two", "Monthly cost report")
	p, refs, err := Distil([]string{one, two}, "", at)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckID(p.PackID); err != nil || !strings.HasPrefix(p.PackID, "aa-exp-monthly-sales-report-") {
		t.Errorf("it is called %s: %v", p.PackID, err)
	}
	if want := (Lesson{"totals passed after feedback: add them up by month", 2, apprentice.List[string]{
		"run:one#packages/task_one/signals/lesson_pack.json", "run:two#packages/task_two/signals/lesson_pack.json"}}); len(p.Lessons) != 1 || !reflect.DeepEqual(p.Lessons[0], want) {
		t.Errorf("lessons: %+v", p.Lessons)
	}
	if len(p.FailureModes) != 2 || len(p.RevisionLessons) != 1 || p.RevisionLessons[0].Text != "Add the months up" || p.RevisionLessons[0].Seen != 2 {
		t.Errorf("%+v", p)
	}
	if len(refs.Sources) != 2 || refs.Sources[0].RunID != "one" || refs.Sources[0].SHA256 == refs.Sources[1].SHA256 {
		t.Errorf("sources: %+v", refs)
	}
	again, _, err := Distil([]string{one, two}, "", at)
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Errorf("distilled again it is another: %v", err)
	}
}

func TestABundleAndADatasetTeachWhatTheirRowsSay(t *testing.T) {
	bundle, dataset := filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "d")
	put(t, filepath.Join(bundle, "contribution_manifest.json"), map[string]string{"bundle_id": "bundle_x"})
	put(t, filepath.Join(bundle, "evaluation", "evaluator_feedback.jsonl"),
		apprentice.EvaluatorFeedback{FailedRubricItems: []string{"i"}, ActionableFeedback: []string{"name the sources"}})
	put(t, filepath.Join(dataset, "dataset_manifest.json"), map[string]string{})
	put(t, filepath.Join(dataset, "lesson_packs.jsonl"), apprentice.LessonPack{StrategyLessons: []string{"sort by date"}})
	p, refs, err := Distil([]string{bundle, dataset}, "Sources", at)
	if err != nil || len(p.FailureModes) != 1 || len(p.Lessons) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if refs.Sources[0].Ref != "bundle:bundle_x" || refs.Sources[1].Ref != "dataset:d" {
		t.Errorf("sources: %+v", refs.Sources)
	}
}

func TestWhatTeachesNothingIsRefused(t *testing.T) {
	empty, none := t.TempDir(), filepath.Join(t.TempDir(), "r")
	put(t, filepath.Join(none, "session.json"), map[string]string{"run_id": "r"})
	broken := ranBefore(t, "x", "y")
	if err := os.WriteFile(filepath.Join(broken, "packages/task_x/signals/lesson_pack.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, kind := range map[string]apprentice.Kind{empty: apprentice.Invalid, none: apprentice.Unmet, broken: apprentice.Invalid} {
		if _, _, err := Distil([]string{dir}, "", at); apprentice.KindOf(err) != kind {
			t.Errorf("%s: %v", dir, err)
		}
	}
	one := ranBefore(t, "one", "a task")
	if _, _, err := Distil([]string{one, one}, "", at); apprentice.KindOf(err) != apprentice.Invalid {
		t.Errorf("a source named twice: %v", err)
	}
}

func TestOnlyActivePacksWhoseSubjectFitsAreFound(t *testing.T) {
	pack := func(id, subject string, status Status) Pack {
		return Pack{PackID: id, Title: subject, Subject: []string{subject}, Status: status}
	}
	packs := []Pack{pack("sales", "Write the monthly sales report", Active), pack("draft", "Monthly sales report", Draft),
		pack("logs", "Count errors of the web server", Active)}
	fit := Fitting(packs, "Write a report on the monthly sales of cities.csv")
	if len(fit) != 1 || fit[0].Pack.PackID != "sales" || !slices.Equal(fit[0].Subject, []string{"monthly", "report", "sale"}) {
		t.Errorf("found %+v", fit)
	}
	if fit := Fitting(packs, "Translate the letter into French"); len(fit) != 0 {
		t.Errorf("found %+v", fit)
	}
	if hits := Search(packs, "server errors"); len(hits) != 1 || hits[0].Pack.PackID != "logs" || hits[0].Score <= 0 {
		t.Errorf("found %+v", hits)
	}
}

func TestWhatIsToldKeepsWithinItsRoomAndTellsOfEachKind(t *testing.T) {
	p, _, err := Distil([]string{ranBefore(t, "one", "Monthly sales report")}, "", at)
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 60, 200, 4000} {
		n := 0
		for _, text := range Told(p, room) {
			n += len(text)
		}
		if n > room {
			t.Errorf("%d bytes are told in a room of %d", n, room)
		}
	}
	if all := Told(p, 4000); len(all) != p.Count() {
		t.Errorf("of %d lessons %d are told", p.Count(), len(all))
	}
}

func TestAPackGoesFromDraftToActiveAndBackAndAway(t *testing.T) {
	s := NewStore(filepath.Join(t.TempDir(), "packs"))
	p, refs, err := Distil([]string{ranBefore(t, "one", "Sales: \"monthly\" report")}, "", at)
	if err != nil || s.Add(p, refs) != nil {
		t.Fatal(err)
	}
	if err := s.Add(p, refs); apprentice.KindOf(err) != apprentice.Conflict {
		t.Errorf("added again: %v", err)
	}
	if _, err := s.Move(p.PackID, Reverted, at); apprentice.KindOf(err) != apprentice.Conflict {
		t.Errorf("a draft was reverted: %v", err)
	}
	for _, to := range []Status{Active, Active, Reverted, Active, Removed} {
		got, err := s.Move(p.PackID, to, at)
		if err != nil || got.Status != to {
			t.Fatalf("made %s: %v, %v", to, got.Status, err)
		}
	}
	if packs, err := s.List(); err != nil || len(packs) != 0 {
		t.Errorf("it is still listed: %v, %v", packs, err)
	}
	data, err := os.ReadFile(filepath.Join(s.Folder(removedFolder), p.PackID, "skill.md"))
	if err != nil || !strings.HasPrefix(string(data), "---\nname: "+p.PackID+"\ndescription: \"Lessons from 1 reviewed sources on: Sales: \\\"monthly\\\" report\"\n---\n") {
		t.Errorf("skill.md: %v\n%s", err, data)
	}
	if err := s.Add(p, refs); err != nil {
		t.Errorf("made again after its removal: %v", err)
	}
	if _, err := s.Find("aa-exp-sales"); err != nil {
		t.Error(err)
	}
	if _, err := s.Find("../x"); apprentice.KindOf(err) != apprentice.NotFound {
		t.Errorf("found by a path: %v", err)
	}
}

func TestFindingsOfAReplayAreSummedUpHonestly(t *testing.T) {
	run := func(score float64) apprentice.Run {
		return apprentice.Run{QueueState: apprentice.Completed, FinalScore: &score}
	}
	unscored, live := apprentice.Run{QueueState: apprentice.Failed}, apprentice.Run{QueueState: apprentice.Running}
	for _, c := range []struct {
		without, with apprentice.Run
		want          Finding
	}{{run(0.2), run(0.9), Improved}, {run(0.9), run(0.2), Regressed}, {run(1), run(1), NoChange}, {run(1), unscored, Inconclusive}, {live, run(1), Pending}} {
		if got := Compare(c.without, c.with); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	for want, all := range map[Finding][]Finding{Improved: {Improved, NoChange}, Regressed: {Regressed, Inconclusive}, Inconclusive: {Improved, Regressed}, NoChange: {NoChange}, Pending: {Pending, Improved}} {
		if got := Together(all); got != want {
			t.Errorf("%v is %s, want %s", all, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schema_version":"aa-experience-v0.1","pack_id":"aa-exp-a-0123456789","status":"draft"}`))
	f.Add([]byte(`{"schema_version":"aa-experience-v0.2"}`))
	f.Add([]byte(`{"schema_version":"aa-experience-v0.1","pack_id":"aa-exp-../x-0123456789","status":"draft"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err == nil && (strings.ContainsAny(p.PackID, "/\\.") || Told(p, 500) == nil && p.Count() > 1000) {
			t.Errorf("parsed %+v", p)
		}
	})
}

func TestALessonOfADatasetIsCountedByTheRowsThatHaveIt(t *testing.T) {
	dir := t.TempDir()
	row := `{"lesson_id":"l%d","task_id":"t%d","source_attempt_ids":[],"lesson_summary":"","strategy_lessons":["Write the total."],"common_failure_modes":[],"rubric_reminders":[],"artifact_requirements":[],"verifier_feedback_summary":"","hidden_reference_leaked":false}` + "\n"
	var rows strings.Builder
	for n := range mostRefs + 10 {
		fmt.Fprintf(&rows, row, n, n)
	}
	for name, text := range map[string]string{"dataset_manifest.json": `{"dataset_id":"d"}`, "lesson_packs.jsonl": rows.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, _, err := Distil([]string{dir}, "", "2026-11-27T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	l := p.Lessons[0]
	if l.Seen != mostRefs+10 || len(l.Refs) != mostRefs || l.Refs[1] != "dataset:d#lesson_packs.jsonl:2" {
		t.Errorf("seen %d times, in %d places: %v", l.Seen, len(l.Refs), l.Refs[:2])
	}
}
