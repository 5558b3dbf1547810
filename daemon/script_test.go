package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script is the scripted agent: a shell script that notes each start outside of its
// workspace, so that a test can count them, and may wait at gates.
type script struct {
	t   *testing.T
	dir string
}

func newScript(t *testing.T) script { return script{t, t.TempDir()} }

// text is an instruction: the lines after the start was noted.
func (s script) text(lines ...string) string {
	head := `echo "$AA_RUN_ID $AA_ATTEMPT" >> '` + s.file("starts") + "'\n"
	return head + strings.Join(lines, "\n") + "\n"
}

func (s script) file(name string) string { return filepath.Join(s.dir, name) }

// gate is a line that waits until open(name), 60 seconds at most.
func (s script) gate(name string) string {
	return `touch '` + s.file(name+".reached") + `'; n=0; while [ ! -e '` + s.file(name) +
		`' ] && [ $n -lt 6000 ]; do sleep 0.01; n=$((n+1)); done`
}

func (s script) open(name string) {
	s.t.Helper()
	write(s.t, s.file(name), "")
}

func (s script) reached(name string) {
	s.t.Helper()
	eventually(s.t, "the agent is at gate "+name, func() bool { return there(s.file(name + ".reached")) })
}

// starts counts how often each attempt was started, by "run attempt".
func (s script) starts() map[string]int {
	s.t.Helper()
	counts := map[string]int{}
	data, err := os.ReadFile(s.file("starts"))
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		counts[strings.TrimSpace(line)]++
	}
	return counts
}

// twoTries fails its one check at first and passes it in the revision.
const twoTries = `if [ "$AA_ATTEMPT" = baseline ]; then echo bad > artifacts/out.txt; else echo good > artifacts/out.txt; fi`

// plainGood is a rubric of one check, which takes no command.
const plainGood = "criteria:\n  - name: says good\n    check: {contains: {path: artifacts/out.txt, text: good}}\n"

// wantsGood is a rubric of one check and one hidden one.
const wantsGood = `
criteria:
  - name: says good
    weight: 3
    check: {contains: {path: artifacts/out.txt, text: good}}
  - name: secret-criterion
    worker_visible: false
    check: {command: {run: "grep -q good artifacts/out.txt || { echo secret-finding; exit 1; }"}}
`
