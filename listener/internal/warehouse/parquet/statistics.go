package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"spot-ingest/listener/internal/columns"
)

// A summary is what statistics say of the values of a page or of a column's chunk: the least
// and the greatest, as PLAIN values without the length of strings; nil where there is nothing
// sound to say.
type summary struct {
	least, greatest []byte
	nans            int64
}

// join widens a summary by the one of a later page.
func (s *summary) join(of columns.Type, page summary) {
	s.nans += page.nans
	switch {
	case s.nans > 0:
		s.least, s.greatest = nil, nil
	default:
		if s.least == nil || compare(of, page.least, s.least) < 0 {
			s.least = page.least
		}
		if s.greatest == nil || compare(of, page.greatest, s.greatest) > 0 {
			s.greatest = page.greatest
		}
	}
}

// whole returns the summary of a chunk, given those of its pages.
func whole(of columns.Type, pages []summary) summary {
	all := pages[0]
	for _, p := range pages[1:] {
		all.join(of, p)
	}
	return all
}

// compare compares two values of a column in the order of its type: numbers as signed, strings
// by their bytes.
func compare(of columns.Type, a, b []byte) int {
	switch of {
	case columns.Int32:
		return order(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case columns.Int64:
		return order(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case columns.Float32:
		return order(math.Float32frombits(binary.LittleEndian.Uint32(a)),
			math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return bytes.Compare(a, b)
}

func order[T int32 | int64 | float32](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// shortened returns a string that is not longer than statistics should have it and, by its
// bytes, not greater than s, and whether it is s itself. It ends between two characters if s
// is UTF-8.
func shortened(s []byte) (least []byte, exact bool) {
	if len(s) <= mostStatistic {
		return s, true
	}
	return s[:boundary(s)], false
}

// boundary returns where to cut a long string: at the end of a character.
func boundary(s []byte) int {
	for at := mostStatistic; at > mostStatistic-utf8.UTFMax; at-- {
		if utf8.RuneStart(s[at]) {
			return at
		}
	}
	return mostStatistic
}

// raised returns a string that is, by its bytes, not less than s, and whether it is s itself:
// if s is longer than statistics should have it, a prefix whose last character, or, if it
// isn't UTF-8, last byte, is replaced by the next one, which can take a byte more. There is
// none, and nil is returned, if they all are the last of their kind.
func raised(s []byte) (greatest []byte, exact bool) {
	if len(s) <= mostStatistic {
		return s, true
	}
	prefix := s[:boundary(s)]
	if !utf8.Valid(prefix) {
		return raisedBytes(s[:mostStatistic]), false
	}
	for len(prefix) > 0 {
		r, size := utf8.DecodeLastRune(prefix)
		prefix = prefix[:len(prefix)-size]
		switch r {
		case utf8.MaxRune:
			continue
		case 0xd7ff:
			r = 0xe000 // between them are halves of surrogate pairs, no characters
		default:
			r++
		}
		return utf8.AppendRune(bytes.Clone(prefix), r), false
	}
	return nil, false
}

func raisedBytes(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			raised := bytes.Clone(prefix[:i+1])
			raised[i]++
			return raised
		}
	}
	return nil
}

// appendStatistics appends the Statistics of a column's chunk. The deprecated min and max,
// which the oldest readers look at, are compared as signed numbers or signed bytes, so they
// are given for numbers only.
func appendStatistics(dst []byte, of columns.Type, s summary) []byte {
	least, greatest := s.least, s.greatest
	leastExact, greatestExact := true, true
	if of == columns.String {
		least, leastExact = shortened(least)
		greatest, greatestExact = raised(greatest)
	}
	t := thrift{buf: dst}
	t.open()
	if of != columns.String && least != nil {
		t.bytes(1, greatest)
		t.bytes(2, least)
	}
	t.i64(3, 0) // nulls
	if greatest != nil {
		t.bytes(5, greatest)
	}
	if least != nil {
		t.bytes(6, least)
	}
	// Both or neither: older versions of parquet-go lose their place over one of them alone.
	if greatest != nil && least != nil {
		t.bool(7, greatestExact)
		t.bool(8, leastExact)
	}
	if of == columns.Float32 {
		t.i64(9, s.nans)
	}
	t.end()
	return t.buf
}
