package sanitise

import (
	"bytes"
	"slices"
	"strings"
)

// addPrivate adds what tells of a person or a machine.
func (s *Scanner) addPrivate() {
	s.add("@", false, func(q *search, at, _ int) { q.email(at) })
	s.add("/home/", false, func(q *search, at, length int) { q.homePath(at, length) })
	s.add("/Users/", false, func(q *search, at, length int) { q.homePath(at, length) })
	s.add("/var/folders/", false, func(q *search, at, length int) { q.wholePath(at, at+length) })
	s.add(`:\Users\`, true, func(q *search, at, length int) { q.windowsPath(at, length) })
	s.add(`:\\Users\\`, true, func(q *search, at, length int) { q.windowsPath(at, length) })
	s.add(":/Users/", true, func(q *search, at, length int) { q.windowsPath(at, length) })
	for _, dir := range s.options.Homes {
		if dir = strings.TrimRight(dir, "/"); len(dir) >= 4 {
			s.add(dir+"/", false, func(q *search, at, length int) { q.wholePath(at, at+length) })
		}
	}
	for _, dir := range s.options.Places {
		if dir = strings.TrimRight(dir, "/"); len(dir) >= 4 {
			s.add(dir, false, func(q *search, at, length int) { q.place(at, length) })
		}
	}
	s.addNames(s.options.Users, User, userRule)
	s.addNames(s.options.Hosts, Host, hostRule)
}

// addNames adds names that are masked where they stand as a whole word; those that
// tell nothing of whose they are, such as root, are left.
func (s *Scanner) addNames(names []string, kind Kind, id string) {
	for _, name := range names {
		if len(name) < 3 || slices.Contains(s.set.GenericUsers, strings.ToLower(name)) {
			continue
		}
		s.add(name, kind == Host, func(q *search, at, length int) {
			if end := at + length; q.headFree(at) && (end == len(q.text) || !alphanumeric(q.text[end])) {
				q.add(Finding{Rule: id, Kind: kind, Start: at, End: end, Value: name})
			}
		})
	}
}

// fileEndings are no top-level domains: logo@2x.png is no address.
var fileEndings = []string{"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "ts", "css", "py", "go", "md", "json", "txt", "html"}

// email takes the address around an @.
func (q *search) email(at int) {
	t := q.text
	start, end := at, at+1
	for start > 0 && at-start < 64 && (alphanumeric(t[start-1]) || strings.IndexByte("._%+-", t[start-1]) >= 0) {
		start--
	}
	for start > 0 && start < at && t[start-1] == '\\' && strings.IndexByte("nrtbf", t[start]) >= 0 {
		start++
	}
	for end < len(t) && end-at < 200 && (alphanumeric(t[end]) || t[end] == '.' || t[end] == '-') {
		end++
	}
	for end > at && (t[end-1] == '.' || t[end-1] == '-') {
		end--
	}
	for start < at && strings.IndexByte(".-%+", t[start]) >= 0 {
		start++
	}
	domain := strings.ToLower(string(t[at+1 : max(end, at+1)]))
	dot := strings.LastIndexByte(domain, '.')
	if start == at || dot <= 0 || !isTopLevel(domain[dot+1:]) || reserved(domain) || string(t[start:at]) == "git" {
		return
	}
	q.add(Finding{Rule: emailRule, Kind: Email, Start: start, End: end, Value: string(t[start:end])})
}

func isTopLevel(s string) bool {
	if len(s) < 2 || len(s) > 24 || slices.Contains(fileEndings, s) {
		return false
	}
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// reserved are domains that belong to nobody (RFC 2606).
func reserved(domain string) bool {
	for _, d := range []string{"example.com", "example.org", "example.net"} {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	for _, d := range []string{".example", ".invalid", ".test"} {
		if strings.HasSuffix(domain, d) {
			return true
		}
	}
	return false
}

// homePath takes a path below /home or /Users, unless it is nobody's in particular.
func (q *search) homePath(at, length int) {
	end := at + length
	for end < len(q.text) && (alphanumeric(q.text[end]) || strings.IndexByte("._-", q.text[end]) >= 0) {
		end++
	}
	name := strings.ToLower(string(q.text[at+length : end]))
	if len(name) < 2 || slices.Contains(q.s.set.GenericUsers, name) {
		return
	}
	q.wholePath(at, end)
}

// wholePath takes the path that begins at a place and goes on at least to an end.
func (q *search) wholePath(at, end int) {
	if !q.pathBegins(at) || q.inPlace(at) {
		return
	}
	for end < len(q.text) && !endsPath(q.text[end]) {
		end++
	}
	for end > at && strings.IndexByte(".,:/", q.text[end-1]) >= 0 {
		end--
	}
	q.add(Finding{Rule: pathRule, Kind: Path, Start: at, End: end, Value: string(q.text[at:end])})
}

// pathBegins reports that what stands before is no part of a longer path or a URL.
func (q *search) pathBegins(at int) bool {
	return at == 0 || q.headFree(at) && strings.IndexByte("._-~*$}", q.text[at-1]) < 0
}

func (q *search) inPlace(at int) bool {
	for _, dir := range q.s.options.Places {
		if bytes.HasPrefix(q.text[at:], []byte(strings.TrimRight(dir, "/"))) {
			return true
		}
	}
	return false
}

// place takes a folder itself and leaves what follows in the path.
func (q *search) place(at, length int) {
	end := at + length
	if !q.pathBegins(at) || end < len(q.text) && q.text[end] != '/' && !endsPath(q.text[end]) {
		return
	}
	q.add(Finding{Rule: pathRule, Kind: Path, Start: at, End: end, Value: string(q.text[at:end])})
}

func endsPath(c byte) bool {
	return c <= ' ' || strings.IndexByte("\"'`<>|;,()[]{}*?\\:&#", c) >= 0
}

// windowsPath takes a path below C:\Users, its backslashes escaped or not.
func (q *search) windowsPath(at, length int) {
	t := q.text
	start, end := at-1, at+length
	if start < 0 || t[start]|0x20 < 'a' || t[start]|0x20 > 'z' || !q.headFree(start) {
		return
	}
	for end < len(t) && (t[end] == '\\' && end+1 < len(t) && t[end+1] != '"' || !endsPath(t[end])) {
		end++
	}
	if end == at+length {
		return
	}
	value := strings.ReplaceAll(string(t[start:end]), `\\`, `\`)
	q.add(Finding{Rule: pathRule, Kind: Path, Start: start, End: end, Value: value})
}
