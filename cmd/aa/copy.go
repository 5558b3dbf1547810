package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"aad/apprentice"
	"aad/client"
	"aad/rpc"

	"github.com/spf13/cobra"
)

func copyCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "cp RUN [PATH] DEST",
		Short: "Copy artifacts, or other files of a run, to a place of yours",
		Long: `Copy a run's artifacts to the folder DEST, which is made when it does not
exist. PATH names one file or folder instead, of the artifacts or else of the run
folder. DEST - writes a file to stdout. Nothing is overwritten without --force.`,
		Example: `  aa cp @last results/
  aa cp @last report.md .
  aa cp @last totals.json - | jq .
  aa cp @last packages backup/`,
		Args:              takes(2, 3),
		ValidArgsFunction: a.completeCopy,
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, rest []string) error {
			if len(rest) == 1 && rest[0] == "-" {
				return apprentice.Errorf(apprentice.Invalid, "which file goes to stdout was not said").
					WithHint("aa cp %s PATH -", run)
			}
			d, err := c.RunGet(ctx, run)
			if err != nil {
				return err
			}
			if len(rest) == 1 {
				n, err := copyArtifacts(d, rest[0], force)
				return a.copied(n, rest[0], err)
			}
			if rest[1] == "-" {
				return a.printFile(d, rest[0])
			}
			n, err := copyPath(d, rest[0], rest[1], force)
			return a.copied(n, rest[1], err)
		}),
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite what is in the way")
	return cmd
}

// completeCopy offers runs, then files.
func (a *app) completeCopy(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return a.completeRuns()(cmd, args, typed)
	}
	return nil, cobra.ShellCompDirectiveDefault
}

func (a *app) copied(n int, dest string, err error) error {
	if err != nil {
		return err
	}
	return a.show(map[string]any{"files": n, "dest": dest}, func() error {
		if a.quiet {
			return nil
		}
		return a.print("copied %s to %s", files(n), cleanLine(dest))
	})
}

// copyArtifacts copies the run's deliverables into the folder dest.
func copyArtifacts(d rpc.RunDetail, dest string, force bool) (int, error) {
	if !exists(d.Artifacts) {
		return 0, apprentice.Errorf(apprentice.NotFound, "run %s has no artifacts", d.Run.RunID).
			WithHint("aa show %s", d.Run.RunID)
	}
	root, err := os.OpenRoot(d.Artifacts)
	if err != nil {
		return 0, fmt.Errorf("open the artifacts of %s: %w", d.Run.RunID, err)
	}
	defer root.Close()
	return copyTree(root, ".", dest, force)
}

// copyPath copies one file or folder of a run to dest, into it where it is a
// folder.
func copyPath(d rpc.RunDetail, path, dest string, force bool) (int, error) {
	root, err := rootOf(d, path)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		dest = filepath.Join(dest, filepath.Base(path))
	}
	return copyTree(root, filepath.Clean(path), dest, force)
}

// rootOf opens the artifacts where path is found there, else the run folder. What
// an agent wrote cannot lead out of either: symlinks are not followed out of a
// Root.
func rootOf(d rpc.RunDetail, path string) (*os.Root, error) {
	for _, dir := range []string{d.Artifacts, d.Folder} {
		root, err := os.OpenRoot(dir)
		if err != nil {
			continue
		}
		if _, err := root.Lstat(path); err == nil {
			return root, nil
		}
		root.Close()
	}
	return nil, apprentice.Errorf(apprentice.NotFound, "run %s has no file %s", d.Run.RunID, path).
		WithHint("aa show %s lists its files; its folder is %s", d.Run.RunID, d.Folder)
}

// file is one file to copy.
type file struct{ from, to string }

// copyTree copies a file or a folder. It refuses before it has written anything
// when something is in the way, unless force. Symlinks and devices are left out.
func copyTree(root *os.Root, path, dest string, force bool) (int, error) {
	list, err := filesUnder(root, path, dest)
	if err != nil {
		return 0, err
	}
	for _, f := range list {
		if !force && exists(f.to) {
			return 0, apprentice.Errorf(apprentice.Conflict, "%s exists and would be overwritten", f.to).
				WithHint("aa cp --force overwrites; nothing was copied, and the artifacts are in %s", root.Name())
		}
	}
	for _, f := range list {
		if err := copyFile(root, f); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

func filesUnder(root *os.Root, path, dest string) ([]file, error) {
	info, err := root.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, apprentice.Errorf(apprentice.Invalid, "%s is no ordinary file", path)
		}
		return []file{{path, dest}}, nil
	}
	var list []file
	err = fs.WalkDir(root.FS(), filepath.ToSlash(path), func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type().IsRegular() {
			rel, err := filepath.Rel(path, filepath.FromSlash(name))
			if err != nil {
				return err
			}
			list = append(list, file{filepath.FromSlash(name), filepath.Join(dest, rel)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	return list, os.MkdirAll(dest, 0o777)
}

func copyFile(root *os.Root, f file) (err error) {
	in, err := root.Open(f.from)
	if err != nil {
		return fmt.Errorf("copy %s: %w", f.from, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("copy %s: %w", f.from, err)
	}
	if err := os.MkdirAll(filepath.Dir(f.to), 0o777); err != nil {
		return fmt.Errorf("copy %s: %w", f.from, err)
	}
	mode := fs.FileMode(0o666)
	if info.Mode()&0o100 != 0 {
		mode = 0o777
	}
	out, err := os.OpenFile(f.to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return fmt.Errorf("copy %s: %w", f.from, err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("copy %s to %s: %w", f.from, f.to, err)
	}
	return nil
}

func (a *app) printFile(d rpc.RunDetail, path string) error {
	root, err := rootOf(d, path)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.Open(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return apprentice.Errorf(apprentice.Invalid, "%s is a folder", path).WithHint("name a folder to copy it to instead of -")
	}
	_, err = io.Copy(a.out, f)
	return err
}

func openCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "open RUN",
		Short: "Print the path of a run's folder",
		Example: `  cd "$(aa open @last)"
  code "$(aa open @last)"`,
		Args:              takes(1, 1),
		ValidArgsFunction: a.completeRuns(),
		RunE: a.connectedRun(func(ctx context.Context, c *client.Client, run string, _ []string) error {
			d, err := c.RunGet(ctx, run)
			if err != nil {
				return err
			}
			paths := map[string]string{"run_id": string(d.Run.RunID), "folder": d.Folder, "artifacts": d.Artifacts}
			return a.show(paths, func() error { return a.print("%s", d.Folder) })
		}),
	}
}
