package consume

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// maxUnpacked bounds what a batch is decompressed to. It is far more than a producer packs
// into one, as that counts what it packs and brokers take a mebibyte by default.
const maxUnpacked = 128 << 20

// unpack decompresses records into memory that recycle takes back. Snappy and zstd are
// decompressed here, because kafka-go's readers allocate whatever size a few bytes claim.
func unpack(codec int8, packed []byte) (b []byte, err error) {
	c := compress.Compression(codec)
	switch c {
	case compress.Snappy:
		b, err = unsnappy(packed, maxUnpacked)
	case compress.Zstd:
		b, err = zstds().DecodeAll(packed, makeBytes(max(poolStep, min(4*len(packed), maxUnpacked)))[:0])
	default:
		if c.Codec() == nil {
			return nil, fmt.Errorf("the record batch has the unknown compression %d", codec)
		}
		r := c.Codec().NewReader(bytes.NewReader(packed))
		defer r.Close()
		b, err = readAll(r, 4*len(packed), maxUnpacked)
	}
	if err != nil {
		return nil, fmt.Errorf("the record batch can't be decompressed (%s): %w", c, err)
	}
	return b, nil
}

var zstds = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxUnpacked), zstd.WithDecoderMaxWindow(maxUnpacked))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
})

var errSnappy = errors.New("malformed snappy data")

// Kafka's producers put snappy blocks into a frame of their own.
// Source: https://github.com/xerial/snappy-java, SnappyOutputStream
const (
	xerialMagic = "\x82SNAPPY\x00"
	xerialHead  = len(xerialMagic) + 8 // versions
)

// unsnappy decompresses one snappy block, or a frame of them.
func unsnappy(packed []byte, limit int) ([]byte, error) {
	blocks := [][]byte{packed}
	if bytes.HasPrefix(packed, []byte(xerialMagic)) && len(packed) >= xerialHead {
		blocks = blocks[:0]
		for d := (decoder{b: packed[xerialHead:]}); len(d.b) > 0; {
			block, null := d.bytes()
			if d.bad || null {
				return nil, errSnappy
			}
			blocks = append(blocks, block)
		}
	}
	total := 0
	for _, b := range blocks {
		n, err := snappy.DecodedLen(b)
		// Three bytes of snappy make 64 at most.
		if err != nil || n > 32*len(b) {
			return nil, errSnappy
		}
		if total += n; total > limit {
			return nil, fmt.Errorf("more than %d bytes", limit)
		}
	}
	out := makeBytes(total)
	at := 0
	for _, b := range blocks {
		part, err := snappy.Decode(out[at:], b)
		if err != nil {
			recycle(out)
			return nil, err
		}
		at += len(part)
	}
	return out, nil
}

// readAll reads at most limit bytes to the end of r. guess is how many there may be.
func readAll(r io.Reader, guess, limit int) ([]byte, error) {
	b := makeBytes(max(poolStep, min(guess, limit)))
	n := 0
	for {
		m, err := r.Read(b[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			return b[:n], nil
		case err == nil && n < len(b):
			continue
		case err == nil && n < limit:
			larger := makeBytes(min(2*len(b), limit))
			copy(larger, b)
			recycle(b)
			b = larger
			continue
		case err == nil:
			err = fmt.Errorf("more than %d bytes", limit)
		}
		recycle(b)
		return nil, err
	}
}
