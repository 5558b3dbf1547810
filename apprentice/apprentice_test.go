package apprentice

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRunIDsAreNamedAfterTimeAndInstruction(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 1, 2, 0, time.FixedZone("here", 3600))
	for instruction, want := range map[string]RunID{
		"Sum up sales.csv!":      "2026-11-22-220102-sum-up-sales-csv",
		"--- Ünïcode über ALLES": "2026-11-22-220102-n-code-ber-alles",
		"!?":                     "2026-11-22-220102-task",
		"":                       "2026-11-22-220102-task",
	} {
		if got := NewRunID(at, instruction); got != want {
			t.Errorf("%q: %s, want %s", instruction, got, want)
		}
	}
}

func TestIDsOfAPassFollowFromRunAndPass(t *testing.T) {
	if got := TaskOf("r", 0); got != "task_r" {
		t.Error(got)
	}
	if got := TaskOf("r", 2); got != "task_r-followup-2" {
		t.Error(got)
	}
	if got := RawTaskOf("r", 2); got != "raw_r-followup-2" {
		t.Error(got)
	}
	kinds := []AttemptKind{KindOfAttempt(0), KindOfAttempt(1), KindOfAttempt(2), KindOfAttempt(3)}
	if !slices.Equal(kinds, []AttemptKind{"baseline", "revised", "revised-2", "revised-3"}) {
		t.Error(kinds)
	}
	if got := AttemptOf("task_r", "revised"); got != "task_r_revised" {
		t.Error(got)
	}
}

