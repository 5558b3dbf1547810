//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"aad/apprentice"
)

// runAs turns this process into one of the user, for good. Managers that start
// everything as root need it; for whom the process is already, it does nothing.
func runAs(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return apprentice.Errorf(apprentice.NotFound, "there is no user %q", name).WithField("as")
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return fmt.Errorf("read the user id of %s: %w", name, err)
	}
	if uid == os.Geteuid() {
		return nil
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return fmt.Errorf("read the group id of %s: %w", name, err)
	}
	groups := []int{gid}
	if ids, err := u.GroupIds(); err == nil {
		for _, id := range ids {
			if n, err := strconv.Atoi(id); err == nil && n != gid {
				groups = append(groups, n)
			}
		}
	}
	for what, err := range map[string]error{"HOME": os.Setenv("HOME", u.HomeDir), "USER": os.Setenv("USER", name), "LOGNAME": os.Setenv("LOGNAME", name)} {
		if err != nil {
			return fmt.Errorf("set %s: %w", what, err)
		}
	}
	if err := syscall.Setgroups(groups); err != nil {
		return apprentice.Errorf(apprentice.Denied, "aad may not become %s: %v", name, err).WithHint("start it as root or as %s", name)
	}
	if err := syscall.Setgid(gid); err != nil {
		return fmt.Errorf("become %s: %w", name, err)
	}
	if err := syscall.Setuid(uid); err != nil {
		return fmt.Errorf("become %s: %w", name, err)
	}
	return nil
}

// ownerOf tells whose a file is.
func ownerOf(info fs.FileInfo) (uid string, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return strconv.FormatUint(uint64(stat.Uid), 10), true
}
