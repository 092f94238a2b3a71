package nfcapd

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

func BenchmarkReader(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for layout := 1; layout <= 2; layout++ {
		records := someFlows(layout, 8000, rnd)
		codecs := []compression{uncompressed, compressedLZ4}
		if layout == 2 {
			codecs = append(codecs, compressedZSTD)
		}
		for _, c := range codecs {
			block := blockOf(uint16(layout+1), c, records...)
			blocks := [][]byte{block, block, block, block}
			var file []byte
			if layout == 1 {
				file = fileV1([...]uint32{uncompressed: 0, compressedLZ4: flagLZ4}[c], blocks...)
			} else {
				file = fileV2(c, append(blocks, appendix(c))...)
			}
			b.Run(fmt.Sprintf("layout %d, %s", layout, c), func(b *testing.B) { benchmark(b, file) })
		}
	}
}

func benchmark(b *testing.B, file []byte) {
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	var buffer []byte
	rows := int64(0)
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(file))
		for err == nil {
			buffer, err = r.Next(buffer[:0])
		}
		if err != io.EOF {
			b.Fatal(err)
		}
		rows += r.Rows()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
