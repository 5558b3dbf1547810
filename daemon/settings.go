package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"aad/apprentice"
	"aad/internal/atomicfile"
)

// settings are those in force for new runs: defaults, then settings.json, then
// aad's environment. The file is read again when it has changed on disk.
type settings struct {
	path   string
	lookup func(string) (string, bool)

	mu    sync.Mutex
	stamp fileStamp
	last  apprentice.Settings
}

type fileStamp struct {
	size int64
	time time.Time
}

func openSettings(path string, lookup func(string) (string, bool)) (*settings, error) {
	s := &settings{path: path, lookup: lookup}
	s.stamp.size = -1
	_, err := s.read()
	return s, err
}

// read returns the settings in force. After an edit that cannot be read it says
// so, and inForce goes on with the last good ones.
func (s *settings) read() (apprentice.Settings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var now fileStamp
	info, err := os.Stat(s.path)
	switch {
	case err == nil:
		now = fileStamp{info.Size(), info.ModTime()}
	case !errors.Is(err, fs.ErrNotExist):
		return s.last, fmt.Errorf("read %s: %w", s.path, err)
	}
	if now == s.stamp {
		return s.last, nil
	}
	data, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.last, fmt.Errorf("read %s: %w", s.path, err)
	}
	fresh, err := s.parse(data)
	if err != nil {
		return s.last, err
	}
	s.last, s.stamp = fresh, now
	return fresh, nil
}

func (s *settings) parse(data []byte) (apprentice.Settings, error) {
	fresh, err := apprentice.ParseSettings(data, apprentice.DefaultSettings())
	if err != nil {
		var refusal *apprentice.Error
		if errors.As(err, &refusal) {
			named := *refusal
			named.Message = s.path + ": " + refusal.Message
			return fresh, &named
		}
		return fresh, err
	}
	return fresh.WithEnv(s.lookup)
}

// inForce is what the scheduler goes by: the last settings that could be read.
func (s *settings) inForce() apprentice.Settings {
	now, err := s.read()
	if err == nil {
		return now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// set writes one key of the file, and leaves the others as they stand there.
func (s *settings) set(key, value string, unset bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := os.ReadFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: %w", s.path, err)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	file := map[string]json.RawMessage{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &file); err != nil {
			return apprentice.Errorf(apprentice.Conflict, "%s is no JSON object: %v", s.path, err).WithHint("mend or remove it")
		}
	}
	defaults := apprentice.DefaultSettings()
	if unset {
		if _, err := defaults.Get(key); err != nil {
			return err
		}
		delete(file, key)
	} else {
		next, err := defaults.WithText(key, value)
		if err != nil {
			return err
		}
		v, err := next.Get(key)
		if err != nil {
			return err
		}
		if file[key], err = json.Marshal(v); err != nil {
			return err
		}
	}
	text, err := atomicfile.JSON(file)
	if err != nil {
		return err
	}
	if _, err := s.parse(text); err != nil {
		return err
	}
	path, err := filepath.EvalSymlinks(s.path) // a link is written through
	if errors.Is(err, fs.ErrNotExist) {
		if to, err := os.Readlink(s.path); err == nil {
			return apprentice.Errorf(apprentice.Conflict, "%s is a link to %s, which is not there", s.path, to).WithHint("make that file, or remove the link")
		}
		path = s.path
	} else if err != nil {
		return fmt.Errorf("write %s: %w", s.path, err)
	}
	s.stamp.size = -1 // also when the clock stands still
	return atomicfile.WriteSynced(path, text, 0o600)
}
