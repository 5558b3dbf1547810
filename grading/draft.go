package grading

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// maxDrafted bounds the deliverables that DefaultRubric asks for.
const maxDrafted = 20

// DefaultRubric drafts a rubric for a task that has none: one criterion for
// each deliverable file that the instruction names, or one, that at least one
// deliverable exists. Assets, by name or path, are inputs and never asked for.
//
// It would rather overlook a deliverable than demand a file that was never
// meant: names in URLs, of products, of inputs ("read sales.csv"), after "not",
// or with placeholders are passed over.
func DefaultRubric(instruction string, assets []string) *Rubric {
	r := &Rubric{PassThreshold: 1}
	for _, name := range deliverables(instruction, assets) {
		one, text := int64(1), "The task names "+name+": it exists in artifacts/"
		check := &FileCheck{Path: "artifacts/**/" + name}
		if path.Base(name) != "__init__.py" { // which is mostly meant to be empty
			check.MinBytes, text = &one, text+" and is not empty"
		}
		r.Criteria = append(r.Criteria, Criterion{Name: name + " is delivered", Description: text + ".",
			Weight: 1, PassThreshold: 1, Check: Check{File: check}})
	}
	if len(r.Criteria) > 0 {
		return r
	}
	one := int64(1)
	r.Criteria = []Criterion{{
		Name:          "something is delivered",
		Description:   "At least one file that is not empty exists in artifacts/.",
		Weight:        1,
		PassThreshold: 1,
		Check:         Check{File: &FileCheck{Path: anyDeliverable, MinBytes: &one, Any: true}},
	}}
	return r
}

var (
	address  = regexp.MustCompile(`(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+`)
	fileName = regexp.MustCompile(`[\p{Latin}\p{Cyrillic}\p{Greek}\pN_][\p{Latin}\p{Cyrillic}\p{Greek}\pN_./-]*\.[A-Za-z][A-Za-z0-9]{0,7}`)
	wordLike = regexp.MustCompile(`[\pL'’]+`)
	clause   = regexp.MustCompile(`[.;!?]\s|\n\s*\n`)
)

// fileKinds are the endings that a deliverable is known by.
var fileKinds = set(`md markdown txt text rst log pdf doc docx odt rtf tex bib epub csv tsv json jsonl ndjson yaml yml toml ini
	xml html htm css scss xls xlsx ods ppt pptx odp parquet sqlite db png jpg jpeg gif svg webp bmp tif tiff ico mp3 wav ogg
	flac mp4 webm mov avi srt vtt zip tar gz tgz bz2 xz zst go py js mjs ts tsx jsx rs java kt c h cc cpp hpp cs rb php
	swift scala lua pl sh bash zsh ps1 sql r jl ipynb proto graphql diff patch dot mmd drawio ics vcf geojson gpx`)

// products look like files and are none.
var products = set(`node.js next.js vue.js nuxt.js react.js express.js three.js d3.js chart.js ember.js backbone.js angular.js
	p5.js alpine.js moment.js discord.js socket.io docs.rs lib.rs asp.net ml.net vb.net`)

