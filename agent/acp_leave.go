package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Policy decides requests for leave without a person, where it can.
type Policy struct {
	// Mode is setting permission_policy: allow_workspace, ask or deny.
	Mode string
	// Reach is setting agent_permissions, which narrows or widens allow_workspace:
	// read_only, workspace_write or full_access; "" is workspace_write.
	Reach string
}

// mayWrite reports whether aad itself writes files for the agent.
func (p Policy) mayWrite() bool { return p.Mode != "deny" && p.Reach != "read_only" }

// Decision is what a request for leave was answered; "" is none yet.
type Decision string

// The decisions, as a checkpoint has them.
const (
	AllowOnce   Decision = "allow_once"
	AllowAlways Decision = "allow_always"
	Deny        Decision = "deny"
)

// Permission is an agent's request for leave to do one thing.
type Permission struct {
	ID    string // of the request
	Title string // what is to be done, in the agent's words
	Kind  string // the protocol's kind of tool: edit, execute, …; "other" when not told
	// Hash is that of everything the agent told of the action: another action, or
	// the same one altered, has another.
	Hash string
	// Class is what allow_always allows for the rest of the run: the same kind of
	// action in the workspace, or else this very action.
	Class   string
	Outside []string // paths outside the workspace that it names
	Details string   // what else the agent told, for people

	options []acpOption
	call    string // the id of the tool call
}

// leave reads a request for leave; nil when it cannot be read.
func (c *Conversation) leave(a *asked) *Permission {
	var p struct {
		Call    acpToolCall `json:"toolCall"`
		Options []acpOption `json:"options"`
	}
	if json.Unmarshal(a.params, &p) != nil || len(p.Options) == 0 {
		return nil
	}
	call := c.calls[p.Call.ID].with(p.Call)
	call.Status = ""
	l := &Permission{ID: a.key, Kind: firstOf(call.Kind, "other"), options: p.Options, call: call.ID}
	if len(l.Kind) > mostKind {
		l.Kind = "other"
	}
	l.Title = cutText(firstOf(lastLine(call.Title), call.ID, l.Kind), 200)
	sum := sha256.New()
	sum.Write(mustJSON(call))
	sum.Write(compact(a.params))
	l.Hash = hex.EncodeToString(sum.Sum(nil))
	for _, path := range call.paths() {
		if !within(c.o.Folder, c.o.Workspace, path) {
			l.Outside = append(l.Outside, cutText(path, mostDetails))
		}
	}
	l.Class = l.Kind + " in the workspace"
	if len(l.Outside) > 0 || l.Kind == "execute" || l.Kind == "other" || l.Kind == "switch_mode" || l.Kind == "fetch" {
		l.Class = l.Kind + " " + hex.EncodeToString(sha256Of(mustJSON(struct {
			Title string
			Input json.RawMessage
			Paths []string
		}{call.Title, compact(call.Input), call.paths()})))
	}
	l.Details = call.details()
	return l
}

func sha256Of(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// compact is JSON without its blanks; what is no JSON is null.
func compact(data []byte) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return json.RawMessage("null")
	}
	return b.Bytes()
}

// pathKeys are names under which agents put the paths of a tool's input.
var pathKeys = []string{"path", "file_path", "filepath", "filePath", "abs_path", "absolute_path", "file", "filename",
	"cwd", "workdir", "directory", "dir", "source", "destination", "old_path", "new_path", "notebook_path"}

// paths lists the files and folders that a call names.
func (c acpToolCall) paths() []string {
	var all []string
	for _, l := range c.Locations {
		all = append(all, l.Path)
	}
	for _, part := range c.Content {
		if part.Type == "diff" {
			all = append(all, part.Path)
		}
	}
	var input map[string]json.RawMessage
	if json.Unmarshal(c.Input, &input) == nil {
		for _, key := range pathKeys {
			var path string
			if json.Unmarshal(input[key], &path) == nil {
				all = append(all, path)
			}
		}
	}
	var paths []string
	known := map[string]bool{"": true}
	for _, path := range all {
		if !known[path] {
			known[path], paths = true, append(paths, path)
		}
	}
	return paths
}

// within reports whether a path, seen from a folder below dir, lies in dir or is dir,
// once its links are followed: both as the system takes it, where link/.. is what lies
// above the link's target, and as an agent does that shortens the path first.
func within(dir, from, path string) bool {
	path = strings.TrimPrefix(path, "file://")
	if strings.HasPrefix(path, "~") {
		return false
	}
	if !filepath.IsAbs(path) {
		path = from + string(filepath.Separator) + path
	}
	for _, way := range []string{path, filepath.Clean(path)} {
		rel, err := filepath.Rel(followed(dir), followed(way))
		if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return false
		}
	}
	return true
}

