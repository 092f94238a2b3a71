package consume

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"spot-ingest/pkg/logging"
)

// An outage is what does not work at the moment. Its beginning and its end are one line
// each in the log, however many attempts lie between them and whoever makes them.
type outage struct {
	log        *logging.Logger
	patience   time.Duration
	begin, end string

	mu     sync.Mutex
	tries  map[string]int // failed in a row, by what was tried
	warned bool
	since  time.Time
}

func newOutage(log *logging.Logger, patience time.Duration, begin, end string) *outage {
	return &outage{log: log, patience: patience, begin: begin, end: end, tries: make(map[string]int)}
}

// failed notes that what was tried did not work. It is said when that happens again after
// some time: that an idle connection was cut, or that a partition's leader has moved, is
// nothing to warn of.
func (o *outage) failed(what string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.tries) == 0 && !o.warned {
		o.since = time.Now()
	}
	o.tries[what]++
	if o.tries[what] < 2 || time.Since(o.since) < o.patience || o.warned {
		o.log.Debug("%s (%s, attempt %d): %v", o.begin, what, o.tries[what], err)
		return
	}
	o.warned = true
	o.log.Warning("%s (%s): %v. Trying on until it works", o.begin, what, err)
}

// worked notes that what was tried works.
func (o *outage) worked(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.tries, what)
	if len(o.tries) == 0 && o.warned {
		o.warned = false
		o.log.Info("%s, after %s", o.end, time.Since(o.since).Round(time.Millisecond))
	}
}

// forget notes that something is not tried any more. Whether it works again is for others
// to find out.
func (o *outage) forget(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.tries, what)
}

func (c *Consumer) failed(what string, err error) {
	if aboutTopic(err) {
		c.away.forget(what)
		c.unready.failed(what, err)
		return
	}
	c.away.failed(what, err)
}

func (c *Consumer) answered(what string) {
	c.away.worked(what)
	c.unready.worked(what)
}

func (c *Consumer) forget(what string) {
	c.away.forget(what)
	c.unready.forget(what)
}

// pause waits between attempt n, from 0, and the next one.
func (t timing) pause(ctx context.Context, n int) error {
	timer := time.NewTimer(t.delay(n))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// delay doubles with each attempt; it varies, so that many members don't come all at once.
func (t timing) delay(n int) time.Duration {
	d := min(t.minPause<<min(n, 16), t.maxPause)
	return d*3/4 + rand.N(d/2)
}

// aboutTopic tells errors of a partition from those of brokers.
func aboutTopic(err error) bool {
	return is(err, kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable, kafka.NotLeaderForPartition,
		kafka.ReplicaNotAvailable, kafka.OffsetNotAvailable, kafka.KafkaStorageError, kafka.FencedLeaderEpoch,
		kafka.UnknownLeaderEpoch, kafka.OffsetOutOfRange, kafka.TopicAuthorizationFailed)
}

// final tells whether no waiting mends an error.
func final(err error) bool {
	var outOfRange *OutOfRangeError
	var replaced *ReplacedError
	return errors.Is(err, ErrNoTopic) || errors.Is(err, ErrNotFound) ||
		errors.As(err, &outOfRange) || errors.As(err, &replaced) ||
		is(err, kafka.InconsistentGroupProtocol, kafka.InvalidGroupId, kafka.InvalidSessionTimeout)
}

func is(err error, codes ...kafka.Error) bool {
	var code kafka.Error
	if !errors.As(err, &code) {
		return false
	}
	for _, c := range codes {
		if code == c {
			return true
		}
	}
	return false
}
