package consume

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"spot-ingest/pkg/logging"
)

// Messages larger than what is fetched at once, and larger than the memory that messages
// under way may take, get through.
func TestOversized(t *testing.T) {
	k := newCluster(t, 2)
	large := func(n int) []byte {
		seed := sha256.Sum256([]byte{byte(n)})
		return bytes.Repeat(seed[:], n<<20/len(seed))
	}
	sizes := []int{1, 12, 1, 3}
	for p := range int32(2) {
		for _, n := range sizes {
			k.produceRecords(&kgo.Record{Topic: topic, Partition: p, Value: large(n)})
		}
	}
	for _, memory := range []int64{1, 5 << 20, 64 << 20} {
		o := k.options()
		o.Memory = memory
		c := k.open(o)
		g := next(t, c)
		out := make(chan *Message)
		g.Start(from(0, 0, 1), out)
		var at [2]int
		for range 2 * len(sizes) {
			m := receive(t, g, out)
			if !bytes.Equal(m.Value, large(sizes[at[m.Partition]])) {
				t.Errorf("memory %d, partition %d, offset %d: another value", memory, m.Partition, m.Offset)
			}
			at[m.Partition]++
			m.Release()
		}
		c.Close()
	}
}

// However much lies in the topic, and in however many partitions, what is under way keeps
// within the limit and one batch; and each partition gets its turn.
func TestMemoryAndFairness(t *testing.T) {
	const partitions, each, size = 20, 30, 64 << 10
	k := newCluster(t, partitions)
	for range each {
		var rs []*kgo.Record // a batch a partition
		for p := range int32(partitions) {
			rs = append(rs, &kgo.Record{Topic: topic, Partition: p, Value: make([]byte, size)})
		}
		k.produceRecords(rs...)
	}
	o := k.options()
	o.Memory = 2 << 20
	c := k.open(o)
	g := next(t, c)
	out := make(chan *Message, 1000)
	all := make([]int, partitions)
	for p := range all {
		all[p] = p
	}
	g.Start(from(0, all...), out)
	used := func() int64 {
		c.memory.mu.Lock()
		defer c.memory.mu.Unlock()
		return c.memory.used
	}
	var most int64
	var held []*Message
	read := make([]int, partitions)
	release := func() {
		for _, m := range held {
			m.Release()
		}
		held = nil
	}
	for n := range partitions * each {
		if n > 0 && len(out) == 0 {
			// Whether more would come while all is held can't be waited for without end;
			// what has come so far counts.
			most = max(most, used())
			release()
		}
		m := receive(t, g, out)
		read[m.Partition]++
		held = append(held, m)
		most = max(most, used())
		if turn := int(o.Memory / 2 / size); slices.Max(read) > turn && slices.Min(read) == 0 {
			t.Fatalf("a second turn before each has had one: %v", read)
		}
	}
	release()
	g.End()
	if limit := o.Memory + 2*(size+poolStep); most > limit {
		t.Errorf("%d bytes were under way, more than %d", most, limit)
	}
	if n := used(); n != 0 {
		t.Errorf("%d bytes are counted at the end", n)
	}
}

// Compressed batches are unpacked one after the other, as memory allows.
func TestMemoryUnpacked(t *testing.T) {
	const count, size, room = 20, poolStep, 4
	var records []byte
	for i := range int64(count) {
		c := at(i, i, i)
		c.records[0].Value = make([]byte, size-100) // with its head less than a step
		c.codec = 4
		records = append(records, c.encode(t)...)
	}
	m := newMemory(room * size)
	out := make(chan *Message, count)
	f := &fetcher{c: &Consumer{memory: m}, ctx: limit(t), out: out, alive: func() bool { return true }}
	a := &fetchedPart{end: count, records: records, buf: newBuffer(records, m)}
	m.add(a.buf.size())
	p := &partition{}
	done := make(chan error, 1)
	go func() { done <- f.deliver(p, a) }()
	parked := func() (waits bool, used int64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.parked > 0, m.used
	}
	for n := range count {
		if n < count-room {
			waits, used := parked()
			for ; !waits; waits, used = parked() {
				if f.ctx.Err() != nil || len(done) > 0 {
					t.Fatalf("after %d messages it does not wait for memory", n)
				}
				runtime.Gosched()
			}
			if used > m.limit {
				t.Errorf("%d bytes are under way", used)
			}
		}
		(<-out).Release()
	}
	if err := <-done; err != nil || p.next != count {
		t.Errorf("next is %d, %v", p.next, err)
	}
}

