package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A Key tells ledgers apart: two collectors that differ in any of it have nothing to do
// with each other.
type Key struct {
	CollectorPath string `json:"collector_path"` // absolute
	Pipeline      string `json:"pipeline"`
	Topic         string `json:"topic"`
	Skip          bool   `json:"skip_conversion"`
}

// Name is the key's folder name, <pipeline>.<hash>; the staging folder bears it too.
func (k Key) Name() string {
	b, _ := json.Marshal(k) // strings and a bool always marshal
	sum := sha256.Sum256(b)
	safe := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, k.Pipeline)
	return safe[:min(len(safe), 64)] + "." + hex.EncodeToString(sum[:8])
}

// A LockedError says that another process works with this ledger.
type LockedError struct {
	Folder string
	PID    int // 0 if unknown
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = "the process with pid " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("%s already collects this folder for this topic (it holds %s/lock); stop it first", who, e.Folder)
}

// OwnFolder makes a folder, and those above it, that only the user may enter; one that is
// there keeps its mode. It refuses one that belongs to somebody else or is a symbolic link.
func OwnFolder(path string) error {
	_, err := ownFolder(path)
	return err
}

// PrivateFolder does what OwnFolder does, and closes a folder that is there to others. It
// is for folders whose name is ours alone.
func PrivateFolder(path string) error {
	mode, err := ownFolder(path)
	if err == nil && mode&0o077 != 0 {
		err = os.Chmod(path, 0o700)
	}
	return err
}

func ownFolder(path string) (mode uint32, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return 0, err
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return 0, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return 0, fmt.Errorf("%s is a symbolic link; name a folder of your own", path)
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return 0, fmt.Errorf("%s is not a folder", path)
	case int(st.Uid) != os.Geteuid():
		return 0, fmt.Errorf("%s belongs to the user with id %d, not to this one (%d); name a folder of your own", path, st.Uid, os.Geteuid())
	}
	return st.Mode, nil
}

// lock takes the folder's lock for this process, until the file is closed.
func lock(folder string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		b := make([]byte, 20)
		n, _ := f.ReadAt(b, 0)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
		return nil, &LockedError{Folder: folder, PID: pid}
	}
	if err := f.Truncate(0); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
