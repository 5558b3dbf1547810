package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

func isCrossDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }

// errChanged says that a file was written to while it was copied.
var errChanged = errors.New("it changed while it was copied")

// CopyTree copies a file or folder to dst, which must not exist: content,
// permission bits and times of change, links that stay in the tree as links. It
// returns what it left out: pipes, sockets, devices, links that lead out,
// unreadable things.
func CopyTree(ctx context.Context, src, dst string) ([]LeftOut, error) {
	var left []LeftOut
	_, err := copyTree(ctx, src, dst, nil, func(rel, reason string) error {
		left = append(left, LeftOut{rel, reason})
		return nil
	})
	if err != nil {
		return left, fmt.Errorf("copy %s to %s: %w", src, dst, err)
	}
	return left, nil
}

// LeftOut is something that was not taken over, and why.
type LeftOut struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// copyTree returns a listing of what it wrote, in no promised order, without times.
// skip is that of walk.
func copyTree(ctx context.Context, src, dst string, skip func(rel string, d fs.DirEntry) bool, odd func(rel, reason string) error) (Listing, error) {
	var list Listing
	w := walk{root: src, odd: odd, skip: skip}
	w.visit = func(n node) error {
		to := filepath.Join(dst, filepath.FromSlash(n.rel))
		switch {
		case n.info.IsDir():
			return os.Mkdir(to, n.info.Mode().Perm()|0o700)
		case n.isLink():
			list = append(list, File{Path: n.rel, Link: n.link})
			return os.Symlink(filepath.FromSlash(n.link), to)
		}
		sum, size, err := copyFile(ctx, n.path, to)
		if errors.Is(err, errSource) {
			return odd(n.rel, reasonOf(errors.Unwrap(err)))
		}
		list = append(list, File{Path: n.rel, Size: size, SHA256: sum, Mode: uint32(n.info.Mode().Perm())})
		return err
	}
	return list, w.run(ctx)
}

// errSource marks faults of what is copied, not of where it goes.
var errSource = errors.New("source")

type sourceError struct{ err error }

func (e sourceError) Error() string        { return e.err.Error() }
func (e sourceError) Unwrap() error        { return e.err }
func (e sourceError) Is(target error) bool { return target == errSource }

// copyFile copies a regular file to a new one and returns its sha256. A file
// that changes meanwhile is copied anew, a few times.
func copyFile(ctx context.Context, src, dst string) (sum string, size int64, err error) {
	for range 3 {
		sum, size, err = copyOnce(ctx, src, dst)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return sum, size, err
		}
		os.Remove(dst)
		if !errors.Is(err, errChanged) {
			return "", 0, err
		}
	}
	return "", 0, err
}

func copyOnce(ctx context.Context, src, dst string) (sum string, size int64, err error) {
	in, before, err := openRegular(src)
	if err != nil {
		return "", 0, sourceError{err}
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", 0, err
	}
	// A file that grows as fast as it is read would never end.
	sum, size, err = copyContent(ctx, in, out, before.Size()+1)
	if err == nil {
		err = out.Chmod(before.Mode().Perm())
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", 0, err
	}
	after, err := in.Stat()
	if err != nil {
		return "", 0, sourceError{err}
	}
	if size != before.Size() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return "", 0, sourceError{errChanged}
	}
	return sum, size, os.Chtimes(dst, before.ModTime(), before.ModTime())
}

// openRegular opens a regular file for reading. It follows no link and waits for
// no writer of a pipe.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noWait|noFollow, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// copyContent shares the blocks where the file system can, and hashes what it
// wrote or, shared, what is now there.
func copyContent(ctx context.Context, in, out *os.File, most int64) (string, int64, error) {
	h := sha256.New()
	to := io.MultiWriter(out, h)
	from := io.Reader(in)
	if clone(out, in) {
		to, from = h, out
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	n, err := io.CopyBuffer(onlyWriter{to}, io.LimitReader(bounded{ctx, from}, most), *buffer)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// buffers spares many small files a buffer each.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 128<<10)
	return &b
}}

// onlyWriter hides ReadFrom, so that the buffer is used and ctx is looked at.
type onlyWriter struct{ io.Writer }

// bounded is a reader that ends with its context.
type bounded struct {
	ctx context.Context
	r   io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.r.Read(p)
}