// With several brokers, partitions are asked of their leaders and the group of its
// coordinator; leaders may move, and brokers may go.
func TestLeaders(t *testing.T) {
	k := newCluster(t, 6, kfake.NumBrokers(3))
	log := newLog()
	o := k.options()
	o.Log = logging.New(log, logging.Info, false)
	g := next(t, k.open(o))
	out := make(chan *Message, 100)
	g.Start(from(0, 0, 1, 2, 3, 4, 5), out)
	read := make(map[string]bool)
	for round := range 4 {
		for p := range int32(6) {
			k.produce(p, fmt.Sprintf("%d/%d", round, p))
		}
		for range 6 {
			m := receive(t, g, out)
			read[string(m.Value)] = true
			m.Release()
		}
		for p := range int32(6) {
			if err := k.MoveTopicPartition(topic, p, (k.LeaderFor(topic, p)+1)%3); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(read) != 24 {
		t.Errorf("%d messages were read", len(read))
	}
	if g.Err() != nil {
		t.Errorf("ended by %v", g.Err())
	}
}

// Whatever a broker answers that may pass, the position is looked at again, and reading goes
// on where it was.
func TestFetchErrors(t *testing.T) {
	for _, code := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.OffsetOutOfRange, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError,
		kerr.UnknownServerError, kerr.OffsetNotAvailable, kerr.TopicAuthorizationFailed, nil,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			k := newCluster(t, 1)
			k.produce(0, "a", "b")
			g := next(t, k.open(k.options()))
			out := make(chan *Message)
			g.Start(from(0, 0), out)
			receive(t, g, out).Release()
			receive(t, g, out).Release()
			failed := make(chan struct{})
			times := 0
			k.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
				if times++; times > 3 {
					return nil, nil, false
				}
				k.KeepControl()
				if times == 3 {
					close(failed)
				}
				if code == nil {
					return nil, errors.New("the connection is cut"), true
				}
				rp := kmsg.NewFetchResponseTopicPartition()
				rp.ErrorCode = code.Code
				res := req.ResponseKind().(*kmsg.FetchResponse)
				res.Topics = append(res.Topics, kmsg.FetchResponseTopic{Topic: topic, Partitions: []kmsg.FetchResponseTopicPartition{rp}})
				return res, nil, true
			})
			<-failed
			k.produce(0, "c")
			if m := receive(t, g, out); m.Offset != 2 || string(m.Value) != "c" {
				t.Errorf("offset %d: %q", m.Offset, m.Value)
			}
		})
	}
}

// An older broker speaks an older version.
func TestOldVersions(t *testing.T) {
	for version := int16(4); version <= 11; version++ {
		k := newCluster(t, 1)
		var spoken []int16
		k.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if req.GetVersion() > 2 {
				return nil, nil, false // not the client under test
			}
			res := req.ResponseKind().(*kmsg.ApiVersionsResponse)
			for key, most := range map[kmsg.Key]int16{kmsg.Fetch: version, kmsg.Metadata: 1, kmsg.ListOffsets: 2, kmsg.ApiVersions: 2,
				kmsg.FindCoordinator: 0, kmsg.JoinGroup: 2, kmsg.SyncGroup: 1, kmsg.Heartbeat: 0, kmsg.LeaveGroup: 1} {
				res.ApiKeys = append(res.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: int16(key), MaxVersion: most})
			}
			return res, nil, true
		})
		k.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			spoken = append(spoken, req.GetVersion())
			return nil, nil, false
		})
		c := k.open(k.options())
		g := next(t, c)
		out := make(chan *Message)
		g.Start(from(0, 0), out)
		k.produce(0, "a")
		if m := receive(t, g, out); string(m.Value) != "a" {
			t.Errorf("version %d: %q", version, m.Value)
		}
		c.Close()
		k.Close()
		if len(spoken) == 0 || slices.Max(spoken) != version || slices.Min(spoken) != version {
			t.Errorf("version %d: spoke %v", version, spoken)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	const size, count = 1_000_000, 64
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(1<<20))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	for range count {
		if err := client.ProduceSync(b.Context(), &kgo.Record{Topic: topic, Value: make([]byte, size)}).FirstErr(); err != nil {
			b.Fatal(err)
		}
	}
	c, err := Open(b.Context(), Options{Servers: k.ListenAddrs(), Topic: topic, Group: group, Log: logging.Discard()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.SetBytes(size)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		b.StopTimer()
		g, err := c.Next(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		out := make(chan *Message, count)
		b.StartTimer()
		g.Start(from(0, 0), out)
		for range min(count, b.N-n) {
			(<-out).Release()
			n++
		}
		b.StopTimer()
		g.End()
		for len(out) > 0 {
			(<-out).Release()
		}
		b.StartTimer()
	}
}

// To verify the positions of many partitions may take long. That is not counted as time
// without a fetch, or they would be verified again and again, and hardly ever be read.
func TestVerifyManyPartitions(t *testing.T) {
	const partitions = 20
	k := newCluster(t, partitions)
	c := k.open(k.options())
	leaders, err := c.leaders(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	var questions, last atomic.Int64 // the last one's time
	began := time.Now()
	k.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		questions.Add(1)
		last.Store(int64(time.Since(began)))
		return nil, nil, false
	})
	f := &fetcher{c: c, ctx: limit(t), alive: func() bool { return true }, fail: func(err error) { t.Error(err) }}
	tr := &trip{leader: leaders[0], share: minFetch}
	for p := range partitions {
		tr.parts = append(tr.parts, &partition{id: p, position: Position{Last: -1}})
	}
	f.trip(tr)
	asked := questions.Load()
	if asked < partitions {
		t.Fatalf("%d questions for %d partitions", asked, partitions)
	}
	for _, p := range tr.parts {
		if !p.verified || p.asked.Sub(began) < time.Duration(last.Load()) {
			t.Errorf("partition %d: verified %v, its fetch was sent before the others were", p.id, p.verified)
		}
	}
	tr.share = minFetch
	f.trip(tr)
	if n := questions.Load(); n != asked {
		t.Errorf("%d more questions for the next fetch", n-asked)
	}
}
