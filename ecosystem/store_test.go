package ecosystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"aad/apprentice"
	"aad/bundle"
	"aad/internal/atomicfile"
	"aad/internal/git"
)

// serverVariable names a program that speaks S3: versitygw, which .ci/s3 provides.
const serverVariable = "AA_S3_SERVER"

const (
	testKey    = "AKTESTTESTTESTTEST"
	testSecret = "not-a-secret-at-all"
	testBucket = "team-bundles"
)

// s3 is a real server with one bucket.
type s3 struct {
	t    *testing.T
	dir  string
	port string
	cmd  *exec.Cmd
}

func newS3(t *testing.T) *s3 {
	t.Helper()
	if os.Getenv(serverVariable) == "" {
		t.Skip("no server that speaks S3 is named by " + serverVariable + ": .ci/s3 does")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil || ln.Close() != nil {
		t.Fatal(err)
	}
	s := &s3{t: t, dir: t.TempDir(), port: port}
	for _, dir := range []string{"objects", "meta"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(s.kill)
	s.start()
	if err := s.client().MakeBucket(t.Context(), testBucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *s3) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Getenv(serverVariable), "--port", "127.0.0.1:"+s.port, "--access", testKey, "--secret", testSecret, "--quiet",
		"posix", "--sidecar", filepath.Join(s.dir, "meta"), filepath.Join(s.dir, "objects"))
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "the server listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (s *s3) kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait() // it was killed
	}
	s.cmd = nil
}

func (s *s3) client() *minio.Client {
	s.t.Helper()
	c, err := minio.New("127.0.0.1:"+s.port, &minio.Options{Creds: credentials.NewStaticV4(testKey, testSecret, ""), Region: "us-east-1"})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *s3) access(key, secret string) Access {
	return Access{Endpoint: "http://127.0.0.1:" + s.port, Variable: func(name string) (string, bool) {
		value := map[string]string{keyVariable: key, secretVariable: secret}[name]
		return value, value != ""
	}}
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// place is one of the kinds of places, and how a test alters what lies there.
type place struct {
	Place
	access Access
	// lay puts what is no contribution of ours where archives lie.
	lay func(name string, data []byte)
}

// home is one who shares there.
func (p place) home(t *testing.T) *Ecosystem {
	t.Helper()
	a := p.access
	a.Dir = t.TempDir()
	e, err := Open(p.Place, a, func() (int64, error) { return 1 << 30, nil })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func folderPlace(t *testing.T) place {
	dir := t.TempDir()
	return place{Place: Place{Kind: Folder, At: dir}, lay: func(name string, data []byte) { put(t, filepath.Join(dir, folderName, name), data) }}
}

func put(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func gitPlace(t *testing.T) place {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git here")
	}
	dir := filepath.Join(t.TempDir(), "error: 401, not allowed.git") // its name is no word of git's
	run(t, "", "init", "-q", "--bare", "-b", "shared", dir)
	environ := []string{"HOME=" + t.TempDir()}
	find := func() (git.Git, error) {
		g, err := git.Find(filepath.Dir(program), environ, t.TempDir())
		return g.ForRemotes(environ), err
	}
	return place{Place: Place{Kind: Git, At: dir}, access: Access{Git: find}, lay: func(name string, data []byte) {
		clone := filepath.Join(t.TempDir(), "clone")
		run(t, "", "clone", "-q", dir, clone)
		put(t, filepath.Join(clone, folderName, name), data)
		run(t, clone, "add", "-A")
		run(t, clone, "commit", "-q", "-m", "by hand")
		run(t, clone, "push", "-q", "origin", "HEAD:shared")
	}}
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=u", "GIT_AUTHOR_EMAIL=u@u", "GIT_COMMITTER_NAME=u", "GIT_COMMITTER_EMAIL=u@u", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func bucketPlace(t *testing.T) place {
	t.Helper()
	s := newS3(t)
	return place{Place: Place{Kind: Bucket, At: testBucket, Prefix: "some/where"}, access: s.access(testKey, testSecret), lay: func(name string, data []byte) {
		_, err := s.client().PutObject(t.Context(), testBucket, "some/where/"+folderName+"/"+name, strings.NewReader(string(data)), int64(len(data)), minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}}
}

// everywhere passes a test for each kind of place.
func everywhere(t *testing.T, body func(t *testing.T, p place)) {
	for name, make := range map[string]func(*testing.T) place{"folder": folderPlace, "git": gitPlace, "s3": bucketPlace} {
		t.Run(name, func(t *testing.T) { body(t, make(t)) })
	}
}

// made is a small whole bundle of a run.
func made(t *testing.T, run, title string, extra map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "contribution_bundle")
	files := map[string]string{"session_metadata.json": `{"task_instruction":"make the monthly report of ` + title + `"}`,
		"learning_data/lesson_pack.json": `{"strategy_lessons":["name the GRAND total"]}`, "attempts/baseline/x.txt": run}
	for name, text := range extra {
		files[name] = text
	}
	m := bundle.Manifest{SchemaVersion: bundle.Version, BundleID: "bundle_" + run, Packages: []bundle.Package{{TaskID: "task_" + run}},
		CreatedAt: "2026-11-27T12:00:00Z", ToolVersion: "test", Session: bundle.Session{RunID: run, Title: title, Agent: "shell", Verdict: "passed"}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := files[name]
		put(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(text))
		m.Files = append(m.Files, bundle.FileEntry{Path: name, Size: int64(len(text)), Action: bundle.Copied})
	}
	doc, err := atomicfile.JSON(m)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, bundle.ManifestName), doc)
	put(t, filepath.Join(dir, bundle.SumsName), []byte("sums of "+run+"\n"))
	return dir
}

