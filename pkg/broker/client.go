// Package broker is the connection to a Kafka cluster: what a topic is like, and
// producing single-record batches to one of its partitions, with acks=all.
//
// It stands on kafka-go. It never creates a topic.
package broker

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	metadataAge = 3 * time.Second // how long kafka-go trusts a partition's leader
	dialTimeout = 5 * time.Second
)

// A Client talks to one cluster. It may be used from several goroutines.
type Client struct {
	addr      net.Addr
	id        string
	kafka     *kafka.Client
	transport *kafka.Transport
	codec     compress.Codec
}

// A Topic is what the cluster says of a topic.
type Topic struct {
	Name       string
	Partitions int
	// MaxBatchBytes is max.message.bytes, the largest record batch that the brokers
	// take; 0 where they don't say (no right to describe the topic).
	MaxBatchBytes int
	// Retention is retention.ms; 0 where unknown or unlimited, or where the topic is
	// only compacted.
	Retention time.Duration
	// Headers tells whether the brokers know record headers (Kafka 0.11 and later).
	Headers bool
}

// Connect returns a client for the cluster behind servers (host:port); it connects on
// first use. compression is a Kafka codec's name, or "none" or "".
func Connect(servers []string, topic, clientID, compression string) (*Client, error) {
	codec, err := codecNamed(compression)
	if err != nil {
		return nil, err
	}
	c := &Client{addr: kafka.TCP(servers...), id: clientID, codec: codec}
	c.transport = NewTransport(topic, clientID)
	c.kafka = &kafka.Client{Addr: c.addr, Transport: c.transport}
	return c, nil
}

// NewTransport returns a transport that knows the leaders of one topic's partitions.
func NewTransport(topic, clientID string) *kafka.Transport {
	return &kafka.Transport{
		Dial:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DialTimeout:    dialTimeout,
		ClientID:       clientID,
		MetadataTTL:    metadataAge,
		MetadataTopics: []string{topic},
	}
}

func codecNamed(name string) (compress.Codec, error) {
	if name == "" || name == "none" {
		return nil, nil
	}
	var c compress.Compression
	if err := c.UnmarshalText([]byte(name)); err != nil || c.Codec() == nil {
		return nil, fmt.Errorf("compression_type %q is not one of none, gzip, snappy, lz4, zstd", name)
	}
	return c.Codec(), nil
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// ErrNoTopic says that the cluster answers and has no such topic.
var ErrNoTopic = errors.New("topic does not exist")

// Topic asks the cluster, past all caches, what the named topic is like. It returns an
// error that wraps ErrNoTopic if the cluster answers and has none.
func (c *Client) Topic(ctx context.Context, name string) (Topic, error) {
	// kafka-go answers metadata requests from its transport's cache, also while no
	// broker is there: only a fresh transport tells the truth.
	transport := NewTransport(name, c.id)
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: c.addr, Transport: transport}

	t := Topic{Name: name}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return t, fmt.Errorf("ask %s for topic %q: %w", c.addr, name, err)
	}
	for _, m := range meta.Topics {
		if m.Name != name {
			continue
		}
		if errors.Is(m.Error, kafka.UnknownTopicOrPartition) {
			return t, fmt.Errorf("%w: %q on %s", ErrNoTopic, name, c.addr)
		}
		if m.Error != nil {
			return t, fmt.Errorf("ask %s for topic %q: %w", c.addr, name, m.Error)
		}
		t.Partitions = len(m.Partitions)
	}
	if t.Partitions == 0 {
		return t, fmt.Errorf("%w: %q on %s", ErrNoTopic, name, c.addr)
	}
	versions, err := client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err != nil {
		return t, fmt.Errorf("ask %s for its API versions: %w", c.addr, err)
	}
	for _, v := range versions.ApiKeys {
		if v.ApiKey == int(protocol.Produce) {
			t.Headers = v.MaxVersion >= 3
		}
	}
	c.describe(ctx, client, &t)
	return t, nil
}

// describe fills in the topic's limits; not to be allowed to know them is no error.
func (c *Client) describe(ctx context.Context, client *kafka.Client, t *Topic) {
	res, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic,
			ResourceName: t.Name,
			ConfigNames:  []string{"max.message.bytes", "retention.ms", "cleanup.policy"},
		}},
	})
	if err != nil {
		return
	}
	deletes := true
	for _, r := range res.Resources {
		for _, e := range r.ConfigEntries {
			n, err := strconv.ParseInt(e.ConfigValue, 10, 64)
			switch {
			case e.ConfigName == "cleanup.policy":
				deletes = e.ConfigValue != "compact"
			case err != nil || n <= 0:
			case e.ConfigName == "max.message.bytes":
				t.MaxBatchBytes = int(min(n, 1<<31-1))
			case e.ConfigName == "retention.ms":
				t.Retention = time.Duration(min(n, int64(1<<63-1)/int64(time.Millisecond))) * time.Millisecond
			}
		}
	}
	if !deletes {
		t.Retention = 0
	}
}

// Codec is what batches are compressed with; nil for none.
func (c *Client) Codec() compress.Codec { return c.codec }

// Produce sends one encoded batch to a partition, waits until all in-sync replicas have
// it, and returns the offset of its record.
func (c *Client) Produce(ctx context.Context, topic string, partition int, batch []byte) (int64, error) {
	// kafka-go wants the set's length in front of a raw record set.
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(batch)))
	res, err := c.kafka.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic:        topic,
		Partition:    partition,
		RequiredAcks: kafka.RequireAll,
		RawRecords:   protocol.RawRecordSet{Reader: io.MultiReader(bytes.NewReader(size[:]), bytes.NewReader(batch))},
	})
	return acknowledged(topic, partition, res, err)
}

// ProduceOld sends a value to brokers older than Kafka 0.11, which know neither record
// batches nor headers (Topic.Headers is false). kafka-go writes their message format.
func (c *Client) ProduceOld(ctx context.Context, topic string, partition int, timeMS int64, value []byte) (int64, error) {
	req := &kafka.ProduceRequest{
		Topic:        topic,
		Partition:    partition,
		RequiredAcks: kafka.RequireAll,
		Records:      kafka.NewRecordReader(kafka.Record{Time: time.UnixMilli(timeMS), Value: kafka.NewBytes(value)}),
	}
	if c.codec != nil {
		req.Compression = compress.Compression(c.codec.Code())
	}
	res, err := c.kafka.Produce(ctx, req)
	return acknowledged(topic, partition, res, err)
}

func acknowledged(topic string, partition int, res *kafka.ProduceResponse, err error) (int64, error) {
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, fmt.Errorf("produce to %s [%d]: %w", topic, partition, err)
	}
	return res.BaseOffset, nil
}

// TooLarge tells whether the brokers refused a batch for its size.
func TooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// BadTime tells whether the brokers refused a record for its time stamp.
func BadTime(err error) bool { return errors.Is(err, kafka.InvalidTimestamp) }

// Refused tells whether the brokers said no to a record itself, so that sending it again
// would end the same way. Any other error may pass: a broker away, a leader elected, a
// right not given yet.
func Refused(err error) bool {
	if TooLarge(err) || BadTime(err) {
		return true
	}
	for _, e := range []kafka.Error{kafka.InvalidRecord, kafka.UnsupportedForMessageFormat, kafka.PolicyViolation} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
