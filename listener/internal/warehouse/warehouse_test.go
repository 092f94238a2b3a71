package warehouse

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/listener/internal/warehouse/parquet"
	"spot-ingest/pkg/config"
)

// newWarehouse returns a warehouse with a folder of its own and more of everything than a
// test needs.
func newWarehouse(t testing.TB, kind config.Type, change func(*Options)) *Warehouse {
	o := Options{
		Table: table.Of(kind), Folder: t.TempDir(), CreatedBy: "spot-ingest version 1.2.3",
		RowGroup: 1 << 20, Memory: 64 << 20, OpenFiles: 64,
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func appendRows(t testing.TB, b *Batch, at table.Hour, rows *columns.Rows) {
	t.Helper()
	if err := b.Append(at, rows); err != nil {
		t.Fatal(err)
	}
}

func finish(t testing.TB, b *Batch) []commitlog.File {
	t.Helper()
	files, err := b.Finish(2)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// byFinal returns the rows' files by the folder that they belong in, and checks that these
// are all that is staged.
func byFinal(t testing.TB, w *Warehouse, files []commitlog.File) map[string]commitlog.File {
	t.Helper()
	byFolder, staged := map[string]commitlog.File{}, []string{}
	for _, f := range files {
		folder := filepath.Dir(f.Final)
		if _, twice := byFolder[folder]; twice {
			t.Errorf("two files for %s", folder)
		}
		byFolder[folder] = f
		staged = append(staged, f.Staged)
		if filepath.Ext(f.Staged) == ".parquet" {
			t.Errorf("%s: what is staged must not look like a table's file", f.Staged)
		}
		if size := sizeOf(t, w.options.Folder, f.Staged); f.Bytes != size {
			t.Errorf("%s: %d bytes, said to be %d", f.Staged, size, f.Bytes)
		}
	}
	slices.Sort(staged)
	if there := names(t, w.options.Folder); !slices.Equal(there, staged) {
		t.Errorf("staged are %q, want %q", there, staged)
	}
	return byFolder
}

// checkFile compares a batch's file of an hour with the rows that were appended.
func checkFile(t testing.TB, w *Warehouse, name string, files map[string]commitlog.File, at table.Hour, want []string) reading {
	t.Helper()
	folder := "hive/" + w.options.Table.Folder(at)
	f, ok := files[folder]
	if !ok {
		t.Fatalf("no file for %s", folder)
	}
	if f.Final != folder+"/"+name+".parquet" {
		t.Errorf("its place is %s, want %s/%s.parquet", f.Final, folder, name)
	}
	r := read(t, filepath.Join(w.options.Folder, f.Staged), w.options.Table.Schema)
	if f.Rows != int64(len(want)) {
		t.Errorf("%s: said to have %d rows, want %d", f.Final, f.Rows, len(want))
	}
	sameRows(t, f.Final, r.rows, want)
	return r
}

func TestOneFileAPartition(t *testing.T) {
	hours := []table.Hour{
		{Year: 2018, Month: 3, Day: 20, Hour: 9}, {Year: 2018, Month: 3, Day: 20, Hour: 10},
		{Year: 2018, Month: 12, Day: 31, Hour: 23}, {Year: 2019, Month: 1, Day: 1, Hour: 0},
	}
	for kind, folders := range map[config.Type][]string{
		config.Flow:  {"hive/y=2018/m=12/d=31/h=23", "hive/y=2018/m=3/d=20/h=10", "hive/y=2018/m=3/d=20/h=9", "hive/y=2019/m=1/d=1/h=0"},
		config.DNS:   {"hive/y=2018/m=12/d=31/h=23", "hive/y=2018/m=3/d=20/h=10", "hive/y=2018/m=3/d=20/h=9", "hive/y=2019/m=1/d=1/h=0"},
		config.Proxy: {"hive/y=2018/m=03/d=20/h=09", "hive/y=2018/m=03/d=20/h=10", "hive/y=2018/m=12/d=31/h=23", "hive/y=2019/m=01/d=01/h=00"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWarehouse(t, kind, func(o *Options) { o.Codec = parquet.Zstd })
			b := w.Batch("name")
			want := map[table.Hour][]string{}
			for i := range 3 { // turn by turn, so that an hour comes more than once
				for _, at := range hours {
					rows := rowsOf(t, kind, at, 10*i, 5)
					appendRows(t, b, at, rows)
					want[at] = append(want[at], show(rows)...)
					rows.Reset() // it was copied
				}
			}
			if there := names(t, w.options.Folder); len(there) > 0 || b.Largest() != 0 {
				t.Errorf("%q staged, %d bytes, before anything is full", there, b.Largest())
			}
			files := byFinal(t, w, finish(t, b))
			got := []string{}
			for folder := range files {
				got = append(got, folder)
			}
			if slices.Sort(got); !slices.Equal(got, folders) {
				t.Errorf("folders %q, want %q", got, folders)
			}
			if got := b.Hours(); !slices.Equal(got, hours) {
				t.Errorf("hours %v, want %v", got, hours)
			}
			for _, at := range hours {
				r := checkFile(t, w, "name", files, at, want[at])
				if !slices.Equal(r.groups, []int{15}) || r.createdBy != "spot-ingest version 1.2.3" || !slices.Equal(r.codecs, []string{"ZSTD"}) {
					t.Errorf("row groups %d, by %q, %q", r.groups, r.createdBy, r.codecs)
				}
			}
		})
	}
}

func TestEmptyBatch(t *testing.T) {
	w := newWarehouse(t, config.DNS, nil)
	b := w.Batch("name")
	if files := finish(t, b); len(files) > 0 || len(b.Hours()) > 0 {
		t.Errorf("files %v, hours %v", files, b.Hours())
	}
	b.Abandon()
	if there := names(t, w.options.Folder); len(there) > 0 {
		t.Errorf("%q staged", there)
	}
}

// Several goroutines append rows of a few hours, with files closed in between for there
// being too many.
func TestConcurrentAppend(t *testing.T) {
	const (
		goroutines, appends, chunk = 4, 60, 50
		rowGroup                   = 300
	)
	w := newWarehouse(t, config.Flow, func(o *Options) { o.RowGroup, o.OpenFiles = rowGroup, 2 })
	for round, name := range []string{"first", "second"} { // the second with what the first has left
		b := w.Batch(name)
		want, fds := map[table.Hour][]string{}, openFDs(t)
		var (
			mu   sync.Mutex
			wait sync.WaitGroup
		)
		for g := range goroutines {
			wait.Add(1)
			go func() {
				defer wait.Done()
				r := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				for i := range appends {
					at := table.Hour{Year: 2018, Month: 3, Day: 20, Hour: int8(r.IntN(6))}
					rows := rowsOf(t, config.Flow, at, (g*appends+i)*chunk, chunk)
					if err := b.Append(at, rows); err != nil {
						t.Error(err)
					}
					mu.Lock()
					want[at] = append(want[at], show(rows)...)
					mu.Unlock()
				}
			}()
		}
		wait.Wait()
		if open := openFDs(t) - fds; open > w.options.OpenFiles {
			t.Errorf("%d files are open, want at most %d", open, w.options.OpenFiles)
		}
		if b.Largest() == 0 {
			t.Error("nothing is written before the end")
		}
		all := finish(t, b)
		if open := openFDs(t) - fds; open != 0 {
			t.Errorf("%d files are open at the end", open)
		}
		files := byFinal(t, w, all)
		for at, rows := range want {
			r := checkFile(t, w, name, files, at, rows)
			small := 0
			for _, n := range r.groups {
				if n >= rowGroup+chunk {
					t.Errorf("%v: a row group of %d rows", at, n)
				}
				if n < rowGroup {
					small++
				}
			}
			if small > 1 {
				t.Errorf("%v: row groups of %d rows: want all but the last from %d", at, r.groups, rowGroup)
			}
		}
		b.Abandon() // which leaves nothing for the next round
	}
}

func TestAbandon(t *testing.T) {
	nine, ten := table.Hour{Year: 2018, Month: 3, Day: 20, Hour: 9}, table.Hour{Year: 2018, Month: 3, Day: 20, Hour: 10}
	for name, end := range map[string]func(*testing.T, *Batch){
		"halfway": func(*testing.T, *Batch) {},
		"at the end": func(t *testing.T, b *Batch) {
			if n := len(finish(t, b)); n != 3 {
				t.Errorf("%d files, want 3", n)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarehouse(t, config.Flow, func(o *Options) { o.RowGroup = 10 })
			fds := openFDs(t)
			b := w.Batch("name")
			appendRows(t, b, nine, rowsOf(t, config.Flow, nine, 0, 12)) // a file
			appendRows(t, b, nine, rowsOf(t, config.Flow, nine, 20, 3))
			appendRows(t, b, ten, rowsOf(t, config.Flow, ten, 0, 3)) // a buffer
			if err := b.Bad(Letter{Topic: "t", Row: 1, Bytes: []byte("bad")}); err != nil {
				t.Fatal(err)
			}
			if n := len(names(t, w.options.Folder)); n != 2 {
				t.Errorf("%d files are staged, want 2", n)
			}
			end(t, b)
			b.Abandon()
			if there := names(t, w.options.Folder); len(there) > 0 {
				t.Errorf("%q are left", there)
			}
			if open := openFDs(t) - fds; open != 0 {
				t.Errorf("%d files are left open", open)
			}
			// Nothing of it comes with the next batch.
			b = w.Batch("next")
			rows := rowsOf(t, config.Flow, nine, 100, 4)
			appendRows(t, b, nine, rows)
			checkFile(t, w, "next", byFinal(t, w, finish(t, b)), nine, show(rows))
		})
	}
}
