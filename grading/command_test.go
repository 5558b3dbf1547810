package grading

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aad/apprentice"
	"aad/shim"
)

func TestACommandsExitAndScoreLineRuleTheScore(t *testing.T) {
	needShim(t)
	cases := []struct {
		name, run string
		score     float64
		failure   string // "" passes
		notes     string
	}{
		{"exit 0", "true", 1, "", ""},
		{"exit 1", "echo no >&2; exit 1", 0, FailedCommand, "exit 1"},
		{"killed", "kill -9 $$", 0, FailedCommand, "ended by SIGKILL"},
		{"no such program", "no-such-program", 0, FailedCommand, "exit 127"},
		{"partial", `echo '{\"score\": 0.7, \"notes\": \"7 of 10\"}'`, 0.7, FailedThreshold, "7 of 10"},
		{"full", `echo '{\"score\": 1}'`, 1, "", ""},
		{"the last line counts", `echo '{\"score\": 0.1}'; echo '{\"score\": 0.2}'; echo done; echo '{\"other\": 1}'`, 0.2, FailedThreshold, "a score of 0.2"},
		{"partial and exit 1", `echo '{\"score\": 0.7, \"notes\": \"some\"}'; exit 1`, 0.7, FailedCommand, "some (exit 1)"},
		{"full and exit 1", `echo '{\"score\": 1}'; exit 1`, 0, FailedCommand, "exit 1"},
		{"score 0", `echo '{\"score\": 0}'`, 0, FailedThreshold, ""},
		{"no score line", `echo '{\"points\": \"high\"}'`, 1, "", ""},
		{"a broken score line and exit 1", `echo '{\"score\": \"high\"}'; exit 1`, 0, FailedCommand, "exit 1"},
	}
	b := newBed(t, map[string]string{"artifacts/x": "x"})
	var checks []string
	for _, c := range cases {
		checks = append(checks, `command: {run: "`+c.run+`"}`)
	}
	results := b.run(specOf(t, checks...))
	for i, c := range cases {
		res := results[i]
		if !res.Checked || res.Score != c.score || res.Failure != c.failure || res.Passed != (c.failure == "") {
			t.Errorf("%s: %+v", c.name, res)
		}
		if !strings.Contains(res.Notes, c.notes) {
			t.Errorf("%s: notes %q do not tell %q", c.name, res.Notes, c.notes)
		}
		if res.ExitCode == nil || len(res.Evidence) != 1 {
			t.Errorf("%s: no exit code, or evidence %v", c.name, res.Evidence)
		}
	}
	if results[1].Tail != "no" {
		t.Errorf("tail %q", results[1].Tail)
	}
	if _, err := os.Stat(b.Scratch); !os.IsNotExist(err) {
		t.Errorf("the scratch folder is left: %v", err)
	}
}

func TestAScoreOutsideItsRangeIsTheChecksFault(t *testing.T) {
	needShim(t)
	res := newBed(t, nil).run(specOf(t, `command: {run: "echo '{\"score\": 70}'"}`))[0]
	if res.Checked || res.Score != 0 || !strings.Contains(res.Error, "70") {
		t.Errorf("got %+v", res)
	}
}

func TestAScoreLineThatCannotBeReadIsTheChecksFault(t *testing.T) {
	needShim(t)
	for _, line := range []string{`{\"score\": \"0.1\"}`, `{\"score\": 0.1, \"notes\": 5}`, `{\"score\": null}`, `{\"score\": 1e999}`} {
		res := newBed(t, nil).run(specOf(t, `command: {run: "echo '{\"score\": 1}'; echo '`+line+`'"}`))[0]
		if res.Checked || res.Score != 0 || !strings.Contains(res.Error, `"score"`) {
			t.Errorf("%s: got %+v", line, res)
		}
	}
}

func TestACommandSeesACopyOfItsOwn(t *testing.T) {
	needShim(t)
	b := newBed(t, map[string]string{"artifacts/x": "original", "prompt.md": "p"})
	b.helper("h.sh", "echo helper\n")
	b.helper("data/d.txt", "d")
	link(t, filepath.Join(b.Workspace, "artifacts/x"), filepath.Join(b.Workspace, "artifacts/absolute"))
	link(t, "../../helpers/h.sh", filepath.Join(b.Workspace, "artifacts/stolen"))
	results := b.run(specOf(t,
		`command: {run: "echo spoilt > artifacts/x; echo spoilt > artifacts/absolute; rm prompt.md; echo exit 1 > $AA_CHECK_DIR/h.sh; echo x > $TMPDIR/t; mkdir locked; touch locked/f; chmod 500 locked", files: [h.sh]}`,
		`command: {run: "test original = $(cat artifacts/x) && test original = $(cat artifacts/absolute) && test -e prompt.md && test helper = $(sh $AA_CHECK_DIR/h.sh) && test ! -e $TMPDIR/t && test $PWD = $AA_WORKSPACE", files: [h.sh]}`,
		`command: {run: "test ! -e artifacts/stolen && test ! -e $AA_CHECK_DIR/h.sh && cat $AA_CHECK_DIR/data/d.txt", files: [data/]}`,
	))
	for i, res := range results {
		if !res.Passed {
			t.Errorf("check %d: %+v", i+1, res)
		}
	}
	if data, err := os.ReadFile(filepath.Join(b.Workspace, "artifacts/x")); err != nil || string(data) != "original" {
		t.Errorf("the attempt was altered: %q %v", data, err)
	}
	if data, err := os.ReadFile(filepath.Join(b.Helpers, "h.sh")); err != nil || string(data) != "echo helper\n" {
		t.Errorf("the helper was altered: %q %v", data, err)
	}
}

