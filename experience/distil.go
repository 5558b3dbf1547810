package experience

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"aad/apprentice"
)

// most bounds each list of a pack; the most often seen stay.
const most = 200

// Distil draws a pack from folders of runs, bundles and datasets. The title is that of the
// first task where it is "". The same sources give the same pack, stamps apart.
// Where no attempt was reviewed there is nothing to learn, which is unmet.
func Distil(dirs []string, title, at string) (Pack, SourceRefs, error) {
	p := Pack{SchemaVersion: formatVersion, Title: title, Status: Draft, CreatedAt: at, UpdatedAt: at}
	refs := SourceRefs{SchemaVersion: formatVersion}
	gathered := make([]gather, 5)
	sum := sha256.New()
	for _, dir := range dirs {
		f, err := read(dir)
		if err != nil {
			return p, refs, err
		}
		if slices.ContainsFunc(refs.Sources, func(s Source) bool { return s.Ref == f.source.Ref }) {
			return p, refs, apprentice.Errorf(apprentice.Invalid, "%s is named twice", f.source.Ref)
		}
		if f.source.Kind == "run" {
			f.source.RunID = strings.TrimPrefix(f.source.Ref, "run:")
		}
		refs.Sources = append(refs.Sources, f.source)
		fmt.Fprintf(sum, "%s %s\n", f.source.Ref, f.source.SHA256)
		f.gather(gathered)
		for _, t := range f.tasks {
			p.Subject = append(p.Subject, apprentice.Title(t.row.NormalizedInstruction))
		}
	}
	p.Lessons, p.FailureModes, p.RubricReminders = gathered[0].list(), gathered[1].list(), gathered[2].list()
	p.ArtifactRequirements, p.RevisionLessons = gathered[3].list(), gathered[4].list()
	if len(p.Lessons)+len(p.FailureModes)+len(p.RevisionLessons) == 0 {
		return p, refs, apprentice.Errorf(apprentice.Unmet, "there is nothing to learn: no review of these sources found anything wanting").
			WithHint("take runs that were revised, or whose review failed")
	}
	p.Subject = apprentice.List[string](unique(p.Subject))
	if p.Title == "" {
		p.Title = cmp.Or(refs.Sources[0].Title, refs.Sources[0].Ref)
	}
	p.SourceCount = len(refs.Sources)
	fmt.Fprintf(sum, "%s\n", p.Title)
	p.PackID = "aa-exp-" + slug(p.Title) + "-" + hex.EncodeToString(sum.Sum(nil))[:10]
	refs.PackID = p.PackID
	return p, refs, nil
}

// gather adds what a source says to the five lists, in the order of Pack's fields.
func (f found) gather(to []gather) {
	rose := map[string]string{} // tasks whose revision raised the score
	for _, c := range f.climbs {
		if c.row.RevisionSuccess {
			rose[c.row.TaskID] = c.row.BaselineAttemptID
		}
	}
	for _, l := range f.lessons {
		to[0].add(l.ref, l.row.StrategyLessons...)
		to[1].add(l.ref, l.row.CommonFailureModes...)
		to[2].add(l.ref, l.row.RubricReminders...)
		to[3].add(l.ref, slices.DeleteFunc(slices.Clone(l.row.ArtifactRequirements), func(s string) bool { return s == "artifacts/" })...)
	}
	if len(f.lessons) == 0 { // a bundle has the feedback itself
		for _, b := range f.feedback {
			if len(b.row.FailedRubricItems) > 0 {
				to[1].add(b.ref, b.row.ActionableFeedback...)
			}
		}
	}
	for _, r := range f.plans {
		if first, ok := rose[r.row.TaskID]; ok && r.row.SourceAttemptID == first {
			to[4].add(r.ref, r.row.PlannedChanges...)
		}
	}
}

// gather counts sentences; the zero value holds none.
type gather struct {
	order []string // keys, in the order they came
	by    map[string]*Lesson
	last  map[string]string // the reference that a key was seen in last
}

// mostRefs bounds the references of a lesson: what was seen thousands of times is only
// counted.
const mostRefs = 50

// add takes sentences up. Those that differ in case and blanks alone are one.
func (g *gather) add(ref string, texts ...string) {
	if g.by == nil {
		g.by, g.last = map[string]*Lesson{}, map[string]string{}
	}
	for _, text := range texts {
		text = strings.Join(strings.Fields(text), " ")
		key := strings.ToLower(text)
		l := g.by[key]
		switch {
		case text == "":
			continue
		case l == nil:
			l = &Lesson{Text: text}
			g.by[key], g.order = l, append(g.order, key)
		}
		if g.last[key] == ref {
			continue
		}
		g.last[key], l.Seen = ref, l.Seen+1
		if len(l.Refs) < mostRefs {
			l.Refs = append(l.Refs, ref)
		}
	}
}

// list gives the sentences, the most often seen first.
func (g *gather) list() apprentice.List[Lesson] {
	var out []Lesson
	for _, key := range g.order {
		out = append(out, *g.by[key])
	}
	slices.SortStableFunc(out, func(a, b Lesson) int { return b.Seen - a.Seen })
	return out[:min(len(out), most)]
}

// slug keeps an id within the 64 bytes that names of agent skills may have.
func slug(title string) string {
	s := apprentice.Slug(title)
	return strings.TrimRight(s[:min(len(s), 40)], "-")
}

func unique(texts []string) (out []string) {
	for _, t := range texts {
		if t != "" && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
