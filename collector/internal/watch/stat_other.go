//go:build unix && !linux

package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// statRegular is the state of the regular file at path, links followed. The birth time is
// not asked for.
func statRegular(path string) (stat, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stat{}, err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return stat{}, &os.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	return stat{inode: uint64(sys.Ino), size: info.Size(), mtime: info.ModTime().UnixNano()}, nil
}

func statIn(dir *os.File, name string, _ bool) (stat, error) {
	return statRegular(filepath.Join(dir.Name(), name))
}

// probe knows of no writers: leases are Linux's.
func probe(string) (lease, stat) { return leaseUnknown, stat{} }
