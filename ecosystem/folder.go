package ecosystem

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// folder is a plain folder, perhaps one that others mount too. No link leads out of
// it, and none is followed to an archive.
type folder struct{ dir string }

func (f folder) root() (*os.Root, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, f.told(err)
	}
	for _, sign := range []string{".git", "objects/info"} {
		if _, err := root.Lstat(sign); err == nil {
			root.Close()
			return nil, apprentice.Errorf(apprentice.Conflict, "%s is a git repository", f.dir).WithField("ecosystem_place").
				WithHint("name it as one: git+%s", f.dir)
		}
	}
	return root, nil
}

// told puts an error into words that tell what to do. A folder that is not there may
// be mounted again.
func (f folder) told(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return apprentice.Errorf(apprentice.Unavailable, "folder %s is not there", f.dir).WithHint("mkdir %s, or mount it", f.dir)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return apprentice.Errorf(apprentice.Denied, "folder %s cannot be used by you: %v", f.dir, bare(err))
	}
	return apprentice.Errorf(apprentice.Unavailable, "folder %s cannot be used now: %v", f.dir, bare(err)).Because(err)
}

// bare is an error without the path that the message has named.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

func (f folder) list(ctx context.Context) (all []object, err error) {
	root, err := f.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	dir, err := root.Open(folderName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, f.told(err)
	}
	defer dir.Close()
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(1000)
		for _, e := range entries {
			id := idOf(e.Name())
			if id == "" || !e.Type().IsRegular() {
				continue
			}
			if info, err := e.Info(); err == nil {
				all = append(all, object{id, info.Size(), info.ModTime().UTC().Format("20060102T150405.000000000")})
			}
		}
		switch {
		case err == io.EOF:
			return all, nil
		case err != nil:
			return all, f.told(err)
		case len(all) > maxObjects:
			return all, nil // more than anybody looks at
		}
	}
	return nil, context.Cause(ctx)
}

func (f folder) open(_ context.Context, id string) (io.ReadCloser, error) {
	root, err := f.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(nameOf(id))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, notThere(id)
	case err != nil:
		return nil, f.told(err)
	case !info.Mode().IsRegular():
		return nil, apprentice.Errorf(apprentice.Invalid, "%s is no regular file", nameOf(id))
	}
	file, err := root.Open(nameOf(id))
	if err != nil {
		return nil, f.told(err)
	}
	return file, nil
}

func notThere(id string) error {
	return apprentice.Errorf(apprentice.NotFound, "no bundle %s is shared there", id).WithField("bundle_id").WithHint("aa ecosystem list")
}

// put writes the archive beside its place, and gives it its name once it is on disk.
func (f folder) put(ctx context.Context, id string, archive *os.File, moved func(int64)) error {
	root, err := f.root()
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Lstat(nameOf(id)); err == nil {
		return fs.ErrExist
	}
	if err := root.Mkdir(folderName, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return f.told(err)
	}
	f.sweep(root)
	temp, err := f.write(ctx, root, archive, moved)
	if temp != "" {
		defer root.Remove(temp) // nothing of it stays once it has its name
	}
	if err == nil {
		err = takeName(root, temp, nameOf(id))
	}
	switch {
	case err == nil:
		return syncName(root)
	case errors.Is(err, fs.ErrExist):
		return fs.ErrExist
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return f.told(err)
}

func (f folder) write(ctx context.Context, root *os.Root, archive io.Reader, moved func(int64)) (string, error) {
	temp := filepath.ToSlash(atomicfile.TempName(folderName + "/x"))
	to, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, &counted{ctx: ctx, r: archive, moved: moved})
	return temp, errors.Join(err, to.Sync(), to.Close())
}

// abandoned is how long nobody has written to what is half sent for it to be a
// killed one's.
const abandoned = 24 * time.Hour

// sweep removes what killed ones have left half sent. What cannot be removed stays.
func (f folder) sweep(root *os.Root) {
	dir, err := root.Open(folderName)
	if err != nil {
		return
	}
	defer dir.Close()
	entries, _ := dir.ReadDir(-1)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && atomicfile.IsTemp(e.Name()) && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = root.Remove(folderName + "/" + e.Name())
		}
	}
}

// takeName gives a file a name that nobody has. Where there are no hard links two who
// come at the same moment are not told apart.
func takeName(root *os.Root, temp, name string) error {
	err := root.Link(temp, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := root.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return root.Rename(temp, name)
}

// syncName has the folder's names on disk, where the system can.
func syncName(root *os.Root) error {
	dir, err := root.Open(folderName)
	if err != nil {
		return err
	}
	_ = dir.Sync() // not every file system can
	return dir.Close()
}

func (f folder) probe(context.Context) error {
	root, err := f.root()
	if err != nil {
		return err
	}
	defer root.Close()
	temp := filepath.ToSlash(atomicfile.TempName("x"))
	if err := root.WriteFile(temp, []byte("aad looks whether it can write here\n"), 0o666); err != nil {
		return f.told(errors.Join(err, root.Remove(temp)))
	}
	return root.Remove(temp)
}

// counted tells how much was read, and ends with ctx.
type counted struct {
	ctx   context.Context
	r     io.Reader
	moved func(int64)
	all   int64
	err   error // of r, io.EOF aside
}

func (c *counted) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	if c.all += int64(n); c.moved != nil && n > 0 {
		c.moved(c.all)
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
