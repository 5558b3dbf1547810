package daemon

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/ecosystem"
	"aad/rpc"
)

// sharingIn lets bundles be shared in a place.
func sharingIn(a *aad, place, policy string) {
	a.t.Helper()
	for key, value := range map[string]string{"ecosystem_place": place, "contribution_policy": policy, "contribution_consent": "text"} {
		must(a, rpc.SettingsSet, rpc.SettingsSetParams{Key: key, Value: value})
	}
}

// bareRepository is one that others push to.
func bareRepository(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundles.git")
	if out, err := exec.Command("git", "init", "-q", "--bare", dir).CombinedOutput(); err != nil {
		t.Skipf("git init: %v: %s", err, out)
	}
	return dir
}

// archives are the bundles in a folder.
func archives(t *testing.T, place string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(place, "bundles"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (a *aad) sharing() rpc.EcosystemStatus {
	a.t.Helper()
	return must(a, rpc.EcosystemStatusOf, rpc.Empty{})
}

func TestAcceptedRunsAreSharedByThemselvesOnceThePlaceIsThere(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	place := filepath.Join(t.TempDir(), "place")
	sharingIn(a, place, "automatic")
	a.work(rpc.RunSubmitParams{RunID: "good", Instruction: "echo x > artifacts/x"})
	a.work(rpc.RunSubmitParams{RunID: "bad", Instruction: "exit 3"})
	a.await("good", apprentice.SharingWaits)
	waiting := a.sharing().Waiting
	if len(waiting) != 1 || waiting[0].RunID != "good" || !strings.Contains(waiting[0].Error, "is not there") {
		t.Errorf("there waits %+v", waiting)
	}
	a.kill()
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	a.start()
	a.await("good", apprentice.BundleShared)
	if names := archives(t, place); len(names) != 1 || names[0] != "bundle_good.tar.zst" {
		t.Errorf("there lie %v", names)
	}
	eventually(t, "nothing waits", func() bool { return len(a.sharing().Waiting) == 0 })
	if n := strings.Count(a.types("good"), string(apprentice.SharingWaits)); n != 1 {
		t.Errorf("that it waits was told %d times", n)
	}
}

// TestAKillInTheMiddleOfAPushLosesNothing kills aad while the repository holds its
// push up, with what the push has started.
func TestAKillInTheMiddleOfAPushLosesNothing(t *testing.T) {
	t.Parallel()
	a, s, place := newAad(t), newScript(t), bareRepository(t)
	hook := filepath.Join(place, "hooks", "pre-receive")
	write(t, hook, "#!/bin/sh\n"+s.gate("push")+"\n")
	if err := os.Chmod(hook, 0o700); err != nil {
		t.Fatal(err)
	}
	sharingIn(a, place, "automatic")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "echo x > artifacts/x"})
	s.reached("push")
	a.kill()
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}
	a.start()
	s.open("push")
	eventually(t, "it is shared", func() bool { return a.sharing().Contributed == 1 && len(a.sharing().Waiting) == 0 })
	out, err := exec.Command("git", "-C", place, "log", "--format=%s", "--all").CombinedOutput()
	if err != nil || string(out) != "Share bundle_r\n" {
		t.Errorf("its history is %q, %v", out, err)
	}
	got := must(a, rpc.EcosystemPull, rpc.EcosystemPullParams{BundleID: "bundle_r"})
	if problems := problemsOf(t, got.Path, false); len(problems) > 0 {
		t.Errorf("what was pushed is not whole: %v", problems)
	}
}

func TestAKillInTheMiddleOfAPullLeavesNothing(t *testing.T) {
	t.Parallel()
	a, place := newAad(t), t.TempDir()
	sharingIn(a, place, "manual")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "for i in 1 2 3 4; do od -An -tx1 -N 2000000 /dev/urandom > artifacts/noise-$i.txt; done"})
	must(a, rpc.EcosystemContribute, rpc.EcosystemContributeParams{RunID: "r"})
	bundles := filepath.Join(a.home.Ecosystem(), "bundles")
	// Owned by the test; ends with the connection, which the kill ends.
	go func(conn *rpc.Conn) {
		_, _ = rpc.Call(context.Background(), conn, rpc.EcosystemPull, rpc.EcosystemPullParams{BundleID: "bundle_r"})
	}(a.conn)
	eventually(t, "the pull is at work", func() bool { return len(under(bundles)) > 1 })
	a.kill()
	if there(filepath.Join(bundles, "bundle_r")) {
		t.Skip("it was faster than the kill")
	}
	a.start()
	eventually(t, "what was half pulled is removed", func() bool { return len(under(bundles)) == 0 })
	got := must(a, rpc.EcosystemPull, rpc.EcosystemPullParams{BundleID: "bundle_r"})
	if problems := problemsOf(t, got.Path, false); len(problems) > 0 || got.Already {
		t.Errorf("pulled anew: %v, already %v", problems, got.Already)
	}
}

