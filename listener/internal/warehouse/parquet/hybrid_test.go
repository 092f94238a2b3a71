package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// decodeHybrid decodes n indexes as the specification describes it, bit by bit.
func decodeHybrid(t *testing.T, data []byte, width uint, n int) []uint32 {
	t.Helper()
	var indexes []uint32
	for len(indexes) < n {
		header, size := binary.Uvarint(data)
		if size <= 0 {
			t.Fatalf("a header is missing after %d indexes", len(indexes))
		}
		data = data[size:]
		if header&1 == 0 {
			var index uint32
			for i := range int(width+7) / 8 {
				index |= uint32(data[i]) << (8 * i)
			}
			data = data[(width+7)/8:]
			indexes = append(indexes, slices.Repeat([]uint32{index}, int(header>>1))...)
			continue
		}
		values := int(header>>1) * 8
		if header>>1 > mostGroups {
			t.Fatalf("%d groups behind a header", header>>1)
		}
		for i := range values {
			var index uint32
			for bit := range width {
				at := uint(i)*width + bit
				index |= uint32(data[at/8]>>(at%8)&1) << bit
			}
			indexes = append(indexes, index)
		}
		data = data[uint(values)*width/8:]
	}
	if len(data) > 0 {
		t.Fatalf("%d bytes are left", len(data))
	}
	return indexes[:n]
}

func TestHybrid(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for width := range uint(33) {
		for _, n := range []int{1, 7, 8, 9, 63 * 8, 63*8 + 1, 5000} {
			for _, run := range []int{1, 3, 30, 1000} {
				indexes := make([]uint32, n)
				for i := range indexes {
					if i > 0 && r.IntN(run) > 0 {
						indexes[i] = indexes[i-1]
					} else {
						indexes[i] = uint32(r.Uint64() & (1<<width - 1))
					}
				}
				data := appendHybrid([]byte("before"), indexes, width)
				if !bytes.HasPrefix(data, []byte("before")) {
					t.Fatal("what was there before is gone")
				}
				if got := decodeHybrid(t, data[6:], width, n); !slices.Equal(got, indexes) {
					t.Fatalf("width %d, runs of %d: %v, want %v", width, run, got, indexes)
				}
			}
		}
	}
}

func BenchmarkHybrid(b *testing.B) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, width := range []uint{1, 3, 7, 8, 13, 16, 17} {
		b.Run(fmt.Sprint(width), func(b *testing.B) {
			indexes := make([]uint32, pageRows)
			for i := range indexes {
				indexes[i] = uint32(r.IntN(1 << width))
			}
			b.SetBytes(4 * pageRows)
			var dst []byte
			for b.Loop() {
				dst = appendHybrid(dst[:0], indexes, width)
			}
		})
	}
}
