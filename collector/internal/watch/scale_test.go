package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

const manyFolders, manyEach = 1000, 100

// plant makes a thousand folders of a hundred files with names as captures have. They are
// links to one file a folder, or as many files, which some disks are slow to make.
func plant(t testing.TB, linked bool) string {
	t.Helper()
	root := t.TempDir()
	for i := range manyFolders {
		dir := filepath.Join(root, fmt.Sprintf("2018/%02d/%02d/%02d", i/500, i/24%31, i%24), fmt.Sprint(i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		first := ""
		for j := range manyEach {
			name := filepath.Join(dir, fmt.Sprintf("nfcapd.2018%02d%02d%02d%05d", i/500, i/24%31, i%24, j))
			var err error
			if linked && first != "" {
				err = os.Link(first, name)
			} else {
				err = os.WriteFile(name, nil, 0o644)
				first = name
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// scanned is a tree that has seen everything below root and delivered nothing.
func scanned(t testing.TB, root string) (*tree, time.Time) {
	t.Helper()
	o, err := prepare(Options{Root: root, Recursive: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Minute)
	tr := newTree(o, noEvents(), now)
	t.Cleanup(tr.close)
	tr.probe = func(path string) (lease, stat) {
		st, err := statRegular(path)
		if err != nil {
			t.Fatal(err)
		}
		return leaseFree, st
	}
	for tr.scanStep(now) {
	}
	if n := tr.due.len(); n != manyFolders*manyEach {
		t.Fatalf("%d files", n)
	}
	return tr, now
}

func deliverAll(t testing.TB, tr *tree, now time.Time) {
	t.Helper()
	for tr.turn(now) {
	}
	n := 0
	for ; tr.head() != nil; n++ {
		tr.delivered()
	}
	if n != manyFolders*manyEach {
		t.Fatalf("%d files", n)
	}
}

func rescan(tr *tree, now time.Time) time.Time {
	now = now.Add(tr.next(now))
	for tr.turn(now) {
	}
	return now
}

func TestManyFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 100,000 files")
	}
	root := plant(t, true)
	before := inUse()
	tr, now := scanned(t, root)
	waiting := inUse() - before
	deliverAll(t, tr, now)
	idle := inUse() - before
	t.Logf("%.1f MB while all wait, %.1f MB after", float64(waiting)/(1<<20), float64(idle)/(1<<20))
	if waiting > 80<<20 || idle > 50<<20 {
		t.Error("too much memory")
	}

	tr.probe = func(path string) (lease, stat) {
		t.Errorf("%s was opened though it hasn't changed", path)
		return leaseUnknown, stat{}
	}
	begin := time.Now()
	rescan(tr, now)
	// A second is the goal; the race detector on a busy machine may need more.
	took := time.Since(begin)
	t.Logf("a rescan took %v", took)
	if took > 10*time.Second {
		t.Error("too long")
	}
	if tr.head() != nil || tr.due.len() > 0 {
		t.Error("the rescan found changes")
	}
}

func BenchmarkRescan(b *testing.B) {
	root := plant(b, false)
	before := inUse()
	tr, now := scanned(b, root)
	deliverAll(b, tr, now)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		now = rescan(tr, now)
	}
	b.ReportMetric(float64(inUse()-before)/(1<<20), "heap-MB")
}
