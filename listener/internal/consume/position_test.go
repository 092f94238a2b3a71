package consume

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"spot-ingest/pkg/logging"
)

// after returns the position behind a message.
func after(m *Message) Position {
	return Position{Next: m.Offset + 1, Last: m.Offset, Time: m.Time, CRC: m.CRC}
}

func TestOutOfRange(t *testing.T) {
	k := newCluster(t, 1)
	k.produce(0, "a", "b", "c", "d", "e")
	k.deleteRecords(0, 3)
	c := k.open(k.options())
	for _, tt := range []struct {
		next, lost int64
		word       string // of the error
	}{
		{0, 3, "3 messages were deleted before they were read: offset 0 comes next, the topic begins at 3"},
		{2, 1, "1 messages were deleted"},
		{3, 0, ""},
		{5, 0, ""},
		{6, 0, "offset 6 comes next, but the topic ends at 5"},
		{1 << 40, 0, "the topic ends at 5"},
	} {
		position := Position{Next: tt.next, Last: -1}
		verified := c.Verify(limit(t), 0, position)
		if tt.word == "" {
			if verified != nil {
				t.Errorf("next %d: %v", tt.next, verified)
			}
			continue
		}
		g := next(t, c)
		out := make(chan *Message, 10)
		g.Start(map[int]Position{0: position}, out)
		for _, err := range []error{verified, over(t, g)} {
			var got *OutOfRangeError
			want := OutOfRangeError{Partition: 0, Next: tt.next, First: 3, End: 5}
			if !errors.As(err, &got) || *got != want || got.Lost() != tt.lost || !strings.Contains(err.Error(), tt.word) {
				t.Errorf("next %d: %v", tt.next, err)
			}
		}
		if len(out) > 0 {
			t.Errorf("next %d: a message came", tt.next)
		}
	}
	g := next(t, c)
	out := make(chan *Message)
	g.Start(from(3, 0), out)
	if m := receive(t, g, out); m.Offset != 3 || string(m.Value) != "d" {
		t.Errorf("offset %d: %q", m.Offset, m.Value)
	}
}

// Retention that overtakes a slow reader is an error, not a jump.
func TestOvertaken(t *testing.T) {
	k := newCluster(t, 1)
	o := k.options()
	o.Memory = 1 // one message is under way at a time
	value := strings.Repeat("x", minFetch)
	k.produce(0, value, value, value, value, value)
	g := next(t, k.open(o))
	out := make(chan *Message)
	g.Start(from(0, 0), out)
	m := receive(t, g, out)
	k.deleteRecords(0, 4)
	m.Release()
	for {
		select {
		case m := <-out:
			if m.Offset > 1 {
				t.Fatalf("offset %d came", m.Offset)
			}
			m.Release()
			continue
		case <-g.Done():
		}
		break
	}
	var got *OutOfRangeError
	if err := g.Err(); !errors.As(err, &got) || got.First != 4 || got.Lost() < 2 {
		t.Errorf("ended by %v", err)
	}
}

// The message before a position tells whether the topic is still the same.
func TestVerify(t *testing.T) {
	k := newCluster(t, 1)
	at := time.UnixMilli(1521540000123)
	for _, v := range []string{"a", "b", "c", "d"} {
		k.produceRecords(&kgo.Record{Topic: topic, Value: []byte(v), Timestamp: at})
	}
	c := k.open(k.options())
	m, err := c.Message(limit(t), 0, 2)
	if err != nil || string(m.Value) != "c" || m.Offset != 2 || m.Time != at.UnixMilli() {
		t.Fatalf("%+v, %v", m, err)
	}
	good := after(m)
	otherTime, otherValue, deleted := good, good, good
	otherTime.Time++
	otherValue.CRC++
	deleted.Last, deleted.CRC = 0, 5
	if err := c.Verify(limit(t), 0, good); err != nil {
		t.Error(err)
	}
	var replaced *ReplacedError
	for _, p := range []Position{otherTime, otherValue, deleted} {
		if err := c.Verify(limit(t), 0, p); !errors.As(err, &replaced) || replaced.Read != p {
			t.Errorf("%+v: %v", p, err)
		}
		g := next(t, c)
		g.Start(map[int]Position{0: p}, make(chan *Message, 9))
		if err := over(t, g); !errors.As(err, &replaced) {
			t.Errorf("%+v: ended by %v", p, err)
		}
	}
	k.deleteRecords(0, 1)
	if err := c.Verify(limit(t), 0, deleted); err != nil {
		t.Errorf("the message before was deleted: %v", err)
	}
	for _, offset := range []int64{0, 4, 99} {
		if m, err := c.Message(limit(t), 0, offset); !errors.Is(err, ErrNotFound) {
			t.Errorf("offset %d: %v, %v", offset, m, err)
		}
	}
}

