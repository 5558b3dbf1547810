package apprentice

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Settings say how runs are worked. They are read as defaults, then the home's
// settings.json, then AA_<KEY> in the environment, then flags, and frozen into
// each run at submit. The zero value of a key means what its comment says.
type Settings struct {
	Agent                 string         `json:"agent" doc:"who plays the apprentice, as aa integrations lists them; empty refuses a submit"`
	AgentCommand          string         `json:"agent_command" doc:"command of the agent, a name or a path, where it is not the usual one"`
	AgentModel            string         `json:"agent_model" doc:"model that the agent is to use, in its own words; empty leaves it to the agent"`
	AgentExtraArgs        string         `json:"agent_extra_args" doc:"further arguments of the agent's command, quoted as for a shell; those aad needs itself are refused"`
	AgentPermissions      string         `json:"agent_permissions" enum:"read_only|workspace_write|full_access" doc:"what the agent may do: read_only, workspace_write or full_access"`
	AgentSession          string         `json:"agent_session" enum:"fresh|resume" doc:"of a revision: fresh, or resume to go on in the agent's own session where it can"`
	RateLimitRetries      int            `json:"rate_limit_retries" min:"0" doc:"how often an attempt that met a rate limit is tried anew by itself, after a pause; 0 never"`
	RateLimitPause        int            `json:"rate_limit_pause_seconds" min:"1" doc:"the first of these pauses; each further one is twice as long, an hour at most"`
	CustomCommandTemplate string         `json:"custom_command_template" doc:"command of the custom agent; must hold {workspace} and {prompt_file}"`
	CustomReadOnly        string         `json:"custom_read_only_template" doc:"the same, taken where agent_permissions is read_only; empty refuses that"`
	CustomDisplayName     string         `json:"custom_display_name" doc:"what tables call the custom agent"`
	AgentEnv              []string       `json:"agent_env" doc:"names of further variables an agent may see, of aad's environment or .env.local"`
	PermissionPolicy      string         `json:"permission_policy" enum:"allow_workspace|ask|deny" doc:"what an ACP agent that asks for leave gets: allow_workspace (yes, inside the workspace), ask (a person decides) or deny"`
	PermissionDeadline    int            `json:"permission_deadline_seconds" min:"0" doc:"how long such a question waits before it is denied; 0 is for ever"`
	MentorMode            string         `json:"mentor_mode" enum:"checks|model_assisted|expert_led|hybrid|" doc:"who reviews: checks, model_assisted, expert_led or hybrid; empty is model_assisted where a mentor_provider is set, else checks"`
	MentorProvider        string         `json:"mentor_provider" enum:"openai|anthropic|google|openrouter|compatible|" doc:"whose model reviews: openai, anthropic, google, openrouter or compatible; empty is none"`
	MentorModel           string         `json:"mentor_model" doc:"the mentor's model; empty is the provider's default"`
	MentorBaseURL         string         `json:"mentor_base_url" doc:"address of the provider's API; empty is its own; compatible needs one"`
	MentorKeyVariable     string         `json:"mentor_key_variable" doc:"variable that holds the key, of aad's environment or .env.local; empty is the provider's own"`
	MentorImages          string         `json:"mentor_images" enum:"auto|always|never" doc:"is the model shown images: auto (by provider), always or never"`
	MentorTimeout         int            `json:"mentor_timeout_seconds" min:"1" doc:"limit of one call to the mentor's model"`
	MentorTries           int            `json:"mentor_tries" min:"1" doc:"calls made for one answer where the provider is overloaded, limits the rate or is out of reach"`
	MentorPatience        int            `json:"mentor_patience_seconds" min:"0" doc:"most that is waited between these calls"`
	MentorPreview         int            `json:"mentor_preview_kib" min:"1" doc:"what a model is shown of an attempt's files, in KiB"`
	MentorModels          Words          `json:"mentor_models" doc:"another model for single roles: role=model; roles are intake, rubric, grader, verifier, evaluator"`
	MentorTokens          map[string]int `json:"mentor_answer_tokens" doc:"most tokens of an answer by role; a role left out has its own limit"`
	GraderSamples         int            `json:"grader_samples" min:"1" doc:"how often an attempt is graded; the median counts and the spread is kept"`
	AllowGenerated        bool           `json:"allow_generated_checks" doc:"run commands that the model proposes as checks outside a sandbox"`
	RunTokens             int            `json:"run_token_budget" min:"0" doc:"tokens of models that one run may take; 0 is no limit"`
	RunCost               float64        `json:"run_cost_budget" doc:"dollars that one run may cost, of priced models; 0 is no limit"`
	DayTokens             int            `json:"day_token_budget" min:"0" doc:"tokens of models that all runs may take on one day (UTC); 0 is no limit"`
	DayCost               float64        `json:"day_cost_budget" doc:"dollars that all runs may cost on one day (UTC); 0 is no limit"`
	MentorPrices          Prices         `json:"mentor_prices" doc:"dollars for a million tokens by model: input/cached/output, such as 1.25/0.125/10"`
	Masking               string         `json:"sensitive_info_masking" enum:"standard|no_masking" doc:"standard or no_masking: what leaves the machine, beside secrets, which never do"`
	License               string         `json:"contribution_license" doc:"licence of contribution bundles, such as CC-BY-4.0; empty gives none"`
	Consent               string         `json:"contribution_consent" enum:"not_given|text|all" doc:"not_given, text or all: what of bundles may be shared; all also packs what cannot be read as text"`
	Policy                string         `json:"contribution_policy" enum:"manual|automatic|disabled" doc:"when bundles are shared: manual (aa ecosystem contribute), automatic (accepted runs, at their end) or disabled"`
	Place                 string         `json:"ecosystem_place" doc:"where bundles are shared: path of a folder, git+PATH or URL of a git repository, s3://bucket/prefix; empty is nowhere"`
	Endpoint              string         `json:"ecosystem_endpoint" doc:"host or URL of the server that keeps the bucket; empty is Amazon's"`
	Region                string         `json:"ecosystem_region" doc:"region of the bucket, where its server asks for one"`
	AllowHTTP             bool           `json:"ecosystem_allow_http" doc:"reach a place that is not on this machine by plain http"`
	BundleLimit           int            `json:"bundle_file_limit_mib" min:"1" doc:"files above are named in a bundle and not copied, in MiB, at least 1"`
	BundleKey             string         `json:"bundle_signing_key" doc:"path of an SSH private key without passphrase that signs bundles; empty signs none"`
	MaxLoops              int            `json:"max_improvement_loops" min:"1" doc:"attempts of a pass, at least 1"`
	StallRounds           int            `json:"stall_rounds" min:"1" doc:"rounds without a better score before the loop stops"`
	TaskTimeout           int            `json:"task_timeout_seconds" min:"0" doc:"limit of one attempt; 0 is none"`
	IdleTimeout           int            `json:"idle_timeout_seconds" min:"0" doc:"limit without any output of an attempt; 0 is none"`
	CheckTimeout          int            `json:"check_timeout_seconds" min:"1" doc:"limit of one check that names none of its own"`
	CancelGrace           int            `json:"cancel_grace_seconds" min:"0" doc:"time between SIGTERM and SIGKILL"`
	OutputLimit           int            `json:"output_limit_mib" min:"0" doc:"kept of each output stream of an attempt, in MiB; the rest is counted; 0 is no limit"`
	MaxParallel           int            `json:"max_parallel" min:"1" doc:"runs worked on at once, at least 1"`
	AgentLimits           map[string]int `json:"agent_limits" doc:"runs worked on at once by agent"`
	RetentionDays         int            `json:"retention_days" min:"0" doc:"aa gc deletes runs that ended longer ago; 0 keeps all"`
	MaxWaiting            int            `json:"max_waiting" min:"0" doc:"runs that may wait for people before no new one starts; 0 is no limit"`
	Reminder              int            `json:"checkpoint_reminder_seconds" min:"0" doc:"how long a question waits before checkpoint_reminder is told, and again; 0 never"`
	Deadline              int            `json:"checkpoint_deadline_seconds" min:"0" doc:"how long a question waits before its run is cancelled unanswered; 0 is for ever"`
	OnCheckpoint          string         `json:"on_checkpoint" doc:"command that gets a JSON object on stdin when a run waits for a person; it has 30 s, and is left out where aad stops before its turn"`
	OnRunEnd              string         `json:"on_run_end" doc:"command that gets a JSON object on stdin when a run has ended; it has 30 s, and is left out where aad stops before its turn"`
	Sandbox               string         `json:"sandbox" enum:"off|bwrap|landlock|auto|" doc:"what confines the agents shell and custom, and check commands: off, bwrap, landlock, or auto for whichever works; without one that works, runs are refused"`
	SandboxNetwork        bool           `json:"sandbox_network" doc:"may what is confined use the network; only bwrap can take it away"`
	LogFormat             string         `json:"log_format" enum:"text|json" doc:"of aad's log: text or json; read when aad starts"`
	MetricsAddress        string         `json:"metrics_address" doc:"loopback address with a port where Prometheus finds /metrics; empty serves none; read when aad starts"`
	MinFreeDisk           int            `json:"min_free_disk_mib" min:"0" doc:"no new run starts below this much free space in the home"`
}

