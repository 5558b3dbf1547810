package rpc

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"

	"github.com/sourcegraph/jsonrpc2"
)

// maxHeader bounds the headers before one message.
const maxHeader = 4 << 10

// next returns the bytes of the next message, which are the caller's. An error that
// is a *fault can be told to the peer.
func (s *stream) next() ([]byte, error) {
	if !s.settled {
		if err := s.settle(); err != nil {
			return nil, err
		}
	}
	if s.headers.Load() {
		return s.nextBody()
	}
	return s.nextLine()
}

// settle chooses the framing by the first byte that is no white space: a letter
// starts a header, anything else is taken for a line.
func (s *stream) settle() error {
	for {
		b, err := s.r.ReadByte()
		if err != nil {
			return err
		}
		if b == ' ' || b == '\t' || b == '\r' || b == '\n' {
			continue
		}
		s.settled = true
		s.headers.Store(isLetter(b))
		return s.r.UnreadByte()
	}
}

func (s *stream) tooLarge() *fault {
	return &fault{code: jsonrpc2.CodeInvalidRequest, ends: true,
		message: fmt.Sprintf("the message is larger than %d bytes; name large files by their path", s.limit)}
}

// nextLine skips blank lines. A last line without its newline counts.
func (s *stream) nextLine() ([]byte, error) {
	for {
		line, err := s.line()
		line = bytes.Trim(line, " \t\r\n")
		if len(line) > 0 && (err == nil || err == io.EOF) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// line reads on to the next newline. Memory grows with what arrives.
func (s *stream) line() ([]byte, error) {
	var line []byte
	for {
		part, err := s.r.ReadSlice('\n')
		if len(line)+len(part) > s.limit {
			return nil, s.tooLarge()
		}
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

func (s *stream) nextBody() ([]byte, error) {
	size, err := s.readHeader()
	if err != nil {
		return nil, err
	}
	if size > s.limit {
		return nil, s.tooLarge()
	}
	if size <= s.r.Size() {
		body := make([]byte, size)
		_, err := io.ReadFull(s.r, body)
		return body, err
	}
	// A header is a claim: memory grows with what arrives.
	var body bytes.Buffer
	_, err = io.CopyN(&body, s.r, int64(size))
	return body.Bytes(), err
}

// readHeader reads the headers of one message and returns its length. Blank lines
// before them are skipped, unknown headers ignored.
func (s *stream) readHeader() (int, error) {
	size, read, some := -1, 0, false
	for {
		line, err := s.r.ReadSlice('\n')
		if read += len(line); err == bufio.ErrBufferFull || read > maxHeader {
			return 0, s.badHeader("the headers are too long")
		}
		if err != nil {
			return 0, err
		}
		if line = bytes.Trim(line, " \t\r\n"); len(line) == 0 {
			if size >= 0 {
				return size, nil
			}
			if some {
				return 0, s.badHeader("the headers have no Content-Length")
			}
			continue
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return 0, s.badHeader("this is neither a JSON object nor a Content-Length header")
		}
		some, value = true, bytes.TrimSpace(value)
		s.framed = s.framed || bytes.HasPrefix(key, []byte("Content-"))
		switch {
		case bytes.EqualFold(key, []byte("Content-Length")):
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil {
				return 0, s.badHeader("Content-Length is not a whole number of bytes")
			}
			if size >= 0 {
				return 0, s.badHeader("Content-Length stands twice")
			}
			size = int(n)
		case bytes.EqualFold(key, []byte("Content-Type")) && !isUTF8(value):
			return 0, s.badHeader("the only charset is utf-8")
		}
	}
}

// badHeader ends the connection, as nobody can say where the next message starts.
// Who sent none of those headers yet is answered in a line: it may be a person.
func (s *stream) badHeader(text string) *fault {
	if !s.framed {
		s.headers.Store(false)
	}
	return &fault{code: jsonrpc2.CodeInvalidRequest, message: text, ends: true}
}

// isUTF8 says whether a Content-Type names UTF-8 or no charset at all.
func isUTF8(contentType []byte) bool {
	_, charset, ok := bytes.Cut(bytes.ToLower(contentType), []byte("charset="))
	if !ok {
		return true
	}
	charset, _, _ = bytes.Cut(charset, []byte(";"))
	charset = bytes.Trim(charset, ` "'`)
	return bytes.Equal(charset, []byte("utf-8")) || bytes.Equal(charset, []byte("utf8"))
}
