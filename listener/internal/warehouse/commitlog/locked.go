package commitlog

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// On a local file system the lock file of a staging folder is locked by flock(2) as long as
// its writer lives.

// makeLocked makes the own staging folder and locks it.
func (l *Log) makeLocked() error {
	above := filepath.Join(l.o.Folder, stagingFolder)
	folder := filepath.Join(above, newStaging+l.writer)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	err := l.writeOwner(folder, identity{})
	if err == nil {
		l.lock, err = os.OpenFile(filepath.Join(folder, lockFile), os.O_RDWR, 0)
	}
	if err == nil {
		if err = flock(l.lock); noLocks(err) {
			l.o.Logger.Warning("commit log: %s can't be locked (%v); what a killed listener leaves is removed after %d days",
				folder, err, remember/(24*time.Hour))
			err = nil
		}
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err == nil {
		err = os.Rename(folder, l.staging)
	}
	if err == nil {
		err = syncFolder(above)
	}
	if err != nil {
		os.RemoveAll(folder)
		os.RemoveAll(l.staging)
		l.lock.Close() // which a nil file survives
	}
	return err
}

// removeUnlocked removes the staging folders of writers of this log that are gone. Their locks
// are taken before the log is read once more: a writer may have committed as its last deed,
// and then its files must be moved first.
func (l *Log) removeUnlocked() error {
	above := filepath.Join(l.o.Folder, stagingFolder)
	entries, err := os.ReadDir(above)
	if err != nil {
		return err
	}
	var locks []*os.File
	defer func() {
		for _, f := range locks {
			f.Close()
		}
	}()
	for _, e := range entries {
		folder := filepath.Join(above, e.Name())
		if folder == l.staging || !e.IsDir() || len(locks) == locksAtOnce {
			continue
		}
		if f := l.lockDead(folder); f != nil {
			locks = append(locks, f)
		}
	}
	if len(locks) == 0 {
		return nil
	}
	if err := l.refresh(); err != nil {
		return err
	}
	for _, f := range locks {
		if err := l.removeStaging(filepath.Dir(f.Name())); err != nil {
			l.o.Logger.Warning("commit log: what a listener has left remains: %v", err)
		}
	}
	return nil
}

// lockDead returns the locked lock file of a staging folder that may be removed, or nil.
// Where something about the folder can't be told, it stays.
func (l *Log) lockDead(folder string) *os.File {
	if name := filepath.Base(folder); name[0] == '.' {
		// Its maker was killed or is just making it. Others belong to writers that beat.
		if strings.HasPrefix(name, newStaging) && l.untouched(folder) {
			os.RemoveAll(folder)
		}
		return nil
	}
	path := filepath.Join(folder, lockFile)
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		os.Remove(folder) // only if it is empty: somebody was killed while removing it
		return nil
	}
	if err != nil {
		return nil
	}
	if err := flock(f); err == nil || noLocks(err) && l.untouched(folder) {
		var who owner
		text, readErr := l.fs.ReadFile(path, 1<<16)
		held, statErr := f.Stat()
		at, lstatErr := os.Lstat(path)
		if errors.Join(readErr, statErr, lstatErr) == nil && os.SameFile(held, at) &&
			json.Unmarshal(text, &who) == nil && l.ours(who) && !beats(who, folder) {
			return f
		}
	}
	f.Close()
	return nil
}

// beats tells whether the owner of a folder doesn't lock it: it is on a file system that is
// mounted here, and its owner uses that directly.
func beats(o owner, folder string) bool {
	info, err := os.Lstat(filepath.Join(folder, recordFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return o.Boot != ""
	}
	return o.Boot != "" || err != nil || info.IsDir() // it is a file where folders are locked
}

// untouched tells whether nothing in a folder has changed for so long that nobody can be
// at work in it.
func (l *Log) untouched(folder string) bool {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	st, err := os.Stat(folder)
	if err != nil {
		return false
	}
	last := st.ModTime()
	for _, e := range entries {
		st, err := e.Info()
		if err != nil {
			return false
		}
		if st.ModTime().After(last) {
			last = st.ModTime()
		}
	}
	return l.o.Now().Sub(last) > remember
}

// removeStaging removes a staging folder, the lock last. The record in the making is the
// first to go, by its name, should its writer live after all: without it nothing can be
// committed.
func (l *Log) removeStaging(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := l.fault(stepRemoveStaging); err != nil {
			return err
		}
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	if err := l.removeFile(filepath.Join(folder, lockFile)); err != nil {
		return err
	}
	return l.removeFile(folder)
}
