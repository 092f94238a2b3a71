package main

import (
	"fmt"

	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/pkg/config"
)

// totals are what a run of the listener has committed.
type totals struct {
	commitlog.Counts
	batches, files int64
}

func (t *totals) add(c *commitlog.Commit) {
	t.batches++
	t.files += int64(len(c.Files))
	t.Messages += c.Counts.Messages
	t.Rows += c.Counts.Rows
	t.BadRows += c.Counts.BadRows
	t.BadMessages += c.Counts.BadMessages
	t.Repeats += c.Counts.Repeats
}

func (t *totals) String() string {
	return fmt.Sprintf("%d rows of %d messages in %d files, %d bad rows and %d bad messages set aside, %d repeated messages dropped",
		t.Rows, t.Messages, t.files, t.BadRows, t.BadMessages, t.Repeats)
}

// segmentsOf is what the sentence about received rows calls a type's messages.
var segmentsOf = map[config.Type]string{
	config.Flow:  "netflow segments",
	config.DNS:   "pcap segments",
	config.Proxy: "proxy-log segments",
}
