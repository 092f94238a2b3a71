package main

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// id is a segment's, as collectors write it.
func id(n int) string { return fmt.Sprintf("%032x", n) }

// Segments that are sent again are dropped and counted: in one batch, in a later one, after a
// restart, and where another listener had the first.
func TestRepeats(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 0.5)
	p := s.start("--from", "earliest")
	p.waitFor("Partition 2 begins")
	one, two := segment{0, id(1), rows(0, 10)}, segment{1, id(2), rows(10, 20)}
	elsewhere := one
	elsewhere.partition = 2
	s.produce(one.record(), one.record(), elsewhere.record(), two.record())
	p.waitFor("Repeats: 2]")
	s.produce(two.record())
	p.waitFor("Committed 0 rows of 1 messages in 0 files. [Record: 3, Repeats: 1]")
	p.stop(syscall.SIGTERM)
	p.says("20 rows of 5 messages in 1 files, 0 bad rows and 0 bad messages set aside, 3 repeated messages dropped")

	s.produce(elsewhere.record(), segment{2, id(3), rows(20, 30)}.record())
	s.run(0, "--once").wantSummary(summary{messages: 2, repeated: 1, rows: 10, files: 1})
	s.wantNumbers(0, 30)

	a := s.start()
	a.waitFor("listener reads: 0, 1, 2")
	b := s.start()
	b.waitFor("listener reads: ")
	a.waitFor("listener reads: ")
	// Two listeners get the copies at the same time.
	for p := range int32(partitions) {
		s.produce(segment{p, id(4), rows(30, 40)}.record(), segment{p, id(10 + int(p)), rows(40+int(p), 41+int(p))}.record())
	}
	s.until("all rows are there", func() bool { return len(s.numbers()) >= 43 })
	a.stop(syscall.SIGTERM)
	b.stop(syscall.SIGTERM)
	s.run(0, "--once")
	s.wantNumbers(0, 43)
	s.wantOffsets()
}

// A message that can't be read does not stand for its segment: a good copy counts.
func TestBadCopy(t *testing.T) {
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600) // one batch
	good := segment{0, id(1), rows(0, 10)}.record()
	bad := segment{0, id(1), nil}.record()
	bad.Value = []byte("bad")
	s.produce(bad, good, good)
	s.run(0, "--from", "earliest", "--once").wantSummary(summary{messages: 3, repeated: 1, bad: 1, rows: 10, files: 1})
	s.wantNumbers(0, 10)
}

// Without an id, or with one that is none of ours, nothing is ever dropped.
func TestNoRepeats(t *testing.T) {
	s := newSite(t, "flow")
	for i, header := range []string{"", "", "not an id", "not an id", id(10)[1:], id(10)[1:]} {
		s.produce(segment{0, header, rows(i, i+1)}.record())
	}
	twice := segment{0, "", rows(6, 7)}.record()
	s.produce(twice)
	again := segment{0, "", rows(7, 8)}.record()
	again.Headers = []kgo.RecordHeader{{Key: "spot.segment"}, {Key: "other", Value: []byte(id(1))}}
	s.produce(again)
	s.produce(segment{0, "", rows(0, 1)}.record())
	s.run(0, "--from", "earliest", "--once")
	if got := s.numbers(); fmt.Sprint(got) != "[0 0 1 2 3 4 5 6 7]" {
		t.Errorf("rows %v", got)
	}
}

// However long a batch is to take, the segments of one are limited.
func TestManySegments(t *testing.T) {
	if testing.Short() {
		t.Skip("publishes 100,000 messages")
	}
	s := newSite(t, "flow")
	s.set("spark_batch_size", 3600)
	records := make([]*kgo.Record, maxSegments+1)
	for n := range records {
		records[n] = segment{0, id(n), []string{row(n)}}.record()
	}
	s.produce(records...)
	p := s.start("--from", "earliest")
	p.waitFor("Committed 100000 rows of 100000 messages in 1 files.")
	p.stop(syscall.SIGTERM)
	s.produce(records[:10]...)
	s.run(0, "--once")
	s.wantNumbers(0, maxSegments+1)
}
