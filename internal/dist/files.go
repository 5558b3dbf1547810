package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// lister names the files of a folder, with slashes and in order.
type lister func(dir string) ([]string, error)

// filesIn puts a folder's files under another name. Tests stay behind.
func filesIn(dir, as string, list lister) ([]file, error) {
	names, err := list(dir)
	if err != nil {
		return nil, fmt.Errorf("list the files of %s: %w", dir, err)
	}
	var files []file
	for _, name := range names {
		if !strings.HasPrefix(name, "test/") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, file{as + "/" + name, filepath.Join(dir, name), 0o644})
		}
	}
	return files, nil
}

// tracked lists what git knows of a folder: an editor's leavings are none of a release.
func tracked(dir string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	names := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	slices.Sort(names)
	return names, nil
}

// regular lists a folder's files.
func regular(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	return names, err
}

var helpTag = regexp.MustCompile(`\*([^*|\s]+)\*(?:\s|$)`)

// helpTags writes into the folder to the index that Neovim's :helptags makes of the help
// in from: who installs a package cannot write it where the help lies.
func helpTags(from, to string) error {
	pages, err := filepath.Glob(filepath.Join(from, "*.txt"))
	if err != nil {
		return err
	}
	var lines []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return fmt.Errorf("read the help: %w", err)
		}
		for _, tag := range helpTag.FindAllStringSubmatch(string(text), -1) {
			lines = append(lines, tag[1]+"\t"+filepath.Base(page)+"\t/*"+tag[1]+"*\n")
		}
	}
	slices.Sort(lines)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "tags"), []byte(strings.Join(lines, "")), 0o644)
}
