//go:build linux

package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/internal/testbin"
)

// each runs a test with every kind of sandbox, skipped with the reason where one does
// not work. The shim is built once.
func each(t *testing.T, test func(t *testing.T, s State, shim string)) {
	t.Helper()
	shim := builtShim(t)
	for _, s := range Look(t.Context(), os.Getenv("PATH")) {
		t.Run(s.Kind, func(t *testing.T) {
			if !s.Works {
				t.Skipf("%s does not work here: %s", s.Kind, s.Why)
			}
			test(t, s, shim)
		})
	}
}

func builtShim(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := testbin.Build(dir, "aad/cmd/aad-shim"); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "aad-shim")
}

// place is a home with secrets, and a workspace in it.
type place struct {
	t                     *testing.T
	home, work, own, file string
	policy                Policy
}

func newPlace(t *testing.T) place {
	t.Helper()
	top, err := os.MkdirTemp("/var/tmp", "sandbox") // bubblewrap has a /dev of its own, with /dev/shm
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	p := place{t: t, home: filepath.Join(top, "aad"), own: filepath.Join(top, "user")}
	p.work = filepath.Join(p.home, "work", "r", "baseline")
	p.file = filepath.Join(p.home, "control", "script.sh")
	for path, text := range map[string]string{
		filepath.Join(p.home, "aad.db"):         "the database",
		filepath.Join(p.home, ".env.local"):     "KEY=secret",
		filepath.Join(p.home, "private/rubric"): "hidden",
		filepath.Join(p.own, ".ssh/id"):         "private key",
		filepath.Join(p.own, ".netrc"):          "password",
		filepath.Join(p.own, "code/main.go"):    "package main",
		filepath.Join(p.work, "input/data"):     "data",
		p.file:                                  "script",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(p.own, ".ssh"), filepath.Join(p.own, "shortcut")); err != nil {
		t.Fatal(err)
	}
	p.policy = Policy{Dir: p.work, Write: []string{p.work}, Read: []string{p.file}, Hide: Hidden(p.home, "", p.own)}
	return p
}

// run runs a script in the sandbox and returns what it printed and its exit code.
func (p place) run(s State, shim, script string) (string, int) {
	p.t.Helper()
	args, err := p.policy.Wrap(s.Kind, s.Program(), shim, []string{"/bin/sh", "-c", script})
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = p.work
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
}

func TestAConfinedCommandWorksInItsWorkspaceAndReadsTheSystem(t *testing.T) {
	each(t, func(t *testing.T, s State, shim string) {
		p := newPlace(t)
		out, code := p.run(s, shim, `set -e
			cat input/data; pwd; mkdir -p deep/er; echo made > deep/er/file; mv deep/er/file moved; ln -s moved link; rm -r deep
			echo gone > /dev/null; cat '`+p.file+`'; head -c 4 '`+p.own+`/code/main.go'; ls /usr/bin > /dev/null; exit 7`)
		if want := "data" + p.work + "\nscriptpack"; out != want || code != 7 {
			t.Errorf("it printed %q and ended with %d, want %q and 7", out, code, want)
		}
		if got, err := os.ReadFile(filepath.Join(p.work, "link")); err != nil || string(got) != "made\n" {
			t.Errorf("it left %q, %v", got, err)
		}
	})
}

func TestAConfinedCommandReadsNothingThatIsHidden(t *testing.T) {
	each(t, func(t *testing.T, s State, shim string) {
		p := newPlace(t)
		for _, path := range []string{
			p.home + "/aad.db", p.home + "/.env.local", p.home + "/private/rubric", p.work + "/../../../aad.db",
			p.own + "/.ssh/id", p.own + "/.netrc", p.own + "/shortcut/id", "/proc/1/root" + p.home + "/aad.db",
		} {
			for _, read := range []string{"cat '" + path + "'", "cp '" + path + "' copied && cat copied", "ln '" + path + "' linked && cat linked"} {
				out, _ := p.run(s, shim, read)
				for _, secret := range []string{"the database", "KEY=", "hidden", "private key", "password"} {
					if strings.Contains(out, secret) {
						t.Errorf("%s gives %q", read, out)
					}
				}
			}
		}
	})
}

func TestAConfinedCommandWritesNowhereElse(t *testing.T) {
	each(t, func(t *testing.T, s State, shim string) {
		p := newPlace(t)
		outside := t.TempDir()
		kept := filepath.Join(outside, "kept")
		if err := os.WriteFile(kept, []byte("kept"), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, write := range []string{
			"echo x > '" + outside + "/new'", "echo x > '" + kept + "'", ": > '" + kept + "'", "rm '" + kept + "'", "mv '" + kept + "' moved",
			"mkdir '" + outside + "/folder'", "ln -s /etc '" + outside + "/link'", "echo x > '" + p.home + "/aad.db'", "rm -r '" + p.own + "/.ssh'",
			"truncate -s 0 '" + kept + "'", "echo x > '" + p.own + "/code/main.go'", "ln -s '" + outside + "' out && echo x > out/new",
		} {
			p.run(s, shim, write)
		}
		entries, err := os.ReadDir(outside)
		if err != nil || len(entries) != 1 {
			t.Errorf("outside there is %v, %v", entries, err)
		}
		for path, want := range map[string]string{kept: "kept", p.home + "/aad.db": "the database", p.own + "/.ssh/id": "private key", p.own + "/code/main.go": "package main"} {
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("%s is %q, %v", path, got, err)
			}
		}
	})
}

func TestTheNetworkGoesOnlyWhenThatIsAskedFor(t *testing.T) {
	each(t, func(t *testing.T, s State, shim string) {
		p := newPlace(t)
		if out, _ := p.run(s, shim, "cat /proc/net/dev"); s.Kind == Bubblewrap {
			p.policy.NoNetwork = true
			if without, _ := p.run(s, shim, "cat /proc/net/dev"); strings.Count(without, "\n") >= strings.Count(out, "\n") && strings.Count(out, "\n") > 2 {
				t.Errorf("with network it sees\n%s\nand without\n%s", out, without)
			}
		}
	})
}

func TestAskingForWhatDoesNotWorkIsRefused(t *testing.T) {
	empty := t.TempDir()
	if _, err := Choose(t.Context(), Bubblewrap, false, empty); apprentice.KindOf(err) != apprentice.Unmet || !strings.Contains(err.Error(), "not installed") {
		t.Errorf("Choose bwrap where there is none = %v", err)
	}
	if _, err := Choose(t.Context(), Landlock, true, empty); apprentice.KindOf(err) != apprentice.Unmet {
		t.Errorf("Choose Landlock without network = %v", err)
	}
	if s, err := Choose(t.Context(), Off, true, empty); err != nil || s.Kind != Off {
		t.Errorf("Choose off = %v, %v", s, err)
	}
	if err := Become([]string{"{", "--", "true"}); err == nil {
		t.Error("a policy that is none was taken")
	}
	if err := Become(nil); err == nil {
		t.Error("a command without a policy was taken")
	}
}

func TestACommandThatCannotBeConfinedIsNotRun(t *testing.T) {
	shim := builtShim(t)
	out, err := exec.Command(shim, Stage, "no policy", "--", "/bin/echo", "it ran").CombinedOutput()
	if err == nil || strings.Contains(string(out), "it ran") {
		t.Errorf("it printed %q, %v", out, err)
	}
}
