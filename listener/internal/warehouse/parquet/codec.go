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
	sink  bytes.Buffer
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
		block := s2.EncodeSnappy(dst[len(dst):cap(dst)], page)
		return dst[:len(dst)+len(block)], nil
	case Zstd:
		if c.zstd == nil {
			var err error
			c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
				zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(pageBytes),
				zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
			if err != nil {
				return nil, err
			}
		}
		return c.zstd.EncodeAll(page, dst), nil
	case Gzip:
		c.sink = *bytes.NewBuffer(dst)
		if c.gzip == nil {
			c.gzip = gzip.NewWriter(&c.sink)
		} else {
			c.gzip.Reset(&c.sink)
		}
		if _, err := c.gzip.Write(page); err != nil {
			return nil, err
		}
		if err := c.gzip.Close(); err != nil {
			return nil, err
		}
		dst = c.sink.Bytes()
		c.sink = bytes.Buffer{}
		return dst, nil
	}
	return append(dst, page...), nil
}
