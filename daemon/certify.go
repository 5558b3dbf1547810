package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aad/agent"
	"aad/apprentice"
	"aad/mentor"
	"aad/rpc"
)

// integrationCertify tries an agent by a tiny run through the queue, a provider by
// one structured call, or an agent whose run a provider's model reviews. What came
// of it is kept; only a mistake in the request is an error.
func (d *Daemon) integrationCertify(ctx context.Context, _ *rpc.Peer, p rpc.CertifyParams) (apprentice.SmokeResult, error) {
	if err := checkCertify(p); err != nil {
		return apprentice.SmokeResult{}, err
	}
	begun := time.Now()
	r := apprentice.SmokeResult{SchemaVersion: apprentice.SmokeSchema, CreatedAt: apprentice.Stamp(begun), Agent: p.Agent, Provider: p.Provider,
		Version: d.cfg.Version}
	ready := true
	if p.Agent != "" {
		ready = d.agentReady(p, &r)
	}
	if ready && p.Provider != "" {
		ready = d.providerReady(p.Provider, &r)
	}
	var err error
	switch {
	case !ready:
	case p.Agent != "":
		err = d.smokeRun(ctx, p, &r)
	default:
		d.smokeCall(ctx, p.Provider, &r)
	}
	if err == nil {
		err = ctx.Err() // nobody waits for it any more, and it is no result
	}
	if err != nil {
		return r, err
	}
	r.Milliseconds = time.Since(begun).Milliseconds()
	return r, d.keepSmoke(r)
}

func checkCertify(p rpc.CertifyParams) error {
	if p.Agent == "" && p.Provider == "" {
		return apprentice.Errorf(apprentice.Invalid, "neither an agent nor a provider is named").WithField("agent").WithHint("aa integrations lists them")
	}
	if _, known := agent.Find(p.Agent); p.Agent != "" && !known {
		return apprentice.Errorf(apprentice.Invalid, "agent %q is unknown", p.Agent).WithField("agent").
			WithHint("%sknown are %s", apprentice.DidYouMean(p.Agent, agent.IDs()), strings.Join(agent.IDs(), ", "))
	}
	if p.Provider != "" && !slices.Contains(mentor.Providers(), p.Provider) {
		return apprentice.Errorf(apprentice.Invalid, "provider %q is unknown", p.Provider).WithField("provider").
			WithHint("%sknown are %s", apprentice.DidYouMean(p.Provider, mentor.Providers()), strings.Join(mentor.Providers(), ", "))
	}
	return notNegative("timeout_seconds", p.Timeout)
}

// agentReady says whether the agent can be tried, and if not, why.
func (d *Daemon) agentReady(p rpc.CertifyParams, r *apprentice.SmokeResult) bool {
	recipe, _ := agent.Find(p.Agent)
	s := d.settings.inForce()
	st := recipe.Look(s, d.lookup(s, p.Path))
	r.AgentVersion, r.Message, r.Hint = st.Version, st.Problem, st.Hint
	switch {
	case st.Problem == "":
		return true
	case st.Kind == apprentice.CommandNotFound:
		r.Result = apprentice.SkippedCommand
	case st.Kind != "":
		r.Result = apprentice.SmokeFailed
	default:
		r.Result = apprentice.SkippedNotSetUp
	}
	return false
}

// providerReady says whether the provider can be asked, and if not, why.
func (d *Daemon) providerReady(name string, r *apprentice.SmokeResult) bool {
	cfg := configFor(d.settings.inForce(), name)
	access := mentor.AccessOf(cfg, d.variable)
	r.Model = access.Model
	_, err := mentor.Open(cfg, d.variable)
	if err == nil {
		return true
	}
	r.Result, r.Message = apprentice.SkippedNotSetUp, err.Error()
	if access.Keyed && !access.Visible {
		r.Result = apprentice.SkippedKey
	}
	var told *apprentice.Error
	if errors.As(err, &told) {
		r.Message, r.Hint = told.Message, told.Hint
	}
	return false
}

// The group of the queue in which agents are tried, and the limit of their one
// attempt.
const (
	certifyGroup   = "certify"
	certifySeconds = 300
)

// smokeTask is the task of a try: a line that only this run knows, in a file.
func smokeTask(agentID, provider, line string) (instruction, rubric string) {
	instruction = "Write a file artifacts/certify.txt that holds exactly this line:\n\n" + line + "\n"
	if agentID == "shell" {
		instruction = "printf '%s\\n' '" + line + "' >artifacts/certify.txt\n"
	}
	rubric = "version: 1\npass_threshold: 1.0\ncriteria:\n  - name: the line was written\n    check:\n" +
		"      contains: {path: artifacts/certify.txt, texts: [\"" + line + "\"]}\n"
	if provider != "" { // and something that no check can tell
		rubric += "  - name: nothing else was written\n    description: artifacts/certify.txt holds that line alone.\n"
	}
	return instruction, rubric
}

