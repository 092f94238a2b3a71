package parquet

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// blockBytes is the size of a block of a Bloom filter: eight words of 32 bits.
const blockBytes = 32

// bloomBits is the bits a distinct value gets in a Bloom filter at least: about 1.2 % of the
// values that aren't in it seem to be.
const bloomBits = 10

// mostBloom is the largest filter that readers take, in bytes.
const mostBloom = 128 << 20

// bloomSalt is the specification's: a value sets a bit in each of its block's words.
var bloomSalt = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
	0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// bloomSize returns the size in bytes of a filter for a number of distinct values: a power of
// two, which readers expect though the specification doesn't.
func bloomSize(distinct int) int {
	size := uint(distinct)*bloomBits/8 | 1
	return min(max(1<<bits.Len(size-1), blockBytes), mostBloom)
}

// appendBloom appends a split-block Bloom filter of different values, given by their XXH64, with its
// header.
func appendBloom(dst []byte, hashes []uint64) []byte {
	size := bloomSize(len(hashes))
	t := thrift{buf: dst}
	t.open()
	t.i32(1, int32(size))
	for _, field := range []int{2, 3, 4} { // algorithm, hash, compression: the only one of each
		t.structure(field)
		t.empty(1)
		t.end()
	}
	t.end()

	from := len(t.buf)
	dst = slices.Grow(t.buf, size)[:from+size]
	filter := dst[from:]
	clear(filter)
	blocks := uint64(size / blockBytes)
	for _, h := range hashes {
		at := (h >> 32) * blocks >> 32 * blockBytes
		block := filter[at : at+blockBytes : at+blockBytes]
		for i, salt := range bloomSalt {
			word := block[4*i : 4*i+4]
			bit := uint32(1) << (uint32(h) * salt >> 27)
			binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|bit)
		}
	}
	return dst
}
