package commitlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// local is the file system of this machine.
type local struct{}

func (local) Stat(path string) (fs.FileInfo, error) { return os.Lstat(path) }
func (local) MkdirAll(path string) error            { return os.MkdirAll(path, 0o777) }
func (local) Claim(from, to string) error           { return os.Link(from, to) }
func (local) Rename(from, to string) error          { return os.Rename(from, to) }
func (local) Remove(path string) error              { return os.Remove(path) }
func (local) RemoveAll(path string) error           { return os.RemoveAll(path) }
func (local) Sync(folder string) error              { return syncFolder(folder) }

func (local) ReadDir(path string) ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	return infos, nil
}

func (local) ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > limit {
		return nil, fmt.Errorf("it is no file of at most %d bytes", limit)
	}
	data := make([]byte, st.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

func (local) Create(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// syncFolder makes durable what was made, renamed and removed in a folder.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil // a network file system that can't and need not
	}
	return err
}

// makeFolder makes a folder and those above it, durably. Another process may be making
// them too, so what exists is flushed like what is new, where that is allowed.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o777)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeFolder(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o777)
	}
	if err != nil {
		if st, statErr := os.Stat(path); statErr != nil || !st.IsDir() {
			return err
		}
	}
	syncErr := syncFolder(filepath.Dir(path))
	if err != nil && errors.Is(syncErr, fs.ErrPermission) {
		return nil // somebody else's folder, which has been here before
	}
	return syncErr
}

// A place is a mounted file system: files can be linked and renamed within one only.
type place struct {
	major, minor uint32
	mount        uint64
}

func placeOf(path string) (place, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_BASIC_STATS|unix.STATX_MNT_ID, &st); err != nil {
		return place{}, &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	p := place{major: st.Dev_major, minor: st.Dev_minor}
	if st.Mask&unix.STATX_MNT_ID != 0 {
		p.mount = st.Mnt_id
	}
	return p, nil
}

// onePlace refuses folders that aren't all on one file system.
func onePlace(first string, others ...string) error {
	at, err := placeOf(first)
	if err != nil {
		return err
	}
	for _, other := range others {
		p, err := placeOf(other)
		if err != nil {
			return err
		}
		if p != at {
			return fmt.Errorf("%s and %s are on different file systems or mounts, so that files can't be moved from one to the other in one step; put the whole folder on one file system", first, other)
		}
	}
	return nil
}

// flock takes a lock that belongs to the open file, or fails at once.
func flock(f *os.File) error {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// noLocks tells whether the file system has no locks.
func noLocks(err error) bool {
	return errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL)
}
