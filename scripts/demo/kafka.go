package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"spot-ingest/pkg/codec"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// An arrival is what a topic holds.
type arrival struct {
	records, bytes int64
	rows           int64
	fit            tally // rows with a place in the table, as its columns make them up
	unfit          tally // rows without
	partitions     map[int32]bool
	first          *kgo.Record
	sample         []string // the first rows of the first record
}

func consume(ctx context.Context, kafka *kfake.Cluster, topic string, table layout) (*arrival, error) {
	var records int64
	for p := range int32(partitions) {
		records += kafka.PartitionInfo(topic, p).HighWatermark
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	got := &arrival{partitions: make(map[int32]bool)}
	for got.records < records {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		for _, r := range fetches.Records() {
			if err := got.add(r, table); err != nil {
				return nil, err
			}
		}
	}
	if got.first == nil {
		return nil, fmt.Errorf("topic %s is empty", topic)
	}
	return got, nil
}

func (a *arrival) add(r *kgo.Record, table layout) error {
	rows, err := codec.Decode(r.Value)
	if err != nil {
		return err
	}
	isFirst := a.first == nil || r.Timestamp.Before(a.first.Timestamp)
	if isFirst {
		a.first, a.sample = r, nil
	}
	for row := range rows.All() {
		a.rows++
		a.bytes += int64(len(row))
		if text := string(row); table.fits(text) {
			a.fit.add(table.plain(text))
		} else {
			a.unfit.add(text)
		}
		if isFirst && len(a.sample) < sampleRows {
			a.sample = append(a.sample, string(row))
		}
	}
	a.records++
	a.partitions[r.Partition] = true
	return nil
}

func (a *arrival) print(out io.Writer, made int64) {
	fmt.Fprintf(out, "Kafka has %d rows in %d records on %d partitions; %d rows were made. The first record:\n",
		a.rows, a.records, len(a.partitions), made)
	fmt.Fprintf(out, "  %s  spot.source=%s  spot.rows=%s\n",
		a.first.Timestamp.UTC().Format(time.RFC3339), header(a.first, "spot.source"), header(a.first, "spot.rows"))
	for _, row := range a.sample {
		fmt.Fprintf(out, "  %s\n", row)
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
