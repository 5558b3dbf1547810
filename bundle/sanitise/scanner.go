package sanitise

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Kind is what sort of thing was found; placeholders are named for it.
type Kind string

// Kinds of findings. Only Secret is looked for where Options.Private is not set.
const (
	Secret Kind = "secret"
	Email  Kind = "email"
	Path   Kind = "path"
	User   Kind = "user"
	Host   Kind = "host"
)

// Ids of the rules that are no lines of the rules file.
const (
	privateKeyRule = "private-key"
	exactRule      = "held-secret" // a value of .env.local
	emailRule      = "email-address"
	pathRule       = "local-path"
	userRule       = "user-name"
	hostRule       = "host-name"
)

// Options say what is looked for beside secrets of known forms. The zero value
// looks for those alone.
type Options struct {
	// Held are values that are secrets wherever they stand. Those below 4 bytes are
	// passed over: masking them would mask half of every text.
	Held []string
	// Private adds what tells of a person or a machine.
	Private bool
	Homes   []string // folders whose paths are masked as a whole, as the user's home
	Places  []string // folders of which only the path up to them is masked, as aad's home
	Users   []string // login and full names
	Hosts   []string
}

// Finding is a place in a text that must not leave, and why. Value is the secret
// itself, decoded; it stays in memory.
type Finding struct {
	Rule       string
	Kind       Kind
	Start, End int // in the text as it stands
	Value      string
}

// Scanner looks for what must not leave. It is made once and may be used by many
// goroutines at once.
type Scanner struct {
	set     *ruleSet
	options Options
	words   *keywords
	targets []target
}

// target is what a keyword leads to.
type target struct {
	look func(q *search, at, length int)
	word string
	fold bool // the word counts in any case
}

// New makes a scanner of the embedded rules.
func New(o Options) (*Scanner, error) {
	set, err := embedded()
	if err != nil {
		return nil, err
	}
	s := &Scanner{set: set, options: o}
	for i := range set.Rules {
		r := &set.Rules[i]
		for _, w := range r.Keywords {
			s.add(w, r.Fold, func(q *search, at, _ int) { q.vendor(r, at) })
		}
	}
	for _, w := range set.Assignment.Keywords {
		s.add(w, true, func(q *search, at, length int) { q.assigned(w, at, length) })
	}
	s.add("-----BEGIN ", false, func(q *search, at, _ int) { q.privateKey(at) })
	for _, value := range o.Held {
		s.hold(value, value, Finding{Rule: exactRule, Kind: Secret})
	}
	if o.Private {
		s.addPrivate()
	}
	s.compile()
	return s, nil
}

// Private reports whether more than secrets is looked for.
func (s *Scanner) Private() bool { return s.options.Private }

// Knowing returns a scanner that looks for the values of earlier findings alone,
// wherever they stand bare; nil when none is worth it.
func (s *Scanner) Knowing(found []Finding) *Scanner {
	more := &Scanner{set: s.set, options: s.options}
	seen := map[string]bool{}
	for _, f := range found {
		if len(f.Value) < 8 || seen[f.Value] || f.Kind == User || f.Kind == Host || slices.Contains(s.options.Places, f.Value) {
			continue
		}
		seen[f.Value] = true
		if f.Kind == Secret {
			more.hold(f.Value, f.Value, f)
		}
		if id := slug(f.Value); id != f.Value && len(id) >= 8 { // ids are made of what people write
			more.hold(id, f.Value, f)
		}
	}
	if len(more.targets) == 0 {
		return nil
	}
	more.compile()
	return more
}

// With returns a scanner that looks for all that either of two does, in one pass.
// more may be nil.
func (s *Scanner) With(more *Scanner) *Scanner {
	if more == nil {
		return s
	}
	both := &Scanner{set: s.set, options: s.options, targets: slices.Concat(s.targets, more.targets)}
	both.compile()
	return both
}

func (s *Scanner) add(word string, fold bool, look func(q *search, at, length int)) {
	s.targets = append(s.targets, target{look: look, word: word, fold: fold})
}

