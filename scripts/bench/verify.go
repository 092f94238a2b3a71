package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// arrived sums up the records of a topic.
type arrived struct {
	records, bytes int64
	segments       int64 // the records that are segments, of which these are the rows:
	rows, rowBytes int64
}

// verifyTime bounds the reading of one topic.
const verifyTime = 5 * time.Minute

// consume reads all that a topic of so many partitions holds.
func consume(ctx context.Context, addr, topic string, partitions int) (arrived, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	var sum arrived
	for p := range partitions {
		if err := consumePartition(ctx, addr, topic, p, &sum); err != nil {
			return sum, fmt.Errorf("partition %d of %s: %w", p, topic, err)
		}
	}
	return sum, nil
}

func consumePartition(ctx context.Context, addr, topic string, partition int, sum *arrived) error {
	c, err := kafka.DialLeader(ctx, "tcp", addr, topic, partition)
	if err != nil {
		return err
	}
	first, end, err := c.ReadOffsets()
	if err := errors.Join(err, c.Close()); err != nil || first == end {
		return err
	}
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{addr}, Topic: topic, Partition: partition,
		MinBytes: 1, MaxBytes: maxBatch, QueueCapacity: 4, // a few messages of 1 MB
		MaxWait: 10 * time.Millisecond, // Close waits for the fetch after the last message
	})
	defer r.Close()
	for offset := first; offset < end; offset++ {
		m, err := r.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("offset %d: %w", offset, err)
		}
		sum.records++
		sum.bytes += int64(len(m.Value))
		if rows, rowBytes, err := countRows(m.Value); err == nil {
			sum.segments++
			sum.rows += rows
			sum.rowBytes += rowBytes
		}
	}
	return nil
}

var errNoSegment = errors.New("no segment")

// countRows reads a segment's Avro value: branch 0 of a union, then arrays of strings in
// blocks until an empty one. It is written apart from the codec that it checks.
func countRows(value []byte) (rows, rowBytes int64, err error) {
	next := func() (n int64) {
		n, size := binary.Varint(value) // Avro's long is protobuf's zigzag
		if size <= 0 {
			err = fmt.Errorf("%w: a broken number: %w", errNoSegment, io.ErrUnexpectedEOF)
			return 0
		}
		value = value[size:]
		return n
	}
	if branch := next(); branch != 0 {
		return 0, 0, fmt.Errorf("%w: branch %d", errNoSegment, branch)
	}
	for {
		count := next()
		if err != nil || count == 0 {
			break
		}
		if count < 0 { // the block's size in bytes follows
			count = -count
			next()
		}
		if count < 0 || count > int64(len(value)) {
			return 0, 0, fmt.Errorf("%w: %d rows in %d bytes", errNoSegment, count, len(value))
		}
		for range count {
			length := next()
			if err != nil || length < 0 || length > int64(len(value)) {
				return 0, 0, fmt.Errorf("%w: a row of %d bytes where %d are left", errNoSegment, length, len(value))
			}
			value = value[length:]
			rowBytes += length
		}
		rows += count
	}
	if err == nil && len(value) > 0 {
		err = fmt.Errorf("%w: %d bytes after the end", errNoSegment, len(value))
	}
	if err != nil {
		return 0, 0, err
	}
	return rows, rowBytes, nil
}
