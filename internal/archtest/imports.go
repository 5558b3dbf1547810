package archtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rooms names, for each room, the rooms it may import. Everything may import
// internal/…; what internal/… may import is in mayImport.
var rooms = map[string][]string{
	"apprentice": {},

	"rpc":        {"apprentice"},
	"storage":    {"apprentice"},
	"shim":       {"apprentice"},
	"agent":      {"apprentice", "shim"},
	"workspace":  {"apprentice"},
	"grading":    {"apprentice", "shim"},
	"mentor":     {"apprentice"},
	"checkpoint": {"apprentice"},
	"bundle":     {"apprentice"},
	"experience": {"apprentice"},
	"release":    {"apprentice", "bundle"},
	"ecosystem":  {"apprentice", "bundle"},

	"loop": {"apprentice", "shim", "agent", "workspace", "grading", "mentor", "checkpoint", "bundle", "experience"},

	"daemon": {
		"apprentice", "rpc", "storage", "shim", "agent", "workspace", "grading", "mentor",
		"checkpoint", "bundle", "experience", "release", "ecosystem", "loop",
	},
	"client":    {"apprentice", "rpc"},
	"mcpserver": {"apprentice", "rpc", "client"},

	"cmd/aad":      {"daemon", "apprentice", "client", "mcpserver"},
	"cmd/aa":       {"client", "rpc", "apprentice"},
	"cmd/aad-shim": {"shim"},

	// Programs of the house that no product package imports.
	"internal/bench": {"agent", "apprentice", "rpc", "client", "storage", "shim", "mentor", "bundle"},
	"examples":       {},
	"docs":           {},
	"editors":        {},
}

// keepers names the rooms that may import an outside library, by the prefix of
// its import path. Tests may import what they like.
var keepers = map[string][]string{
	"go.etcd.io/bbolt":                       {"storage"},
	"github.com/sourcegraph/jsonrpc2":        {"rpc", "internal/bench"},
	"github.com/fsnotify/fsnotify":           {"checkpoint"},
	"github.com/kardianos/service":           {"cmd/aad"},
	"github.com/coreos/go-systemd":           {"cmd/aad"},
	"github.com/openai/openai-go":            {"mentor"},
	"github.com/anthropics/anthropic-sdk-go": {"mentor"},
	"google.golang.org/genai":                {"mentor"},
	"github.com/klauspost/compress":          {"bundle"},
	"github.com/parquet-go/parquet-go":       {"release"},
	"go.yaml.in/yaml/v3":                     {"grading"},
	"github.com/spf13/cobra":                 {"cmd/aa", "cmd/aad", "internal/manual"},
	"github.com/spf13/pflag":                 {"cmd/aa"},
	"github.com/kballard/go-shellquote":      {"agent"},
	"github.com/santhosh-tekuri/jsonschema":  {"internal/schema"},
	"golang.org/x/sys":                       {"internal/proc", "internal/walltime", "internal/atomicfile", "internal/sandbox", "rpc", "workspace"},
	"github.com/prometheus":                  {"daemon"},
	"golang.org/x/crypto":                    {"bundle"},
	"github.com/minio/minio-go":              {"ecosystem"},
	"golang.org/x/term":                      {"cmd/aa"},
	"github.com/rogpeppe/go-internal/diff":   {"workspace"},
	"github.com/modelcontextprotocol/go-sdk": {"mcpserver"},
}

// notLinked names what a main must not contain, however it got in. The first line of
// each is the reason.
var notLinked = map[string][]string{
	"cmd/aad": {
		"it wakes aad every ten seconds, for as long as it runs",
		"go.opencensus.io",
	},
	"cmd/aa": {
		small,
		"github.com/santhosh-tekuri/jsonschema", "github.com/kardianos/service",
		"go.etcd.io/bbolt", "aad/daemon", "aad/storage", "aad/loop", "aad/mentor",
		"github.com/openai/openai-go", "github.com/anthropics/anthropic-sdk-go", "google.golang.org/genai",
		"github.com/minio/minio-go", "aad/ecosystem", "net/http",
	},
	"cmd/aad-shim": {
		small,
		"github.com/santhosh-tekuri/jsonschema", "github.com/kardianos/service",
		"go.etcd.io/bbolt", "github.com/spf13/cobra", "aad/daemon", "aad/storage", "aad/loop", "net/http",
	},
}

const small = "this program starts often and must be small; it holds no logic of the daemon"

// bannedNames are names that say nothing about what a package is for.
var bannedNames = []string{"util", "utils", "common", "types", "helper", "helpers", "manager", "managers", "pkg", "misc", "shared"}

// maxDepth bounds the longest way down from a main to the words, in imports
// between rooms: cmd/aad > daemon > loop > agent > shim > apprentice.
const maxDepth = 5

