package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/bundle/sanitise"
	"aad/internal/atomicfile"
)

// Pulled is a bundle that was taken from a place.
type Pulled struct {
	Dir     string
	Verdict bundle.Verdict
	Already bool // the same bundle lay there
}

// Pull takes a bundle into the folder to/<bundle_id>, where it lies once it has been
// checked in full, or not at all. scanner says what must not be in it. It may be
// killed at any time and called again; two calls at once for one folder are the
// caller's to prevent.
func (e *Ecosystem) Pull(ctx context.Context, id, to string, scanner *sanitise.Scanner, moved func(int64)) (p Pulled, err error) {
	if err := bundle.CheckID(id); err != nil {
		return p, err
	}
	p.Dir = filepath.Join(to, id)
	if _, err := os.Lstat(p.Dir); err == nil {
		return e.again(ctx, p, id)
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return p, apprentice.Errorf(apprentice.Invalid, "folder %s cannot be made", to).Because(err).WithField("to")
	}
	temp := filepath.Join(to, tempOf(id))
	if err := os.RemoveAll(temp); err != nil {
		return p, fmt.Errorf("remove what a pull has left: %w", err)
	}
	if err := os.Mkdir(temp, 0o700); err != nil {
		return p, apprentice.Errorf(apprentice.Denied, "folder %s cannot be written to", to).Because(err).WithField("to")
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }() // nothing is there once it is in place
	if _, err := e.unpack(ctx, id, temp, false, moved); err != nil {
		return p, err
	}
	if p.Verdict, err = bundle.Check(ctx, temp, bundle.CheckOptions{Scanner: scanner}); err != nil {
		return p, err
	}
	if n := len(p.Verdict.Problems); n > 0 {
		return p, refusal(id, p.Verdict.Problems)
	}
	if err := atomicfile.SyncTree(temp); err != nil {
		return p, err
	}
	return p, os.Rename(temp, p.Dir)
}

// tempOf is where a bundle is pulled to, hidden as all that is being written.
func tempOf(id string) string { return ".aa-tmp-" + id }

// mostTold bounds the problems that an error names.
const mostTold = 5

func refusal(id string, problems []string) error {
	text := strings.Join(problems[:min(len(problems), mostTold)], "; ")
	if more := len(problems) - mostTold; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return apprentice.Errorf(apprentice.Invalid, "bundle %s is not whole and was refused: %s", id, text).WithField("bundle_id")
}

// again answers for a bundle that lies there already.
func (e *Ecosystem) again(ctx context.Context, p Pulled, id string) (Pulled, error) {
	here, err := bundle.Check(ctx, p.Dir, bundle.CheckOptions{HashesOnly: true})
	if err == nil && len(here.Problems) > 0 {
		err = errors.New(here.Problems[0])
	}
	if err != nil {
		return p, apprentice.Errorf(apprentice.Conflict, "%s is there and is not that bundle: %v", p.Dir, err).WithField("to").
			WithHint("move it away, then pull again")
	}
	p.Verdict, p.Already = here, true
	err = e.head(ctx, id, func(_ string, m bundle.Manifest) error {
		if !bundle.Same(m, here.Manifest) {
			return apprentice.Errorf(apprentice.Conflict, "%s holds another bundle of that id", p.Dir).WithField("to").
				WithHint("move it away, then pull again")
		}
		return nil
	})
	return p, err
}

// Sweep removes what a crash has left half pulled in a folder, when nothing is pulled
// into it.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if atomicfile.IsTemp(e.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
