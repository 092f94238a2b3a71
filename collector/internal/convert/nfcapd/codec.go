package nfcapd

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"spot-ingest/collector/internal/convert/nfcapd/lzo"
)

// A compression is numbered as in the header of layout 2.
type compression uint8

const (
	uncompressed compression = iota
	compressedLZO
	compressedBZ2
	compressedLZ4
	compressedZSTD
)

func (c compression) String() string {
	return [...]string{"nothing", "LZO", "bzip2", "LZ4", "zstd"}[c]
}

// LZO and LZ4 don't store what size a block decompresses to. The usual room for it is tried
// first, and then as much as so many bytes can stand for.
const (
	usualRatio = 16
	byteRatio  = 256
)

var errTooLarge = errors.New("it is larger than nfdump's blocks can be")

// A codec decompresses blocks, each of which is independent of the others.
type codec struct {
	zstd *zstd.Decoder // made when it is needed
}

// decompress decompresses src into dst[:0], or into a larger slice of up to maxBlock bytes.
func (c *codec) decompress(dst, src []byte, by compression) ([]byte, error) {
	switch by {
	case compressedLZO:
		return withRoom(lzo.Decompress, dst, src, byteRatio*len(src))
	case compressedLZ4:
		return withRoom(decompressLZ4, dst, src, byteRatio*len(src))
	case compressedBZ2:
		return decompressBZ2(dst, src)
	}
	return c.decompressZSTD(dst, src)
}

// withRoom makes the usual room first, and the most that src can need if that is too little.
func withRoom(decompress func(dst, src []byte) ([]byte, error), dst, src []byte, most int) ([]byte, error) {
	out, err := decompress(room(dst, usualRatio*len(src)), src)
	if err != nil && cap(out) < min(maxBlock, most) {
		out, err = decompress(room(out, most), src)
	}
	return out, err
}

// room makes dst large enough for n bytes, or as many as a block can have.
func room(dst []byte, n int) []byte {
	if want := min(maxBlock, n); cap(dst) < want {
		return make([]byte, 0, want)
	}
	return dst[:0:min(cap(dst), maxBlock)]
}

func decompressLZ4(dst, src []byte) ([]byte, error) {
	n, err := lz4.UncompressBlock(src, dst[:cap(dst)])
	return dst[:max(n, 0)], err
}

func decompressBZ2(dst, src []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst[:0])
	n, err := out.ReadFrom(io.LimitReader(bzip2.NewReader(bytes.NewReader(src)), maxBlock+1))
	if err == nil && n > maxBlock {
		err = errTooLarge
	}
	return out.Bytes(), err
}

func (c *codec) decompressZSTD(dst, src []byte) ([]byte, error) {
	if c.zstd == nil {
		// Without a source it decompresses where it is called, and starts nothing.
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxWindow(2*maxBlock))
		if err != nil {
			return dst, err
		}
		c.zstd = d
	}
	return withRoom(func(dst, src []byte) ([]byte, error) { return c.zstd.DecodeAll(src, dst) }, dst, src, maxBlock)
}
