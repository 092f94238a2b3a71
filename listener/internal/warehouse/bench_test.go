package warehouse

import (
	"fmt"
	"sync"
	"testing"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// BenchmarkAppend appends rows of flows, 4,000 at a time, by two goroutines, and finishes
// the batch: all that there is between typed rows and files.
func BenchmarkAppend(b *testing.B) {
	const goroutines, chunk = 2, 4000
	for _, hours := range []int{1, 24} {
		b.Run(fmt.Sprint("hours=", hours), func(b *testing.B) {
			w := newWarehouse(b, config.Flow, func(o *Options) { o.RowGroup, o.Memory = 1<<17, 96<<20 })
			chunks := make([]*columns.Rows, 48)
			at := make([]table.Hour, len(chunks))
			for i := range chunks {
				at[i] = hourNumber(i % hours)
				chunks[i] = rowsOf(b, config.Flow, at[i], i*chunk, chunk)
			}
			const perBatch = 10 * 48 // chunks: 2 million rows
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += perBatch {
				batch := w.Batch(fmt.Sprint(n))
				size := appendChunks(b, batch, at, chunks, min(perBatch, b.N-n), goroutines)
				b.StopTimer()
				b.ReportMetric(size, "bytes/row")
				batch.Abandon()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*chunk/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// appendChunks appends n chunks and finishes the batch. It returns the files' bytes a row.
func appendChunks(b *testing.B, batch *Batch, at []table.Hour, chunks []*columns.Rows, n, goroutines int) float64 {
	var wait sync.WaitGroup
	for g := range goroutines {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := g; i < n; i += goroutines {
				if err := batch.Append(at[i%len(at)], chunks[i%len(chunks)]); err != nil {
					b.Error(err)
				}
			}
		}()
	}
	wait.Wait()
	var rows, bytes int64
	for _, f := range finish(b, batch) {
		rows += f.Rows
		bytes += f.Bytes
	}
	return float64(bytes) / float64(rows)
}
