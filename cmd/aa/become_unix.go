//go:build unix

package main

import (
	"fmt"
	"os"
	"syscall"
)

// become has another program go on in our place, with our streams and number. It
// returns only where that cannot be.
func become(path string, words []string) error {
	return fmt.Errorf("run %s: %w", path, syscall.Exec(path, words, os.Environ()))
}
