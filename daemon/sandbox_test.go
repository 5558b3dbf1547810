package daemon

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/internal/sandbox"
	"aad/rpc"
)

// inEachSandbox runs a test with every kind that works here.
func inEachSandbox(t *testing.T, test func(t *testing.T, kind string)) {
	t.Helper()
	for _, s := range sandbox.Look(t.Context(), os.Getenv("PATH")) {
		t.Run(s.Kind, func(t *testing.T) {
			if !s.Works {
				t.Skipf("%s does not work here: %s", s.Kind, s.Why)
			}
			test(t, s.Kind)
		})
	}
}

func TestASandboxedRunCannotReadTheHomeNorWriteOutsideItsWorkspace(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, kind string) {
		a, outside := newAad(t), t.TempDir()
		try := `cat '` + a.home.DB() + `' '` + a.home.Settings() + `' > stolen 2>/dev/null; echo x > '` + outside + `/written' 2>/dev/null; ls '` + a.home.Runs() + `' >> stolen 2>/dev/null; `
		write(t, a.home.Settings(), "{}")
		check := try + `test ! -s stolen && test ! -e '` + outside + `/written' && : > \"$TMPDIR/tmp\" && cat \"$AA_CHECK_DIR/helper\"`
		rubric := "criteria:\n  - name: confined\n    check: {command: {run: \"" + check + "\", files: [helper]}}\n"
		helper := write(t, t.TempDir()+"/helper", "help")
		run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: try + `cp stolen artifacts/stolen; echo done > artifacts/out; : > "$TMPDIR/tmp" && rm artifacts/stolen stolen`,
			Rubric: rubric, RubricPath: strings.TrimSuffix(helper, "helper") + "rubric.yaml", Settings: rpc.RunSettings{"sandbox": kind}})
		detail := a.get("r")
		if !run.Accepted() {
			t.Errorf("it ended %s, %s: %+v", run.QueueState, run.Verdict, detail.Attempts)
		}
		if !strings.HasPrefix(detail.Sandbox, kind+": agent and check commands") {
			t.Errorf("aa show says %q", detail.Sandbox)
		}
		if there(outside + "/written") {
			t.Error("something was written outside the workspace")
		}
	})
}

func TestASandboxedAgentLeavesWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, kind string) {
		a := newAad(t)
		a.work(rpc.RunSubmitParams{RunID: "r", Instruction: `cat '` + a.home.DB() + `' | head -c 100 > artifacts/stolen; ls '` + string(a.home) + `' > artifacts/listed; echo ended > artifacts/out`,
			Settings: rpc.RunSettings{"sandbox": kind}})
		folder := a.home.Run("r").Artifacts()
		if got := slurp(t, folder+"/stolen") + slurp(t, folder+"/listed"); strings.Contains(got, "aad.db") || len(slurp(t, folder+"/stolen")) > 0 {
			t.Errorf("it could read %q", got)
		}
		if got := slurp(t, folder+"/out"); got != "ended\n" {
			t.Errorf("it delivered %q", got)
		}
	})
}

func TestASandboxThatDoesNotWorkIsRefusedAndNeverDropped(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	a := newAad(t, "PATH="+empty)
	err := refused(a, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: "true", Settings: rpc.RunSettings{"sandbox": "bwrap"}}, apprentice.Unmet)
	if !strings.Contains(err.Error(), "bubblewrap is not installed") {
		t.Errorf("it says %v", err)
	}
	refused(a, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: "true", Settings: rpc.RunSettings{"sandbox": "firejail"}}, apprentice.Invalid)
	refused(a, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: "true", Settings: rpc.RunSettings{"sandbox": "landlock", "sandbox_network": false}}, apprentice.Unmet)
	for _, f := range must(a, rpc.DaemonDoctor, rpc.LookParams{}).Findings {
		if f.Name == "sandbox bwrap" && strings.Contains(f.Detail, "not available: bubblewrap is not installed") {
			return
		}
	}
	t.Error("aa doctor says nothing of it")
}

func TestASandboxedTreeIsEndedWithTheRun(t *testing.T) {
	t.Parallel()
	inEachSandbox(t, func(t *testing.T, kind string) {
		a := newAad(t)
		a.submit(rpc.RunSubmitParams{RunID: "r", Instruction: `(trap '' TERM; sleep 1000) & echo on > artifacts/on; setsid sleep 1000 & wait`, Settings: rpc.RunSettings{"sandbox": kind}})
		eventually(t, "the agent works", func() bool { return there(a.home.Work("r", 0, "baseline") + "/artifacts/on") })
		must(a, rpc.RunCancel, rpc.RunParams{RunID: "r"})
		if run := a.wait("r"); run.QueueState != apprentice.Cancelled {
			t.Errorf("it ended %s", run.QueueState)
		}
		a.none()
	})
}

func TestASandboxedCommandCannotCallAad(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("socat"); err != nil {
		t.Skip("there is no socat to call aad with")
	}
	inEachSandbox(t, func(t *testing.T, kind string) {
		a := newAad(t)
		call := `printf '{"jsonrpc":"2.0","id":1,"method":"run/submit","params":{"instruction":"true","settings":{"sandbox":"off"}}}\n' | socat -t 5 - UNIX-CONNECT:'` + a.home.Socket() + `' > artifacts/said 2>&1; true`
		a.work(rpc.RunSubmitParams{RunID: "r", Instruction: call, Settings: rpc.RunSettings{"sandbox": kind}})
		if list := must(a, rpc.RunList, rpc.RunListParams{}).Runs; len(list) != 1 {
			t.Errorf("there are %d runs", len(list))
		}
		if text := slurp(t, a.home.Run("r").Artifacts()+"/said"); strings.Contains(text, "run_id") {
			t.Errorf("it was answered %s", text)
		}
	})
}
