package consume

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/segmentio/kafka-go"
)

// maxDamaged is how often a batch with a wrong checksum is fetched before it is taken for
// what the broker has.
const maxDamaged = 3

// maxIdle is how often a partition may get bytes, but no whole batch. A broker cuts off
// batches that others have left no room for; the next time this one is first.
const maxIdle = 100

// deliver hands on the messages of a partition. An error means that it is to be tried again;
// what was handed on stays handed on.
func (f *fetcher) deliver(p *partition, a *fetchedPart) error {
	if a.err != nil {
		return a.err
	}
	if a.end < p.next {
		return kafka.OffsetOutOfRange // which it is, unless a new leader doesn't know yet
	}
	from := p.next
	for b := a.records; len(b) > 0 && f.ctx.Err() == nil; {
		v, rest, need, err := nextBatch(b)
		if err != nil {
			return err
		}
		if need > 0 {
			p.want = need
			break
		}
		b = rest
		if err := f.batch(p, &v, a); err != nil {
			return err
		}
	}
	if p.next > from {
		p.want, p.idle = 0, 0
	} else if len(a.records) > 0 {
		if p.idle++; p.idle > maxIdle {
			return errors.New("the broker sends no whole record batch")
		}
	}
	if p.next > p.told {
		f.send(p, &Message{Partition: p.id, Offset: p.next - 1, Gap: true})
	}
	return nil
}

func (f *fetcher) batch(p *partition, v *batch, a *fetchedPart) error {
	problem := v.problem()
	if !v.intact && p.damaged < maxDamaged {
		p.damaged++
		return problem
	}
	if problem == nil && v.last < p.next {
		return nil // an answer may begin before what was asked for
	}
	p.damaged = 0
	if problem != nil {
		return f.bad(p, v, problem, a)
	}
	if a.transactions.void(v) || v.control {
		p.next = v.last + 1
		return nil
	}
	unpacked, own := v.records, a.buf
	if v.codec != 0 {
		var err error
		if unpacked, err = unpack(v.codec, v.records); err != nil {
			return f.bad(p, v, err, a)
		}
		own = newBuffer(unpacked, f.c.memory)
		if f.c.memory.acquire(f.ctx, own.size(), a.buf.size()) != nil {
			return nil // it was stopped
		}
		defer own.release()
	}
	var err error
	if f.rs, err = v.appendRecords(f.rs[:0], unpacked); err != nil {
		return f.bad(p, v, err, a)
	}
	if !f.messages(p, own) {
		return nil
	}
	p.next = max(p.next, v.last+1)
	return nil
}

// messages hands on the records in f.rs.
func (f *fetcher) messages(p *partition, buf *buffer) bool {
	first := 0
	for first < len(f.rs) && f.rs[first].offset < p.next {
		first++
	}
	ms := make([]Message, len(f.rs)-first)
	for i := range ms {
		m, r := &ms[i], &f.rs[first+i]
		*m = r.message(p.id)
		m.buf = buf
		buf.retain()
		if !f.send(p, m) {
			m.Release()
			return false
		}
	}
	return true
}

// bad hands on a batch that can't be read, as one message.
func (f *fetcher) bad(p *partition, v *batch, why error, a *fetchedPart) error {
	v.last = min(v.last, a.end-1) // no word of a damaged batch leads out of the topic
	m := v.bad(p.id, p.next, why)
	m.buf = a.buf
	a.buf.retain()
	if !f.send(p, &m) {
		m.Release()
	}
	return nil
}

// send hands a message on, unless the partition is not ours any more.
func (f *fetcher) send(p *partition, m *Message) bool {
	if !f.alive() {
		return false
	}
	// What m holds is not ours once it was sent.
	next, last := m.Offset+1, Position{Last: m.Offset, Time: m.Time, CRC: m.CRC}
	gap := m.Gap
	select {
	case f.out <- m:
	case <-f.ctx.Done():
		return false
	}
	p.next, p.told = next, next
	if !gap {
		p.position = last
	}
	return true
}

func (r *record) message(partition int) Message {
	m := Message{
		Partition: partition, Offset: r.offset, Time: r.time,
		Value: r.value, Null: r.null, CRC: crc32.Checksum(r.value, castagnoli), Source: string(r.source),
	}
	m.Segment, m.HasSegment = segment(r.segment)
	return m
}

// segment reads a segment's id, 32 lower-case hexadecimal digits. Anything else is none.
func segment(b []byte) (id [16]byte, ok bool) {
	if len(b) != 2*len(id) || slices.ContainsFunc(b, func(c byte) bool { return 'A' <= c && c <= 'F' }) {
		return id, false
	}
	if _, err := hex.Decode(id[:], b); err != nil {
		return [16]byte{}, false
	}
	return id, true
}

// bad returns the message that stands for a batch that can't be read, at its last offset,
// which where that is malformed too is the next one.
func (v *batch) bad(partition int, next int64, why error) Message {
	m := Message{
		Partition: partition, Offset: max(v.last, next), Time: v.maxTime,
		Value: v.raw, CRC: crc32.Checksum(v.raw, castagnoli),
	}
	m.Bad = fmt.Errorf("offsets %d to %d: %w", next, m.Offset, why)
	return m
}

// transactions follows which producers' records are void, in the order of the log.
// Kafka's own consumer does the same with isolation.level=read_committed.
type transactions struct {
	aborted []abortedTransaction // to come
	open    map[int64]bool       // producers whose transaction is going to be void
}

type abortedTransaction struct{ producer, first int64 }

func (t *transactions) void(v *batch) bool {
	if len(t.aborted) > 0 && t.open == nil {
		t.open = make(map[int64]bool)
		slices.SortFunc(t.aborted, func(a, b abortedTransaction) int {
			return int(max(-1, min(1, a.first-b.first)))
		})
	}
	for len(t.aborted) > 0 && t.aborted[0].first <= v.last {
		t.open[t.aborted[0].producer] = true
		t.aborted = t.aborted[1:]
	}
	if v.aborts() {
		delete(t.open, v.producer)
	}
	return v.inTxn && !v.control && t.open[v.producer]
}
