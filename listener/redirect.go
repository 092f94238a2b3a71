package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// redirectStderr makes all that goes to standard error from now on, a panic's trace and the
// words of started programs included, go to a file, as a shell's 2>FILE does: made if need
// be, and emptied.
func redirectStderr(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return fmt.Errorf("redirect standard error (-r): %w", err)
	}
	defer file.Close()
	if err := unix.Dup3(int(file.Fd()), unix.Stderr, 0); err != nil {
		return fmt.Errorf("redirect standard error (-r) to %s: %w", path, err)
	}
	return nil
}
