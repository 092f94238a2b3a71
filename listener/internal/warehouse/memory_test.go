package warehouse

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/table"
	"spot-ingest/pkg/config"
)

// openFDs returns how many files this process has open. Tests that count them don't run
// beside others.
func openFDs(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("the number of open files is not known here: %v", err)
	}
	return len(entries)
}

// buffers returns the memory of all buffers, counted anew.
func buffers(b *Batch) int {
	memory := 0
	for _, h := range b.hours {
		if h.rows != nil {
			memory += h.rows.Memory()
		}
	}
	for _, rows := range b.warehouse.spare {
		memory += rows.Memory()
	}
	return memory
}

// hourNumber returns one of many hours.
func hourNumber(n int) table.Hour {
	return table.Hour{Year: 2018, Month: int8(1 + n/280%12), Day: int8(1 + n/10%28), Hour: int8(n % 10)}
}

// scatter appends n rows one by one, most of them anywhere in 1,000 hours, but each tenth
// in one hour. It returns which rows went where, by number, and stops at the first time
// that more memory is held than may be.
func scatter(t *testing.T, b *Batch, rows []*columns.Rows, n int) map[table.Hour][]int {
	r := rand.New(rand.NewPCG(1, 2))
	went := map[table.Hour][]int{}
	limit := b.warehouse.options.Memory
	limit += limit / shares // for a buffer that has just been encoded
	for i := range n {
		at := hourNumber(0)
		if i%10 > 0 {
			at = hourNumber(r.IntN(1000))
		}
		appendRows(t, b, at, rows[i%len(rows)])
		went[at] = append(went[at], i%len(rows))
		if i%1000 > 0 {
			continue
		}
		if memory := buffers(b); memory > limit || memory != b.memory+b.warehouse.spareMemory {
			t.Fatalf("after %d rows %d bytes are held, counted as %d and %d spare; the limit is %d",
				i+1, memory, b.memory, b.warehouse.spareMemory, limit)
		}
		if open := len(b.open.used); open > b.warehouse.options.OpenFiles {
			t.Fatalf("after %d rows %d files are open", i+1, open)
		}
	}
	return went
}

// A batch that touches 1,000 hours at random holds no more than one of a few hours, and
// although that means smaller row groups, they are as large as they can be.
func TestThousandHours(t *testing.T) {
	n := 60_000
	if testing.Short() {
		n = 30_000
	}
	w := newWarehouse(t, config.Flow, func(o *Options) { o.Memory, o.OpenFiles, o.RowGroup = 8<<20, 16, 1000 })
	// A batch of one hour leaves buffers that are large.
	b := w.Batch("before")
	rows := rowsOf(t, config.Flow, hourNumber(0), 0, 500)
	for range 100 {
		appendRows(t, b, hourNumber(0), rows)
	}
	finish(t, b)
	b.Abandon()
	if len(w.spare) == 0 {
		t.Error("the batch before has left no buffer")
	}

	b = w.Batch("name")
	var list []*columns.Rows
	for i := range 499 {
		list = append(list, rowsOf(t, config.Flow, hourNumber(0), i, 1))
	}
	fds := openFDs(t)
	went := scatter(t, b, list, n)
	if open := openFDs(t) - fds; open > w.options.OpenFiles {
		t.Errorf("%d files are open, want at most %d", open, w.options.OpenFiles)
	}
	files := byFinal(t, w, finish(t, b))
	if len(files) != len(went) || len(went) < 900 {
		t.Errorf("%d files for %d hours", len(files), len(went))
	}
	checked := 0
	for at, numbers := range went {
		if f := files["hive/"+w.options.Table.Folder(at)]; f.Rows != int64(len(numbers)) {
			t.Errorf("%v: %d rows, want %d", at, f.Rows, len(numbers))
		}
		if checked++; checked > 20 && at != hourNumber(0) {
			continue // reading takes longer than writing
		}
		var want []string
		for _, i := range numbers {
			want = append(want, show(list[i])...)
		}
		checkFile(t, w, "name", files, at, want)
	}
	// 8 MiB are 8 KiB an hour: as values take 192 bytes a row, about 40 rows on average, and
	// more in the buffer that is largest. The last of an hour is smaller.
	if most := len(went) + n/40; b.groups > most {
		t.Errorf("%d row groups, want at most %d", b.groups, most)
	}
	t.Logf("%d rows in %d row groups", n, b.groups)
}

// Large rows are written before they are as many as a row group has, and what they took is
// given back.
func TestGiantRows(t *testing.T) {
	const limit = 2 << 20
	w := newWarehouse(t, config.Proxy, func(o *Options) { o.Memory = limit })
	at := hourNumber(3)
	b := w.Batch("name")
	var want []string
	for i := range 12 {
		size := 1 << 18
		if i == 5 {
			size = 3 * limit // more than there should ever be
		}
		rows := parse(t, w.options.Table, at, proxyText(at, i, strings.Repeat("A", size)))
		want = append(want, show(rows)...)
		appendRows(t, b, at, rows)
		if memory := buffers(b); memory > limit {
			t.Errorf("%d bytes are held after row %d, the limit is %d", memory, i, limit)
		}
	}
	r := checkFile(t, w, "name", byFinal(t, w, finish(t, b)), at, want)
	if len(r.groups) < 4 || len(r.groups) > 11 {
		t.Errorf("row groups of %d rows", r.groups)
	}
}

// In an hour of large rows not even the heap, with all that is not counted, comes to the
// limit: a row group ends at a share of it, so that some can be encoded at the same time.
func TestHeap(t *testing.T) {
	const limit = 16 << 20
	w := newWarehouse(t, config.Proxy, func(o *Options) { o.Memory = limit })
	at := hourNumber(3)
	agent := strings.Repeat("Mozilla/5.0 ", 20)
	list := make([]string, 2000)
	for i := range list {
		list[i] = proxyText(at, i, agent)
	}
	rows := parse(t, w.options.Table, at, list...)
	before := heap()
	b := w.Batch("name")
	defer b.Abandon()
	most := 0
	for range 100_000 / rows.Len { // 60 MB
		appendRows(t, b, at, rows)
		most = max(most, heap()-before)
	}
	if most > limit {
		t.Errorf("%d bytes in use, want at most %d", most, limit)
	}
	t.Logf("at most %d bytes in use", most)
	runtime.KeepAlive(list)
}

func heap() int {
	runtime.GC()
	runtime.GC() // pools let go at the second time
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A batch says when it is scattered over so many hours or row groups that it is enough.
func TestFull(t *testing.T) {
	w := newWarehouse(t, config.Flow, func(o *Options) { o.RowGroup = 2 })
	for name, next := range map[string]func(n int) table.Hour{
		"hours":      func(n int) table.Hour { return table.Hour{Year: int16(n)} },
		"row groups": func(n int) table.Hour { return table.Hour{Year: int16(n / 64)} },
	} {
		b := w.Batch("name")
		one := rowsOf(t, config.Flow, hourNumber(0), 0, 1)
		n := 0
		for ; !b.Full() && n < 3*maxParts; n++ {
			appendRows(t, b, next(n), one)
		}
		if parts := len(b.hours) + b.groups; parts != maxParts {
			t.Errorf("%s: full at %d hours and %d row groups", name, len(b.hours), b.groups)
		}
		b.Abandon()
	}
}
