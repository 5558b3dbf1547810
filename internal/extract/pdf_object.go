package extract

import (
	"bytes"
	"strconv"
	"strings"
)

// The values of PDF: name, number as float64, text as []byte, list as []any,
// dictionary, ref, word (anything else: operators, true, null, R).
type (
	pdfName string
	pdfWord string
	pdfRef  int // the object's number; generations are not told apart
	pdfDict map[pdfName]any
)

// pdfLexer reads values from bytes. At the end, and when the file's allowance is
// used up, it gives nil.
type pdfLexer struct {
	data  []byte
	at    int
	spent *pdfEffort
}

// pdfEffort is what may still be read of one file, however often its parts lead to
// the same bytes.
type pdfEffort struct{ bytes, values int }

// next reads a value that stands by itself.
func (l *pdfLexer) next() any {
	if l.spent.bytes < 0 {
		return nil
	}
	from := l.at
	v := l.value(0)
	l.spent.bytes -= l.at - from
	return v
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0 || c == '\f'
}

func isDelimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

func (l *pdfLexer) skipSpace() {
	for l.at < len(l.data) {
		switch c := l.data[l.at]; {
		case isSpace(c):
			l.at++
		case c == '%':
			for l.at < len(l.data) && l.data[l.at] != '\n' && l.data[l.at] != '\r' {
				l.at++
			}
		default:
			return
		}
	}
}

// value reads a value within others; words ] and >> close what is open. What lies deeper
// than mostNested is passed over.
func (l *pdfLexer) value(depth int) any {
	l.skipSpace()
	if l.spent.values--; l.at >= len(l.data) || depth > 0 && l.spent.values < 0 {
		return nil
	}
	rest := l.data[l.at:]
	switch c := rest[0]; {
	case c == '/':
		l.at++
		return pdfName(unescapedName(l.regular()))
	case c == '(':
		return l.text()
	case bytes.HasPrefix(rest, []byte("<<")):
		l.at += 2
		return l.dict(depth + 1)
	case bytes.HasPrefix(rest, []byte(">>")):
		l.at += 2
		return pdfWord(">>")
	case c == '<':
		return l.hex()
	case c == '[':
		l.at++
		return l.list(depth + 1)
	case isDelimiter(c):
		l.at++
		return pdfWord(c)
	}
	word := l.regular()
	if n, err := strconv.ParseFloat(string(word), 64); err == nil {
		return n
	}
	return pdfWord(word)
}

// regular reads up to the next space or delimiter.
func (l *pdfLexer) regular() []byte {
	from := l.at
	for l.at < len(l.data) && !isSpace(l.data[l.at]) && !isDelimiter(l.data[l.at]) {
		l.at++
	}
	return l.data[from:l.at]
}

func unescapedName(raw []byte) string {
	if bytes.IndexByte(raw, '#') < 0 {
		return string(raw)
	}
	var out []byte
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			if n, err := strconv.ParseUint(string(raw[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, raw[i])
	}
	return string(out)
}

func (l *pdfLexer) list(depth int) any {
	list := []any{}
	for depth <= mostNested {
		v := l.value(depth)
		if v == nil || v == pdfWord("]") || v == pdfWord("endobj") {
			break
		}
		list = withRef(list, v)
	}
	return list
}

// withRef appends v; where it is the R of a reference, the two numbers before it
// become one reference.
func withRef(list []any, v any) []any {
	if n := len(list); v == pdfWord("R") && n >= 2 {
		number, ok := list[n-2].(float64)
		if _, gen := list[n-1].(float64); ok && gen && number >= 0 && number < 1<<31 {
			return append(list[:n-2], pdfRef(number))
		}
	}
	return append(list, v)
}

func (l *pdfLexer) dict(depth int) any {
	var list []any
	for depth <= mostNested {
		v := l.value(depth)
		if v == nil || v == pdfWord(">>") || v == pdfWord("endobj") {
			break
		}
		list = withRef(list, v)
	}
	d := pdfDict{}
	for i := 0; i+1 < len(list); i++ {
		if key, ok := list[i].(pdfName); ok {
			d[key] = list[i+1]
			i++
		}
	}
	return d
}

func (l *pdfLexer) hex() any {
	end := bytes.IndexByte(l.data[l.at:], '>')
	if end < 0 {
		end = len(l.data) - l.at
	}
	digits := l.data[l.at+1 : l.at+max(end, 1)]
	l.at = min(l.at+end+1, len(l.data))
	var out []byte
	high, half := byte(0), false
	for _, c := range digits {
		n := strings.IndexByte("0123456789abcdef", c|0x20)
		if n < 0 {
			continue
		}
		if half {
			out = append(out, high<<4|byte(n))
		}
		high, half = byte(n), !half
	}
	if half {
		out = append(out, high<<4)
	}
	return out
}

func (l *pdfLexer) text() any {
	out := []byte{}
	open := 0
	for ; l.at < len(l.data); l.at++ {
		switch c := l.data[l.at]; c {
		case '\\':
			l.at++
			out = l.escape(out)
		case '(':
			if open++; open > 1 {
				out = append(out, c)
			}
		case ')':
			if open--; open == 0 {
				l.at++
				return out
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	return out
}

// escape reads what follows a backslash and leaves l at its last byte.
func (l *pdfLexer) escape(out []byte) []byte {
	if l.at >= len(l.data) {
		l.at--
		return out
	}
	c := l.data[l.at]
	if i := bytes.IndexByte([]byte("nrtbf"), c); i >= 0 {
		return append(out, "\n\r\t\b\f"[i])
	}
	if c == '\n' || c == '\r' {
		if c == '\r' && l.at+1 < len(l.data) && l.data[l.at+1] == '\n' {
			l.at++
		}
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	n := 0
	for i := 0; i < 3 && l.at < len(l.data) && l.data[l.at] >= '0' && l.data[l.at] <= '7'; i++ {
		n = n<<3 | int(l.data[l.at]-'0')
		l.at++
	}
	l.at--
	return append(out, byte(n))
}
