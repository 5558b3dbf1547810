package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// AddAssets copies files and folders into one of the run's asset folders, which
// it makes, and returns them in the order of paths. All are checked before the
// first is copied; when one is refused (apprentice.Invalid) or the copying
// fails, nothing of this call remains. A name that is taken gets -2, -3, …. When
// it returns, all is on disk: a run is acknowledged with them.
func (f Folder) AddAssets(ctx context.Context, into string, paths []string) (_ []apprentice.Asset, err error) {
	if len(paths) == 0 {
		return nil, nil
	}
	room := mostTold
	for _, path := range paths {
		if err := f.checkAsset(ctx, into, path, &room); err != nil {
			return nil, err
		}
	}
	var placed []string
	made, err := makeFolders(into)
	if err != nil {
		return nil, fmt.Errorf("make folder for assets: %w", err)
	}
	defer func() {
		if err != nil {
			for _, dst := range placed {
				err = errors.Join(err, removeTree(dst))
			}
			for _, dir := range made {
				os.Remove(dir) // unless somebody else has put something there by now
			}
		}
	}()
	assets := make([]apprentice.Asset, 0, len(paths))
	for _, path := range paths {
		dst, asset, cerr := copyAsset(ctx, path, into)
		if dst != "" {
			placed = append(placed, dst)
		}
		if cerr != nil {
			return nil, cerr
		}
		asset.Path = f.Rel(dst)
		assets = append(assets, asset)
	}
	return assets, atomicfile.SyncTree(into)
}

// makeFolders makes dir and its parents and returns those that were not there,
// the innermost first.
func makeFolders(dir string) ([]string, error) {
	var made []string
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); err == nil || d == filepath.Dir(d) {
			break
		}
		made = append(made, d)
	}
	return made, os.MkdirAll(dir, 0o700)
}

const (
	// mostTold bounds, in bytes, what it takes to tell the files of a task one by one, as
	// each attempt does.
	mostTold = 12 << 20
	// toldOfFile is what a file takes there beside its name: its size, mode and hash.
	toldOfFile = 128
)

// checkAsset refuses what cannot be handed to an apprentice, without copying. It takes
// from room what the asset's files take to be told.
func (f Folder) checkAsset(ctx context.Context, into, path string, room *int) error {
	if path == "" {
		return badAsset(`""`, "no path is given")
	}
	if !filepath.IsAbs(path) {
		return badAsset(path, "its path is not absolute")
	}
	info, err := os.Lstat(path)
	if err != nil {
		return badAsset(path, reasonOf(err))
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		e := badAsset(path, leadsOut)
		if target, terr := filepath.EvalSymlinks(path); terr == nil {
			e = e.WithHint("name the thing itself: %s", target)
		}
		return e
	}
	if err := f.checkPlace(into, path); err != nil {
		return err
	}
	files := 0
	w := walk{root: path, odd: func(rel, reason string) error { return badAsset(filepath.Join(path, rel), reason) }}
	w.visit = func(n node) error {
		if *room -= len(n.rel) + toldOfFile; *room < 0 {
			return badAsset(path, "it holds too many files to tell them one by one").WithHint("pack them into an archive and hand that over")
		}
		if !n.info.Mode().IsRegular() {
			return nil
		}
		files++
		file, _, err := openRegular(n.path)
		if err != nil {
			return badAsset(n.path, reasonOf(err))
		}
		return file.Close()
	}
	if err := w.run(ctx); err != nil {
		return err
	}
	if files == 0 { // a bundle holds files: it would name a folder that it does not hold
		return badAsset(path, "it is a folder without a file").WithHint("put one into it, such as .gitkeep, or leave the asset out")
	}
	return nil
}

// checkPlace refuses a folder that holds the copy's own place, and aad's own
// files; run folders are fair assets.
func (f Folder) checkPlace(into, path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return badAsset(path, reasonOf(err))
	}
	runs, err := filepath.EvalSymlinks(filepath.Dir(string(f)))
	if err != nil {
		return fmt.Errorf("check asset %s: %w", quoted(path), err)
	}
	home, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(string(f))))
	if err != nil {
		return fmt.Errorf("check asset %s: %w", quoted(path), err)
	}
	to := filepath.Join(runs, filepath.Base(string(f)), relTo(string(f), into))
	switch {
	case within(real, to):
		return badAsset(path, "it holds the folder that it would be copied to")
	case within(home, real) && !within(runs, real):
		return badAsset(path, "it is one of aad's own files")
	}
	return nil
}

func badAsset(path, reason string) *apprentice.Error {
	return apprentice.Errorf(apprentice.Invalid, "asset %s cannot be used: %s", quoted(path), reason).WithField("assets")
}

// quoted is path as it is, or in Go quotes when it could disturb a terminal.
func quoted(path string) string {
	if !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

// copyAsset copies one asset to a free name in a folder. It returns the place it
// began to fill also when it fails.
func copyAsset(ctx context.Context, path, into string) (string, apprentice.Asset, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", apprentice.Asset{}, badAsset(path, reasonOf(err))
	}
	odd := func(rel, reason string) error { return badAsset(filepath.Join(path, rel), reason) }
	for n := 1; ; n++ {
		name := numbered(assetName(path), n, info.IsDir())
		dst := filepath.Join(into, name)
		if reserved(name) || exists(dst) {
			continue
		}
		list, err := copyTree(ctx, path, dst, nil, odd)
		if errors.Is(err, fs.ErrExist) && len(list) == 0 {
			continue // somebody was quicker
		}
		if err != nil {
			return dst, apprentice.Asset{}, assetFault(path, err)
		}
		asset := apprentice.Asset{Name: name, Size: list.Size(), From: path, Dir: info.IsDir()}
		if asset.Hash = list.Hash(); !asset.Dir {
			asset.Hash = list[0].SHA256
		}
		return dst, asset, nil
	}
}

func assetFault(path string, err error) error {
	if apprentice.KindOf(err) == apprentice.Invalid {
		return err
	}
	return fmt.Errorf("copy asset %s: %w", quoted(path), err)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// assetName is the last part of an asset's path with what no name should hold
// replaced, so that it can stand in a prompt.
func assetName(path string) string {
	name := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == filepath.Separator || r == '\\' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(filepath.Base(filepath.Clean(path)), "_"))
	if name == "" || name == "." || name == ".." {
		return "asset"
	}
	return name
}

const longestName = 240

// numbered puts -n before a file's extension, or after a folder's name; 1 is the
// name itself.
func numbered(name string, n int, dir bool) string {
	ext := filepath.Ext(name)
	if dir || ext == name || len(ext) > 32 {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	if n > 1 {
		ext = "-" + strconv.Itoa(n) + ext
	}
	if room := longestName - len(ext); len(stem) > room {
		stem = strings.ToValidUTF8(stem[:room], "")
	}
	return stem + ext
}

var followupFit = regexp.MustCompile(`^followup_[0-9]+$`)

// reserved names are those that aad itself puts beside assets.
func reserved(name string) bool {
	return slices.ContainsFunc([]string{briefName, taskName, feedbackName, visibleRubricName}, func(own string) bool {
		return strings.EqualFold(own, name)
	}) || followupFit.MatchString(strings.ToLower(name))
}

// Hash is the sha256 of the sorted list of hashes and paths, links by target.
func (l Listing) Hash() string {
	sorted := slices.Clone(l)
	sorted.sort()
	h := sha256.New()
	for _, f := range sorted {
		fmt.Fprintf(h, "%s%s  %q\n", f.SHA256, f.Link, f.Path)
	}
	return hex.EncodeToString(h.Sum(nil))
}
