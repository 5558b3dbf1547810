package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aad/apprentice"
	"aad/client"

	"github.com/spf13/cobra"
)

func (a *app) daemonLogsCommand() *cobra.Command {
	var follow bool
	var lines int
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show the end of aad's own log",
		Example: `  aa daemon logs -f
  aa daemon logs -n 200`,
		Args:    takes(0, 0),
		PreRunE: countsFrom("tail", 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := a.logPath(cmd.Context())
			if err != nil {
				return err
			}
			return a.tailFile(cmd.Context(), path, lines, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until Ctrl-C")
	cmd.Flags().IntVarP(&lines, "tail", "n", 50, "how many `lines`")
	return cmd
}

// logPath asks the daemon where its log is, and knows the usual place when it
// does not run.
func (a *app) logPath(ctx context.Context) (string, error) {
	c, err := a.dial(ctx, false)
	if err == nil {
		defer c.Close()
		d, err := c.DaemonStatus(ctx)
		return d.Log, err
	}
	home, err := client.Home()
	return filepath.Join(home, "log", "aad.log"), err
}

// tailFile prints a file's last lines, and what is appended later. The log is
// begun anew when it grows large: then it is read from its start.
func (a *app) tailFile(ctx context.Context, path string, lines int, follow bool) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return apprentice.Errorf(apprentice.NotFound, "there is no log at %s", path).WithHint("aa daemon start")
	}
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	defer func() { f.Close() }()
	end, whole, err := endOf(f, lines)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if whole && strings.Count(end, "\n") < lines {
		end = setAside(path, lines) + end
	}
	if err := a.printLog(lastLines(end, lines)); err != nil || !follow {
		return err
	}
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		fresh := begunAnew(path, f) // before the old one is read to its end: nothing is added to that any more
		more, err := io.ReadAll(f)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if fresh != nil {
			f.Close()
			f = fresh
		}
		if len(more) > 0 || fresh != nil {
			pause = 50 * time.Millisecond
		}
		if err := a.printLog(string(more)); err != nil {
			return err
		}
	}
}

// endOf reads a log from where its last lines begin at the latest, and leaves f at its
// end; whole says that this is all of it.
func endOf(f *os.File, lines int) (text string, whole bool, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", false, err
	}
	from := max(0, size-int64(min(max(lines, 1), 1<<20))*1024)
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return "", false, err
	}
	data, err := io.ReadAll(f)
	return string(data), from == 0, err
}

// setAside reads the end of the log before this one, "" where there is none to read.
func setAside(path string, lines int) string {
	f, err := os.Open(path + ".1")
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _, err := endOf(f, lines)
	if err != nil {
		return ""
	}
	return text
}

// begunAnew opens the file at path if it is another one than f by now, else it
// returns nil.
func begunAnew(path string, f *os.File) *os.File {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	own, err := f.Stat()
	if err != nil || os.SameFile(info, own) {
		return nil
	}
	fresh, err := os.Open(path)
	if err != nil {
		return nil
	}
	return fresh
}

// printLog prints lines of the log, which quotes what agents and people wrote.
func (a *app) printLog(text string) error {
	if !a.json {
		_, err := io.WriteString(a.out, clean(text))
		return err
	}
	for line := range strings.Lines(text) {
		if err := a.emit(map[string]string{"line": strings.TrimSuffix(line, "\n")}); err != nil {
			return err
		}
	}
	return nil
}
