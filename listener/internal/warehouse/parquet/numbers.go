package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// encodeNumbers encodes a column of numbers whose pages' summaries are made.
func encodeNumbers[T number](e *Encoder, i int, values []T, d *numbers[T]) error {
	c, size := &e.group.chunks[i], int(unsafe.Sizeof(values[0]))
	d.begin(min(e.entries[i], len(values)))
	all := whole(e.schema[i].Type, e.summaries)
	constant := all.least != nil && bytes.Equal(all.least, all.greatest)
	c.dictionary = e.index(len(values), size*len(values), func(from, to int) (int, int, bool) {
		if !constant {
			d.index(values[from:to], e.indexes[from:to])
		} else if from == 0 {
			d.values = append(d.values, values[0])
		}
		return len(d.values), size * len(d.values), true
	})
	e.entries[i] = len(d.values)

	if c.dictionary {
		e.page = appendPlain(e.page[:0], d.values)
		if err := e.endDictionary(c, len(d.values)); err != nil {
			return err
		}
		if err := e.indexPages(c, len(values)); err != nil {
			return err
		}
	}
	for from := 0; from < len(values) && !c.dictionary; from += pageRows {
		to := min(from+pageRows, len(values))
		e.page = appendPlain(e.page[:0], values[from:to])
		if err := e.endPage(c, from, to, encodingPlain); err != nil {
			return err
		}
	}
	if !e.schema[i].Searched {
		return nil
	}
	different := values
	if c.dictionary {
		different = d.values
	}
	e.hashes = e.hashes[:0]
	for _, v := range different {
		var plain [8]byte
		binary.LittleEndian.PutUint64(plain[:], uint64(v))
		e.hashes = append(e.hashes, xxhash.Sum64(plain[:size]))
	}
	e.filter(c.dictionary)
	return nil
}

// summarize32 summarizes the pages of a column, as summarize64 and summarizeFloats do.
func (e *Encoder) summarize32(values []int32) {
	for len(values) > 0 {
		n := min(pageRows, len(values))
		least, greatest := extremes(values[:n])
		e.summarized(4, uint64(least), uint64(greatest), 0)
		values = values[n:]
	}
}

func (e *Encoder) summarize64(values []int64) {
	for len(values) > 0 {
		n := min(pageRows, len(values))
		least, greatest := extremes(values[:n])
		e.summarized(8, uint64(least), uint64(greatest), 0)
		values = values[n:]
	}
}

func (e *Encoder) summarizeFloats(values []float32) {
	for len(values) > 0 {
		n := min(pageRows, len(values))
		least, greatest, nans := floatExtremes(values[:n])
		e.summarized(4, uint64(math.Float32bits(least)), uint64(math.Float32bits(greatest)), nans)
		values = values[n:]
	}
}

// summarized adds the summary of a page of numbers that take size bytes.
func (e *Encoder) summarized(size int, least, greatest uint64, nans int64) {
	s := summary{nans: nans}
	if nans == 0 {
		at := len(e.bounds)
		e.bounds = binary.LittleEndian.AppendUint64(e.bounds, least)
		e.bounds = binary.LittleEndian.AppendUint64(e.bounds, greatest)
		s.least, s.greatest = e.bounds[at:at+size], e.bounds[at+8:at+8+size]
	}
	e.summaries = append(e.summaries, s)
}

// extremes returns the least and the greatest of some integers.
func extremes[T number](values []T) (least, greatest T) {
	least, greatest = values[0], values[0]
	for _, v := range values {
		least, greatest = min(least, v), max(greatest, v)
	}
	return least, greatest
}

// floatExtremes returns the least and the greatest of some floats, and how many of them are
// NaN. If any is, the other two mean nothing. As the specification has it, a least value of
// zero is −0 and a greatest +0, whichever there are.
func floatExtremes(values []float32) (least, greatest float32, nans int64) {
	least, greatest = float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range values {
		if v < least {
			least = v
		}
		if v > greatest {
			greatest = v
		}
		if v != v {
			nans++
		}
	}
	if least == 0 {
		least = float32(math.Copysign(0, -1))
	}
	if greatest == 0 {
		greatest = 0
	}
	return least, greatest, nans
}

// appendPlain appends numbers as PLAIN values, which are little-endian.
func appendPlain[T number](dst []byte, values []T) []byte {
	from := len(dst)
	switch v := any(values).(type) {
	case []int32:
		dst = grow(dst, 4*len(v))
		for i, out := 0, dst[from:]; i < len(v); i, out = i+1, out[4:] {
			binary.LittleEndian.PutUint32(out, uint32(v[i]))
		}
	case []int64:
		dst = grow(dst, 8*len(v))
		for i, out := 0, dst[from:]; i < len(v); i, out = i+1, out[8:] {
			binary.LittleEndian.PutUint64(out, uint64(v[i]))
		}
	}
	return dst
}
