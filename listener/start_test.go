package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"spot-ingest/listener/internal/warehouse/commitlog"
)

// begun is a sentence that comes when a listener has decided where to begin.
const begun = "Partitions of topic"

// log opens the commit log, as another listener would.
func (s *site) log() *commitlog.Log {
	s.t.Helper()
	o := commitlog.Options{Folder: s.folder(), Table: s.kind, Topic: topic, Group: topic}
	if s.hdfs != nil {
		o.Folder, o.FileSystem = s.remote(), s.hdfsClient()
	}
	l, err := commitlog.Open(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { l.Close() })
	return l
}

// wantOffsets checks that Kafka was told how far the commit log has come.
func (s *site) wantOffsets() {
	s.t.Helper()
	l := s.log()
	defer l.Close()
	want := make(map[int]int64)
	for p, at := range l.Positions() {
		if p < s.partitions() {
			want[p] = at.Next
		}
	}
	got := make(map[int]int64)
	for p, o := range s.offsets() {
		got[p] = o.next
		if !strings.HasPrefix(o.metadata, "spot-ingest "+l.Warehouse()+" ") {
			s.t.Errorf("partition %d: metadata %q", p, o.metadata)
		}
	}
	if !maps.Equal(got, want) {
		s.t.Errorf("offsets in Kafka %v, in the commit log %v", got, want)
	}
}

// A new group begins at the newest message, and that start is kept: also of partitions that
// nothing came to before the next start.
func TestNewGroup(t *testing.T) {
	s := newSite(t, "flow")
	for p := range int32(partitions) {
		s.send(p, row(9000))
	}
	p := s.start()
	p.waitFor("Partition 2 begins at offset 1: the group is new: at the newest message.")
	s.send(0, rows(0, 10)...)
	p.waitFor("Committed 10 rows of 1 messages in 1 files.")
	p.stop(syscall.SIGTERM)
	s.wantNumbers(0, 10)
	s.wantOffsets()
	s.send(1, rows(10, 20)...)
	s.run(0, "--once")
	s.wantNumbers(0, 20)
	s.wantOffsets()
}

// Kafka knows of the start at once, so that lag tools and a lost commit log are told of it.
func TestStartIsCommitted(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, row(9000))
	s.run(0, "--once")
	if got := s.offsets()[0].next; got != 1 {
		t.Errorf("offset %d", got)
	}
	s.wantOffsets()
}

func TestFrom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from string
		want [3]int // messages of each partition that are read
	}{
		{"earliest", [3]int{4, 4, 4}},
		{"latest", [3]int{0, 0, 0}},
		{"2018-03-20 12:00:02", [3]int{2, 2, 2}},
		{"2018-03-20T12:00:01.001Z", [3]int{2, 2, 2}},
		{"2030-01-01", [3]int{0, 0, 0}},
		{"0:1,1:4,2:3", [3]int{3, 0, 1}},
	} {
		t.Run(tt.from, func(t *testing.T) {
			s := newSite(t, "flow")
			want := 0
			for p := range partitions {
				for n := range 4 {
					number := 9000
					if n >= 4-tt.want[p] {
						number = want
						want++
					}
					s.produce(&kgo.Record{Topic: topic, Partition: int32(p), Value: value(row(number)), Timestamp: noon.Add(time.Duration(n) * time.Second)})
				}
			}
			s.run(0, "--from", tt.from, "--once")
			s.wantNumbers(0, want)
			s.wantOffsets()
			// A known group goes on where it was, whatever --from says.
			s.send(1, row(want))
			p := s.run(0, "--from", "earliest", "--once")
			p.says("The commit log knows where to go on; --from earliest is for a new group")
			s.wantNumbers(0, want+1)
		})
	}
}

// A local time of --from is of the zone that TZ names, also where POSIX alone knows it.
func TestFromZone(t *testing.T) {
	s := newSite(t, "flow")
	s.env = []string{"TZ=XYZ-1"}
	for p, after := range []time.Duration{-10 * time.Minute, 10 * time.Minute, 70 * time.Minute} {
		s.produce(&kgo.Record{Topic: topic, Partition: int32(p), Value: value(row(p)), Timestamp: noon.Add(after)})
	}
	s.run(0, "--from", "2018-03-20 13:00", "--once")
	s.wantNumbers(1, 3)
}

func TestFromOutOfRange(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, row(0))
	p := s.run(1, "--from", "0:2,1:0,2:0", "--once")
	p.says("partition 0: --from says offset 2, but the topic holds offsets 0 to 1")
	s.run(1, "--from", "0:0,1:0,2:0,7:1", "--once").says(`--from names partition 7, but topic "T" has 3`)
	s.run(1, "--from", "0:0", "--once").says(`--from names 1 partitions, but topic "T" has 3, and the group is new: give an offset for each`)
	s.run(0, "--from", "0:0,1:0,2:0", "--once")
	s.wantNumbers(0, 1)
}

