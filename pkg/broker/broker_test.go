package broker

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const topic = "T"

func cluster(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, *Client) {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, topic)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	c, err := Connect(k.ListenAddrs(), topic, "test", "none")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return k, c
}

func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// fetch reads n records with an independent client.
func fetch(t *testing.T, k *kfake.Cluster, n int) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx := deadline(t)
	var got []*kgo.Record
	for len(got) < n {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		got = append(got, fetches.Records()...)
	}
	return got
}

func create(t *testing.T, k *kfake.Cluster, name string, partitions int32, configs map[string]string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = name, partitions, 1
	for key, value := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, &value
		rt.Configs = append(rt.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(deadline(t), cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// frame lays a value out as a segment does: room in front, the value at the end.
func frame(value []byte) ([]byte, int) {
	return append(make([]byte, Headroom), value...), Headroom
}

func TestProduce(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<15)
	tests := []struct {
		name        string
		timeMS      int64
		value       []byte
		headers     []Header
		compression string
	}{
		{name: "plain", timeMS: 1709888400123, value: []byte("hello"), headers: []Header{{"spot.segment", []byte("ab")}, {"spot.rows", []byte("3")}}},
		{name: "empty value, no headers", timeMS: 1, value: []byte{}},
		{name: "the first millisecond of 1970", timeMS: 0, value: []byte("x")},
		{name: "before 1900", timeMS: -2208988801000, value: []byte("x")},
		{name: "half a megabyte", timeMS: 1, value: large},
		{name: "gzip", timeMS: 5, value: large, compression: "gzip"},
		{name: "snappy", timeMS: 5, value: large, compression: "snappy"},
		{name: "lz4", timeMS: 5, value: large, compression: "lz4"},
		{name: "zstd", timeMS: 5, value: large, compression: "zstd", headers: []Header{{"a", nil}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, c := cluster(t)
			codec, err := codecNamed(tt.compression)
			if err != nil {
				t.Fatal(err)
			}
			buf, start := frame(tt.value)
			batch, err := EncodeBatch(buf, start, tt.timeMS, tt.headers, codec)
			if err != nil {
				t.Fatal(err)
			}
			if codec != nil && len(batch) >= len(tt.value) {
				t.Errorf("batch of %d bytes is not compressed", len(batch))
			}
			offset, err := c.Produce(deadline(t), topic, 1, batch)
			if err != nil || offset != 0 {
				t.Fatalf("Produce = %d, %v", offset, err)
			}
			r := fetch(t, k, 1)[0]
			if r.Key != nil || r.Partition != 1 || r.Timestamp.UnixMilli() != tt.timeMS || !bytes.Equal(r.Value, tt.value) {
				t.Errorf("got key %q, partition %d, time %d, %d bytes", r.Key, r.Partition, r.Timestamp.UnixMilli(), len(r.Value))
			}
			if len(r.Headers) != len(tt.headers) {
				t.Fatalf("headers: %v", r.Headers)
			}
			for i, h := range tt.headers {
				if r.Headers[i].Key != h.Key || !bytes.Equal(r.Headers[i].Value, h.Value) {
					t.Errorf("header %d: %v", i, r.Headers[i])
				}
			}
		})
	}
}

// An uncompressed batch shares the segment's memory: a segment isn't copied to be framed.
func TestEncodeBatchInPlace(t *testing.T) {
	buf, start := frame(bytes.Repeat([]byte("v"), 1000))
	buf = append(buf, make([]byte, 100)...)[:len(buf)]
	headers := []Header{{"k", []byte("v")}}
	if n := testing.AllocsPerRun(10, func() {
		if _, err := EncodeBatch(buf, start, 1, headers, nil); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTopic(t *testing.T) {
	k, c := cluster(t, kfake.AllowAutoTopicCreation())
	create(t, k, "limited", 3, map[string]string{"max.message.bytes": "5000", "retention.ms": "60000"})
	got, err := c.Topic(deadline(t), "limited")
	if err != nil {
		t.Fatal(err)
	}
	want := Topic{Name: "limited", Partitions: 3, MaxBatchBytes: 5000, Retention: time.Minute, Headers: true}
	if got != want {
		t.Errorf("Topic = %+v, want %+v", got, want)
	}

	_, err = c.Topic(deadline(t), "missing")
	if !errors.Is(err, ErrNoTopic) {
		t.Errorf("missing topic: %v", err)
	}
	if names := k.TopicInfo("missing"); names != nil {
		t.Error("asking for a topic made it")
	}

	// Rights to describe may be missing; the topic is usable all the same.
	k.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		for _, r := range req.(*kmsg.DescribeConfigsRequest).Resources {
			resp.Resources = append(resp.Resources, kmsg.DescribeConfigsResponseResource{
				ErrorCode: kerr.TopicAuthorizationFailed.Code, ResourceType: r.ResourceType, ResourceName: r.ResourceName,
			})
		}
		return resp, nil, true
	})
	got, err = c.Topic(deadline(t), "limited")
	if err != nil || got.MaxBatchBytes != 0 || got.Retention != 0 || got.Partitions != 3 {
		t.Errorf("without the right to describe: %+v, %v", got, err)
	}
}

func TestTopicAway(t *testing.T) {
	k, c := cluster(t)
	if _, err := c.Topic(deadline(t), topic); err != nil {
		t.Fatal(err)
	}
	k.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := c.Topic(ctx, topic)
	if err == nil || errors.Is(err, ErrNoTopic) {
		t.Errorf("broker gone: %v", err)
	}
}

// One live host among the configured ones is enough.
func TestDeadServerFirst(t *testing.T) {
	k, _ := cluster(t)
	for range 4 {
		c, err := Connect(append([]string{"127.0.0.1:1"}, k.ListenAddrs()...), topic, "test", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Topic(deadline(t), topic); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		code                       *kerr.Error
		refused, tooLarge, badTime bool
	}{
		{kerr.MessageTooLarge, true, true, false},
		{kerr.RecordListTooLarge, true, true, false},
		{kerr.InvalidTimestamp, true, false, true},
		{kerr.InvalidRecord, true, false, false},
		{kerr.NotLeaderForPartition, false, false, false},
		{kerr.NotEnoughReplicas, false, false, false},
		{kerr.TopicAuthorizationFailed, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.code.Message, func(t *testing.T) {
			k, c := cluster(t)
			k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
				resp := req.ResponseKind().(*kmsg.ProduceResponse)
				for _, rt := range req.(*kmsg.ProduceRequest).Topics {
					st := kmsg.ProduceResponseTopic{Topic: rt.Topic}
					for _, p := range rt.Partitions {
						st.Partitions = append(st.Partitions, kmsg.ProduceResponseTopicPartition{Partition: p.Partition, ErrorCode: tt.code.Code})
					}
					resp.Topics = append(resp.Topics, st)
				}
				return resp, nil, true
			})
			buf, start := frame([]byte("x"))
			batch, err := EncodeBatch(buf, start, 1, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Produce(deadline(t), topic, 0, batch)
			if err == nil || Refused(err) != tt.refused || TooLarge(err) != tt.tooLarge || BadTime(err) != tt.badTime {
				t.Errorf("%v: refused %v, too large %v, bad time %v", err, Refused(err), TooLarge(err), BadTime(err))
			}
		})
	}
}

func TestUnknownCompression(t *testing.T) {
	if _, err := Connect([]string{"127.0.0.1:1"}, topic, "test", "brotli"); err == nil {
		t.Error("no error")
	}
}

func FuzzEncodeBatch(f *testing.F) {
	f.Add([]byte("value"), int64(1), "k", []byte("v"))
	f.Fuzz(func(t *testing.T, value []byte, timeMS int64, key string, header []byte) {
		buf, start := frame(value)
		batch, err := EncodeBatch(buf, start, timeMS, []Header{{key, header}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var b kmsg.RecordBatch
		if err := b.ReadFrom(batch); err != nil {
			t.Fatal(err)
		}
		var r kmsg.Record
		if err := r.ReadFrom(b.Records); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(r.Value, value) || b.FirstTimestamp != timeMS || len(r.Headers) != 1 || r.Headers[0].Key != key {
			t.Errorf("round trip: %+v", r)
		}
	})
}
