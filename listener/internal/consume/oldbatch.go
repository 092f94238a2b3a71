package consume

import "hash/crc32"

// parseOld reads a message of the formats 0 and 1.
// Source: https://kafka.apache.org/documentation/#messageset
func (v *batch) parseOld() {
	d := decoder{b: v.raw}
	v.last = d.int64()
	v.base = v.last
	d.int32() // size
	sum := uint32(d.int32())
	v.intact = crc32.ChecksumIEEE(d.b) == sum
	v.records = v.raw
	d.int8() // magic
	v.attributes(int16(d.int8()) & (attrCodec | attrAppended))
	v.maxTime = -1
	if v.magic == 1 {
		v.maxTime = d.int64()
	}
	d.bytes() // key
	value, null := d.bytes()
	if v.codec != 0 {
		v.records = value
	}
	v.malformed = d.bad || v.base < 0 || v.codec != 0 && null
}

// appendOld appends the one message that unpacked holds, or those that were compressed
// together.
func (v *batch) appendOld(rs []record, unpacked []byte) ([]record, error) {
	if v.codec == 0 {
		return append(rs, v.oldRecord()), nil
	}
	from := len(rs)
	for len(unpacked) > 0 {
		inner, rest, need, err := nextBatch(unpacked)
		if err != nil || need > 0 || inner.magic != v.magic || inner.codec != 0 || inner.problem() != nil {
			return rs, errMalformed
		}
		rs = append(rs, inner.oldRecord())
		unpacked = rest
	}
	if len(rs) == from {
		return rs, nil
	}
	// Format 1 counts the offsets within from 0; that of the last message is given outside.
	shift := int64(0)
	if v.magic == 1 {
		shift = v.last - rs[len(rs)-1].offset
	}
	next := int64(0)
	for i := range rs[from:] {
		r := &rs[from+i]
		r.offset += shift
		if v.appended {
			r.time = v.maxTime
		}
		if r.offset < next || r.offset > v.last {
			return rs, errMalformed
		}
		next = r.offset + 1
	}
	return rs, nil
}

func (v *batch) oldRecord() record {
	d := decoder{b: v.raw[magicAt+2:]}
	if v.magic == 1 {
		d.int64() // time
	}
	d.bytes() // key
	r := record{offset: v.last, time: v.maxTime}
	r.value, r.null = d.bytes()
	return r
}
