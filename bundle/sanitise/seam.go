package sanitise

import (
	"bytes"
	"strings"
)

func tokenByte(c byte) bool {
	return alphanumeric(c) || c == '_' || c == '-' || c == '+' || c == '/' || c == '.' || c == '='
}

// pieces looks whether c, of n bytes at i, stands between two pieces of one token: a
// line break, or a plus between two strings.
func pieces(text []byte, i, n int, c byte) (from, to int, stated, ok bool) {
	switch c {
	case '\n':
		return seam(text, i, n)
	case '+':
		return plus(text, i)
	}
	return 0, 0, false, false
}

func plus(text []byte, i int) (from, to int, stated, ok bool) {
	from, to = i, i+1
	for from > 0 && text[from-1] == ' ' {
		from--
	}
	for to < len(text) && (text[to] == ' ' || text[to] == '\\') {
		to++
	}
	quote := func(at int) bool { return at >= 0 && at < len(text) && (text[at] == '"' || text[at] == '\'') }
	if !quote(from-1) || !quote(to) {
		return 0, 0, false, false
	}
	for from--; from > 0 && text[from-1] == '\\'; from-- {
	}
	to++
	ok = from > 0 && to < len(text) && tokenByte(text[from-1]) && tokenByte(text[to])
	return from, to, true, ok
}

// margin is how much at the start of a line is no part of its text: the mark of a patch,
// a comment or a quotation, where the line that ends before i has the same.
func margin(text []byte, i, next int) int {
	const marks = "+-#>*/|;"
	if next >= len(text) || strings.IndexByte(marks, text[next]) < 0 {
		return 0
	}
	start := i
	for start > 0 && i-start < reach && text[start-1] != '\n' && !(text[start-1] == 'n' && start > 1 && text[start-2] == '\\') {
		start--
	}
	if start >= i || text[start] != text[next] {
		return 0
	}
	n := 1
	for next+n < len(text) && start+n < i && text[next+n] == text[start+n] && (text[next+n] == text[next] || text[next+n] == ' ') && n < 16 {
		n++
	}
	return n
}

// seam looks whether a token may go on over a line break of n bytes at i, and where
// the two pieces end and begin.
func seam(text []byte, i, n int) (from, to int, stated, ok bool) {
	from, to = i, i+n
	left, right, comma := false, false, false // the first two are quotes
	to += margin(text, i, to)
	if end := bytes.TrimSuffix(text[max(0, i-3):i], []byte("\r")); len(end) > 1 && end[len(end)-1] == '=' && end[len(end)-2] != '=' {
		from -= i - max(0, i-3) - len(end) + 1 // a soft line break of mail
	}
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
