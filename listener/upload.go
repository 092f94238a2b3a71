package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

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

// uploadsAtOnce is how many files are sent at the same time.
const uploadsAtOnce = 4

// upload brings a batch's files from the spool to staging, all or none. It takes as long as
// data flow; where the batch is in the way of others, or the listener stops, it is given as
// much time as Kafka is.
func (l *listener) upload(ctx context.Context, gen *consume.Generation, files []commitlog.File) error {
	if l.spool == nil {
		return nil // written where they belong
	}
	limited, cancel := l.patient(ctx, gen, false)
	defer cancel()
	running := make(chan struct{}, uploadsAtOnce)
	var wait sync.WaitGroup
	var failed atomic.Pointer[error]
	for _, f := range files {
		running <- struct{}{}
		wait.Add(1)
		go func() {
			defer wait.Done()
			defer func() { <-running }()
			if err := l.uploadFile(limited, f); err != nil && failed.CompareAndSwap(nil, &err) {
				cancel() // the others would wait as long
			}
		}()
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		l.retract(files)
		return fmt.Errorf("bring a batch to %s: %w", l.commits.Staging(), *err)
	}
	return nil
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
