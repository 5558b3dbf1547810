package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// snapshot lists all processes. It is not atomic: who forks or is adopted while
// it reads may be missing, so callers that end processes list again until the
// list is empty.
func snapshot() ([]Info, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	all := make([]Info, 0, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := look(pid); ok {
			all = append(all, p)
		}
	}
	return all, nil
}

// look reads one process as it is now; false when there is none.
func look(pid int) (Info, bool) {
	var buf [1024]byte
	n, err := readSmall("/proc/"+strconv.Itoa(pid)+"/stat", buf[:])
	if err != nil {
		return Info{}, false
	}
	return parseStat(buf[:n])
}

// readSmall spares the poller that os.ReadFile would ask first: thousands of
// these are read while a fork bomb is being stopped.
func readSmall(path string, buf []byte) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	return unix.Read(fd, buf)
}

// parseStat reads a line of /proc/PID/stat. The name, in brackets, may hold
// anything, brackets and line ends included.
func parseStat(line []byte) (Info, bool) {
	open, shut := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ')')
	if open < 0 || shut < open {
		return Info{}, false
	}
	fields := bytes.Fields(line[shut+1:])
	if len(fields) < 20 {
		return Info{}, false
	}
	var p Info
	for _, f := range []struct {
		to   *int
		text []byte
	}{{&p.Pid, line[:open]}, {&p.Parent, fields[1]}, {&p.Group, fields[2]}, {&p.Session, fields[3]}} {
		n, err := strconv.Atoi(string(f.text))
		if err != nil {
			return Info{}, false
		}
		*f.to = n
	}
	started, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return Info{}, false
	}
	// A process whose first thread has ended shows as a zombie too; the others
	// run on, and are counted.
	dead, threads := bytes.ContainsAny(fields[0], "ZXx"), string(fields[17])
	p.started, p.zombie = started, dead && (threads == "0" || threads == "1")
	return p, true
}

// environ returns the environment of a process of ours, parts ended by NUL;
// nothing for one that is not ours to read.
func environ(pid int) []byte {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return nil
	}
	return b
}

// UnderShim reports whether a process, or one it descends from, runs under a shim:
// then it is an agent's. It looks at the mark in their environment and at their
// program's name. A process that has ended already is taken for an agent's, since
// whoever asks for an answer waits for it.
func UnderShim(pid int) bool {
	for range 3 {
		under, sure := underShim(pid)
		if sure {
			return under
		}
	}
	return true
}

// underShim is not sure when a process on the way up ends while it looks.
func underShim(pid int) (under, sure bool) {
	mark := []byte(TokenVar + "=")
	for hops := 0; pid > 1 && hops < 1024; hops++ {
		p, ok := look(pid)
		if !ok {
			return true, hops == 0
		}
		env := environ(pid)
		if bytes.HasPrefix(env, mark) || bytes.Contains(env, append([]byte{0}, mark...)) || runsShim(pid) {
			return true, true
		}
		pid = p.Parent
	}
	return false, true
}

func runsShim(pid int) bool {
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil && strings.HasPrefix(filepath.Base(exe), "aad-shim")
}

// ShimFolders are the folders of the shims that a process runs under, the nearest
// first. What a process calls itself does not count: a shim further up is found too.
// It is not sure of them where the process, or one that it descends from, has ended.
func ShimFolders(pid int) (folders []string, sure bool) {
	for range 3 {
		if folders, sure = shimFolders(pid); sure {
			break
		}
	}
	return folders, sure
}

func shimFolders(pid int) (folders []string, sure bool) {
	for hops := 0; pid > 1 && hops < 1024; hops++ {
		p, ok := look(pid)
		if !ok {
			return folders, false
		}
		if runsShim(pid) {
			if args, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err == nil {
				if words := strings.Split(string(args), "\x00"); len(words) > 1 {
					folders = append(folders, words[1])
				}
			}
		}
		pid = p.Parent
	}
	return folders, true
}
