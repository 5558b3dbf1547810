package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"aad/internal/atomicfile"
)

const (
	historyFolder = "history"
	ours          = 0o600
	oursFolder    = 0o700
)

const readme = `# Questions to you

A run waits here until you answer. Open ` + "`<stage>_checkpoint.json`" + ` in any editor, set
` + "`decision`" + ` to one of the values that ` + "`how_to`" + ` names, fill in what you like of the
fields at the top, and save. The run goes on at once; nothing else is needed.

Everything below ` + "`notes`" + ` is told to you and stays as it is. If an answer cannot be
used, ` + "`<stage>_checkpoint.errors.txt`" + ` says which line, why, and what is allowed; your
file is left alone. ` + "`history/`" + ` keeps every answer, taken or not.
`

// Path is the file of a question in the folder mentor_checkpoints/.
func Path(dir string, stage Stage) string { return filepath.Join(dir, stage.FileName()) }

// Write replaces the file of a question in dir, and makes the folder and its
// README where they are missing. It replaces whatever stands there: to ask anew
// the caller calls Archive first, and it takes a key out of the Watcher before
// it writes a Resolved question. It does not wait for the disk.
func Write(dir string, stage Stage, f File) error {
	data, err := atomicfile.JSON(f)
	if err != nil {
		return fmt.Errorf("write the %s question: %w", stage, err)
	}
	if err := os.MkdirAll(dir, oursFolder); err != nil {
		return fmt.Errorf("write the %s question: %w", stage, err)
	}
	about := filepath.Join(dir, "README.md")
	if _, err := os.Lstat(about); errors.Is(err, fs.ErrNotExist) {
		if err := atomicfile.Write(about, []byte(readme), ours); err != nil {
			return err
		}
	}
	return atomicfile.Write(Path(dir, stage), data, ours)
}

// Archive moves the file of a question that was created at the Stamp createdAt
// to history/, whatever it holds by now. What history holds already is not kept
// twice; no file there is no error.
func Archive(dir string, stage Stage, createdAt string) error {
	path := Path(dir, stage)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("move %s to history: %w", path, err)
	}
	var data []byte // of a plain file, to find it in history
	if info.Mode().IsRegular() && info.Size() <= maxBytes {
		if data, err = os.ReadFile(path); err != nil {
			return fmt.Errorf("move %s to history: %w", path, err)
		}
	}
	return enter(dir, stem(createdAt, stage), data, func(to string) error {
		if to == "" {
			return os.Remove(path)
		}
		return os.Rename(path, to)
	})
}

// Keep writes an answered question, as Resolved gives it, to history/. Kept
// again, it is kept once.
func Keep(dir string, stage Stage, f File) error {
	data, err := atomicfile.JSON(f)
	if err != nil {
		return fmt.Errorf("keep the %s answer: %w", stage, err)
	}
	return keep(dir, stem(f.CreatedAt, stage), data)
}

// Refused is an answer that was not taken, as history/ keeps it.
type Refused struct {
	CheckpointID string  `json:"checkpoint_id"`
	Revision     int     `json:"revision"`
	RefusedAt    string  `json:"refused_at"`        // a Stamp
	Because      string  `json:"because,omitempty"` // where no fault tells: another answer came first, …
	By           By      `json:"by"`
	Faults       []Fault `json:"faults,omitempty"`
	// Content is what was written or sent, its first 64 KiB.
	Content string `json:"content"`
}

const mostKept = 64 << 10

// KeepRefused writes an answer that was not taken to history/, beside the taken
// ones: <created_at>_<stage>_refused.json.
func KeepRefused(dir string, stage Stage, asked File, r Refused) error {
	r.CheckpointID, r.Revision = asked.CheckpointID, asked.Revision
	r.Content = kept([]byte(r.Content))
	data, err := atomicfile.JSON(r)
	if err != nil {
		return fmt.Errorf("keep the refused %s answer: %w", stage, err)
	}
	return keep(dir, stem(asked.CreatedAt, stage)+"_refused", data)
}

// Known reports whether history/ holds what stands in a question's file: the answer
// that aad wrote there, or one that was refused.
func Known(dir string, stage Stage, data []byte) bool {
	entries, err := os.ReadDir(filepath.Join(dir, historyFolder))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.Contains(e.Name(), "_"+string(stage)) {
			continue
		}
		held, err := os.ReadFile(filepath.Join(dir, historyFolder, e.Name()))
		if err != nil {
			continue
		}
		var r Refused
		if bytes.Equal(held, data) || json.Unmarshal(held, &r) == nil && r.Content != "" && r.Content == kept(data) {
			return true
		}
	}
	return false
}

// kept is as much of an answer as history holds of one that was refused.
func kept(content []byte) string {
	return strings.ToValidUTF8(string(content[:min(len(content), mostKept)]), "\uFFFD")
}

func keep(dir, stem string, data []byte) error {
	return enter(dir, stem, data, func(to string) error {
		if to == "" {
			return nil
		}
		return atomicfile.Write(to, data, ours)
	})
}

// stem is a file's name in history, without its ending: no path can be made of it.
func stem(createdAt string, stage Stage) string {
	plain := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, createdAt)
	return plain + "_" + string(stage)
}

// naming is held from the choice of a name in a history folder until it is
// taken. aad alone writes there, so no other process competes.
var naming sync.Mutex

// enter finds the first free name for data in dir's history and calls put with
// it, or with "" when a file of that stem holds the same data already.
func enter(dir, stem string, data []byte, put func(to string) error) error {
	history := filepath.Join(dir, historyFolder)
	if err := os.MkdirAll(history, oursFolder); err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	naming.Lock()
	defer naming.Unlock()
	for n := 1; ; n++ {
		name := stem
		if n > 1 {
			name += "_" + strconv.Itoa(n)
		}
		path := filepath.Join(history, name+".json")
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return told(put(path), path)
		}
		if err != nil {
			return fmt.Errorf("keep an answer: %w", err)
		}
		if data != nil && info.Mode().IsRegular() && info.Size() == int64(len(data)) {
			if held, err := os.ReadFile(path); err == nil && bytes.Equal(held, data) {
				return told(put(""), path)
			}
		}
	}
}

func told(err error, path string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("keep an answer as %s: %w", path, err)
}

// WriteErrors says beside the question's file what is wrong with the answer.
func WriteErrors(dir string, stage Stage, r *Refusal) error {
	return atomicfile.Write(filepath.Join(dir, stage.ErrorsName()), []byte(r.text(stage)), ours)
}

// ClearErrors removes what WriteErrors wrote, if it did.
func ClearErrors(dir string, stage Stage) error {
	err := os.Remove(filepath.Join(dir, stage.ErrorsName()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
