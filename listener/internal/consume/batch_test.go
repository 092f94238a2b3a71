package consume

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"

	"spot-ingest/pkg/logging"
)

// A craft is a record batch to be encoded, in Kafka's words.
type craft struct {
	kmsg.RecordBatch
	records []kmsg.Record
	codec   int8
}

// at returns a batch whose records have these offsets, from base to last.
func at(base, last int64, offsets ...int64) *craft {
	c := &craft{}
	c.FirstOffset, c.LastOffsetDelta, c.Magic, c.ProducerID = base, int32(last-base), 2, -1
	c.FirstTimestamp, c.MaxTimestamp = 1000, 2000
	for _, o := range offsets {
		r := kmsg.Record{OffsetDelta: int32(o - base), TimestampDelta64: o, Value: []byte("v" + number(int(o)))}
		c.records = append(c.records, r)
	}
	return c
}

func (c *craft) by(producer int64, attributes int16) *craft {
	c.ProducerID, c.Attributes = producer, attributes
	return c
}

// control returns the end of a transaction.
func control(offset, producer int64, commit int8) *craft {
	c := at(offset, offset, offset).by(producer, attrControl|attrInTxn)
	c.records[0].Key = []byte{0, 0, 0, byte(commit)}
	return c
}

func (c *craft) encode(t testing.TB) []byte {
	t.Helper()
	var body []byte
	for _, r := range c.records {
		r.Length = int32(len(r.AppendTo(nil)) - 1) // of a length that takes one byte
		body = r.AppendTo(body)
	}
	if c.codec != 0 {
		body = pack(t, c.codec, body)
	}
	b := c.RecordBatch
	b.Attributes |= int16(c.codec)
	b.NumRecords, b.Records = int32(len(c.records)), body
	return seal(b)
}

// seal fills in the length and the checksum.
func seal(b kmsg.RecordBatch) []byte {
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-batchPrefix))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], castagnoli))
	return raw
}

func pack(t testing.TB, codec int8, b []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := compress.Compression(codec).Codec().NewWriter(&packed)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// oldMessage encodes a message of format 0 or 1.
func oldMessage(magic, codec int8, offset int64, value []byte) []byte {
	var b []byte
	if magic == 0 {
		m := kmsg.MessageV0{Offset: offset, Magic: magic, Attributes: codec, Value: value}
		b = m.AppendTo(nil)
	} else {
		m := kmsg.MessageV1{Offset: offset, Magic: magic, Attributes: codec, Timestamp: 1500, Value: value}
		b = m.AppendTo(nil)
	}
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchPrefix))
	binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[magicAt:]))
	return b
}

// A delivery is what a partition's part of an answer leads to.
type delivery struct {
	words []string // offset=value, gap to offset, bad to offset
	next  int64
	err   error
	p     *partition
}

func deliver(t testing.TB, next, end int64, records []byte, aborted ...abortedTransaction) delivery {
	p := &partition{next: next, told: next}
	return deliverTo(t, p, end, records, aborted...)
}

func deliverTo(t testing.TB, p *partition, end int64, records []byte, aborted ...abortedTransaction) delivery {
	t.Helper()
	c := &Consumer{memory: newMemory(1 << 20), log: logging.Discard()}
	out := make(chan *Message, 1000)
	f := &fetcher{c: c, ctx: context.Background(), out: out, alive: func() bool { return true }}
	a := &fetchedPart{end: end, records: records, buf: newBuffer(slices.Clone(records), c.memory), transactions: transactions{aborted: aborted}}
	c.memory.add(a.buf.size())
	d := delivery{err: f.deliver(p, a), p: p}
	a.buf.release()
	for len(out) > 0 {
		m := <-out
		word := number(int(m.Offset)) + "=" + string(m.Value)
		switch {
		case m.Gap:
			word = "gap to " + number(int(m.Offset))
		case m.Bad != nil:
			word = "bad to " + number(int(m.Offset))
		case m.Null:
			word = number(int(m.Offset)) + " null"
		}
		d.words = append(d.words, word)
		m.Release()
	}
	if c.memory.used != 0 {
		t.Errorf("%d bytes are still counted", c.memory.used)
	}
	d.next = p.next
	return d
}

