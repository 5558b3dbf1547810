package sanitise

import (
	"bytes"
	"slices"
	"strings"
)

// assigned looks at a name that tells of a secret, and takes the value that is given
// to it: in code, JSON, YAML, XML, environment files, command lines.
func (q *search) assigned(word string, at, length int) {
	t := q.text
	from, to := q.name(at, at+length)
	if to-from > longestName { // a slug, an id, prose in one word
		return
	}
	start, quoted, ok := q.valueAfter(from, to)
	if !ok || start >= len(t) || endsValue(t[start], quoted) || !q.tells(word, strings.ToLower(string(t[from:to])), string(t[at+length:to])) {
		return
	}
	end := start
	for end < len(t) && end-start < 512 && !endsValue(t[end], quoted) {
		end++
	}
	if end < len(t) && !quoted && bytes.IndexByte([]byte("([{"), t[end]) >= 0 {
		return // a call or an index
	}
	if quoted && q.isName(end) {
		return
	}
	for end > start && bytes.IndexByte([]byte(".:!?"), t[end-1]) >= 0 && !quoted {
		end--
	}
	value := string(t[start:end])
	if !q.s.set.Assignment.secret(word, value, quoted) {
		return
	}
	q.add(Finding{Rule: q.s.set.Assignment.ID, Kind: Secret, Start: start, End: end, Value: value})
}

// longestName bounds what is taken for the name of a value.
const longestName = 60

// isName reports that what ends at a quote is itself a name, with a value to follow.
func (q *search) isName(end int) bool {
	i := end
	for i < len(q.text) && i-end < 12 && bytes.IndexByte([]byte("\\\"'` \t"), q.text[i]) >= 0 {
		i++
	}
	return i > end && i < len(q.text) && q.text[i] == ':'
}

// name widens a keyword to the whole name that it stands in.
func (q *search) name(from, to int) (int, int) {
	part := func(c byte) bool { return alphanumeric(c) || c == '_' || c == '-' || c == '.' }
	for n := 0; from > 0 && n < 40 && part(q.text[from-1]) && !q.escapeEndsAt(from); n++ {
		from--
	}
	for n := 0; to < len(q.text) && n < 40 && part(q.text[to]); n++ {
		to++
	}
	return from, to
}

// escapeEndsAt reports whether the byte before i belongs to an escape.
func (q *search) escapeEndsAt(i int) bool { return alphanumeric(q.text[i-1]) && q.headFree(i) }

// tells reports whether a name that holds the word names a secret. rest is what
// follows the word in it.
func (q *search) tells(word, key, rest string) bool {
	a := &q.s.set.Assignment
	if rest != "" && rest[0] >= 'a' && rest[0] <= 'z' {
		switch {
		case word == "passw", word == "credential", word == "pwd":
		case strings.HasPrefix(rest, "key"), strings.HasPrefix(rest, "token"):
		case word == "secret" && strings.HasPrefix(rest, "access"):
		case word == "auth" && strings.HasPrefix(rest, "orization"):
		default:
			return false // tokens, tokenizer, author, secretary
		}
	}
	low := strings.ToLower(rest)
	for _, w := range a.NotAfter {
		if strings.Contains(low, w) {
			return false
		}
	}
	before, _, _ := strings.Cut(key, word)
	for _, w := range a.NotBefore {
		if strings.HasSuffix(before, w) {
			return false
		}
	}
	return true
}

// valueAfter finds where the value of a name begins.
func (q *search) valueAfter(from, to int) (start int, quoted, ok bool) {
	t := q.text
	skip := func(i int, set string, most int) int {
		for n := 0; i < len(t) && n < most && strings.IndexByte(set, t[i]) >= 0; n++ {
			i++
		}
		return i
	}
	i := skip(to, "\\\"'`)]", 5)
	inQuotes := i > to
	i = skip(i, " \t+", 4)
	listed := false
	switch {
	case i < len(t) && t[i] == '>' && from > 0 && t[from-1] == '<': // <password>…
		return i + 1, false, true
	case i < len(t) && (t[i] == '=' || t[i] == ':'):
		i = skip(i, ":=>", 3)
	case i < len(t) && t[i] == ',' && inQuotes: // setenv("TOKEN", "…")
		i, listed = i+1, true
	case i > to && !inQuotes && from >= 2 && t[from-1] == '-' || from+2 < to && t[from] == '-' && t[from+1] == '-' && i > to: // --password …
	default:
		j := q.verb(i)
		return j, true, j > i
	}
	i = skip(i, " \t+", 20)
	if j := skip(i, "\\\"'`", 6); j > i {
		return j, true, true
	}
	return i, false, !listed
}

// verb is where a quoted value begins after a word as in: the token is "…"; i when
// there is none.
func (q *search) verb(i int) int {
	for _, word := range []string{"is ", "to ", "as ", "was "} {
		if n := i + len(word); n < len(q.text) && string(q.text[i:n]) == word && bytes.IndexByte([]byte("`\"'"), q.text[n]) >= 0 {
			return n + 1
		}
	}
	return i
}

func endsValue(c byte, quoted bool) bool {
	switch c {
	case '"', '\'', '`', '\n', '\r', ' ', '\t', '<', '\\':
		return true
	case ',', ';', '>', '(', ')', '{', '}', '[', ']', '|', '&':
		return !quoted
	}
	return c < ' '
}

// secret reports whether a value given to such a name looks like a secret and not
// like code, an example or a word.
func (a *assignment) secret(word, value string, quoted bool) bool {
	if len(value) < 6 || len(value) > 400 || hasAny(strings.ToLower(value), a.Stopwords) || strings.HasPrefix(value, "$") || strings.HasPrefix(value, "/") {
		return false
	}
	letters, upper, digits, other := shape(value)
	kinds := 0
	for _, n := range []int{letters - upper, upper, digits, other} {
		if n > 0 {
			kinds++
		}
	}
	if slices.Contains(a.Password, word) {
		return kinds >= 2 && entropy(value) >= 2.2 && (digits > 0 || other > 0 || quoted && upper > 1) && !dotted(value)
	}
	switch {
	case len(value) < 10 || digits == len(value) || strings.Contains(value, "://"):
		return false
	case digits == 0:
		return quoted && len(value) >= 20 && upper > 2 && upper < letters && other == 0 && entropy(value) >= 3.8
	case !quoted && dotted(value):
		return false
	}
	return entropy(value) >= 3 && (digits >= 2 || len(value) >= 20 && upper > 2 && entropy(value) >= 3.5)
}

// dotted reports an identifier path such as self.token2.value.
func dotted(value string) bool {
	if !strings.Contains(value, ".") {
		return false
	}
	for part := range strings.SplitSeq(value, ".") {
		if part == "" || part[0] >= '0' && part[0] <= '9' {
			return false
		}
		for i := range len(part) {
			if !alphanumeric(part[i]) && part[i] != '_' {
				return false
			}
		}
	}
	return entropy(value) < 4
}

func shape(value string) (letters, upper, digits, other int) {
	for i := range len(value) {
		switch c := value[i]; {
		case c >= 'A' && c <= 'Z':
			upper++
			letters++
		case c >= 'a' && c <= 'z':
			letters++
		case c >= '0' && c <= '9':
			digits++
		default:
			other++
		}
	}
	return letters, upper, digits, other
}
