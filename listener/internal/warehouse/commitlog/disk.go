package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

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

// createFile writes a file that wasn't there, durably but for its name.
func createFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// createOnce makes path with this content unless it exists, not durably by its name; it is
// complete as soon as it is there. The file temporary, on the same file system, is made and removed.
func createOnce(path, temporary string, content []byte) error {
	if err := createFile(temporary, content); err != nil {
		return errors.Join(err, removeFile(temporary))
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// removeFile removes a file or an empty folder that may be gone.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
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