// A topic that is deleted while it is read is waited for. When it is made again, with as
// many messages, that it is another one is noticed.
func TestReplacedTopic(t *testing.T) {
	for name, values := range map[string][]string{"longer": {"x", "y", "z"}, "shorter": {"x"}} {
		t.Run(name, func(t *testing.T) {
			k := newCluster(t, 1)
			k.produce(0, "a", "b")
			log := newLog()
			o := k.options()
			o.Log = logging.New(log, logging.Info, false)
			g := next(t, k.open(o))
			out := make(chan *Message)
			g.Start(from(0, 0), out)
			receive(t, g, out).Release()
			receive(t, g, out).Release()
			k.deleteTopic()
			log.wait(t, "WARNING")
			if g.Err() != nil {
				t.Errorf("ended by %v", g.Err())
			}
			k.stopFetches(func() {
				k.createTopic(1)
				k.produce(0, values...)
			})
			err := over(t, g)
			var replaced *ReplacedError
			var outOfRange *OutOfRangeError
			if errors.As(err, &replaced) != (name == "longer") || errors.As(err, &outOfRange) != (name == "shorter") {
				t.Errorf("ended by %v", err)
			}
		})
	}
}

// stopFetches lets no fetch through while f runs.
func (k *testCluster) stopFetches(f func()) {
	var on = make(chan struct{})
	for _, key := range []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets} {
		k.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
			select {
			case <-on:
				return nil, nil, false
			default:
				k.KeepControl()
				return nil, errors.New("not now"), true
			}
		})
	}
	f()
	close(on)
}

// A topic that is deleted and made again while we are not looking is noticed when reading
// goes on.
func TestReplacedBetweenGenerations(t *testing.T) {
	k := newCluster(t, 1)
	k.produce(0, "a", "b")
	c := k.open(k.options())
	g := next(t, c)
	out := make(chan *Message)
	g.Start(from(0, 0), out)
	receive(t, g, out).Release()
	m := receive(t, g, out)
	position := after(m)
	m.Release()
	g.End()
	k.deleteTopic()
	k.createTopic(1)
	k.produce(0, "a", "c", "d")
	g = next(t, c)
	g.Start(map[int]Position{0: position}, out)
	var replaced *ReplacedError
	if err := over(t, g); !errors.As(err, &replaced) {
		t.Errorf("ended by %v", err)
	}
}

// A leader that was just elected may know less than was read from the one before it.
func TestEndNotKnownYet(t *testing.T) {
	k := newCluster(t, 1)
	k.produce(0, "a", "b", "c")
	o := k.options()
	o.timing.settle = time.Minute
	c := k.open(o)
	asked := 0
	k.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if asked++; asked > 12 {
			return nil, nil, false
		}
		k.KeepControl()
		r := req.(*kmsg.ListOffsetsRequest).Topics[0].Partitions[0]
		res := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		p := kmsg.NewListOffsetsResponseTopicPartition()
		if asked > 4 && r.Timestamp == -1 {
			p.Offset = 1
		}
		if asked <= 4 {
			p.ErrorCode = kerr.OffsetNotAvailable.Code
		}
		res.Topics = append(res.Topics, kmsg.ListOffsetsResponseTopic{Topic: topic, Partitions: []kmsg.ListOffsetsResponseTopicPartition{p}})
		return res, nil, true
	})
	if err := c.Verify(limit(t), 0, Position{Next: 3, Last: -1}); err != nil {
		t.Error(err)
	}
	if asked < 13 {
		t.Errorf("asked %d times", asked)
	}
}

