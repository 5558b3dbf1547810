package main

import (
	"io/fs"

	"aad/apprentice"
)

// runAs is for managers that start everything as root, which Windows' is not.
func runAs(string) error {
	return apprentice.Errorf(apprentice.Unmet, "a process cannot change its user on Windows").WithField("as")
}

// ownerOf does not tell: a service of Windows is nobody's but the system's.
func ownerOf(fs.FileInfo) (uid string, ok bool) { return "", false }
