package generate

import (
	"encoding/binary"
	"math/bits"
)

const (
	lzoHashBits = 14
	lzoLeast    = 4     // bytes of the shortest repetition that is looked for
	lzoNear     = 2048  // up to so far back a short repetition takes two bytes
	lzoMiddle   = 16384 // up to here it takes three,
	lzoFarthest = 49151 // and to here three if it is short
)

// AppendLZO adds src to dst as one LZO1X block with its end marker, as nfcapd -z writes
// them. Bytes that don't compress grow by one in 255. src must be smaller than 2 GB.
func AppendLZO(dst, src []byte) []byte {
	var seen [1 << lzoHashBits]int32 // one more than where four bytes were seen last
	start := len(dst)
	literals := 0 // where the bytes begin that no instruction stands for yet
	for at := 0; at+lzoLeast <= len(src); {
		four := binary.LittleEndian.Uint32(src[at:])
		slot := &seen[four*2654435761>>(32-lzoHashBits)]
		before := int(*slot) - 1
		*slot = int32(at + 1)
		if before < 0 || at-before > lzoFarthest || binary.LittleEndian.Uint32(src[before:]) != four {
			at += 1 + (at-literals)>>6 // faster through what doesn't compress
			continue
		}
		n := lzoLeast + samePrefix(src[before+lzoLeast:], src[at+lzoLeast:])
		dst = appendLZOLiterals(dst, start, src[literals:at])
		dst = appendLZORepeat(dst, at-before, n)
		at += n
		literals = at
	}
	dst = appendLZOLiterals(dst, start, src[literals:])
	return append(dst, 0x11, 0, 0)
}

// appendLZOLiterals adds bytes that are copied as they are. Up to three of them are counted
// in two bits that every repetition leaves free in its last byte but one.
func appendLZOLiterals(dst []byte, start int, b []byte) []byte {
	n := len(b)
	switch {
	case n == 0:
		return dst
	case len(dst) == start && n <= 255-17:
		dst = append(dst, byte(17+n))
	case n <= 3:
		dst[len(dst)-2] |= byte(n)
	default:
		dst = appendLZOLength(dst, 0, n-3, 15)
	}
	return append(dst, b...)
}

// appendLZORepeat adds the instruction to repeat n bytes, four at least, from distance back.
func appendLZORepeat(dst []byte, distance, n int) []byte {
	switch {
	case distance <= lzoNear && n <= 8:
		d := distance - 1
		return append(dst, byte((n-1)<<5|d&7<<2), byte(d>>3))
	case distance <= lzoMiddle:
		dst = appendLZOLength(dst, 32, n-2, 31)
		return binary.LittleEndian.AppendUint16(dst, uint16(distance-1)<<2)
	}
	d := distance - lzoMiddle // never 0, which would be the end marker
	dst = appendLZOLength(dst, 16|d>>14<<3, n-2, 7)
	return binary.LittleEndian.AppendUint16(dst, uint16(d)<<2)
}

// appendLZOLength adds an instruction's code with the length n in the bits of mask, and in
// as many bytes more as it needs.
func appendLZOLength(dst []byte, code, n, mask int) []byte {
	if n <= mask {
		return append(dst, byte(code|n))
	}
	dst = append(dst, byte(code))
	for n -= mask; n > 255; n -= 255 {
		dst = append(dst, 0)
	}
	return append(dst, byte(n))
}

// samePrefix counts the bytes that a and b, which is no longer than a, begin with alike.
func samePrefix(a, b []byte) int {
	n := 0
	for ; n+8 <= len(b); n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
