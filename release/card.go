package release

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// card is dataset_card.md, with the front matter that dataset hubs read.
func card(m DatasetManifest, q QualityReport) string {
	var t strings.Builder
	licence := "unknown"
	if m.License != "" {
		licence = strings.ToLower(m.License)
	}
	fmt.Fprintf(&t, "---\nlicense: %s\npretty_name: %s\nsize_categories:\n- %s\ntags:\n- agents\n- agent-traces\n- rubrics\n- preferences\n- aad\nconfigs:\n", licence, m.DatasetID, sizeCategory(m.Counts.Rows))
	for _, d := range m.Datasets {
		if d.Rows > 0 {
			fmt.Fprintf(&t, "- config_name: %s\n  data_files: %s.parquet\n", d.Name, d.Name)
			if d.Name == "full_task_records" {
				t.WriteString("  default: true\n")
			}
		}
	}
	fmt.Fprintf(&t, "---\n\n# %s\n\n", m.DatasetID)
	c := m.Counts
	fmt.Fprintf(&t, "What agents did in %d runs (%d packages, %d attempts, %d traced steps), how each attempt was judged against its rubric, and what was learnt from it.\n\n", c.Runs, c.Packages, c.Attempts, c.TracedSteps)
	if m.Public {
		fmt.Fprintf(&t, "This copy is sanitised (masking `%s`): placeholders such as `[secret-1]`, `[path-2]`, `[email-1]` stand for what was masked, the same one for the same value everywhere. Of the rubrics it holds what apprentices were shown; `%s` stands for the rest. ", m.Masking, hidden)
	} else {
		fmt.Fprintf(&t, "**This copy is not sanitised.** It may hold secrets, paths and names; what may leave is in `%s/`. ", PublicName)
	}
	fmt.Fprintf(&t, "What was left out, and why, stands in `%s`.\n\n", ManifestName)
	t.WriteString("| dataset | rows |\n|---|---|\n")
	for _, d := range m.Datasets {
		fmt.Fprintf(&t, "| `%s` | %d |\n", d.Name, d.Rows)
	}
	fmt.Fprintf(&t, "\nEach is there as JSON lines and as Parquet. Rows are told apart and put together by `task_id`, those of attempts by `attempt_id`. References in a row are relative to its package: a file lies at `%s/<task_id>/<reference>`, what is a row of a dataset lies there alone. `%s` lists the files with their sums.\n\n", packagesName, indexName)
	fmt.Fprintf(&t, "## Quality\n\n- accepted: %d of %d packages; unreviewed: %d\n- ungraded attempts: %d of %d\n", q.Accepted, q.Packages, q.Unreviewed, q.Ungraded, q.Attempts)
	if q.Scored > 0 {
		fmt.Fprintf(&t, "- score: %.2f on average, %.2f to %.2f (%d packages)\n", q.MeanScore, q.LowestScore, q.HighestScore, q.Scored)
	}
	fmt.Fprintf(&t, "- agents: %s\n- judged by: %s\n", counted(q.Agents), counted(q.Judges))
	fmt.Fprintf(&t, "\n## Licence and consent\n\n- licence: %s\n- consent: %s\n", orWord(m.License, "none was given"), m.Consent)
	return t.String()
}

func sizeCategory(rows int) string {
	limits := []struct {
		below int
		name  string
	}{{1_000, "n<1K"}, {10_000, "1K<n<10K"}, {100_000, "10K<n<100K"}, {1_000_000, "100K<n<1M"}, {10_000_000, "1M<n<10M"}}
	for _, l := range limits {
		if rows < l.below {
			return l.name
		}
	}
	return "10M<n<100M"
}

// counted tells a table of counts, the largest first.
func counted(of map[string]int) string {
	names := slices.SortedFunc(maps.Keys(of), func(a, b string) int {
		if of[a] != of[b] {
			return of[b] - of[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, n := range names {
		parts = append(parts, fmt.Sprintf("%s (%d)", n, of[n]))
	}
	return orWord(strings.Join(parts, ", "), "nobody")
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
