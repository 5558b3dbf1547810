package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aad/apprentice"
	"aad/internal/model"
	"aad/mentor"
	"aad/rpc"
)

// hiddenClaude is a variable for aad with which it finds a claude that cannot be
// used, and starts none that is installed on this machine.
func hiddenClaude(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "claude"), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return "AA_AGENT_COMMAND_DIRS=" + dir
}

func TestProviderIsTriedByOneStructuredCall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step  model.Step
		want  apprentice.SmokeOutcome
		calls int
	}{
		{model.Step{JSON: []byte(`{"greeting":"hello","sum":42}`)}, apprentice.SmokePassed, 1},
		{model.Step{JSON: []byte(`{"greeting":"hello","sum":41}`)}, apprentice.SmokeFailedContract, 2},
		{model.Step{Text: "Hello!"}, apprentice.SmokeFailedContract, 2},
		{model.Step{Fault: "auth"}, apprentice.SmokeFailedAuth, 1},
		{model.Step{Fault: "quota"}, apprentice.SmokeFailedQuota, 1},
		{model.Step{Fault: "rate_limit"}, apprentice.SmokeFailedQuota, 1},
		{model.Step{Fault: "server"}, apprentice.SmokeFailedProvider, 1},
		{model.Step{Fault: "hang"}, apprentice.SmokeFailedTimeout, 1},
	} {
		r, env := newReviewer(t, nil)
		r.before = func(model.Request) *model.Step { return &c.step }
		a := newAad(t, append(env, "AA_MENTOR_TIMEOUT_SECONDS=1", hiddenClaude(t))...)
		got := must(a, rpc.IntegrationCertify, rpc.CertifyParams{Provider: "compatible"})
		if got.Result != c.want || r.asked("certify") != c.calls || (got.Message == "") != (c.want == apprentice.SmokePassed) || got.Model == "" {
			t.Errorf("%+v: %+v after %d calls", c.step, got, r.asked("certify"))
		}
		last := must(a, rpc.IntegrationList, rpc.LookParams{})
		for _, p := range last.Providers {
			if p.Provider == "compatible" && (p.Last == nil || p.Last.Result != c.want) {
				t.Errorf("the last result is told as %+v", p.Last)
			}
		}
		a.stop()
	}
}

func TestAgentIsTriedWithTheModelThatReviewsIt(t *testing.T) {
	t.Parallel()
	one := func(id string, score float64) mentor.GradedCriterion {
		c := mentor.GradedCriterion{ID: id, Confidence: 0.9, Evidence: []mentor.EvidenceItem{{Ref: "artifacts/certify.txt", Quote: "aad certify"}}, Reasoning: "looked", Score: score}
		if score < 1 {
			c.Failure, c.Suggestion = "more was written", "write less"
		}
		return c
	}
	for _, c := range []struct {
		grade any
		want  apprentice.SmokeOutcome
	}{
		{mentor.GraderAnswer{Criteria: []mentor.GradedCriterion{one("c1", 1), one("c2", 1)}, Remarks: []string{}}, apprentice.SmokePassed},
		{mentor.GraderAnswer{Criteria: []mentor.GradedCriterion{one("c1", 1), one("c2", 0)}, Remarks: []string{}}, apprentice.SmokeFailedContract},
		{model.Step{Fault: "server"}, apprentice.SmokeFailedProvider},
	} {
		r, env := newReviewer(t, func(string) any { return c.grade })
		r.verify = func(string) any { return verified(2) }
		a := newAad(t, append(env, hiddenClaude(t))...)
		got := must(a, rpc.IntegrationCertify, rpc.CertifyParams{Agent: "shell", Provider: "compatible", Path: os.Getenv("PATH")})
		if got.Result != c.want || got.RunID == "" {
			t.Errorf("%+v; want %s", got, c.want)
		}
		if pairs := must(a, rpc.IntegrationList, rpc.LookParams{}).Pairs; len(pairs) != 1 || pairs[0].Result != c.want {
			t.Errorf("the pairs are %+v", pairs)
		}
		a.stop()
	}
}

func TestCertifyRefusesWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	a := newAad(t, "OPENAI_API_KEY=")
	for _, p := range []rpc.CertifyParams{{}, {Agent: "nobody"}, {Provider: "nobody"}, {Agent: "shell", Timeout: -1}} {
		refused(a, rpc.IntegrationCertify, p, apprentice.Invalid)
	}
	if there(a.home.SmokeResults()) {
		t.Error("a mistake was kept as a result")
	}
	if got := must(a, rpc.IntegrationCertify, rpc.CertifyParams{Agent: "shell", Provider: "openai"}); got.Result != apprentice.SkippedKey || !strings.Contains(got.Message, "OPENAI_API_KEY") {
		t.Errorf("%+v", got)
	}
}
