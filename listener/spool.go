package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/warehouse/commitlog"
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

// uploadsAtOnce is how many files are sent at the same time.
const uploadsAtOnce = 4

// upload brings a batch's files from the spool to staging. Where the batch is in the way of
// others, or the listener stops, it is given as much time as Kafka is.
func (l *listener) upload(ctx context.Context, gen *consume.Generation, files []commitlog.File) error {
	if l.spool == nil {
		return nil // written where they belong
	}
	limited, cancel := l.patient(ctx, gen)
	defer cancel()
	running := make(chan struct{}, uploadsAtOnce)
	var wait sync.WaitGroup
	errs := make([]error, len(files))
	for i, f := range files {
		running <- struct{}{}
		wait.Add(1)
		go func() {
			defer wait.Done()
			defer func() { <-running }()
			errs[i] = l.uploadFile(limited, f)
		}()
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		l.retract(files)
		return fmt.Errorf("bring a batch to %s: %w", l.commits.Staging(), errs[firstError(errs)])
	}
	return nil
}

func firstError(errs []error) int {
	for i, err := range errs {
		if err != nil {
			return i
		}
	}
	return 0
}

func (l *listener) uploadFile(ctx context.Context, f commitlog.File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	local := filepath.Join(l.spool.folder, f.Staged)
	if err := l.remote.Upload(ctx, local, path.Join(l.commits.Staging(), f.Staged)); err != nil {
		return err
	}
	return os.Remove(local)
}

// retract removes what has been uploaded of a batch that is dropped; if it can't, the end of
// the listener does, or the next start.
func (l *listener) retract(files []commitlog.File) {
	if l.spool == nil {
		return
	}
	for _, f := range files {
		if err := l.remote.Remove(path.Join(l.commits.Staging(), f.Staged)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.log.Debug("remove a file from staging: %v", err)
			return // the others would wait as long
		}
	}
}

// hdfsPatience is how long one request to HDFS is tried before it counts as failed.
const hdfsPatience = 30 * time.Second

// openRemote makes what is needed where the tables are on HDFS.
func (l *listener) openRemote() error {
	if l.place.Cluster == nil {
		return nil
	}
	var err error
	l.remote, err = hdfs.New(hdfs.Options{
		Cluster: *l.place.Cluster, User: os.Getenv("HADOOP_USER_NAME"), Log: l.root.Named("SPOT.INGEST.HDFS"), Patience: min(awayAtOnce, hdfsPatience),
	})
	if err != nil {
		return err
	}
	return l.makeSpool()
}

// makeSpool makes the folder in which files are written that then are uploaded.
func (l *listener) makeSpool() (err error) {
	staging := l.staging
	if _, err := os.Stat(staging); errors.Is(err, fs.ErrNotExist) {
		// The configuration may be the collector's, whose host this is not.
		staging = os.TempDir()
		l.log.Info("The local_staging %q is not on this host: using %q.", l.staging, staging)
	}
	l.spool, err = openSpool(staging, l.pipeline.Name)
	return err
}

// respool makes a spool in place of one that somebody has removed.
func (l *listener) respool() error {
	if err := l.spool.close(); err != nil {
		l.log.Debug("local staging: %v", err)
	}
	if err := l.makeSpool(); err != nil {
		return err
	}
	return l.openWarehouse()
}
