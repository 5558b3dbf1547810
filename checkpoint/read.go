package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stamp tells one state of a file from another without reading it. The zero
// stamp is of no file.
type stamp struct {
	dev, ino uint64
	size     int64
	mtime    int64 // nanoseconds
	ctime    int64 // nanoseconds, 0 where the system does not say
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
	s.dev, s.ino, s.ctime = identity(info)
	return s
}

// racy is how close to a look a change may be dated without being told apart
// from what was seen: file systems count time in steps of up to two seconds.
const racy = 2 * time.Second

// settled reports whether a file seen at that time with this stamp cannot have
// changed since without showing another stamp.
func (s stamp) settled(seen time.Time) bool { return s.mtime < seen.Add(-racy).UnixNano() }

// content is a file as it was read.
type content struct {
	data   []byte
	uid    int // the owner, -1 where the system does not say
	stamp  stamp
	moving bool // it changed while it was read
}

// locate follows a link at path once. It gives the file to read and what it is;
// the error is fs.ErrNotExist when there is nothing at path, or a *Refusal.
func locate(path string) (file string, info fs.FileInfo, err error) {
	info, err = os.Lstat(path)
	if err != nil {
		return path, nil, unreadable(err)
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return path, info, nil
	}
	to, err := os.Readlink(path)
	if err != nil {
		return path, nil, unreadable(err)
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(path), to)
	}
	info, err = os.Lstat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return to, nil, refuse("", "a link to a file that is there", "the file is a link to %s, which is not there", to)
	case err != nil:
		return to, nil, unreadable(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return to, nil, refuse("", "a link that leads straight to a file", "the file is a link to %s, which is a link too", to)
	}
	return to, info, nil
}

func unreadable(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fs.ErrNotExist
	}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err
	}
	return refuse("", "a file that aad may read", "the file cannot be read: %v", err)
}

// admit refuses what is no plain file of ours or root's, before it is opened:
// opening a pipe waits, and opening a device may do something.
func admit(info fs.FileInfo) *Refusal {
	if !info.Mode().IsRegular() {
		return refuse("", "a regular file", "it is no regular file but %s", kindOf(info.Mode()))
	}
	if uid := owner(info); uid > 0 && uid != os.Geteuid() {
		return refuse("", fmt.Sprintf("a file of uid %d or root", os.Geteuid()), "the file belongs to another user, uid %d", uid)
	}
	if info.Size() > maxBytes {
		return refuse("", fmt.Sprintf("at most %d bytes", maxBytes), "the file is too large: %d bytes", info.Size())
	}
	return nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// read reads the file that locate gave, without ever waiting on a pipe.
func read(file string, info fs.FileInfo) (content, error) {
	if r := admit(info); r != nil {
		return content{uid: owner(info), stamp: stampOf(info)}, r
	}
	f, err := os.OpenFile(file, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return content{uid: owner(info), stamp: stampOf(info)}, unreadable(err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return content{uid: owner(info)}, unreadable(err)
	}
	c := content{uid: owner(before), stamp: stampOf(before)}
	if r := admit(before); r != nil {
		return c, r
	}
	c.data = make([]byte, 0, before.Size()+512)
	if c.data, err = appendAll(c.data, f); err != nil {
		return c, unreadable(err)
	}
	after, err := f.Stat()
	c.moving = err != nil || stampOf(after) != c.stamp
	return c, nil
}

// Read returns what stands in a question's file. The error is fs.ErrNotExist, or a
// *Refusal of what is no plain file: it never waits on a pipe.
func Read(dir string, stage Stage) ([]byte, error) {
	file, info, err := locate(Path(dir, stage))
	if err != nil {
		return nil, err
	}
	c, err := read(file, info)
	return c.data, err
}

// appendAll reads one byte more than is allowed, so that too much is seen.
func appendAll(data []byte, from io.Reader) ([]byte, error) {
	for len(data) <= maxBytes {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := from.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return data, err
		}
	}
	return data, nil
}
