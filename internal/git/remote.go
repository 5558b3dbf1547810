package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aad/internal/proc"
)

// forRemotes are variables that tell git how its user reaches other machines.
var forRemotes = []string{"SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_RUNTIME_DIR",
	"DBUS_SESSION_BUS_ADDRESS", "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}

// ForRemotes is git that reaches other machines as its user does, by their credential
// helpers and SSH agent, and asks nobody.
func (g Git) ForRemotes(environ []string) Git {
	g.settings = append(slices.DeleteFunc(slices.Clone(neutral), func(s string) bool { return s == "credential.helper=" }),
		"credential.interactive=false", "transfer.fsckObjects=true", "protocol.ext.allow=never", "push.followTags=false", "push.gpgSign=false",
		"http.lowSpeedLimit=1000", "http.lowSpeedTime=60")
	g.env = slices.Clone(g.env)
	ownSSH := false
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(forRemotes, name) {
			g.env = append(g.env, pair)
			ownSSH = ownSSH || strings.HasPrefix(name, "GIT_SSH")
		}
	}
	if !ownSSH {
		g.env = append(g.env, "GIT_SSH_COMMAND=ssh -o BatchMode=yes -o ConnectTimeout=30")
	}
	return g
}

// Mirror is a bare copy, in a folder of aad's own, of a branch of a repository that
// others push to as well. Files are added there, and none is ever altered.
type Mirror struct {
	git  Git
	dir  string
	url  string
	lock *proc.Lock
	// Branch is the remote's own, and Head its commit, "" while it has none. Fetch
	// tells them.
	Branch, Head string
}

// mirrored is where the branch stood when it was fetched last.
const mirrored = "refs/aad/place"

// OpenMirror makes the copy's folder where there is none, and waits until nobody else
// uses it. Close it.
func (g Git) OpenMirror(ctx context.Context, dir, url string) (*Mirror, error) {
	lock, err := proc.LockFile(ctx, dir+".lock")
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	m := &Mirror{git: g, dir: dir, url: url, lock: lock}
	if _, err = os.Stat(filepath.Join(dir, mirrored)); errors.Is(err, fs.ErrNotExist) {
		_, err = g.call(ctx, "", nil, "init", "--quiet", "--bare", "--template=", dir) // again does no harm
	}
	// What git was killed over, since nobody else is here.
	for _, left := range []string{mirrored, "packed-refs", "config", "HEAD"} {
		if gone := os.Remove(filepath.Join(dir, filepath.FromSlash(left+".lock"))); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a copy of %s: %w", url, err), m.Close())
	}
	return m, nil
}

// Close lets others use the copy.
func (m *Mirror) Close() error { return m.lock.Close() }

func (m *Mirror) call(ctx context.Context, args ...string) (string, error) {
	return m.git.word(ctx, m.dir, []string{"GIT_DIR=" + m.dir}, args...)
}

// Fetch brings the copy to where the remote's branch stands.
func (m *Mirror) Fetch(ctx context.Context) error {
	out, err := m.call(ctx, "ls-remote", "--symref", "--", m.url, "HEAD", "refs/heads/main")
	if err != nil {
		return err
	}
	m.Branch, m.Head = "main", ""
	for line := range strings.Lines(out) {
		what, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		branch, isRef := strings.CutPrefix(what, "ref: refs/heads/")
		switch {
		case name == "HEAD" && isRef:
			m.Branch = branch
		case name == "HEAD", m.Head == "": // a HEAD that is there comes first
			m.Head = what
		}
	}
	if out == "" {
		m.Branch, err = m.unborn(ctx)
		return err
	}
	if known, err := m.call(ctx, "rev-parse", "--verify", "--quiet", mirrored); m.Head == "" || err == nil && known == m.Head {
		return nil
	}
	if _, err = m.call(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", m.url, "+refs/heads/"+m.Branch+":"+mirrored); err != nil {
		return err
	}
	m.Head, err = m.call(ctx, "rev-parse", "--verify", mirrored) // it may have gone on meanwhile
	return err
}

// unborn is the branch that an empty repository will have by its HEAD, which a clone
// alone is told.
func (m *Mirror) unborn(ctx context.Context) (string, error) {
	dir := filepath.Join(m.dir, "unborn")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if _, err := m.git.call(ctx, "", nil, "-c", "init.defaultBranch=main", "clone", "--quiet", "--bare", "--template=", "--end-of-options", m.url, dir); err != nil {
		return "", err
	}
	return m.git.word(ctx, dir, []string{"GIT_DIR=" + dir}, "symbolic-ref", "--short", "HEAD")
}

