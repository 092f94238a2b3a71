package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"spot-ingest/listener/internal/consume"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse/commitlog"
)

// checkBadRows returns an error once more rows were set aside than --bad-row-limit allows.
// n is how many of the batch were set aside so far.
func (l *listener) checkBadRows(n int64) error {
	if l.args.BadRowLimit < 0 {
		return nil
	}
	if n += l.total.BadRows + l.total.BadMessages; n > int64(l.args.BadRowLimit) {
		return fmt.Errorf("%d rows or messages can't be stored, more than --bad-row-limit %d: the last batch was not committed, its messages are read again at the next start", n, l.args.BadRowLimit)
	}
	return nil
}

// commit makes the batch's rows visible, all or none.
func (l *listener) commit(ctx context.Context, gen *consume.Generation, b *batch) error {
	if b.empty() {
		return nil
	}
	if err := l.checkBadRows(b.setAside()); err != nil {
		return err
	}
	files, err := b.files.Finish(len(l.workers))
	if err == nil {
		err = l.upload(ctx, gen, files)
	}
	if err != nil {
		return &storeError{err}
	}
	if err = l.verify(ctx, gen, b.checks()); err == nil {
		err = l.record(gen, b.commit(files), b.files.Hours())
	}
	if err != nil && !errors.As(err, new(*commitlog.UnfinishedError)) {
		l.retract(files)
	}
	return err
}

// record commits what is in staging and verified: the record in the log decides.
func (l *listener) record(gen *consume.Generation, c *commitlog.Commit, hours []table.Hour) error {
	err := l.commits.Commit(c)
	var unfinished *commitlog.UnfinishedError
	switch {
	case errors.Is(err, commitlog.ErrStale):
		return err
	case err != nil && !errors.As(err, &unfinished):
		return &storeError{err}
	case unfinished != nil && unfinished.Doubtful:
		l.owe(hours)
		return &storeError{err}
	}
	l.total.add(c)
	l.report(c, hours)
	if unfinished != nil {
		l.owe(hours)
		return &storeError{unfinished}
	}
	l.register(hours)
	// The log alone decides where to go on, so a failure costs nothing.
	if err := l.commitOffsets(gen, c.Parts); err != nil {
		l.log.Debug("%v. The commit log has them.", err)
	}
	return nil
}

// verifyTime bounds how long Kafka is asked about a batch, or its files are uploaded, once the
// listener is to stop, or the partitions are taken away.
const verifyTime = 10 * time.Second

// An unverifiedError says that Kafka did not answer before a batch was committed.
type unverifiedError struct{ err error }

func (e *unverifiedError) Error() string {
	return "Kafka did not tell whether the topic is still the same: " + e.err.Error()
}
func (e *unverifiedError) Unwrap() error { return e.err }

// verify makes sure that the topic is still the one that the batch's messages belong to. If
// it was deleted and made again while nobody looked, some of them may be of the old one, and
// the first of the new one are missing.
func (l *listener) verify(ctx context.Context, gen *consume.Generation, checks []check) error {
	limited, cancel := l.patient(ctx, gen, l.args.Once)
	defer cancel()
	return each(checks, func(c *check) error {
		err := l.kafka.Verify(limited, c.partition, c.before)
		switch {
		case errors.As(err, new(*consume.ReplacedError)):
			return err // where reading begins again it is said what to do
		case errors.As(err, new(*consume.OutOfRangeError)):
			// Messages may be deleted once they are read. If the topic is shorter now, all
			// that was read is of the old one; what comes next shows it.
			return nil
		case err != nil:
			return &unverifiedError{err}
		}
		return nil
	})
}

// patient returns a context for what a batch waits for before it can be committed. It ends
// some time after ctx or the generation has, and if it is bounded after a minute in any case.
func (l *listener) patient(ctx context.Context, gen *consume.Generation, bounded bool) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithCancel(context.Background())
	go func() {
		var patience <-chan time.Time
		if bounded {
			patience = time.After(awayAtOnce)
		}
		select {
		case <-ctx.Done():
			patience = time.After(verifyTime)
		case <-gen.Done():
			patience = time.After(verifyTime)
		case <-patience:
			cancel()
		case <-limited.Done():
			return
		}
		select {
		case <-patience:
			cancel()
		case <-limited.Done():
		}
	}()
	return limited, cancel
}

// maxHours is how many partitions of a batch are named in the log.
const maxHours = 100

// report logs what was committed, first in the words that people look for.
func (l *listener) report(c *commitlog.Commit, hours []table.Hour) {
	if c.Counts.Rows > 0 {
		l.log.Info("Received %s from topic. [Rows: %d]", segmentsOf[l.kind], c.Counts.Rows)
		for i, hour := range hours {
			if i == maxHours {
				l.log.Info("… and for %d more.", len(hours)-maxHours)
				break
			}
			l.log.Info("Create distributed collection for partition \"%s\".", hour)
		}
		l.log.Info(" *** REGISTRATION COMPLETED *** ")
	}
	if n := c.Counts.BadRows + c.Counts.BadMessages; n > 0 {
		l.log.Warning("Set aside %d rows and %d messages that the table can't take. [%s]", c.Counts.BadRows, c.Counts.BadMessages, path.Join(l.folder, c.Files[len(c.Files)-1].Final))
	}
	l.log.Info("Committed %d rows of %d messages in %d files. [Record: %d, Repeats: %d]", c.Counts.Rows, c.Counts.Messages, tableFiles(c), l.commits.Number(), c.Counts.Repeats)
}

// offsetsTime bounds the commit of offsets to Kafka.
const offsetsTime = 10 * time.Second

// commitOffsets tells Kafka how far the log has come, for those who watch the group's lag.
func (l *listener) commitOffsets(gen *consume.Generation, parts []commitlog.Part) error {
	ctx, cancel := context.WithTimeout(context.Background(), offsetsTime)
	defer cancel()
	offsets := make(map[int]int64, len(parts))
	for _, p := range parts {
		offsets[p.Partition] = p.Next
	}
	return gen.Commit(ctx, offsets, metadata(l.commits.Warehouse(), l.commits.Number()))
}
