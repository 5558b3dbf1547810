package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"aad/apprentice"
	"aad/internal/git"
	"aad/internal/proc"
)

// repository is a git repository that can be pushed to. Its branch is the one that its
// HEAD names, else main; a contribution is a commit. It is read by a copy of it.
type repository struct {
	url string
	dir string // of the copy
	git func() (git.Git, error)
}

// fetched is the copy as the repository is now. Close it.
func (r repository) fetched(ctx context.Context) (*git.Mirror, error) {
	program, err := r.git()
	if err != nil {
		return nil, err
	}
	m, err := program.OpenMirror(ctx, r.dir, r.url)
	if err != nil {
		return nil, err
	}
	if err := m.Fetch(ctx); err != nil {
		return nil, errors.Join(r.told(ctx, err), m.Close())
	}
	return m, nil
}

// told puts what git said into words that tell what to do.
func (r repository) told(ctx context.Context, err error) error {
	// Its address is whatever a user has named it: no word of git's.
	said := strings.ToLower(strings.ReplaceAll(git.Said(err), r.url, ""))
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(said, w) {
				return true
			}
		}
		return false
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case proc.IsFull(err), said == "":
		return err
	case has("authentication failed", "could not read username", "could not read password", "permission denied", "error: 403", "error: 401", "access denied", "not allowed"):
		return apprentice.Errorf(apprentice.Denied, "git may not use %s: %v", r.url, err).
			WithHint("see that git does so by itself, without asking: git ls-remote %s", r.url)
	case has("host key verification failed"):
		return apprentice.Errorf(apprentice.Denied, "ssh does not know the host of %s", r.url).WithHint("connect to it once yourself: git ls-remote %s", r.url)
	case has("[remote rejected]", "checked out"):
		return apprentice.Errorf(apprentice.Denied, "%s does not take what is pushed: %v", r.url, err).WithHint("name a bare repository, and a branch that may be pushed to")
	}
	return apprentice.Errorf(apprentice.Unavailable, "git cannot reach %s: %v", r.url, err).WithHint("git ls-remote %s", r.url)
}

func (r repository) list(ctx context.Context) ([]object, error) {
	m, err := r.fetched(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	blobs, err := m.Files(ctx, folderName)
	var all []object
	for _, b := range blobs {
		if id := idOf(b.Name); id != "" {
			all = append(all, object{id, b.Size, b.ID})
		}
	}
	return all, err
}

func (r repository) open(ctx context.Context, id string) (io.ReadCloser, error) {
	m, err := r.fetched(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	b, err := find(ctx, m, id)
	if err != nil {
		return nil, err
	}
	if b.ID == "" {
		return nil, notThere(id)
	}
	return m.Read(ctx, b.ID)
}

// find is an archive's file in the branch, without an ID where there is none.
func find(ctx context.Context, m *git.Mirror, id string) (git.Blob, error) {
	blobs, err := m.Files(ctx, folderName)
	for _, b := range blobs {
		if b.Name == id+extension {
			return b, nil
		}
	}
	return git.Blob{}, err
}

// mostPushes is how often a commit is made anew because others have pushed first.
const mostPushes = 20

func (r repository) put(ctx context.Context, id string, archive *os.File, moved func(int64)) error {
	m, err := r.fetched(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	for range mostPushes {
		switch b, err := find(ctx, m, id); {
		case err != nil:
			return err
		case b.ID != "":
			return fs.ErrExist
		}
		late, err := m.Add(ctx, nameOf(id), archive.Name(), "Share "+id)
		if err != nil {
			return r.told(ctx, err)
		}
		if !late {
			if info, err := archive.Stat(); err == nil && moved != nil {
				moved(info.Size())
			}
			return nil
		}
	}
	return apprentice.Errorf(apprentice.Unavailable, "others have pushed to %s first, %d times", r.url, mostPushes)
}

func (r repository) probe(ctx context.Context) error {
	m, err := r.fetched(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.Probe(ctx); err != nil {
		return r.told(ctx, err)
	}
	return nil
}

// newRepository refuses an address that others could listen to.
func newRepository(p Place, a Access) (store, error) {
	if err := checkPlain(p.At, a.AllowHTTP); err != nil {
		return nil, err
	}
	if a.Git == nil {
		return nil, fmt.Errorf("reach %s: nobody says where git is", p)
	}
	return repository{p.At, filepath.Join(a.Dir, "git-"+keyOf(p.String())), a.Git}, nil
}
