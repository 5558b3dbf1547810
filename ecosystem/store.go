package ecosystem

import (
	"context"
	"io"
	"os"
	"strings"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/git"
)

// store is a place's archives. What it cannot reach is unavailable, what it may not
// do is denied, and the rest of its errors will not pass by themselves.
type store interface {
	reader
	writer
}

type reader interface {
	// list tells every archive.
	list(ctx context.Context) ([]object, error)
	// open reads an archive from its start; one that is not there is not_found.
	open(ctx context.Context, id string) (io.ReadCloser, error)
}

type writer interface {
	// put adds an archive whole or not at all. One that is there is fs.ErrExist and
	// is never altered.
	put(ctx context.Context, id string, archive *os.File, moved func(int64)) error
	// probe finds out whether archives could be added, without leaving anything.
	probe(ctx context.Context) error
}

// object is one archive. Version alters with what it holds.
type object struct {
	id      string
	size    int64
	version string
}

const (
	folderName = "bundles"
	extension  = ".tar.zst"
	// maxObjects bounds what is looked at in a place.
	maxObjects = 100_000
)

func nameOf(id string) string { return folderName + "/" + id + extension }

// idOf is the bundle of a file's name, "" of what is no bundle's.
func idOf(name string) string {
	id, ok := strings.CutSuffix(name, extension)
	if !ok || bundle.CheckID(id) != nil {
		return ""
	}
	return id
}

// Access is what is needed to reach places, beside their names.
type Access struct {
	Endpoint  string // of a bucket: a host, or a URL; "" is Amazon's
	Region    string
	AllowHTTP bool
	// Variable looks up keys of a bucket: AWS_ACCESS_KEY_ID and the like.
	Variable func(name string) (string, bool)
	// Git finds the program.
	Git func() (git.Git, error)
	// Dir is a folder for what can be made anew: copies of repositories, indexes.
	Dir string
}

// openStore makes ready to reach a place; it does not yet.
func openStore(p Place, a Access) (store, error) {
	switch p.Kind {
	case Folder:
		return folder{p.At}, nil
	case Git:
		return newRepository(p, a)
	case Bucket:
		return newBucket(p, a)
	}
	return nil, apprentice.Errorf(apprentice.Unmet, "no place is named where bundles are shared").WithField("ecosystem_place").
		WithHint("aa ecosystem configure --place PLACE")
}
