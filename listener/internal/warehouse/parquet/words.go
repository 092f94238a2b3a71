package parquet

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"spot-ingest/listener/internal/columns"
)

// words is the dictionary of a column of strings. It is used for one column after another.
type words struct {
	// plain is the dictionary page: the entries as PLAIN values, each after its length in
	// four bytes, in the order in which they were first seen.
	plain []byte
	// starts says where in plain the bytes of each entry begin, and, last, where those of
	// the next one would.
	starts []uint32
	// table is an open hash table: half an entry's hash, and where in starts it is, plus
	// one.
	table []uint64
	seed  maphash.Seed
}

// begin empties the dictionary; entries is how many are likely to come.
func (d *words) begin(entries int) {
	d.plain = d.plain[:0]
	d.starts = append(d.starts[:0], 4)
	d.resize(slots(entries))
}

func (d *words) len() int { return len(d.starts) - 1 }

// value returns an entry.
func (d *words) value(i uint32) []byte { return d.plain[d.starts[i] : d.starts[i+1]-4] }

func (d *words) resize(slots int) {
	if cap(d.table) < slots {
		d.table = make([]uint64, slots)
	} else {
		d.table = d.table[:slots]
		clear(d.table)
	}
	for i := range d.len() {
		h := maphash.Bytes(d.seed, d.value(uint32(i)))
		at := h & uint64(slots-1)
		for d.table[at] != 0 {
			at = (at + 1) & uint64(slots-1)
		}
		d.table[at] = h>>32<<32 | uint64(i+1)
	}
}

// index writes the index of each value from row from to row to into out, those that are new
// being added. It stops, and says so by false, where the dictionary would get too large.
func (d *words) index(v *columns.Values, from, to int, out []uint32) bool {
	start := startOf(v, from)
	var before []byte
	var index uint32
	for i, end := range v.Ends[from:to] {
		value := v.Bytes[start:end]
		start = end
		if i == 0 || !bytes.Equal(value, before) {
			if len(d.plain)+len(value) > mostDictionary {
				return false
			}
			index = d.find(value)
		}
		out[i] = index
		before = value
	}
	return true
}

func (d *words) find(value []byte) uint32 {
	h := maphash.Bytes(d.seed, value)
	mask := uint64(len(d.table) - 1)
	at := h & mask
	for {
		slot := d.table[at]
		if slot == 0 {
			return d.add(value, at, h)
		}
		if i := uint32(slot) - 1; slot>>32 == h>>32 && bytes.Equal(d.value(i), value) {
			return i
		}
		at = (at + 1) & mask
	}
}

func (d *words) add(value []byte, at, hash uint64) uint32 {
	i := uint32(d.len())
	d.table[at] = hash>>32<<32 | uint64(i+1)
	d.plain = appendString(d.plain, value)
	d.starts = append(d.starts, uint32(len(d.plain)+4))
	if 2*d.len() > len(d.table) {
		d.resize(2 * len(d.table))
	}
	return i
}

// appendString appends a string as a PLAIN value.
func appendString(dst, s []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}
