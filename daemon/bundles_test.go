package daemon

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/bundle"
	"aad/bundle/sanitise"
	"aad/checkpoint"
	"aad/rpc"
)

// accepted is a run of two attempts with an asset, and its bundle.
func (a *aad) accepted(s script, id string) string {
	a.t.Helper()
	asset := write(a.t, s.file("data.csv"), "a,b\n1,2\n")
	if run := a.work(rpc.RunSubmitParams{RunID: id, Instruction: s.text(twoTries), Rubric: wantsGood, Assets: []string{asset}}); !run.Accepted() || run.BundledAt == "" {
		a.t.Fatalf("it ended %+v", run)
	}
	return a.home.Run(apprentice.RunID(id)).Bundle()
}

// problemsOf checks a bundle.
func problemsOf(t *testing.T, dir string, hashesOnly bool) []string {
	t.Helper()
	v, err := bundle.Check(t.Context(), dir, bundle.CheckOptions{HashesOnly: hashesOnly})
	if err != nil {
		return []string{err.Error()}
	}
	return v.Problems
}

func TestAnAlteredByteOfAnyFileOfABundleIsFound(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	dir := a.accepted(s, "r")
	if p := problemsOf(t, dir, false); len(p) > 0 {
		t.Fatalf("a fresh bundle is not whole: %v", p)
	}
	for i, path := range under(dir) {
		if !sampled(i) {
			continue
		}
		data := []byte(slurp(t, path))
		step := max(1, len(data)/3)
		if filepath.Base(path) == bundle.SumsName {
			step = 101
		}
		for at := 0; at < len(data); at += step {
			altered := slices.Clone(data)
			altered[at] ^= 1
			write(t, path, string(altered))
			if p := problemsOf(t, dir, true); len(p) == 0 {
				t.Errorf("%s: byte %d was altered and not found", path, at)
			}
		}
		write(t, path, string(data)+"\n")
		if p := problemsOf(t, dir, true); len(p) == 0 {
			t.Errorf("%s: a byte more was not found", path)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if p := problemsOf(t, dir, true); len(p) == 0 {
			t.Errorf("%s was removed and not missed", path)
		}
		write(t, path, string(data))
	}
	extra := write(t, filepath.Join(dir, "attempts", "extra.txt"), "x")
	if p := problemsOf(t, dir, true); len(p) == 0 {
		t.Error("a file beside the others was not found")
	}
	if err := os.Remove(extra); err != nil {
		t.Fatal(err)
	}
	if p := problemsOf(t, dir, false); len(p) > 0 {
		t.Errorf("put back as it was it is not whole: %v", p)
	}
}

var madeAt = regexp.MustCompile(`"created_at": "[^"]+",\n  "tool_version"|[0-9a-f]{64}  ` + bundle.ManifestName)

// told is all of a bundle but the time of its making.
func told(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, path := range under(dir) {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("== " + rel + "\n" + madeAt.ReplaceAllString(slurp(t, path), "*"))
	}
	return b.String()
}

func TestTwoBundlesOfARunDifferInTheTimeOfTheirMakingAlone(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	dir := a.accepted(s, "r")
	first := told(t, dir)
	before := tree(t, filepath.Join(string(a.home.Run("r")), "packages"))
	must(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "r"})
	if again := told(t, dir); again != first {
		t.Errorf("they differ:\n%s\n%s", first, again)
	}
	got := must(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "r", IncludeDebug: true})
	if !there(filepath.Join(got.Path, "attempts/revised/stdout.txt")) || !there(filepath.Join(got.Path, "attempts/baseline/prompt.md")) {
		t.Error("prompts and logs were asked for and are not there")
	}
	if check := must(a, rpc.BundleCheck, rpc.BundleCheckParams{RunID: "r"}); check.Total > 0 {
		t.Errorf("it is not whole: %v", check.Problems)
	}
	if after := tree(t, filepath.Join(string(a.home.Run("r")), "packages")); after != before {
		t.Errorf("the run folder was altered:\n%s\n%s", before, after)
	}
}

