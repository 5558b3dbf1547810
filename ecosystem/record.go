package ecosystem

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"aad/internal/atomicfile"
)

// RecordVersion is the version of a record's format that this package writes and reads.
const RecordVersion = "aa-ecosystem-share-v0.1"

// Record tells of one bundle that this home has shared: a line of shared.jsonl.
type Record struct {
	SchemaVersion string `json:"schema_version"`
	BundleID      string `json:"bundle_id"`
	RunID         string `json:"run_id"`
	Title         string `json:"task_title"`
	Place         string `json:"place"`
	SharedAt      string `json:"shared_at"`
	By            string `json:"by" enum:"manual|automatic"`
	Files         int    `json:"files"`
	Bytes         int64  `json:"size_bytes"` // of the archive
	License       string `json:"license"`
}

// ParseRecord reads one line, and refuses other versions.
func ParseRecord(line []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("read what was shared: %w", err)
	}
	if r.SchemaVersion != RecordVersion {
		return r, fmt.Errorf("read what was shared: its format is %q; this aad reads %q", r.SchemaVersion, RecordVersion)
	}
	return r, nil
}

// Records reads what was shared, the oldest first. Lines that cannot be read are
// passed over.
func Records(file string) ([]Record, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what was shared: %w", err)
	}
	var all []Record
	for line := range bytes.Lines(data) {
		if r, err := ParseRecord(line); err == nil {
			all = append(all, r)
		}
	}
	return all, nil
}

// AddRecord tells of one more bundle that was shared. One that is told of already, at
// the same place, is not told again.
func AddRecord(file string, r Record) error {
	all, err := Records(file)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.BundleID == r.BundleID && old.Place == r.Place {
			return nil
		}
	}
	r.SchemaVersion = RecordVersion
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read what was shared: %w", err)
	}
	return atomicfile.WriteSynced(file, append(append(data, line...), '\n'), 0o600)
}
