// Package consume reads a Kafka topic as a member of a consumer group, from positions that
// the caller gives: where to go on is the commit log's to know, not Kafka's.
//
//	c, err := consume.Open(ctx, consume.Options{…})
//	for {
//		g, err := c.Next(ctx)              // joins the group: g.Partitions are ours
//		g.Start(positions, messages)       // messages arrive, in order per partition
//		…                                  // until g.Done: commit what arrived, then
//		g.End()                            // let the group rebalance
//	}
//
// Offsets are never jumped over in silence: a position outside of what the topic holds, and
// a topic whose messages are other ones than before, end the generation with an error.
// Brokers that are away are waited for.
//
// It stands on kafka-go's Transport. Its ConsumerGroup is not used, because it sends no
// heartbeats from the moment a rebalance begins, so that a member may be thrown out while
// it commits; forgets its member id on errors, so that the others wait for it; and can't be
// stopped while it joins. Nor is its decoding of fetch answers: that drops batches that it
// can't read, never moves over empty ones, and copies each value twice.
package consume

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"

	"spot-ingest/pkg/broker"
	"spot-ingest/pkg/logging"
)

// Options say what to read, and as whom.
type Options struct {
	Servers  []string // host:port; one that answers is enough
	Topic    string
	Group    string
	ClientID string
	Log      *logging.Logger
	// Memory bounds the bytes of messages under way, which were fetched and not released;
	// 0 means 64 MiB. One batch of records a broker, packed and unpacked, may go beyond it.
	// Whoever keeps messages without releasing them gets no more at some time.
	Memory int64

	timing timing
}

// timing is how long things take; tests shorten it.
type timing struct {
	session   time.Duration // without a heartbeat a member is out after this time
	heartbeat time.Duration // between two heartbeats
	rebalance time.Duration // how long the others wait until a member has committed
	watch     time.Duration // between two looks at the number of partitions
	poll      time.Duration // how long a broker waits for new messages
	stall     time.Duration // an answer that makes no progress is given up after this time
	unseen    time.Duration // without a fetch under way a partition may become another one
	settle    time.Duration // how long a topic must end before a position to be believed
	patience  time.Duration // what does not work for less time is not worth a warning
	minPause  time.Duration // between attempts, the first
	maxPause  time.Duration // and the last
}

var realTiming = timing{
	session:   10 * time.Second,
	heartbeat: 3 * time.Second,
	rebalance: 60 * time.Second,
	watch:     5 * time.Second,
	poll:      500 * time.Millisecond,
	stall:     30 * time.Second,
	unseen:    10 * time.Second,
	settle:    5 * time.Second,
	patience:  time.Second,
	minPause:  100 * time.Millisecond,
	maxPause:  5 * time.Second,
}

const (
	defaultMemory = 64 << 20
	leaveTime     = 3 * time.Second // for the word to the group that we go
)

// ErrNoTopic says that the cluster answers and has no such topic.
var ErrNoTopic = broker.ErrNoTopic

// ErrClosed says that the Consumer was closed.
var ErrClosed = errors.New("the consumer is closed")

// A Consumer is one member of a consumer group. Next, Generation.End and Close are for one
// goroutine; the questions about the topic may be asked from any.
type Consumer struct {
	o         Options
	log       *logging.Logger
	addr      net.Addr
	transport *kafka.Transport
	kafka     *kafka.Client
	conns     connections
	stop      context.CancelFunc // of what the transport does in the background
	memory    *memory
	away      *outage // brokers that don't answer
	unready   *outage // partitions that can't be read

	member string // our id in the group; empty if it has given none
	last   *Generation
}

// Open waits until the cluster answers. It returns an error that wraps ErrNoTopic if that
// has no such topic.
func Open(ctx context.Context, o Options) (*Consumer, error) {
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	if o.timing == (timing{}) {
		o.timing = realTiming
	}
	c := &Consumer{o: o, log: o.Log, addr: kafka.TCP(o.Servers...), memory: newMemory(o.Memory)}
	c.away = newOutage(o.Log, o.timing.patience, "Kafka is not available", "Kafka is available again")
	c.unready = newOutage(o.Log, o.timing.patience, fmt.Sprintf("topic %q can't be read", o.Topic), fmt.Sprintf("topic %q can be read again", o.Topic))
	c.transport = broker.NewTransport(o.Topic, o.ClientID)
	c.transport.Context, c.stop = context.WithCancel(context.Background())
	c.transport.Dial = c.conns.dial(c.transport.Dial)
	c.kafka = &kafka.Client{Addr: c.addr, Transport: c.transport}

	client, err := broker.Connect(o.Servers, o.Topic, o.ClientID, "none")
	if err != nil {
		return nil, err
	}
	defer client.Close()
	err = c.retry(ctx, "topic", func(ctx context.Context) error {
		_, err := client.Topic(ctx, o.Topic)
		return err
	})
	if err != nil {
		c.disconnect()
		return nil, err
	}
	return c, nil
}

// Close ends the generation, leaves the group so that the other members need not wait for
// the session's end, and closes all connections.
func (c *Consumer) Close() {
	if c.last != nil {
		c.last.End()
	}
	if c.member != "" {
		ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
		defer cancel()
		_, err := c.kafka.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
			GroupID: c.o.Group,
			Members: []kafka.LeaveGroupRequestMember{{ID: c.member}},
		})
		if err != nil {
			c.log.Debug("leave group %q: %v", c.o.Group, err)
		}
		c.member = ""
	}
	c.disconnect()
}

func (c *Consumer) disconnect() {
	c.conns.close()
	c.stop()
	c.transport.CloseIdleConnections()
}

// retry calls f until it succeeds, ctx ends, or the error is one that no waiting mends.
func (c *Consumer) retry(ctx context.Context, what string, f func(context.Context) error) error {
	defer c.forget(what)
	for n := 0; ; n++ {
		if c.conns.closed() {
			return ErrClosed
		}
		err := c.once(ctx, f)
		switch {
		case err == nil:
			c.answered(what)
			return nil
		case final(err):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		c.failed(what, err)
		if err := c.o.timing.pause(ctx, n); err != nil {
			return err
		}
	}
}

// once calls f with the time that one request may take.
func (c *Consumer) once(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.timing.stall)
	defer cancel()
	return f(ctx)
}
