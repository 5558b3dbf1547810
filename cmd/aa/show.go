package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func formatScore(s float64) string { return apprentice.ScoreText(s) }

func showCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "show RUN",
		Short: "Show a run: attempts, scores, feedback and files",
		Example: `  aa show @last
  aa show @last --json | jq '.attempts[].score'`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeRuns(),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
			d, err := c.RunGet(ctx, run)
			if err != nil {
				return err
			}
			return a.show(d, func() error { return a.printDetail(d) })
		}),
	}
}

func (a *app) printDetail(d rpc.RunDetail) error {
	if a.quiet {
		return a.print("%s", d.Run.RunID)
	}
	for _, part := range []func(rpc.RunDetail) error{a.printHead, a.printInstruction, a.printAttempts, a.printCriteria, a.printFeedback, a.printFiles, a.printRepository} {
		if err := part(d); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printHead(d rpc.RunDetail) error {
	r, now := d.Run, time.Now()
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(r.Labels)) {
		labels = append(labels, key+"="+r.Labels[key])
	}
	judged := score(r.FinalScore)
	if judged != "" && r.JudgedBy != "" {
		judged += " (by " + r.JudgedBy + ")"
	}
	session := ""
	if r.SessionStatus == "finished" {
		session = "finished"
	}
	return a.pairs("run", string(r.RunID), "state", string(r.QueueState), "reason", reasonOf(r), "hint", r.OperationalAdvice, "verdict", string(r.Verdict),
		"score", judged, "stopped", strings.ReplaceAll(string(r.StopReason), "_", " "), "session", session,
		"agent", r.Agent+usedBy(d.Attempts), "sandbox", d.Sandbox, "mentor", strings.TrimSuffix(r.MentorMode+", "+tookOfModels(r), ", "), "told", packsOf(r), "group", notDefault(r.Group), "labels", strings.Join(labels, " "),
		"queued", ago(r.CreatedAt, now), "imported", importedFrom(r, now), "took", tookOf(r, now), "folder", d.Folder, "artifacts", d.Artifacts)
}

// importedFrom tells when and from where a run came that was worked elsewhere.
func importedFrom(r apprentice.Run, now time.Time) string {
	if r.Imported == nil {
		return ""
	}
	return ago(r.Imported.At, now) + " from " + r.Imported.From
}

// packsOf names the experience packs whose lessons a run was told.
func packsOf(r apprentice.Run) string {
	var ids []string
	for _, p := range r.Packs {
		ids = append(ids, p.PackID+" ("+p.Source+")")
	}
	return strings.Join(ids, ", ")
}

// usedBy says how the latest attempt's agent was called, where it is known.
func usedBy(attempts []apprentice.Attempt) string {
	for _, at := range slices.Backward(attempts) {
		u := at.Agent
		if u == nil {
			continue
		}
		text := ""
		if u.Version != "" {
			text += " " + u.Version
		}
		text += ", " + u.Permissions
		if u.Mode != "" {
			text += " (" + u.Mode + ")"
		}
		if u.Model != "" {
			text += ", model " + u.Model
		}
		return text
	}
	return ""
}

func notDefault(group string) string {
	if group == "default" {
		return ""
	}
	return group
}

func (a *app) printInstruction(d rpc.RunDetail) error {
	if err := a.printText("instruction", d.Instruction); err != nil {
		return err
	}
	for i, text := range d.Followups {
		if err := a.printText(fmt.Sprintf("follow-up %d", i+1), text); err != nil {
			return err
		}
	}
	return nil
}

// shownLines is how much of a text is shown before it is cut.
const shownLines = 30

// printText prints a titled text, indented; nothing when it is empty.
func (a *app) printText(title, text string) error {
	lines := strings.Split(strings.TrimSpace(clean(text)), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	var b strings.Builder
	b.WriteString("\n" + a.style(bold, title) + "\n")
	for i, line := range lines {
		if i == shownLines {
			fmt.Fprintf(&b, "  … %d more lines\n", len(lines)-i)
			break
		}
		b.WriteString("  " + strings.TrimRight(line, " \t") + "\n")
	}
	return a.print("%s", strings.TrimSuffix(b.String(), "\n"))
}

func (a *app) printAttempts(d rpc.RunDetail) error {
	if len(d.Attempts) == 0 {
		return nil
	}
	t := newTable("ATTEMPT", "STATUS", "VERDICT", "SCORE", "STEPS", "FILES", "TOOK", "")
	t.right = map[int]bool{3: true, 4: true, 5: true}
	now := time.Now()
	for _, at := range d.Attempts {
		status, note := at.Status, at.Message
		if status == "" {
			status = "running"
		}
		if at.Selected {
			note = strings.TrimSuffix("selected; "+note, "; ")
		}
		t.row(attemptName(at), status, string(at.Verdict), score(at.Score), fmt.Sprint(at.TracedSteps),
			fmt.Sprint(len(at.Artifacts)), between(at.StartedAt, at.EndedAt, now), note)
	}
	t.paint = func(row, column int, cell string) string {
		switch {
		case row < 0:
			return a.style(dim, cell)
		case column == 1 || column == 2:
			return a.style(stateStyle(strings.TrimSpace(cell)), cell)
		}
		return cell
	}
	if err := a.print("\n%s", a.style(bold, "attempts")); err != nil {
		return err
	}
	return t.print(a.out, a.columns)
}

// attemptName is the attempt's kind, with its follow-up where there is one.
func attemptName(at apprentice.Attempt) string {
	if at.Pass > 0 {
		return fmt.Sprintf("%s (follow-up %d)", at.Kind, at.Pass)
	}
	return string(at.Kind)
}

// lastPass are the attempts of the latest pass: earlier ones may have had other
// criteria.
func lastPass(d rpc.RunDetail) []apprentice.Attempt {
	var out []apprentice.Attempt
	for _, at := range d.Attempts {
		if len(out) > 0 && at.Pass != out[0].Pass {
			out = nil
		}
		out = append(out, at)
	}
	return out
}

// printCriteria prints one line a criterion, one column an attempt.
func (a *app) printCriteria(d rpc.RunDetail) error {
	var graded []apprentice.Attempt
	for _, at := range lastPass(d) {
		if len(at.Criteria) > 0 {
			graded = append(graded, at)
		}
	}
	if len(graded) == 0 {
		return nil
	}
	head := []string{"CRITERION", "WEIGHT"}
	for _, at := range graded {
		head = append(head, string(at.Kind))
	}
	t := newTable(append(head, "")...)
	last := graded[len(graded)-1]
	for i, c := range last.Criteria {
		row := []string{c.Name, formatScore(c.Weight)}
		if c.Hidden {
			row[0] += " (hidden)"
		}
		for _, at := range graded {
			cell := ""
			if i < len(at.Criteria) {
				cell = mark(at.Criteria[i])
			}
			row = append(row, cell)
		}
		note := ""
		if !c.Passed {
			note = c.Notes
		}
		t.row(append(row, note)...)
	}
	t.paint = func(row, column int, cell string) string {
		switch {
		case row < 0:
			return a.style(dim, cell)
		case strings.HasPrefix(cell, "✓"):
			return a.style(green, cell)
		case strings.HasPrefix(cell, "✗"):
			return a.style(red, cell)
		}
		return cell
	}
	if err := a.print("\n%s", a.style(bold, "criteria")); err != nil {
		return err
	}
	return t.print(a.out, a.columns)
}

func mark(c apprentice.Criterion) string {
	switch {
	case !c.Reviewed:
		return "– unreviewed"
	case c.Passed:
		return "✓ " + formatScore(c.Score)
	}
	return "✗ " + formatScore(c.Score)
}

func (a *app) printFeedback(d rpc.RunDetail) error {
	for _, at := range lastPass(d) {
		text := at.Feedback
		for _, change := range at.PlannedChanges {
			text += "\n- " + strings.ReplaceAll(strings.TrimSpace(change), "\n", "\n  ")
		}
		if err := a.printText("feedback on "+string(at.Kind), text); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printFiles(d rpc.RunDetail) error {
	for _, at := range d.Attempts {
		if !at.Selected || len(at.Artifacts) == 0 || at.Pass != d.Run.Pass {
			continue
		}
		names := make([]string, len(at.Artifacts))
		for i, path := range at.Artifacts {
			names[i] = strings.TrimPrefix(filepath.ToSlash(path), "artifacts/")
		}
		return a.printText("files of "+string(at.Kind), strings.Join(names, "\n"))
	}
	return nil
}