// RoomOf tells the room of an import path of this module: its first element,
// and two for cmd/… and internal/….
func RoomOf(importPath string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(importPath, Module), "/")
	parts := strings.SplitN(rest, "/", 3)
	if len(parts) > 1 && (parts[0] == "cmd" || parts[0] == "internal") {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func own(importPath string) bool {
	return importPath == Module || strings.HasPrefix(importPath, Module+"/")
}

// standard tells the packages of Go itself, whose first element has no dot.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !own(importPath) && !strings.Contains(first, ".")
}

func imports(f *File) map[string]int {
	out := map[string]int{}
	for _, spec := range f.AST.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			out[path] = f.line(spec.Pos())
		}
	}
	return out
}

// CheckImports keeps the tables above in one file; tests are free.
func CheckImports(f *File) []Finding {
	if f.Test {
		return nil
	}
	var out []Finding
	for path, line := range imports(f) {
		rule, reason := "", ""
		switch {
		case path == "os/exec":
			rule, reason = checkExec(f.Room)
		case own(path):
			rule, reason = checkRoom(f.Room, RoomOf(path))
		case !standard(path):
			rule, reason = checkKeeper(f.Room, path)
		}
		if rule != "" {
			out = append(out, Finding{fmt.Sprintf("%s:%d", f.Path, line), rule, reason})
		}
	}
	return out
}

func checkExec(room string) (rule, reason string) {
	if room == "internal/proc" || room == "client" || room == "internal/bench" || room == "internal/dist" || room == "internal/acpagent" || room == "internal/testbin" || strings.HasPrefix(room, "cmd/") {
		return "", ""
	}
	return room + " imports os/exec", "processes are started through internal/proc, which ends their whole tree"
}

func checkRoom(from, to string) (rule, reason string) {
	allowed, known := rooms[from]
	switch {
	case from == to:
		return "", ""
	case strings.HasPrefix(to, "internal/") && to != "internal/bench" && to != "internal/archtest":
		return "", ""
	case slices.Contains(allowed, to):
		return "", ""
	case !known && strings.HasPrefix(from, "internal/"):
		if to == "apprentice" {
			return "", ""
		}
		return from + " imports " + to, "internal/… serves every room, so it knows none but apprentice and its own kind"
	case !known:
		return "room " + from + " stands in no table", "name it in house.md and in rooms of internal/archtest/imports.go"
	}
	return from + " imports " + to, fmt.Sprintf("the table of house.md lets %s import %s only", from, list(allowed))
}

func checkKeeper(room, path string) (rule, reason string) {
	for lib, kept := range keepers {
		if path != lib && !strings.HasPrefix(path, lib+"/") {
			continue
		}
		if slices.Contains(kept, room) {
			return "", ""
		}
		return room + " imports " + path, "one package keeps each outside library, so that it can be replaced there: " + list(kept)
	}
	return room + " imports " + path, "an outside library without a keeper: name one in keepers of internal/archtest/imports.go"
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// Depth returns the longest chain of rooms importing each other, from the top.
// Rooms of internal/… are not counted: they are tools, not layers.
func Depth(edges map[string]map[string]bool) []string {
	longest := map[string][]string{}
	var walk func(room string, above []string) []string
	walk = func(room string, above []string) []string {
		if chain, done := longest[room]; done || slices.Contains(above, room) {
			return chain
		}
		var below []string
		for to := range edges[room] {
			if strings.HasPrefix(to, "internal/") || to == room {
				continue
			}
			if chain := walk(to, append(above, room)); len(chain) > len(below) {
				below = chain
			}
		}
		longest[room] = append([]string{room}, below...)
		return longest[room]
	}
	var out []string
	for room := range edges {
		if strings.HasPrefix(room, "internal/") {
			continue
		}
		if chain := walk(room, nil); len(chain) > len(out) {
			out = chain
		}
	}
	return out
}

// CheckDepth keeps maxDepth.
func CheckDepth(edges map[string]map[string]bool) []Finding {
	chain := Depth(edges)
	if len(chain)-1 <= maxDepth {
		return nil
	}
	return []Finding{{
		Where:  chain[0],
		Rule:   fmt.Sprintf("%d imports deep: %s", len(chain)-1, strings.Join(chain, " > ")),
		Reason: fmt.Sprintf("a reader should reach the words in %d steps", maxDepth),
	}}
}

// CheckLinked keeps notLinked, given everything the main's binary contains.
func CheckLinked(main string, deps []string) []Finding {
	var out []Finding
	if notLinked[main] == nil {
		return nil
	}
	reason := notLinked[main][0]
	for _, banned := range notLinked[main][1:] {
		for _, dep := range deps {
			if dep == banned || strings.HasPrefix(dep, banned+"/") {
				out = append(out, Finding{main, "links " + dep, reason})
				break
			}
		}
	}
	return out
}

// CheckName refuses package names that say nothing.
func CheckName(importPath, name string) []Finding {
	for _, part := range append(strings.Split(importPath, "/"), name) {
		if slices.Contains(bannedNames, part) {
			return []Finding{{importPath, "package named " + part, "a package is named for the noun in it"}}
		}
	}
	return nil
}
