package consume

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"spot-ingest/pkg/logging"
)

func TestMessage(t *testing.T) {
	k := newCluster(t, 2)
	at := time.UnixMilli(1521540000123)
	id := strings.Repeat("0af3", 8)
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	records := []*kgo.Record{
		{Value: []byte("plain")},
		{Value: []byte("all headers"), Headers: []kgo.RecordHeader{header("spot.rows", "3"), header("spot.segment", id), header("spot.source", "nfcapd.1")}},
		{Value: []byte("upper case"), Headers: []kgo.RecordHeader{header("spot.segment", strings.ToUpper(id))}},
		{Value: []byte("too short"), Headers: []kgo.RecordHeader{header("spot.segment", id[2:])}},
		{Value: []byte("no digits"), Headers: []kgo.RecordHeader{header("spot.segment", strings.Repeat("x", 32))}},
		{Value: nil},
		{Value: []byte{}},
		{Value: bytes.Repeat([]byte("long"), 1<<20), Key: []byte("key")},
	}
	for _, r := range records {
		r.Topic, r.Partition, r.Timestamp = topic, 1, at
	}
	k.produceRecords(records...)

	g := next(t, k.open(k.options()))
	out := make(chan *Message)
	g.Start(from(0, 0, 1), out)
	for i, r := range records {
		m := receive(t, g, out)
		if m.Partition != 1 || m.Offset != int64(i) || m.Time != at.UnixMilli() || !bytes.Equal(m.Value, r.Value) {
			t.Errorf("message %d: %d/%d, time %d, %d bytes", i, m.Partition, m.Offset, m.Time, len(m.Value))
		}
		if m.Null != (r.Value == nil) || m.CRC != crc32.Checksum(r.Value, castagnoli) || m.Gap || m.Bad != nil {
			t.Errorf("message %d: null %v, CRC %08x", i, m.Null, m.CRC)
		}
		if has := i == 1; m.HasSegment != has || has != (hex.EncodeToString(m.Segment[:]) == id) || has != (m.Source == "nfcapd.1") {
			t.Errorf("message %d: segment %v %x, source %q", i, m.HasSegment, m.Segment, m.Source)
		}
		m.Release()
	}
}

// Reading begins where the caller says, whatever the group has committed; and each
// partition's messages come in order, without any left out or doubled.
func TestOrder(t *testing.T) {
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		k := newCluster(t, 3)
		client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		const count = 3000
		for i := range count {
			for p := range int32(3) {
				r := &kgo.Record{Topic: topic, Partition: p, Value: []byte(strings.Repeat(number(i)+" ", 50))}
				client.Produce(limit(t), r, nil)
			}
		}
		if err := client.Flush(limit(t)); err != nil {
			t.Fatal(err)
		}
		client.Close()

		c := k.open(k.options())
		g := next(t, c)
		if !slices.Equal(g.Partitions, []int{0, 1, 2}) {
			t.Fatalf("partitions %v", g.Partitions)
		}
		if err := g.Commit(limit(t), map[int]int64{0: 2, 1: 2, 2: 2}, ""); err != nil {
			t.Fatal(err)
		}
		want := map[int]int{0: 0, 1: 7, 2: count - 1}
		positions := map[int]Position{}
		left := 0
		for p, i := range want {
			positions[p] = Position{Next: int64(i), Last: -1}
			left += count - i
		}
		out := make(chan *Message, 10)
		g.Start(positions, out)
		for ; left > 0; left-- {
			m := receive(t, g, out)
			i := want[m.Partition]
			if m.Offset != int64(i) || string(m.Value) != strings.Repeat(number(i)+" ", 50) {
				t.Fatalf("partition %d: offset %d, want %d: %.20q", m.Partition, m.Offset, i, m.Value)
			}
			want[m.Partition]++
			m.Release()
		}
		c.Close()
	}
}

func TestNoTopic(t *testing.T) {
	k := newCluster(t, 0)
	if _, err := Open(limit(t), k.options()); !errors.Is(err, ErrNoTopic) {
		t.Errorf("Open: %v", err)
	}
}