func TestBundlesOfFollowUpsAndOfFailedRunsAreWhole(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	dir := a.accepted(s, "r")
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: s.text("echo good again > artifacts/out.txt")})
	a.wait("r")
	for _, name := range []string{"packages/task_r/traces/agent_traces.jsonl", "packages/task_r-followup-1/evaluation/grader_results.jsonl", "session_events.jsonl"} {
		if !there(filepath.Join(dir, name)) {
			t.Errorf("%s is not there", name)
		}
	}
	must(a, rpc.RunContinue, rpc.RunContinueParams{RunID: "r", Instruction: "note for the record", RecordOnly: true})
	if text := slurp(t, filepath.Join(dir, "session_events.jsonl")); !strings.Contains(text, "note for the record") {
		t.Errorf("a recorded follow-up is not told: %s", text)
	}
	must(a, rpc.RunFinish, rpc.RunParams{RunID: "r"})
	if text := slurp(t, filepath.Join(dir, "session_events.jsonl")); !strings.Contains(text, "session_finished") {
		t.Errorf("the session's end is not told: %s", text)
	}
	a.bundled("r")
	a.work(rpc.RunSubmitParams{RunID: "crashed", Rubric: wantsGood, Instruction: "exit 3"})
	a.bundled("crashed")
	m := a.manifest("crashed")
	if m.TaskStatus != apprentice.StatusFailed || m.Verdict != "unreviewed" || m.Counts.Attempts != 1 || m.StopReason != string(apprentice.StopOperationalError) {
		t.Errorf("of a crashed run it says %+v", m.Session)
	}
	a.work(rpc.RunSubmitParams{RunID: "none", Instruction: "echo x > artifacts/x", NoBundle: true})
	if there(a.home.Run("none").Bundle()) {
		t.Error("nobody wanted a bundle")
	}
}

// manifest reads the manifest of a run's bundle.
func (a *aad) manifest(id apprentice.RunID) bundle.Manifest {
	a.t.Helper()
	m, err := bundle.ParseManifest([]byte(slurp(a.t, filepath.Join(a.home.Run(id).Bundle(), bundle.ManifestName))))
	if err != nil {
		a.t.Fatal(err)
	}
	return m
}

func TestNothingPrivateLeavesInABundle(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	const token, held = "ghp_aZ7qLw2RkP9xTb4Nv6Hs1Yd8Gf3Jc5Mm0WeQ", "plain words as a secret"
	write(t, a.home.Secrets(), "MY_SECRET=\""+held+"\"\n")
	if err := os.Chmod(a.home.Secrets(), 0o600); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.Create("inner.txt")
	if err == nil {
		_, err = w.Write([]byte("the token " + token))
	}
	if closed := z.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	archive := write(t, s.file("secret.zip"), packed.String())
	text := "cp input/secret.zip artifacts/copy.zip\necho 'use " + token + " of me@corp.io' > artifacts/notes.md\n" +
		"printf 'eHg6IGdocF9hWjdxTHcyUmtQOXhUYjROdjZIczFZZDhHZjNKYzVNbTBXZVE=' > artifacts/" + token + ".b64\n" +
		"echo '" + held + "' > artifacts/held.txt\npwd > artifacts/where.txt\nprintf '\\211PNG\\000\\001' > artifacts/dot.png"
	run := a.work(rpc.RunSubmitParams{Instruction: text, Assets: []string{archive}})
	dir := a.home.Run(run.RunID).Bundle()
	for _, path := range under(dir) {
		all := path + slurp(t, path)
		for _, secret := range []string{token, "aZ7qLw2RkP9x", strings.ToLower(token[4:]), held, "me@corp.io", "ghp-az7q", string(a.home)} {
			if i := strings.Index(strings.TrimPrefix(all, dir), secret); i >= 0 {
				t.Errorf("%s still holds %q", path, secret)
			}
		}
	}
	if got := slurp(t, filepath.Join(dir, "attempts/baseline/artifacts/notes.md")); got != "use [secret-1] of [email-1]\n" {
		t.Errorf("the notes are %q", got)
	}
	m := a.manifest(run.RunID)
	why := map[string]string{}
	for _, e := range m.Files {
		if e.Action == bundle.Omitted {
			why[e.Path] = e.Why + e.SHA256
		}
	}
	if !strings.Contains(why["attempts/baseline/artifacts/copy.zip"], "must not leave") || !strings.Contains(why["attempts/baseline/artifacts/dot.png"], "cannot be read") {
		t.Errorf("left out are %v", why)
	}
	if got := slurp(t, filepath.Join(a.home.Run(run.RunID).Artifacts(), "notes.md")); !strings.Contains(got, token) {
		t.Errorf("the run folder was masked: %q", got)
	}
	must(a, rpc.SettingsSet, rpc.SettingsSetParams{Key: "contribution_consent", Value: "all"})
	must(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: string(run.RunID)})
	if !there(filepath.Join(dir, "attempts/baseline/artifacts/dot.png")) || there(filepath.Join(dir, "attempts/baseline/artifacts/copy.zip")) {
		t.Error("with consent what cannot be read is packed, but never a secret")
	}
	scanner, err := sanitise.New(sanitise.Options{Private: true, Held: []string{held}})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := bundle.Check(t.Context(), dir, bundle.CheckOptions{Scanner: scanner}); err != nil || len(v.Problems) > 0 {
		t.Errorf("%v, %v", v.Problems, err)
	}
}