func TestDeliver(t *testing.T) {
	plain := at(5, 7, 5, 6, 7).encode(t)
	broken := slices.Clone(plain)
	broken[len(broken)-1]++
	short := at(5, 7, 5, 6, 7)
	short.records = short.records[:2]
	lying := short.RecordBatch
	lying.NumRecords = 3
	inner := join(oldMessage(1, 0, 0, []byte("x")), oldMessage(1, 0, 1, []byte("y")), oldMessage(1, 0, 2, []byte("z")))
	innerAbsolute := join(oldMessage(0, 0, 5, []byte("x")), oldMessage(0, 0, 7, []byte("z")))
	const txn = attrInTxn
	tests := []struct {
		name    string
		next    int64
		records []byte
		aborted []abortedTransaction
		want    string
		end     int64 // of what is read, 8 if 0
	}{
		{"plain", 5, plain, nil, "5=v5 6=v6 7=v7", 0},
		{"from the middle", 6, plain, nil, "6=v6 7=v7", 0},
		{"from behind", 8, plain, nil, "", 0},
		{"two batches", 5, join(plain, at(8, 8, 8).encode(t)), nil, "5=v5 6=v6 7=v7 8=v8", 9},
		{"cut off", 5, join(plain, plain[:70]), nil, "5=v5 6=v6 7=v7", 0},
		{"cut off in the head", 5, join(plain, plain[:3]), nil, "5=v5 6=v6 7=v7", 0},
		{"only cut off", 5, plain[:70], nil, "", 5},
		{"compacted", 5, at(5, 9, 6, 8).encode(t), nil, "6=v6 8=v8 gap to 9", 10},
		{"compacted to nothing", 5, at(5, 9).encode(t), nil, "gap to 9", 10},
		{"hole between batches", 5, join(plain, at(20, 20, 20).encode(t)), nil, "5=v5 6=v6 7=v7 20=v20", 21},
		{"committed", 5, join(at(5, 6, 5, 6).by(1, txn).encode(t), control(7, 1, 1).encode(t)), nil, "5=v5 6=v6 gap to 7", 0},
		{"aborted", 5, join(at(5, 6, 5, 6).by(1, txn).encode(t), control(7, 1, 0).encode(t)), []abortedTransaction{{1, 5}}, "gap to 7", 0},
		{"aborted, then committed", 5, join(at(5, 5, 5).by(1, txn).encode(t), control(6, 1, 0).encode(t), at(7, 7, 7).by(1, txn).encode(t)),
			[]abortedTransaction{{1, 5}}, "7=v7", 0},
		{"aborted beside others", 5, join(at(5, 5, 5).by(1, txn).encode(t), at(6, 6, 6).by(2, txn).encode(t), at(7, 7, 7).encode(t)),
			[]abortedTransaction{{2, 6}}, "5=v5 7=v7", 0},
		{"not yet aborted", 5, join(at(5, 5, 5).by(2, txn).encode(t), at(6, 7, 6, 7).by(2, txn).encode(t)), []abortedTransaction{{2, 6}, {1, 2}}, "5=v5 gap to 7", 0},
		{"malformed", 5, join(seal(lying), at(8, 8, 8).encode(t)), nil, "bad to 7 8=v8", 9},
		{"offsets beyond the batch", 5, at(5, 6, 5, 7).encode(t), nil, "bad to 6", 7},
		{"offsets backwards", 5, at(5, 7, 6, 5).encode(t), nil, "bad to 7", 0},
		{"null value", 5, (&craft{RecordBatch: at(5, 5).RecordBatch, records: []kmsg.Record{{}}}).encode(t), nil, "5 null", 6},
		{"format 1", 5, join(oldMessage(1, 0, 5, []byte("x")), oldMessage(1, 0, 7, []byte("y"))), nil, "5=x 7=y", 0},
		{"format 0, null", 5, oldMessage(0, 0, 5, nil), nil, "5 null", 6},
		{"format 1, compressed", 6, oldMessage(1, 1, 7, pack(t, 1, inner)), nil, "6=y 7=z", 0},
		{"format 0, compressed", 5, oldMessage(0, 2, 7, pack(t, 2, innerAbsolute)), nil, "5=x 7=z", 0},
		{"format 1, compressed, malformed", 5, oldMessage(1, 1, 7, pack(t, 1, inner[:9])), nil, "bad to 7", 0},
		{"format 1, not compressed", 5, oldMessage(1, 1, 7, []byte("no gzip")), nil, "bad to 7", 0},
		{"format 1, compressed nothing", 5, oldMessage(1, 1, 7, nil), nil, "bad to 7", 0},
		{"unknown compression", 5, at(5, 7, 5).by(-1, 7).encode(t), nil, "bad to 7", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := deliver(t, tt.next, 100, tt.records, tt.aborted...)
			if got := strings.Join(d.words, " "); got != tt.want || d.err != nil {
				t.Errorf("got %q, %v, want %q", got, d.err, tt.want)
			}
			if want := max(tt.end, 8); tt.end != 0 && d.next != tt.end || tt.end == 0 && d.next != want {
				t.Errorf("next is %d, want %d or %d", d.next, tt.end, want)
			}
		})
	}
	for codec := int8(1); codec <= 4; codec++ {
		c := at(5, 7, 5, 6, 7)
		c.codec = codec
		if d := deliver(t, 6, 100, c.encode(t)); strings.Join(d.words, " ") != "6=v6 7=v7" {
			t.Errorf("codec %d: %q, %v", codec, d.words, d.err)
		}
	}
}

