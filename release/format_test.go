package release

import (
	"strings"
	"testing"

	"aad/internal/atomicfile"
)

func FuzzParseManifest(f *testing.F) {
	good, err := atomicfile.JSON(DatasetManifest{SchemaVersion: Version, Datasets: []Dataset{{Name: "tasks", Rows: 1}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema_version":"aa-release-v0.2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ParseManifest(data); err == nil && m.SchemaVersion != Version {
			t.Fatalf("version %q was read", m.SchemaVersion)
		}
	})
}

func FuzzParseQuality(f *testing.F) {
	good, err := atomicfile.JSON(newQuality())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		if q, err := ParseQuality(data); err == nil && q.SchemaVersion != Version {
			t.Fatalf("version %q was read", q.SchemaVersion)
		}
	})
}

func TestOtherVersionsAreRefusedByBothNumbers(t *testing.T) {
	_, err := ParseManifest([]byte(`{"schema_version":"aa-release-v9"}`))
	if err == nil || !strings.Contains(err.Error(), "aa-release-v9") || !strings.Contains(err.Error(), Version) {
		t.Fatalf("refused as %v", err)
	}
}
