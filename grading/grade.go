package grading

import (
	"fmt"
	"math"
	"slices"

	"aad/apprentice"
)

// Attempt says whose grade is written.
type Attempt struct {
	TaskID    apprentice.TaskID
	AttemptID apprentice.AttemptID
	Kind      apprentice.AttemptKind
}

// who judged, as the metadata of a grade says it.
const (
	judgeChecks = "checks"
	judgeNobody = "nobody"
	judgeModel  = "model"
	judgeBoth   = "hybrid" // checks and a model
)

// Grade sums up what the checks found, and does so the same way each time. A
// criterion that nobody has measured is neither passed nor counted: the score
// is the weighted mean over the rest. An attempt passes when every criterion
// was measured and passed, and the score reaches the rubric's threshold. The
// grade is unverified until Verified.
func Grade(spec apprentice.RubricSpec, results []Result, a Attempt) (apprentice.GraderResult, error) {
	if err := aligned(spec, results); err != nil {
		return apprentice.GraderResult{}, err
	}
	g := apprentice.GraderResult{
		GraderResultID:   string(a.AttemptID) + "_grader_result",
		TaskID:           string(a.TaskID),
		AttemptID:        string(a.AttemptID),
		AttemptKind:      string(a.Kind),
		RubricID:         spec.RubricID,
		GraderKind:       "unavailable",
		ScoreSource:      "unavailable",
		MaxScore:         1,
		ScoreReliability: "unverified",
		VerifierStatus:   "not_run",
	}
	for i, res := range results {
		score := itemScore(spec.RubricItems[i], res, a)
		g.RubricItemScores = append(g.RubricItemScores, score)
		for _, ref := range score.EvidenceRefs {
			if !slices.Contains(g.EvidenceRefs, ref) {
				g.EvidenceRefs = append(g.EvidenceRefs, ref)
			}
		}
		switch {
		case !res.Checked:
		case res.Passed:
			g.PassedCriteria = append(g.PassedCriteria, res.Criterion)
		default:
			g.FailedCriteria = append(g.FailedCriteria, res.Criterion)
		}
	}
	conclude(&g, spec, results)
	return g, nil
}

func aligned(spec apprentice.RubricSpec, results []Result) error {
	if len(spec.RubricItems) != len(results) {
		return fmt.Errorf("grade against %s: it has %d criteria and there are %d results", spec.RubricID, len(spec.RubricItems), len(results))
	}
	for i, res := range results {
		if res.ItemID != spec.RubricItems[i].RubricItemID {
			return fmt.Errorf("grade against %s: result %d is of %q", spec.RubricID, i+1, res.ItemID)
		}
	}
	return nil
}

func itemScore(item apprentice.RubricItem, res Result, a Attempt) apprentice.RubricItemScore {
	present := len(res.Missing) == 0
	confidence := 1.0
	if !res.Checked {
		confidence = 0
	}
	s := apprentice.RubricItemScore{
		RubricItemID:       item.RubricItemID,
		CriterionName:      item.CriterionName,
		Score:              round(res.Score),
		MaxScore:           1,
		Passed:             res.Passed,
		FailureMode:        res.Failure,
		Notes:              res.Notes,
		Confidence:         &confidence,
		ArtifactPresenceOK: &present,
	}
	if j := res.Judged; j != nil {
		s.SemanticCorrectnessScore = &j.Score
		s.ReasoningSummary, s.ImprovementSuggestion = j.Reasoning, j.Suggestion
	}
	switch {
	case res.Error != "":
		s.Notes = "the check could not be run: " + res.Error
	case !res.Checked:
		s.Notes = "no check measures this criterion, and nobody has judged it"
	case ByMentor(item, res) && item.MetadataJSON[checkKey] == nil && len(res.Missing) == 0:
		s.Confidence = &res.Judged.Confidence
	case !res.Passed && res.Tail != "":
		s.ReasoningSummary = res.Tail
	}
	for _, p := range res.Evidence {
		s.EvidenceRefs = append(s.EvidenceRefs, EvidenceRef(a.Kind, p))
	}
	return s
}

// EvidenceRef turns a path in an attempt's workspace into one in its package.
func EvidenceRef(kind apprentice.AttemptKind, p string) string {
	return "attempts/" + string(kind) + "/" + p
}

