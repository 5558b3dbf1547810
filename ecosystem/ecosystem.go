package ecosystem

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"aad/apprentice"
	"aad/bundle"
)

// Ecosystem is a place where bundles are shared. It is safe for many goroutines.
type Ecosystem struct {
	name  string
	store store
	dir   string
	index string
	room  func() (int64, error)
	// least is the time that every step has, beside what its bytes need.
	least time.Duration
}

const (
	leastTime = 2 * time.Minute
	// slowest is what a line must move for a transfer not to be given up.
	slowest = 32 << 10 // bytes a second
	// headers bounds what an archive may hold before the end of what tells what the
	// bundle is about.
	headers = 256 << 20
	// lookers is how many archives are looked into at once.
	lookers = 8
)

// Open makes ready to use a place; it does not yet reach it. room tells how many bytes
// may be written to a.Dir and to where bundles are pulled.
func Open(p Place, a Access, room func() (int64, error)) (*Ecosystem, error) {
	s, err := openStore(p, a)
	if err != nil {
		return nil, err
	}
	name := p.String()
	if p.Kind == Bucket && a.Endpoint != "" {
		name += " at " + a.Endpoint
	}
	return &Ecosystem{name: name, store: s, dir: a.Dir, index: filepath.Join(a.Dir, "index-"+keyOf(name)+".json"), room: room, least: leastTime}, nil
}

// keyOf names what is kept of a place.
func keyOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// Name is the place as records name it.
func (e *Ecosystem) Name() string { return e.name }

// within bounds a step that moves so many bytes.
func (e *Ecosystem) within(ctx context.Context, bytes int64) (context.Context, context.CancelFunc) {
	limit := e.least + time.Duration(bytes/slowest)*time.Second
	return context.WithTimeoutCause(ctx, limit, apprentice.Errorf(apprentice.Unavailable, "%s is too slow: it was given up after %s", e.name, limit))
}

// Probe finds out whether the place can be reached and written to.
func (e *Ecosystem) Probe(ctx context.Context) error {
	ctx, cancel := e.within(ctx, 0)
	defer cancel()
	if _, err := e.store.list(ctx); err != nil {
		return told(ctx, err)
	}
	return told(ctx, e.store.probe(ctx))
}

// told prefers why a step was ended to what came of that.
func told(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// List tells every shared bundle, the newest first; archives that are none are told
// with their problem. looked is called with how many were looked into, of how many.
func (e *Ecosystem) List(ctx context.Context, looked func(done, all int)) ([]Entry, error) {
	short, cancel := e.within(ctx, 0)
	objects, err := e.store.list(short)
	err = told(short, err)
	cancel()
	if err != nil {
		return nil, err
	}
	if len(objects) > maxObjects {
		return nil, apprentice.Errorf(apprentice.Unmet, "%s holds more than %d bundles", e.name, maxObjects)
	}
	known := readIndex(e.index, e.name)
	entries := make([]Entry, len(objects))
	var fresh []int
	for i, o := range objects {
		entries[i] = known[o.id]
		if entries[i].Version != o.version || entries[i].Size != o.size {
			entries[i] = Entry{}
			fresh = append(fresh, i)
		}
	}
	if len(fresh) > 0 || len(known) != len(objects) {
		err = e.lookInto(ctx, objects, fresh, entries, looked)
		entries = slices.DeleteFunc(entries, func(x Entry) bool { return x.BundleID == "" })
		if err = errors.Join(err, writeIndex(e.index, e.name, entries)); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(entries, newestFirst)
	return entries, nil
}

// lookInto reads the heads of archives, a few at once. It ends with the first that
// cannot be read for now; what it has read so far is in entries.
func (e *Ecosystem) lookInto(ctx context.Context, objects []object, which []int, entries []Entry, looked func(done, all int)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan int)
	var mu sync.Mutex
	var all sync.WaitGroup
	done := 0
	for range min(lookers, len(which)) {
		// Owned by lookInto, which waits for it; ends with the channel.
		all.Go(func() {
			for i := range next {
				entry, err := e.lookAt(ctx, objects[i])
				if err != nil {
					stop(err)
					continue
				}
				mu.Lock()
				entries[i] = entry
				if done++; looked != nil {
					looked(done, len(which))
				}
				mu.Unlock()
			}
		})
	}
	for _, i := range which {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// lookAt reads the head of one archive. One that is no bundle is no error: it is an
// entry with a problem.
func (e *Ecosystem) lookAt(ctx context.Context, o object) (Entry, error) {
	var entry Entry
	err := e.head(ctx, o.id, func(dir string, m bundle.Manifest) error {
		entry = entryOf(o, m, bundle.GistOf(dir, m))
		return nil
	})
	switch kind := apprentice.KindOf(err); {
	case err == nil:
		return entry, nil
	case kind == apprentice.Invalid, kind == apprentice.NotFound:
		return Entry{BundleID: o.id, Size: o.size, Version: o.version, Problem: short(apprentice.Reason(err))}, nil
	}
	return entry, err
}

// head reads the files of an archive that tell what the bundle is about into a folder
// that is there for body alone.
func (e *Ecosystem) head(ctx context.Context, id string, body func(dir string, m bundle.Manifest) error) error {
	if err := bundle.CheckID(id); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(e.dir, ".aa-tmp-head-")
	if err != nil {
		return fmt.Errorf("make room for the head of a bundle: %w", err)
	}
	defer os.RemoveAll(dir)
	m, err := e.unpack(ctx, id, dir, true, nil)
	if err != nil {
		return err
	}
	return body(dir, m)
}

// Inspect returns a shared bundle on a page, of which it reads no more than it needs.
func (e *Ecosystem) Inspect(ctx context.Context, id string) (page string, m bundle.Manifest, err error) {
	err = e.head(ctx, id, func(dir string, _ bundle.Manifest) error {
		page, m, err = bundle.Inspect(dir)
		return err
	})
	return page, m, err
}

// unpack reads an archive, all of it or its head, into a folder. moved is told how
// many bytes of it came.
func (e *Ecosystem) unpack(ctx context.Context, id, dir string, headOnly bool, moved func(int64)) (bundle.Manifest, error) {
	room, err := e.room()
	if err != nil {
		return bundle.Manifest{}, err
	}
	most := room
	if headOnly {
		most = min(most, headers)
	}
	ctx, cancel := e.within(ctx, most)
	defer cancel()
	r, err := e.store.open(ctx, id)
	if err != nil {
		return bundle.Manifest{}, told(ctx, err)
	}
	defer r.Close()
	from := &counted{ctx: ctx, r: io.LimitReader(r, most), moved: moved}
	m, err := bundle.Unpack(ctx, from, dir, headOnly, room)
	switch {
	case err == nil && m.BundleID != id:
		return m, apprentice.Errorf(apprentice.Invalid, "%s holds the bundle %s", nameOf(id), m.BundleID)
	case err == nil, apprentice.KindOf(err) != apprentice.Internal:
		return m, told(ctx, err)
	case ctx.Err() != nil:
		return m, context.Cause(ctx)
	case from.err != nil:
		return m, apprentice.Errorf(apprentice.Unavailable, "reading %s from %s was cut off: %v", id, e.name, from.err).Because(from.err)
	case isOurs(err):
		return m, fmt.Errorf("unpack %s: %w", id, err)
	}
	return m, apprentice.Errorf(apprentice.Invalid, "the archive of %s is damaged", id).Because(err)
}

// isOurs reports an error of our own file system, which is not the archive's fault.
func isOurs(err error) bool {
	var path *os.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link)
}
