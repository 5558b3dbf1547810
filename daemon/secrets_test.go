package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
)

func TestSecretsAreReadWithQuotesAndComments(t *testing.T) {
	t.Parallel()
	got, err := ParseSecrets([]byte("# keys\nA=one two # not this\nexport B='x # \\n'\n\nC=\"a\\n\\\"b\\\"\" # c\nD=\nE=#none\n"))
	want := []string{"A=one two", `B=x # \n`, "C=a\n\"b\"", "D=", "E="}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestFaultySecretsAreRefusedWithoutBeingTold(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2", "1A=hunter2", "A='hunter2", `A="hunter2" x`, "A B=hunter2"} {
		if _, err := ParseSecrets([]byte("OK=1\n" + text)); err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestSecretsThatOthersCanReadAreRefusedUntilTheyCannot(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), ".env.local")
	if err := os.WriteFile(path, []byte("KEY=1\nOTHER=2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	s := &secrets{path: path}
	if _, err := s.read(); apprentice.KindOf(err) != apprentice.Denied {
		t.Errorf("others can read it: got %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.named([]string{"KEY", "HOME"}); !slices.Equal(got, []string{"KEY=1"}) {
		t.Errorf("got %q", got)
	}
}

func FuzzParseSecrets(f *testing.F) {
	f.Add([]byte("A=1\nexport B='2'\n# c\nC=\"x\\n\" # d\n"))
	f.Add([]byte("A='"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseSecrets(data)
		if err != nil {
			return
		}
		for _, pair := range list {
			if name, _, ok := strings.Cut(pair, "="); !ok || !isVariable(name) || strings.ContainsRune(pair, 0) {
				t.Errorf("%q is no variable", pair)
			}
		}
	})
}
