package client

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"aad/apprentice"
)

// maxOut is the size above which the daemon's output file is begun anew.
const maxOut = 1 << 20

// child is a daemon we started. It belongs to nobody: it outlives us.
type child struct {
	pid    int
	cmd    *exec.Cmd
	out    string        // the file its output goes to
	offset int64         // where in it its output begins
	ready  chan struct{} // closed when it says that it listens; nil where it cannot say so
	exited chan struct{} // closed when it has ended
}

// launch starts aad run in a session of its own. It writes "ready\n" to a pipe
// once it listens.
func (o Options) launch() (*child, error) {
	path, err := DaemonPath()
	if err != nil {
		return nil, err
	}
	out, err := o.openOut()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	c := &child{out: out.Name(), ready: make(chan struct{}), exited: make(chan struct{})}
	if c.offset, err = out.Seek(0, io.SeekEnd); err != nil {
		return nil, fmt.Errorf("read %s: %w", c.out, err)
	}
	// What it logs stands in its own log; out is for what it says before it has one.
	c.cmd = exec.Command(path, "run", "--log-level", "error")
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = o.Home, out, out
	c.cmd.Env = o.environment()
	told, err := detach(c.cmd)
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		told.abandon()
		return nil, apprentice.Errorf(apprentice.Unmet, "aad cannot be started: %s cannot be run: %s", path, reason(err)).Because(err)
	}
	c.pid = c.cmd.Process.Pid
	// Owned by the process: ends when the daemon has said that it is ready, or has
	// died.
	go func() {
		if told.await() {
			close(c.ready)
		}
	}()
	// Owned by the process: ends with the daemon, so that it leaves no zombie.
	go func() {
		defer close(c.exited)
		// How it ended is read from ProcessState.
		_ = c.cmd.Wait()
	}()
	return c, nil
}

// abandon ends a daemon of ours while it waits for the lock of the one that
// answers. It would else take over when that one is stopped.
func (c *child) abandon() {
	_ = c.cmd.Process.Kill() // it may have ended by itself
}

// openOut opens the file that gets what a daemon of ours prints before it has a
// log. Several daemons that start at once append to it.
func (o Options) openOut() (*os.File, error) {
	dir := filepath.Join(o.Home, "log")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cannotWrite(dir, err)
	}
	path := filepath.Join(dir, "aad.out")
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > maxOut {
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, cannotWrite(path, err)
	}
	return f, nil
}

func cannotWrite(path string, err error) error {
	kind := apprentice.Unmet
	if errors.Is(err, fs.ErrPermission) {
		kind = apprentice.Denied
	}
	return apprentice.Errorf(kind, "aad cannot be started: %s cannot be written: %s", path, reason(err)).
		Because(err).WithHint("set AA_HOME to a folder of your own")
}

// environment is that of the daemon: ours, but for the settings of single runs,
// which aa sends with each run. They would else become the rule for all.
func (o Options) environment() []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		key, ours := strings.CutPrefix(name, "AA_")
		if ours && (name == "AA_HOME" || name == "AA_SOCKET" || name == "AA_READY_FD" || apprentice.IsRunSetting(strings.ToLower(key))) {
			continue
		}
		env = append(env, pair)
	}
	return append(env, "AA_HOME="+o.Home, "AA_SOCKET="+o.Socket)
}

// failure tells why the daemon ended, in its own words.
func (c *child) failure() error {
	message, hint := words(c.said())
	if hint == "" {
		hint = "see " + c.out
	}
	return &apprentice.Error{Kind: kindOfExit(c.cmd), Message: "aad did not start: " + message, Hint: hint,
		Err: errors.New(c.cmd.ProcessState.String())}
}

// words finds in what aad printed the error and hint it ended with.
func words(said string) (message, hint string) {
	message = lastWords(said)
	for line := range strings.Lines(said) {
		if text, ok := strings.CutPrefix(line, "aad: "); ok {
			message, hint = strings.TrimSpace(text), ""
		}
		if text, ok := strings.CutPrefix(line, "hint: "); ok {
			hint = strings.TrimSpace(text)
		}
	}
	return message, hint
}

// said returns the end of what the daemon printed.
func (c *child) said() string {
	f, err := os.Open(c.out)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() <= c.offset {
		return ""
	}
	from := max(c.offset, info.Size()-16<<10)
	buf := make([]byte, info.Size()-from)
	n, _ := f.ReadAt(buf, from) // what can be read is told
	return string(buf[:n])
}

// kindOfExit reads aad's exit code, which follows the same table as aa's.
func kindOfExit(cmd *exec.Cmd) apprentice.Kind {
	if cmd.ProcessState == nil {
		return apprentice.Internal
	}
	switch cmd.ProcessState.ExitCode() {
	case 2:
		return apprentice.Invalid
	case 3:
		return apprentice.NotFound
	case 4:
		return apprentice.Conflict
	case 5:
		return apprentice.Denied
	case 6:
		return apprentice.Unmet
	case 7:
		return apprentice.Unavailable
	}
	return apprentice.Internal
}

// lastWords is the last line that says something.
func lastWords(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return "it ended without a word"
}
