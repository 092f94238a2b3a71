package parquet

import (
	"encoding/binary"
	"slices"
)

// mostGroups is how many groups of eight packed values stand behind one header, so that the
// header is a byte: as other writers do, and readers size their buffers for.
const mostGroups = 63

// appendHybrid appends dictionary indexes in the specification's RLE/bit-packing hybrid, each
// of width bits. Where a run of one index takes less than packing it, it is a run.
func appendHybrid(dst []byte, indexes []uint32, width uint) []byte {
	if width == 0 {
		return appendRun(dst, len(indexes), 0, 0)
	}
	least := leastRun(width)
	for len(indexes) > 0 {
		if n := runLength(indexes); n >= least || n == len(indexes) {
			dst = appendRun(dst, n, indexes[0], width)
			indexes = indexes[n:]
			continue
		}
		groups := packedGroups(indexes, least)
		n := min(8*groups, len(indexes))
		dst = append(dst, byte(groups<<1|1))
		dst = appendPacked(dst, indexes[:n], width)
		indexes = indexes[n:]
	}
	return dst
}

// leastRun returns how long a run must be to take less than the packed values, its own header
// and that of the packed values after it counted.
func leastRun(width uint) int {
	bits := 8 * (2 + (width+7)/8)
	return int((bits+width-1)/width+7) &^ 7
}

func runLength(indexes []uint32) int {
	first := indexes[0]
	for i, v := range indexes {
		if v != first {
			return i
		}
	}
	return len(indexes)
}

// packedGroups returns how many groups of eight come before the next run that begins where a
// group would.
func packedGroups(indexes []uint32, least int) int {
	for g := 1; g < mostGroups; g++ {
		if 8*g >= len(indexes) {
			return g
		}
		rest := indexes[8*g:]
		if len(rest) >= 8 {
			v := rest[:8]
			x := v[0]
			differ := x ^ v[1] | x ^ v[2] | x ^ v[3] | x ^ v[4] | x ^ v[5] | x ^ v[6] | x ^ v[7]
			if differ == 0 && (least == 8 || runLength(rest[:min(least, len(rest))]) >= least) {
				return g
			}
		}
	}
	return mostGroups
}

func appendRun(dst []byte, n int, index uint32, width uint) []byte {
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	for ; width > 8; width -= 8 {
		dst = append(dst, byte(index))
		index >>= 8
	}
	if width > 0 {
		dst = append(dst, byte(index))
	}
	return dst
}

// appendPacked appends indexes packed, the last group of eight filled up with zeros.
func appendPacked(dst []byte, indexes []uint32, width uint) []byte {
	whole := len(indexes) &^ 7
	// The packers write in words, up to 15 bytes beyond what counts.
	dst = slices.Grow(dst, (whole/8+1)*int(width)+16)
	dst = packGroups(dst, indexes[:whole], width)
	if whole < len(indexes) {
		var last [8]uint32
		copy(last[:], indexes[whole:])
		dst = packGroups(dst, last[:], width)
	}
	return dst
}

// packGroups packs whole groups; dst has room for them and 16 bytes more.
func packGroups(dst []byte, v []uint32, width uint) []byte {
	size := len(v) / 8 * int(width)
	end := len(dst) + size
	out := dst[len(dst) : end+16]
	switch {
	case width <= 8:
		packNarrow(out, v, width)
	case width <= 16:
		packMiddle(out, v, width)
	default:
		packWide(out, v, width)
	}
	return dst[:end]
}

// packNarrow packs eight values at a time in one word, which holds them up to 8 bits each.
func packNarrow(out []byte, v []uint32, width uint) {
	w := width & 63 // tells the compiler that shifts stay in a word
	for ; len(v) >= 8; v = v[8:] {
		g := v[:8]
		a := uint64(g[0]) | uint64(g[1])<<w | uint64(g[2])<<(2*w&63) | uint64(g[3])<<(3*w&63)
		b := uint64(g[4]) | uint64(g[5])<<w | uint64(g[6])<<(2*w&63) | uint64(g[7])<<(3*w&63)
		binary.LittleEndian.PutUint64(out, a|b<<(4*w&63))
		out = out[w:]
	}
}

// packMiddle packs eight values at a time in two words, each half of them in one.
func packMiddle(out []byte, v []uint32, width uint) {
	w := width & 63
	for ; len(v) >= 8; v = v[8:] {
		g := v[:8]
		a := uint64(g[0]) | uint64(g[1])<<w | uint64(g[2])<<(2*w&63) | uint64(g[3])<<(3*w&63)
		b := uint64(g[4]) | uint64(g[5])<<w | uint64(g[6])<<(2*w&63) | uint64(g[7])<<(3*w&63)
		o := out[:16]
		if w == 16 {
			binary.LittleEndian.PutUint64(o, a)
			binary.LittleEndian.PutUint64(o[8:], b)
		} else {
			binary.LittleEndian.PutUint64(o, a|b<<(4*w&63))
			binary.LittleEndian.PutUint64(o[8:], b>>((64-4*w)&63))
		}
		out = out[w:]
	}
}

func packWide(out []byte, v []uint32, width uint) {
	var word uint64
	var bits uint
	for _, x := range v {
		word |= uint64(x) << (bits & 63)
		if bits += width; bits >= 32 {
			binary.LittleEndian.PutUint32(out, uint32(word))
			out = out[4:]
			word >>= 32
			bits -= 32
		}
	}
	binary.LittleEndian.PutUint32(out, uint32(word))
}
