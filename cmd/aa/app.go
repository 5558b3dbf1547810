package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf8"

	"aad/apprentice"
	"aad/client"
	"aad/internal/version"

	"golang.org/x/term"
)

// app is one call of aa: its streams, and the flags that every command has.
type app struct {
	in       *os.File
	out, err io.Writer

	json, quiet, jsonProgress, noAutostart bool

	inTerminal, outTerminal, errTerminal bool
	outColour, errColour                 bool
	columns                              int // of the terminal on stdout; 0 when there is none
	errColumns                           int // of the terminal on stderr
}

func newApp() *app {
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	a.inTerminal = term.IsTerminal(int(os.Stdin.Fd()))
	a.outTerminal = term.IsTerminal(int(os.Stdout.Fd()))
	a.errTerminal = term.IsTerminal(int(os.Stderr.Fd()))
	colour := os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	a.outColour, a.errColour = colour && a.outTerminal, colour && a.errTerminal
	a.columns, a.errColumns = columnsOf(os.Stdout, a.outTerminal), columnsOf(os.Stderr, a.errTerminal)
	return a
}

func columnsOf(f *os.File, terminal bool) int {
	if !terminal {
		return 0
	}
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
		return w
	}
	if w, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && w > 0 {
		return w
	}
	return 80
}

// connect connects to aad, starting it unless the user said not to.
func (a *app) connect(ctx context.Context) (*client.Client, error) {
	return a.dial(ctx, !a.noAutostart && client.MayStart())
}

func (a *app) dial(ctx context.Context, autostart bool) (*client.Client, error) {
	return client.Connect(ctx, client.Options{
		Autostart: autostart,
		Version:   version.Version,
		Log:       func(text string) { a.note("%s", text) },
	})
}

// note tells something beside the result, on stderr.
func (a *app) note(format string, args ...any) {
	if a.quiet || a.jsonProgress {
		return
	}
	fmt.Fprintf(a.err, "%s\n", clean(fmt.Sprintf(format, args...)))
}

// print writes a line of the result.
func (a *app) print(format string, args ...any) error {
	_, err := fmt.Fprintf(a.out, format+"\n", args...)
	return err
}

// emit writes one JSON object on a line of its own to stdout.
func (a *app) emit(v any) error { return a.emitTo(a.out, v) }

func (a *app) emitTo(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the result as JSON: %w", err)
	}
	_, err := w.Write(escapeHidden(buf.Bytes()))
	return err
}

// escapeHidden writes characters that would act on a terminal as \u escapes.
// encoding/json does so for ASCII's only. In JSON they stand in strings alone.
func escapeHidden(doc []byte) []byte {
	var out []byte
	done := 0
	for i := 0; i < len(doc); {
		r, n := utf8.DecodeRune(doc[i:])
		if n > 1 || r == 0x7F {
			if hidden(r) {
				out = append(out, doc[done:i]...)
				out = appendEscaped(out, r)
				done = i + n
			}
		}
		i += n
	}
	if done == 0 {
		return doc
	}
	return append(out, doc[done:]...)
}

func appendEscaped(out []byte, r rune) []byte {
	if r <= 0xFFFF {
		return fmt.Appendf(out, `\u%04x`, r)
	}
	r -= 0x10000
	return fmt.Appendf(out, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
}

// show prints a result: as JSON where that is asked for, else by human.
func (a *app) show(v any, human func() error) error {
	if a.json {
		return a.emit(v)
	}
	return human()
}

// confirm asks a yes-or-no question on the terminal. Where nobody can be asked
// the answer is an error that names the flag to use.
func (a *app) confirm(question, flag string) (bool, error) {
	if !a.inTerminal || !a.errTerminal {
		return false, apprentice.Errorf(apprentice.Invalid, "%s Nobody can be asked here", question).WithHint("add %s", flag)
	}
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	answer, err := readLine(a.in)
	if err != nil {
		return false, err
	}
	return answer == "y" || answer == "Y" || answer == "yes", nil
}

// readLine reads one line and no byte more.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for {
		n, err := r.Read(b[:])
		if n == 1 && b[0] != '\n' {
			line = append(line, b[0])
			continue
		}
		if n == 1 || err == io.EOF {
			return string(bytes.TrimSpace(line)), nil
		}
		if err != nil {
			return "", fmt.Errorf("read the answer: %w", err)
		}
	}
}

type style string

const (
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	cyan   style = "\x1b[36m"
)

// style colours text for stdout, where that is a terminal.
func (a *app) style(s style, text string) string { return paint(a.outColour, s, text) }

// errStyle colours text for stderr, where that is a terminal.
func (a *app) errStyle(s style, text string) string { return paint(a.errColour, s, text) }

func paint(on bool, s style, text string) string {
	if !on || s == "" {
		return text
	}
	return string(s) + text + "\x1b[0m"
}

// stateStyle is the colour of a queue state or verdict.
func stateStyle(word string) style {
	switch word {
	case "completed", "passed", "success":
		return green
	case "failed", "error", "timeout":
		return red
	case "partial", "cancelled", "unreviewed", "waiting", "deferred":
		return yellow
	case "running":
		return cyan
	}
	return ""
}
