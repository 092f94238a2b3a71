package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Adopt gives a file that others have written, in a folder below the own staging folder, a
// name in the staging folder itself, as Commit needs it. From is relative to the staging
// folder, with slashes. It may be repeated after an error, and is ErrTaken if others have
// taken the folder.
func (l *Log) Adopt(from, staged string) error {
	l.work.Lock()
	defer l.work.Unlock()
	if !l.open {
		return errors.New("adopt a file: the log is closed")
	}
	if !fs.ValidPath(from) || strings.ContainsRune(from, 0) || from == "." || from[0] == '.' || from == lockFile || !validStaged(staged) {
		return fmt.Errorf("adopt a file: %q can't become %q", from, staged)
	}
	if err := l.adopt(filepath.Join(l.staging, from), filepath.Join(l.staging, staged)); err != nil {
		return fmt.Errorf("adopt a file: %w", err)
	}
	return nil
}

func (l *Log) adopt(from, to string) error {
	if l.local {
		if err := flushFile(from); err != nil {
			return err
		}
		there, err := l.exists(to)
		if there {
			err = &fs.PathError{Op: "rename", Path: to, Err: fs.ErrExist}
		}
		if err != nil {
			return err
		}
		return l.fs.Rename(from, to)
	}
	err := l.fs.Rename(from, to)
	if err == nil {
		return nil
	}
	// It may have been done although it failed.
	if there, lookErr := l.exists(from); there || lookErr != nil {
		return errors.Join(err, lookErr)
	}
	if there, lookErr := l.exists(to); there || lookErr != nil {
		return lookErr
	}
	if there, lookErr := l.exists(filepath.Join(l.staging, lockFile)); lookErr == nil && !there {
		return l.takenFrom(err)
	}
	return err
}

// flushFile makes durable what others have written to a file on this machine.
func flushFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