func TestABundleThatCannotBeMadeLeavesTheStatusAndIsRepaired(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	must(a, rpc.SettingsSet, rpc.SettingsSetParams{Key: "bundle_signing_key", Value: s.file("no-key")})
	run := a.work(rpc.RunSubmitParams{RunID: "r", Instruction: "echo x > artifacts/x"})
	if !run.Accepted() || run.BundledAt != "" {
		t.Errorf("it ended %s, %s, with a bundle of %q", run.QueueState, run.Verdict, run.BundledAt)
	}
	if types := a.types("r"); !strings.HasSuffix(types, "contribution_bundle_started operational_error run_completed") {
		t.Errorf("its events are %s", types)
	}
	refused(a, rpc.BundleCheck, rpc.BundleCheckParams{RunID: "r"}, apprentice.NotFound)
	must(a, rpc.SettingsSet, rpc.SettingsSetParams{Key: "bundle_signing_key", Value: ""})
	must(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "r"})
	a.bundled("r")
}

func TestARejectedResultHasNoBundle(t *testing.T) {
	t.Parallel()
	a, s := newAad(t), newScript(t)
	id := a.byExpert(rpc.RunSubmitParams{RunID: "r", Instruction: s.text(twoTries), Rubric: wantsGood})
	a.upTo(id, checkpoint.Evaluation)
	a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
	a.resolve(id, checkpoint.FinalApproval, `{"decision":"rejected"}`)
	if a.wait(id); there(a.home.Run(id).Bundle()) {
		t.Error("a rejected result was packed")
	}
	refused(a, rpc.BundleCreate, rpc.BundleCreateParams{RunID: "r"}, apprentice.Unmet)
}

// TestARejectedFinishLeavesNoBundle rejects a cancelled run while its bundle is being
// made, and once it was made while the run waited.
func TestARejectedFinishLeavesNoBundle(t *testing.T) {
	t.Parallel()
	a := newAad(t)
	for _, early := range []bool{true, false} {
		id := a.byExpert(rpc.RunSubmitParams{Instruction: "for i in $(seq 300); do seq 300 > artifacts/$i.txt; done", Rubric: wantsGood})
		a.upTo(id, checkpoint.Evaluation)
		a.resolve(id, checkpoint.Evaluation, `{"decision":"passed"}`)
		a.waits(id, checkpoint.FinalApproval)
		must(a, rpc.RunCancel, rpc.RunParams{RunID: string(id)})
		must(a, rpc.RunFinish, rpc.RunParams{RunID: string(id)})
		if !early {
			a.await(id, apprentice.BundleCompleted)
			if run := a.get(id).Run; run.QueueState != apprentice.Waiting || run.Phase != apprentice.PhaseFinalPending {
				t.Errorf("asked for its final approval, it is %s, in phase %s", run.QueueState, run.Phase)
			}
		}
		a.resolve(id, checkpoint.FinalApproval, `{"decision":"rejected"}`)
		refused(a, rpc.BundleExport, rpc.BundleExportParams{RunID: string(id), Format: "tar.zst", To: filepath.Join(t.TempDir(), "x.tar.zst")}, apprentice.Unmet)
		eventually(t, "nothing is owed to it", func() bool { return !there(filepath.Join(string(a.home), "bundles_due", string(id))) })
		if run := a.get(id).Run; there(a.home.Run(id).Bundle()) || run.BundledAt != "" {
			t.Errorf("early %v: the rejected run has a bundle of %q", early, run.BundledAt)
		}
		if types := a.types(id); strings.Contains(types, string(apprentice.OperationalErrorEv)) {
			t.Errorf("early %v: its events are %s", early, types)
		}
	}
}
