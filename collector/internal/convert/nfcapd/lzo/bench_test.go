package lzo_test

import (
	"encoding/binary"
	"testing"

	"spot-ingest/collector/internal/convert/nfcapd/lzo"
	"spot-ingest/scripts/generate"
)

// BenchmarkDecompress measures the bytes that come out, of a block like those of nfcapd.
func BenchmarkDecompress(b *testing.B) {
	plain := flowRecords(1 << 20)
	packed := generate.AppendLZO(nil, plain)
	dst := make([]byte, 0, len(plain))
	b.SetBytes(int64(len(plain)))
	b.ReportAllocs()
	b.ReportMetric(float64(len(plain))/float64(len(packed)), "ratio")
	for b.Loop() {
		if _, err := lzo.Decompress(dst, packed); err != nil {
			b.Fatal(err)
		}
	}
}

// flowRecords is n bytes that repeat themselves as flow records do: most fields of one are
// those of another a little before, times and counters are not.
func flowRecords(n int) []byte {
	b := make([]byte, 0, n+100)
	random := pattern(n)
	for i := 0; len(b) < n; i++ {
		r := random[i*7:]
		b = append(b, 10, 0, 100, 0, 6, 0, 1, 0, r[0], r[1]&3, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, 1521536700+uint32(i/50))
		b = binary.LittleEndian.AppendUint32(b, 1521536710+uint32(i/50))
		b = append(b, 0, 0x1b, 6, 0, 0xbb, 1, r[2], r[3], 10, r[4]&3, r[5]&7, r[0]&31, 93, 184, r[1]&3, r[2]&7)
		b = append(b, r[6], 0, 0, 0, 0, 0, 0, 0, r[3], r[4]&7, 0, 0, 0, 0, 0, 0, 3, 0, 7, 0, 192, 0, 2, 1)
		b = append(b, make([]byte, 36)...)
	}
	return b[:n]
}
