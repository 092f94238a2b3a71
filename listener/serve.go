package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// run reads until ctx ends or, with --once, until the messages that were there at the start
// are committed. What was received when ctx ends is committed as well.
func (l *listener) run(ctx context.Context) error {
	defer l.close()
	wait := firstRetry
	if l.args.Once {
		defer l.summarize()
	}
	for ctx.Err() == nil {
		gen, err := l.join(ctx)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return err
		}
		l.log.Info("Partitions of topic \"%s\" that this listener reads: %s.", l.topic, numbers(gen.Partitions))
		before := l.total.batches
		done, err := l.generation(ctx, gen)
		gen.End() // others may take the partitions, also while this one waits
		if done {
			return l.endRegistrar()
		}
		if l.total.batches > before {
			wait = firstRetry
		}
		if err := l.mind(ctx, err, wait); err != nil {
			return err
		}
		if waited(err) {
			wait = min(2*wait, lastRetry)
		}
	}
	l.log.Info("Stopped: %s.", &l.total)
	if l.args.Once {
		return errStopped
	}
	return nil
}

// errStopped is the end of --once by a signal.
var errStopped = errors.New("stopped before all messages were read that were there")

// waited tells whether mind has waited because of an error that may take long.
func waited(err error) bool {
	return errors.As(err, new(*storeError)) || errors.As(err, new(*unverifiedError))
}

// summarize ends a single run: with a table, or a record if the log is for a machine.
func (l *listener) summarize() {
	if l.args.JSONLogs {
		l.log.Info("Summary: %s.", &l.total)
		return
	}
	fmt.Fprint(os.Stdout, l.total.table())
}

// join waits for the group to give out partitions; with --once, for a while.
func (l *listener) join(ctx context.Context) (gen *consume.Generation, err error) {
	err = l.ask(ctx, func(ctx context.Context) (err error) {
		gen, err = l.kafka.Next(ctx)
		return err
	})
	return gen, err
}

const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// mind returns the errors that stop the listener. For others it waits, if that helps.
func (l *listener) mind(ctx context.Context, err error, wait time.Duration) error {
	switch {
	case err == nil, errors.Is(err, consume.ErrRebalance):
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()): // stopped before it had begun to read
		return nil
	case errors.Is(err, consume.ErrLost):
		l.log.Warning("%v: joining it again.", err)
		return nil
	case errors.Is(err, commitlog.ErrStale):
		// A member that the group holds for dead may find that others went on.
		l.log.Warning("Dropped a batch, nothing of it was stored: %v.", err)
		return nil
	case errors.As(err, new(*consume.OutOfRangeError)), errors.As(err, new(*consume.ReplacedError)):
		// What to do about it is decided, and said, where reading begins again.
		l.log.Warning("%v. Looking at it again in %v.", err, wait)
		sleep(ctx, wait)
		return nil
	case errors.As(err, new(*unverifiedError)) && !l.args.Once:
		l.log.Warning("%v: dropped a batch, its messages are read again.", err)
		sleep(ctx, wait)
		return nil
	case errors.Is(err, commitlog.ErrTaken):
		l.log.Warning("%v. Nothing is lost: opening the commit log again.", err)
		return l.reopen(ctx)
	case errors.As(err, new(*storeError)) && l.remote != nil && !l.staged():
		// Others have taken it, and before it could be noticed a file was to be written there.
		l.log.Warning("%v. The folder %s is gone. Nothing is lost: opening the commit log again.", err, l.commits.Staging())
		return l.reopen(ctx)
	case errors.As(err, new(*storeError)) && l.spool.gone():
		l.log.Warning("%v. The folder %s is gone. Nothing is lost: making another one.", err, l.spool.folder)
		return l.respool()
	case errors.As(err, new(*storeError)) && !l.staged():
		return fmt.Errorf("%w: the folder %s was removed while the listener ran: start it again", err, l.commits.Staging())
	case errors.As(err, new(*storeError)) && !l.args.Once:
		l.log.Error("%v. Nothing is lost; trying again in %v.", err, wait)
		sleep(ctx, wait)
		return nil
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// staged tells whether the staging folder is there. On a local file system it is not made
// again while the listener runs: what it held may have been committed.
func (l *listener) staged() bool {
	_, err := l.files.Stat(l.commits.Staging())
	return !errors.Is(err, fs.ErrNotExist)
}

// A storeError is a failure to write into the warehouse, such as a full disk. It passes, or
// somebody makes it pass.
type storeError struct{ err error }

func (e *storeError) Error() string { return "store rows: " + e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// generation reads from the log's positions and commits batch after batch, until the group
// takes the partitions away. done tells that nothing is left to do for --once. The error is
// never nil otherwise, unless ctx ended.
func (l *listener) generation(ctx context.Context, gen *consume.Generation) (done bool, err error) {
	positions, err := l.positions(ctx, gen)
	if err != nil {
		return false, err
	}
	begin := make(map[int]consume.Position, len(positions))
	for p, at := range positions {
		begin[p] = consumePosition(at)
	}
	messages := make(chan *consume.Message)
	gen.Start(begin, messages)
	for {
		b := newBatch(l.topic, l.house.Batch(l.fileName()), l.workers)
		end, err := l.gather(ctx, gen, messages, b, positions)
		if werr := b.wait(); werr != nil && err == nil {
			err = &storeError{werr}
		}
		if err == nil {
			err = l.commit(ctx, gen, b)
		}
		if err != nil {
			if !errors.As(err, new(*commitlog.UnfinishedError)) {
				b.files.Abandon()
			}
			return false, err
		}
		for p, part := range b.parts {
			positions[p] = part.Position
		}
		switch end {
		case whenRead:
			return l.others(ctx, gen)
		case whenOver:
			if ctx.Err() != nil {
				return false, nil
			}
			return false, gen.Err()
		}
	}
}

// others waits until the other members of the group have committed what they were given of
// the messages that --once is to read.
func (l *listener) others(ctx context.Context, gen *consume.Generation) (done bool, err error) {
	look := time.NewTicker(firstRetry)
	defer look.Stop()
	record, since := l.commits.Number(), time.Now()
	for {
		if err := l.commits.Refresh(); err != nil {
			return false, &storeError{err}
		}
		behind := l.behind()
		if behind == nil {
			l.log.Info("All messages that were there are read.")
			return true, nil
		}
		if n := l.commits.Number(); n != record {
			record, since = n, time.Now()
		}
		if time.Since(since) > awayAtOnce+l.batchTime() {
			return false, fmt.Errorf("other listeners of group %q have not read all messages that were there: partitions %s", l.group(), numbers(behind))
		}
		select {
		case <-look.C:
		case <-gen.Done():
			return false, gen.Err()
		case <-ctx.Done():
			return false, nil
		}
	}
}

// behind returns the partitions of which the log does not hold all that --once is to read.
func (l *listener) behind() []int {
	var behind []int
	for p, end := range l.ends {
		if at, _ := l.commits.Position(p); at.Next < end {
			behind = append(behind, p)
		}
	}
	slices.Sort(behind)
	return behind
}
