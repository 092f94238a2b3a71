//go:build integration

package integration

import (
	"context"
	"encoding/hex"
	"errors"
	"math/big"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// valueSchema is the schema of a record's value, as consumers know it.
var valueSchema = avro.MustParse(`{"type": "record", "name": "list.avsc", "fields": [
	{"name": "list", "type": [{"type": "array", "items": "string"}, "null"], "default": []}]}`)

// A message is a record as it was consumed.
type message struct {
	*kgo.Record
	timeMS  int64
	rows    []string
	segment string // header spot.segment
	source  string // header spot.source
}

// consume returns all records of the topic, partition by partition, in order of offsets,
// and checks what every record has to be like.
func (s *site) consume() []message {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ends := s.ends(ctx)
	from := make(map[int32]kgo.Offset)
	var want int64
	for p, end := range ends {
		from[p] = kgo.NewOffset().AtStart()
		want += end
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Addr()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: from}))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	all := make([]message, 0, want)
	for int64(len(all)) < want {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			s.t.Fatalf("consume %s, %d of %d records: %v", s.topic, len(all), want, err)
		}
		for _, r := range fetches.Records() {
			all = append(all, decode(s.t, r))
		}
	}
	return all
}

// ends asks for the number of records in each partition.
func (s *site) ends(ctx context.Context) map[int32]int64 {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Addr()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	topic := kmsg.NewListOffsetsRequestTopic()
	topic.Topic = s.topic
	for p := range int32(partitions) {
		partition := kmsg.NewListOffsetsRequestTopicPartition()
		partition.Partition, partition.Timestamp = p, -1 // the end
		topic.Partitions = append(topic.Partitions, partition)
	}
	request := kmsg.NewPtrListOffsetsRequest()
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		s.t.Fatal(err)
	}
	ends := make(map[int32]int64)
	for _, topic := range answer.Topics {
		for _, p := range topic.Partitions {
			if p.ErrorCode != 0 {
				s.t.Fatalf("end of %s [%d]: error %d", s.topic, p.Partition, p.ErrorCode)
			}
			ends[p.Partition] = p.Offset
		}
	}
	if len(ends) != partitions {
		s.t.Fatalf("ends of %s: %v", s.topic, ends)
	}
	return ends
}

func decode(t *testing.T, r *kgo.Record) message {
	t.Helper()
	var value struct {
		List *[]string `avro:"list"`
	}
	if err := avro.Unmarshal(valueSchema, r.Value, &value); err != nil || value.List == nil {
		t.Fatalf("partition %d, offset %d: not a list of rows: %v", r.Partition, r.Offset, err)
	}
	m := message{Record: r, timeMS: r.Timestamp.UnixMilli(), rows: *value.List}
	headers := make(map[string]string)
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	m.segment, m.source = headers["spot.segment"], headers["spot.source"]
	id, err := hex.DecodeString(m.segment)
	if err != nil || len(id) != 16 || strings.ToLower(m.segment) != m.segment {
		t.Fatalf("spot.segment %q", m.segment)
	}
	if want := new(big.Int).Mod(new(big.Int).SetBytes(id), big.NewInt(partitions)); want.Int64() != int64(r.Partition) {
		t.Errorf("segment %s lies in partition %d, not %v", m.segment, r.Partition, want)
	}
	if headers["spot.rows"] != strconv.Itoa(len(m.rows)) {
		t.Errorf("segment %s of %d rows has spot.rows %q", m.segment, len(m.rows), headers["spot.rows"])
	}
	if r.Key != nil || len(r.Headers) != 3 {
		t.Errorf("segment %s has key %q and headers %v", m.segment, r.Key, r.Headers)
	}
	return m
}

// distinct returns each segment once and says how many records were copies. Copies must
// be the same, in the same partition.
func distinct(t *testing.T, all []message) (once []message, copies int) {
	t.Helper()
	seen := make(map[string]message)
	for _, m := range all {
		first, ok := seen[m.segment]
		if !ok {
			seen[m.segment] = m
			once = append(once, m)
			continue
		}
		copies++
		if first.Partition != m.Partition || first.timeMS != m.timeMS || !slices.Equal(first.Value, m.Value) {
			t.Errorf("two different records of segment %s", m.segment)
		}
	}
	return once, copies
}

// bySource sorts messages by their source file.
func bySource(all []message) map[string][]message {
	sources := make(map[string][]message)
	for _, m := range all {
		sources[m.source] = append(sources[m.source], m)
	}
	return sources
}

// stamp sets the time stamps that kcat reads: kgo's own overflow before the year 1677.
func (s *site) stamp(all []message) {
	s.t.Helper()
	need(s.t, "kcat")
	times := make(map[[2]int64]int64)
	for line := range strings.Lines(string(s.kcat("-f", "%T %p %o\n"))) {
		var n [3]int64
		for i, field := range strings.Fields(line) {
			var err error
			if n[i], err = strconv.ParseInt(field, 10, 64); err != nil {
				s.t.Fatalf("kcat printed %q", line)
			}
		}
		times[[2]int64{n[1], n[2]}] = n[0]
	}
	if len(times) != len(all) {
		s.t.Fatalf("kcat reads %d records, kgo %d", len(times), len(all))
	}
	for i := range all {
		all[i].timeMS = times[[2]int64{int64(all[i].Partition), all[i].Offset}]
	}
}

// kcat consumes the whole topic with a client of another make, librdkafka.
func (s *site) kcat(args ...string) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "kcat", append([]string{"-C", "-q", "-e", "-b", s.broker.Addr(), "-t", s.topic, "-o", "beginning"}, args...)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		s.t.Fatalf("kcat: %v: %s", err, exit.Stderr)
	} else if err != nil {
		s.t.Fatal(err)
	}
	return out
}