func TestACallersRunIDCannotLeadOutOfItsFolder(t *testing.T) {
	for _, id := range []string{"", ".", "..", "a/b", "-a", "a b", "ä", strings.Repeat("a", 129), "a\n"} {
		if KindOf(CheckRunID(id)) != Invalid {
			t.Errorf("%q was taken", id)
		}
	}
	for _, id := range []string{"a", "A.b_c-1", strings.Repeat("a", 128)} {
		if err := CheckRunID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestEveryStateEndsOrMovesOn(t *testing.T) {
	for from := range moves {
		for _, to := range moves[from] {
			if !to.Known() {
				t.Errorf("%q leads to %q, which is no state", from, to)
			}
			if from.Ended() && to != Queued && to != Deferred && to != Waiting {
				t.Errorf("an ended run goes from %s to %s", from, to)
			}
		}
	}
	if Waiting.CanMove(Running) || Completed.CanMove(Running) || Queued.CanMove(Completed) {
		t.Error("a run takes a short cut past the queue")
	}
}

func TestEventKeysAreWrittenSorted(t *testing.T) {
	full := Event{ArtifactsPath: "a", ContributionBundlePath: "b", CreatedAt: "c", EventIndex: 1, EventType: RunQueued, Message: "m",
		Metadata: map[string]any{"k": 1}, OperationalError: "o", Phase: "p", RunID: "r", RunStatus: StatusRunning, TaskStatus: StatusRunning}
	data, err := json.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, m := range regexp.MustCompile(`[{,]"(\w+)":`).FindAllStringSubmatch(strings.Replace(string(data), `{"k":1}`, `""`, 1), -1) {
		keys = append(keys, m[1])
	}
	if len(keys) != 16 || !slices.IsSorted(keys) {
		t.Errorf("%d keys: %v", len(keys), keys)
	}
}

func TestListsAreNeverNull(t *testing.T) {
	data, err := json.Marshal(struct{ A, B List[string] }{B: List[string]{"x"}})
	if err != nil || string(data) != `{"A":[],"B":["x"]}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestSettingsAreRefusedByName(t *testing.T) {
	for text, want := range map[string]string{
		`{"agnet":"shell"}`:                `did you mean agent?`,
		`{"max_improvement_loops":0}`:      "below 1",
		`{"max_improvement_loops":"many"}`: "no whole number",
		`{"mentor_mode":"boss"}`:           "unknown",
		`{"agent_limits":{"shell":0}}`:     "agent_limits.shell",
		`[]`:                               "no JSON object",
		`{"log_format":"xml"}`:             "not among text, json",
	} {
		before := DefaultSettings()
		_, err := ParseSettings([]byte(text), before)
		var e *Error
		if !errors.As(err, &e) || e.Kind != Invalid || !strings.Contains(e.Message+" "+e.Hint, want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestSettingsAreLaidOverEachOther(t *testing.T) {
	s, err := ParseSettings([]byte(`{"$schema":"x","agent":"custom","mentor_mode":"Expert-Led","agent_limits":{"custom":1}}`), DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"AA_AGENT": "shell", "AA_AGENT_LIMITS": "shell=2,custom=3", "AA_AGENT_ENV": "TOKEN, OTHER", "AA_TASK_TIMEOUT_SECONDS": "7"}
	s, err = s.WithEnv(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if s.Agent != "shell" || s.MentorMode != "expert_led" || s.AgentLimits["shell"] != 2 || s.AgentLimits["custom"] != 3 ||
		!slices.Equal(s.AgentEnv, []string{"TOKEN", "OTHER"}) || s.TaskTimeout != 7 || s.MaxLoops != 3 {
		t.Errorf("%+v", s)
	}
	if _, err := s.WithEnv(func(name string) (string, bool) { return "x", name == "AA_MAX_PARALLEL" }); KindOf(err) != Invalid {
		t.Error(err)
	}
}

func TestErrorsKeepTheirKindThroughWrapping(t *testing.T) {
	cause := errors.New("cause")
	err := error(Errorf(Conflict, "run %s is busy", "r").WithHint("wait").WithField("run_id").Because(cause))
	joined := errors.Join(errors.New("other"), err)
	if KindOf(joined) != Conflict || !errors.Is(joined, cause) || KindOf(nil) != "" || KindOf(cause) != Internal {
		t.Error(joined)
	}
	codes := map[int]bool{}
	for _, k := range []Kind{Internal, Invalid, NotFound, Conflict, Denied, Unmet, Unavailable} {
		codes[k.ExitCode()] = true
	}
	if len(codes) != 7 || codes[0] {
		t.Errorf("exit codes %v", codes)
	}
}

func TestTitlesFitATable(t *testing.T) {
	if got := Title("\n\n  first  \nsecond"); got != "first" {
		t.Error(got)
	}
	if got := []rune(Title(strings.Repeat("ä", 200))); len(got) != 90 || got[89] != '…' {
		t.Error(string(got))
	}
}

func TestStampsReadBack(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789000, time.UTC)
	got, err := ParseStamp(Stamp(at))
	if err != nil || !got.Equal(at) || Stamp(at) != "2026-01-02T03:04:05.006789Z" {
		t.Errorf("%s, %v", Stamp(at), err)
	}
}

func TestParseSettingsTakesAFileThatBeginsWithAByteOrderMark(t *testing.T) {
	s, err := ParseSettings([]byte("\ufeff{\"agent\":\"custom\"}"), DefaultSettings())
	if err != nil || s.Agent != "custom" {
		t.Errorf("agent %q, error %v", s.Agent, err)
	}
}

func FuzzParseSettings(f *testing.F) {
	f.Add(`{"agent":"shell","max_parallel":4,"agent_limits":{"shell":1}}`)
	f.Add(`{"agent":1}`)
	f.Add(`{`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSettings([]byte(text), DefaultSettings())
		if err != nil {
			return
		}
		again, err := ParseSettings([]byte(s.String()), DefaultSettings())
		if err != nil || again.String() != s.String() {
			t.Errorf("%s does not read back: %v", s, err)
		}
	})
}

func FuzzSlug(f *testing.F) {
	f.Add("Sum up sales.csv!")
	f.Add("\xff\x00 ")
	fits := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	f.Fuzz(func(t *testing.T, text string) {
		if s := Slug(text); len(s) > 64 || !fits.MatchString(s) {
			t.Errorf("%q becomes %q", text, s)
		}
	})
}