// Blob is a file of the branch.
type Blob struct {
	Name string // without the folder
	ID   string
	Size int64
}

// Files lists the plain files in a folder of the branch; links and folders are left
// out.
func (m *Mirror) Files(ctx context.Context, folder string) (list []Blob, err error) {
	if m.Head == "" {
		return nil, nil
	}
	out, err := m.call(ctx, "ls-tree", "-l", "-z", "--full-tree", m.Head, "--", folder+"/")
	if err != nil {
		return nil, fmt.Errorf("list files of %s: %w", short(m.Head), err)
	}
	for _, line := range fields([]byte(out)) { // mode SP type SP id SP* size TAB path
		what, name, _ := strings.Cut(line, "\t")
		parts := strings.Fields(what)
		if len(parts) != 4 || parts[0] != "100644" && parts[0] != "100755" {
			continue
		}
		size, err := strconv.ParseInt(parts[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list files of %s: git tells a size of %q", short(m.Head), parts[3])
		}
		list = append(list, Blob{path.Base(name), parts[2], size})
	}
	return list, nil
}

// Read writes a file of the branch to a file without a name, and returns that.
func (m *Mirror) Read(ctx context.Context, id string) (*os.File, error) {
	name, err := m.call(ctx, "unpack-file", id)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(m.dir, filepath.Base(name)))
	return file, errors.Join(err, os.Remove(filepath.Join(m.dir, filepath.Base(name))))
}

// Add commits one more file over Head and pushes the commit; it never forces. When
// somebody else has pushed since Fetch, moved is true and the remote is as they left it.
func (m *Mirror) Add(ctx context.Context, name, file, message string) (moved bool, err error) {
	index := filepath.Join(m.dir, "aad-index")
	defer os.Remove(index)
	if err := os.Remove(index); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	commit, err := m.commit(ctx, index, name, file, message)
	if err != nil {
		return false, err
	}
	out, err := m.git.call(ctx, m.dir, []string{"GIT_DIR=" + m.dir}, "push", "--porcelain", "--end-of-options", m.url, commit+":refs/heads/"+m.Branch)
	var refused *failure
	if !errors.As(err, &refused) {
		return false, err
	}
	base := m.Head
	if again := m.Fetch(ctx); again == nil && m.Head != base {
		return true, nil
	}
	for line := range strings.Lines(string(out)) { // ! TAB from:to TAB what (why)
		if rest, ok := strings.CutPrefix(line, "!\t"); ok {
			_, refused.said, _ = strings.Cut(strings.TrimSpace(rest), "\t")
		}
	}
	return false, refused
}

func (m *Mirror) commit(ctx context.Context, index, name, file, message string) (string, error) {
	id, err := m.call(ctx, "hash-object", "-w", "--no-filters", "--end-of-options", file)
	if err != nil {
		return "", err
	}
	env := []string{"GIT_DIR=" + m.dir, "GIT_INDEX_FILE=" + index}
	args := []string{"commit-tree", "-m", message}
	if m.Head != "" {
		if _, err := m.git.call(ctx, m.dir, env, "read-tree", m.Head); err != nil {
			return "", err
		}
		args = append(args, "-p", m.Head)
	}
	if _, err := m.git.call(ctx, m.dir, env, "update-index", "--add", "--cacheinfo", "100644,"+id+","+name); err != nil {
		return "", err
	}
	tree, err := m.git.word(ctx, m.dir, env, "write-tree")
	if err != nil {
		return "", err
	}
	return m.call(ctx, append(args, tree)...)
}

// Probe asks the remote whether a push would be taken, and sends nothing.
func (m *Mirror) Probe(ctx context.Context) error {
	from := m.Head
	if from == "" {
		tree, err := m.git.word(ctx, m.dir, []string{"GIT_DIR=" + m.dir, "GIT_INDEX_FILE=" + filepath.Join(m.dir, "no-index")}, "write-tree")
		if err == nil {
			from, err = m.call(ctx, "commit-tree", "-m", "start", tree)
		}
		if err != nil {
			return err
		}
	}
	_, err := m.call(ctx, "push", "--dry-run", "--porcelain", "--end-of-options", m.url, from+":refs/heads/"+m.Branch)
	return err
}

// Said is what git printed when a call of it failed, "" of another error.
func Said(err error) string {
	var refused *failure
	if errors.As(err, &refused) {
		return refused.all + refused.said
	}
	return ""
}
