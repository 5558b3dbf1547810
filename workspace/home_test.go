//go:build unix

package workspace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
)

// openHome gives a test its own home.
func openHome(t *testing.T) Home {
	t.Helper()
	home, err := OpenHome(filepath.Join(t.TempDir(), "home"))
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// put writes a file and the folders above it.
func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// names lists all that is below dir, folders with a slash.
func names(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := relTo(dir, path)
		if d.IsDir() {
			name += "/"
		}
		all = append(all, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestHomeIsMadePrivateAndOthersAreRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "home")
	if _, err := OpenHome(dir); err != nil {
		t.Fatal(err)
	}
	info, _ := os.Stat(dir)
	if info.Mode().Perm() != 0o700 {
		t.Fatalf("home has mode %o", info.Mode().Perm())
	}
	defer os.Chmod(dir, 0o700)
	for _, mode := range []os.FileMode{0o770, 0o702, 0o500, 0o600} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		_, err := OpenHome(dir)
		if apprentice.KindOf(err) != apprentice.Denied {
			t.Errorf("home of mode %o: %v", mode, err)
		}
	}
}

func TestHomeInTheWayOfAFileIsExplained(t *testing.T) {
	file := put(t, filepath.Join(t.TempDir(), "f"), "x")
	for _, path := range []string{file, filepath.Join(file, "home")} {
		if _, err := OpenHome(path); apprentice.KindOf(err) != apprentice.Unmet {
			t.Errorf("home at %s: %v", path, err)
		}
	}
}

func TestHomePathFollowsEnvironment(t *testing.T) {
	env := func(value string) func(string) (string, bool) {
		return func(name string) (string, bool) { return value, name == "AA_HOME" && value != "" }
	}
	for _, c := range []struct{ env, user, want string }{
		{"/x/y", "/home/u", "/x/y"}, {"", "/home/u", "/home/u/.aad"}, {"", "", ""},
	} {
		got, err := HomePath(env(c.env), c.user)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("HomePath(%q, %q) = %q, %v", c.env, c.user, got, err)
		}
	}
}

func TestPlacesOfPassesAndKindsNeverMeet(t *testing.T) {
	home := Home("/h")
	seen := map[string]bool{}
	for _, run := range []apprentice.RunID{"a", "b"} {
		for pass := range 3 {
			for n := range 3 {
				kind := apprentice.KindOfAttempt(n)
				for _, path := range []string{home.Work(run, pass, kind), home.Control(run, pass, kind)} {
					if seen[path] {
						t.Fatalf("%s is used twice", path)
					}
					seen[path] = true
				}
			}
		}
	}
	long := apprentice.RunID(strings.Repeat("x", 128))
	if got := home.Shim(long, 0, "baseline"); len(got) > 50 {
		t.Fatalf("shim folder %s leaves no room for a socket's name", got)
	}
}

func TestHooksAreFoundInAHomeOfAnyName(t *testing.T) {
	h := Home(filepath.Join(t.TempDir(), "a [home]*"))
	if err := os.MkdirAll(h.Hook("one"), 0o700); err != nil {
		t.Fatal(err)
	}
	if dirs, err := h.Hooks(); err != nil || len(dirs) != 1 || dirs[0] != h.Hook("one") {
		t.Errorf("found are %q, %v", dirs, err)
	}
}
