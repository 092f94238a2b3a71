// Package lzo decompresses LZO1X blocks, which is what nfcapd -z writes.
//
// A block is a series of instructions: copy bytes of the block itself, or repeat bytes of
// what was decoded so far. Most instructions carry a few literal bytes to follow them. The
// format has no specification; the source is the prose of the Linux kernel's description of
// the stream (Documentation/staging/lzo.rst), bitstream version 0.
package lzo

import (
	"encoding/binary"
	"errors"
)

// What is wrong with a block that Decompress refuses.
var (
	ErrCut        = errors.New("lzo: the block ends before its end marker")
	ErrLookBehind = errors.New("lzo: a repetition begins before the start of the output")
	ErrTooLarge   = errors.New("lzo: the output is larger than the room for it")
	ErrTrailing   = errors.New("lzo: bytes follow the end marker")
	ErrMarker     = errors.New("lzo: an end marker with a wrong length")
)

// Numbers of literals that the instruction before left behind: they settle what the codes
// 0 to 15 mean. One to three are counted as they are.
const (
	noLiterals   = 0
	manyLiterals = 4
)

const (
	firstLiterals = 17    // a first byte above this is a count of literals plus this
	farDistance   = 16384 // what the far instruction adds; alone it is the end marker
	endMarker     = 3     // bytes of the end marker, so of what follows any instruction, and its length
)

// What a short instruction reads and writes at most: 24 literals copied, or 33 bytes
// repeated in steps of eight and four literals.
const (
	inMargin  = 32
	outMargin = 48
)

// A repetition says how a short instruction to repeat bytes is taken apart: without asking
// which kind it is, since that can't be predicted.
type repetition struct {
	mask     uint32
	n        uint8 // bytes to repeat; 0 of all other instructions
	size     uint8 // of the instruction
	shift    uint8 // the distance is what lies there,
	left     uint8 // moved to the left
	add      uint8 // plus this
	literals uint8 // where the number of literals is
}

// repetitions are those up to 2 KB back (codes from 64) and up to 16 KB (from 33).
var repetitions = func() (all [256]repetition) {
	for code := 33; code < 64; code++ {
		all[code] = repetition{n: uint8(code&31 + 2), size: 3, shift: 10, mask: 1<<14 - 1, add: 1, literals: 8}
	}
	for code := 64; code < 256; code++ {
		all[code] = repetition{n: uint8(code>>5 + 1), size: 2, shift: 8, mask: 255, left: 3, add: uint8(code>>2&7 + 1)}
	}
	return all
}()

// tooLong stands for the end of a number that isn't read to its end.
const tooLong = -1

// Decompress decodes one LZO1X block into dst[:0], never beyond cap(dst), and returns the
// filled part. With an error it returns what was decoded before; the rest of dst up to its
// capacity may have been written to in either case. The errors are those of this package.
func Decompress(dst, src []byte) ([]byte, error) {
	dst = dst[:cap(dst)]
	var in, out int // bytes read and written
	literals := noLiterals
	if len(src) > 0 && src[0] > firstLiterals {
		n := int(src[0]) - firstLiterals
		if err := copyLiterals(dst, src, 0, 1, n); err != nil {
			return dst[:0], err
		}
		in, out, literals = 1+n, n, min(n, manyLiterals)
	}
	for {
		// Most instructions are short. Within these margins they are carried out in words of
		// eight bytes, what is too much being overwritten by what follows.
		for len(src)-in >= inMargin && len(dst)-out >= outMargin {
			word := binary.LittleEndian.Uint32(src[in:])
			code := int(word & 255)
			if code > 0 && code < 16 && literals == noLiterals {
				copyWords(dst[out:out+outMargin], src[in+1:], code+3)
				in, out, literals = in+code+4, out+code+3, manyLiterals
				continue
			}
			r := &repetitions[code]
			n, distance := int(r.n), int(word>>(r.shift&31)&r.mask)<<(r.left&31)+int(r.add)
			if n == 0 || distance > out || distance > 1 && distance < 8 {
				break
			}
			if distance == 1 {
				fillWords(dst[out:out+outMargin], dst[out-1], n)
			} else {
				copyWords(dst[out:out+outMargin], dst[out-distance:], n)
			}
			in, out, literals = in+int(r.size), out+n, int(word>>(r.literals&31)&3)
			binary.LittleEndian.PutUint32(dst[out:], binary.LittleEndian.Uint32(src[in:]))
			in, out = in+literals, out+literals
		}
		// The end marker is to come, so that many bytes are there, whatever this one says.
		if len(src)-in < endMarker {
			return dst[:out], ErrCut
		}
		code := int(src[in])
		if code < 16 && literals == noLiterals {
			var n int
			n, in = length(src, in+1, code, 15, len(dst))
			n += 3
			if err := copyLiterals(dst, src, out, in, n); err != nil {
				return dst[:out], err
			}
			in, out, literals = in+n, out+n, manyLiterals
			continue
		}
		var n, distance int // how many bytes to repeat, from how far back
		switch {
		case code >= 64: // up to 2 KB back
			n, distance = code>>5+1, int(src[in+1])<<3+code>>2&7+1
			in += 2
		case code >= 16:
			if n, distance, in = far(src, in+1, code, len(dst)); n == 0 {
				return dst[:out], ErrCut
			}
			if in == tooLong {
				return dst[:out], ErrTooLarge
			}
			if code < 32 && distance == farDistance {
				return end(dst[:out], src[in:], n)
			}
		case literals == manyLiterals: // 2 to 3 KB back
			n, distance = 3, int(src[in+1])<<2+code>>2+2049
			in += 2
		default: // up to 1 KB back
			n, distance = 2, int(src[in+1])<<2+code>>2+1
			in += 2
		}
		if distance > out {
			return dst[:out], ErrLookBehind
		}
		if n > len(dst)-out {
			return dst[:out], ErrTooLarge
		}
		repeat(dst, out, distance, n)
		out += n
		literals = int(src[in-2] & 3) // in the last byte but one of every repetition
		if len(src)-in >= 4 && len(dst)-out >= 4 {
			// Four bytes at once; what is too much is overwritten by what follows.
			binary.LittleEndian.PutUint32(dst[out:], binary.LittleEndian.Uint32(src[in:]))
		} else if err := copyLiterals(dst, src, out, in, literals); err != nil {
			return dst[:out], err
		}
		in, out = in+literals, out+literals
	}
}

