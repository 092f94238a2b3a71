package parquet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// A Codec is a way of compressing pages.
type Codec uint8

// The codecs. Every reader knows Snappy and Gzip, those since 2018 or so Zstd too.
const (
	Snappy Codec = iota
	None
	Zstd
	Gzip
)

var codecs = [...]struct {
	name   string
	number int32 // CompressionCodec of the specification
}{
	Snappy: {"snappy", 1},
	None:   {"none", 0},
	Zstd:   {"zstd", 6},
	Gzip:   {"gzip", 2},
}

// ParseCodec returns the codec of a name: none, snappy, zstd or gzip.
func ParseCodec(name string) (Codec, error) {
	for i, c := range codecs {
		if strings.EqualFold(name, c.name) {
			return Codec(i), nil
		}
	}
	return 0, fmt.Errorf("unknown Parquet compression %q: use none, snappy, zstd or gzip", name)
}

// String returns the codec's name, as ParseCodec takes it.
func (c Codec) String() string { return codecs[c].name }

// A compressor compresses pages. What a codec needs for that is made when it is first used,
// and used again.
type compressor struct {
	codec Codec
	zstd  *zstd.Encoder
	gzip  *gzip.Writer
}

// append appends the compressed form of page to dst.
func (c *compressor) append(dst, page []byte) ([]byte, error) {
	switch c.codec {
	case Snappy:
		most := s2.MaxEncodedLen(len(page))
		if most < 0 {
			return nil, errTooLarge
		}
		dst = slices.Grow(dst, most)
		// The denser of s2's encoders saves 4 % of a file of flows for a quarter more time, of which
		// reading the topic leaves plenty.
		block := s2.EncodeSnappyBetter(dst[len(dst):cap(dst)], page)
		return dst[:len(dst)+len(block)], nil
	case Zstd:
		return c.appendZstd(dst, page)
	case Gzip:
		return c.appendGzip(dst, page)
	}
	return append(dst, page...), nil
}

func (c *compressor) appendGzip(dst, page []byte) ([]byte, error) {
	sink := bytes.NewBuffer(dst)
	if c.gzip == nil {
		var err error
		// 6 is gzip's own; the default here is 5.
		if c.gzip, err = gzip.NewWriterLevel(sink, 6); err != nil {
			return nil, err
		}
	}
	c.gzip.Reset(sink)
	if _, err := c.gzip.Write(page); err != nil {
		return nil, err
	}
	if err := c.gzip.Close(); err != nil {
		return nil, err
	}
	return sink.Bytes(), nil
}

func (c *compressor) appendZstd(dst, page []byte) ([]byte, error) {
	if c.zstd == nil {
		var err error
		// Packed indexes hold few repeats, but their bytes are unevenly spread: coding all
		// literals by that saves more than searching longer does.
		c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderCRC(false),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
	}
	return c.zstd.EncodeAll(page, dst), nil
}
