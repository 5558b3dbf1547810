package ecosystem

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"aad/bundle"
	"aad/internal/atomicfile"
)

// IndexVersion is the version of an index's format that this package writes and reads.
const IndexVersion = "aa-ecosystem-index-v0.1"

// Index is what was read of a place's archives, so that none is read twice: they never
// alter. It can always be made anew.
type Index struct {
	SchemaVersion string  `json:"schema_version"`
	Place         string  `json:"place"`
	Entries       []Entry `json:"entries"`
}

// Entry is one shared bundle as a list shows it, or why its archive is none.
type Entry struct {
	BundleID     string   `json:"bundle_id"`
	Size         int64    `json:"size_bytes"` // of the archive
	Version      string   `json:"version"`    // alters when somebody puts another archive there
	Title        string   `json:"task_title,omitempty"`
	Instructions []string `json:"task_instructions,omitempty"`
	Lessons      []string `json:"lessons,omitempty"`
	Agent        string   `json:"apprentice_agent,omitempty"`
	Verdict      string   `json:"verdict,omitempty"`
	Score        *float64 `json:"final_score,omitempty"`
	License      string   `json:"license,omitempty"`
	CreatedAt    string   `json:"created_at,omitempty"`
	Files        int      `json:"files,omitempty"`
	Problem      string   `json:"problem,omitempty"`
}

// Bounds of what an index keeps of a bundle.
const (
	maxText    = 4 << 10
	maxLessons = 50
	maxIndex   = 1 << 30
)

// ParseIndex reads an index and refuses other versions.
func ParseIndex(data []byte) (Index, error) {
	var i Index
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&i); err != nil {
		return Index{}, fmt.Errorf("read the index: %w", err)
	}
	if i.SchemaVersion != IndexVersion {
		return Index{}, fmt.Errorf("read the index: its format is %q; this aad reads %q", i.SchemaVersion, IndexVersion)
	}
	for _, e := range i.Entries {
		if bundle.CheckID(e.BundleID) != nil {
			return Index{}, fmt.Errorf("read the index: %q is no id of a bundle", e.BundleID)
		}
	}
	return i, nil
}

// readIndex returns the entries of a place's index by bundle, none where it cannot be
// read.
func readIndex(file string, place string) map[string]Entry {
	known := map[string]Entry{}
	if info, err := os.Stat(file); err != nil || info.Size() > maxIndex {
		return known
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return known
	}
	i, err := ParseIndex(data)
	if err != nil || i.Place != place {
		return known
	}
	for _, e := range i.Entries {
		known[e.BundleID] = e
	}
	return known
}

func writeIndex(file string, place string, entries []Entry) error {
	data, err := json.Marshal(Index{SchemaVersion: IndexVersion, Place: place, Entries: entries})
	if err != nil {
		return err
	}
	return atomicfile.Write(file, data, 0o600)
}

// entryOf is what a list tells of a bundle.
func entryOf(o object, m bundle.Manifest, g bundle.Gist) Entry {
	e := Entry{BundleID: o.id, Size: o.size, Version: o.version, Title: short(m.Title), Agent: short(m.Agent), Verdict: short(m.Verdict),
		Score: m.FinalScore, License: short(m.License), CreatedAt: short(m.CreatedAt)}
	for _, f := range m.Files {
		if f.Action != bundle.Omitted {
			e.Files++
		}
	}
	for _, t := range g.Instructions[:min(len(g.Instructions), maxLessons)] {
		e.Instructions = append(e.Instructions, short(t))
	}
	for _, t := range g.Lessons[:min(len(g.Lessons), maxLessons)] {
		e.Lessons = append(e.Lessons, short(t))
	}
	return e
}

func short(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.TrimRightFunc(text[:maxText], func(r rune) bool { return r == utf8.RuneError })
}

// Found is an entry that a search found.
type Found struct {
	Entry
	Where []string // the fields that hold one of the words
}

// Search finds the entries that hold every one of the words, wherever, those that hold
// them in the title first, then the newest.
func Search(entries []Entry, words []string) (hits []Found) {
	inTitle := map[string]int{}
	for _, e := range entries {
		f := Found{Entry: e}
		fields := []struct{ name, text string }{{"title", e.Title}, {"instruction", strings.Join(e.Instructions, "\n")},
			{"agent", e.Agent}, {"lessons", strings.Join(e.Lessons, "\n")}, {"id", e.BundleID}}
		missing := slices.Clone(words)
		for _, field := range fields {
			text, hit := strings.ToLower(field.text), false
			for _, w := range words {
				if !strings.Contains(text, strings.ToLower(w)) {
					continue
				}
				hit = true
				missing = slices.DeleteFunc(missing, func(m string) bool { return m == w })
				if field.name == "title" {
					inTitle[e.BundleID]++
				}
			}
			if hit {
				f.Where = append(f.Where, field.name)
			}
		}
		if len(missing) == 0 && e.Problem == "" {
			hits = append(hits, f)
		}
	}
	slices.SortStableFunc(hits, func(a, b Found) int {
		return cmp.Or(cmp.Compare(inTitle[b.BundleID], inTitle[a.BundleID]), newestFirst(a.Entry, b.Entry))
	})
	return hits
}

func newestFirst(a, b Entry) int {
	return cmp.Or(strings.Compare(b.CreatedAt, a.CreatedAt), strings.Compare(a.BundleID, b.BundleID))
}
