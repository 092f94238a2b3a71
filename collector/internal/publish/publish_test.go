package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"spot-ingest/collector/internal/ledger"
	"spot-ingest/pkg/broker"
	"spot-ingest/pkg/codec"
	"spot-ingest/pkg/logging"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const topicName = "T"

// A setup is a publisher with its cluster, ledger and one planned file.
type setup struct {
	*Publisher
	t     *testing.T
	kafka *kfake.Cluster
	file  *ledger.File
	log   *bytes.Buffer
	fail  atomic.Int32 // the error code that produce requests are answered with; 0: as usual
	once  bool         // only the first of them
}

func newSetup(t *testing.T, edit func(*broker.Topic)) *setup {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, topicName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	s := &setup{t: t, kafka: k, log: new(bytes.Buffer)}
	k.ControlKey(int16(kmsg.Produce), s.answer)
	client, err := broker.Connect(k.ListenAddrs(), topicName, "test", "none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	topic, err := client.Topic(limited(t), topicName)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&topic)
	}
	l, err := ledger.Open(t.TempDir(), ledger.Key{Pipeline: "flow", Topic: topicName}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	log := logging.New(s.log, logging.Debug, false)
	if s.Publisher, err = New(client, topic, l, filepath.Join(t.TempDir(), "staging"), 2, 1<<20, log.Named("SPOT.INGEST.PRODUCER")); err != nil {
		t.Fatal(err)
	}
	s.patience, s.retry = 0, time.Millisecond
	s.file = s.newFile("/data/nfcapd.2018 $(x)")
	return s
}

func (s *setup) newFile(path string) *ledger.File {
	f := &ledger.File{ID: ledger.NewID(), Path: ledger.Name(path)}
	if err := s.Ledger.Plan(f, ledger.Plan{Limit: 1 << 20, Type: "flow", Partitions: 4, Method: []byte(`{}`)}); err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *setup) answer(req kmsg.Request) (kmsg.Response, error, bool) {
	s.kafka.KeepControl()
	code := int16(s.fail.Load())
	if code == 0 {
		return nil, nil, false
	}
	if s.once {
		s.fail.Store(0)
	}
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, rt := range req.(*kmsg.ProduceRequest).Topics {
		st := kmsg.ProduceResponseTopic{Topic: rt.Topic}
		for _, p := range rt.Partitions {
			st.Partitions = append(st.Partitions, kmsg.ProduceResponseTopicPartition{Partition: p.Partition, ErrorCode: code})
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp, nil, true
}

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (s *setup) segment(f *ledger.File, number int, rows ...string) *Segment {
	value, err := s.Buffer(limited(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, row := range rows {
		value.Append([]byte(row))
	}
	seg := &Segment{
		File: f, Source: filepath.Base(string(f.Path)), Number: number, Rows: len(rows),
		TimeMS: 1709888400000, Value: value, Log: s.Log.Named("SPOT.INGEST.FLOW.PoolWorker-1"),
	}
	seg.ID = Identify(f.ID, 0, int64(number), value.Bytes())
	seg.Partition = PartitionOf(seg.ID, 4)
	return seg
}

// publish submits a segment and waits for its outcome.
func (s *setup) publish(ctx context.Context, seg *Segment) Outcome {
	s.t.Helper()
	got := make(chan Outcome, 1)
	s.Submit(ctx, seg, func(o Outcome) { got <- o })
	select {
	case o := <-got:
		return o
	case <-time.After(30 * time.Second):
		s.t.Fatal("no outcome")
		return 0
	}
}

func (s *setup) fetch(n int) []*kgo.Record {
	s.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.ListenAddrs()...), kgo.ConsumeTopics(topicName),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer cl.Close()
	var got []*kgo.Record
	for len(got) < n {
		fetches := cl.PollFetches(limited(s.t))
		if err := fetches.Err(); err != nil {
			s.t.Fatal(err)
		}
		got = append(got, fetches.Records()...)
	}
	return got
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func (s *setup) wantLog(sentences ...string) {
	s.t.Helper()
	for _, sentence := range sentences {
		if !strings.Contains(s.log.String(), sentence) {
			s.t.Errorf("the log lacks %q:\n%s", sentence, s.log)
		}
	}
}

func rowsOf(t *testing.T, value []byte) string {
	t.Helper()
	rows, err := codec.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for row := range rows.All() {
		b.Write(row)
		b.WriteByte('\n')
	}
	return b.String()
}

func TestPublish(t *testing.T) {
	s := newSetup(t, nil)
	seg := s.segment(s.file, 0, "a,1", "b,2")
	id, partition := seg.ID, seg.Partition
	if o := s.publish(limited(t), seg); o != Acked {
		t.Fatalf("outcome %v\n%s", o, s.log)
	}
	r := s.fetch(1)[0]
	if rowsOf(t, r.Value) != "a,1\nb,2\n" || r.Key != nil || int(r.Partition) != partition || r.Timestamp.UnixMilli() != 1709888400000 {
		t.Errorf("record %+v", r)
	}
	if header(r, "spot.segment") != fmt.Sprintf("%x", id) || header(r, "spot.source") != "nfcapd.2018 $(x)" || header(r, "spot.rows") != "2" {
		t.Errorf("headers %v", r.Headers)
	}
	if acked, same := s.Ledger.Acked(s.file, 0, id); !acked || !same {
		t.Error("not in the ledger")
	}
	s.wantLog(fmt.Sprintf("SPOT.INGEST.FLOW.PoolWorker-1      Published segment-0 to Kafka cluster. [Topic: T, Partition: %d]", partition))
}

// What fails while Kafka is away lies in staging, and goes out from there under its first
// identity once Kafka answers.
func TestAwayAndBack(t *testing.T) {
	s := newSetup(t, nil)
	s.fail.Store(int32(kerr.NotEnoughReplicas.Code))
	ids := make(map[string]int)
	for n := range 3 {
		seg := s.segment(s.file, n, fmt.Sprintf("row %d", n), "second")
		ids[fmt.Sprintf("%x", seg.ID)] = seg.Partition
		if o := s.publish(limited(t), seg); o != Away {
			t.Fatalf("outcome %v", o)
		}
	}
	s.wantLog("Failed to publish segment-2 to Kafka cluster.", `Store segment-2 to local staging area as "nfcapd_2018 $(x)_segment-2.csv".`, "Kafka is away")
	csv, err := os.ReadFile(filepath.Join(s.Staging, "nfcapd_2018 $(x)_segment-1.csv"))
	if err != nil || string(csv) != "row 1\nsecond\n" {
		t.Errorf("stored %q, %v", csv, err)
	}
	select {
	case <-s.Up():
		t.Error("up while away")
	default:
	}
	ctx, stop := context.WithCancel(context.Background())
	recovering := make(chan struct{})
	go func() { s.Recover(ctx); close(recovering) }()
	s.fail.Store(0)
	select {
	case <-s.Up():
	case <-time.After(30 * time.Second):
		t.Fatal("not up again")
	}
	stop()
	<-recovering
	for _, r := range s.fetch(3) {
		partition, ok := ids[header(r, "spot.segment")]
		if !ok || int(r.Partition) != partition || r.Timestamp.UnixMilli() != 1709888400000 || header(r, "spot.rows") != "2" {
			t.Errorf("record %+v", r)
		}
		delete(ids, header(r, "spot.segment"))
	}
	if left, _ := os.ReadDir(s.Staging); len(left) != 0 || len(s.Ledger.Waiting()) != 0 {
		t.Errorf("left in staging: %v", left)
	}
	if free := s.buffers.free; len(free) != cap(free) {
		t.Errorf("%d of %d buffers are back", len(free), cap(free))
	}
}

// Two files of one name have failed segments of the same name.
func TestSpoolNamesMeet(t *testing.T) {
	s := newSetup(t, nil)
	s.fail.Store(int32(kerr.NotEnoughReplicas.Code))
	other := s.newFile("/data/b/nfcapd.2018 $(x)")
	s.publish(limited(t), s.segment(s.file, 0, "first"))
	s.publish(limited(t), s.segment(other, 0, "second"))
	waiting := s.Ledger.Waiting()
	if len(waiting) != 2 || waiting[0].Path == waiting[1].Path {
		t.Fatalf("waiting: %+v", waiting)
	}
	s.fail.Store(0)
	if err := s.Resend(limited(t)); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, r := range s.fetch(2) {
		got[rowsOf(t, r.Value)] = true
	}
	if !got["first\n"] || !got["second\n"] {
		t.Errorf("got %v", got)
	}
}

// A spooled segment whose CSV was wiped or changed is left to its file's plan.
func TestSpoolWiped(t *testing.T) {
	s := newSetup(t, nil)
	s.fail.Store(int32(kerr.NotEnoughReplicas.Code))
	s.publish(limited(t), s.segment(s.file, 0, "wiped"))
	s.publish(limited(t), s.segment(s.file, 1, "changed"))
	waiting := s.Ledger.Waiting()
	if err := os.Remove(string(waiting[0].Path)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(string(waiting[1].Path), []byte("chang"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.fail.Store(0)
	if err := s.Resend(limited(t)); err != nil {
		t.Fatal(err)
	}
	if len(s.Ledger.Waiting()) != 0 {
		t.Error("still waiting")
	}
	for n := range 2 {
		if acked, _ := s.Ledger.Acked(s.file, n, waiting[n].File); acked {
			t.Errorf("segment %d counts as acknowledged", n)
		}
	}
}

func TestRejected(t *testing.T) {
	tests := []struct {
		name string
		code *kerr.Error
		edit func(*broker.Topic)
	}{
		{"invalid record", kerr.InvalidRecord, nil},
		{"too large, says the broker", kerr.MessageTooLarge, func(t *broker.Topic) { t.MaxBatchBytes = 0 }},
		{"too large, as is known", nil, func(t *broker.Topic) { t.MaxBatchBytes = 100 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, tt.edit)
			if tt.code != nil {
				s.fail.Store(int32(tt.code.Code))
			}
			seg := s.segment(s.file, 7, strings.Repeat("x", 200))
			id := seg.ID
			if o := s.publish(limited(t), seg); o != Rejected {
				t.Fatalf("outcome %v", o)
			}
			list, err := os.ReadFile(filepath.Join(s.Ledger.Folder(), "rejected", "rejected.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			var r Rejection
			if err := json.Unmarshal(list, &r); err != nil {
				t.Fatal(err)
			}
			if r.File != s.file.Path || r.Segment == nil || *r.Segment != 7 || r.Reason == "" {
				t.Errorf("listed as %+v", r)
			}
			rows, err := os.ReadFile(filepath.Join(s.Ledger.Folder(), "rejected", r.Stored))
			if err != nil || string(rows) != strings.Repeat("x", 200)+"\n" {
				t.Errorf("stored %q, %v", rows, err)
			}
			if acked, _ := s.Ledger.Acked(s.file, 7, id); !acked {
				t.Error("it would be tried again")
			}
			select {
			case <-s.Up():
			default:
				t.Error("one refused segment stops all others")
			}
		})
	}
}

// A time stamp that the broker refuses is replaced by the present.
func TestTimeStampRefused(t *testing.T) {
	s := newSetup(t, nil)
	s.fail.Store(int32(kerr.InvalidTimestamp.Code))
	s.once = true
	began := time.Now().Add(-time.Second)
	o := s.publish(limited(t), s.segment(s.file, 0, "x"))
	if o != Acked {
		t.Fatalf("outcome %v\n%s", o, s.log)
	}
	if r := s.fetch(1)[0]; r.Timestamp.Before(began) {
		t.Errorf("time stamp %v", r.Timestamp)
	}
	s.wantLog("Kafka refuses the time stamp of segment-0")
}

// The headers go one by one, the most important last, if they alone make it too large.
func TestHeadersGiveWay(t *testing.T) {
	for _, tt := range []struct {
		limit int
		want  string
	}{
		// The value takes 1005 bytes, the batch without headers 70 more.
		{1075 + 46 + 12 + 29, "spot.source spot.rows spot.segment"},
		{1075 + 46 + 12 + 28, "spot.rows spot.segment"},
		{1075 + 46 + 11, "spot.segment"},
		{1075 + 45, ""},
	} {
		t.Run(fmt.Sprint(tt.limit), func(t *testing.T) {
			s := newSetup(t, func(t *broker.Topic) { t.MaxBatchBytes = tt.limit })
			if o := s.publish(limited(t), s.segment(s.file, 0, strings.Repeat("x", 1000))); o != Acked {
				t.Fatalf("outcome %v\n%s", o, s.log)
			}
			var keys []string
			for _, h := range s.fetch(1)[0].Headers {
				keys = append(keys, h.Key)
			}
			if got := strings.Join(keys, " "); got != tt.want {
				t.Errorf("headers %q, want %q", got, tt.want)
			}
		})
	}
}

// When the collector stops, a segment under way is neither lost nor spooled: its plan
// sends it at the next start.
func TestStopped(t *testing.T) {
	s := newSetup(t, nil)
	s.fail.Store(int32(kerr.NotEnoughReplicas.Code))
	s.patience = time.Hour
	ctx, stop := context.WithCancel(context.Background())
	seg := s.segment(s.file, 0, "x")
	done := make(chan Outcome, 1)
	s.Submit(ctx, seg, func(o Outcome) { done <- o })
	stop()
	if o := <-done; o != Stopped {
		t.Errorf("outcome %v", o)
	}
	if w := s.Ledger.Waiting(); len(w) != 0 {
		t.Errorf("spooled: %v", w)
	}
}

func TestExpired(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		retention, age time.Duration
		want           bool
	}{
		{time.Hour, 2 * time.Hour, true},
		{time.Hour, time.Minute, false},
		{0, 50 * 365 * 24 * time.Hour, false},
	} {
		s := newSetup(t, func(t *broker.Topic) { t.Retention = tt.retention })
		if got := s.Expired(now.Add(-tt.age).UnixMilli()); got != tt.want {
			t.Errorf("retention %v, age %v: %v", tt.retention, tt.age, got)
		}
	}
}

// A topic made anew with fewer partitions still gets what was planned or spooled for more.
func TestFewerPartitions(t *testing.T) {
	s := newSetup(t, func(t *broker.Topic) { t.Partitions = 2 })
	for n := range 50 {
		if p := s.PartitionOf(ledger.NewID(), 4); p > 1 {
			t.Fatalf("partition %d", p)
		}
		seg := ledger.Spooled{File: s.file.ID, Plan: 1, Number: n, Segment: ledger.NewID().String(), Partition: 3, Rows: 1}
		if err := s.SendStored(limited(t), seg, []byte("row\n")); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.fetch(50) {
		if r.Partition > 1 {
			t.Errorf("partition %d", r.Partition)
		}
	}
}

func TestIdentity(t *testing.T) {
	a, b := ledger.NewID(), ledger.NewID()
	base := Identify(a, 0, 0, []byte("v"))
	if base != Identify(a, 0, 0, []byte("v")) {
		t.Error("not the same for the same segment")
	}
	for name, other := range map[string][16]byte{
		"file":    Identify(b, 0, 0, []byte("v")),
		"from":    Identify(a, 1, 0, []byte("v")),
		"line":    Identify(a, 0, 1, []byte("v")),
		"content": Identify(a, 0, 0, []byte("w")),
	} {
		if other == base {
			t.Errorf("%s makes no difference", name)
		}
	}
	seen := make(map[int]int)
	for n := range 3000 {
		seen[PartitionOf(Identify(a, 0, int64(n), nil), 3)]++
	}
	for p := range 3 {
		if seen[p] < 800 {
			t.Errorf("partition %d gets %d of 3000", p, seen[p])
		}
	}
	// 2^127 + 5 modulo 7: 2^127 = 2·(2^3)^42 = 2 modulo 7.
	if p := PartitionOf([16]byte{0: 0x80, 15: 5}, 7); p != 0 {
		t.Errorf("partition %d, want 0", p)
	}
}

// Ids are compared with those in ledgers and topics of earlier versions.
func TestIdentityIsForGood(t *testing.T) {
	id := Identify(ledger.ID{1, 2, 3}, 4, 5, []byte("value"))
	if got, want := fmt.Sprintf("%x", id), "9479f44c4d3fe36f3483c171085dce3c"; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}

func BenchmarkIdentify(b *testing.B) {
	value := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		Identify(ledger.ID{1}, 0, 0, value)
	}
}

func TestSegmentNames(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"x.pcap", "x_pcap_segment-12.csv"},
		{".t", "_t_segment-12.csv"},
		{strings.Repeat("y", 255), strings.Repeat("y", 240) + "_segment-12.csv"},
	} {
		s := Segment{Source: tt.source, Number: 12}
		if got := s.name(); got != tt.want || len(got) > 255 {
			t.Errorf("%s: %s", tt.source, got)
		}
	}
}
