package chunk

import (
	"bytes"
	"fmt"
	"io"
	"runtime/metrics"
	"strings"
	"testing"

	"spot-ingest/pkg/codec"
)

// generate returns about n bytes as a source of the type has them: 60 rows a second.
func generate(typ Type, n int) []byte {
	var b bytes.Buffer
	b.Grow(n + 1000)
	for i := 0; b.Len() < n; i++ {
		h, m, s := i/216000%24, i/3600%60, i/60%60
		switch typ {
		case Flow:
			fmt.Fprintf(&b, "2018-03-20 %02d:%02d:%02d,2018,3,20,%d,%d,%d,0.%03d,10.0.%d.%d,192.0.2.%d,%d,443,TCP,.AP.SF,0,0,%d,%d,0,0,1,2,0,0,0,0,198.51.100.7\n",
				h, m, s, h, m, s, i%1000, i%200, i%250, i%240, 1024+i%60000, i%90, i%50000)
		case DNS:
			fmt.Fprintf(&b, "Mar 20, 2018 %02d:%02d:%02d.%09d UTC,%d.%09d,%d,10.0.0.53,10.0.%d.%d,www%d.example.org,1,0x0001,0,203.0.113.%d\n",
				h, m, s, i%1e9, 1521504000+i/60, i%1e9, 80+i%400, i%200, i%250, i%5000, i%250)
		case Proxy:
			fmt.Fprintf(&b, "2018-03-20 %02d:%02d:%02d %d 10.0.%d.%d user%d - - OBSERVED \"Technology/Internet\" http://www.example.com/ 200 TCP_HIT GET text/html http "+
				"www%d.example.com 80 /path/%d ?q=%d html \"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36\" 192.0.2.8 %d 512 - \"none\" \"none\"\n",
				h, m, s, i%900, i%200, i%250, i%700, i%300, i, i%77, i%90000)
		}
	}
	return b.Bytes()
}

func BenchmarkReader(b *testing.B) {
	for _, typ := range []Type{Flow, DNS, Proxy} {
		input := generate(typ, 16<<20)
		b.Run(typ.String(), func(b *testing.B) {
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			seg := Segment{Value: codec.NewEncoder(256, 1<<20)}
			rows := 0
			for b.Loop() {
				r := NewReader(bytes.NewReader(input), typ, 1<<20, 0)
				for r.Next(&seg) == nil {
					rows += seg.Rows
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// endless repeats a text until n bytes are read.
type endless struct {
	text []byte
	at   int
	left int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), e.left)], e.text[e.at:])
	e.at = (e.at + n) % len(e.text)
	e.left -= int64(n)
	return n, nil
}

func heapAllocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestMemory reads 1 GiB of rows, and 1 GiB that is a single line. What is allocated
// in all, freed or not, stays near one segment and the buffer.
func TestMemory(t *testing.T) {
	const total = 1 << 30
	tests := []struct {
		name string
		text []byte
		most uint64
	}{
		{"rows", generate(Flow, 1<<20), 4 << 20},
		{"one line", []byte(strings.Repeat("y", 1<<20)), 8 << 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			seg := Segment{Value: codec.NewEncoder(256, 1<<20)}
			before := heapAllocated()
			r := NewReader(&endless{text: test.text, left: total}, Flow, 1<<20, 0)
			for {
				err := r.Next(&seg)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := r.Stats().Bytes; got != total {
				t.Errorf("%d bytes read, want %d", got, total)
			}
			if got := heapAllocated() - before; got > test.most {
				t.Errorf("%d bytes allocated, want %d at most", got, test.most)
			}
		})
	}
}

// TestNoAllocationPerSegment: in steady state a segment costs none.
func TestNoAllocationPerSegment(t *testing.T) {
	for _, typ := range []Type{Flow, DNS, Proxy} {
		seg := Segment{Value: codec.NewEncoder(256, 1<<16)}
		r := NewReader(&endless{text: generate(typ, 1<<20), left: 1 << 30}, typ, 1<<16, 0)
		allocs := testing.AllocsPerRun(100, func() {
			if err := r.Next(&seg); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%v: %v allocations a segment, want 0", typ, allocs)
		}
	}
}
