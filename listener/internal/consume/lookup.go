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
		if is(err, kafka.GroupIdNotFound) {
			return nil
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
