package sanitise

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

// each writes every byte of a text in a form of its own.
func each(form, text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, form, text[i])
	}
	return b.String()
}

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func wide(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// packedIn are containers that hold a text.
func packedIn(t *testing.T, text string) (zipped, gzipped, tarred string) {
	t.Helper()
	var z, g, r bytes.Buffer
	zw, gw, tw := zip.NewWriter(&z), gzip.NewWriter(&g), tar.NewWriter(&r)
	f, err := zw.Create("a.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := f.Write([]byte(text))
	_, err2 := gw.Write([]byte(text))
	err3 := tw.WriteHeader(&tar.Header{Name: "a.txt", Size: int64(len(text)), Mode: 0o600})
	_, err4 := tw.Write([]byte(text))
	if err := errors.Join(err1, err2, err3, err4, zw.Close(), gw.Close(), tw.Close()); err != nil {
		t.Fatal(err)
	}
	return z.String(), g.String(), r.String()
}

// TestASecretIsFoundHoweverItIsWritten hides a token in the ways in which programs write
// texts into others, and masks it where the file is text.
func TestASecretIsFoundHoweverItIsWritten(t *testing.T) {
	scanner, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	token := "ghp_" + "aZ7qLw2RkP9xTb4Nv6Hs1Yd8Gf3Jc5Mm0WeQ"
	a, b := token[:20], token[20:]
	zipped, gzipped, tarred := packedIn(t, "token "+token)
	binary := strings.Repeat("\x00\x01\x02\xff\xfe\x80", 30)
	for how, text := range map[string]string{
		"in the colours of a terminal":       a + "\x1b[01;31m\x1b[K" + b + "\x1b[m",
		"after a colour":                     "\x1b[31m" + token + "\x1b[0m",
		"in colours, in JSON":                `{"out":"` + a + `\u001b[31m` + b + `\u001b[0m"}`,
		"with a character without width":     a + "\u200b" + b,
		"with a soft hyphen":                 a + "\u00ad" + b,
		"as numbered entities":               each("&#%d;", token),
		"as hexadecimal entities":            each("&#x%X;", token),
		"as octal escapes":                   each(`\%03o`, token),
		"as bytes of Python":                 each(`\x%02x`, token),
		"URL-encoded twice":                  url.QueryEscape(each("%%%02X", token)),
		"as two strings added up":            `x = "` + a + `" + "` + b + `"`,
		"as two strings added up, in JSON":   `{"code":"x = \"` + a + `\" + \"` + b + `\""}`,
		"over two lines of a patch":          "@@ -0,0 +1,2 @@\n+" + a + "\n+" + b + "\n",
		"over two lines of a patch, in JSON": `{"diff":"@@ -0,0 +1,2 @@\n+` + a + `\n+` + b + `\n"}`,
		"over two lines of a comment":        "# " + a + "\n# " + b + "\n",
		"over two lines that are quoted":     "> > " + a + "\n> > " + b + "\n",
		"over a soft line break of mail":     a + "=\r\n" + b + "\r\n",
		"in a command of PowerShell":         "powershell -EncodedCommand " + inBase64(wide("echo "+token)),
		"in a ZIP in base64":                 inBase64(zipped),
		"in a TAR in base64":                 inBase64(tarred),
		"gzipped in base64 of base64":        inBase64(inBase64(gzipped)),
		"in a binary in base64":              "data:image/png;base64," + inBase64(binary+"token "+token+" "+binary),
	} {
		f := scanner.ScanFile([]byte(text))
		if len(f.Findings) == 0 || !f.Text {
			t.Errorf("%s: found are %+v", how, f.Findings)
			continue
		}
		masked := NewBook(nil).Mask([]byte(text), f.Findings)
		if again := scanner.ScanFile(masked); len(again.Findings) > 0 || strings.Contains(string(masked), b[4:]) {
			t.Errorf("%s: masked it is %q", how, masked)
		}
	}
}

// TestLinesThatOnlyLookSplitStayAsTheyAre has lines and sums that are no token in pieces.
func TestLinesThatOnlyLookSplitStayAsTheyAre(t *testing.T) {
	scanner, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"+import os\n+import sys\n-x = 1\n-y = 2\n", "# a heading\n# and more\n", "A=\nB=\nC=\n", `"a" + "b" + "c"`, "caf\u00e9 \u201cquoted\u201d \u2014 dash\n",
		"\x1b[32mok\x1b[0m 12 passed\n", "&#169; 2026 &#8212; all rights\n", "100%25 of 20%\n", "\\0 ends it, \\177 is DEL\n",
		inBase64(strings.Repeat("\x00\x10\x83\x10Q\x87 \x92\x8b0\xd3\x8fA\x14\x93QU\x97a\x96\x9bq\xd7\x9f", 20)),
	} {
		if f := scanner.ScanFile([]byte(text)); len(f.Findings) > 0 {
			t.Errorf("in %q was found %s at %d", text, f.Findings[0].Rule, f.Findings[0].Start)
		}
	}
}
