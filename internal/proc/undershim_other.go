//go:build !linux

package proc

// UnderShim cannot be told here: docs/security.md says so.
func UnderShim(int) bool { return false }

// ShimFolders cannot be told here.
func ShimFolders(int) ([]string, bool) { return nil, true }
