package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// Entry is one file or folder of a listing.
type Entry struct {
	Name    string
	Dir     bool
	Size    int64 // 0 for a folder
	ModTime time.Time
}

// Piece is a part of a file.
type Piece struct {
	Data []byte
	Size int64 // of the whole file
	// Next is the offset to read on from, 0 at the end.
	Next int64
}

// hidden names are not offered: what is being written, and the rubric's private
// view, which the rest of the package speaks of as far as it may be known.
func hidden(name string) bool {
	base := path.Base(name)
	return atomicfile.IsTemp(base) || strings.HasPrefix(base, trashPrefix) || base == "verifier_private_rubric.json"
}

// open looks at a file or folder of the run folder by its relative name, ""
// being the folder itself. A name that leads out, by .. or by a link, is refused.
// The file is the caller's to close.
func (f Folder) open(name string) (*os.File, fs.FileInfo, error) {
	clean := path.Clean("/" + filepath.ToSlash(name))[1:] // elsewhere than on Windows \ is part of a name
	if clean == "" {
		clean = "."
	}
	local := strings.TrimSuffix(name, "/")
	if local != "" && !filepath.IsLocal(filepath.FromSlash(local)) {
		return nil, nil, apprentice.Errorf(apprentice.Invalid, "path %q leads out of the run folder", name).WithField("path")
	}
	for part := range strings.SplitSeq(clean, "/") {
		if hidden(part) {
			return nil, nil, noFile(name)
		}
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, nil, f.openFault(name, err)
	}
	defer root.Close()
	file, err := root.OpenFile(filepath.FromSlash(clean), os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, nil, f.openFault(name, err)
	}
	info, err := file.Stat()
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = apprentice.Errorf(apprentice.Invalid, "path %q is neither a file nor a folder", name).WithField("path")
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

func noFile(name string) error {
	return apprentice.Errorf(apprentice.NotFound, "the run folder has no %q", name).WithField("path")
}

func (f Folder) openFault(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNotDir), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		return noFile(name) // no file can have a name that is too long or holds a NUL
	case errors.Is(err, syscall.ENXIO):
		return apprentice.Errorf(apprentice.Invalid, "path %q is neither a file nor a folder", name).WithField("path")
	case strings.Contains(err.Error(), "escapes"): // os.Root's error has no name
		return apprentice.Errorf(apprentice.Invalid, "path %q leads out of the run folder", name).WithField("path")
	case errors.Is(err, fs.ErrPermission):
		return apprentice.Errorf(apprentice.Denied, "path %q cannot be read", name).WithField("path").Because(err)
	}
	return fmt.Errorf("open %q in %s: %w", name, f, err)
}

// List lists a folder of the run folder, sorted by name; "" is the run folder.
func (f Folder) List(name string) ([]Entry, error) {
	dir, info, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if !info.IsDir() {
		return nil, apprentice.Errorf(apprentice.Invalid, "path %q is a file", name).WithField("path")
	}
	found, err := dir.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("list %q in %s: %w", name, f, err)
	}
	var list []Entry
	for _, d := range found {
		info, err := d.Info()
		if err != nil || hidden(d.Name()) || !info.IsDir() && !info.Mode().IsRegular() {
			continue
		}
		e := Entry{Name: d.Name(), Dir: info.IsDir(), ModTime: info.ModTime()}
		if !e.Dir {
			e.Size = info.Size()
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// IsDir reports whether name is a folder of the run folder.
func (f Folder) IsDir(name string) (bool, error) {
	file, info, err := f.open(name)
	if err != nil {
		return false, err
	}
	return info.IsDir(), file.Close()
}

// Read returns at most limit bytes of a file from an offset. An offset at or
// past the end gives no bytes.
func (f Folder) Read(name string, offset int64, limit int) (Piece, error) {
	if offset < 0 || limit < 0 {
		return Piece{}, apprentice.Errorf(apprentice.Invalid, "offset and limit cannot be negative").WithField("offset")
	}
	file, info, err := f.open(name)
	if err != nil {
		return Piece{}, err
	}
	defer file.Close()
	if info.IsDir() {
		return Piece{}, apprentice.Errorf(apprentice.Invalid, "path %q is a folder", name).WithField("path")
	}
	p := Piece{Size: info.Size()}
	room := max(0, min(int64(limit), info.Size()-offset))
	p.Data = make([]byte, room)
	n, err := file.ReadAt(p.Data, offset)
	if err != nil && err != io.EOF {
		return Piece{}, fmt.Errorf("read %q in %s: %w", name, f, err)
	}
	p.Data = p.Data[:n]
	if end := offset + int64(n); n > 0 && end < info.Size() {
		p.Next = end
	}
	return p, nil
}
