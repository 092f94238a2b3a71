package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/hdfs"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/listener/internal/warehouse/parquet"
	"spot-ingest/pkg/cli"
	"spot-ingest/pkg/zone"
)

// open opens the commit log, and makes what writes the files.
func (l *listener) open(ctx context.Context) error {
	if err := l.openRemote(); err != nil {
		return err
	}
	if err := l.openLog(ctx); err != nil {
		return err
	}
	l.files = l.commits.FileSystem()
	if err := l.openWarehouse(); err != nil {
		return err
	}
	if err := l.makeTable(ctx); err != nil {
		return err
	}
	var partitions int
	var bounds map[int]consume.Bounds
	err := l.ask(ctx, func(ctx context.Context) (err error) {
		if partitions, err = l.kafka.Partitions(ctx); err == nil && l.args.Once {
			bounds, err = l.kafka.Bounds(ctx, upTo(partitions))
		}
		return err
	})
	if err != nil {
		return err
	}
	if l.args.Partitions > partitions {
		l.log.Info("-p is %d, but topic %q has %d partitions: that does no harm.", l.args.Partitions, l.topic, partitions)
	}
	l.ends = make(map[int]int64, len(bounds))
	for p, b := range bounds {
		l.ends[p] = b.Stable
	}
	l.startRegistrar()
	return nil
}

// openLog opens the commit log, on whatever file system it is.
func (l *listener) openLog(ctx context.Context) error {
	o := commitlog.Options{
		Folder: l.folder, TableFolder: l.place.table(l.kind), Table: string(l.kind), Topic: l.topic, Group: l.group(),
		Now: time.Now, Logger: l.root.Named("SPOT.INGEST.COMMITLOG"), Fault: fault,
	}
	open := func(context.Context) error {
		opened, err := commitlog.Open(o)
		if err == nil {
			l.commits = opened
		}
		return err
	}
	if l.remote == nil {
		return open(ctx)
	}
	o.FileSystem = l.remote
	return l.insist(ctx, "HDFS", !l.args.Once, awayAtOnce, open, hdfs.Passes)
}

// reopen opens the commit log again, of which another listener has taken the staging folder:
// this one was stopped for so long that it was held for dead.
func (l *listener) reopen(ctx context.Context) error {
	if err := l.commits.Close(); err != nil {
		l.log.Debug("%v", err)
	}
	err := l.openLog(ctx)
	if ctx.Err() != nil {
		return nil // stopped while it waited for HDFS
	}
	return err
}

// openWarehouse makes what writes the files.
func (l *listener) openWarehouse() error {
	codec, err := parquet.ParseCodec(l.conf.Compression)
	if err != nil {
		return err
	}
	local := zone.Load(zone.Local())
	if local == nil {
		return fmt.Errorf("TZ %q is in no time zone database: the table has local times, name a zone as Europe/Berlin", zone.Local())
	}
	folder := l.commits.Staging()
	if l.spool != nil {
		folder = l.spool.folder
	}
	t := table.Of(l.kind)
	l.house = warehouse.New(warehouse.Options{
		Table: t, Folder: folder, Codec: codec, CreatedBy: "spot-ingest version " + cli.Release(),
		RowGroup: rowGroup, Memory: bufferMemory, OpenFiles: openFiles,
	})
	// More workers than processors would only take memory.
	l.workers = nil
	for range min(l.args.Partitions, runtime.GOMAXPROCS(0)) {
		l.workers = append(l.workers, newWorker(t, t.NewParser(local)))
	}
	return nil
}

// fault, if set, is called at each step of a commit; tests of crashes set it.
var fault func(step string) error

func (l *listener) close() {
	if l.kafka != nil {
		l.kafka.Close()
	}
	if l.commits != nil {
		if err := l.commits.Close(); err != nil {
			l.log.Warning("%v", err)
		}
	}
	if l.spool != nil {
		if err := l.spool.close(); err != nil {
			l.log.Warning("local staging: %v", err)
		}
	}
	if err := l.endRegistrar(); err != nil {
		l.log.Warning("%v", err)
	}
}
