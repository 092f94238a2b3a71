package stream

import "testing"

func BenchmarkWhole(b *testing.B) { benchmark(b, len(msgA)) }

func BenchmarkSplit(b *testing.B) { benchmark(b, len(msgA)*3/4) }

// benchmark sends many messages in segments of n bytes on 100 connections.
func benchmark(b *testing.B, n int) {
	var data []byte
	for i := range 12 {
		data = append(data, framed(message(uint16(i)))...)
	}
	steps := inSegments(1000, data, n, "")
	table := NewTable()
	var segments []*Segment
	for _, s := range steps {
		for c := range 100 {
			segments = append(segments, numbered(c, s))
		}
	}
	messages := 0
	round := func() {
		for _, s := range segments {
			table.Add(s, func([]byte, int) { messages++ })
			s.Seq += uint32(len(data))
		}
	}
	round()
	b.SetBytes(int64(len(data) * 100))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		round()
	}
	b.ReportMetric(float64(len(segments))*float64(b.N)/b.Elapsed().Seconds(), "segments/s")
	if messages == 0 {
		b.Fatal("no message")
	}
}
