package table

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

const (
	eachByte = 0x0101010101010101
	lowBits  = 0x7f * eachByte
	highBits = 0x80 * eachByte
)

// splitCommas puts where the row's fields are into fields, as many as fit. It returns the
// number of all, and whether the row is ASCII.
func splitCommas(row []byte, fields *[maxFields]span) (n int, ascii bool) {
	var seen uint64
	from, i := 0, 0
	for ; i+8 <= len(row); i += 8 {
		word := binary.LittleEndian.Uint64(row[i:])
		seen |= word
		// The high bit of each byte that is a comma, and no other.
		x := word ^ ','*eachByte
		for commas := ^((x&lowBits + lowBits) | x | lowBits); commas != 0; commas &= commas - 1 {
			at := i + bits.TrailingZeros64(commas)/8
			if n < maxFields {
				fields[n] = span{uint32(from), uint32(at)}
			}
			n++
			from = at + 1
		}
	}
	for ; i < len(row); i++ {
		seen |= uint64(row[i])
		if row[i] == ',' {
			if n < maxFields {
				fields[n] = span{uint32(from), uint32(i)}
			}
			n++
			from = i + 1
		}
	}
	if n < maxFields {
		fields[n] = span{uint32(from), uint32(len(row))}
	}
	return n + 1, seen&highBits == 0
}

// tokenise splits the row as Python 2's shlex does with the double quote as its only quote,
// with whitespace_split, without comments, and not in POSIX mode:
//
//   - blank, tab, carriage return and newline lie between fields, and no other bytes do;
//   - a field that begins with a quote goes on to the next quote and ends there, with both
//     quotes, whatever comes behind it;
//   - a quote within a field is a byte like others.
//
// It returns the number of all fields, and whether the row is ASCII. Not ok is a quote that
// is not closed: then n is where it is in the row.
func tokenise(row []byte, fields *[maxFields]span) (n int, ascii, ok bool) {
	var seen byte
	for i := 0; ; {
		for i < len(row) && isSeparator[row[i]] {
			i++
		}
		if i == len(row) {
			return n, seen < 0x80, true
		}
		from := i
		if row[i] == '"' {
			length := bytes.IndexByte(row[i+1:], '"')
			if length < 0 {
				return from, false, false
			}
			i += length + 2
			for _, c := range row[from:i] {
				seen |= c
			}
		} else {
			for i < len(row) && !isSeparator[row[i]] {
				seen |= row[i]
				i++
			}
		}
		if n < maxFields {
			fields[n] = span{uint32(from), uint32(i)}
		}
		n++
	}
}

var isSeparator = [256]bool{' ': true, '\t': true, '\r': true, '\n': true}
