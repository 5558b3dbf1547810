package bundle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aad/internal/atomicfile"
)

func FuzzParseManifest(f *testing.F) {
	good, err := atomicfile.JSON(Manifest{SchemaVersion: Version, Files: []FileEntry{{Path: "a", Action: Copied}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema_version":"aa-bundle-v0.2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ParseManifest(data); err == nil && m.SchemaVersion != Version {
			t.Fatalf("version %q was read", m.SchemaVersion)
		}
	})
}

func FuzzParseSums(f *testing.F) {
	f.Add(WriteSums([]Sum{{"b", strings.Repeat("0", 64)}, {"a", strings.Repeat("f", 64)}}))
	f.Add([]byte("x  y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sums, err := ParseSums(data); err == nil && string(WriteSums(sums)) != string(data) {
			t.Fatalf("%q was read as %v", data, sums)
		}
	})
}

func TestOtherVersionsAreRefusedByBothNumbers(t *testing.T) {
	_, err := ParseManifest([]byte(`{"schema_version":"aa-bundle-v9"}`))
	if err == nil || !strings.Contains(err.Error(), "aa-bundle-v9") || !strings.Contains(err.Error(), Version) {
		t.Fatalf("refused as %v", err)
	}
}

func TestAManifestThatLeadsOutOfTheBundleIsAProblem(t *testing.T) {
	dir := t.TempDir()
	doc, err := atomicfile.JSON(Manifest{SchemaVersion: Version, Consent: "text", Packages: []Package{{Path: "../.."}},
		Files: []FileEntry{{Path: "../outside", Action: Copied, SHA256: strings.Repeat("0", 64)}, {Path: "gone", Action: Omitted}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{ManifestName: doc, SumsName: WriteSums([]Sum{{"../../etc/passwd", strings.Repeat("0", 64)}})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Check(t.Context(), dir, CheckOptions{})
	all := strings.Join(v.Problems, "\n")
	for _, want := range []string{`"../outside" leads out`, `"../../etc/passwd" leads out`, `package "../.." leads out`, "gone was omitted without a reason"} {
		if err != nil || !strings.Contains(all, want) {
			t.Errorf("%s is not told, %v:\n%s", want, err, all)
		}
	}
}

// TestSumsOfFilesOfAnyNameAreReadBack has names that no line could hold as they are.
func TestSumsOfFilesOfAnyNameAreReadBack(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	names := []string{"new\nline", `back\slash`, `not a \n`, "carriage\rreturn", "two  spaces", "plain"}
	var sums []Sum
	for _, n := range names {
		sums = append(sums, Sum{n, sum})
	}
	text := WriteSums(slices.Clone(sums))
	if !strings.Contains(string(text), `\`+sum+`  new\nline`+"\n") || !strings.Contains(string(text), "\n"+sum+"  plain\n") {
		t.Errorf("they are written as %s", text)
	}
	read, err := ParseSums(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sums {
		if !slices.Contains(read, s) {
			t.Errorf("%q is not read back: %q", s.Path, read)
		}
	}
}