// The time of a record is its own, or where brokers stamp messages the batch's.
func TestRecordTime(t *testing.T) {
	for attributes, want := range map[int16]int64{0: 1005, attrAppended: 2000} {
		v, _, _, err := nextBatch(at(5, 5, 5).by(-1, attributes).encode(t))
		if err != nil {
			t.Fatal(err)
		}
		rs, err := v.appendRecords(nil, v.records)
		if err != nil || len(rs) != 1 || rs[0].time != want {
			t.Errorf("attributes %d: %+v, %v", attributes, rs, err)
		}
	}
	for magic, want := range map[int8]int64{0: -1, 1: 1500} {
		v, _, _, err := nextBatch(oldMessage(magic, 0, 3, []byte("x")))
		if err != nil {
			t.Fatal(err)
		}
		rs, err := v.appendRecords(nil, v.records)
		if err != nil || rs[0].time != want {
			t.Errorf("format %d: %+v, %v", magic, rs, err)
		}
	}
}

// A wrong checksum may be of the way here: it is fetched again before it is believed. Then
// the batch is one bad message, and what comes behind it is read.
func TestDamagedBatch(t *testing.T) {
	broken := at(5, 7, 5, 6, 7).encode(t)
	broken[len(broken)-1]++
	records := join(broken, at(8, 8, 8).encode(t))
	p := &partition{next: 5, told: 5}
	for range maxDamaged {
		if d := deliverTo(t, p, 9, records); d.err == nil || len(d.words) > 0 || d.next != 5 {
			t.Fatalf("%q, %v", d.words, d.err)
		}
	}
	if d := deliverTo(t, p, 9, records); strings.Join(d.words, " ") != "bad to 7 8=v8" || d.err != nil {
		t.Errorf("%q, %v", d.words, d.err)
	}
	// A damaged length of the batch leads nowhere beyond the topic's end.
	far := at(5, 5, 5).encode(t)
	binary.BigEndian.PutUint32(far[23:], 1<<30)
	p = &partition{next: 5, told: 5, damaged: maxDamaged}
	if d := deliverTo(t, p, 7, far); strings.Join(d.words, " ") != "bad to 6" {
		t.Errorf("%q, %v", d.words, d.err)
	}
}

// The bad message before a position is found again as what it was.
func TestFind(t *testing.T) {
	broken := at(5, 7, 5, 6, 7).encode(t)
	broken[len(broken)-1]++
	records := join(at(1, 2, 1).encode(t), broken, control(8, 1, 1).encode(t))
	sum := crc32.Checksum(broken, castagnoli)
	for _, tt := range []struct {
		offset int64
		found  bool
		crc    uint32
	}{{1, true, crc32.Checksum([]byte("v1"), castagnoli)}, {2, false, 0}, {7, true, sum}, {8, false, 0}, {9, false, 0}} {
		m, need, err := find(records, 0, tt.offset)
		if err != nil || need != 0 || (m != nil) != tt.found || m != nil && (m.CRC != tt.crc || m.Offset != tt.offset) {
			t.Errorf("offset %d: %+v, %d, %v", tt.offset, m, need, err)
		}
	}
	if _, need, err := find(records[:80], 0, 5); need == 0 || err != nil {
		t.Errorf("cut off: %d, %v", need, err)
	}
}

func TestUnreadableFormat(t *testing.T) {
	future := at(5, 5, 5).encode(t)
	future[magicAt] = 3
	negative := at(5, 5, 5).encode(t)
	binary.BigEndian.PutUint32(negative[8:], 1<<31)
	for _, b := range [][]byte{future, negative} {
		if d := deliver(t, 5, 9, b); d.err == nil || d.next != 5 || len(d.words) > 0 {
			t.Errorf("%+v", d)
		}
	}
}

// A batch that decompresses without end takes a bounded memory.
func TestReadAll(t *testing.T) {
	const limit = 3*poolStep + 5
	for _, size := range []int{0, 1, poolStep, limit - 1, limit, limit + 1, 2 * limit} {
		b, err := readAll(io.LimitReader(zeros{}, int64(size)), 10, limit)
		if fits := size < limit; fits != (err == nil) || fits && len(b) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(b), err)
		}
	}
	if _, err := readAll(io.MultiReader(zeros{}.some(10), broken{}), 10, limit); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
}

