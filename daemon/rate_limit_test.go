//go:build unix

package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

// scriptedCodex writes a program codex that says what a script has it say, and
// returns its folder. The script counts its attempts in $N, from 1.
func scriptedCodex(t *testing.T, script string) string {
	dir := t.TempDir()
	text := `#!/bin/sh
case "$*" in
*--help) printf '%s\n' 'Usage: codex exec' '      --json' '  -s, --sandbox <MODE>'; exit ;;
--version) echo codex-cli 1.2.3; exit ;;
esac
echo x >>"` + dir + `/count"
N=$(wc -l <"` + dir + `/count")
echo '{"type":"thread.started","thread_id":"t"}'
` + script
	if err := os.WriteFile(filepath.Join(dir, "codex"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir + ":/usr/bin:/bin"
}

const (
	limited = `echo '{"type":"error","message":"exceeded retry limit, last status: 429 Too Many Requests"}'
echo '{"type":"turn.failed","error":{"message":"exceeded retry limit, last status: 429 Too Many Requests"}}'
exit 1
`
	delivered = `echo done >artifacts/out.txt
echo '{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":1}}'
`
)

// limitedRun submits a task to the scripted codex.
func limitedRun(a *aad, path string, settings rpc.RunSettings) {
	a.t.Helper()
	settings["agent"] = "codex"
	a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: "Write artifacts/out.txt.", Rubric: anyOutput, Path: path, Settings: settings})
}

func TestRateLimitIsWaitedOutAndTheAttemptTriedAnew(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	limitedRun(a, scriptedCodex(t, `[ "$N" -gt 2 ] || { `+limited+`}
`+delivered), rpc.RunSettings{"rate_limit_pause_seconds": 1, "rate_limit_retries": 3})
	a.await("r", apprentice.RunDeferred)
	a.kill() // the pause is kept by what is on disk
	a.start()
	run := a.wait("r")
	if !run.Accepted() || run.PausedUntil != "" || len(a.get("r").Attempts) != 1 {
		t.Fatalf("it ended %s, %s: %s", run.QueueState, run.Verdict, run.OperationalHint)
	}
	again := "run_deferred run_released run_resumed apprentice_attempt_started apprentice_attempt_completed "
	if types := a.types("r"); !strings.Contains(types, "apprentice_attempt_completed "+again+again+"mentor_review_started") {
		t.Errorf("its events are %s", types)
	}
	if aside, err := filepath.Glob(filepath.Join(a.get("r").Folder, "packages/*/aside/baseline-*")); err != nil || len(aside) != 2 {
		t.Errorf("the attempts that met the limit are put aside as %q, %v", aside, err)
	}
	a.stop()
	a.whole("r")
}

func TestRateLimitIsWaitedOutAsOftenAsSettingsSay(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	limitedRun(a, scriptedCodex(t, limited), rpc.RunSettings{"rate_limit_pause_seconds": 1, "rate_limit_retries": 1})
	run := a.wait("r")
	if run.QueueState != apprentice.Failed || run.OperationalError != apprentice.RateLimitError || strings.Count(a.types("r"), "run_deferred") != 1 {
		t.Errorf("it ended %s, %s; its events are %s", run.QueueState, run.OperationalError, a.types("r"))
	}
	if !strings.Contains(run.OperationalAdvice, "aa retry r") {
		t.Errorf("the hint is %q", run.OperationalAdvice)
	}
	a.stop()
	a.whole("r")
}

func TestReleaseEndsThePauseAfterARateLimit(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	limitedRun(a, scriptedCodex(t, `[ "$N" -gt 1 ] || { `+limited+`}
`+delivered), rpc.RunSettings{"rate_limit_pause_seconds": 3600})
	run := a.wait("r", "deferred")
	if !strings.Contains(run.QueueReason, "pausing after a rate limit until 20") {
		t.Errorf("the reason is %q", run.QueueReason)
	}
	must(a, rpc.RunRelease, rpc.RunParams{RunID: "r"})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %s: %s", run.QueueState, run.OperationalHint)
	}
}

func TestNoOtherFailureIsTriedAnew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		script string
		kind   apprentice.OperationalError
		hint   string
	}{
		{`echo '{"type":"turn.failed","error":{"message":"You have hit your usage limit. Upgrade to Pro"}}'; exit 1`, apprentice.QuotaError, "look at the account of Codex"},
		{`echo '{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized"}}'; exit 1`, apprentice.AuthError, "sign in: codex login"},
		{`echo 'it broke' >&2; exit 1`, apprentice.NonzeroExit, "aa logs r"},
		{`echo '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"Over quota? rate limit 429? Please login."}}'`, apprentice.OutputContract, "which files to deliver"},
	} {
		a := newAad(t)
		limitedRun(a, scriptedCodex(t, c.script+"\n"), rpc.RunSettings{"rate_limit_pause_seconds": 1})
		run := a.wait("r")
		if run.OperationalError != c.kind || !strings.Contains(run.OperationalAdvice, c.hint) || strings.Contains(a.types("r"), "run_deferred") {
			t.Errorf("%s: it ended as %s with hint %q; %s", c.script, run.OperationalError, run.OperationalAdvice, a.types("r"))
		}
		a.stop()
	}
}

func TestAnswerThatSpeaksOfQuotaIsNoFailure(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	limitedRun(a, scriptedCodex(t, `echo '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"The quota is exceeded, rate limit 429, login first."}}'
`+delivered), rpc.RunSettings{})
	if run := a.wait("r"); !run.Accepted() {
		t.Errorf("it ended %s: %s", run.QueueState, run.OperationalHint)
	}
}
