package consume

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A batch is a batch of records as a broker stores it. In the formats before Kafka 0.11 it
// is one message, which may hold others when it is compressed.
// Source: https://kafka.apache.org/documentation/#recordbatch
type batch struct {
	raw       []byte // all of it
	magic     int8
	base      int64 // offset of the first record
	last      int64 // offset of the last one, or of where it was
	time      int64 // base of the records' times, and the latest of them
	maxTime   int64
	appended  bool // the broker has set the records' times to maxTime
	inTxn     bool
	control   bool // the end of a transaction
	producer  int64
	codec     int8
	count     int32
	records   []byte // in their encoding, compressed or not
	intact    bool   // the checksum is right
	malformed bool
}

// Bits of the attributes.
const (
	attrCodec    = 7
	attrAppended = 1 << 3
	attrInTxn    = 1 << 4
	attrControl  = 1 << 5
)

const (
	batchPrefix = 12 // offset and length
	magicAt     = 16
	maxBatch    = 1 << 30
)

// nextBatch takes the first batch off b. If that is cut off by the end of b it returns how
// many bytes it needs, as far as is known.
func nextBatch(b []byte) (v batch, rest []byte, need int, err error) {
	if len(b) <= magicAt {
		return v, b, magicAt + 1, nil
	}
	n := int(int32(binary.BigEndian.Uint32(b[8:])))
	if n <= magicAt-batchPrefix || n > maxBatch {
		return v, nil, 0, fmt.Errorf("record batch of %d bytes", n)
	}
	if n += batchPrefix; n > len(b) {
		return v, b, n, nil
	}
	v = batch{raw: b[:n:n], magic: int8(b[magicAt])}
	switch v.magic {
	case 0, 1:
		v.parseOld()
	case 2:
		v.parse()
	default:
		// Nothing is known of a later format, not even what its last offset is.
		return v, nil, 0, fmt.Errorf("record batch of unknown format %d", v.magic)
	}
	return v, b[n:], 0, nil
}

func (v *batch) parse() {
	d := decoder{b: v.raw}
	v.base = d.int64()
	d.int32() // length
	d.int32() // leader epoch
	d.int8()  // magic
	sum := uint32(d.int32())
	v.intact = crc32.Checksum(d.b, castagnoli) == sum
	v.attributes(d.int16())
	v.last = v.base + int64(d.int32())
	v.time = d.int64()
	v.maxTime = d.int64()
	v.producer = d.int64()
	d.int16() // producer epoch
	d.int32() // sequence
	v.count = d.int32()
	v.records = d.b
	v.malformed = d.bad || v.base < 0 || v.last < v.base || v.count < 0
}

func (v *batch) attributes(a int16) {
	v.codec = int8(a & attrCodec)
	v.appended = a&attrAppended != 0
	v.inTxn = a&attrInTxn != 0
	v.control = a&attrControl != 0
}

// aborts tells whether the batch is the end of a transaction that is void. A record's key
// says so by its second number, the type, being 0.
func (v *batch) aborts() bool {
	d := decoder{b: v.records}
	d.varint() // length
	d.int8()   // attributes
	d.varint() // time
	d.varint() // offset
	key, _ := d.varbytes()
	return v.control && len(key) >= 4 && key[2] == 0 && key[3] == 0
}

// A record is one message of a batch. Its bytes are those of the batch.
type record struct {
	offset, time int64
	value        []byte
	null         bool
	segment      []byte // header spot.segment
	source       []byte // header spot.source
}

var errMalformed = errors.New("the record batch is malformed")

// problem tells why the batch can't be read, without looking at its records.
func (v *batch) problem() error {
	switch {
	case !v.intact:
		return errors.New("the record batch's checksum is wrong")
	case v.malformed:
		return errMalformed
	}
	return nil
}

// appendRecords appends the batch's records to rs. unpacked are v.records without
// compression.
func (v *batch) appendRecords(rs []record, unpacked []byte) ([]record, error) {
	if v.magic < 2 {
		return v.appendOld(rs, unpacked)
	}
	d := decoder{b: unpacked}
	next := v.base
	for range v.count {
		size := d.varint()
		if size < 0 || size > int64(len(d.b)) {
			return rs, errMalformed
		}
		one := decoder{b: d.take(int(size))}
		r := one.record()
		r.time += v.time
		r.offset += v.base
		if v.appended {
			r.time = v.maxTime
		}
		if one.bad || r.offset < next || r.offset > v.last {
			return rs, errMalformed
		}
		next = r.offset + 1
		rs = append(rs, r)
	}
	if d.bad {
		return rs, errMalformed
	}
	return rs, nil
}

func (d *decoder) record() record {
	var r record
	d.int8() // attributes, unused
	r.time = d.varint()
	r.offset = d.varint()
	d.varbytes() // key
	r.value, r.null = d.varbytes()
	for n := d.varint(); n > 0 && !d.bad; n-- {
		key, _ := d.varbytes()
		value, _ := d.varbytes()
		switch string(key) {
		case "spot.segment":
			r.segment = value
		case "spot.source":
			r.source = value
		}
	}
	return r
}
