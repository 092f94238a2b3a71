package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A spool is a folder of this host in which a batch's files are written that go to another
// file system: what failed on the way there can be sent again, and no file of HDFS stays
// open while rows come. It lies in the pipeline's local staging and is locked while it is used.
type spool struct {
	folder string
	lock   *os.File
}

// The lock's name in a spool, and what it is called until it is locked.
const (
	spoolLock    = "lock"
	newSpoolLock = "lock.new"
)

// openSpool makes a spool in local staging, and removes those that killed listeners have left
// there.
func openSpool(staging, pipeline string) (*spool, error) {
	prefix := "_SL." + pipeline + "."
	if err := removeSpools(staging, prefix); err != nil {
		return nil, fmt.Errorf("local staging: %w", err)
	}
	s := &spool{}
	var err error
	if s.folder, err = os.MkdirTemp(staging, prefix); err != nil {
		return nil, fmt.Errorf("local staging: %w", err)
	}
	if err := s.takeLock(); err != nil {
		return nil, errors.Join(fmt.Errorf("local staging: %w", err), s.close())
	}
	return s, nil
}

// takeLock locks the spool. The lock gets its name when it is taken, so that nobody finds it
// free before.
func (s *spool) takeLock() (err error) {
	name := filepath.Join(s.folder, newSpoolLock)
	if s.lock, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return err
	}
	if err := unix.Flock(int(s.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	return os.Rename(name, filepath.Join(s.folder, spoolLock))
}

// beingMade is how long a spool may be without its lock before it counts as left by a
// listener that was killed in that moment.
const beingMade = time.Hour

// removeSpools removes what nobody has locked, if it is ours.
func removeSpools(staging, prefix string) error {
	entries, err := os.ReadDir(staging)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) || !own(info) {
			continue
		}
		folder := filepath.Join(staging, e.Name())
		lock, err := os.OpenFile(filepath.Join(folder, spoolLock), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if errors.Is(err, fs.ErrNotExist) && time.Since(info.ModTime()) > beingMade {
			_ = os.RemoveAll(folder)
		}
		if err != nil {
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.RemoveAll(folder) // what remains is for the next start
		}
		_ = lock.Close()
	}
	return nil
}

func own(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}

// gone tells whether somebody has removed the spool, as programs do that tidy up temporary
// folders. What it held is in no table, and is read again.
func (s *spool) gone() bool {
	if s == nil {
		return false
	}
	_, err := os.Stat(filepath.Join(s.folder, spoolLock))
	return errors.Is(err, fs.ErrNotExist)
}

func (s *spool) close() error {
	err := os.RemoveAll(s.folder)
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}
