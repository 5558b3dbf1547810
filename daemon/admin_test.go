package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
	"aad/workspace"
)

func TestDeletedRunLeavesNothing(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	data := write(t, s.file("data"), "x")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.quick(), Assets: []string{data}, IdempotencyKey: "k"})
	a.submit(rpc.RunSubmitParams{RunID: "live", Instruction: s.text(s.gate("never"))})
	s.reached("never")
	refused(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "live"}, apprentice.Conflict)
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "live", Force: true})
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "r"})
	for _, id := range []string{"r", "live"} {
		refused(a, rpc.RunGet, rpc.RunParams{RunID: id}, apprentice.NotFound)
		if there(string(a.home.Run(apprentice.RunID(id)))) {
			t.Errorf("the folder of %s is left", id)
		}
	}
	if run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.quick(), IdempotencyKey: "k"}); run.QueueState != apprentice.Completed {
		t.Errorf("its id and key cannot be used again: %+v", run)
	}
	a.stop()
	a.whole("r")
}

func TestDeleteAndMirrorDoNotMeet(t *testing.T) {
	t.Parallel()
	a, s := newAad(t, "AA_MAX_PARALLEL=4"), newScript(t)
	for range 25 {
		id := a.submit(rpc.RunSubmitParams{Instruction: "true"})
		for {
			_, err := try(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: string(id)})
			if err == nil {
				break
			}
			if apprentice.KindOf(err) != apprentice.Conflict {
				t.Fatal(err)
			}
		}
	}
	a.work(rpc.RunSubmitParams{RunID: "last", Instruction: s.quick()})
	entries, err := os.ReadDir(a.home.Runs())
	if err != nil || len(entries) != 1 {
		t.Errorf("folders are left: %v, %v", entries, err)
	}
	a.stop()
	a.whole("last")
}

func TestGCReportsAndRemovesWhatNobodyClaims(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.work(rpc.RunSubmitParams{RunID: "byhand", Instruction: s.quick()})
	a.work(rpc.RunSubmitParams{RunID: "kept", Instruction: s.quick()})
	if err := os.RemoveAll(string(a.home.Run("byhand"))); err != nil {
		t.Fatal(err)
	}
	orphan := a.home.Run("orphan")
	if err := os.MkdirAll(string(orphan), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, orphan.Status(), "{}")
	for _, dry := range []bool{true, false} {
		got := must(a, rpc.DaemonGC, rpc.GCParams{DryRun: dry})
		if len(got.Folders) != 1 || got.Folders[0] != string(orphan) || len(got.Missing) != 1 || got.Missing[0] != "byhand" || len(got.Runs) != 0 {
			t.Errorf("dry %v: %+v", dry, got)
		}
		if there(string(orphan)) != dry {
			t.Errorf("dry %v: the folder is %v", dry, there(string(orphan)))
		}
	}
	if detail := a.get("byhand"); detail.Run.QueueState != apprentice.Completed {
		t.Errorf("without its folder it is %+v", detail.Run)
	}
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "byhand"})
	a.stop()
	a.whole("kept")
}

func TestBackupIsAHomeOfItsOwn(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	data := write(t, s.file("data"), "x")
	a.work(rpc.RunSubmitParams{RunID: "done", Rubric: wantsGood, Instruction: s.text(twoTries), Assets: []string{data}})
	a.submit(rpc.RunSubmitParams{RunID: "live", Rubric: anyOutput, Instruction: s.text(s.gate("go"), "echo x > artifacts/out.txt"), Assets: []string{data}})
	a.submit(rpc.RunSubmitParams{RunID: "held", Rubric: wantsGood, Instruction: s.text(twoTries), Hold: true, Assets: []string{data}})
	s.reached("go")
	dir := filepath.Join(newHome(t), "copy")
	must(a, rpc.DaemonBackup, rpc.BackupParams{Dir: dir})
	refused(a, rpc.DaemonBackup, rpc.BackupParams{Dir: dir}, apprentice.Conflict)
	s.open("go")
	a.wait("live")

	b := &aad{t: t, home: workspace.Home(dir), said: &said{}}
	t.Cleanup(b.clear)
	b.start()
	if run := b.get("done").Run; !run.Accepted() {
		t.Errorf("restored, done is %+v", run)
	}
	if run := b.wait("live"); !run.Accepted() {
		t.Errorf("restored, live ended %+v", run)
	}
	must(b, rpc.RunRelease, rpc.RunParams{RunID: "held"})
	if run := b.wait("held"); !run.Accepted() {
		t.Errorf("restored, held ended %+v", run)
	}
	b.stop()
	b.whole("done", "live", "held")
	b.conforms("done")
	b.conforms("held")
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "held"})
	a.stop()
	a.whole("done", "live", "held")
}

func TestASecondDaemonOfAHomeIsRefused(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	second := a.command()
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "already running") {
		t.Errorf("it says %s, %v", out, err)
	}
	if run := a.work(rpc.RunSubmitParams{Instruction: s.quick()}); run.QueueState != apprentice.Completed {
		t.Errorf("the first is harmed: %+v", run)
	}
}

func TestViewsThatWereSpoiltAreWrittenAnew(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: anyOutput, Instruction: s.text(s.gate("go"), "echo x > artifacts/out.txt")})
	s.reached("go")
	a.kill()
	folder := a.home.Run("r")
	write(t, folder.Progress(), `{"event_type":"made_up"}`+"\n")
	if err := os.Remove(folder.SessionLog()); err != nil {
		t.Fatal(err)
	}
	write(t, folder.Status(), "{")
	a.start()
	s.open("go")
	a.wait("r")
	a.stop()
	a.whole("r")
	var status workspace.RunStatus
	if err := json.Unmarshal([]byte(slurp(t, folder.Status())), &status); err != nil || status.Verdict != "passed" {
		t.Errorf("run_status.json is %+v, %v", status, err)
	}
}
