package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/collector/internal/watch"
	"spot-ingest/pkg/logging"

	"golang.org/x/sys/unix"
)

// A worker brings one file at a time to Kafka.
type worker struct {
	*collector
	log *logging.Logger
}

// A task is a job with its file opened: whatever happens to the file's name meanwhile,
// all that is read of text is read from here.
type task struct {
	job
	source *os.File
	fresh  bool // its plan was made just now: nothing went out by it before
}

// process sends what is to be sent of a file. It returns errStopped if the file goes on
// at the next start; any other error is a failure of the file.
func (w *worker) process(ctx, drain context.Context, j job) error {
	w.log.Info("Processing raw file %q...", filepath.Base(j.found.Path))
	source, err := openFound(j.found)
	if errors.Is(err, fs.ErrNotExist) {
		w.log.Warning("File %q is gone, or another one is at its place; it is taken up where it turns up again.", j.found.Path)
		return nil
	}
	if err != nil {
		return err
	}
	defer source.Close()
	t := &task{job: j, source: source}
	if done, err := w.sendSpooled(ctx, drain, t); done || err != nil {
		return err
	}
	if err := w.take(t); err != nil {
		return err
	}
	// A file has at most what was planned before, what was there at the first start, and
	// what has come since.
	sent := false
	for range 3 {
		more, err := w.plan(ctx, t)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := w.send(ctx, drain, t); err != nil {
			return err
		}
		sent = true
	}
	return w.finish(t, sent)
}

// openFound opens the file that was found, and no other that has taken its name since:
// that is fs.ErrNotExist.
func openFound(found watch.File) (*os.File, error) {
	f, err := os.OpenFile(found.Path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		f.Close()
		return nil, &os.PathError{Op: "fstat", Path: found.Path, Err: err}
	}
	if st.Ino != found.Inode {
		f.Close()
		return nil, &os.PathError{Op: "open", Path: found.Path, Err: fs.ErrNotExist}
	}
	return f, nil
}

// finish counts a file, and answers for one of which nothing was to be sent.
func (w *worker) finish(t *task, sent bool) error {
	waits := t.found.Size > t.file.Done
	switch {
	case sent:
		w.total.add(func(n *counts) { n.files++ })
	case t.file.Status != ledger.Pending:
	case t.file.Done > 0 && !waits: // it failed when it had grown, and is what it was again
		return w.ledger.Update(t.file, func(f *ledger.File) {
			if f.Status = ledger.Sent; f.Rows == 0 {
				f.Status = ledger.NoRows
			}
		})
	case waits:
		w.log.Info("File %q waits for the end of its line.", t.found.Path)
	default:
		w.log.Warning("File %q is empty.", t.found.Path)
		w.total.add(func(n *counts) { n.files++; n.empty++ })
		return w.ledger.Update(t.file, func(f *ledger.File) { f.Status = ledger.NoRows })
	}
	return nil
}

// take brings the ledger's entry of the file up to date before it is planned.
func (w *worker) take(t *task) error {
	if t.old != nil {
		if t.old.Status == ledger.Pending {
			w.log.Warning("File %q was written anew before all of it was sent; what was left of it is gone.", t.found.Path)
		}
		if err := w.ledger.Forget(t.old); err != nil {
			return err
		}
	}
	head := t.file.Head
	if head.Len == 0 {
		var err error
		if head, err = ledger.HeadPrint(t.source, t.found.Size); err != nil {
			return fmt.Errorf("read %s: %w", t.found.Path, err)
		}
	}
	return w.ledger.Update(t.file, func(f *ledger.File) {
		// A text file that was there at the first start and is renamed now, as rotation
		// does, was sent by the original at that moment.
		rotated := string(f.Path) != t.found.Path
		f.BaseWanted = f.Base > 0 && (f.BaseWanted || rotated || w.wanted(f))
		if f.BaseWanted && f.Done == f.Base && f.Plan == nil {
			f.BaseWanted, f.Base, f.Done = false, 0, 0 // nothing has been sent: it is a file like any other
		}
		if f.Status == ledger.New || f.Status == ledger.Failed || f.Status == ledger.Existing {
			f.Status = ledger.Pending
		}
		f.Path, f.Stat, f.Head, f.Absent = ledger.Name(t.found.Path), statOf(t.found), head, 0
	})
}

// send carries out a file's plan. While Kafka is away the file stays open and waits.
func (w *worker) send(ctx, drain context.Context, t *task) error {
	s, err := w.begin(ctx, t)
	if err != nil {
		return err
	}
	for {
		err := s.tryTwice(ctx, drain)
		if !errors.Is(err, errAway) {
			return s.end(err)
		}
		select {
		case <-w.kafka.Up():
		case <-ctx.Done():
			return errStopped
		}
	}
}