// DefaultSettings are in force where nothing else is said.
func DefaultSettings() Settings {
	return Settings{
		AgentPermissions: "workspace_write", AgentSession: "fresh", RateLimitRetries: 5, RateLimitPause: 60,
		PermissionPolicy: "allow_workspace", PermissionDeadline: 3600,
		MentorImages: "auto", MentorTimeout: 300, MentorTries: 4, MentorPatience: 120, MentorPreview: 96, GraderSamples: 1,
		Masking: "standard", Consent: "not_given", Policy: "manual", BundleLimit: 16, MaxLoops: 3, StallRounds: 2,
		TaskTimeout: 900, CheckTimeout: 60, CancelGrace: 5, OutputLimit: 256,
		MaxParallel: 2, Sandbox: "off", SandboxNetwork: true, LogFormat: "text", MinFreeDisk: 64,
	}
}

// SettingKey describes one key for help and for errors.
type SettingKey struct{ Name, Type, Doc string }

// SettingKeys lists the keys in the order of the struct. All callers share the list.
var SettingKeys = sync.OnceValue(func() []SettingKey {
	t := reflect.TypeFor[Settings]()
	keys := make([]SettingKey, t.NumField())
	for i := range keys {
		f := t.Field(i)
		keys[i] = SettingKey{f.Tag.Get("json"), f.Type.String(), f.Tag.Get("doc")}
	}
	return keys
})

