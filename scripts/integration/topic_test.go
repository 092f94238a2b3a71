//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"spot-ingest/scripts/generate"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// generators make files of each type.
var generators = map[string]func(io.Writer, generate.Options) (generate.Totals, error){
	"flow": generate.Flow, "dns": generate.DNS, "proxy": generate.Proxy,
}

// generated makes a file's text, with lines that hold no row among the others.
func generated(t *testing.T, kind string, size int64) []byte {
	t.Helper()
	var text bytes.Buffer
	if _, err := generators[kind](&text, generate.Options{Seed: 1, Bytes: size, Odd: true}); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// A topic that is missing is not created, although the broker would do so if it were asked
// for the topic carelessly.
func TestTopicMissing(t *testing.T) {
	for _, version := range []string{kafka4, kafka3} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, version), "proxy", nil)
			s.arrive("a.log", generated(t, "proxy", 1000))
			there := s.topic
			s.topic += "-missing"
			p := s.run(1, s.args("--once")...)
			if text := p.stderr.String(); !strings.Contains(text, strconv.Quote(s.topic)) || !strings.Contains(text, "create it first") {
				t.Errorf("stderr: %s", text)
			}
			topics := s.topics()
			if !topics[there] || topics[s.topic] {
				t.Errorf("topics: %v", topics)
			}
		})
	}
}

// topics asks the broker for the names of all its topics.
func (s *site) topics() map[string]bool {
	s.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.broker.Addr()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	answer, err := kmsg.NewPtrMetadataRequest().RequestWith(ctx, client)
	if err != nil {
		s.t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, topic := range answer.Topics {
		names[*topic.Topic] = true
	}
	return names
}

// Where the topic takes less than max_request_size, segments are cut to what it takes. A
// row beyond that is set aside, and only that.
func TestTopicLimit(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	s := newSite(t, sharedKafka(t, kafka4), "proxy", map[string]string{"max.message.bytes": strconv.Itoa(limit)})
	text := generated(t, "proxy", 3_000_000)
	s.arrive("a.log", text)
	before, huge, after := "2018-03-20 09:00:00 before", "2018-03-20 09:00:01 "+strings.Repeat("x", 150_000), "2018-03-20 09:00:02 after"
	s.arrive("huge.log", []byte(before+"\n"+huge+"\n"+after+"\n"))
	s.run(1, s.args("--once")...) // not all could be sent
	sources := bySource(s.consume())
	checkSegments(t, "a.log", sources["a.log"], cut("proxy", text, limit))
	checkSegments(t, "huge.log", sources["huge.log"], []segment{
		{[]string{before}, 1521536400_000}, {[]string{after}, 1521536402_000},
	})
	for _, m := range sources["a.log"] {
		if len(m.Value) >= limit {
			t.Errorf("a record of %d bytes", len(m.Value))
		}
	}
	r := s.rejections()
	if len(r) != 1 || r[0].File != s.path("in", "huge.log") || !strings.Contains(r[0].Reason, fmt.Sprintf("max.message.bytes (%d)", limit)) {
		t.Fatalf("rejected: %+v", r)
	}
	if stored := readFile(t, filepath.Join(filepath.Dir(s.rejectedList()), r[0].Stored)); string(stored) != huge+"\n" {
		t.Errorf("%d bytes are set aside, not the row", len(stored))
	}
}

// A rejection is a line in the list of what can never be sent.
type rejection struct {
	File, Reason, Stored string
	Line, Length         int64
}

func (s *site) rejectedList() string {
	s.t.Helper()
	list, _ := filepath.Glob(s.path("state", "*", "rejected", "rejected.jsonl"))
	if len(list) != 1 {
		s.t.Fatalf("lists of rejections: %v", list)
	}
	return list[0]
}

func (s *site) rejections() (all []rejection) {
	s.t.Helper()
	lines := json.NewDecoder(bytes.NewReader(readFile(s.t, s.rejectedList())))
	for lines.More() {
		var r rejection
		if err := lines.Decode(&r); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// Every compression arrives, is what was asked for, and is read by two clients of
// different make.
func TestCompression(t *testing.T) {
	need(t, "kcat")
	for number, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), "proxy", nil)
			s.kafka(map[string]any{"compression_type": name, "max_request_size": 200_000})
			text := generated(t, "proxy", 2_000_000)
			s.arrive("a.log", text)
			s.run(0, s.args("--once")...)
			all := s.consume()
			checkSegments(t, "a.log", all, cut("proxy", text, 200_000))
			want := make(map[string]bool)
			for _, m := range all {
				want[fmt.Sprintf("%d %d %s", m.Partition, m.Offset, m.Value)] = true
				if used := int(m.Attrs.CompressionType()); used != number {
					t.Errorf("partition %d, offset %d: compression %d, want %d", m.Partition, m.Offset, used, number)
				}
			}
			out := s.kcat("-f", "%p %o %S\n%s")
			for len(out) > 0 {
				head, rest, _ := bytes.Cut(out, []byte{'\n'})
				f := strings.Fields(string(head))
				if len(f) != 3 {
					t.Fatalf("kcat printed %.100q", head)
				}
				size, err := strconv.Atoi(f[2])
				if err != nil || size > len(rest) {
					t.Fatalf("kcat printed %.100q", head)
				}
				record := fmt.Sprintf("%s %s %s", f[0], f[1], rest[:size])
				if !want[record] {
					t.Errorf("kcat reads another record than kgo in partition %s, offset %s", f[0], f[1])
				}
				delete(want, record)
				out = rest[size:]
			}
			if len(want) > 0 {
				t.Errorf("kcat does not see %d records", len(want))
			}
		})
	}
}