// What another consumer of the group has committed is where a listener takes over.
func TestTakeOver(t *testing.T) {
	s := newSite(t, "flow")
	s.send(0, row(9000))
	s.send(0, row(0))
	s.send(1, row(9001))
	s.commitOffset(0, 1)
	p := s.run(0, "--once")
	p.says("Partition 0 begins at offset 1: by the group's committed offset.",
		"Partition 1 begins at offset 1: the group is new: at the newest message.")
	s.wantNumbers(0, 1)
	s.wantOffsets()
}

// A listener is killed when the log knows the start, and Kafka doesn't: there is still what
// another consumer has committed. That was not set meanwhile.
func TestTakeOverKilled(t *testing.T) {
	t.Parallel()
	for from, first := range map[string]int{"0:3,1:0,2:0": 3, "earliest": 0} {
		t.Run(from, func(t *testing.T) {
			s := newSite(t, "flow")
			for n := range 5 {
				s.send(0, row(n))
			}
			s.commitOffset(0, 2)
			s.dieAt("record linked", 1)
			s.run(-1, "--from", from, "--once")
			if got := s.offsets()[0]; got != (offset{next: 2}) {
				t.Fatalf("offset in Kafka: %+v", got)
			}
			s.plight.Step = ""
			s.evict()
			s.run(0, "--from", from, "--once")
			s.wantNumbers(first, 5)
			s.wantOffsets()
		})
	}
}

// A start may lie in a batch of records that can't be read, or right behind one: it is not
// known then what lies before it.
func TestUnreadableBeforeStart(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from      string
		committed int64
		letters   int
	}{
		"offset in it":           {from: "0:2,1:0,2:0", letters: 1},
		"offset behind it":       {from: "0:5,1:0,2:0"},
		"time behind it":         {from: "2018-03-20 12:30"},
		"committed offset in it": {committed: 2, letters: 1},
		"committed behind it":    {committed: 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "flow")
			s.sendUnreadable(5)
			s.produce(&kgo.Record{Topic: topic, Value: value(row(0)), Timestamp: noon.Add(time.Hour)})
			args := []string{"--once"}
			if tt.from != "" {
				args = append(args, "--from", tt.from)
			} else {
				s.commitOffset(0, tt.committed)
			}
			s.run(0, args...)
			s.wantNumbers(0, 1)
			s.wantOffsets()
			if got := s.letters(); len(got) != tt.letters {
				t.Errorf("dead letters %+v", got)
			}
			s.send(0, row(1))
			s.run(0, "--once")
			s.wantNumbers(0, 2)
		})
	}
}

// sendUnreadable appends a batch to partition 0 that is said to hold so many records, packed
// by zstd, and doesn't.
func (s *site) sendUnreadable(records int32) {
	s.t.Helper()
	const zstd = 4
	b := kmsg.RecordBatch{
		Magic: 2, Attributes: zstd, PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: records, LastOffsetDelta: records - 1, FirstTimestamp: noon.UnixMilli(), MaxTimestamp: noon.UnixMilli(),
		Records: []byte("not by zstd"),
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = raw
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID, rt.Partitions = topic, s.kafka.TopicInfo(topic).TopicID, append(rt.Partitions, rp)
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis, req.Topics = -1, int32(patience.Milliseconds()), append(req.Topics, rt)
	s.check(s.request(req).(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
}

// Partitions that are added are read from their beginning, while the listener runs and after.
func TestAddedPartitions(t *testing.T) {
	s := newSite(t, "flow")
	p := s.start()
	p.waitFor("Partition 2 begins")
	s.addPartition()
	s.send(3, rows(0, 10)...)
	p.waitFor("Partition 3 begins at offset 0: the partition is new to the group.", "Committed 10 rows")
	p.stop(syscall.SIGTERM)
	s.addPartition()
	s.send(4, rows(10, 20)...)
	s.run(0, "--from", "latest", "--once").says("Partition 4 begins at offset 0")
	s.wantNumbers(0, 20)
	s.wantOffsets()
}

func TestNumbersOf(t *testing.T) {
	for want, partitions := range map[string][]int{"none": nil, "0": {0}, "0, 1, 2": upTo(3)} {
		if got := numbers(partitions); got != want {
			t.Errorf("%v: %s", partitions, got)
		}
	}
	if got := fmt.Sprint(upTo(0)); got != "[]" {
		t.Error(got)
	}
}
