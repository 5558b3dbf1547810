package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"aad/apprentice"
	"aad/rpc"
	"aad/workspace"
)

// patient is twoTries by an agent that waits for room.
const patient = `word=good; [ "$AA_ATTEMPT" = baseline ] && word=bad; until echo $word > artifacts/out.txt; do sleep 0.02; done 2> /dev/null`

// onSmallDisk is an aad whose home has a disk of its own.
func onSmallDisk(t *testing.T, size string, env ...string) *aad {
	t.Helper()
	dir := newHome(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skip("mounting a small disk needs root")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	a := &aad{t: t, home: workspace.Home(dir), said: &said{}, env: env}
	t.Cleanup(a.clear)
	a.start()
	return a
}

// fillDisk leaves no room on a's disk until freeDisk is called.
func (a *aad) fillDisk() {
	a.t.Helper()
	f, err := os.OpenFile(filepath.Join(string(a.home), "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		a.t.Fatal(err)
	}
	defer f.Close()
	for size := 64 << 10; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

func (a *aad) freeDisk() {
	a.t.Helper()
	if err := os.Remove(filepath.Join(string(a.home), "filler")); err != nil {
		a.t.Error(err)
	}
}

// noAgent expects the agents to end; their shims may wait for room to tell of it.
func (a *aad) noAgent() {
	a.t.Helper()
	eventually(a.t, "no agent is left", func() bool {
		for _, pid := range left(a.t, string(a.home)) {
			if args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); !strings.HasPrefix(string(args), shimPath) && len(args) > 0 {
				return false
			}
		}
		return true
	})
}

func TestFullDiskStopsNewWorkAndLosesNothing(t *testing.T) {
	t.Parallel()
	a, s := onSmallDisk(t, "32m", "AA_MAX_PARALLEL=2"), newScript(t)
	a.work(rpc.RunSubmitParams{RunID: "before", Rubric: wantsGood, Instruction: s.text(patient)})
	a.submit(rpc.RunSubmitParams{RunID: "during", Rubric: wantsGood, Instruction: s.text(s.gate("go"), patient)})
	s.reached("go")
	a.fillDisk()
	s.open("go")
	var taken, refusedOnes int
	for _, id := range []string{"full-1", "full-2"} {
		switch _, err := try(a, rpc.RunSubmit, rpc.RunSubmitParams{RunID: id, Rubric: wantsGood, Instruction: s.text(patient)}); {
		case err == nil:
			taken++
		case apprentice.KindOf(err) == apprentice.Unavailable:
			refusedOnes++
		default:
			t.Errorf("on a full disk a submit says %v", err)
		}
	}
	t.Logf("%d submits were taken, %d refused", taken, refusedOnes)
	eventually(t, "aad says that the disk is full", func() bool { return must(a, rpc.DaemonStatusOf, rpc.Empty{}).DiskFull })
	a.fillDisk() // what aad has freed for itself
	if run := a.get("during").Run; !run.Live() {
		t.Errorf("without room the run ended %+v", run)
	}
	a.freeDisk()
	ids := []apprentice.RunID{"before", "during"}
	for _, id := range []apprentice.RunID{"full-1", "full-2"} {
		if _, err := try(a, rpc.RunGet, rpc.RunParams{RunID: string(id)}); err == nil {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if run := a.wait(id); !run.Accepted() {
			t.Errorf("%s ended %+v", id, run)
		}
	}
	if run := a.work(rpc.RunSubmitParams{RunID: "after", Rubric: wantsGood, Instruction: s.text(patient)}); !run.Accepted() {
		t.Errorf("after ended %+v", run)
	}
	if must(a, rpc.DaemonStatusOf, rpc.Empty{}).DiskFull {
		t.Error("aad still says that the disk is full")
	}
	a.stop()
	a.whole(append(ids, "after")...)
}

func TestDiskBelowItsLeastIsToldWithWhatIsFreeAndWanted(t *testing.T) {
	t.Parallel()
	a := onSmallDisk(t, "32m", "AA_MIN_FREE_DISK_MIB=20")
	a.fillDisk()
	wanted := "MiB left, below min_free_disk_mib (20)"
	eventually(t, "a submit is refused in the words of the setting", func() bool {
		_, err := try(a, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: "true", Hold: true})
		return apprentice.KindOf(err) == apprentice.Unavailable && strings.Contains(err.Error(), wanted)
	})
	if s := must(a, rpc.DaemonStatusOf, rpc.Empty{}); !s.DiskFull || !strings.Contains(s.DiskReason, wanted) {
		t.Errorf("disk_full %v, because %q", s.DiskFull, s.DiskReason)
	}
	a.freeDisk()
}

// TestAnImportThatFindsNoRoomLeavesNothing has one that is seen not to fit before it is
// copied, and one that is seen while it is: of files of a byte, which take a block each.
func TestAnImportThatFindsNoRoomLeavesNothing(t *testing.T) {
	t.Parallel()
	there := newAad(t)
	there.work(rpc.RunSubmitParams{RunID: "large", NoBundle: true, Instruction: "head -c 14000000 /dev/urandom > artifacts/large"})
	there.work(rpc.RunSubmitParams{RunID: "many", NoBundle: true, Instruction: "seq 2600 | split -a 4 -l 1 - artifacts/f"})
	there.stop()
	here := onSmallDisk(t, "12m", "AA_MIN_FREE_DISK_MIB=1")
	for id, why := range map[apprentice.RunID]string{"large": "of which min_free_disk_mib (1) are to stay free", "many": "the disk is full: write "} {
		_, err := try(here, rpc.RunImport, rpc.RunImportParams{Path: string(there.home.Run(id))})
		if apprentice.KindOf(err) != apprentice.Unavailable || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", id, err)
		}
		if _, err := try(here, rpc.RunGet, rpc.RunParams{RunID: string(id)}); apprentice.KindOf(err) != apprentice.NotFound {
			t.Errorf("%s is here: %v", id, err)
		}
		if exists(string(here.home.Run(id))) {
			t.Errorf("something of %s is left", id)
		}
	}
	if run := here.work(rpc.RunSubmitParams{RunID: "after", Instruction: "true"}); run.Live() {
		t.Errorf("a run after it: %+v", run)
	}
	here.stop()
	here.whole("after")
}

func TestFullDiskDoesNotKeepAadFromStoppingAndStarting(t *testing.T) {
	t.Parallel()
	a, s := onSmallDisk(t, "32m"), newScript(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text(s.gate("go"), patient)})
	s.reached("go")
	a.fillDisk()
	s.open("go")
	a.stop()
	if err := a.tryStart(); err != nil {
		t.Logf("on a full disk it does not start: %v", err)
		a.freeDisk()
		a.start()
	} else {
		a.freeDisk()
	}
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %+v", run)
	}
	a.stop()
	a.whole("r")
}

func TestCancelOnAFullDiskEndsTheRun(t *testing.T) {
	t.Parallel()
	a, s := onSmallDisk(t, "32m"), newScript(t)
	a.submit(rpc.RunSubmitParams{RunID: "r", Rubric: wantsGood, Instruction: s.text(s.gate("never"))})
	s.reached("never")
	a.fillDisk()
	if _, err := try(a, rpc.RunCancel, rpc.RunParams{RunID: "r"}); err != nil {
		t.Errorf("cancel says %v", err)
	}
	a.noAgent()
	a.freeDisk()
	if run := a.wait("r"); run.QueueState != apprentice.Cancelled {
		t.Errorf("it ended %+v", run)
	}
	a.stop()
	a.whole("r")
}

func TestAReleaseOnAFullDiskIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.accepted(s, "one")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=100k"); err != nil {
		t.Skip("mounting a small disk needs root")
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	err := refused(a, rpc.ReleaseCreate, rpc.ReleaseCreateParams{Path: filepath.Join(dir, "data")}, apprentice.Unavailable)
	entries, _ := os.ReadDir(dir)
	if !strings.Contains(err.Error(), "is full") || len(entries) > 0 {
		t.Errorf("%v; left %v", err, entries)
	}
}
