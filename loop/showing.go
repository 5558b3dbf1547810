package loop

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"aad/apprentice"
	"aad/grading"
	"aad/mentor"
)

// What a model is shown of an attempt beside its files, in bytes.
const (
	maxTrace   = 12 << 10
	maxStep    = 400
	maxMessage = 4 << 10
)

// view is an attempt as models are shown it; keep says which criteria.
func (p *pass) view(r *round, results []grading.Result, keep func(i int) bool) (mentor.AttemptView, error) {
	v := mentor.AttemptView{Task: p.taskView(""), Threshold: p.rubrics.PassThreshold, Outputs: outputsText(r.attempt),
		Message: mentor.Data("final_message.txt", head(p.folder.Package(p.task).Attempt(r.attempt.Kind).FinalMessage(), maxMessage))}
	for i, item := range p.rubrics.RubricItems {
		if !keep(i) {
			continue
		}
		c := mentor.CriterionView{ID: mentor.CriterionID(i), Name: item.CriterionName, Description: item.CriterionDescription,
			Weight: item.Weight, Threshold: item.PassThreshold, Hidden: !item.WorkerVisible, Evidence: item.ObservableEvidence,
			Required: item.RequiredArtifacts, Alone: grading.ChecksAlone(item)}
		if check, ok := p.rubric.Criteria[i].Check.Words(); ok {
			c.Check = check
		}
		c.Found = found(results[i])
		v.Criteria = append(v.Criteria, c)
	}
	trace, err := readTrace(p.folder.Package(p.task).Attempt(r.attempt.Kind).Trace())
	if err != nil {
		return v, err
	}
	v.Trace = mentor.Data("agent_trace.json", traceText(trace))
	return v, nil
}

// found says what a check measured, in a line.
func found(res grading.Result) string {
	switch {
	case res.Error != "":
		return "the check could not be run: " + res.Error
	case len(res.Missing) > 0:
		return "missing: " + strings.Join(res.Missing, ", ")
	case !res.Checked:
		return ""
	case res.Passed:
		return "the check passed, score " + apprentice.ScoreText(res.Score)
	}
	return fmt.Sprintf("the check FAILED, score %s: %s", apprentice.ScoreText(res.Score), res.Notes)
}

func outputsText(t tried) string {
	var b strings.Builder
	fmt.Fprintf(&b, "status: %s", t.Outputs.Status)
	if t.ExitCode != nil {
		fmt.Fprintf(&b, ", exit code %d", *t.ExitCode)
	}
	if t.Message != "" {
		fmt.Fprintf(&b, "; %s", t.Message)
	}
	b.WriteString("\ndelivered:")
	for i, ref := range t.Outputs.DeliverableRefs {
		if i == 200 {
			fmt.Fprintf(&b, "\n- and %d more", len(t.Outputs.DeliverableRefs)-i)
			break
		}
		b.WriteString("\n- " + mentor.Line(strings.TrimPrefix(ref, "attempts/"+string(t.Kind)+"/")))
	}
	if len(t.Outputs.DeliverableRefs) == 0 {
		b.WriteString(" nothing")
	}
	return b.String()
}

// traceText tells the steps that were observed, a line each; of many the first and
// the last.
func traceText(trace apprentice.AgentTrace) string {
	var lines []string
	for _, s := range trace.Steps {
		if s.Action == "user_message" {
			continue
		}
		parts := []string{fmt.Sprintf("%d.", s.Step), s.Operation, s.Tool, s.Command, s.FilePath, s.Input, s.Output, s.Observation}
		if s.ExitCode != nil {
			parts = append(parts, fmt.Sprintf("(exit %d)", *s.ExitCode))
		}
		if s.Success != nil && !*s.Success {
			parts = append(parts, "FAILED "+s.ErrorMessage)
		}
		line := mentor.Line(strings.Join(slices.DeleteFunc(parts, func(t string) bool { return t == "" }), " "))
		lines = append(lines, clipped(line, maxStep))
	}
	return headAndTail(lines, maxTrace)
}

// headAndTail keeps the first and the last lines within a number of bytes, and says
// how many it left out.
func headAndTail(lines []string, most int) string {
	if text := strings.Join(lines, "\n"); len(text) <= most {
		return text
	}
	first, last, size := 0, len(lines), 0
	for first < last {
		if size += len(lines[first]) + 1; size > most/2 {
			break
		}
		first++
	}
	for size = 0; last > first; last-- {
		if size += len(lines[last-1]) + 1; size > most/2 {
			break
		}
	}
	return strings.Join(lines[:first], "\n") + fmt.Sprintf("\n[%d steps left out]\n", last-first) + strings.Join(lines[last:], "\n")
}

func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// head reads the beginning of a text file, nothing where it cannot be read.
func head(path string, most int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, most)
	n, _ := f.Read(buf) // what was read is what there is
	if !utf8.Valid(buf[:n]) {
		return strings.ToValidUTF8(string(buf[:n]), "�")
	}
	return string(buf[:n])
}

func (p *pass) graderParts(ctx context.Context, r *round, results []grading.Result, m *mentor.Client) ([]mentor.Part, error) {
	v, err := p.view(r, results, func(int) bool { return true })
	if err != nil {
		return nil, err
	}
	return p.withFiles(ctx, r, v.GraderText(), m)
}

func (p *pass) verifierParts(ctx context.Context, r *round, g graded, m *mentor.Client) ([]mentor.Part, error) {
	v, err := p.view(r, g.Results, func(int) bool { return true })
	if err != nil {
		return nil, err
	}
	var grade []mentor.GradedCriterion
	for i, res := range g.Results {
		c := mentor.GradedCriterion{ID: mentor.CriterionID(i), Score: res.Score, Reasoning: res.Notes}
		if res.Judged != nil {
			c.Reasoning, c.Suggestion = res.Judged.Reasoning, res.Judged.Suggestion
			for _, e := range res.Judged.Evidence {
				c.Evidence = append(c.Evidence, mentor.EvidenceItem{Ref: e.Ref, Quote: e.Quote})
			}
		}
		grade = append(grade, c)
	}
	return p.withFiles(ctx, r, v.VerifierText(grade), m)
}

// evaluatorParts shows what failed and is no secret.
func (p *pass) evaluatorParts(ctx context.Context, r *round, g graded, m *mentor.Client) ([]mentor.Part, error) {
	failed := p.shownFailures(g)
	v, err := p.view(r, g.Results, func(i int) bool { return slices.Contains(failed, mentor.CriterionID(i)) })
	if err != nil {
		return nil, err
	}
	v.Threshold = 0
	for i, c := range v.Criteria {
		for k := range g.Results {
			if c.ID == mentor.CriterionID(k) && g.Results[k].Judged != nil {
				v.Criteria[i].Found = strings.TrimSpace(c.Found + " judged: " + g.Results[k].Judged.Reasoning)
			}
		}
	}
	return p.withFiles(ctx, r, v.EvaluatorText(), m)
}