// A broker that is away at the start is waited for; that is said once, and so is its end.
func TestBrokerAwayAtStart(t *testing.T) {
	k := newCluster(t, 1)
	k.wire.Cut()
	log := newLog()
	o := k.options()
	o.Log = logging.New(log, logging.Info, false)
	opened := make(chan error)
	go func() {
		c, err := Open(limit(t), o)
		if err == nil {
			c.Close()
		}
		opened <- err
	}()
	log.wait(t, "WARNING")
	k.wire.Mend()
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if log.count("WARNING") != 1 || log.count("INFO") != 1 || log.count("\n") != 2 {
		t.Errorf("log:\n%s", log)
	}
}

func TestBrokerRestart(t *testing.T) {
	k := newCluster(t, 2)
	k.produce(0, "a", "b")
	log := newLog()
	o := k.options()
	o.Log = logging.New(log, logging.Info, false)
	g := next(t, k.open(o))
	out := make(chan *Message)
	g.Start(from(0, 0, 1), out)
	receive(t, g, out).Release()
	receive(t, g, out).Release()
	for round := range 2 {
		k.wire.Cut()
		for log.count("WARNING") <= round {
			<-log.wrote
		}
		k.wire.Mend()
		for log.count("INFO") <= round {
			<-log.wrote
		}
		k.produce(0, number(round))
		if m := receive(t, g, out); m.Offset != int64(2+round) || string(m.Value) != number(round) {
			t.Errorf("offset %d: %q", m.Offset, m.Value)
		}
	}
	if log.count("\n") != 4 {
		t.Errorf("log:\n%s", log)
	}
}

// Whatever is under way is stopped by its context or by Close, and nothing is left over.
func TestStop(t *testing.T) {
	k := newCluster(t, 2)
	k.produce(0, strings.Repeat("x", 1000), "y", "z")

	t.Run("while nothing is read", func(t *testing.T) {
		c := k.open(k.options())
		g := next(t, c)
		g.Start(from(0, 0, 1), make(chan *Message))
		c.Close()
		if err := over(t, g); !errors.Is(err, ErrEnded) {
			t.Errorf("ended by %v", err)
		}
	})
	t.Run("while a member is waited for", func(t *testing.T) {
		slow := k.open(k.options())
		next(t, slow) // and does not end its generation
		c := k.open(k.options())
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			_, err := c.Next(ctx)
			done <- err
		}()
		over(t, slow.last)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Next: %v", err)
		}
		c.Close()
		slow.Close()
	})
	t.Run("while the broker is away", func(t *testing.T) {
		c := k.open(k.options())
		g := next(t, c)
		g.Start(from(0, 0), make(chan *Message))
		k.wire.Cut()
		defer k.wire.Mend()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		if _, err := c.Bounds(ctx, []int{0}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Bounds: %v", err)
		}
		c.Close()
		if _, err := c.Partitions(limit(t)); err == nil {
			t.Error("Partitions after Close: no error")
		}
	})

	// kafka-go's goroutines end a moment after their connections.
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		left := goroutines()
		if len(left) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left, such as\n%s", len(left), left[0])
		}
	}
}

// goroutines returns the stacks of those that this package or kafka-go has started.
func goroutines() (left []string) {
	buf := make([]byte, 4<<20)
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		ours := strings.Contains(g, "segmentio/kafka-go") || strings.Contains(g, "created by spot-ingest/")
		if ours && !strings.Contains(g, "testing.tRunner") {
			left = append(left, g)
		}
	}
	return left
}

// A broker that accepts connections and never says a word is given up.
func TestSilentBroker(t *testing.T) {
	k := newCluster(t, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := k.options()
	o.Servers = []string{l.Addr().String()}
	o.timing.stall = 30 * time.Millisecond
	log := newLog()
	o.Log = logging.New(log, logging.Info, false)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := Open(ctx, o)
		done <- err
	}()
	log.wait(t, "WARNING")
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