// share packs and sends a bundle.
func share(t *testing.T, e *Ecosystem, dir string) (already bool, err error) {
	t.Helper()
	p, err := e.Pack(t.Context(), dir)
	if err != nil {
		return false, err
	}
	defer p.Close()
	return e.Send(t.Context(), p, func(int64) {})
}

func listed(t *testing.T, e *Ecosystem) (ids []string) {
	t.Helper()
	list, err := e.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range list {
		ids = append(ids, entry.BundleID+entry.Problem)
	}
	return ids
}

func TestWhatOneSharesAnotherFindsAndReads(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		one, two := p.home(t), p.home(t)
		if err := one.Probe(t.Context()); err != nil {
			t.Fatalf("an empty place cannot be used: %v", err)
		}
		if ids := listed(t, two); len(ids) > 0 {
			t.Errorf("looking at it has left %v", ids)
		}
		for run, title := range map[string]string{"a": "shop south", "b": "shop north"} {
			if already, err := share(t, one, made(t, run, title, nil)); already || err != nil {
				t.Fatal(already, err)
			}
		}
		if ids := listed(t, two); fmt.Sprint(ids) != "[bundle_a bundle_b]" {
			t.Errorf("listed are %v", ids)
		}
		list, err := two.List(t.Context(), func(int, int) { t.Error("what is known was read again") })
		if err != nil {
			t.Fatal(err)
		}
		for words, want := range map[string]string{"grand SHOP": "[bundle_a bundle_b]", "monthly north": "[bundle_b]", "yearly": "[]"} {
			ids := []string{}
			for _, hit := range Search(list, strings.Fields(words)) {
				ids = append(ids, hit.BundleID)
			}
			if fmt.Sprint(ids) != want {
				t.Errorf("%s finds %v", words, ids)
			}
		}
		page, m, err := two.Inspect(t.Context(), "bundle_b")
		if err != nil || m.Title != "shop north" || !strings.Contains(page, "bundle_b") {
			t.Errorf("it is shown as %q, %v", page, err)
		}
		dir := t.TempDir()
		if _, err := two.unpack(t.Context(), "bundle_a", dir, false, nil); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "attempts/baseline/x.txt")); string(text) != "a" {
			t.Errorf("it holds %q, %v", text, err)
		}
		_, err = two.Pull(t.Context(), "bundle_c", t.TempDir(), nil, nil)
		if apprentice.KindOf(err) != apprentice.NotFound {
			t.Errorf("what is not there: %v", err)
		}
	})
}

