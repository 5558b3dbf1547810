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
	for _, c := range []byte("\\%&\n+\x1b\xe2\xc2\xef") {
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
		if unseen := invisible(text[i:], c, n); unseen > 0 {
			p.begin(len(text))
			p.copy(text[done:i])
			i += unseen
			p.spans, done = append(p.spans, span{len(p.text), i}), i
			continue
		}
		switch {
		case text[i] == '\n', text[i] == '+':
			c, n = text[i], 1
		case n == 0:
			i++
			continue
		}
		from, to, stated, ok := pieces(text, i, n, c)
		if ok && from < done {
			done = p.rewind(from, done)
		}
		if ok && from >= done {
			p.begin(len(text))
			p.copy(text[done:from])
			p.joins = append(p.joins, join{len(p.text), stated})
			p.spans = append(p.spans, span{len(p.text), to})
			i, done = to, to
			continue
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

// rewind takes back the escapes that were read from a place on, such as quotes around a
// piece, and returns up to where the text is read then.
func (p *plain) rewind(from, done int) int {
	for n := len(p.spans); n > 1; n = len(p.spans) {
		a, b := p.spans[n-2], p.spans[n-1]
		if b.plain != a.plain+1 || a.raw < from {
			break
		}
		p.text, p.spans, done = p.text[:a.plain], p.spans[:n-2], a.raw
	}
	return done
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
}{{"&amp;", '&'}, {"&quot;", '"'}, {"&lt;", '<'}, {"&gt;", '>'}}

// invisible is the length of what nobody sees in a text that begins with a terminal's
// control sequence, or with a character without width; c and n are what unescape says
// of it. A grep in colour and a web page put such things into the midst of words.
func invisible(t []byte, c byte, n int) int {
	switch {
	case t[0] == 0x1b:
		n = 1
	case t[0] == '\\' && c == 0x1b:
	case t[0] == 0xc2 && len(t) > 1 && t[1] == 0xad: // a soft hyphen
		return 2
	case len(t) > 2 && t[0] == 0xe2 && (t[1] == 0x80 && t[2] >= 0x8b && t[2] <= 0x8d || t[1] == 0x81 && t[2] == 0xa0),
		len(t) > 2 && t[0] == 0xef && t[1] == 0xbb && t[2] == 0xbf:
		return 3
	default:
		return 0
	}
	if n >= len(t) || t[n] != '[' {
		return 0
	}
	for n++; n < len(t) && n < 32; n++ {
		if c := t[n]; c >= 0x40 && c <= 0x7e {
			return n + 1
		}
	}
	return 0
}

// unescape reads one escape: its byte and its length, 0 for none. Backslashes before
// it count as one: a string may be quoted many times over.
func unescape(t []byte) (c byte, n int) {
	switch t[0] {
	case '%':
		k := 1
		for k+3 < len(t) && t[k] == '2' && t[k+1] == '5' && isHex(t[k+2]) && isHex(t[k+3]) { // encoded more than once
			k += 2
		}
		if len(t) > k+1 && isHex(t[k]) && isHex(t[k+1]) {
			return hexByte(t[k])<<4 | hexByte(t[k+1]), k + 2
		}
	case '&':
		if len(t) > 3 && t[1] == '#' {
			return numbered(t)
		}
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

// numbered reads an HTML entity of a character's number.
func numbered(t []byte) (c byte, n int) {
	base, i, value := 10, 2, 0
	if t[2] == 'x' || t[2] == 'X' {
		base, i = 16, 3
	}
	for ; i < len(t) && i < 9; i++ {
		switch d := int(hexByte(t[i])); {
		case t[i] == ';' && value > 0 && value < 0x80:
			return byte(value), i + 1
		case !isHex(t[i]) || d >= base:
			return 0, 0
		default:
			value = value*base + d
		}
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
	case '0', '1':
		if k+2 < len(t) && isOctal(t[k+1]) && isOctal(t[k+2]) {
			return (t[k]-'0')<<6 | (t[k+1]-'0')<<3 | (t[k+2] - '0'), k + 3
		}
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

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

func hexByte(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
