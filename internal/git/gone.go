package git

import (
	"errors"
	"io/fs"
	"os"

	"aad/apprentice"
)

// Gone refuses a repository that At has named and that is no longer there; path is
// what its user calls it.
func (r Repository) Gone(path string) error {
	if _, err := os.Stat(r.Common); errors.Is(err, fs.ErrNotExist) {
		return apprentice.Errorf(apprentice.Unmet, "repository %s is not there any more", path).WithField("repo").
			WithHint("once it is back: try again, or aa retry RUN where a run has failed")
	}
	return nil
}
