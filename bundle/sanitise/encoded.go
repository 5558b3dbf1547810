package sanitise

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"unicode/utf8"
)

// leastEncoded is the shortest run of base64 or hex digits that is looked into.
const leastEncoded = 20

const (
	isBase64 = 1 << iota
	isHexDigit
)

var digitClass = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		if alphanumeric(b) || b == '+' || b == '/' || b == '-' || b == '_' {
			t[c] |= isBase64
		}
		if isHex(b) {
			t[c] |= isHexDigit
		}
	}
	return t
}()

// scanEncoded searches base64 and hex in a text. What holds a finding is found as a
// whole, once for each secret in it.
func (s *Scanner) scanEncoded(text []byte, depth int) (out []Finding) {
	for i := leastEncoded - 1; i < len(text); {
		if digitClass[text[i]]&isBase64 == 0 {
			i += leastEncoded
			continue
		}
		start := i
		for start > 0 && digitClass[text[start-1]]&isBase64 != 0 && i-start < leastEncoded {
			start--
		}
		end := i + 1
		for end < len(text) && digitClass[text[end]]&isBase64 != 0 {
			end++
		}
		if end-start >= leastEncoded {
			var f []Finding
			f, end = s.decodeRun(text, start, end, depth)
			out = append(out, f...)
		}
		i = end + leastEncoded
	}
	return out
}

// decodeRun looks into one run of digits, with the lines that follow it where it is
// wrapped, else alone. It returns where the run ends.
func (s *Scanner) decodeRun(text []byte, start, end, depth int) ([]Finding, int) {
	if body, stop := unwrap(text, start, end); stop > end {
		if f, ok := s.decode(body, depth); ok {
			f.Start, f.End = start, padded(text, stop)
			return []Finding{f}, f.End
		}
	}
	if f, ok := s.decode(text[start:end], depth); ok {
		f.Start, f.End = start, padded(text, end)
		return []Finding{f}, f.End
	}
	return nil, end
}

// unwrap gathers the digits of the lines that follow a long one, as mail and keys
// have them, and returns where they end.
func unwrap(text []byte, start, end int) ([]byte, int) {
	body := text[start:end:end]
	for end-start >= 48 {
		next := nextLine(text, end)
		stop := next
		for stop < len(text) && digitClass[text[stop]]&isBase64 != 0 {
			stop++
		}
		if next == end || stop-next < 4 || stop < len(text) && bytes.IndexByte([]byte("\n\r=\"'\\,"), text[stop]) < 0 {
			break
		}
		body = append(body, text[next:stop]...)
		if end = stop; stop-next < 48 {
			break
		}
	}
	return body, end
}

// decode searches what a run of digits may stand for, and returns what counts most of
// what it found there.
func (s *Scanner) decode(body []byte, depth int) (Finding, bool) {
	for _, plain := range decodings(body) {
		found := s.scan(plain, depth+1)
		if i := slices.IndexFunc(found, func(f Finding) bool { return f.Kind == Secret }); i >= 0 {
			return found[i], true
		}
		if len(found) > 0 {
			return found[0], true
		}
	}
	for _, text := range s.unprintable(body, depth) {
		for _, f := range s.scan(text, depth+1) {
			if f.Kind == Secret {
				return f, true
			}
		}
	}
	return Finding{}, false
}

// leastBinary is the shortest run of digits that is looked into as something else than
// text in UTF-8.
const leastBinary = 48

// unprintable are the texts in what base64 digits stand for where that is no text itself:
// a container, UTF-16, or the readable pieces of a binary.
func (s *Scanner) unprintable(body []byte, depth int) (texts [][]byte) {
	if len(body) < leastBinary || isAllHex(body) {
		return nil
	}
	plain := make([]byte, base64.RawStdEncoding.DecodedLen(len(body)))
	plain = plain[:decodeDigits(plain, body)]
	if wide := narrowed(plain); wide != nil {
		return [][]byte{wide}
	}
	if openerOf(plain) == nil {
		return [][]byte{readable(plain)}
	}
	room := min(maxInside, 64*len(plain)+1<<20)
	_ = s.within(plain, depth+1, &room, func(text []byte) { texts = append(texts, bytes.Clone(text)) }) // what could be read was given
	return texts
}

