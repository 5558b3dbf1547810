package client

import (
	"fmt"
	"path/filepath"

	"aad/apprentice"
)

// AbsolutePaths makes the paths of a parameter absolute, as aad takes them: it works in
// a folder of its own. An empty one is refused (apprentice.Invalid, with the parameter as
// its field): a script whose variable is not set does not mean the current folder.
func AbsolutePaths(field string, paths []string) ([]string, error) {
	list := make([]string, 0, len(paths))
	for _, path := range paths {
		if path == "" {
			return nil, apprentice.Errorf(apprentice.Invalid, "the %s hold an empty path, which would be the current folder", field).
				WithField(field).WithHint("name the path, or leave it out")
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", path, err)
		}
		list = append(list, abs)
	}
	return list, nil
}
