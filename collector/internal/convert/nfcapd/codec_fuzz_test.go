package nfcapd

import (
	"bytes"
	"testing"

	"spot-ingest/scripts/generate"
)

// FuzzCodec decompresses blocks by each of the codecs: whatever they hold, they come out
// no larger than blocks may be.
func FuzzCodec(f *testing.F) {
	text := bytes.Repeat([]byte("router 192.0.2.1, "), 9)
	f.Add(uint8(compressedLZO), generate.AppendLZO(nil, text))
	f.Add(uint8(compressedBZ2), bzip2Block()[blockHeaderSize:])
	for _, c := range []compression{compressedLZ4, compressedZSTD} {
		f.Add(uint8(c), compress(c, text))
	}
	var c codec
	f.Fuzz(func(t *testing.T, by uint8, block []byte) {
		kind := compressedLZO + compression(by-1)%4
		got, err := c.decompress(nil, block, kind)
		if err == nil && len(got) > maxBlock {
			t.Errorf("%s: %d bytes of %d", kind, len(got), len(block))
		}
	})
}
