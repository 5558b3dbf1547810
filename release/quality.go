package release

import (
	"encoding/json"
	"fmt"
	"slices"
)

func newQuality() QualityReport {
	return QualityReport{SchemaVersion: Version, Verdicts: map[string]int{}, Statuses: map[string]int{}, Agents: map[string]int{},
		MentorModes: map[string]int{}, Judges: map[string]int{}, Masked: map[string]int{}}
}

// attempts counts those of a row of full_task_records.
func (q *QualityReport) attempts(line []byte) error {
	var row struct {
		Attempts []struct {
			Grade *struct {
				Kind string `json:"grader_kind"`
			} `json:"grader_result"`
		} `json:"attempts"`
	}
	err := json.Unmarshal(line, &row)
	for _, a := range row.Attempts {
		q.Attempts++
		if a.Grade == nil || a.Grade.Kind == "unavailable" {
			q.Ungraded++
		}
	}
	return err
}

func (q *QualityReport) count(row PackageRow) {
	q.Packages++
	q.Verdicts[row.Verdict]++
	q.Statuses[row.TaskStatus]++
	q.Agents[row.Agent]++
	q.MentorModes[row.MentorMode]++
	if row.Verdict == "unreviewed" {
		q.Unreviewed++
	}
	if row.TaskStatus == "completed" && row.Verdict == "passed" {
		q.Accepted++
	}
	if row.JudgedBy != "" {
		q.Judges[row.JudgedBy]++
	}
	if row.FinalScore == nil {
		return
	}
	s := *row.FinalScore
	if q.Scored == 0 || s < q.LowestScore {
		q.LowestScore = s
	}
	if q.Scored == 0 || s > q.HighestScore {
		q.HighestScore = s
	}
	q.MeanScore = (q.MeanScore*float64(q.Scored) + s) / float64(q.Scored+1)
	q.Scored++
}

// warnings are what one should know before one relies on a release.
func warnings(m DatasetManifest, q QualityReport) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if m.License == "" {
		add("no licence is given: set contribution_license")
	}
	if m.Consent == "not_given" {
		add("consent is not given: set contribution_consent")
	}
	if q.Unreviewed > 0 {
		add("%d of %d packages are unreviewed (%s)", q.Unreviewed, q.Packages, share(q.Unreviewed, q.Packages))
	}
	if q.Ungraded > 0 {
		add("%d of %d attempts are ungraded (%s)", q.Ungraded, q.Attempts, share(q.Ungraded, q.Attempts))
	}
	if m.Public && m.Masking == "no_masking" {
		add("masking is off: paths, names and addresses stand as they were; secrets are masked all the same")
	}
	var empty []string
	for _, d := range m.Datasets {
		if d.Rows == 0 {
			empty = append(empty, d.Name)
		}
	}
	for _, name := range empty {
		add("%s has no rows", name)
	}
	runs := 0
	for _, l := range m.LeftOut {
		if l.RunID != "" && l.Path == "" {
			runs++
			add("run %s is left out: %s", l.RunID, l.Why)
		}
	}
	return slices.Clip(list)
}

func share(n, of int) string {
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(max(of, 1)))
}
