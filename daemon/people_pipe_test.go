//go:build unix

package daemon

import (
	"os"
	"syscall"
	"testing"

	"aad/apprentice"
	"aad/checkpoint"
	"aad/rpc"
)

// TestWhatIsNoFileInAQuestionsPlaceHoldsNobodyUp puts a pipe and a folder where answers
// are saved: an agent can do that too. The run is answered over it, others as well, and
// aad starts and stops beside it.
func TestWhatIsNoFileInAQuestionsPlaceHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	confirm := func(id apprentice.RunID) {
		t.Helper()
		_, err := rpc.Call(a.ctx(), a.conn, rpc.CheckpointResolve, rpc.CheckpointResolveParams{RunID: string(id), Values: []byte(`{"decision":"confirmed"}`)})
		if err != nil {
			t.Fatal(err)
		}
		a.waits(id, checkpoint.Rubric)
	}
	pipe, folder, left := a.intake("pipe"), a.intake("folder"), a.intake("left")
	for id, put := range map[apprentice.RunID]func(string) error{
		pipe:   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		left:   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		folder: func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		path := a.asked(id, checkpoint.TaskIntake)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := put(path); err != nil {
			t.Fatal(err)
		}
	}
	confirm(pipe)
	confirm(folder)
	for _, id := range []apprentice.RunID{pipe, folder} {
		if info, err := os.Lstat(a.asked(id, checkpoint.TaskIntake)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: the answer is not kept in its file: %v, %v", id, info, err)
		}
	}
	path := a.asked(pipe, checkpoint.TaskIntake) // of a question that was answered
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	a.stop()
	a.start()
	confirm(left)
	a.stop()
}
