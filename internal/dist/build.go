package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

var programs = []string{"aa", "aad", "aad-shim"}

// file is one file of an archive.
type file struct {
	name string // in the archive
	from string // on disk
	mode fs.FileMode
}

// compile builds the programs, static and without a trace of where.
func (r *release) compile(dir, goos, goarch string) error {
	v := "aad/internal/version"
	ldflags := fmt.Sprintf("-s -w -buildid= -X %s.Version=%s -X %s.Commit=%s -X %s.Date=%s", v, r.version, v, r.commit, v, r.date.Format(time.RFC3339))
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o", dir + string(filepath.Separator)}
	for _, p := range programs {
		args = append(args, "./cmd/"+p)
	}
	return run([]string{"CGO_ENABLED=0", "GOOS=" + goos, "GOARCH=" + goarch}, "go", args...)
}

func run(env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// sharedFiles are those that every platform gets: man pages and completions made
// from the commands, schemas, the Neovim plugin, pages.
func (r *release) sharedFiles(work string) ([]file, error) {
	made := filepath.Join(work, "shared")
	for _, program := range []string{"aa", "aad"} {
		err := run([]string{"CGO_ENABLED=0"}, "go", "run", "-tags", "manual", "./cmd/"+program, "manual", made, r.date.Format(time.RFC3339))
		if err != nil {
			return nil, fmt.Errorf("print the manual: %w", err)
		}
	}
	if err := helpTags("editors/nvim/doc", filepath.Join(made, "aad/nvim/doc")); err != nil {
		return nil, err
	}
	files := []file{{"LICENSE", "LICENSE", 0o644}, {"README.md", "README.md", 0o644}}
	for _, dir := range []struct {
		from, to string
		list     lister
	}{{made, "share", regular}, {"schemas", "share/aad/schemas", tracked}, {"editors/nvim", "share/aad/nvim", tracked}} {
		more, err := filesIn(dir.from, dir.to, dir.list)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return files, nil
}
