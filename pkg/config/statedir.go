package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// StateDir returns the absolute path of the folder for what must outlive the program:
// state_dir of the file, or else /var/lib/spot-ingest if this user may write there (or
// make it), or else spot-ingest below $XDG_STATE_HOME or ~/.local/state. It doesn't
// make the folder.
func (c *Config) StateDir() (string, error) {
	return c.stateDir("/var/lib/spot-ingest")
}

func (c *Config) stateDir(system string) (string, error) {
	const key, want = "state_dir", "a folder's absolute path"
	root, err := c.reading()
	path := root.text(key, want)
	if path != "" && !filepath.IsAbs(path) {
		// What has been sent must not depend on where the program is started.
		root.invalid(key, want)
	}
	switch {
	case *err != nil:
		return "", *err
	case path != "":
		return filepath.Clean(path), nil
	case writable(system):
		return system, nil
	}
	// A relative $XDG_STATE_HOME is to be ignored, says the XDG specification.
	if base := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "spot-ingest"), nil
	}
	if home, err := os.UserHomeDir(); err == nil && filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "spot-ingest"), nil
	}
	root.fail(key, "is missing, %s can't be written and the user has no home: want %s", system, want)
	return "", *err
}

// writable tells whether files can be made in the folder, or the folder itself.
func writable(path string) bool {
	err := unix.Access(path, unix.W_OK|unix.X_OK)
	if errors.Is(err, fs.ErrNotExist) {
		err = unix.Access(filepath.Dir(path), unix.W_OK|unix.X_OK)
	}
	return err == nil
}
