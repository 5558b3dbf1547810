package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aad/internal/atomicfile"
)

// nfpm makes the packages; it is run and not linked.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4"

// packageConfig is nfpm.yaml as JSON, which YAML takes.
type packageConfig struct {
	Name        string            `json:"name"`
	Arch        string            `json:"arch"`
	Platform    string            `json:"platform"`
	Version     string            `json:"version"`
	Section     string            `json:"section"`
	Maintainer  string            `json:"maintainer"`
	Description string            `json:"description"`
	License     string            `json:"license"`
	Mtime       string            `json:"mtime"`
	Contents    []packageContent  `json:"contents"`
	Suggests    []string          `json:"suggests"`
	RPM         map[string]string `json:"rpm"`
}

type packageContent struct {
	Src      string         `json:"src"`
	Dst      string         `json:"dst"`
	FileInfo map[string]any `json:"file_info"`
	Packager string         `json:"packager,omitempty"` // "": every one
}

// writePackages makes a .deb and an .rpm of a linux build.
func (r *release) writePackages(goarch, work string, files []file) error {
	at := r.date.Format(time.RFC3339)
	config := packageConfig{
		Name: "aad", Arch: goarch, Platform: "linux", Version: packageVersion(r.version), Section: "utils", Maintainer: "aad", License: "MIT", Mtime: at,
		Description: "hand tasks to an apprentice and get reviewed results\n" +
			"aad is a local daemon: it has an agent attempt each task, has the attempt reviewed\n" +
			"against a rubric and the agent revise. aa is its client; aad install makes it a service.",
		Suggests: []string{"bash-completion"}, // the completions of bash call its functions
		RPM:      map[string]string{"buildhost": "aad"},
	}
	for _, f := range files {
		if strings.HasPrefix(f.name, "share/man/") { // as distributions have them
			var err error
			if f, err = compressed(f, work); err != nil {
				return err
			}
		}
		c := packageContent{Src: f.from, Dst: installed(f.name), FileInfo: map[string]any{"mode": int(f.mode), "mtime": at}}
		if own, ok := strings.CutPrefix(c.Dst, "/usr/share/zsh/vendor-completions/"); ok { // which is Debian's
			c.Packager = "deb"
			config.Contents = append(config.Contents, packageContent{Src: c.Src, Dst: "/usr/share/zsh/site-functions/" + own, FileInfo: c.FileInfo, Packager: "rpm"})
		}
		config.Contents = append(config.Contents, c)
	}
	text, err := atomicfile.JSON(config)
	if err != nil {
		return fmt.Errorf("describe the packages: %w", err)
	}
	path := filepath.Join(work, "nfpm-"+goarch+".yaml")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("describe the packages: %w", err)
	}
	env := []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.date.Unix()), "CGO_ENABLED=0"}
	for _, kind := range []string{"deb", "rpm"} {
		name := fmt.Sprintf("aad_%s_%s.%s", r.version, goarch, kind)
		err := run(env, "go", "run", nfpm, "package", "--config", path, "--packager", kind, "--target", filepath.Join(r.out, name))
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		r.made = append(r.made, name)
	}
	return nil
}

// compressed is a file of a package, compressed without a trace of when.
func compressed(f file, work string) (file, error) {
	text, err := os.ReadFile(f.from)
	if err != nil {
		return f, fmt.Errorf("compress a page: %w", err)
	}
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // a level that there is
	// Writing to memory does not fail.
	_, _ = z.Write(text)
	_ = z.Close()
	f.name, f.from = f.name+".gz", filepath.Join(work, filepath.Base(f.name)+".gz")
	if err := os.WriteFile(f.from, buf.Bytes(), 0o644); err != nil {
		return f, fmt.Errorf("compress a page: %w", err)
	}
	return f, nil
}

// installed is where a package puts a file of the archive.
func installed(name string) string {
	switch {
	case name == "LICENSE":
		return "/usr/share/doc/aad/copyright"
	case strings.HasPrefix(name, "share/"):
		return "/usr/" + name
	case strings.HasPrefix(name, "aa"):
		return "/usr/bin/" + name
	}
	return "/usr/share/doc/aad/" + name
}

// packageVersion is the version as packages write it: it begins with a digit. A
// build of no release comes before all of them.
func packageVersion(version string) string {
	version = strings.TrimPrefix(version, "v")
	if version == "" || version[0] < '0' || version[0] > '9' || !strings.Contains(version, ".") {
		return "0.0.0-" + version
	}
	return version
}
