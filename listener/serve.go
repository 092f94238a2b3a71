package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
		defer func() { fmt.Fprint(os.Stdout, l.total.table()) }()
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
			return nil
		}
		if l.total.batches > before {
			wait = firstRetry
		}
		if err := l.mind(ctx, err, wait); err != nil {
			return err
		}
		if !errors.Is(err, consume.ErrRebalance) { // which is nothing that went wrong
			wait = min(2*wait, lastRetry)
		}
	}
	l.log.Info("Stopped: %s.", &l.total)
	return nil
}

// join waits for the group to give out partitions; with --once, for a while.
func (l *listener) join(ctx context.Context) (*consume.Generation, error) {
	if l.args.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, awayAtOnce)
		defer cancel()
	}
	return l.kafka.Next(ctx)
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
			err = l.commit(gen, b)
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
			l.log.Info("All messages that were there are read.")
			return true, nil
		case whenOver:
			if ctx.Err() != nil {
				return false, nil
			}
			return false, gen.Err()
		}
	}
}

// An ending is why a batch ended.
type ending int

const (
	whenDue  ending = iota // its time is up, or it is large enough
	whenRead               // --once: nothing is left to read
	whenOver               // the partitions are taken away, or the listener stops
)

// rollCheck is how often the size of files is looked at.
const rollCheck = 200 * time.Millisecond

// gather adds messages to the batch until it is to be committed. An error is one after which
// it must not be.
func (l *listener) gather(ctx context.Context, gen *consume.Generation, messages <-chan *consume.Message, b *batch, positions map[int]commitlog.Position) (ending, error) {
	if l.read(b, positions) {
		return whenRead, nil
	}
	idle := time.NewTicker(l.conf.Batch)
	defer idle.Stop()
	stalled := time.NewTimer(awayAtOnce)
	defer stalled.Stop()
	if !l.args.Once {
		stalled.Stop()
	}
	var due, roll <-chan time.Time
	for {
		select {
		case m := <-messages:
			if l.args.Once {
				stalled.Reset(awayAtOnce)
			}
			if due == nil {
				timer := time.NewTimer(l.batchTime())
				defer timer.Stop()
				due = timer.C
				if l.conf.RollBytes > 0 {
					ticker := time.NewTicker(rollCheck)
					defer ticker.Stop()
					roll = ticker.C
				}
			}
			b.add(m, positions[m.Partition], l.commits.Known)
			if err := l.checkBadRows(b); err != nil {
				return whenOver, err
			}
			if l.read(b, positions) {
				return whenRead, nil
			}
			if len(b.segments) >= maxSegments || b.files.Full() {
				return whenDue, nil
			}
		case <-roll:
			if b.files.Largest() >= l.conf.RollBytes {
				return whenDue, nil
			}
		case <-due:
			return whenDue, nil
		case <-idle.C:
			if b.empty() {
				l.log.Info(" ---- LISTENING KAFKA TOPIC: %s ---- ", l.topic)
			}
		case <-stalled.C:
			return whenOver, fmt.Errorf("no message came for %v, although there are some to read: Kafka is away, or a transaction of the topic stays open", awayAtOnce)
		case <-b.failed:
			return whenOver, nil // wait returns its error
		case <-gen.Done():
			return whenOver, nil
		case <-ctx.Done():
			return whenOver, nil
		}
	}
}

// read tells whether all that --once is to read has been read.
func (l *listener) read(b *batch, positions map[int]commitlog.Position) bool {
	if !l.args.Once {
		return false
	}
	for p, at := range positions {
		if part := b.parts[p]; part != nil {
			at = part.Position
		}
		if at.Next < l.ends[p] {
			return false
		}
	}
	return true
}

// batchTime is how long a batch goes on after its first message.
func (l *listener) batchTime() time.Duration {
	switch {
	case l.conf.RollTime > 0:
		return max(l.conf.RollTime, l.conf.Batch)
	case l.conf.RollBytes > 0:
		return max(defaultRollTime, l.conf.Batch)
	}
	return l.conf.Batch
}

// defaultRollTime closes files that never reach file_roll_bytes.
const defaultRollTime = time.Hour

// checkBadRows returns an error once more rows were set aside than --bad-row-limit allows.
func (l *listener) checkBadRows(b *batch) error {
	if l.args.BadRowLimit < 0 {
		return nil
	}
	if n := l.total.BadRows + l.total.BadMessages + b.setAside(); n > int64(l.args.BadRowLimit) {
		return fmt.Errorf("%d rows or messages can't be stored, more than --bad-row-limit %d: the last batch was not committed, its messages are read again at the next start", n, l.args.BadRowLimit)
	}
	return nil
}

// commit makes the batch's rows visible, all or none.
func (l *listener) commit(gen *consume.Generation, b *batch) error {
	if b.empty() {
		return nil
	}
	if err := l.checkBadRows(b); err != nil {
		return err
	}
	files, err := b.files.Finish(len(l.workers))
	if err != nil {
		return &storeError{err}
	}
	c := b.commit(files)
	err = l.commits.Commit(c)
	var unfinished *commitlog.UnfinishedError
	switch {
	case errors.Is(err, commitlog.ErrStale):
		return err
	case err != nil && !errors.As(err, &unfinished), unfinished != nil && unfinished.Doubtful:
		return &storeError{err}
	}
	l.total.add(c)
	l.report(b, c)
	if unfinished != nil {
		return &storeError{unfinished}
	}
	l.commitOffsets(gen, c.Parts)
	return nil
}

// report logs what was committed, first in the words that people look for.
func (l *listener) report(b *batch, c *commitlog.Commit) {
	if c.Counts.Rows > 0 {
		l.log.Info("Received %s from topic. [Rows: %d]", segmentsOf[l.kind], c.Counts.Rows)
		for _, hour := range b.files.Hours() {
			l.log.Info("Create distributed collection for partition \"%s\".", hour)
		}
		l.log.Info(" *** REGISTRATION COMPLETED *** ")
	}
	if n := c.Counts.BadRows + c.Counts.BadMessages; n > 0 {
		l.log.Warning("Set aside %d rows and %d messages that the table can't take. [%s]", c.Counts.BadRows, c.Counts.BadMessages, filepath.Join(l.folder, c.Files[len(c.Files)-1].Final))
	}
	l.log.Info("Committed %d rows of %d messages in %d files. [Record: %d, Repeats: %d]", c.Counts.Rows, c.Counts.Messages, tableFiles(c), l.commits.Number(), c.Counts.Repeats)
}

// offsetsTime bounds the commit of offsets to Kafka.
const offsetsTime = 10 * time.Second

// commitOffsets tells Kafka how far the log has come, for those who watch the group's lag.
// The log alone decides where to go on, so a failure costs nothing.
func (l *listener) commitOffsets(gen *consume.Generation, parts []commitlog.Part) {
	ctx, cancel := context.WithTimeout(context.Background(), offsetsTime)
	defer cancel()
	offsets := make(map[int]int64, len(parts))
	for _, p := range parts {
		offsets[p.Partition] = p.Next
	}
	if err := gen.Commit(ctx, offsets, metadata(l.commits.Warehouse(), l.commits.Number())); err != nil {
		l.log.Debug("The group's offsets were not committed to Kafka: %v. The commit log has them.", err)
	}
}