// Few bytes that claim to be many are not believed.
func TestUnpackLies(t *testing.T) {
	for name, tt := range map[string]struct {
		codec  int8
		packed []byte
	}{
		"snappy":              {2, []byte("\xff\xff\xff\xff\x0f" + "abc")},
		"snappy frame":        {2, []byte(xerialMagic + "\x00\x00\x00\x01\x00\x00\x00\x01" + "\x7f\xff\xff\xffabc")},
		"snappy, no length":   {2, []byte(xerialMagic + "\x00\x00\x00\x01\x00\x00\x00\x01" + "\x7f")},
		"snappy, not any":     {2, []byte("\x04\xff\xff")},
		"zstd content":        {4, []byte("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x10\x00\x00\x00\x01\x00\x00")},
		"zstd window":         {4, []byte("\x28\xb5\x2f\xfd\x00\xf0\x01\x00\x00")},
		"more than the limit": {4, pack(t, 4, make([]byte, maxUnpacked+poolStep))},
		"gzip":                {1, []byte("\x1f\x8b")},
		"lz4":                 {3, []byte("abc")},
	} {
		t.Run(name, func(t *testing.T) {
			allocated := func() uint64 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.TotalAlloc
			}
			before := allocated()
			if b, err := unpack(tt.codec, tt.packed); err == nil {
				t.Errorf("no error, %d bytes", len(b))
			}
			if n := allocated() - before; len(tt.packed) < 100 && n > 64<<20 {
				t.Errorf("%d bytes were allocated", n)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
func (z zeros) some(n int64) io.Reader   { return io.LimitReader(z, n) }

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func FuzzDeliver(f *testing.F) {
	f.Add(at(5, 7, 5, 6, 7).encode(f), int8(0))
	f.Add(at(5, 7, 5, 6, 7).encode(f), int8(1))
	for codec := int8(1); codec <= 4; codec++ {
		c := at(5, 7, 5, 6, 7)
		c.codec = codec
		f.Add(c.encode(f), int8(0))
		f.Add(c.encode(f), int8(1))
	}
	f.Add(oldMessage(1, 1, 7, pack(f, 1, oldMessage(1, 0, 0, []byte("x")))), int8(1))
	f.Add(oldMessage(0, 0, 7, []byte("x")), int8(1))
	f.Fuzz(func(t *testing.T, b []byte, repair int8) {
		if repair == 1 && len(b) > 61 { // or nothing gets past the checksum
			binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchPrefix))
			binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], castagnoli))
			if b[magicAt] < 2 {
				binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[magicAt:]))
			}
		}
		p := &partition{next: 5, told: 5, damaged: maxDamaged}
		d := deliverTo(t, p, 1000, b)
		if d.next < 5 {
			t.Errorf("next is %d", d.next)
		}
	})
}

func FuzzParseFetch(f *testing.F) {
	res := kmsg.NewFetchResponse()
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.HighWatermark, rp.RecordBatches = 9, at(5, 5, 5).encode(f)
	rp.AbortedTransactions = append(rp.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: 1, FirstOffset: 2})
	rt := kmsg.NewFetchResponseTopic()
	rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
	res.Topics = append(res.Topics, rt)
	for version := int16(0); version <= 11; version++ {
		res.SetVersion(version)
		f.Add(res.AppendTo(nil), version)
	}
	f.Fuzz(func(t *testing.T, b []byte, version int16) {
		parts, err := parseFetch(b, version, topic)
		if err != nil {
			return
		}
		for _, p := range parts {
			if len(p.records) > len(b) || len(p.aborted) > len(b)/16 {
				t.Error("more than there is")
			}
		}
	})
}

// Every version that a broker may speak is read alike.
func TestParseFetch(t *testing.T) {
	records := at(5, 5, 5).encode(t)
	res := kmsg.NewFetchResponse()
	rt := kmsg.NewFetchResponseTopic()
	rt.Topic = topic
	for p := range int32(2) {
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.Partition, rp.HighWatermark, rp.ErrorCode, rp.RecordBatches = p, 9, int16(p), records
		rp.AbortedTransactions = append(rp.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: 1, FirstOffset: 2})
		rt.Partitions = append(rt.Partitions, rp)
	}
	other := kmsg.NewFetchResponseTopic()
	other.Topic = "other"
	res.Topics = append(res.Topics, other, rt)
	for version := int16(0); version <= 11; version++ {
		res.SetVersion(version)
		b := res.AppendTo(nil)
		parts, err := parseFetch(b, version, topic)
		if err != nil || len(parts) != 2 {
			t.Fatalf("version %d: %v, %v", version, parts, err)
		}
		for i, p := range parts {
			if p.partition != i || (p.err != nil) != (i == 1) || p.end != 9 || !bytes.Equal(p.records, records) || (len(p.aborted) == 1) != (version >= 4) {
				t.Errorf("version %d: %+v", version, p)
			}
		}
		if _, err := parseFetch(b[:len(b)-1], version, topic); err == nil {
			t.Errorf("version %d: no error for half an answer", version)
		}
	}
}