// Cues before a name, nearest first, tell what is meant by it. Fixing a file
// says nothing about where it is to be delivered.
var (
	outputCues = set(`write writes writing create creates creating produce produces producing generate generates save saves
		saving output outputs deliver delivers deliverable deliverables make build emit store put draft render into to named
		called return provide prepare`)
	inputCues = set(`read reads reading from using use uses parse load open given see inspect analyse analyze summarise summarize
		review consult per input inputs against than compare of for about fix fixing repair debug edit modify refactor update
		change correct improve attached run runs execute call import test check validate translate convert export compile split
		merge sort clean filter count extract rename copy move delete remove explain describe document`)
	negations = set(`not don't don’t never without avoid except instead`)
	unNegated = set(`forget only just`)

	// toward and likeness turn "to" and "as" into cues of inputs: "according
	// to spec.md", "the same format as old.md".
	toward   = set(`according similar compared refer identical equal respect`)
	likeness = set(`same such described specified defined shown format style`)
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// deliverables lists the files that an instruction asks for, in its order.
func deliverables(instruction string, assets []string) []string {
	text := address.ReplaceAllStringFunc(instruction, func(s string) string { return strings.Repeat(" ", len(s)) })
	inputs := map[string]bool{}
	for _, a := range assets {
		a = strings.ToLower(strings.ReplaceAll(a, `\`, "/"))
		inputs[a], inputs[path.Base(a)] = true, true
	}
	var names []string
	for _, at := range fileName.FindAllStringIndex(text, -1) {
		name, ok := deliverable(text, at[0], at[1])
		lower := strings.ToLower(name)
		if !ok || inputs[lower] || inputs[path.Base(lower)] || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) || !wanted(text[:at[0]]) {
			continue
		}
		if names = append(names, name); len(names) == maxDrafted {
			break
		}
	}
	return names
}

// deliverable says whether text[start:end] reads as the name of a file in the
// workspace, and gives it relative to artifacts/.
func deliverable(text string, start, end int) (string, bool) {
	before, after := text[:start], text[end:]
	before = strings.TrimSuffix(before, "./")
	if before != "" && strings.ContainsRune(`*?<>{}$%~/\.=@#[-`, rune(before[len(before)-1])) {
		return "", false
	}
	if after != "" && strings.ContainsRune(`*<>{}$%@([/\`, rune(after[0])) || goesOn(after) {
		return "", false
	}
	if inSpacedQuotes(before, after) {
		return "", false
	}
	name := strings.TrimPrefix(path.Clean(text[start:end]), "artifacts/")
	stem, ext := strings.TrimSuffix(path.Base(name), path.Ext(name)), strings.TrimPrefix(path.Ext(name), ".")
	switch {
	case !fileKinds[strings.ToLower(ext)] || stem == "" || products[strings.ToLower(name)]:
		return "", false
	case strings.HasPrefix(name, "../") || strings.HasPrefix(name, "input/") || strings.Contains(name, "YYYY"):
		return "", false
	case ext == "js" && stem != strings.ToLower(stem) && !strings.Contains(name, "/"): // Ember.js, and others like it
		return "", false
	}
	return name, true
}

// goesOn says that the name goes on after what was taken for its end, as in
// "a.md_old".
func goesOn(after string) bool {
	if after == "" {
		return false
	}
	c := after[0]
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// inSpacedQuotes says that the name is part of a longer quotation, a command or
// a name with spaces, of which only a piece was seen.
func inSpacedQuotes(before, after string) bool {
	for _, q := range []string{"`", `"`} {
		line := before[strings.LastIndexByte(before, '\n')+1:]
		if strings.Count(line, q)%2 == 0 {
			continue
		}
		inside := line[strings.LastIndex(line, q)+1:]
		rest, _, closed := strings.Cut(after, q)
		if closed && strings.ContainsAny(inside+rest, " \t") {
			return true
		}
	}
	return false
}

// wanted reads the sentence before a name backwards for the nearest cue.
func wanted(before string) bool {
	if ends := clause.FindAllStringIndex(before, -1); ends != nil {
		before = before[ends[len(ends)-1][1]:]
	}
	words := wordLike.FindAllString(strings.ToLower(fileName.ReplaceAllString(before, " ")), -1)
	verdict, decided := true, false
	for i := len(words) - 1; i >= 0; i-- {
		if negations[words[i]] && (i+1 >= len(words) || !unNegated[words[i+1]]) {
			return false
		}
		if decided {
			return verdict // read one word further, for a "not"
		}
		verdict, decided = cue(words, i)
	}
	return verdict
}

// cue says what the i-th word tells of the name that follows, if anything.
func cue(words []string, i int) (output, tells bool) {
	w := words[i]
	switch {
	case w == "to" && i > 0 && toward[words[i-1]]:
		return false, true
	case w == "as":
		for _, near := range words[max(0, i-3):i] {
			if likeness[near] {
				return false, true
			}
		}
	case outputCues[w]:
		return true, true
	case inputCues[w]:
		return false, true
	}
	return true, false
}