// narrowed reads UTF-16 without a byte order mark, nil where it is none: as PowerShell
// has its commands.
func narrowed(data []byte) []byte {
	if len(data) < 16 || data[1] != 0 || data[3] != 0 || data[5] != 0 || data[7] != 0 {
		return nil
	}
	text, ok := utf16Text(append([]byte{0xff, 0xfe}, data[:len(data)&^1]...))
	if !ok {
		return nil
	}
	return text
}

func padded(text []byte, end int) int {
	for n := 0; n < 2 && end < len(text) && text[end] == '='; n++ {
		end++
	}
	return end
}

// nextLine is where the text goes on after a line break at i, raw or escaped; i where
// there is none.
func nextLine(text []byte, i int) int {
	j := i
	switch {
	case j < len(text) && text[j] == '\n':
		j++
	case j+1 < len(text) && text[j] == '\r' && text[j+1] == '\n':
		j += 2
	case j+1 < len(text) && text[j] == '\\' && text[j+1] == 'n':
		j += 2
	default:
		return i
	}
	for j < len(text) && j-i < 40 && (text[j] == ' ' || text[j] == '\t') {
		j++
	}
	return j
}

// decodings are the texts that a run of digits may stand for: hex, and base64 of both
// alphabets from each of four places.
func decodings(body []byte) (out [][]byte) {
	if isAllHex(body) && len(body)%2 == 0 {
		plain := make([]byte, hex.DecodedLen(len(body)))
		if _, err := hex.Decode(plain, body); err == nil && printable(plain) {
			return [][]byte{plain}
		}
		return nil
	}
	for skip := range 4 {
		if plain := decodeBase64(body[skip:]); plain != nil {
			out = append(out, plain)
		}
	}
	return out
}

func decodeBase64(body []byte) []byte {
	const taste = 32
	var head [taste]byte
	plain := head[:]
	body = body[:len(body)-len(body)%4+tailOf(len(body)%4)]
	if len(body) < 12 {
		return nil
	}
	taken := min(len(body)/4*4, taste/3*4)
	n := decodeDigits(plain, body[:taken])
	if !printable(plain[:n]) {
		return nil
	}
	whole := make([]byte, base64.RawStdEncoding.DecodedLen(len(body)))
	whole = whole[:decodeDigits(whole, body)]
	if !printable(whole) {
		return nil
	}
	return whole
}

// tailOf is how many digits of an unfinished group can be decoded.
func tailOf(rest int) int {
	if rest == 1 {
		return 0
	}
	return rest
}

var digitValue = func() (t [256]uint8) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = uint8(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// decodeDigits decodes base64 digits of either alphabet, without padding.
func decodeDigits(into, digits []byte) int {
	n, bits, have := 0, uint32(0), 0
	for _, d := range digits {
		bits = bits<<6 | uint32(digitValue[d])
		if have += 6; have >= 8 {
			have -= 8
			into[n] = byte(bits >> have)
			n++
		}
	}
	return n
}

func isAllHex(body []byte) bool {
	for _, c := range body {
		if digitClass[c]&isHexDigit == 0 {
			return false
		}
	}
	return true
}

// printable reports text: nearly no control characters and, but for a few bytes at a
// wrong start or end, UTF-8.
func printable(plain []byte) bool {
	bad := 0
	for i := 0; i < len(plain); {
		c := plain[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
				bad++
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(plain[i:])
		if r == utf8.RuneError {
			bad++
		}
		i += n
	}
	return len(plain) > 0 && bad*20 <= len(plain)
}
