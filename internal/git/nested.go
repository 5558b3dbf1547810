package git

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// addAll is git add --all into an index of ours. Where that names repositories nested
// in the working tree, git would ask each one's own git what has changed in it, which
// runs what that repository has configured: an agent's words, outside any sandbox. They
// are taken off the index before, and git notes anew where each of them stands.
func (r Repository) addAll(ctx context.Context, dir string, env []string, args ...string) error {
	nested, err := r.nested(ctx, dir, env)
	if err != nil {
		return err
	}
	var off []string
	for at := range nested {
		off = append(off, at)
	}
	if err := r.updateIndex(ctx, dir, env, off, "--force-remove", "--"); err != nil {
		return err
	}
	_, refused := r.git.call(ctx, dir, env, append([]string{"add", "--all"}, args...)...)
	if err := r.putBack(ctx, dir, env, nested); err != nil {
		return err
	}
	return refused
}

// nested are the repositories that the index names in its working tree, and the commit
// of each.
func (r Repository) nested(ctx context.Context, dir string, env []string) (map[string]string, error) {
	out, err := r.git.call(ctx, dir, env, "ls-files", "--stage", "-z")
	if err != nil {
		return nil, err
	}
	nested := map[string]string{}
	for _, line := range fields(out) { // mode SP id SP stage TAB path
		what, at, _ := strings.Cut(line, "\t")
		if parts := strings.Fields(what); len(parts) == 3 && parts[0] == "160000" {
			nested[at] = parts[1]
		}
	}
	return nested, nil
}

// notTaken names the repositories in the working tree of which the index has the commit
// and none of the files, "" where there is none.
func (r Repository) notTaken(ctx context.Context, dir string, env []string) (string, error) {
	nested, err := r.nested(ctx, dir, env)
	var names []string
	for at := range nested {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(at), ".git")); err == nil {
			names = append(names, at)
		}
	}
	if err != nil || len(names) == 0 {
		return "", err
	}
	slices.Sort(names)
	return "of a repository in the repository the commit is kept, and none of its files: " + strings.Join(names, ", "), nil
}

// putBack names those again of which git has found no commit though their folder is
// there, as a submodule's that was never checked out is.
func (r Repository) putBack(ctx context.Context, dir string, env []string, nested map[string]string) error {
	if len(nested) == 0 {
		return nil
	}
	out, err := r.git.call(ctx, dir, env, "ls-files", "-z")
	if err != nil {
		return err
	}
	for _, file := range fields(out) {
		for at := file; at != "."; at = path.Dir(at) {
			delete(nested, at)
		}
	}
	var back []string
	for at, commit := range nested {
		folder := filepath.Join(dir, filepath.FromSlash(at))
		if info, err := os.Lstat(folder); err == nil && info.IsDir() && real(folder) == filepath.Join(real(dir), filepath.FromSlash(at)) {
			back = append(back, "--cacheinfo", "160000,"+commit+","+at)
		}
	}
	return r.updateIndex(ctx, dir, env, back, "--add")
}

// updateIndex calls git update-index as often as words for it are many.
func (r Repository) updateIndex(ctx context.Context, dir string, env, words []string, options ...string) error {
	for some := range slices.Chunk(words, 200) {
		if _, err := r.git.call(ctx, dir, env, slices.Concat([]string{"update-index"}, options, some)...); err != nil {
			return err
		}
	}
	return nil
}
