package workspace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"aad/apprentice"
)

// Home is the absolute path of aad's folder. Its methods name what is in it and
// touch nothing unless they say so.
type Home string

// HomePath returns the home that the environment asks for: AA_HOME, made
// absolute, else .aad in the user's home folder. lookup is os.LookupEnv or alike.
func HomePath(lookup func(string) (string, bool), userHome string) (string, error) {
	if path, ok := lookup("AA_HOME"); ok && path != "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return "", fmt.Errorf("make AA_HOME %s absolute: %w", path, err)
		}
		return abs, nil
	}
	if userHome == "" {
		return "", apprentice.Errorf(apprentice.Unmet, "there is no home folder to keep .aad in").
			WithHint("set AA_HOME to a folder of your own")
	}
	return filepath.Join(userHome, ".aad"), nil
}

// OpenHome makes the folder where there is none (mode 0700) and refuses one that
// others can write to, that belongs to somebody else or that we cannot use.
func OpenHome(path string) (Home, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("open home %s: %w", path, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", homeRefusal(abs, err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return "", homeRefusal(abs, err)
	}
	if !info.IsDir() {
		return "", apprentice.Errorf(apprentice.Unmet, "home %s is no folder", abs).WithHint("set AA_HOME to a folder")
	}
	if err := checkOwner(abs, info); err != nil {
		return "", err
	}
	home := Home(abs)
	for _, dir := range []string{home.Runs(), home.workRoot(), home.controlRoot(), home.Log()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", homeRefusal(abs, err)
		}
	}
	if _, err := os.ReadDir(abs); err != nil {
		return "", homeRefusal(abs, err)
	}
	return home, nil
}

func homeRefusal(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return apprentice.Errorf(apprentice.Denied, "home %s cannot be read and written by you", path).Because(err).
			WithHint("chmod u+rwx %s, or set AA_HOME to a folder of your own", path)
	case errors.Is(err, fs.ErrExist), errors.Is(err, errNotDir):
		return apprentice.Errorf(apprentice.Unmet, "home %s cannot be made, something that is no folder is in the way", path).
			Because(err).WithHint("set AA_HOME to a folder of your own")
	}
	return apprentice.Errorf(apprentice.Unmet, "home %s cannot be used: %v", path, err).Because(err).
		WithHint("set AA_HOME to a folder of your own")
}

func (h Home) join(names ...string) string {
	return filepath.Join(append([]string{string(h)}, names...)...)
}

// DB is the database.
func (h Home) DB() string { return h.join("aad.db") }

// Ballast is the file whose room is given back when the disk is full.
func (h Home) Ballast() string { return h.join("ballast") }

// Probes is the file in which is remembered what installed agents offer.
func (h Home) Probes() string { return h.join("agent_probes.json") }

// SmokeResults is the file that every try of an integration is appended to.
func (h Home) SmokeResults() string { return h.join("integration_smoke_results.jsonl") }

// Socket is where clients connect, unless AA_SOCKET says otherwise.
func (h Home) Socket() string { return h.join("aad.sock") }

// Settings is the settings file.
func (h Home) Settings() string { return h.join("settings.json") }

// Secrets is the file of keys, the only place that holds any.
func (h Home) Secrets() string { return h.join(".env.local") }

// Log is the folder of aad's own log.
func (h Home) Log() string { return h.join("log") }

// Packs is the folder of experience packs.
func (h Home) Packs() string { return h.join("experience_packs") }

// Ecosystem is the folder of what is shared, and of bundles that others have shared.
func (h Home) Ecosystem() string { return h.join("ecosystem") }

// Runs is the folder of all run folders.
func (h Home) Runs() string { return h.join("runs") }

// Run is the folder of one run.
func (h Home) Run(id apprentice.RunID) Folder { return Folder(filepath.Join(h.Runs(), string(id))) }

// workRoot holds the workspaces of all runs, controlRoot aad's records of live
// attempts and privateRoot what no apprentice may see.
func (h Home) workRoot() string    { return h.join("work") }
func (h Home) controlRoot() string { return h.join("control") }
func (h Home) privateRoot() string { return h.join("private") }

// Work is where the agent of one attempt works: work/<run_id>/<kind>, and
// work/<run_id>/followup-N-<kind> in a follow-up, so that passes never meet.
func (h Home) Work(id apprentice.RunID, pass int, kind apprentice.AttemptKind) string {
	name := string(kind)
	if pass > 0 {
		name = "followup-" + strconv.Itoa(pass) + "-" + name
	}
	return filepath.Join(h.workRoot(), string(id), name)
}

// Control is the folder of aad's own records of one attempt while it is live:
// listings, scripts, the shim's folder. Its name is short whatever the run's id,
// since sockets with long paths cannot be made.
func (h Home) Control(id apprentice.RunID, pass int, kind apprentice.AttemptKind) string {
	return filepath.Join(h.controlOf(id), strconv.Itoa(pass)+"-"+string(kind))
}

// Shim is the shim's folder of one attempt.
func (h Home) Shim(id apprentice.RunID, pass int, kind apprentice.AttemptKind) string {
	return filepath.Join(h.Control(id, pass, kind), "shim")
}

func (h Home) controlOf(id apprentice.RunID) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(h.controlRoot(), hex.EncodeToString(sum[:6]))
}

// Hook is the folder of one run of a hook, below control.
func (h Home) Hook(name string) string { return filepath.Join(h.controlRoot(), "hook-"+name) }

// Hooks lists the folders of all runs of hooks that have not been removed.
func (h Home) Hooks() ([]string, error) {
	return filepath.Glob(filepath.Join(globLiteral(h.controlRoot()), "hook-*"))
}

// Private is a folder of one run that no apprentice is told of: the rubric with
// its hidden part and the snapshotted helper files. It is made by its user.
func (h Home) Private(id apprentice.RunID) string {
	return filepath.Join(h.privateRoot(), string(id))
}

// Rel returns path relative to the home, with slashes.
func (h Home) Rel(path string) (string, error) {
	rel, err := filepath.Rel(string(h), path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is not in the home %s", path, h)
	}
	return filepath.ToSlash(rel), nil
}
