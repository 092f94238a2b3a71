package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Message reads one message. The error wraps ErrNotFound if there is none at the offset: it
// was deleted, taken away by compaction, or never written.
func (c *Consumer) Message(ctx context.Context, partition int, offset int64) (*Message, error) {
	var m *Message
	err := c.retry(ctx, fmt.Sprintf("partition %d", partition), func(ctx context.Context) (err error) {
		m, err = c.message(ctx, partition, offset)
		return err
	})
	return m, err
}

func (c *Consumer) message(ctx context.Context, partition int, offset int64) (*Message, error) {
	leaders, err := c.leaders(ctx)
	if err != nil {
		return nil, err
	}
	leader, ok := leaders[partition]
	if !ok || leader < 0 {
		return nil, kafka.LeaderNotAvailable
	}
	notFound := fmt.Errorf("partition %d, offset %d: %w", partition, offset, ErrNotFound)
	// Since Kafka 0.10.1 a whole batch comes however little is asked for; before it, the
	// answer tells how much is needed.
	for size := minFetch; ; {
		answer, err := c.fetch(&fetchRequest{
			ctx: ctx, broker: int32(leader), maxBytes: size, parts: []fetchPart{{partition, offset, size}},
		})
		if err != nil {
			return nil, err
		}
		if len(answer.parts) != 1 {
			return nil, errors.New("fetch: no answer for the partition")
		}
		a := answer.parts[0]
		switch {
		case is(a.err, kafka.OffsetOutOfRange), a.err == nil && len(a.records) == 0:
			return nil, notFound
		case a.err != nil:
			return nil, a.err
		}
		m, need, err := find(a.records, partition, offset)
		switch {
		case err != nil || m != nil:
			return m, err
		case need <= size:
			return nil, notFound
		}
		size = need
	}
}

// find returns the message at an offset, if it is in the first batches.
func find(b []byte, partition int, offset int64) (m *Message, need int, err error) {
	for len(b) > 0 {
		v, rest, need, err := nextBatch(b)
		if err != nil || need > 0 {
			return nil, need, err
		}
		b = rest
		if v.last < offset {
			continue
		}
		return v.find(partition, offset), 0, nil
	}
	return nil, 0, nil
}

func (v *batch) find(partition int, offset int64) *Message {
	unpacked, err := v.records, v.problem()
	if err == nil && v.codec != 0 {
		unpacked, err = unpack(v.codec, v.records)
	}
	var rs []record
	if err == nil {
		rs, err = v.appendRecords(nil, unpacked)
	}
	if err != nil {
		m := v.bad(partition, offset, err)
		return &m
	}
	for i := range rs {
		if rs[i].offset == offset && !v.control {
			m := rs[i].message(partition)
			return &m
		}
	}
	return nil
}

// Verify makes sure that reading can go on at a position: that the topic holds it, and that
// the message before it is still the one that was read, unless it was deleted meanwhile. The
// error is an *OutOfRangeError or a *ReplacedError if not.
func (c *Consumer) Verify(ctx context.Context, partition int, p Position) error {
	return c.retry(ctx, fmt.Sprintf("the position in partition %d", partition), func(ctx context.Context) error {
		return c.check(ctx, partition, p)
	})
}

func (c *Consumer) check(ctx context.Context, partition int, p Position) error {
	b, err := c.settled(ctx, partition, p.Next)
	if err != nil {
		return err
	}
	if p.Next < b.FirstOffset || p.Next > b.LastOffset {
		return &OutOfRangeError{Partition: partition, Next: p.Next, First: b.FirstOffset, End: b.LastOffset}
	}
	if p.Last < b.FirstOffset {
		return nil // none was read, or it was deleted since
	}
	m, err := c.message(ctx, partition, p.Last)
	if errors.Is(err, ErrNotFound) {
		return nil // compacted
	}
	if err != nil {
		return err
	}
	if m.Time != p.Time || m.CRC != p.CRC {
		return &ReplacedError{Partition: partition, Read: p, Time: m.Time, CRC: m.CRC}
	}
	return nil
}

// settled returns the first and the last offset. A leader that was just elected may not know
// yet how far the messages before it were acknowledged; it is given some time.
func (c *Consumer) settled(ctx context.Context, partition int, next int64) (kafka.PartitionOffsets, error) {
	until := time.Now().Add(c.o.timing.settle)
	for n := 0; ; n++ {
		o, err := c.offsets(ctx, partition, kafka.ReadUncommitted, kafka.FirstOffset, kafka.LastOffset)
		if err != nil || next <= o.LastOffset || time.Now().After(until) {
			return o, err
		}
		if err := c.o.timing.pause(ctx, n); err != nil {
			return o, err
		}
	}
}