// smokeRun works the tiny task through the queue and waits for its end. When the
// caller leaves, the run is cancelled.
func (d *Daemon) smokeRun(ctx context.Context, p rpc.CertifyParams, r *apprentice.SmokeResult) error {
	instruction, rubric := smokeTask(p.Agent, p.Provider, fmt.Sprintf("aad certify %x", time.Now().UnixNano()))
	settings := rpc.RunSettings{"agent": p.Agent, "mentor_mode": "checks", "max_improvement_loops": 1, "rate_limit_retries": 0,
		"task_timeout_seconds": cmp.Or(p.Timeout, certifySeconds)}
	if p.Provider != "" {
		settings["mentor_mode"], settings["mentor_provider"] = "model_assisted", p.Provider
	}
	sub, err := d.runSubmit(ctx, nil, rpc.RunSubmitParams{Instruction: instruction, Rubric: rubric, Settings: settings, Path: p.Path,
		Group: certifyGroup, NoBundle: true, Labels: map[string]string{"certify": strings.Trim(p.Agent+"+"+p.Provider, "+")}})
	if err != nil {
		return err
	}
	r.RunID = sub.Run.RunID
	ended, err := d.runWait(ctx, nil, rpc.RunWaitParams{RunID: string(r.RunID)})
	if err != nil {
		if ctx.Err() != nil {
			_, cancelErr := d.runCancel(context.WithoutCancel(ctx), nil, rpc.RunParams{RunID: string(r.RunID)})
			err = errors.Join(err, cancelErr)
		}
		return err
	}
	judgeSmoke(ended.Run, r)
	return nil
}

// judgeSmoke says what the end of a tried run means.
func judgeSmoke(run apprentice.Run, r *apprentice.SmokeResult) {
	r.Message, r.Hint = cmp.Or(run.OperationalHint, run.StatusReason), run.OperationalAdvice
	switch run.OperationalError {
	case "":
	case apprentice.CommandNotFound:
		r.Result = apprentice.SkippedCommand
		return
	case apprentice.AuthError:
		r.Result = apprentice.SmokeFailedAuth
		return
	case apprentice.QuotaError, apprentice.RateLimitError:
		r.Result = apprentice.SmokeFailedQuota
		return
	case apprentice.TimeoutError, apprentice.StalledError:
		r.Result = apprentice.SmokeFailedTimeout
		return
	case apprentice.OutputContract:
		r.Result = apprentice.SmokeFailedContract
		return
	default:
		r.Result = apprentice.SmokeFailed
		return
	}
	switch {
	case run.Accepted():
		r.Result, r.Message, r.Hint = apprentice.SmokePassed, "", ""
	case run.StopReason == apprentice.StopMentor || run.Verdict == apprentice.Unreviewed:
		r.Result = apprentice.SmokeFailedProvider
		r.Message, r.Hint = cmp.Or(run.StatusReason, "the mentor's model could not review the attempt"), "aa show "+string(run.RunID)
	default:
		r.Result = apprentice.SmokeFailedContract
		r.Message, r.Hint = "the file that was asked for does not hold the line", "aa show "+string(run.RunID)
	}
}

// smokeAnswer is what a provider's model is asked for: small, with one thing in it
// that can be wrong.
type smokeAnswer struct {
	Greeting string `json:"greeting" doc:"one word"`
	Sum      int    `json:"sum" doc:"of 17 and 25"`
}

// smokeCall puts one structured question to a provider.
func (d *Daemon) smokeCall(ctx context.Context, provider string, r *apprentice.SmokeResult) {
	client, err := mentor.Open(configFor(d.settings.inForce(), provider), d.variable)
	if err != nil {
		r.Result, r.Message = apprentice.SmokeFailed, err.Error()
		return
	}
	answer, err := client.Ask(ctx, mentor.Question{Role: "certify", System: "You answer as the schema says.", Name: "certify",
		Schema: mentor.SchemaOf[smokeAnswer](), MaxTokens: 2048, Parts: []mentor.Part{{Text: "Greet me with one word, and tell the sum of 17 and 25."}},
		Check: func(doc json.RawMessage) error {
			var a smokeAnswer
			if err := json.Unmarshal(doc, &a); err != nil {
				return err
			}
			if a.Sum != 42 {
				return fmt.Errorf("sum is %d, not that of 17 and 25", a.Sum)
			}
			return nil
		}})
	r.Model = cmp.Or(answer.Model, client.Model())
	if err == nil {
		r.Result = apprentice.SmokePassed
		return
	}
	r.Message, r.Result = err.Error(), apprentice.SmokeFailedProvider
	switch mentor.KindOf(err) {
	case mentor.Auth:
		r.Result, r.Hint = apprentice.SmokeFailedAuth, "look at the key in "+d.home.Secrets()
	case mentor.Quota, mentor.RateLimit:
		r.Result = apprentice.SmokeFailedQuota
	case mentor.Timeout:
		r.Result = apprentice.SmokeFailedTimeout
	case mentor.InvalidAnswer, mentor.Refused, mentor.Truncated:
		r.Result = apprentice.SmokeFailedContract
	}
}