func TestTheTailNamesNoThrowAwayFolderAndIsBounded(t *testing.T) {
	needShim(t)
	b := newBed(t, nil)
	res := b.run(specOf(t, `command: {run: "yes line | head -c 100000; pwd; echo $AA_CHECK_DIR >&2; printf '\\033[31mred\\033[0m\\n' >&2; exit 3"}`))[0]
	if len(res.Tail) > maxTail || !strings.HasSuffix(res.Tail, "\n.\n$AA_CHECK_DIR\nred") {
		t.Errorf("%d bytes, ending in %q", len(res.Tail), res.Tail[max(0, len(res.Tail)-60):])
	}
}

func TestACommandThatDoesNotEndFailsAndLeavesNothingBehind(t *testing.T) {
	needShim(t)
	b := newBed(t, nil)
	pidFile := filepath.Join(t.TempDir(), "pid")
	res := b.run(specOf(t, `command: {run: "trap '' TERM; echo $$ > `+pidFile+`; while :; do sleep 1; done", timeout_seconds: 0.3}`))[0]
	if !res.Checked || !res.TimedOut || res.Passed || res.Failure != FailedTimeout || res.ExitCode != nil {
		t.Errorf("got %+v", res)
	}
	if pid, err := os.ReadFile(pidFile); err == nil {
		if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid)) + "/fd"); err == nil {
			t.Errorf("process %s is left", pid)
		}
	}
}

func TestAMissingHelperIsTheRubricsFault(t *testing.T) {
	needShim(t)
	res := newBed(t, nil).run(specOf(t, `command: {run: "true", files: [gone.sh]}`))[0]
	if res.Checked || !strings.Contains(res.Error, "gone.sh") {
		t.Errorf("got %+v", res)
	}
}

func TestCancelEndsTheRunningCommand(t *testing.T) {
	needShim(t)
	b := newBed(t, nil)
	started := filepath.Join(t.TempDir(), "started")
	ctx, cancel := context.WithCancelCause(testContext(t))
	stopping := errors.New("stopping")
	ended := make(chan error, 1)
	// Owned by this test, which waits for its end below.
	go func() {
		_, err := b.Run(ctx, specOf(t, `command: {run: "touch `+started+`; exec sleep 1000"}`))
		ended <- err
	}()
	until(t, func() bool { _, err := os.Stat(started); return err == nil })
	cancel(stopping)
	if err := <-ended; !errors.Is(err, stopping) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(b.Scratch); !os.IsNotExist(err) {
		t.Errorf("the checks' folder is left: %v", err)
	}
}

// until polls for a condition of another process.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("waited in vain")
		}
	}
}

func TestRunFollowsOnWithACommandThatOutlivedAad(t *testing.T) {
	needShim(t)
	b := newBed(t, nil)
	count := filepath.Join(t.TempDir(), "count")
	gate := filepath.Join(t.TempDir(), "gate")
	spec := specOf(t, `command: {run: "echo x >> `+count+`; until test -e `+gate+`; do sleep 0.01; done"}`)
	leaveRunning(t, b, spec)
	b.write(gate, "")
	if res := b.run(spec)[0]; !res.Passed {
		t.Errorf("got %+v", res)
	}
	if data, err := os.ReadFile(count); err != nil || string(data) != "x\n" {
		t.Errorf("the command ran %q (%v)", data, err)
	}
}

func TestRunDoesACheckAnewWhoseShimWasKilled(t *testing.T) {
	needShim(t)
	b := newBed(t, nil)
	gate := filepath.Join(t.TempDir(), "gate")
	spec := specOf(t, `command: {run: "until test -e `+gate+`; do sleep 0.01; done"}`)
	p := leaveRunning(t, b, spec)
	killed, err := os.FindProcess(p.ShimPid())
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(testContext(t)); !errors.Is(err, shim.ErrLost) {
		t.Fatalf("got %v", err)
	}
	b.write(gate, "")
	if res := b.run(spec)[0]; !res.Passed {
		t.Errorf("got %+v", res)
	}
}

// leaveRunning starts the first check as Run does, and goes away.
func leaveRunning(t *testing.T, b *testBed, spec apprentice.RubricSpec) *shim.Process {
	t.Helper()
	r, err := FromSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	dir := checkFolder(filepath.Join(b.Scratch, "check-1"))
	check := r.Criteria[0].Check.Command
	if broken, err := b.prepare(testContext(t), dir, check); err != nil || broken != "" {
		t.Fatal(broken, err)
	}
	p, err := shim.Start(testContext(t), b.Shim, dir.shim(), b.spec(dir, check))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
