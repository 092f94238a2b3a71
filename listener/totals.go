package main

import (
	"fmt"
	"strings"

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
	t.files += tableFiles(c)
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

// table is the summary that a single run ends with.
func (t *totals) table() string {
	var b strings.Builder
	row := func(name string, value int64) { fmt.Fprintf(&b, "%-32s %15d\n", name, value) }
	row("messages read", t.Messages)
	row("  repeated, dropped", t.Repeats)
	row("  set aside", t.BadMessages)
	row("rows stored", t.Rows)
	row("rows set aside", t.BadRows)
	row("files written", t.files)
	return b.String()
}

// tableFiles returns the number of a commit's files that are in the table.
func tableFiles(c *commitlog.Commit) int64 {
	var n int64
	for _, f := range c.Files {
		if strings.HasPrefix(f.Final, "hive/") {
			n++
		}
	}
	return n
}

// segmentsOf is what the sentence about received rows calls a type's messages.
var segmentsOf = map[config.Type]string{
	config.Flow:  "netflow segments",
	config.DNS:   "pcap segments",
	config.Proxy: "proxy-log segments",
}
