package sanitise

import (
	"bytes"
	"encoding/base64"
	"math"
	"strings"
	"unicode/utf8"
)

// window is how much text a rule sees after its keyword; a match that fills it is
// tried again with more.
const (
	window     = 1 << 10
	wideWindow = 16 << 10
)

// vendor tries a rule whose keyword stands at a place.
func (q *search) vendor(r *rule, at int) {
	if !r.Context && r.Before == 0 && (!q.headFree(at) || !q.solid(at, r.least)) {
		return
	}
	from := max(0, at-r.Before)
	m := r.re.FindSubmatchIndex(q.text[from:min(len(q.text), at+window)])
	if m != nil && from+m[1] == at+window {
		m = r.re.FindSubmatchIndex(q.text[from:min(len(q.text), at+wideWindow)])
	}
	if m == nil || from+m[0] > at || r.Before > 0 && !q.headFree(from+m[0]) {
		return
	}
	start, end := from+m[2*r.value], from+m[2*r.value+1]
	if r.value == 0 {
		for end > start && !secretByte(q.text[end-1]) { // what an expression took to see the end
			end--
		}
	}
	value := string(q.text[start:end])
	if entropy(value) < r.Entropy || r.Digit && !hasDigit(value) || r.Basic && !isBasic(value) {
		return
	}
	if r.Context && hasAny(strings.ToLower(value), q.s.set.Assignment.Stopwords) {
		return
	}
	q.add(Finding{Rule: r.ID, Kind: Secret, Start: start, End: end, Value: value})
}

// solid reports whether at least n bytes follow without a blank or a quote.
func (q *search) solid(at, n int) bool {
	if at+n > len(q.text) {
		return false
	}
	for _, c := range q.text[at : at+n] {
		if c <= ' ' || c == '"' || c == '\'' {
			// A rule that spells a blank out is rare enough to be let through.
			return c == ' ' && n > 80
		}
	}
	return true
}

func secretByte(c byte) bool {
	return alphanumeric(c) || bytes.IndexByte([]byte("_-=+/.~%"), c) >= 0
}

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	if s == "" {
		return 0
	}
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	bits, n := 0.0, float64(len(s))
	for _, c := range count {
		if c > 0 {
			p := float64(c) / n
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

func hasDigit(s string) bool {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			return true
		}
	}
	return false
}

// isBasic reports base64 of user:password.
func isBasic(value string) bool {
	plain, err := base64.RawStdEncoding.DecodeString(trimPadding(value))
	return err == nil && bytes.IndexByte(plain, ':') > 0 && utf8.Valid(plain) && printable(plain)
}

func trimPadding(s string) string {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	return s
}

// maxKey bounds a private key whose end is missing.
const maxKey = 16 << 10

// privateKey takes a PEM or PGP private key from its first line to its last, however
// its lines are broken or escaped.
func (q *search) privateKey(at int) {
	text := q.text[at:min(len(q.text), at+maxKey)]
	const dashes = "-----"
	title, rest, ok := bytes.Cut(text[len(dashes):], []byte(dashes))
	if !ok || len(title) > 64 || !bytes.Contains(title, []byte("PRIVATE KEY")) {
		return
	}
	head := len(text) - len(rest)
	end := bytes.Index(rest, []byte("-----END"))
	if end < 0 {
		end = keyBody(rest)
	}
	if end < 48 { // an example without a key
		return
	}
	stop := head + end
	if tail := bytes.Index(text[stop:], []byte("KEY")); tail >= 0 && tail < 64 {
		if close := bytes.Index(text[stop+tail:], []byte(dashes)); close >= 0 && close < 16 {
			stop += tail + close + len(dashes)
		}
	}
	q.add(Finding{Rule: privateKeyRule, Kind: Secret, Start: at, End: at + stop, Value: keyValue(text[head : head+end])})
}

// keyBody is how far a key without an end goes on.
func keyBody(rest []byte) int {
	for i, c := range rest {
		if !alphanumeric(c) && bytes.IndexByte([]byte("+/=\\\r\n \t\"',-:"), c) < 0 {
			return i
		}
	}
	return len(rest)
}

// keyValue is a key without the line breaks and escapes that it came with, so that
// the same key is the same value.
func keyValue(body []byte) string {
	var out []byte
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '\\' && i+1 < len(body):
			i++
		case alphanumeric(c), c == '+', c == '/', c == '=':
			out = append(out, c)
		}
	}
	return string(out)
}
