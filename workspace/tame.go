package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// tame makes a tree that an agent left one that can be listed, moved and
// removed: folders and files become readable and writable for us, names become
// UTF-8. What belongs to somebody else stays as it is and shows up in listings. A
// link in the tree's place is refused: it leads to what is not the agent's.
func tame(ctx context.Context, dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = errNotDir
	}
	if err != nil {
		return fmt.Errorf("make %s readable: %w", dir, err)
	}
	if err := os.Chmod(dir, 0o700); err != nil && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("make %s readable: %w", dir, err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return passOver(nil, d)
		}
		if d.IsDir() {
			return tameFolder(path)
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o400 == 0 {
			os.Chmod(path, info.Mode().Perm()|0o600) // else the listing tells that it cannot be read
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("make %s readable: %w", dir, err)
	}
	return nil
}

// tameFolder is called before the folder is read.
func tameFolder(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // the listing tells
	}
	if perm := info.Mode().Perm(); perm&0o700 != 0o700 {
		os.Chmod(path, perm|0o700)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if name := e.Name(); !utf8.ValidString(name) {
			os.Rename(filepath.Join(path, name), freeName(path, escapeName(name))) // else the listing tells
		}
	}
	return nil
}

// escapeName writes the bytes of a name that are no UTF-8 as %XX.
func escapeName(name string) string {
	var b strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "%%%02X", name[0])
		} else {
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

// freeName returns dir/name, with -2, -3, … when that is taken.
func freeName(dir, name string) string {
	for n := 1; ; n++ {
		if path := filepath.Join(dir, numbered(name, n, false)); !exists(path) {
			return path
		}
	}
}

// removeTree removes a tree, also one with folders that may not be written to.
// It follows no link. A tree that is not there is removed.
func removeTree(path string) error {
	err := os.RemoveAll(path)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && err == nil {
			os.Chmod(p, 0o700) // RemoveAll tells what is still in the way
		}
		return nil
	})
	return os.RemoveAll(path)
}
