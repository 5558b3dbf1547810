package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aad/apprentice"
	"aad/loop"
	"aad/rpc"
	"aad/storage"
)

func (a *aad) log() string {
	data, _ := os.ReadFile(filepath.Join(a.home.Log(), LogName))
	return string(data)
}

func TestARunWhoseFilesDoNotFitTellsThatAndCanBeCancelledAndDeleted(t *testing.T) {
	t.Parallel()
	a, s := onSmallDisk(t, "56m"), newScript(t)
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: plainGood,
		Instruction: s.text("echo good > artifacts/out.txt; head -c 19500000 /dev/urandom > artifacts/model.bin")})
	eventually(t, "the run tells that it waits for room", func() bool {
		running := must(a, rpc.QueueGet, rpc.Empty{}).Running
		return strings.Contains(a.get(id).Run.QueueReason, "waits for room") && len(running) == 1
	})
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
	if run := a.wait(id); run.QueueState != apprentice.Cancelled || run.QueueReason != "" {
		t.Errorf("it ended %+v", run)
	}
	must(a, rpc.RunDelete, rpc.RunDeleteParams{RunID: "r"})
	if run := a.work(rpc.RunSubmitParams{RunID: "after", Rubric: plainGood, Instruction: s.text("echo good > artifacts/out.txt")}); !run.Accepted() {
		t.Errorf("after it: %+v", run)
	}
	a.stop()
	a.whole("after")
}

func TestACancelEndsARunThatANewerAadHasBegun(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	id := a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: "true", Hold: true})
	a.stop()
	store, err := storage.Open(a.home.DB(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = store.Journal(id, 0).Save("prepare", map[string]any{"format": 99}, apprentice.Change{})
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	a.start()
	must(a, rpc.RunRelease, rpc.RunParams{RunID: "r"})
	eventually(t, "the run waits for the newer aad", func() bool { return strings.Contains(a.log(), "a run has to wait") })
	must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
	if run := a.wait(id); run.QueueState != apprentice.Cancelled {
		t.Errorf("it ended %+v", run)
	}
}

// holding is a scheduler of one run that is running, with a database on a disk of its own.
func holding(t *testing.T) (s *scheduler, said *said, dir string) {
	t.Helper()
	dir = newHome(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=2m"); err != nil {
		t.Skip("mounting a small disk needs root")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, said = oneRun(t, filepath.Join(dir, "aad.db"), apprentice.Change{Update: func(r *apprentice.Run) { r.QueueState = apprentice.Running }})
	return s, said, dir
}

func TestTheEndOfABrokenRunIsWrittenOnceItCanBe(t *testing.T) {
	t.Parallel()
	s, said, dir := holding(t)
	filler := filepath.Join(dir, "filler")
	s.work = func(ctx context.Context, run apprentice.Run, _ loop.Slot) (loop.Outcome, error) {
		for {
			f, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			for err == nil {
				_, err = f.Write(make([]byte, 512))
			}
			f.Close()
			if _, err := s.store.Change(ctx, run.RunID, nil, apprentice.Change{Events: []apprentice.Event{{EventType: apprentice.RunReprioritized}}}); err != nil {
				return loop.Outcome{}, errors.New("it broke")
			}
		}
	}
	done := make(chan struct{})
	// Owned by the test; ends when the run's end is written.
	go func() {
		defer close(done)
		s.hold(t.Context(), "r", &job{slot: make(chan struct{}, 1), changed: make(chan struct{}, 1)})
	}()
	ended := func() bool {
		run, err := s.store.Run("r")
		return err == nil && run.QueueState == apprentice.Failed
	}
	eventually(t, "its end is tried", func() bool {
		return strings.Contains(said.String(), "end a run that could not be worked") || ended()
	})
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its end is written", ended)
	<-done
}
