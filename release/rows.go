package release

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"aad/apprentice"
)

// maxRow bounds one row, and with it what a row takes of memory.
const (
	maxRow    = 16 << 20
	mostOfRow = maxRow - 8 // beside what stands around it
)

// rowFile is a file of rows that is being written: JSON lines, or a JSON list with a
// line for each row.
type rowFile struct {
	file *os.File
	w    *bufio.Writer
	list bool
	rows int
	size int64
	mark mark
}

// mark is how far a file was when it was good.
type mark struct {
	rows int
	size int64
}

func createRows(path string, list bool) (*rowFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	r := &rowFile{file: f, w: bufio.NewWriterSize(f, 64<<10), list: list}
	if list {
		err = r.write("[\n")
		r.mark.size = r.size
	}
	return r, err
}

func (r *rowFile) write(parts ...string) error {
	for _, p := range parts {
		n, err := r.w.WriteString(p)
		r.size += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// add appends a row, which has no newline of its own.
func (r *rowFile) add(row []byte) error {
	end, before := "\n", ""
	if r.list {
		end = ""
		if r.rows > 0 {
			before = ",\n"
		}
	}
	r.rows++
	return r.write(before, string(row), end)
}

// keep makes what was written so far stay; undo takes back what came after it.
func (r *rowFile) keep() { r.mark = mark{r.rows, r.size} }

func (r *rowFile) undo() error {
	if r.size == r.mark.size {
		return nil
	}
	if err := r.w.Flush(); err != nil {
		return err
	}
	if err := r.file.Truncate(r.mark.size); err != nil {
		return err
	}
	_, err := r.file.Seek(r.mark.size, io.SeekStart)
	r.rows, r.size = r.mark.rows, r.mark.size
	return err
}

// close ends the file. It may be called again.
func (r *rowFile) close() error {
	if r.file == nil {
		return nil
	}
	var err error
	if r.list {
		if r.rows > 0 {
			err = r.write("\n")
		}
		err = errors.Join(err, r.write("]\n"))
	}
	err = errors.Join(err, r.w.Flush(), r.file.Close())
	r.file = nil
	return err
}

// eachRow gives every row of a file, in order; it is valid until the next one. Of a
// list the lines must be as rowFile writes them.
func eachRow(path string, list bool, row func(n int, row []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 64<<10), maxRow)
	torn := true // that the last line ended
	s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		n, line, err := bufio.ScanLines(data, atEOF)
		torn = n > 0 && data[n-1] != '\n'
		return n, line, err
	})
	n, ended := 0, false
	for line := 1; s.Scan(); line++ {
		text := s.Bytes()
		switch {
		case torn:
			return apprentice.Errorf(apprentice.Invalid, "line %d is torn", line)
		case list && line == 1:
			if string(text) != "[" {
				return errors.New("it is no list with a line for each row")
			}
			continue
		case list && string(text) == "]" && !ended:
			ended = true
			continue
		case list:
			text = bytes.TrimSuffix(text, []byte(","))
		}
		if ended {
			return errors.New("it goes on after its end")
		}
		n++
		if err := row(n, text); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return apprentice.Errorf(apprentice.Invalid, "row %d has more than %d MiB", n+1, maxRow>>20)
	}
	if s.Err() == nil && list && !ended {
		return errors.New("it is a list without an end")
	}
	return s.Err()
}

// rowsOf are the rows of a dataset's JSON lines, or of artifacts_index.json.
func rowsPath(dir string, name string) (path string, list bool) {
	if name == indexName {
		return dir + "/" + indexName, true
	}
	return fmt.Sprintf("%s/%s.jsonl", dir, name), false
}