func TestOnlyWhatWasShownIsShared(t *testing.T) {
	t.Parallel()
	a, place := newAad(t), t.TempDir()
	sharingIn(a, place, "manual")
	a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "echo x > artifacts/x"})
	before := tree(t, string(a.home.Run("r"))) + tree(t, a.home.Ecosystem())
	shown := must(a, rpc.EcosystemContribute, rpc.EcosystemContributeParams{RunID: "r", DryRun: true})
	var bytes int64
	for _, f := range shown.Files {
		if info, err := os.Stat(filepath.Join(a.home.Run("r").Bundle(), f.Path)); err != nil || info.Size() != f.Bytes {
			t.Errorf("%s is said to have %d bytes: %v", f.Path, f.Bytes, err)
		}
		bytes += f.Bytes
	}
	if bytes != shown.Bytes || len(shown.Files) != shown.Count || shown.Refusal != "" || shown.Stale {
		t.Errorf("it tells %d files of %d bytes, in all %+v", len(shown.Files), bytes, shown)
	}
	if after := tree(t, string(a.home.Run("r"))) + tree(t, a.home.Ecosystem()); after != before || len(archives(t, place)) > 0 {
		t.Errorf("a dry run has altered something:\n%s\n%s", before, after)
	}
	must(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "r", IncludeDebug: true})
	refused(a, rpc.EcosystemContribute, rpc.EcosystemContributeParams{RunID: "r", Digest: shown.Digest}, apprentice.Conflict)
	card := filepath.Join(a.home.Run("r").Bundle(), "contribution_card.md")
	write(t, card, slurp(t, card)+"and a word more\n")
	refused(a, rpc.EcosystemContribute, rpc.EcosystemContributeParams{RunID: "r"}, apprentice.Invalid)
	if names := archives(t, place); len(names) > 0 {
		t.Errorf("there lie %v", names)
	}
	must(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "r"})
	shown = must(a, rpc.EcosystemContribute, rpc.EcosystemContributeParams{RunID: "r", DryRun: true})
	sent := must(a, rpc.EcosystemContribute, rpc.EcosystemContributeParams{RunID: "r", Digest: shown.Digest})
	info, err := os.Stat(filepath.Join(place, "bundles", "bundle_r.tar.zst"))
	if err != nil || info.Size() != shown.Packed || sent.Packed != shown.Packed {
		t.Errorf("%d bytes were shown, %d sent: %v", shown.Packed, sent.Packed, err)
	}
	records, err := ecosystem.Records(filepath.Join(a.home.Ecosystem(), "shared.jsonl"))
	if err != nil || len(records) != 1 || records[0].RunID != "r" || records[0].By != "manual" {
		t.Errorf("it is remembered as %+v, %v", records, err)
	}
}

// TestAnAgentCannotShareForAPerson has an agent try to share another run, and to have
// runs shared by themselves.
func TestAnAgentCannotShareForAPerson(t *testing.T) {
	t.Parallel()
	bin := builtAA(t)
	a, s, place := newAad(t), newScript(t), t.TempDir()
	sharingIn(a, place, "manual")
	a.work(rpc.RunSubmitParams{RunID: "victim", Instruction: "echo x > artifacts/x"})
	run := a.work(rpc.RunSubmitParams{RunID: "agent", Instruction: s.text(
		"export AA_HOME='"+string(a.home)+"' HOME='"+t.TempDir()+"'",
		bin+" ecosystem contribute victim --yes > artifacts/plain 2>&1",
		bin+" settings set contribution_policy automatic > artifacts/setting 2>&1",
		bin+" settings set ecosystem_place /tmp > artifacts/place 2>&1",
		bin+" ecosystem contribute victim --dry-run > artifacts/look 2>&1; true")})
	for _, name := range []string{"plain", "setting", "place"} {
		if text := slurp(t, filepath.Join(a.home.Run(run.RunID).Artifacts(), name)); !strings.Contains(text, "an agent cannot share for a person") {
			t.Errorf("%s: it was told %q", name, text)
		}
	}
	if now := a.sharing(); now.Policy != "manual" || now.Place != place || now.Contributed != 0 || len(archives(t, place)) > 0 {
		t.Errorf("sharing stands as %+v", now)
	}
}
