package daemon

import (
	"archive/tar"
	"archive/zip"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/crypto/ssh"

	"aad/bundle"
	"aad/internal/schema"
	"aad/rpc"
)

// rowsOf exports a run's bundle and holds each row against its type.
func rowsOf[T any](a *aad, s script, format string) (list []T) {
	a.t.Helper()
	to := s.file(format + ".jsonl")
	got := must(a, rpc.BundleExport, rpc.BundleExportParams{RunID: "r", Format: format, To: to})
	for line := range strings.Lines(slurp(a.t, to)) {
		var row T
		if err := schema.CheckType(row, []byte(line)); err != nil {
			a.t.Errorf("%s: %v", format, err)
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			a.t.Fatal(err)
		}
		list = append(list, row)
	}
	if len(list) != got.Rows || got.Rows == 0 {
		a.t.Errorf("%s has %d rows, and %d were told", format, len(list), got.Rows)
	}
	return list
}

// turns expects a conversation's roles, each with words.
func turns(t *testing.T, messages []bundle.Message, roles ...string) {
	t.Helper()
	var got []string
	for _, m := range messages {
		got = append(got, m.Role)
		if strings.TrimSpace(m.Content) == "" {
			t.Errorf("the %s says nothing", m.Role)
		}
	}
	if strings.Join(got, " ") != strings.Join(roles, " ") {
		t.Errorf("the turns are %v, not %v", got, roles)
	}
}

func TestTrainingDataIsAsTrainersReadIt(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	a.accepted(s, "r")
	for _, row := range rowsOf[bundle.SFTRow](a, s, "sft") {
		turns(t, row.Messages, "user", "assistant")
		if !strings.Contains(row.Messages[1].Content, "good") || row.Attempt != "task_r_revised" {
			t.Errorf("to imitate is %+v", row)
		}
	}
	for _, row := range rowsOf[bundle.DPORow](a, s, "dpo") {
		turns(t, row.Prompt, "user")
		turns(t, row.Chosen, "assistant")
		turns(t, row.Rejected, "assistant")
		if row.Margin <= 0 || !strings.Contains(row.Chosen[0].Content, "good") || !strings.Contains(row.Rejected[0].Content, "bad") {
			t.Errorf("preferred is %+v", row)
		}
	}
	labels := map[bool]int{}
	for _, row := range rowsOf[bundle.RewardRow](a, s, "reward") {
		turns(t, row.Prompt, "user")
		turns(t, row.Completion, "assistant")
		labels[row.Label]++
	}
	if labels[true] != 1 || labels[false] != 1 {
		t.Errorf("rewarded are %v", labels)
	}
	for _, row := range rowsOf[bundle.ProcessRow](a, s, "process") {
		if row.Prompt == "" || len(row.Completions) == 0 || len(row.Completions) != len(row.Labels) {
			t.Errorf("steps are %+v", row)
		}
	}
	to := s.file("atif")
	if got := must(a, rpc.BundleExport, rpc.BundleExportParams{RunID: "r", Format: "atif", To: to}); got.Rows != 2 {
		t.Errorf("%d trajectories", got.Rows)
	}
	for _, path := range under(to) {
		if err := readJSON[bundle.Trajectory](t, path).Check(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestExportedArchivesAreTheBundle(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	dir := a.accepted(s, "r")
	want := len(under(dir))
	for _, format := range []string{"dir", "tar.zst", "zip"} {
		to := s.file("export." + format)
		if got := must(a, rpc.BundleExport, rpc.BundleExportParams{RunID: "r", Format: format, To: to}); got.Rows != want {
			t.Errorf("%s has %d files of %d", format, got.Rows, want)
		}
		out := s.file("unpacked-" + format)
		unpack(t, format, to, out)
		if format == "dir" {
			out = to
		} else {
			out = filepath.Join(out, "bundle_r")
		}
		if p := problemsOf(t, out, false); len(p) > 0 {
			t.Errorf("out of %s comes %v", format, p)
		}
	}
}

func unpack(t *testing.T, format, from, to string) {
	t.Helper()
	put := func(name string, r io.Reader) {
		path := filepath.Join(to, filepath.FromSlash(name))
		data, err := io.ReadAll(r)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, string(data))
	}
	switch format {
	case "tar.zst":
		z, err := zstd.NewReader(strings.NewReader(slurp(t, from)))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			put(h.Name, r)
		}
	case "zip":
		z, err := zip.OpenReader(from)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			put(f.Name, r)
		}
	}
}

func TestASignedBundleTellsWhoSignedIt(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key := write(t, s.file("key"), string(pem.EncodeToMemory(block)))
	must(a, rpc.SettingsSet, rpc.SettingsSetParams{Key: "bundle_signing_key", Value: key})
	dir := a.accepted(s, "r")
	signer, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(a, rpc.BundleCheck, rpc.BundleCheckParams{RunID: "r"}); got.SignedBy != ssh.FingerprintSHA256(signer) || got.Total > 0 {
		t.Errorf("signed by %q: %v", got.SignedBy, got.Problems)
	}
	signature := filepath.Join(dir, bundle.SignatureName)
	if keygen, err := exec.LookPath("ssh-keygen"); err == nil {
		allowed := write(t, s.file("allowed"), "me "+string(ssh.MarshalAuthorizedKey(signer)))
		cmd := exec.Command(keygen, "-Y", "verify", "-f", allowed, "-I", "me", "-n", "aa-bundle", "-s", signature)
		cmd.Stdin = strings.NewReader(slurp(t, filepath.Join(dir, bundle.SumsName)))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("ssh-keygen: %v: %s", err, out)
		}
	}
	good := slurp(t, signature)
	for at := 0; at < len(good); at += 7 {
		altered := []byte(good)
		altered[at] ^= 1
		write(t, signature, string(altered))
		if p := problemsOf(t, dir, true); len(p) == 0 {
			t.Errorf("byte %d of the signature was altered and not found", at)
		}
	}
}
