package codec

import (
	"bytes"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	row := bytes.Repeat([]byte("r"), 110)
	e := NewEncoder(61, 1<<20)
	b.SetBytes(8000 * 110)
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		for range 8000 {
			e.Append(row)
		}
		e.Bytes()
	}
}

func BenchmarkDecode(b *testing.B) {
	e := NewEncoder(0, 1<<20)
	for range 8000 {
		e.Append(bytes.Repeat([]byte("r"), 110))
	}
	value := e.Bytes()
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		rows, err := Decode(value)
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for row := range rows.All() {
			n += len(row)
		}
	}
}