// ParseSettings lays the keys of a settings.json over s. An unknown key, a value
// of the wrong type or out of range is refused by name, and s is not altered.
func ParseSettings(data []byte, s Settings) (Settings, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // editors on Windows begin a file with it
	if len(bytes.TrimSpace(data)) == 0 {
		return s, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return s, Errorf(Invalid, "settings are no JSON object: %v", err)
	}
	names := make([]string, 0, len(raw))
	for name := range raw {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if strings.HasPrefix(name, "$") { // "$schema", for editors
			continue
		}
		var err error
		if s, err = s.With(name, raw[name]); err != nil {
			return s, err
		}
	}
	return s, s.Check()
}

// With returns s with one key set to a JSON value.
func (s Settings) With(name string, value json.RawMessage) (Settings, error) {
	f, err := s.field(name)
	if err != nil {
		return s, err
	}
	fresh := reflect.New(f.Type())
	if err := json.Unmarshal(value, fresh.Interface()); err != nil {
		return s, Errorf(Invalid, "setting %s: %s is no %s", name, value, plainType(f.Type())).WithField(name)
	}
	out := s
	reflect.ValueOf(&out).Elem().FieldByIndex(fieldIndex(name)).Set(fresh.Elem())
	return out, nil
}

// WithText returns s with one key set to a value as people type it: a word, a
// number, a,b,c for a list, k=1,l=2 for limits.
func (s Settings) WithText(name, text string) (Settings, error) {
	f, err := s.field(name)
	if err != nil {
		return s, err
	}
	value, wrong := typed(f.Type(), text)
	if wrong != "" {
		return s, Errorf(Invalid, "setting %s: %s", name, wrong).WithField(name)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return s, err
	}
	return s.With(name, data)
}

// WithEnv lays the AA_<KEY> variables over s; lookup is os.LookupEnv or alike.
func (s Settings) WithEnv(lookup func(string) (string, bool)) (Settings, error) {
	for _, key := range SettingKeys() {
		variable := "AA_" + strings.ToUpper(key.Name)
		text, ok := lookup(variable)
		if !ok || text == "" {
			continue
		}
		next, err := s.WithText(key.Name, text)
		if err != nil {
			return s, Errorf(Invalid, "%s: %v", variable, err).WithField(variable)
		}
		s = next
	}
	return s, s.Check()
}

