package bundle

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// member is a file of an archive that somebody made by hand.
type member struct {
	name, text string
	kind       byte
}

// archive packs members as they are.
func archive(t testing.TB, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Typeflag: m.kind, Mode: 0o644, Size: int64(len(m.text))}
		if m.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag != tar.TypeReg {
			h.Size, h.Linkname = 0, m.text
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(m.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.Close() != nil || z.Close() != nil {
		t.Fatal("it cannot be packed")
	}
	return out.Bytes()
}

// manifest is one that names files with the sizes of their texts.
func manifest(t testing.TB, files ...FileEntry) member {
	t.Helper()
	doc, err := atomicfile.JSON(Manifest{SchemaVersion: Version, BundleID: "bundle_a", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return member{name: "bundle_a/" + ManifestName, text: string(doc)}
}

func entry(path string, size int64) FileEntry {
	return FileEntry{Path: path, Size: size, Action: Copied}
}

func TestAnArchiveCanPutNothingWhereItsManifestDoesNotSay(t *testing.T) {
	x := member{name: "bundle_a/x", text: "1234"}
	for what, members := range map[string][]member{
		"no manifest first":       {x, manifest(t, entry("x", 4))},
		"a name that leads out":   {manifest(t, entry("../../x", 4)), {name: "bundle_a/../../x", text: "1234"}},
		"an absolute name":        {manifest(t, entry("/tmp/x", 4)), {name: "/tmp/x", text: "1234"}},
		"a name of another root":  {manifest(t, entry("x", 4)), {name: "other/x", text: "1234"}},
		"a link":                  {manifest(t, entry("x", 0)), {name: "bundle_a/x", text: "/etc/passwd", kind: tar.TypeSymlink}},
		"a hard link":             {manifest(t, entry("x", 0)), {name: "bundle_a/x", text: "bundle_a/" + ManifestName, kind: tar.TypeLink}},
		"a folder":                {manifest(t, entry("x", 0)), {name: "bundle_a/x", kind: tar.TypeDir}},
		"a pipe":                  {manifest(t, entry("x", 0)), {name: "bundle_a/x", kind: tar.TypeFifo}},
		"a file not named":        {manifest(t), x},
		"a file twice":            {manifest(t, entry("x", 4)), x, x},
		"a file larger than said": {manifest(t, entry("x", 3)), x},
		"the manifest again":      {manifest(t, entry(ManifestName, 4)), {name: "bundle_a/" + ManifestName, text: "1234"}},
		"a file below a file":     {manifest(t, entry("x", 4), entry("x/y", 4)), x, {name: "bundle_a/x/y", text: "1234"}},
		"a control character":     {manifest(t, entry("a\x1b[2Jb", 4)), {name: "bundle_a/a\x1b[2Jb", text: "1234"}},
		"more than there is room": {manifest(t, entry("x", 1<<40))},
		"less than nothing":       {manifest(t, entry("x", -1))},
		"another id":              {{name: "bundle_b/" + ManifestName, text: manifest(t).text}},
	} {
		above := t.TempDir()
		dir := filepath.Join(above, "a", "b")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Unpack(t.Context(), bytes.NewReader(archive(t, members...)), dir, false, 1<<20); err == nil {
			t.Errorf("%s: it was unpacked", what)
		}
		if left, err := os.ReadDir(above); err != nil || len(left) != 1 {
			t.Errorf("%s: it has left %v beside its folder, %v", what, left, err)
		}
	}
}

func TestTheHeadOfAnArchiveIsReadAlone(t *testing.T) {
	members := []member{manifest(t, entry(metadataName, 2), entry("learning_data/"+lessonsName, 2), entry("x", 4)), {name: "bundle_a/" + metadataName, text: "{}"},
		{name: "bundle_a/learning_data/" + lessonsName, text: "{}"}, {name: "bundle_a/x", text: "1234"}}
	dir := t.TempDir()
	m, err := Unpack(t.Context(), bytes.NewReader(archive(t, members...)), dir, true, 1<<20)
	if err != nil || m.BundleID != "bundle_a" {
		t.Fatal(m.BundleID, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "learning_data", lessonsName)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("what is not of the head was unpacked")
	}
}

func TestAnArchiveOfVeryManyFilesIsRefusedByItsManifest(t *testing.T) {
	files := make([]FileEntry, MaxFiles+1)
	for i := range files {
		files[i] = entry(fmt.Sprint("f", i), 0)
	}
	dir := t.TempDir()
	_, err := Unpack(t.Context(), bytes.NewReader(archive(t, manifest(t, files...))), dir, false, 1<<30)
	if apprentice.KindOf(err) != apprentice.Invalid || !strings.Contains(err.Error(), "more than") {
		t.Errorf("it was taken: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it has left %v", left)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, manifest(f, entry("x", 4), entry("d/y", 1)), member{name: "bundle_a/x", text: "1234"}, member{name: "bundle_a/d/y", text: "1"},
		member{name: "bundle_a/" + SumsName, text: "x"}))
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		above := t.TempDir()
		dir := filepath.Join(above, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Unpack(t.Context(), bytes.NewReader(data), dir, false, 1<<20)
		if left, _ := os.ReadDir(above); len(left) != 1 {
			t.Fatalf("%v lies beside it, %v", left, err)
		}
	})
}
