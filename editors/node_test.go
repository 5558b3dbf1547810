//go:build unix

package editors

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// modules installs what vscode/package.json names, once, and compiles the extension.
// Where npm cannot be reached the test is skipped.
func modules(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("there is no " + tool)
		}
	}
	install := exec.Command("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = "vscode"
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot be reached: %v\n%s", err, out)
	}
	compile := exec.Command("npx", "--no-install", "tsc", "-p", ".")
	compile.Dir = "vscode"
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("compile the extension: %v\n%s", err, out)
	}
}

func TestVSCodeConnectionSubmitsWatchesAnswersAndComesBack(t *testing.T) {
	modules(t)
	p := sit(t)
	cmd := p.command(t, "node", "test/socket.js")
	cmd.Dir = "vscode"
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "all held") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestOpenRPCDocumentPassesItsMakersValidator(t *testing.T) {
	modules(t)
	p := sit(t)
	schema, err := p.command(t, p.bin+"/aa", "rpc", "schema").Output()
	if err != nil {
		t.Fatal(err)
	}
	for text, good := range map[string]bool{
		string(schema): true,
		strings.Replace(string(schema), `"openrpc"`, `"opnrpc"`, 1):                                  false,
		strings.Replace(string(schema), `#/components/schemas/Run"`, `#/components/schemas/Rnu"`, 1): false,
	} {
		cmd := p.command(t, "node", "test/openrpc.js")
		cmd.Dir, cmd.Stdin = "vscode", strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); (err == nil) != good {
			t.Errorf("want it taken: %v; %v\n%.2000s", good, err, out)
		}
	}
}

func TestVSCodeChecksNoFileThatIsNotOfItsFormat(t *testing.T) {
	modules(t)
	p := sit(t)
	for _, args := range [][]string{
		{"run", "echo hello > artifacts/hello.txt", "--quiet"},
		{"submit", "echo more > artifacts/more.txt", "--mentor-mode", "expert_led", "--quiet"},
	} {
		if out, err := p.command(t, p.bin+"/aa", args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	_ = p.command(t, p.bin+"/aa", "wait", "@last", "--quiet").Run() // its exit code says that the run waits for a person
	runs := filepath.Join(p.home, "runs", "*")
	var written []string
	for _, pattern := range []string{"packages/*/rubric/rubric.json", "mentor_checkpoints/*_checkpoint.json"} {
		found, err := filepath.Glob(filepath.Join(runs, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("there is no %s: %v", pattern, err)
		}
		written = append(written, found...)
	}
	list, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	cmd := p.command(t, "node", "test/manifest.js")
	cmd.Dir, cmd.Stdin = "vscode", bytes.NewReader(list)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "all held") {
		t.Errorf("%v\n%s", err, out)
	}
}
