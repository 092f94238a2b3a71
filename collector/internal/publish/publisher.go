// Package publish brings segments to Kafka: several in flight, retried while Kafka is
// away, set down in local staging as CSV when that lasts, and sent again from there.
package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/pkg/broker"
	"spot-ingest/pkg/logging"
)

const (
	inFlight       = 6                // segments sent at the same time
	attemptTimeout = 30 * time.Second // for one acknowledgement
	patience       = 10 * time.Second // of failures before Kafka counts as away
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = 2 * time.Second
)

// An Outcome is what became of a segment.
type Outcome int

const (
	Acked    Outcome = iota // all in-sync replicas have it, and the ledger knows
	Away                    // Kafka is away; set down in staging if there was room
	Rejected                // can never be sent; set aside with its reason
	Stopped                 // the collector stops; it goes out at the next start
)

// A Publisher sends segments to one topic. It may be used from several goroutines.
type Publisher struct {
	Client  *broker.Client
	Ledger  *ledger.Ledger
	Staging string // folder of spooled segments
	Log     *logging.Logger
	// Acked is called with the number of rows of each segment that is acknowledged.
	Acked func(rows int)

	buffers  *pool
	rejects  rejects
	topic    atomic.Pointer[broker.Topic]
	slots    chan struct{}
	mu       sync.Mutex
	away     chan struct{} // closed while Kafka is away
	up       chan struct{} // closed while it isn't
	retry    time.Duration
	patience time.Duration
}

// New returns a publisher for a topic as Client described it. workers is how many files
// are cut at the same time, each of which fills a buffer; limit is the size of a segment,
// in bytes.
func New(client *broker.Client, topic broker.Topic, l *ledger.Ledger, staging string, workers, limit int, log *logging.Logger) (*Publisher, error) {
	p := &Publisher{
		Client:   client,
		Ledger:   l,
		Staging:  staging,
		Log:      log,
		buffers:  newPool(inFlight+workers, limit),
		slots:    make(chan struct{}, inFlight),
		away:     make(chan struct{}),
		up:       make(chan struct{}),
		retry:    time.Second,
		patience: patience,
	}
	if err := p.rejects.open(l.Folder()); err != nil {
		return nil, err
	}
	p.topic.Store(&topic)
	close(p.up)
	return p, nil
}

// Topic is what the topic was like when Kafka last answered.
func (p *Publisher) Topic() broker.Topic { return *p.topic.Load() }

// Submit sends a segment in the background and calls done with its outcome, after which
// the segment's buffer is released. It blocks while too many are in flight. When
// ctx ends, attempts under way are given up.
func (p *Publisher) Submit(ctx context.Context, s *Segment, done func(Outcome)) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		p.Release(s.Value)
		done(Stopped)
		return
	}
	go func() {
		outcome := p.deliver(ctx, s)
		p.Release(s.Value)
		<-p.slots
		done(outcome)
	}()
}

// deliver sends a segment and records what became of it.
func (p *Publisher) deliver(ctx context.Context, s *Segment) Outcome {
	err := p.send(ctx, s)
	if err == nil {
		if err := p.Ledger.Ack(s.File, s.Number, s.ID); err != nil {
			p.Log.Error("segment-%d of %q: %v", s.Number, s.Source, err)
		}
		p.published(s)
		return Acked
	}
	if ctx.Err() != nil {
		return Stopped
	}
	p.Log.Error("%v", err)
	s.Log.Error("Failed to publish segment-%d to Kafka cluster.", s.Number)
	if IsFinal(err) {
		p.reject(s, err)
		return Rejected
	}
	if path, err := p.store(s); err != nil {
		s.Log.Error("Segment-%d could not be stored to local staging area and will be made again from its file: %v", s.Number, err)
	} else {
		s.Log.Info("Store segment-%d to local staging area as %q.", s.Number, path)
	}
	p.SetAway(err)
	return Away
}

func (p *Publisher) published(s *Segment) {
	s.Log.Info("Published segment-%d to Kafka cluster. [Topic: %s, Partition: %d]", s.Number, p.Topic().Name, s.Partition)
	if p.Acked != nil {
		p.Acked(s.Rows)
	}
}

// send tries until the segment is acknowledged, refused for ever, or Kafka counts as away.
func (p *Publisher) send(ctx context.Context, s *Segment) error {
	a := attempt{p: p, s: s, timeMS: s.TimeMS, headers: s.headers()}
	var since time.Time // of the first failure
	for backoff := firstBackoff; ; backoff = min(2*backoff, longestBackoff) {
		err := a.try(ctx)
		switch {
		case err == nil || errors.Is(err, errTooLarge):
			return err
		case broker.BadTime(err) && a.timeMS == s.TimeMS:
			a.timeMS = time.Now().UnixMilli()
			p.Log.Warning("Kafka refuses the time stamp of segment-%d of %q (%s); it is sent with the present time.",
				s.Number, s.Source, time.UnixMilli(s.TimeMS).UTC().Format(time.RFC3339))
			continue
		case broker.TooLarge(err) && len(a.headers) > 0:
			a.headers = a.headers[1:]
			continue
		case broker.Refused(err):
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if time.Since(since) >= p.patience {
			return err
		}
		select {
		case <-time.After(backoff):
		case <-p.awayNow(): // others have waited long enough
			return err
		case <-ctx.Done():
			return err
		}
	}
}

var errTooLarge = errors.New("larger than the topic's max.message.bytes")

// An attempt is a segment with the time stamp and the headers that it can be sent with.
type attempt struct {
	p       *Publisher
	s       *Segment
	timeMS  int64
	headers []broker.Header
}

func (a *attempt) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	topic := a.p.Topic()
	if !topic.Headers {
		_, err := a.p.Client.ProduceOld(ctx, topic.Name, a.s.Partition, a.timeMS, a.s.Value.Bytes())
		return err
	}
	batch, err := a.encode(topic.MaxBatchBytes)
	if err != nil {
		return err
	}
	_, err = a.p.Client.Produce(ctx, topic.Name, a.s.Partition, batch)
	return err
}

// encode frames the segment, without those headers that make it too large for the topic.
func (a *attempt) encode(limit int) ([]byte, error) {
	for {
		buf, start := a.s.Value.Buffer()
		batch, err := broker.EncodeBatch(buf, start, a.timeMS, a.headers, a.p.Client.Codec())
		if err != nil || limit == 0 || len(batch) <= limit {
			return batch, err
		}
		if len(a.headers) == 0 {
			return nil, fmt.Errorf("segment-%d of %q: a record batch of %d bytes is %w (%d)", a.s.Number, a.s.Source, len(batch), errTooLarge, limit)
		}
		a.headers = a.headers[1:]
	}
}

// Expired tells whether the topic's retention deletes records of that time stamp.
func (p *Publisher) Expired(timeMS int64) bool {
	retention := p.Topic().Retention
	return retention > 0 && time.Since(time.UnixMilli(timeMS)) > retention
}

// PartitionOf returns the partition of a segment: its id modulo the count that was planned
// with, or modulo the topic's if it was made anew with fewer.
func (p *Publisher) PartitionOf(id [16]byte, planned int) int {
	return PartitionOf(id, min(planned, p.Topic().Partitions))
}