// far reads the rest of an instruction to repeat bytes from up to 16 KB back (codes 32 to
// 63), or from 16 to 48 KB (16 to 31). It returns their number, which is 0 if the input is
// cut, the distance, and where the instruction ends.
func far(src []byte, in, code, limit int) (n, distance, next int) {
	mask, base := 31, 1
	if code < 32 {
		mask, base = 7, farDistance+code&8<<11
	}
	switch n, in = length(src, in, code, mask, limit); {
	case in == tooLong:
		return n, 0, tooLong
	case len(src)-in < 2:
		return 0, 0, in
	}
	return n + 2, base + int(binary.LittleEndian.Uint16(src[in:])>>2), in + 2
}

// end judges the end marker, of length n, and what lies behind it.
func end(dst, rest []byte, n int) ([]byte, error) {
	switch {
	case n != endMarker:
		return dst, ErrMarker
	case len(rest) > 0:
		return dst, ErrTrailing
	}
	return dst, nil
}

// length reads a number of which the code has the bits of mask. If those are zero it goes
// on in the bytes at in: 255 for every zero, and the first that is none. It returns the
// number and where it ends: tooLong if it is above limit and goes on, as it is refused then,
// and the end of the input if that cuts it short.
func length(src []byte, in, code, mask, limit int) (n, next int) {
	if n = code & mask; n > 0 {
		return n, in
	}
	for n = mask; in < len(src) && src[in] == 0; in++ {
		if n += 255; n > limit {
			return n, tooLong
		}
	}
	if in < len(src) {
		n += int(src[in])
		in++
	}
	return n, in
}

// copyLiterals copies n bytes from src[in:] to dst[out:].
func copyLiterals(dst, src []byte, out, in, n int) error {
	if n > len(dst)-out {
		return ErrTooLarge
	}
	if n > len(src)-in {
		return ErrCut
	}
	copy(dst[out:out+n], src[in:])
	return nil
}

// copyWords copies n bytes, or up to 15 more. Of overlapping ones src has to be eight bytes
// or more before dst.
func copyWords(dst, src []byte, n int) {
	binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
	binary.LittleEndian.PutUint64(dst[8:], binary.LittleEndian.Uint64(src[8:]))
	for i := 16; i < n; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], binary.LittleEndian.Uint64(src[i:]))
	}
}

// fillWords writes a byte n times, or up to seven times more.
func fillWords(dst []byte, b byte, n int) {
	word := uint64(b) * 0x0101010101010101
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(dst[i:], word)
	}
}

// repeat copies the n bytes that lie distance before dst[out:] to there. Where n is more
// than distance the copied bytes are copied again.
func repeat(dst []byte, out, distance, n int) {
	if n <= 16 && distance >= 16 && len(dst)-out >= 16 {
		// The common case: two words; what is beyond n is overwritten by what follows.
		from, to := dst[out-distance:], dst[out:out+16]
		a, b := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		binary.LittleEndian.PutUint64(to, a)
		binary.LittleEndian.PutUint64(to[8:], b)
		return
	}
	from := out - distance
	for end := out + n; out < end; {
		// Every round doubles what can be copied at once.
		out += copy(dst[out:end], dst[from:out])
	}
}