// conclude fills in what follows from the items.
func conclude(g *apprentice.GraderResult, spec apprentice.RubricSpec, results []Result) {
	t := tallyOf(spec, g.RubricItemScores)
	present := 0
	for _, res := range results {
		if len(res.Missing) == 0 {
			present++
		}
		if res.Error != "" {
			g.Limitations = append(g.Limitations, fmt.Sprintf("the check of %q could not be run: %s", res.Criterion, res.Error))
		}
	}
	if len(results) > 0 {
		contract := round(float64(present) / float64(len(results)))
		g.ArtifactContractScore = &contract
	}
	judge := judgeNobody
	if t.reviewed > 0 {
		judge = sourceOf(g, spec, results)
		g.Confidence = round(t.weight * t.confidence)
		g.Score = t.score
		g.FinalScore = &t.score
		g.Passed = t.passed(spec)
	}
	if t.unreviewed != nil {
		g.Limitations = append(g.Limitations, fmt.Sprintf("%d of %d criteria are unreviewed and do not count", len(t.unreviewed), len(results)))
	}
	verb := "passed"
	if judge == judgeChecks {
		verb = "passed their checks"
	}
	g.ReasoningSummary = fmt.Sprintf("%d of %d criteria %s, %d failed, %d are unreviewed; score %s over %s of the weight, threshold %s",
		len(g.PassedCriteria), len(results), verb, len(g.FailedCriteria), len(t.unreviewed),
		apprentice.ScoreText(t.score), apprentice.ScoreText(t.weight), apprentice.ScoreText(spec.PassThreshold))
	g.MetadataJSON = map[string]any{
		"judge":               judge,
		"reviewed_weight":     round(t.weight),
		"unreviewed_criteria": anyList(t.unreviewed),
		"checks":              checkRecords(results),
	}
}

// sourceOf says in a grade who judged: checks, a model, or both.
func sourceOf(g *apprentice.GraderResult, spec apprentice.RubricSpec, results []Result) (judge string) {
	checked, judged, weight, sum := false, false, 0.0, 0.0
	for i, res := range results {
		item := spec.RubricItems[i]
		if !res.Checked {
			continue
		}
		checked = checked || item.MetadataJSON[checkKey] != nil
		if ByMentor(item, res) {
			judged = true
			weight += item.Weight
			sum += item.Weight * res.Judged.Score
		}
	}
	if judged && weight > 0 {
		mean := min(1, round(sum/weight))
		g.SemanticScore, g.ModelScore = &mean, &mean
	}
	switch {
	case judged && checked:
		g.GraderKind, g.ScoreSource = "hybrid", "hybrid"
		return judgeBoth
	case judged:
		g.GraderKind, g.ScoreSource = "model", "model_judged"
		return judgeModel
	}
	g.GraderKind, g.ScoreSource = "deterministic", "deterministic"
	return judgeChecks
}

// tally is what items and weights amount to.
type tally struct {
	confidence float64 // mean over the reviewed weight
	score      float64 // over the reviewed weight; 0 when there is none
	weight     float64 // reviewed share of the weight
	reviewed   int
	failed     int
	unreviewed []string
}

func tallyOf(spec apprentice.RubricSpec, scores []apprentice.RubricItemScore) tally {
	var t tally
	total, sum := 0.0, 0.0
	for i, s := range scores {
		w := spec.RubricItems[i].Weight
		total += w
		if unreviewed(s) {
			t.unreviewed = append(t.unreviewed, s.CriterionName)
			continue
		}
		t.reviewed++
		if !s.Passed {
			t.failed++
		}
		t.weight += w
		sum += w * s.Score
		if s.Confidence != nil {
			t.confidence += w * *s.Confidence
		}
	}
	if t.weight > 0 {
		t.score = min(1, round(sum/t.weight))
		t.confidence = min(1, t.confidence/t.weight)
	}
	if total > 0 {
		t.weight = math.Min(1, t.weight/total)
	}
	return t
}

func (t tally) passed(spec apprentice.RubricSpec) bool {
	return t.reviewed > 0 && t.failed == 0 && len(t.unreviewed) == 0 && t.score >= spec.PassThreshold-tolerance
}

func unreviewed(s apprentice.RubricItemScore) bool {
	return s.FailureMode == FailedUnreviewed || s.FailureMode == FailedCheckError
}

// Unreviewed lists the criteria of a grade that nobody has measured.
func Unreviewed(g apprentice.GraderResult) []string {
	var list []string
	for _, s := range g.RubricItemScores {
		if unreviewed(s) {
			list = append(list, s.CriterionName)
		}
	}
	return list
}

// Criteria tells how each criterion of a rubric was graded.
func Criteria(grade apprentice.GraderResult, spec apprentice.RubricSpec) (list []apprentice.Criterion) {
	open := Unreviewed(grade)
	for i, s := range grade.RubricItemScores {
		c := apprentice.Criterion{Name: s.CriterionName, Score: s.Score, Passed: s.Passed, Notes: s.Notes,
			Reviewed: !slices.Contains(open, s.CriterionName)}
		if i < len(spec.RubricItems) {
			c.Weight, c.Hidden = spec.RubricItems[i].Weight, !spec.RubricItems[i].WorkerVisible
		}
		list = append(list, c)
	}
	return list
}

// checkRecords keeps what the fields of an item score have no place for, as the
// tree that reading it back gives.
func checkRecords(results []Result) []any {
	records := []any{}
	for _, res := range results {
		record := map[string]any{"rubric_item_id": res.ItemID, "checked": res.Checked, "duration_ms": float64(res.DurationMS)}
		if res.ExitCode != nil {
			record["exit_code"] = float64(*res.ExitCode)
		}
		if res.TimedOut {
			record["timed_out"] = true
		}
		if res.Error != "" {
			record["error"] = res.Error
		}
		if res.Judged != nil {
			record["judged"] = res.Judged.record()
		}
		records = append(records, record)
	}
	return records
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
