// Package manual prints the man pages and completions of a program's commands as they
// are packed. The programs import it with the build tag manual alone, so that no
// released one links what it needs. Read Print, its only function.
package manual

import (
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// Print answers PROGRAM manual FOLDER DATE, and then ends the process; it returns
// where the program was asked for something else.
func Print(root *cobra.Command) {
	if len(os.Args) != 4 || os.Args[1] != "manual" {
		return
	}
	root.DisableAutoGenTag = true
	if err := write(root, os.Args[2], os.Args[3]); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// write makes the pages and completions in dir; date is RFC 3339.
func write(root *cobra.Command, dir, date string) error {
	at, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return err
	}
	pages := filepath.Join(dir, "man/man1")
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return err
	}
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Date: &at, Source: root.Name(), Manual: "aad"}, pages); err != nil {
		return err
	}
	for path, print := range map[string]func(string) error{
		"bash-completion/completions/" + root.Name():         func(p string) error { return root.GenBashCompletionFileV2(p, true) },
		"zsh/vendor-completions/_" + root.Name():             root.GenZshCompletionFile,
		"fish/vendor_completions.d/" + root.Name() + ".fish": func(p string) error { return root.GenFishCompletionFile(p, true) },
		"aad/completions/" + root.Name() + ".ps1":            root.GenPowerShellCompletionFileWithDesc,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := print(path); err != nil {
			return err
		}
	}
	return nil
}
