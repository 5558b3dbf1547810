package sanitise

import (
	"slices"
	"sort"
	"sync"
)

// plain is a text with its escapes read and its broken lines joined, and the way back
// to the text as it stands.
type plain struct {
	text  []byte
	spans []span
	joins []join
}

// plains are used again: making room for them took longer than to fill it.
var plains = sync.Pool{New: func() any { return &plain{} }}

// span says that from here on the plain text runs in step with the raw one.
type span struct{ plain, raw int }

// join is where two lines, or two pieces of a string, became one.
type join struct {
	plain int
	// stated tells that the text itself said that it goes on: a backslash, a plus, or
	// quotes on both sides. Else a line merely ended.
	stated bool
}

// reach is how far around a change the plain text is searched.
const reach = 400

// scanPlain searches what is there only once escapes are read and lines joined.
// What was found already is left alone.
func (s *Scanner) scanPlain(text []byte, found []Finding) []Finding {
	p := plains.Get().(*plain)
	defer plains.Put(p)
	p.unfold(text)
	if len(p.spans) == 0 {
		return nil
	}
	known := slices.Clone(found)
	slices.SortFunc(known, func(a, b Finding) int { return a.Start - b.Start })
	var out []Finding
	for _, r := range p.regions() {
		for _, f := range s.look(p.text[r[0]:r[1]]) {
			f.Start, f.End = f.Start+r[0], f.End+r[0]
			joined, stated := p.joinedIn(f.Start, f.End)
			if f.Rule == s.set.Assignment.ID { // its name counts too
				joined, stated = p.joinedIn(f.Start-80, f.End)
			}
			if joined && !stated && (f.Kind != Secret || f.Rule == s.set.Assignment.ID) {
				continue
			}
			f.Start, f.End = p.raw(f.Start), p.raw(f.End-1)+1
			if !covered(known, f, stated) {
				out = append(out, f)
			}
		}
	}
	return out
}

// covered reports whether a finding of the raw text lies where f does. A stated join
// makes the longer one count.
func covered(known []Finding, f Finding, stated bool) bool {
	i := sort.Search(len(known), func(i int) bool { return known[i].Start >= f.Start-reach })
	for ; i < len(known) && known[i].Start < f.End; i++ {
		if known[i].End > f.Start && (!stated || known[i].End >= f.End) {
			return true
		}
	}
	return false
}

// regions are the parts of the plain text that differ from the raw one, with what
// stands around them.
func (p *plain) regions() (out [][2]int) {
	for _, s := range p.spans {
		from, to := max(0, s.plain-reach), min(len(p.text), s.plain+reach)
		if n := len(out); n > 0 && from <= out[n-1][1] {
			out[n-1][1] = to
			continue
		}
		out = append(out, [2]int{from, to})
	}
	return out
}

// raw is where a byte of the plain text stands in the raw one.
func (p *plain) raw(i int) int {
	n := sort.Search(len(p.spans), func(n int) bool { return p.spans[n].plain > i })
	if n == 0 {
		return i
	}
	s := p.spans[n-1]
	return s.raw + i - s.plain
}

func (p *plain) joinedIn(from, to int) (joined, stated bool) {
	i := sort.Search(len(p.joins), func(i int) bool { return p.joins[i].plain > from })
	for ; i < len(p.joins) && p.joins[i].plain < to; i++ {
		joined, stated = true, stated || p.joins[i].stated
	}
	return joined, stated
}

var special = func() (t [256]bool) {
	for _, c := range []byte("\\%&\n") {
		t[c] = true
	}
	return t
}()

// unfold reads escapes of any depth of quoting, URL and HTML encoding, and joins
// lines where a token may go on. What p held before is gone.
func (p *plain) unfold(text []byte) {
	p.text, p.spans, p.joins = p.text[:0], p.spans[:0], p.joins[:0]
	done := 0 // of text
	for i := 0; i < len(text); {
		if !special[text[i]] {
			i++
			continue
		}
		c, n := unescape(text[i:])
		switch {
		case text[i] == '\n':
			c, n = '\n', 1
		case n == 0:
			i++
			continue
		}
		if c == '\n' {
			from, to, stated, ok := seam(text, i, n)
			if ok && from >= done {
				p.begin(len(text))
				p.copy(text[done:from])
				p.joins = append(p.joins, join{len(p.text), stated})
				p.spans = append(p.spans, span{len(p.text), to})
				i, done = to, to
				continue
			}
		}
		if n > 1 {
			p.begin(len(text))
			p.copy(text[done:i])
			p.spans = append(p.spans, span{len(p.text), i})
			p.text = append(p.text, c)
			p.spans = append(p.spans, span{len(p.text), i + n})
			done = i + n
		}
		i += n
	}
	if len(p.spans) > 0 {
		p.copy(text[done:])
	}
}

