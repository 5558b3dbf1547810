package daemon

import (
	"testing"

	"aad/rpc"
)

// TestFilesOfAnyNameArePackedAndChecked has an apprentice deliver files whose names no
// line of text could hold.
func TestFilesOfAnyNameArePackedAndChecked(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(`cd artifacts; for n in 'new
line' 'back\slash' "$(printf 'ctl\033[31m')" "$(printf 'cr\rx')" '"quoted"' ' spaces  '; do echo x > "$n"; done`)})
	if c := must(a, rpc.BundleCheck, rpc.BundleCheckParams{RunID: "r"}); c.Total > 0 {
		t.Errorf("its bundle: %q", c.Problems)
	}
}