func TestASharedBundleIsNeverAltered(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		one, two := p.home(t), p.home(t)
		if _, err := share(t, one, made(t, "a", "shop", nil)); err != nil {
			t.Fatal(err)
		}
		if already, err := share(t, two, made(t, "a", "shop", nil)); !already || err != nil {
			t.Errorf("the same again: %v, %v", already, err)
		}
		_, err := share(t, two, made(t, "a", "shop", map[string]string{"y.txt": "y"}))
		if apprentice.KindOf(err) != apprentice.Conflict {
			t.Errorf("another bundle of that id: %v", err)
		}
		if _, m, err := one.Inspect(t.Context(), "bundle_a"); err != nil || len(m.Files) != 3 {
			t.Errorf("the first one has now %d files, %v", len(m.Files), err)
		}
	})
}

func TestOfTwoWhoShareAtTheSameMomentNothingIsLost(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		const homes = 4
		type end struct {
			already bool
			err     error
		}
		own, same := make(chan end, homes), make(chan end, homes)
		for i := range homes {
			e := p.home(t)
			mine, contested := made(t, fmt.Sprintf("own-%d", i), "shop", nil), made(t, "contested", fmt.Sprintf("shop %d", i), nil)
			// Owned by the test, which waits for its two ends.
			go func() {
				already, err := share(t, e, mine)
				own <- end{already, err}
				already, err = share(t, e, contested)
				same <- end{already, err}
			}()
		}
		won := 0
		for range homes {
			if got := <-own; got.already || got.err != nil {
				t.Errorf("one's own: %+v", got)
			}
			switch got := <-same; {
			case got.err == nil && !got.already:
				won++
			case apprentice.KindOf(got.err) != apprentice.Conflict:
				t.Errorf("the contested: %+v", got)
			}
		}
		if won != 1 {
			t.Errorf("%d have won", won)
		}
		if ids := listed(t, p.home(t)); len(ids) != homes+1 {
			t.Errorf("listed are %v", ids)
		}
	})
}

func TestWhatIsNoBundleIsNamedAndHidesNoOther(t *testing.T) {
	everywhere(t, func(t *testing.T, p place) {
		e := p.home(t)
		if _, err := share(t, e, made(t, "a", "shop", nil)); err != nil {
			t.Fatal(err)
		}
		p.lay("bundle_noise.tar.zst", []byte("this is no archive"))
		p.lay("README.md", []byte("hello"))
		p.lay("bundle_..tar.zst", []byte("hello"))
		ids := listed(t, e)
		if len(ids) != 2 || ids[0] != "bundle_a" || !strings.HasPrefix(ids[1], "bundle_noise") || !strings.Contains(ids[1], "archive") {
			t.Errorf("listed are %q", ids)
		}
		to := t.TempDir()
		if _, err := e.Pull(t.Context(), "bundle_noise", to, nil, nil); apprentice.KindOf(err) != apprentice.Invalid {
			t.Errorf("it was pulled: %v", err)
		}
		if left, err := os.ReadDir(to); len(left) > 0 || err != nil {
			t.Errorf("it has left %v, %v", left, err)
		}
		if already, err := share(t, e, made(t, "noise", "shop", nil)); !already || apprentice.KindOf(err) != apprentice.Conflict {
			t.Errorf("it was replaced: %v, %v", already, err)
		}
	})
}

