package rpc

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"aad/apprentice"

	"github.com/sourcegraph/jsonrpc2"
)

// Limits of the wire. A Server's peers are held to all of them, a Conn to those
// that bound what it reads and how long it writes.
const (
	MaxMessage     = 4 << 20 // bytes of one message
	MaxConnections = 256     // at once, a server
	MaxCalls       = 1024    // in flight, a connection
	StallTimeout   = 10 * time.Second
)

// stream is the library's ObjectStream over one connection, in the framing the
// first byte of the peer chose.
//
// The library scans a message many times over, whatever is in it. So it is shown
// envelopes only (an id and a method, or an id and an empty result), and the bodies
// go beside it: ReadObject leaves what it read in last, where the code that the
// library calls next on the same goroutine finds it, and outgoing holds the request
// that the library announces (OnSend) before it calls WriteObject under its own lock.
type stream struct {
	conn    net.Conn
	r       *bufio.Reader
	server  bool // answers faults and chooses its framing by what it reads
	limit   int
	stall   time.Duration
	onEOF   func()        // called before the end of input is told; may be nil
	onNote  func(message) // takes the notifications instead of the library; may be nil
	settled bool          // the framing is known; the reading goroutine's
	framed  bool          // a header of language servers has come; the reading goroutine's

	last     message // the reading goroutine's
	envelope []byte
	outgoing *jsonrpc2.Request // under the library's sending lock

	headers atomic.Bool // Content-Length framing, else lines
	wmu     sync.Mutex  // one write at a time
	parting atomic.Pointer[error]
}

func newStream(conn net.Conn, server bool) *stream {
	size := 8 << 10
	if !server {
		size = 32 << 10 // a client reads pages, a server requests
	}
	s := &stream{conn: conn, r: bufio.NewReaderSize(conn, size), server: server, limit: MaxMessage, stall: StallTimeout}
	s.settled = !server
	return s
}

// ReadObject reads the next message that can be taken and shows v its envelope. A
// server answers the messages that cannot, and goes on where the framing allows it.
func (s *stream) ReadObject(v any) error {
	for {
		m, err := s.nextMessage()
		var f *fault
		if errors.As(err, &f) && s.server {
			if err := s.writeFrames(appendError(nil, f.id, f.wire())); err != nil {
				return err
			}
			if !f.ends {
				continue
			}
			return io.EOF
		}
		if err == io.EOF && s.onEOF != nil {
			s.onEOF()
		}
		if err != nil {
			return s.part(err)
		}
		if m.method == "" && s.server {
			continue // an answer: we asked nothing
		}
		if m.method == "" && m.id == nil {
			return s.part(refusalOf(m.err)) // of the connection as a whole
		}
		if m.id == nil && s.onNote != nil {
			s.onNote(m)
			continue
		}
		s.last = m
		s.envelope = appendEnvelope(s.envelope[:0], m)
		if u, ok := v.(json.Unmarshaler); ok {
			return u.UnmarshalJSON(s.envelope)
		}
		return json.Unmarshal(s.envelope, v)
	}
}

func (s *stream) nextMessage() (message, error) {
	data, err := s.next()
	if err != nil {
		return message{}, err
	}
	m, f := parse(data)
	if f != nil {
		return message{}, f
	}
	return m, nil
}

// part remembers why the stream ended, for the calls that it ends.
func (s *stream) part(err error) error {
	s.parting.CompareAndSwap(nil, &err)
	return err
}

// WriteObject writes the request the library announced last. Everything else
// (answers, notifications) goes through writeFrames and not through the library.
func (s *stream) WriteObject(any) error {
	req := s.outgoing
	s.outgoing = nil
	if req == nil {
		return errors.New("write a message that was not announced")
	}
	var id, params json.RawMessage
	if !req.Notif {
		id = appendID(nil, req.ID)
	}
	if req.Params != nil {
		params = *req.Params
	}
	frame := appendRequest(nil, id, req.Method, params)
	if len(frame) > s.limit {
		return apprentice.Errorf(apprentice.Invalid, "the request is larger than %d bytes", s.limit).
			WithHint("name large files by their path")
	}
	return s.writeFrames(frame)
}

// announced is the library's OnSend.
func (s *stream) announced(req *jsonrpc2.Request, _ *jsonrpc2.Response) { s.outgoing = req }

// received is the library's OnRecv: it puts the body back into a response before
// whoever waits for it is told.
func (s *stream) received(_ *jsonrpc2.Request, resp *jsonrpc2.Response) {
	if resp != nil && resp.Result != nil {
		result := s.last.result
		resp.Result = &result
	}
}

// Close closes the connection.
func (s *stream) Close() error { return s.conn.Close() }

// appendEnvelope appends what the library needs to see of m.
func appendEnvelope(b []byte, m message) []byte {
	b = append(b, '{')
	if m.id != nil {
		b = append(append(append(b, `"id":`...), m.id...), ',')
	}
	switch {
	case m.result != nil:
		b = append(b, `"result":0`...)
	case m.err != nil:
		b = append(append(b, `"error":`...), m.err...)
	default:
		b = appendText(append(b, `"method":`...), m.method)
	}
	return append(b, '}')
}

func appendID(b []byte, id jsonrpc2.ID) []byte {
	raw, err := id.MarshalJSON()
	if err != nil { // text and whole numbers always have an encoding
		return append(b, "null"...)
	}
	return append(b, raw...)
}

// refusalOf reads an error object that concerns no call.
func refusalOf(raw json.RawMessage) error {
	var w jsonrpc2.Error
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	return fromWire(&w)
}