// hold adds a text that is found wherever it stands, as the value that it stands for;
// a short one counts as a whole word only.
func (s *Scanner) hold(text, value string, as Finding) {
	const head = 12 // of a long text leads to a comparison of the rest
	if len(text) < 4 {
		return
	}
	s.add(text[:min(len(text), head)], false, func(q *search, at, _ int) {
		end := at + len(text)
		if end > len(q.text) || string(q.text[at:end]) != text {
			return
		}
		if len(text) < 8 && (!q.headFree(at) || end < len(q.text) && alphanumeric(q.text[end])) {
			return
		}
		q.add(Finding{Rule: as.Rule, Kind: as.Kind, Start: at, End: end, Value: value})
	})
}

// slug is a text as ids have it: lower case, all but letters and digits one dash.
func slug(text string) string {
	var out []byte
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		case alphanumeric(c):
			out = append(out, c)
		case len(out) > 0 && out[len(out)-1] != '-':
			out = append(out, '-')
		}
	}
	for len(out) > 0 && out[len(out)-1] == '-' {
		out = out[:len(out)-1]
	}
	return string(out)
}

func (s *Scanner) compile() {
	words, targets := make([]string, len(s.targets)), make([]int, len(s.targets))
	for i, t := range s.targets {
		words[i], targets[i] = t.word, i
	}
	s.words = newKeywords(words, targets)
}

// A long text is searched piece by piece, so that its other readings need little
// memory; pieces overlap by more than anything that is found by its form.
const (
	piece   = 1 << 20
	overlap = 32 << 10
)

// Scan finds everything in a text, sorted, none overlapping another.
func (s *Scanner) Scan(text []byte) []Finding {
	if len(text) <= piece+overlap {
		return s.scan(text, 0)
	}
	var all []Finding
	for at := 0; at < len(text); at += piece {
		for _, f := range s.scan(text[at:min(len(text), at+piece+overlap)], 0) {
			if at > 0 && f.End < overlap {
				continue // the piece before has it, with what stands before
			}
			f.Start, f.End = f.Start+at, f.End+at
			all = append(all, f)
		}
	}
	return resolve(all)
}

// maxDepth bounds encodings within encodings.
const maxDepth = 4

func (s *Scanner) scan(text []byte, depth int) []Finding {
	found := s.look(text)
	found = append(found, s.scanPlain(text, found)...)
	if depth < maxDepth {
		found = append(found, s.scanEncoded(text, depth)...)
	}
	return resolve(found)
}

// look searches a text as it stands.
func (s *Scanner) look(text []byte) []Finding {
	q := &search{s: s, text: text}
	s.words.each(text, func(h hit, at int) {
		t := &s.targets[h.target]
		if !t.fold && string(text[at:at+h.length]) != t.word {
			return
		}
		t.look(q, at, h.length)
	})
	return q.found
}

// search is one look through a text.
type search struct {
	s     *Scanner
	text  []byte
	found []Finding
}

func (q *search) add(f Finding) { q.found = append(q.found, f) }

// Merge makes one list of the findings of two scanners in the same text.
func Merge(a, b []Finding) []Finding {
	if len(b) == 0 {
		return a
	}
	return resolve(append(slices.Clone(a), b...))
}

// resolve sorts findings and leaves one where several overlap: the first, a secret
// before others, the longest. Where a secret begins inside of something else and goes
// on beyond it, that one grows.
func resolve(found []Finding) []Finding {
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(a.Start-b.Start, rank(a)-rank(b), b.End-a.End, strings.Compare(a.Rule, b.Rule))
	})
	var out []Finding
	for _, f := range found {
		if n := len(out); n > 0 && f.Start < out[n-1].End {
			if f.End > out[n-1].End && (f.Kind == Secret || out[n-1].Kind != Secret) {
				out[n-1].End = f.End
			}
			continue
		}
		out = append(out, f)
	}
	return out
}

func rank(f Finding) int {
	if f.Kind == Secret {
		return 0
	}
	return 1
}

// headFree reports whether a token may begin at i: what stands before is no letter
// or digit, or belongs to an escape such as \n, \u0022 or %20.
func (q *search) headFree(i int) bool {
	t := q.text
	if i == 0 || !alphanumeric(t[i-1]) {
		return true
	}
	switch {
	case i >= 2 && t[i-2] == '\\' && bytes.IndexByte([]byte("nrtbfv"), t[i-1]) >= 0:
	case i >= 3 && t[i-3] == '%' && isHex(t[i-1]) && isHex(t[i-2]):
	case i >= 6 && t[i-6] == '\\' && t[i-5] == 'u':
	case i >= 4 && t[i-4] == '\\' && t[i-3] == 'x':
	default:
		return false
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
