package experience

import (
	"encoding/json"
	"fmt"
	"regexp"

	"aad/apprentice"
)

// formatVersion is that of experience_pack.json, source_refs.json and replays.json.
const formatVersion = "aa-experience-v0.1"

// Status says what is done with a pack.
type Status string

// A pack is a Draft until somebody keeps it; only Active ones are given to runs that
// do not name them.
const (
	Draft    Status = "draft"
	Active   Status = "active"
	Reverted Status = "reverted"
	Removed  Status = "removed"
)

// Pack is experience_pack.json: lessons drawn from runs, for later ones.
type Pack struct {
	SchemaVersion string                  `json:"schema_version"`
	PackID        string                  `json:"pack_id"` // aa-exp-<slug>-<10 hex digits>
	Title         string                  `json:"title"`
	Status        Status                  `json:"status" enum:"draft|active|reverted|removed"`
	Subject       apprentice.List[string] `json:"subject"` // the tasks it was drawn from, in their words
	CreatedAt     string                  `json:"created_at"`
	UpdatedAt     string                  `json:"updated_at"`
	SourceCount   int                     `json:"source_count"`

	Lessons              apprentice.List[Lesson] `json:"lessons"` // what made a criterion pass
	FailureModes         apprentice.List[Lesson] `json:"failure_modes"`
	RubricReminders      apprentice.List[Lesson] `json:"rubric_reminders"`
	ArtifactRequirements apprentice.List[Lesson] `json:"artifact_requirements"`
	RevisionLessons      apprentice.List[Lesson] `json:"revision_lessons"` // planned changes that raised the score
}

// Lesson is one sentence with where it comes from.
type Lesson struct {
	Text string                  `json:"text"`
	Seen int                     `json:"seen"` // in how many packages, at least 1
	Refs apprentice.List[string] `json:"refs"` // the first 50: <source>#<path of the file in it>, of a dataset with :<line>
}

// Source is where lessons were drawn from, a line of source_refs.json.
type Source struct {
	Ref    string `json:"ref"` // run:<run_id>, bundle:<bundle_id> or dataset:<dataset_id>
	Kind   string `json:"kind" enum:"run|bundle|dataset"`
	RunID  string `json:"run_id,omitempty"` // of a run of this home, which can be replayed
	Title  string `json:"title"`
	SHA256 string `json:"sha256"` // of the files that were read
}

// SourceRefs is source_refs.json.
type SourceRefs struct {
	SchemaVersion string                  `json:"schema_version"`
	PackID        string                  `json:"pack_id"`
	Sources       apprentice.List[Source] `json:"sources"`
}

// idPattern is what a pack's id may be: no path gets in.
var idPattern = regexp.MustCompile(`^aa-exp-[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{10}$`)

// CheckID refuses what is no id of a pack.
func CheckID(id string) error {
	if !idPattern.MatchString(id) {
		return apprentice.Errorf(apprentice.Invalid, "%q is no id of an experience pack", id).WithField("pack_id").
			WithHint("aa learn list shows them; they look like aa-exp-monthly-report-0123456789")
	}
	return nil
}

// Parse reads experience_pack.json. Another version is refused by both names.
func Parse(data []byte) (Pack, error) {
	var p Pack
	if err := json.Unmarshal(data, &p); err != nil {
		return Pack{}, fmt.Errorf("read experience pack: %w", err)
	}
	if p.SchemaVersion != formatVersion {
		return Pack{}, fmt.Errorf("read experience pack: it has format %q and this program knows %q", p.SchemaVersion, formatVersion)
	}
	if err := CheckID(p.PackID); err != nil {
		return Pack{}, err
	}
	switch p.Status {
	case Draft, Active, Reverted, Removed:
		return p, nil
	}
	return Pack{}, fmt.Errorf("read experience pack %s: unknown status %q", p.PackID, p.Status)
}

// kinds are the pack's lists in the order in which they are told, with their names.
func (p Pack) kinds() []kind {
	return []kind{
		{"Learnt", p.Lessons}, {"Helped in a revision", p.RevisionLessons}, {"Went wrong before", p.FailureModes},
		{"Looked for", p.RubricReminders}, {"To be delivered", p.ArtifactRequirements},
	}
}

type kind struct {
	name    string
	lessons []Lesson
}

// Count is how many lessons of all kinds the pack holds.
func (p Pack) Count() (n int) {
	for _, k := range p.kinds() {
		n += len(k.lessons)
	}
	return n
}
