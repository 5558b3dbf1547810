package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/rpc"
)

func TestARubricFileWithNothingInItIsRefused(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	empty := write(t, s.file("empty.yaml"), "")
	err := refused(a, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: s.quick(), RubricPath: empty}, apprentice.Invalid)
	if !strings.Contains(err.Error(), "empty.yaml") {
		t.Error(err)
	}
	run := a.work(rpc.RunSubmitParams{Instruction: s.quick()})
	refused(a, rpc.RunContinue, rpc.RunContinueParams{RunID: string(run.RunID), Instruction: s.quick(), RubricPath: empty}, apprentice.Invalid)
}

func TestAnAssetWithoutAFileOrAPathIsRefused(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	hollow := s.file("hollow")
	if err := os.MkdirAll(filepath.Join(hollow, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	run := a.work(rpc.RunSubmitParams{Instruction: s.quick()})
	for asset, reason := range map[string]string{hollow: "without a file", "": "no path"} {
		err := refused(a, rpc.RunSubmit, rpc.RunSubmitParams{Instruction: s.quick(), Assets: []string{asset}}, apprentice.Invalid)
		if !strings.Contains(err.Error(), reason) {
			t.Error(err)
		}
		refused(a, rpc.RunContinue, rpc.RunContinueParams{RunID: string(run.RunID), Instruction: s.quick(), Assets: []string{asset}}, apprentice.Invalid)
	}
}
