package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// The questions to the cluster wait, like everything here, until it answers.

// leaders returns the brokers that lead the topic's partitions; -1 for none. kafka-go
// answers from what it has last heard, some seconds ago at most while brokers are there.
func (c *Consumer) leaders(ctx context.Context) (map[int]int, error) {
	meta, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.o.Topic}})
	if err != nil {
		return nil, err
	}
	leaders := make(map[int]int)
	for _, t := range meta.Topics {
		if t.Error != nil {
			return nil, t.Error
		}
		for _, p := range t.Partitions {
			leaders[p.ID] = p.Leader.ID
			if p.Leader.Host == "" {
				leaders[p.ID] = -1 // kafka-go's word for a leader that isn't among the brokers
			}
		}
	}
	if len(leaders) == 0 {
		return nil, kafka.UnknownTopicOrPartition
	}
	return leaders, nil
}

// Partitions returns how many partitions the topic has.
func (c *Consumer) Partitions(ctx context.Context) (int, error) {
	var n int
	err := c.retry(ctx, "topic", func(ctx context.Context) error {
		leaders, err := c.leaders(ctx)
		n = len(leaders)
		return err
	})
	return n, err
}

// Bounds are what a partition holds.
type Bounds struct {
	First int64 // the first offset that is there
	Next  int64 // the offset that the next message will get
	// Stable is Next, or where a transaction began that is open still. Nothing is read from
	// there on until it ends.
	Stable int64
}

// Bounds asks what partitions hold now.
func (c *Consumer) Bounds(ctx context.Context, partitions []int) (map[int]Bounds, error) {
	all := make(map[int]Bounds)
	for _, p := range partitions {
		err := c.retry(ctx, fmt.Sprintf("partition %d", p), func(ctx context.Context) (err error) {
			all[p], err = c.bounds(ctx, p)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c *Consumer) bounds(ctx context.Context, partition int) (Bounds, error) {
	o, err := c.offsets(ctx, partition, kafka.ReadUncommitted, kafka.FirstOffset, kafka.LastOffset)
	if err != nil {
		return Bounds{}, err
	}
	stable, err := c.offsets(ctx, partition, kafka.ReadCommitted, kafka.LastOffset)
	if err != nil {
		return Bounds{}, err
	}
	return Bounds{First: o.FirstOffset, Next: o.LastOffset, Stable: stable.LastOffset}, nil
}

// offsets asks for the offsets of some times, which may be kafka.FirstOffset and LastOffset.
// One partition at a time: kafka-go opens a connection for each offset that is asked for.
func (c *Consumer) offsets(ctx context.Context, partition int, level kafka.IsolationLevel, times ...int64) (kafka.PartitionOffsets, error) {
	req := &kafka.ListOffsetsRequest{IsolationLevel: level, Topics: make(map[string][]kafka.OffsetRequest)}
	for _, t := range times {
		req.Topics[c.o.Topic] = append(req.Topics[c.o.Topic], kafka.OffsetRequest{Partition: partition, Timestamp: t})
	}
	res, err := c.kafka.ListOffsets(ctx, req)
	if err != nil {
		return kafka.PartitionOffsets{}, err
	}
	for _, p := range res.Topics[c.o.Topic] {
		if p.Partition == partition {
			return p, p.Error
		}
	}
	return kafka.PartitionOffsets{}, errors.New("list offsets: no answer for the partition")
}

// OffsetsAt returns for each partition the first offset whose message is of this time or a
// later one; where there is none, the offset of the next message.
func (c *Consumer) OffsetsAt(ctx context.Context, at time.Time) (map[int]int64, error) {
	n, err := c.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[int]int64)
	for p := range n {
		err := c.retry(ctx, fmt.Sprintf("partition %d", p), func(ctx context.Context) (err error) {
			all[p], err = c.offsetAt(ctx, p, max(at.UnixMilli(), 0))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c *Consumer) offsetAt(ctx context.Context, partition int, ms int64) (int64, error) {
	o, err := c.offsets(ctx, partition, kafka.ReadUncommitted, ms)
	if err != nil {
		return 0, err
	}
	for offset := range o.Offsets {
		if offset >= 0 {
			return offset, nil
		}
	}
	o, err = c.offsets(ctx, partition, kafka.ReadUncommitted, kafka.LastOffset)
	return o.LastOffset, err
}

// Committed is what a group has committed of a partition.
type Committed struct {
	Offset   int64 // of the next message; -1: the group has committed none
	Metadata string
}

// Committed returns what the group has committed.
func (c *Consumer) Committed(ctx context.Context, partitions []int) (map[int]Committed, error) {
	all := make(map[int]Committed)
	for _, p := range partitions {
		all[p] = Committed{Offset: -1}
	}
	if len(partitions) == 0 {
		return all, nil // kafka-go would ask for all topics
	}
	err := c.retry(ctx, "group", func(ctx context.Context) error {
		res, err := c.kafka.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
			GroupID: c.o.Group, Topics: map[string][]int{c.o.Topic: partitions},
		})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return err
		}
		for _, p := range res.Topics[c.o.Topic] {
			if p.Error != nil {
				return p.Error
			}
			all[p.Partition] = Committed{Offset: p.CommittedOffset, Metadata: p.Metadata}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

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
	return c.retry(ctx, fmt.Sprintf("partition %d", partition), func(ctx context.Context) error {
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
