package consume

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"spot-ingest/listener/internal/wire"
	"spot-ingest/pkg/logging"
)

const (
	topic = "T"
	group = "G"
)

// Everything that takes time is shortened here, but nothing in the tests depends on how
// long it takes.
var testTiming = timing{
	session:   6 * time.Second,
	heartbeat: 30 * time.Millisecond,
	rebalance: 10 * time.Second,
	watch:     50 * time.Millisecond,
	poll:      50 * time.Millisecond,
	stall:     10 * time.Second,
	unseen:    10 * time.Second,
	settle:    50 * time.Millisecond,
	minPause:  5 * time.Millisecond,
	maxPause:  50 * time.Millisecond,
}

// A testCluster is a broker in this process, with a client that isn't the one under test.
type testCluster struct {
	*kfake.Cluster
	t      *testing.T
	client *kgo.Client
	wire   *wire.Wire
}

func newCluster(t *testing.T, partitions int32, opts ...kfake.Opt) *testCluster {
	t.Helper()
	w := wire.New()
	opts = append([]kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(w.Listen),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "67108864"})}, opts...)
	if partitions > 0 {
		opts = append(opts, kfake.SeedTopics(partitions, topic))
	}
	k, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(64<<20), kgo.MetadataMinAge(10*time.Millisecond), kgo.DisableIdempotentWrite())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &testCluster{k, t, client, w}
}

// limit is how long a test may wait for something; it is never waited for in full.
func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (k *testCluster) options() Options {
	return Options{Servers: k.ListenAddrs(), Topic: topic, Group: group, ClientID: "test", Log: logging.Discard(), timing: testTiming}
}

func (k *testCluster) open(o Options) *Consumer {
	k.t.Helper()
	c, err := Open(limit(k.t), o)
	if err != nil {
		k.t.Fatal(err)
	}
	c.transport.MetadataTTL = 100 * time.Millisecond
	k.t.Cleanup(c.Close)
	return c
}

// produce appends records to a partition, each in a batch of its own.
func (k *testCluster) produce(partition int32, values ...string) {
	k.t.Helper()
	for _, v := range values {
		k.produceRecords(&kgo.Record{Topic: topic, Partition: partition, Value: []byte(v)})
	}
}

func (k *testCluster) produceRecords(rs ...*kgo.Record) {
	k.t.Helper()
	if err := k.client.ProduceSync(limit(k.t), rs...).FirstErr(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *testCluster) request(req kmsg.Request) kmsg.Response {
	k.t.Helper()
	res, err := k.client.Request(limit(k.t), req)
	if err != nil {
		k.t.Fatal(err)
	}
	return res
}

func (k *testCluster) check(code int16) {
	k.t.Helper()
	if err := kerr.ErrorForCode(code); err != nil {
		k.t.Fatal(err)
	}
}

func (k *testCluster) createTopic(partitions int32) {
	k.t.Helper()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, partitions, 1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, rt)
	k.check(k.request(req).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
}

func (k *testCluster) deleteTopic() {
	k.t.Helper()
	rt := kmsg.NewDeleteTopicsRequestTopic()
	name := topic
	rt.Topic = &name
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames, req.Topics = []string{topic}, append(req.Topics, rt)
	k.check(k.request(req).(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode)
	k.client.PurgeTopicsFromClient(topic)
}

func (k *testCluster) addPartitions(count int32) {
	k.t.Helper()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, count
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.Topics = append(req.Topics, rt)
	k.check(k.request(req).(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode)
}

// deleteRecords deletes what lies before an offset, as retention does.
func (k *testCluster) deleteRecords(partition int32, before int64) {
	k.t.Helper()
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = partition, before
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.Topics = append(req.Topics, rt)
	k.check(k.request(req).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0].ErrorCode)
}

// next joins and fails the test if that fails.
func next(t *testing.T, c *Consumer) *Generation {
	t.Helper()
	g, err := c.Next(limit(t))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// from gives each partition the same position, with nothing before it.
func from(offset int64, partitions ...int) map[int]Position {
	ps := make(map[int]Position)
	for _, p := range partitions {
		ps[p] = Position{Next: offset, Last: -1}
	}
	return ps
}

// receive returns the next message.
func receive(t *testing.T, g *Generation, out <-chan *Message) *Message {
	t.Helper()
	select {
	case m := <-out:
		return m
	case <-g.Done():
		t.Fatalf("the generation ended: %v", g.Err())
	case <-limit(t).Done():
		t.Fatal("no message came")
	}
	return nil
}

func over(t *testing.T, g *Generation) error {
	t.Helper()
	select {
	case <-g.Done():
	case <-limit(t).Done():
		t.Fatal("the generation did not end")
	}
	return g.Err()
}

// logLines collects a log.
type logLines struct {
	mu    sync.Mutex
	text  strings.Builder
	wrote chan struct{} // a value after each line, if somebody waits
}

func newLog() *logLines { return &logLines{wrote: make(chan struct{}, 1)} }

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (l *logLines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), s)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait waits until the log holds s.
func (l *logLines) wait(t *testing.T, s string) {
	t.Helper()
	ctx := limit(t)
	for l.count(s) == 0 {
		select {
		case <-l.wrote:
		case <-ctx.Done():
			t.Fatalf("no %q in the log:\n%s", s, l)
		}
	}
}

func number(i int) string { return strconv.Itoa(i) }