func TestLookups(t *testing.T) {
	k := newCluster(t, 3)
	at := time.UnixMilli(1521540000000)
	for i := range 5 {
		k.produceRecords(&kgo.Record{Topic: topic, Partition: 1, Value: []byte("v"), Timestamp: at.Add(time.Duration(i) * time.Second)})
	}
	k.deleteRecords(1, 1)
	c := k.open(k.options())
	bounds, err := c.Bounds(limit(t), []int{0, 1})
	if want := map[int]Bounds{0: {}, 1: {1, 5, 5}}; err != nil || !maps.Equal(bounds, want) {
		t.Errorf("Bounds: %v, %v", bounds, err)
	}
	for _, tt := range []struct {
		at   time.Time
		want int64
	}{
		{time.UnixMilli(-5), 1}, {at.Add(1500 * time.Millisecond), 2}, {at.Add(4 * time.Second), 4}, {at.Add(time.Hour), 5},
	} {
		offsets, err := c.OffsetsAt(limit(t), tt.at)
		if want := map[int]int64{0: 0, 1: tt.want, 2: 0}; err != nil || !maps.Equal(offsets, want) {
			t.Errorf("OffsetsAt(%v): %v, %v", tt.at, offsets, err)
		}
	}
	if n, err := c.Partitions(limit(t)); n != 3 || err != nil {
		t.Errorf("Partitions: %d, %v", n, err)
	}
}

// Ends of transactions and transactions that were aborted hold no messages. They are moved
// over, and neither asked for again and again nor waited at.
func TestTransactions(t *testing.T) {
	k := newCluster(t, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.TransactionalID("x"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	transaction := func(end kgo.TransactionEndTry, values ...string) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if err := client.ProduceSync(limit(t), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.EndTransaction(limit(t), end); err != nil {
			t.Fatal(err)
		}
	}
	transaction(kgo.TryCommit, "a", "b")     // 0, 1, end 2
	transaction(kgo.TryAbort, "no", "never") // 3, 4, end 5
	transaction(kgo.TryCommit, "c")          // 6, end 7
	k.produce(0, "d")                        // 8
	transaction(kgo.TryAbort, "void")        // 9, end 10

	c := k.open(k.options())
	g := next(t, c)
	out := make(chan *Message)
	g.Start(from(0, 0), out)
	var values []string
	var last int64
	for last < 10 {
		m := receive(t, g, out)
		if m.Offset < last || m.Gap != (m.Value == nil) {
			t.Errorf("offset %d after %d, gap %v", m.Offset, last, m.Gap)
		}
		if last = m.Offset; !m.Gap {
			values = append(values, string(m.Value))
		}
		m.Release()
	}
	if !slices.Equal(values, []string{"a", "b", "c", "d"}) {
		t.Errorf("values %q", values)
	}
	// At the end the broker is asked once a poll, not in a circle.
	var fetches int
	second := make(chan struct{})
	k.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if fetches++; fetches == 4 {
			close(second)
		}
		return nil, nil, false
	})
	began := time.Now()
	<-second
	if took := time.Since(began); took < 2*testTiming.poll {
		t.Errorf("4 fetches in %v", took)
	}
	// An open transaction holds what comes after it back until it ends.
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(limit(t), &kgo.Record{Topic: topic, Value: []byte("e")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	b, err := c.Bounds(limit(t), []int{0})
	if want := (Bounds{0, 12, 11}); err != nil || b[0] != want {
		t.Errorf("Bounds: %v, %v", b, err)
	}
	if err := client.EndTransaction(limit(t), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, g, out); string(m.Value) != "e" {
		t.Errorf("got %+v", m)
	}
}