func (p *plain) copy(b []byte) { p.text = append(p.text, b...) }

// begin makes room at the first change, so that a text without one costs nothing.
func (p *plain) begin(size int) {
	if cap(p.text) < size {
		p.text = make([]byte, 0, size)
	}
}

var entities = []struct {
	name string
	c    byte
}{{"&amp;", '&'}, {"&quot;", '"'}, {"&#39;", '\''}, {"&lt;", '<'}, {"&gt;", '>'}}

// unescape reads one escape: its byte and its length, 0 for none. Backslashes before
// it count as one: a string may be quoted many times over.
func unescape(t []byte) (c byte, n int) {
	switch t[0] {
	case '%':
		if len(t) > 2 && isHex(t[1]) && isHex(t[2]) {
			return hexByte(t[1])<<4 | hexByte(t[2]), 3
		}
	case '&':
		for _, e := range entities {
			if len(t) >= len(e.name) && string(t[:len(e.name)]) == e.name {
				return e.c, len(e.name)
			}
		}
	case '\\':
		k := 1
		for k < len(t) && t[k] == '\\' && k < 16 {
			k++
		}
		if k == len(t) {
			return 0, 0
		}
		return afterBackslash(t, k)
	}
	return 0, 0
}

func afterBackslash(t []byte, k int) (c byte, n int) {
	switch t[k] {
	case 'n', 'r':
		return '\n', k + 1
	case 't':
		return '\t', k + 1
	case '"', '\'', '/':
		return t[k], k + 1
	case 'x':
		if k+2 < len(t) && isHex(t[k+1]) && isHex(t[k+2]) {
			return hexByte(t[k+1])<<4 | hexByte(t[k+2]), k + 3
		}
	case 'u':
		if k+4 < len(t) && t[k+1] == '0' && t[k+2] == '0' && isHex(t[k+3]) && isHex(t[k+4]) {
			return hexByte(t[k+3])<<4 | hexByte(t[k+4]), k + 5
		}
	}
	return 0, 0
}

func hexByte(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

func tokenByte(c byte) bool {
	return alphanumeric(c) || c == '_' || c == '-' || c == '+' || c == '/' || c == '.' || c == '='
}

// seam looks whether a token may go on over a line break of n bytes at i, and where
// the two pieces end and begin.
func seam(text []byte, i, n int) (from, to int, stated, ok bool) {
	from, to = i, i+n
	left, right, comma := false, false, false // the first two are quotes
	for from > 0 && i-from < 24 {
		c := text[from-1]
		if c == '"' || c == '\'' || c == '`' {
			left = true
		} else if c == '\\' || c == '+' && left || c == '+' && from > 1 && text[from-2] == ' ' {
			stated = true
		} else if c == ',' && from > 1 && text[from-2] == '"' {
			comma = true
		} else if c != ' ' && c != '\t' && c != '\r' {
			break
		}
		from--
	}
	for to < len(text) && to-i < 64 {
		c := text[to]
		if c == '"' || c == '\'' || c == '`' {
			right = true
		} else if c != ' ' && c != '\t' && c != '\r' && c != '\n' && c != '\\' && !(c == '+' && to+1 < len(text) && text[to+1] == ' ') {
			break
		}
		to++
	}
	if from == 0 || to >= len(text) || !tokenByte(text[from-1]) || !tokenByte(text[to]) {
		return 0, 0, false, false
	}
	stated = stated || left && right && !comma
	return from, to, stated, stated || endsLine(text, to)
}

// endsLine reports whether the token at i is all that stands in its line.
func endsLine(text []byte, i int) bool {
	n := 0
	for i < len(text) && tokenByte(text[i]) {
		i++
		n++
	}
	return n >= 4 && (i == len(text) || text[i] == '\n' || text[i] == '\r' || text[i] == '"' || text[i] == '\\' || text[i] == '\'')
}
