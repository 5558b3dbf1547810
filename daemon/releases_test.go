package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aad/apprentice"
	"aad/internal/proc"
	"aad/release"
	"aad/rpc"
)

// released is the home of two accepted runs of two attempts each, and a release of
// them.
func released(t *testing.T) (a *aad, dir string) {
	a, s := newAad(t), newScript(t)
	a.accepted(s, "one")
	a.accepted(s, "two")
	dir = filepath.Join(t.TempDir(), "data")
	if made := must(a, rpc.ReleaseCreate, rpc.ReleaseCreateParams{Path: dir}); made.Runs != 2 || made.Attempts != 4 {
		t.Fatalf("made %+v", made)
	}
	return a, dir
}

// blockersOf checks a release.
func blockersOf(t *testing.T, dir string) []string {
	t.Helper()
	v, err := release.Validate(t.Context(), dir, release.CheckOptions{})
	if err != nil {
		return []string{err.Error()}
	}
	return v.Blockers
}

func TestAnAlteredByteOfAnyFileOfAReleaseIsFound(t *testing.T) {
	t.Parallel()
	_, dir := released(t)
	if b := blockersOf(t, dir); len(b) > 0 {
		t.Fatalf("a fresh release is not valid: %v", b)
	}
	for i, path := range under(dir) {
		if !sampled(i) {
			continue
		}
		data := []byte(slurp(t, path))
		at := len(data) / 2
		if len(data) == 0 {
			write(t, path, "x")
		} else {
			altered := append([]byte{}, data...)
			altered[at] ^= 1
			write(t, path, string(altered))
		}
		if b := blockersOf(t, dir); len(b) == 0 {
			t.Errorf("%s: byte %d was altered and not found", path, at)
		}
		write(t, path, string(data))
	}
	for name, text := range map[string]string{"beside.txt": "x", "packages/task_one/more.txt": "x", "public/packages/task_one/more.txt": "x"} {
		path := write(t, filepath.Join(dir, name), text)
		if b := blockersOf(t, dir); len(b) != 1 {
			t.Errorf("%s is beside the release; blockers: %v", name, b)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"agent_traces.parquet", "packages/task_one/input/task.json", "public/tasks.jsonl"} {
		path := filepath.Join(dir, name)
		if err := os.Rename(path, dir+".aside"); err != nil {
			t.Fatal(err)
		}
		if b := blockersOf(t, dir); len(b) == 0 {
			t.Errorf("%s is missing and not missed", name)
		}
		if err := os.Rename(dir+".aside", path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoReleasesOfTheSameRunsDifferInTheTimeOfTheirMakingAlone(t *testing.T) {
	t.Parallel()
	a, dir := released(t)
	again := filepath.Join(t.TempDir(), "another")
	must(a, rpc.ReleaseCreate, rpc.ReleaseCreateParams{Path: again, Runs: []string{"two", "one"}})
	files := under(dir)
	if more := under(again); len(files) != len(more) {
		t.Fatalf("%d and %d files", len(files), len(more))
	}
	for _, path := range files {
		name := strings.TrimPrefix(path, dir+"/")
		x, y := slurp(t, path), slurp(t, filepath.Join(again, name))
		switch filepath.Base(name) {
		case "SHA256SUMS": // of the manifests
			continue
		case release.ManifestName:
			m, err := release.ParseManifest([]byte(x))
			n, other := release.ParseManifest([]byte(y))
			if err != nil || other != nil || m.CreatedAt == n.CreatedAt {
				t.Errorf("%s: %v, %v, %s and %s", name, err, other, m.CreatedAt, n.CreatedAt)
			}
			y = strings.ReplaceAll(y, n.CreatedAt, m.CreatedAt)
		}
		if x != y {
			t.Errorf("%s differs", name)
		}
	}
}

func TestAReleaseIsNotThereUntilItIsWhole(t *testing.T) {
	t.Parallel()
	a, dir := released(t)
	place := filepath.Join(filepath.Dir(dir), "next")
	temp := filepath.Join(filepath.Dir(dir), ".aa-tmp-release-next")

	// Killed in the middle: what is left is taken away by the next call.
	var all sync.WaitGroup
	all.Add(1)
	// Owned by this test; ends when aad is killed.
	go func() {
		defer all.Done()
		try(a, rpc.ReleaseCreate, rpc.ReleaseCreateParams{Path: place})
	}()
	eventually(t, "a release is being made", func() bool { return there(temp) || there(place) })
	a.kill()
	all.Wait()
	a.start()
	if there(place) {
		must(a, rpc.ReleaseValidate, rpc.ReleaseParams{Path: place})
	}
	must(a, rpc.ReleaseCreate, rpc.ReleaseCreateParams{Path: place, Replace: true})
	if b := blockersOf(t, place); len(b) > 0 || there(temp) || there(temp+".lock") {
		t.Errorf("made anew: %v, left %v %v", b, there(temp), there(temp+".lock"))
	}

	// Two at once: the second is refused, and nothing of it is left.
	lock, err := proc.TryLock(temp + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	refused(a, rpc.ReleaseCreate, rpc.ReleaseCreateParams{Path: place, Replace: true}, apprentice.Conflict)
	if err := errors.Join(os.Remove(temp+".lock"), lock.Close()); err != nil {
		t.Fatal(err)
	}

	// Cancelled: nothing is left.
	ctx, cancel := context.WithCancel(t.Context())
	o := release.Options{IDs: []apprentice.RunID{"one", "two"}, Folder: func(id apprentice.RunID) string { return string(a.home.Run(id)) }, Limit: 1 << 20,
		Created: time.Now(), Run: func(id apprentice.RunID) (apprentice.Run, error) {
			cancel()
			return must(a, rpc.RunGet, rpc.RunParams{RunID: string(id)}).Run, nil
		}}
	if _, err := release.Create(ctx, place+"-two", o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) != 2 {
		t.Errorf("beside the two releases lies %v: %v", entries, err)
	}
}

func TestARunThatWasDeletedMeanwhileIsLeftOut(t *testing.T) {
	t.Parallel()
	a, dir := released(t)
	o := release.Options{IDs: []apprentice.RunID{"two", "one", "gone"}, Folder: func(id apprentice.RunID) string { return string(a.home.Run(id)) }, Limit: 1 << 20,
		Created: time.Now(), Run: func(id apprentice.RunID) (apprentice.Run, error) {
			run, err := try(a, rpc.RunGet, rpc.RunParams{RunID: string(id)})
			if id == "two" { // between the look at its record and that at its folder
				err = errors.Join(err, os.RemoveAll(string(a.home.Run(id))))
			}
			return run.Run, err
		}}
	m, err := release.Create(t.Context(), dir+"-less", o)
	if err != nil || m.Counts.Runs != 1 || m.LeftOut[0].RunID != "gone" || m.LeftOut[1].RunID != "two" {
		t.Fatalf("%v: %+v, left out %+v", err, m.Counts, m.LeftOut)
	}
	if b := blockersOf(t, dir+"-less"); len(b) > 0 {
		t.Errorf("it is not valid: %v", b)
	}
}
