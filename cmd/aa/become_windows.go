package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// become has another program work with our streams, since none can take our place here,
// and returns how it ended.
func become(path string, words []string) error {
	cmd := exec.Command(path, words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return exitCode(cmd.ProcessState.ExitCode()).asError()
}