func TestASlowPlaceIsGivenUp(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := place{Place: Place{Kind: Bucket, At: testBucket}, access: (&s3{t: t, port: portOf(ln)}).access(testKey, testSecret)}
	e := p.home(t)
	e.least = 50 * time.Millisecond
	for _, err := range []error{e.Probe(t.Context()), second(e.List(t.Context(), nil))} {
		if apprentice.KindOf(err) != apprentice.Unavailable || !strings.Contains(apprentice.Reason(err), "too slow") {
			t.Errorf("a server that says nothing: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func portOf(ln net.Listener) string {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func TestABucketThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	s := newS3(t)
	at := func(bucket string, a Access) *Ecosystem {
		return place{Place: Place{Kind: Bucket, At: bucket}, access: a}.home(t)
	}
	for what, c := range map[string]struct {
		e    *Ecosystem
		kind apprentice.Kind
		says string
	}{
		"a wrong secret":   {at(testBucket, s.access(testKey, "another")), apprentice.Denied, "does not take the keys"},
		"an unknown key":   {at(testBucket, s.access("AKNOBODY", testSecret)), apprentice.Denied, "does not take the keys"},
		"no keys":          {at(testBucket, s.access("", "")), apprentice.Denied, ""},
		"a bucket missing": {at("no-such-bucket", s.access(testKey, testSecret)), apprentice.Unmet, "there is no bucket no-such-bucket"},
	} {
		err := c.e.Probe(t.Context())
		if apprentice.KindOf(err) != c.kind || !strings.Contains(apprentice.Reason(err), c.says) || strings.Contains(fmt.Sprint(err), testSecret) {
			t.Errorf("%s: %s: %v", what, apprentice.KindOf(err), err)
		}
	}
	e := at(testBucket, s.access(testKey, testSecret))
	s.kill()
	if err := e.Probe(t.Context()); apprentice.KindOf(err) != apprentice.Unavailable {
		t.Errorf("a server that is gone: %v", err)
	}
	s.start()
	if err := e.Probe(t.Context()); err != nil {
		t.Errorf("a server that is back: %v", err)
	}
}

func TestAServerKilledInTheMiddleOfAnUploadHasNothingAndTakesItAnew(t *testing.T) {
	s := newS3(t)
	e := place{Place: Place{Kind: Bucket, At: testBucket}, access: s.access(testKey, testSecret)}.home(t)
	noise := make([]byte, 24<<20)
	for i := range noise {
		noise[i] = byte(rand.IntN(256))
	}
	p, err := e.Pack(t.Context(), made(t, "large", "shop", map[string]string{"noise.bin": string(noise)}))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_, err = e.Send(t.Context(), p, func(n int64) {
		if n > 8<<20 {
			s.kill()
		}
	})
	if apprentice.KindOf(err) != apprentice.Unavailable {
		t.Fatalf("the upload ended with %v", err)
	}
	s.start()
	if ids := listed(t, e); len(ids) > 0 {
		t.Errorf("of half an upload is listed %v", ids)
	}
	if already, err := e.Send(t.Context(), p, nil); already || err != nil {
		t.Errorf("sent anew: %v, %v", already, err)
	}
	if ids := listed(t, e); fmt.Sprint(ids) != "[bundle_large]" {
		t.Errorf("listed are %v", ids)
	}
}

func TestARepositoryThatIsGoneOrTakesNothingSaysSo(t *testing.T) {
	p := gitPlace(t)
	e := p.home(t)
	if _, err := share(t, e, made(t, "a", "shop", nil)); err != nil {
		t.Fatal(err)
	}
	if log := run(t, p.At, "log", "--format=%an %s", "shared"); log != "aad Share bundle_a\n" {
		t.Errorf("its history is %q", log)
	}
	put(t, filepath.Join(p.At, "hooks/pre-receive"), []byte("#!/bin/sh\necho go away >&2\nexit 1\n"))
	if err := os.Chmod(filepath.Join(p.At, "hooks/pre-receive"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := share(t, e, made(t, "b", "shop", nil)); apprentice.KindOf(err) != apprentice.Denied {
		t.Errorf("what takes nothing: %v", err)
	}
	if err := os.Rename(p.At, p.At+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := e.Probe(t.Context()); apprentice.KindOf(err) != apprentice.Unavailable || !strings.Contains(err.Error(), "does not appear to be a git repository") {
		t.Errorf("what is gone: %v", err)
	}
}

func TestPlainHTTPIsForThisMachineAlone(t *testing.T) {
	for text, allowed := range map[string]bool{"http://127.0.0.1:9000": true, "http://localhost": true, "http://[::1]:1": true, "https://s3.example.org": true,
		"http://s3.example.org": false, "http://10.0.0.1:9000": false, "http://127.0.0.1.example.org": false} {
		if err := checkPlain(text, false); (err == nil) != allowed {
			t.Errorf("%s: %v", text, err)
		}
		if err := checkPlain(text, true); err != nil {
			t.Errorf("%s, allowed: %v", text, err)
		}
	}
}

func TestAReadThatFailsIsNoFaultOfTheArchive(t *testing.T) {
	p := folderPlace(t)
	e := p.home(t)
	e.store = broken{e.store}
	if _, err := e.List(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	p.lay("bundle_a.tar.zst", []byte("x"))
	if _, err := e.List(t.Context(), nil); apprentice.KindOf(err) != apprentice.Unavailable {
		t.Errorf("a connection that breaks: %v", err)
	}
}

// broken is a place whose connections break.
type broken struct{ store }

func (b broken) open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader("\x28\xb5\x2f\xfd"), failing{})), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }
