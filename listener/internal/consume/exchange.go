package consume

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// A fetchRequest asks one broker for records of several partitions. kafka-go routes it and
// sends it; the answer is read here, into one buffer.
type fetchRequest struct {
	ctx      context.Context
	clientID string
	stall    time.Duration

	broker    int32
	topic     string
	parts     []fetchPart
	wait      time.Duration // until the broker answers that there is nothing
	maxBytes  int           // of all records; the first batch may be larger
	committed bool          // no records of transactions that are open

	memory   *memory // nil: the answer isn't counted
	reserved int64   // counted for the answer before it comes
	settled  sync.Once

	version int16
	state   atomic.Int32
	answer  *fetchAnswer
}

type fetchPart struct {
	partition int
	offset    int64
	maxBytes  int
}

// A fetchAnswer is its own owner of buf.
type fetchAnswer struct {
	parts []fetchedPart
	buf   *buffer
}

type fetchedPart struct {
	partition int
	err       error
	end       int64 // high watermark
	transactions
	records []byte
	buf     *buffer // that records lie in
}

// The states of a request: an answer that comes when nobody waits any more is let go.
const (
	waiting = iota
	answered
	abandoned
)

// maxAnswer is more than a broker ever sends: it holds one batch, or what was asked for.
const maxAnswer = 1 << 30

// readStep is how much of an answer must come in the time of one stall.
const readStep = 1 << 20

// fetch sends a request and waits for its answer. The caller owns the answer's buffer,
// which is counted; what was reserved for it is given back.
func (c *Consumer) fetch(r *fetchRequest) (*fetchAnswer, error) {
	defer r.settle()
	r.clientID, r.topic, r.stall = c.o.ClientID, c.o.Topic, c.o.timing.stall
	_, err := c.transport.RoundTrip(r.ctx, c.addr, r)
	gone := r.state.CompareAndSwap(waiting, abandoned)
	switch {
	case err == nil && gone:
		err = errors.New("no answer")
	case err != nil && !gone:
		r.answer.buf.release()
	}
	if err != nil {
		return nil, fmt.Errorf("fetch from broker %d: %w", r.broker, err)
	}
	return r.answer, nil
}

func (r *fetchRequest) settle() {
	r.settled.Do(func() {
		if r.memory != nil {
			r.memory.add(-r.reserved)
		}
	})
}

// ApiKey makes a fetchRequest a message of kafka-go's protocol.
func (r *fetchRequest) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker routes the request.
func (r *fetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	b, ok := cluster.Brokers[r.broker]
	if !ok {
		return b, kafka.BrokerNotAvailable
	}
	return b, nil
}

// Required makes kafka-go call RawExchange, and tells which version the broker speaks.
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// RawExchange has the connection for itself until it returns. After an error kafka-go
// closes it.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	conn, ok := rw.(net.Conn)
	if !ok {
		return nil, errors.New("not a connection")
	}
	stop := context.AfterFunc(r.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	answer, err := r.exchange(conn)
	if err == nil && !stop() {
		answer.buf.release()
		err = r.ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	r.answer = answer
	if !r.state.CompareAndSwap(waiting, answered) {
		answer.buf.release()
		return nil, r.ctx.Err()
	}
	return r, nil
}

const correlation = 1 // a connection has one request at a time

func (r *fetchRequest) exchange(conn net.Conn) (*fetchAnswer, error) {
	if err := r.extend(conn, 0); err != nil {
		return nil, err
	}
	if err := protocol.WriteRequest(conn, r.version, correlation, r.clientID, r.message()); err != nil {
		return nil, err
	}
	if err := r.extend(conn, r.wait); err != nil {
		return nil, err
	}
	size, err := answerSize(conn, maxAnswer)
	if err != nil {
		return nil, err
	}
	buf := newBuffer(makeBytes(size), r.memory)
	if r.memory != nil {
		r.memory.add(buf.size())
	}
	r.settle()
	parts, err := r.read(conn, buf.bytes)
	if err != nil {
		buf.release()
		return nil, err
	}
	for i := range parts {
		parts[i].buf = buf
	}
	return &fetchAnswer{parts, buf}, nil
}

// answerSize reads the head of an answer, and returns how many bytes follow.
func answerSize(r io.Reader, limit int) (int, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	size := int(binary.BigEndian.Uint32(head[:])) - 4
	if id := binary.BigEndian.Uint32(head[4:]); id != correlation {
		return 0, fmt.Errorf("answer to request %d, not to %d", id, correlation)
	}
	if size < 0 || size > limit {
		return 0, fmt.Errorf("answer of %d bytes", size)
	}
	return size, nil
}

var errShortAnswer = errors.New("malformed answer")

func (r *fetchRequest) read(conn net.Conn, b []byte) ([]fetchedPart, error) {
	for at := 0; at < len(b); {
		if err := r.extend(conn, 0); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(conn, b[at:min(at+readStep, len(b))])
		if err != nil {
			return nil, err
		}
		at += n
	}
	return parseFetch(b, r.version, r.topic)
}

// extend gives the connection time for its next step.
func (r *fetchRequest) extend(conn net.Conn, d time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(r.stall + d)); err != nil {
		return err
	}
	return r.ctx.Err() // if it ended before, its deadline was just overwritten
}

func (r *fetchRequest) message() *fetch.Request {
	topic := fetch.RequestTopic{Topic: r.topic}
	for _, p := range r.parts {
		topic.Partitions = append(topic.Partitions, fetch.RequestPartition{
			Partition: int32(p.partition), FetchOffset: p.offset, PartitionMaxBytes: int32(p.maxBytes),
			CurrentLeaderEpoch: -1, LogStartOffset: -1,
		})
	}
	m := &fetch.Request{
		ReplicaID: -1, SessionID: 0, SessionEpoch: -1, // no session: each request is whole
		MaxWaitTime: int32(r.wait.Milliseconds()), MinBytes: 1, MaxBytes: int32(r.maxBytes),
		Topics: []fetch.RequestTopic{topic},
	}
	if r.committed {
		m.IsolationLevel = int8(kafka.ReadCommitted)
	}
	return m
}

// parseFetch reads the body of a fetch answer. The records share b's memory.
// Source: https://kafka.apache.org/protocol#The_Messages_Fetch, versions 0 to 11.
func parseFetch(b []byte, version int16, topic string) ([]fetchedPart, error) {
	d := decoder{b: b}
	if version >= 1 {
		d.int32() // throttle time
	}
	if version >= 7 {
		if code := d.int16(); code != 0 {
			return nil, kafka.Error(code)
		}
		d.int32() // session
	}
	var parts []fetchedPart
	for range d.count(6) {
		name := d.string()
		for range d.count(18) {
			p := d.fetched(version)
			if name == topic {
				parts = append(parts, p)
			}
		}
	}
	if d.bad {
		return nil, errShortAnswer
	}
	return parts, nil
}

func (d *decoder) fetched(version int16) fetchedPart {
	p := fetchedPart{partition: int(d.int32())}
	if code := d.int16(); code != 0 {
		p.err = kafka.Error(code)
	}
	p.end = d.int64()
	if version >= 4 {
		d.int64() // last stable offset
		if version >= 5 {
			d.int64() // log start
		}
		for range d.count(16) {
			p.aborted = append(p.aborted, abortedTransaction{d.int64(), d.int64()})
		}
	}
	if version >= 11 {
		d.int32() // preferred replica
	}
	if n := d.int32(); n > 0 {
		p.records = d.take(int(n))
	}
	return p
}