// Get returns the value of one key.
func (s Settings) Get(name string) (any, error) {
	f, err := s.field(name)
	if err != nil {
		return nil, err
	}
	return f.Interface(), nil
}

// Check refuses values that are out of range, and brings names of modes to their
// one spelling.
func (s *Settings) Check() error {
	if strings.TrimSpace(s.MentorMode) != "" {
		mode, err := MentorMode(s.MentorMode)
		if err != nil {
			return err
		}
		s.MentorMode = mode
	}
	if s.RunCost < 0 || s.DayCost < 0 {
		return Errorf(Invalid, "setting run_cost_budget or day_cost_budget: it is below 0").WithField("run_cost_budget")
	}
	if err := checkRoles(*s); err != nil {
		return err
	}
	for agent, n := range s.AgentLimits {
		if err := atLeast("agent_limits."+agent, n, 1); err != nil {
			return err
		}
	}
	if err := checkLoopback("metrics_address", s.MetricsAddress); err != nil {
		return err
	}
	return s.checkTags()
}

// checkTags refuses numbers below a key's min and words that its enum does not have;
// schemas/settings.schema.json says the same to editors.
func (s *Settings) checkTags() error {
	s.AgentPermissions, s.AgentSession = oneSpelling(s.AgentPermissions), oneSpelling(s.AgentSession)
	s.PermissionPolicy = oneSpelling(s.PermissionPolicy)
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("json")
		if low, ok := f.Tag.Lookup("min"); ok {
			least, err := strconv.Atoi(low)
			if err != nil {
				return fmt.Errorf("read the least value of setting %s: %w", name, err)
			}
			if err := atLeast(name, int(v.Field(i).Int()), least); err != nil {
				return err
			}
		}
		if words, ok := f.Tag.Lookup("enum"); ok {
			if err := oneOf(name, v.Field(i).String(), strings.Split(words, "|")...); err != nil {
				return err
			}
		}
	}
	return nil
}

func atLeast(name string, v, low int) error {
	if v < low {
		return Errorf(Invalid, "setting %s: %d is below %d", name, v, low).WithField(name).
			WithHint("a whole number, %d or more", low)
	}
	return nil
}

func oneOf(name, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return Errorf(Invalid, "setting %s: %q is not among %s", name, value, strings.Trim(strings.Join(allowed, ", "), ", ")).WithField(name)
}

func oneSpelling(word string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(word)), "-", "_")
}

// Mode is who reviews a run with these settings.
func (s Settings) Mode() string {
	switch {
	case s.MentorMode != "":
		return s.MentorMode
	case s.MentorProvider != "":
		return "model_assisted"
	}
	return "checks"
}

// MentorMode brings the spellings of a mentor mode to one.
func MentorMode(text string) (string, error) {
	switch oneSpelling(text) {
	case "checks":
		return "checks", nil
	case "model_assisted", "model", "automated":
		return "model_assisted", nil
	case "expert_led", "expert", "manual", "human":
		return "expert_led", nil
	case "hybrid":
		return "hybrid", nil
	}
	return "", Errorf(Invalid, "mentor mode %q is unknown", text).WithField("mentor_mode").
		WithHint("one of checks, model_assisted, expert_led, hybrid")
}

func (s Settings) field(name string) (reflect.Value, error) {
	i := fieldIndex(name)
	if i == nil {
		names := make([]string, 0)
		for _, k := range SettingKeys() {
			names = append(names, k.Name)
		}
		return reflect.Value{}, Errorf(Invalid, "setting %q is unknown", name).WithField(name).
			WithHint("%saa settings lists all", DidYouMean(name, names))
	}
	return reflect.ValueOf(s).FieldByIndex(i), nil
}

func fieldIndex(name string) []int {
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("json") == name {
			return []int{i}
		}
	}
	return nil
}

// IsRunSetting reports whether name is a setting that each run may have its own
// value of; the others are the daemon's.
func IsRunSetting(name string) bool {
	switch name {
	case "max_parallel", "agent_limits", "retention_days", "log_format", "min_free_disk_mib",
		"max_waiting", "on_checkpoint", "on_run_end", "metrics_address":
		return false
	}
	for _, key := range SettingKeys() {
		if key.Name == name {
			return true
		}
	}
	return false
}

// String writes the settings as their file would stand.
func (s Settings) String() string {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(data)
}