// mostLinks is how many links of a path are followed, as in Linux.
const mostLinks = 40

// followed is an absolute path with its links followed, also those to what is not there
// yet: a write would make it. With too many of them, such as a circle, it is "", which
// lies in nothing.
func followed(path string) string {
	const separator = string(filepath.Separator)
	at := filepath.VolumeName(path) + separator
	words := strings.Split(path[len(at)-1:], separator)
	for links := 0; len(words) > 0; {
		word := words[0]
		words = words[1:]
		next := filepath.Join(at, word) // of "..", what lies above
		target, err := os.Readlink(next)
		if word == "" || word == "." || word == ".." || err != nil {
			at = next
			continue
		}
		if links++; links > mostLinks {
			return ""
		}
		if filepath.IsAbs(target) {
			at = filepath.VolumeName(target) + separator
			target = target[len(at)-1:]
		}
		words = append(strings.Split(target, separator), words...)
	}
	return at
}

const (
	mostDetails = 4 << 10  // of a tool's input, of a file, of a path, for people
	mostTold    = 64 << 10 // of all of that: a call may name any number of files
	mostKind    = 64       // of a kind of tool, which is a word
)

// details tells a person what is to be done, as the agent told it.
func (c acpToolCall) details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "The agent asks for leave to use a tool of kind %s.\n", cutText(firstOf(c.Kind, "other"), mostKind))
	for _, path := range c.paths() {
		fmt.Fprintf(&b, "It names %s\n", plain(path))
	}
	if len(c.Input) > 0 {
		fmt.Fprintf(&b, "Its input is %s\n", cutText(plain(string(compact(c.Input))), mostDetails))
	}
	for _, part := range c.Content {
		if part.Type == "diff" {
			fmt.Fprintf(&b, "%s is to hold:\n%s\n", plain(part.Path), cutText(part.NewText, mostDetails))
		}
	}
	if b.Len() <= mostTold {
		return b.String()
	}
	return cutText(b.String(), mostTold) + "\nThe agent tells more than can be shown here. Deny it if this is too little to decide on.\n"
}

// harmless are the kinds of tools that change nothing.
var harmless = []string{"read", "search", "think", "fetch"}

// decide is what policy, and what a person allowed for the run, make of a request; ""
// when a person is to be asked.
func (c *Conversation) decide(p *Permission) Decision {
	policy := c.o.Policy
	switch {
	case policy.Mode == "deny":
		return Deny
	case c.remember[p.Class]:
		return AllowOnce
	case policy.Mode == "ask":
		return ""
	case policy.Reach == "full_access":
		return AllowOnce
	case len(p.Outside) > 0, p.Kind == "switch_mode", policy.Reach == "read_only" && !slices.Contains(harmless, p.Kind):
		return Deny
	}
	return AllowOnce
}

// optionFor lists the kinds of options that carry a decision out, the best first.
// What was allowed always is allowed once at a time: aad remembers it, the agent is to
// go on asking. Nothing is widened: leave given once never becomes leave for ever.
var optionFor = map[Decision][]string{
	AllowOnce:   {"allow_once"},
	AllowAlways: {"allow_once", "allow_always"},
	Deny:        {"reject_once", "reject_always"},
}

// outcome is the answer that carries a decision out. Where the agent offers no such
// option it is refused.
func (p *Permission) outcome(d Decision) any {
	for _, kind := range slices.Concat(optionFor[d], optionFor[Deny]) {
		for _, o := range p.options {
			if o.Kind == kind {
				return map[string]any{"outcome": map[string]any{"outcome": "selected", "optionId": o.ID}}
			}
		}
	}
	return map[string]any{"outcome": map[string]any{"outcome": "cancelled"}}
}

// denied reports whether an answer of ours gave no leave.
func (p *Permission) denied(result json.RawMessage) bool {
	var r struct {
		Outcome struct {
			Option string `json:"optionId"`
		} `json:"outcome"`
	}
	if json.Unmarshal(result, &r) != nil {
		return true
	}
	i := slices.IndexFunc(p.options, func(o acpOption) bool { return o.ID == r.Outcome.Option })
	return i < 0 || !strings.HasPrefix(p.options[i].Kind, "allow")
}
