package commitlog

import (
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

func BenchmarkCommit(b *testing.B) {
	benchmarkCommit(b, func(b *testing.B) string { return b.TempDir() })
}

// BenchmarkCommitHDFS commits to the HDFS whose name node's address is in SPOT_WEBHDFS, such as
// http://127.0.0.1:9870: `go run ./scripts/stack hdfs` starts one.
func BenchmarkCommitHDFS(b *testing.B) {
	nameNode := os.Getenv("SPOT_WEBHDFS")
	if nameNode == "" {
		b.Skip("SPOT_WEBHDFS is not set")
	}
	client, err := connect("hdfs://bench", []string{nameNode})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	benchmarkCommit(b, func(b *testing.B) string {
		folder := fmt.Sprintf("/bench-%d-%d", os.Getpid(), trees.Add(1))
		mounts.Store(folder, client)
		b.Cleanup(func() { mounts.Delete(folder) })
		return folder
	})
}

func benchmarkCommit(b *testing.B, newFolder func(*testing.B) string) {
	for _, files := range []int{1, 24, 1000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			l := openLog(b, options(newFolder(b), newClock()))
			for b.Loop() {
				b.StopTimer()
				c := mustBatch(b, l, 0, int64(files), files)
				b.StartTimer()
				if err := l.Commit(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// fillKnown makes a log know n ids by as many commits as that takes.
func fillKnown(t testing.TB, l *Log, c *clock, n int) {
	t.Helper()
	p, _ := l.Position(0)
	for n > 0 {
		segments := make([]SegmentID, min(n, 20_000))
		for i := range segments {
			rand.Read(segments[i][:])
		}
		n -= len(segments)
		p.Next++
		commit := &Commit{Parts: []Part{{Partition: 0, First: p.Next - 1, Position: p}}, Segments: segments}
		if err := l.Commit(commit); err != nil {
			t.Fatal(err)
		}
		c.add(time.Minute)
	}
	for !firstOfEpoch(l.Number()) {
		mustCommit(t, l, 0, 1, 0)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkKnown(b *testing.B) {
	const n = 1_000_000
	folder, c := b.TempDir(), newClock()
	filler := openLog(b, options(folder, c))
	fillKnown(b, filler, c, n)
	if err := filler.Close(); err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			l := openLog(b, options(folder, c))
			b.StopTimer()
			if got := len(l.state.known.set); got != n {
				b.Fatalf("%d ids known", got)
			}
			b.StartTimer()
		}
	})
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			l := openLog(b, options(folder, c))
			b.ReportMetric(float64(heap()-before)/n, "B/id")
			runtime.KeepAlive(l)
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		l := openLog(b, options(folder, c))
		for b.Loop() {
			b.StopTimer()
			for !lastOfEpoch(l.Number()) {
				mustCommit(b, l, 0, 1, 0)
			}
			b.StartTimer()
			mustCommit(b, l, 0, 1, 0)
		}
	})
}
