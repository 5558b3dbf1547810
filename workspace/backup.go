package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/internal/atomicfile"
)

// CopyTo copies all of the home but the database, and what belongs to this machine,
// this process or this moment. What is new in a home goes along unless it is named here:
// a backup that holds too much is noticed, one that lacks something is not.
func (h Home) CopyTo(ctx context.Context, to Home) error {
	entries, err := os.ReadDir(string(h))
	if err != nil {
		return fmt.Errorf("back up %s: %w", h, err)
	}
	for _, e := range entries {
		if staysBehind(e.Name()) {
			continue
		}
		// A folder may be a link to another disk: what counts is what it holds.
		from, err := filepath.EvalSymlinks(h.join(e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			_, err = copyTree(ctx, from, to.join(e.Name()), h.passing(e.Name()), func(string, string) error { return nil })
		}
		if err != nil {
			return fmt.Errorf("back up %s: %w", h.join(e.Name()), err)
		}
	}
	return nil
}

// staysBehind says of a name in the home that no backup holds it. All that begins with
// a dot does: .env.local, what an editor keeps beside it, what is half written.
func staysBehind(name string) bool {
	switch name {
	case "control", "log", "ballast", "aad.sock", "agent_probes.json", "mirror.json", "service.json", "env":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "aad.db")
}

// passing leaves out of one of the home's folders what is on its way in or out, and
// what can be made anew.
func (h Home) passing(folder string) func(string, fs.DirEntry) bool {
	return func(rel string, d fs.DirEntry) bool {
		return atomicfile.IsTemp(d.Name()) || strings.HasPrefix(d.Name(), trashPrefix) ||
			h.join(folder, rel) == filepath.Join(h.Ecosystem(), "cache")
	}
}
