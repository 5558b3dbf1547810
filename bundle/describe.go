package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/bundle/sanitise"
	"aad/internal/atomicfile"
)

// describe writes the pages and files that tell what the bundle is: metadata, card,
// README, and the report of the sanitising. What they say of the run is masked too.
func (b *builder) describe() error {
	if err := b.count(); err != nil {
		return err
	}
	var err error
	if b.session, err = b.describeSession(); err != nil {
		return err
	}
	meta := Metadata{Session: b.session, MaxLoops: b.src.Run.MaxLoops, Masking: b.masking(), StartedAt: b.src.Run.StartedAt, Packages: b.packages()}
	for i, spec := range b.src.Specs {
		if i == 0 {
			meta.Instruction = spec.Instruction
		} else {
			meta.Followups = append(meta.Followups, spec.Instruction)
		}
	}
	doc, err := atomicfile.JSON(meta)
	if err != nil {
		return err
	}
	for _, page := range []struct {
		name string
		text []byte
	}{{metadataName, doc}, {cardName, []byte(b.card())}, {readmeName, []byte(b.readme())}} {
		if err := b.addMasked(page.name, page.text); err != nil {
			return err
		}
	}
	report := SanitisingReport{Masking: b.masking()}
	for _, r := range b.report.Rows {
		action := Sanitised
		if i := b.at(r.File); i >= 0 && b.entries[i].Action == Omitted {
			action = Omitted
		}
		report.Findings = append(report.Findings, ReportRow{File: r.File, Rule: r.Rule, Kind: string(r.Kind), Count: r.Count, Action: action})
	}
	if doc, err = atomicfile.JSON(report); err != nil {
		return err
	}
	return b.addMade(reportName, doc)
}

func (b *builder) at(name string) int {
	for i, e := range b.entries {
		if e.Path == name {
			return i
		}
	}
	return -1
}

func (b *builder) masking() string {
	if b.scanner.Private() {
		return "standard"
	}
	return "no_masking"
}

// addMasked writes a page that was made of what the run says.
func (b *builder) addMasked(name string, text []byte) error {
	found := b.both.Scan(text)
	action := Copied
	if len(found) > 0 {
		action = Sanitised
		b.report.Add(name, found)
	}
	entry, err := b.add(name, b.book.Mask(text, found), action)
	b.entries = append(b.entries, entry)
	return err
}

// describeSession is what the manifest and the metadata say of the run. Which packs
// were applied stands in the run's own session.json.
func (b *builder) describeSession() (Session, error) {
	r := b.src.Run
	s := Session{RunID: string(r.RunID), TaskID: string(apprentice.TaskOf(r.RunID, 0)), SessionID: "session_" + string(r.RunID),
		Title: r.Title, Agent: r.Agent, MentorMode: r.MentorMode, RunStatus: r.RunStatus, TaskStatus: r.TaskStatus,
		QueueState: string(r.QueueState), SessionStatus: r.SessionStatus, StatusReason: r.StatusReason, Verdict: string(r.Verdict),
		FinalScore: r.FinalScore, JudgedBy: r.JudgedBy, StopReason: string(r.StopReason), SelectedID: string(r.SelectedID), Learning: "none_applied"}
	if s.Verdict == "" {
		s.Verdict = string(apprentice.Unreviewed)
	}
	var own struct {
		Provider string   `json:"model_provider"`
		Packs    []string `json:"experience_pack_ids"`
		Titles   []string `json:"experience_pack_titles"`
		Sources  []string `json:"experience_pack_sources"`
	}
	data, err := os.ReadFile(filepath.Join(b.src.Folder, "session.json"))
	if err == nil {
		err = json.Unmarshal(data, &own)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("read session.json: %w", err)
	}
	s.ModelProvider, s.Packs, s.PackTitles, s.PackSources = own.Provider, own.Packs, own.Titles, own.Sources
	if len(s.Packs) > 0 {
		s.Learning = "applied"
	}
	return s, nil
}

// result says in a phrase what the run came to.
func (s Session) result() string {
	text := fmt.Sprintf("%s, %s", s.TaskStatus, s.Verdict)
	if s.FinalScore != nil {
		text += " with score " + apprentice.ScoreText(*s.FinalScore)
	}
	if s.JudgedBy != "" {
		text += " (by " + s.JudgedBy + ")"
	}
	if s.StatusReason != "" {
		text += ": " + s.StatusReason
	}
	return text
}

// card is contribution_card.md: what a person wants to know before they use it.
func (b *builder) card() string {
	s, c := b.session, b.counts
	var t strings.Builder
	fmt.Fprintf(&t, "# %s\n\n", s.Title)
	fmt.Fprintf(&t, "| | |\n|---|---|\n| run | `%s` |\n| apprentice | %s |\n| mentor | %s%s |\n| result | %s |\n", s.RunID, s.Agent, s.MentorMode, provider(s), s.result())
	fmt.Fprintf(&t, "| packages, attempts, traced steps | %d, %d, %d |\n| grades, feedback, plans | %d, %d, %d |\n", c.Packages, c.Attempts, c.TracedSteps, c.GraderResults, c.EvaluatorFeedback, c.RevisionPlans)
	fmt.Fprintf(&t, "| rows for training: process, reward, preference | %d, %d, %d |\n", c.ProcessSupervision, c.RewardModeling, c.RevisionPreferences)
	fmt.Fprintf(&t, "| experience | %s |\n| licence | %s |\n| consent | %s |\n", s.Learning, orWord(b.o.License, "none was given"), b.o.Consent)
	fmt.Fprintf(&t, "| masking | %s: %d secrets, %d private details masked or left out |\n", b.masking(), b.report.Count(sanitise.Secret), b.report.Count("")-b.report.Count(sanitise.Secret))
	t.WriteString("\nPlaceholders such as `[secret-1]`, `[path-2]`, `[email-1]` stand for what was masked, the same one for the same value everywhere. ")
	t.WriteString("What was left out, and why, stands in `" + ManifestName + "`.\n")
	return t.String()
}

func provider(s Session) string {
	if s.ModelProvider == "" {
		return ""
	}
	return " (" + s.ModelProvider + ")"
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (b *builder) readme() string {
	var t strings.Builder
	fmt.Fprintf(&t, "# Contribution bundle of %s\n\nWhat `%s` says of the task and how it went; the data is in these files:\n\n", b.session.RunID, cardName)
	for _, row := range [][2]string{
		{ManifestName, "every file with its size, sum and what was done to it; what was left out; counts"},
		{metadataName, "the session, its statuses, its instructions"}, {eventsName, "what happened, in order"},
		{"task/", "the task as given"}, {"mentor_checkpoints/", "questions to people and their answers"},
	} {
		fmt.Fprintf(&t, "- `%s`: %s\n", row[0], row[1])
	}
	for _, p := range b.passes {
		at := p.at
		if at != "" {
			at += "/"
		}
		fmt.Fprintf(&t, "- `%sattempts/`, `%straces/`, `%soutputs/`, `%sevaluation/`, `%slearning_data/`: package `%s`\n", at, at, at, at, at, p.TaskID)
	}
	t.WriteString("\n`aa bundle check` verifies it, `aa bundle inspect` shows it, `aa bundle export` turns it into training data.\nReferences in a package's files are relative to the package.\n")
	return t.String()
}
