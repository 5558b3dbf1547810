//go:build unix

package daemon

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"

	"github.com/rogpeppe/go-internal/diff"
)

// take imports what is in a folder of another home, and returns what became of each.
func (a *aad) take(path string) []rpc.RunImportResult {
	a.t.Helper()
	var all []rpc.RunImportResult
	for p := (rpc.RunImportParams{Path: path}); ; {
		r := must(a, rpc.RunImport, p)
		all = append(all, r)
		if p.After = r.Next; r.Next == "" {
			return all
		}
	}
}

func (a *aad) outcome(path, want string) rpc.RunImportResult {
	a.t.Helper()
	r := must(a, rpc.RunImport, rpc.RunImportParams{Path: path})
	if r.Outcome != want {
		a.t.Errorf("import of %s: %s, %s, %v, want it %s", path, r.Outcome, r.Reason, r.Problems, want)
	}
	return r
}

// bytesOf are the files of a folder by name.
func bytesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, path := range under(dir) {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		all[rel] = slurp(t, path)
	}
	return all
}

// worked is a home with runs of many kinds, whose aad has stopped.
func worked(t *testing.T) *aad {
	t.Helper()
	a, s := newAad(t), newScript(t)
	data := write(t, s.file("my data.csv"), "1\n")
	folder := s.file("folder")
	if err := os.MkdirAll(filepath.Join(folder, "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "deep", "x.txt"), "x")
	a.work(rpc.RunSubmitParams{RunID: "many", Instruction: s.text(twoTries), Rubric: wantsGood, Assets: []string{data, folder}})
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "many", Instruction: s.text("echo good > artifacts/out.txt; echo more > artifacts/more"), Assets: []string{data}})
	a.wait("many")
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "many", Instruction: "it was well liked", RecordOnly: true})
	a.work(rpc.RunSubmitParams{RunID: "failed", Instruction: s.text("echo no >&2; exit 3")})
	a.work(rpc.RunSubmitParams{RunID: "partial", Instruction: s.text("echo x > artifacts/out.txt; ln -s out.txt artifacts/same; exit 3"), NoBundle: true})

	a.submit(rpc.RunSubmitParams{RunID: "crashed", Instruction: s.text(s.gate("in"), "echo x > artifacts/x")})
	s.reached("in")
	a.kill()
	s.open("in")
	a.start()
	a.wait("crashed")

	must(a, rpc.RunSubmit, rpc.RunSubmitParams{RunID: "never", Instruction: "echo x", Hold: true})
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "never"})

	id := a.byExpert(rpc.RunSubmitParams{RunID: "people", Instruction: s.text("echo x > artifacts/x")})
	a.upTo(id, checkpoint.Evaluation)
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"confirmed"}`)
	a.wait(id)
	a.stop()
	return a
}

var workedIDs = []apprentice.RunID{"crashed", "failed", "many", "never", "partial", "people"}

// TestRunsOfAnotherHomeAreHereAsTheyWereThere imports runs that ended in every way and
// compares what is told of them, and their folders byte for byte.
func TestRunsOfAnotherHomeAreHereAsTheyWereThere(t *testing.T) {
	t.Parallel()
	there, here := worked(t), newAad(t)
	before := bytesOf(t, there.home.Runs())
	for _, r := range here.take(string(there.home)) {
		if r.Outcome != rpc.ImportDone || r.Bundle != "" {
			t.Errorf("%s: %+v", r.RunID, r)
		}
	}
	there.start()
	for _, id := range workedIDs {
		was, is := there.get(id), here.get(id)
		if is.Run.Imported == nil || is.Run.Imported.From != string(there.home.Run(id)) || is.Run.Imported.At == "" || is.Run.Imported.Home != string(there.home) {
			t.Errorf("%s: its record says %+v of where it came from", id, is.Run.Imported)
		}
		if a, b := summary(was), summary(is); a != b {
			t.Errorf("%s: where it was made (-) and here (+) it is told as\n%s", id, diff.Diff("there", []byte(a), "here", []byte(b)))
		}
		if a, b := marshal(t, there.events(id)), marshal(t, here.events(id)); a != b {
			t.Errorf("%s: its events are\n%s\nand were\n%s", id, b, a)
		}
	}
	there.stop()
	must(here, rpc.DaemonGC, rpc.GCParams{})
	here.kill()
	here.start() // the mirror looks again
	here.stop()
	if after := bytesOf(t, here.home.Runs()); !maps.Equal(before, after) {
		t.Errorf("files are\n%v\nand were\n%v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
	here.whole(workedIDs...)
	for _, id := range workedIDs {
		if id != "people" && id != "never" {
			here.conforms(id)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// summary is what a run's detail says that does not depend on where it lies. How an
// agent was called, and why it was done in part, is not in the folder.
func summary(d rpc.RunDetail) string {
	r := d.Run
	r.Number, r.UpdatedAt, r.QueuedAt, r.PassStartedAt, r.QueuedSeq, r.Imported, r.BundledAt = 0, "", "", "", 0, nil, ""
	r.EndedAt = "" // the event that tells it is written a little later
	r.Released, r.OperationalAdvice, r.Held, r.CancelRequested = false, "", false, false
	for i := range d.Attempts {
		d.Attempts[i].Agent, d.Attempts[i].ExitCode = nil, nil
		if d.Attempts[i].Status == "partial" {
			d.Attempts[i].Message = ""
		}
	}
	for i := range d.Assets {
		d.Assets[i].From = ""
	}
	data, _ := json.MarshalIndent([]any{r, d.Instruction, d.Followups, d.Assets, d.Attempts}, "", " ")
	return string(data)
}

// TestAnImportedRunGoesOnHere does with an imported run what is done with any.
func TestAnImportedRunGoesOnHere(t *testing.T) {
	t.Parallel()
	there, here, s := worked(t), newAad(t), newScript(t)
	here.take(there.home.Runs())
	refused(here, rpc.RunRetry, rpc.RunParams{RunID: "failed"}, apprentice.Unmet)
	refused(here, rpc.RunRegrade, rpc.RunRegradeParams{RunID: "many"}, apprentice.Unmet)
	follow := rpc.RunContinueParams{RunID: "many", Instruction: s.text("cat artifacts/more >> artifacts/out.txt; echo here >> artifacts/out.txt")}
	if err := refused(here, rpc.RunContinue, follow, apprentice.Unmet); err != nil && !strings.Contains(err.Error(), "rubric") {
		t.Error(err)
	}
	follow.Rubric = wantsGood
	must(here, rpc.RunContinue, follow)
	run := here.wait("many")
	if run.Pass != 3 || run.SelectedID != "task_many-followup-3_baseline" || !run.Accepted() {
		t.Errorf("followed up, it is %+v", run)
	}
	if text := slurp(t, filepath.Join(here.home.Run("many").Artifacts(), "out.txt")); text != "good\nmore\nhere\n" {
		t.Errorf("the follow-up did not start from what came along: %q", text)
	}
	diff := must(here, rpc.RunDiff, rpc.RunDiffParams{RunID: "many", To: "task_many-followup-1_baseline"})
	if len(diff.Files) != 1 || diff.Files[0].Path != "more" {
		t.Errorf("the attempts that came along differ by %+v", diff.Files)
	}
	must(here, rpc.RunFinish, rpc.RunParams{RunID: "people"})
	made := must(here, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "partial"})
	for _, path := range under(made.Path) {
		if strings.Contains(slurp(t, path), string(there.home)) {
			t.Errorf("%s of the bundle tells the home that the run came from", path)
		}
	}
	must(here, rpc.PackCreate, rpc.PackCreateParams{Runs: []string{"many"}})
	must(here, rpc.RunDelete, rpc.RunDeleteParams{RunID: "failed"})
	if r := here.outcome(string(there.home.Run("many")), rpc.ImportHere); r.RunID != "many" {
		t.Errorf("what has gone on here is %+v", r)
	}
	here.outcome(string(there.home.Run("failed")), rpc.ImportDone)
	here.stop()
	here.whole("crashed", "failed", "many", "never", "partial", "people")
	here.conforms("many")
}

// TestADamagedFolderIsRefusedAndNothingIsChanged damages one thing at a time.
func TestADamagedFolderIsRefusedAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	there, here := worked(t), newAad(t)
	source := string(there.home.Run("many"))
	const pack = "packages/task_many/"
	sub := func(file, old, now string) func(string) error {
		return func(dir string) error {
			path := filepath.Join(dir, file)
			data, err := os.ReadFile(path)
			if err == nil && !strings.Contains(string(data), old) {
				return errors.New(old + " is not in " + file)
			}
			return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(data), old, now, 1)), 0o600))
		}
	}
	remove := func(file string) func(string) error {
		return func(dir string) error { return os.RemoveAll(filepath.Join(dir, file)) }
	}
	for name, c := range map[string]struct {
		damage func(dir string) error
		file   string
		line   int
		says   string
	}{
		"session.json is gone":      {remove("session.json"), "session.json", 0, "missing"},
		"run_status.json is gone":   {remove("run_status.json"), "run_status.json", 0, "missing"},
		"no events":                 {remove("progress_events.jsonl"), "progress_events.jsonl", 0, "missing"},
		"no session events":         {remove("session_events.jsonl"), "session_events.jsonl", 0, "missing"},
		"unknown key":               {sub("session.json", `"run_id"`, `"more": 1, "run_id"`), "session.json", 0, "unknown key"},
		"torn JSON":                 {sub("run_status.json", `"run_id": `, ``), "run_status.json", 0, "invalid character"},
		"bad run id":                {sub("session.json", `"run_id": "many"`, `"run_id": "../many"`), "session.json", 0, "not usable"},
		"another run's status":      {sub("run_status.json", `"run_id": "many"`, `"run_id": "few"`), "run_status.json", 0, `run_id is "few"`},
		"statuses differ":           {sub("run_status.json", `"task_status": "completed"`, `"task_status": "failed"`), "run_status.json", 0, "task_status"},
		"it has not ended":          {sub("run_status.json", `"queue_state": "completed"`, `"queue_state": "waiting"`), "run_status.json", 0, "has not ended"},
		"a gap in the events":       {sub("progress_events.jsonl", `"event_index":3,`, `"event_index":4,`), "progress_events.jsonl", 3, "event_index is 4 where 3"},
		"an event of another run":   {sub("progress_events.jsonl", `"run_id":"many"`, `"run_id":"few"`), "progress_events.jsonl", 1, `run "few"`},
		"an event without its type": {sub("progress_events.jsonl", `"event_type":"run_queued",`, ``), "progress_events.jsonl", 1, "event_type: missing"},
		"the last event differs":    {sub("run_status.json", `"run_status": "completed"`, `"run_status": "partial"`), "run_status.json", 0, "run_status"},
		"a torn last event":         {func(dir string) error { return appendTo(filepath.Join(dir, "progress_events.jsonl"), `{"artifact`) }, "progress_events.jsonl", 29, "torn"},
		"a gap in the session":      {sub("session_events.jsonl", `"event_index":2,`, `"event_index":3,`), "session_events.jsonl", 2, "event_index is 3 where 2"},
		"no score":                  {sub("run_status.json", `"final_score": 1,`, `"final_score": 7,`), "run_status.json", 0, "0–1"},
		"an asset is gone":          {remove("task/task_instruction_assets/folder"), "session.json", 0, "task_assets"},
		"no attempt outputs":        {remove(pack + "attempts/revised/actual_outputs.json"), pack + "attempts/revised/actual_outputs.json", 0, "missing"},
		"no baseline":               {remove(pack + "attempts/baseline"), pack + "attempts", 0, "baseline is missing"},
		"selected is none":          {sub(pack+"package_manifest.json", `"selected_attempt_id": "task_many_revised"`, `"selected_attempt_id": "task_many_x"`), pack + "package_manifest.json", 0, "selected_attempt_id"},
		"latest is none":            {sub("session.json", `"latest_attempt_id": "task_many-followup-1_baseline"`, `"latest_attempt_id": "x"`), "session.json", 0, "latest_attempt_id"},
		"a foreign package":         {sub(pack+"manifest.json", `"task_many"`, `"task_few"`), pack + "manifest.json", 0, `task_id is "task_few"`},
		"a package more": {func(dir string) error {
			return os.CopyFS(filepath.Join(dir, "packages/task_x"), os.DirFS(filepath.Join(dir, pack)))
		}, "packages/task_x", 0, "no package of this run"},
		"a reference leads nowhere": {remove(pack + "attempts/baseline/artifacts/out.txt"), pack + "attempts/baseline/actual_outputs.json", 0, "is not there"},
		"a reference leads out":     {sub(pack+"attempts/baseline/actual_outputs.json", `"attempts/baseline/artifacts/out.txt"`, `"../../../../../../etc/passwd"`), pack + "attempts/baseline/actual_outputs.json", 0, "etc/passwd"},
		"an enum is none":           {sub(pack+"grading/baseline_grader_result.json", `"grader_kind": "deterministic"`, `"grader_kind": "a friend"`), pack + "grading/baseline_grader_result.json", 0, "a friend"},
		"a torn row": {func(dir string) error {
			return appendTo(filepath.Join(dir, pack+"signals/training_signals.jsonl"), `{`)
		}, pack + "signals/training_signals.jsonl", 0, "torn"},
		"steps out of order": {sub(pack+"attempts/baseline/agent_trace.json", `"step": 2`, `"step": 7`), pack + "attempts/baseline/agent_trace.json", 0, "step 7 stands where 2"},
		"a link leads out":   {func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "artifacts/link")) }, "artifacts/link", 0, "leads out"},
		"a pipe":             {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "artifacts/pipe"), 0o600) }, "artifacts/pipe", 0, "a pipe"},
		"session.json is a link": {func(dir string) error {
			return errors.Join(os.Rename(dir+"/session.json", dir+"/s"), os.Symlink("s", dir+"/session.json"))
		}, "session.json", 0, "missing"},
		"a document without an end": {func(dir string) error { return os.Truncate(filepath.Join(dir, "session.json"), 80<<20) }, "session.json", 0, "more than"},
		"a line without an end": {func(dir string) error {
			return appendTo(filepath.Join(dir, "progress_events.jsonl"), strings.Repeat("x", 3<<20)+"\n")
		}, "progress_events.jsonl", 29, "more than"},
		"the follow-up is out of turn": {sub("session_events.jsonl", `"followup_index":1`, `"followup_index":2`), "session_events.jsonl", 0, "followup_index is 2 where 1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := *here
			b.t = t
			dir := filepath.Join(t.TempDir(), "many")
			if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(dir); err != nil {
				t.Fatal(err)
			}
			r := b.outcome(dir, rpc.ImportRefused)
			if !slices.ContainsFunc(r.Problems, func(p rpc.ImportProblem) bool {
				return p.File == c.file && (c.line == 0 || p.Line == c.line) && strings.Contains(p.Reason, c.says)
			}) {
				t.Errorf("it is told %+v, not that %s:%d %s", r.Problems, c.file, c.line, c.says)
			}
			if exists(string(b.home.Run("many"))) || len(must(&b, rpc.RunList, rpc.RunListParams{}).Runs) > 0 {
				t.Error("something of it is here")
			}
		})
	}
	here.stop()
	here.whole()
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// TestABrokenBundleStaysBehind imports a run whose bundle was altered; the rest comes.
func TestABrokenBundleStaysBehind(t *testing.T) {
	t.Parallel()
	there, here := worked(t), newAad(t)
	if err := appendTo(filepath.Join(there.home.Run("many").Bundle(), "README.md"), "more"); err != nil {
		t.Fatal(err)
	}
	if r := here.outcome(string(there.home.Run("many")), rpc.ImportDone); !strings.Contains(r.Bundle, "README.md") {
		t.Errorf("of the bundle it is told %q", r.Bundle)
	}
	if run := here.get("many").Run; run.BundledAt != "" || exists(here.home.Run("many").Bundle()) {
		t.Errorf("the bundle is here: %q", run.BundledAt)
	}
	must(here, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "many"})
	if c := must(here, rpc.BundleCheck, rpc.BundleCheckParams{RunID: "many"}); c.Total > 0 {
		t.Errorf("the bundle that was made: %v", c.Problems)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// TestAnotherRunOfTheSameIDStays refuses a folder whose id is taken by another run, and
// one for which something lies in the way.
func TestAnotherRunOfTheSameIDStays(t *testing.T) {
	t.Parallel()
	there, here := worked(t), newAad(t)
	here.work(rpc.RunSubmitParams{RunID: "many", Instruction: "echo mine > artifacts/out.txt"})
	mine := bytesOf(t, string(here.home.Run("many")))
	if r := here.outcome(string(there.home.Run("many")), rpc.ImportRefused); !strings.Contains(r.Reason, "another run many is here") {
		t.Errorf("it is refused since %q", r.Reason)
	}
	here.outcome(string(here.home.Run("many")), rpc.ImportHere)
	if err := os.CopyFS(string(here.home.Run("failed")), os.DirFS(string(there.home.Run("failed")))); err != nil {
		t.Fatal(err)
	}
	if r := here.outcome(string(there.home.Run("failed")), rpc.ImportRefused); !strings.Contains(r.Reason, "in the way") {
		t.Errorf("it is refused since %q", r.Reason)
	}
	if now := bytesOf(t, string(here.home.Run("many"))); !maps.Equal(mine, now) {
		t.Error("the run that was here was changed")
	}
	here.kill()
	here.start()
	if !exists(here.home.Run("failed").Session()) {
		t.Error("what lay in the way is gone")
	}
	for _, path := range []string{"relative", "/dev/null", t.TempDir()} {
		if _, err := try(here, rpc.RunImport, rpc.RunImportParams{Path: path}); err == nil {
			t.Errorf("%s is imported", path)
		}
	}
}

// TestOfManyImportsAtOnceOneTakesTheRun has clients import the same home side by side.
func TestOfManyImportsAtOnceOneTakesTheRun(t *testing.T) {
	t.Parallel()
	there, here := worked(t), newAad(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	count := map[string]int{}
	for range 4 {
		conn := here.dial()
		t.Cleanup(func() { conn.Close() })
		// Owned by the test, which waits for them.
		all.Add(1)
		go func() {
			defer all.Done()
			for p := (rpc.RunImportParams{Path: string(there.home)}); ; {
				r, err := rpc.Call(here.ctx(), conn, rpc.RunImport, p)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				count[r.Outcome]++
				mu.Unlock()
				if p.After = r.Next; r.Next == "" {
					return
				}
			}
		}()
	}
	all.Wait()
	if n := len(workedIDs); count[rpc.ImportDone] != n || count[rpc.ImportHere] != 3*n {
		t.Errorf("of %d runs for four clients became %v", n, count)
	}
	here.stop()
	here.whole(workedIDs...)
}

// TestAnImportThatIsKilledLeavesNothingOrTheWholeRun kills aad while it imports, at
// moments that lie ever later, and calls again.
func TestAnImportThatIsKilledLeavesNothingOrTheWholeRun(t *testing.T) {
	t.Parallel()
	there, here := worked(t), newAad(t)
	for i := range 400 { // so that copying lasts
		write(t, filepath.Join(there.home.Run("many").Artifacts(), strings.Repeat("x", 1+i%50)+marshal(t, i)), strings.Repeat("y", 20<<10))
	}
	source := string(there.home.Run("many"))
	want := bytesOf(t, source)
	rounds, cut := 30, 0
	if testing.Short() {
		rounds = 8
	}
	for n := range rounds {
		conn := here.dial()
		done := make(chan error, 1)
		// Ends with its call, at the latest when aad is killed.
		go func() {
			_, err := rpc.Call(here.ctx(), conn, rpc.RunImport, rpc.RunImportParams{Path: source})
			done <- err
		}()
		seen := 0
		eventually(t, "the import is on its way", func() bool {
			entries, _ := os.ReadDir(here.home.Runs())
			for _, e := range entries {
				inside, _ := os.ReadDir(filepath.Join(here.home.Runs(), e.Name(), "artifacts"))
				if seen = len(inside); e.Name() == "many" || seen > n*14 {
					return true
				}
			}
			return len(done) > 0
		})
		here.kill()
		if err := <-done; err != nil {
			cut++
		}
		conn.Close()
		here.start()
		if list := must(here, rpc.RunList, rpc.RunListParams{}).Runs; len(list) == 1 {
			if now := bytesOf(t, string(here.home.Run("many"))); !maps.Equal(now, want) {
				t.Fatalf("round %d: the run is here without its whole folder", n)
			}
			must(here, rpc.RunDelete, rpc.RunDeleteParams{RunID: "many"})
		} else {
			eventually(t, "nothing is left", func() bool {
				entries, err := os.ReadDir(here.home.Runs())
				return err == nil && len(entries) == 0
			})
		}
	}
	if cut == 0 {
		t.Error("no import was cut off")
	}
	here.outcome(source, rpc.ImportDone)
	here.stop()
	here.whole("many")
	if now := bytesOf(t, string(here.home.Run("many"))); !maps.Equal(now, want) {
		t.Error("its files are others")
	}
}
