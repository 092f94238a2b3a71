// Package warehouse turns the typed rows of one batch into Parquet files, one for each
// partition folder of the table that the batch touches, and the rows that don't fit into
// dead letters. All of them are staged: nothing is visible before the commit log says so.
//
// Rows of an hour are gathered in a buffer until they fill a row group. Whoever fills it
// takes it away and encodes it while others go on, so that one file is written by several
// goroutines. Memory is bounded whatever number of hours a batch touches: beyond the limit
// the largest buffer is written as a row group of its own, and files are closed and opened
// again beyond a number of them.
package warehouse

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/listener/internal/warehouse/parquet"
)

// Options are what the files are made by.
type Options struct {
	Table *table.Table
	// Folder is the staging folder, on the same file system as the table.
	Folder string
	// Codec compresses the pages of the Parquet files.
	Codec parquet.Codec
	// CreatedBy names the program in each file's footer, as "spot-ingest version 1.0".
	CreatedBy string
	// RowGroup is the number of rows from which a buffer is written as a row group. Where
	// rows are large, it is when they take a quarter of Memory.
	RowGroup int
	// Memory bounds the bytes held in buffers, spare ones too, those being encoded not
	// counted: one for each goroutine that calls Append.
	Memory int
	// OpenFiles bounds the files that are open at the same time, those being written to
	// not counted.
	OpenFiles int
}

// A Warehouse makes batches, one at a time, and keeps their memory for the next.
type Warehouse struct {
	options Options

	mu          sync.Mutex
	spare       []*columns.Rows
	spareMemory int
	encoders    []*parquet.Encoder
}

// New returns a warehouse that has written nothing.
func New(o Options) *Warehouse { return &Warehouse{options: o} }

// A Batch is the rows of one commit on their way into files.
type Batch struct {
	warehouse *Warehouse
	name      string

	mu      sync.Mutex
	hours   map[table.Hour]*hour
	memory  int // of all hours' buffers
	files   int // names given
	groups  int // row groups written
	letters *letters

	open *openFiles
}

// An hour is one partition folder's rows: those that wait, and the file of the others.
type hour struct {
	rows   *columns.Rows // nil: none
	held   int           // bytes of memory counted for rows
	filled bool          // a row group, so that its next buffer is likely to fill as well

	mu   sync.Mutex // orders what follows
	file *file
}

// Batch returns an empty batch. Its name is unique among all batches of the table: it is
// that of its files, without their ending. Nothing is written before there is a row.
func (w *Warehouse) Batch(name string) *Batch {
	return &Batch{
		warehouse: w,
		name:      name,
		hours:     make(map[table.Hour]*hour),
		open:      &openFiles{limit: w.options.OpenFiles},
	}
}

// Append adds a copy of rows of one hour. It may be called from several goroutines. An error
// is one of writing a file, and the batch is of no use afterwards.
func (b *Batch) Append(at table.Hour, rows *columns.Rows) error {
	b.mu.Lock()
	h := b.hours[at]
	if h == nil {
		h = &hour{}
		b.hours[at] = h
	}
	if h.rows == nil {
		h.rows = b.warehouse.empty(h.filled)
	}
	h.rows.Append(rows)
	b.hold(h, h.rows.Memory())
	var full *columns.Rows
	switch {
	case h.rows.Len >= b.warehouse.options.RowGroup || h.rows.Size() >= b.warehouse.options.Memory/shares:
		h.filled = true
		full = b.take(h)
	case !b.warehouse.room(b.memory):
		at, h = b.largest()
		full = b.take(h)
	}
	b.mu.Unlock()
	if full == nil {
		return nil
	}
	return b.write(at, h, full)
}

// hold counts the memory of an hour's buffer.
func (b *Batch) hold(h *hour, bytes int) {
	b.memory += bytes - h.held
	h.held = bytes
}

func (b *Batch) take(h *hour) *columns.Rows {
	rows := h.rows
	h.rows = nil
	b.hold(h, 0)
	return rows
}

func (b *Batch) largest() (at table.Hour, h *hour) {
	for a, candidate := range b.hours {
		if candidate.rows != nil && (h == nil || candidate.held > h.held) {
			at, h = a, candidate
		}
	}
	return at, h
}

// write encodes rows and appends them to the hour's file.
func (b *Batch) write(at table.Hour, h *hour, rows *columns.Rows) error {
	encoder := b.warehouse.encoder()
	group, err := encoder.Encode(rows)
	if err == nil {
		err = b.add(at, h, group)
	}
	b.warehouse.keep(encoder, rows)
	if err != nil {
		return fmt.Errorf("write rows of %s: %w", b.warehouse.options.Table.Folder(at), err)
	}
	return nil
}

func (b *Batch) add(at table.Hour, h *hour, group *parquet.RowGroup) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	b.mu.Lock()
	b.groups++
	if h.file == nil {
		h.file = b.newFile(at)
	}
	b.mu.Unlock()
	return h.file.parquet.Add(group)
}

func (b *Batch) newFile(at table.Hour) *file {
	b.files++
	name := fmt.Sprintf("%s-%d.staged", b.name, b.files)
	f := &file{
		staged: name,
		final:  filepath.Join("hive", b.warehouse.options.Table.Folder(at), b.name+".parquet"),
		path:   filepath.Join(b.warehouse.options.Folder, name),
		open:   b.open,
	}
	f.parquet = parquet.NewFile(f, b.warehouse.options.Table.Schema, b.warehouse.options.CreatedBy)
	return f
}

// maxParts is how many row groups and hours a batch is good for. Of each some kilobytes are
// kept to the end.
const maxParts = 8192

// Full tells that the batch has become so scattered that it should end, lest it take ever
// more memory.
func (b *Batch) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.groups+len(b.hours) >= maxParts
}

// Largest returns the bytes written so far to the batch's largest file.
func (b *Batch) Largest() int64 {
	var largest int64
	for _, h := range b.all() {
		h.mu.Lock()
		if h.file != nil {
			largest = max(largest, h.file.parquet.Size())
		}
		h.mu.Unlock()
	}
	return largest
}

func (b *Batch) all() []*hour {
	b.mu.Lock()
	defer b.mu.Unlock()
	hours := make([]*hour, 0, len(b.hours))
	for _, h := range b.hours {
		hours = append(hours, h)
	}
	return hours
}

// Hours returns the hours that the batch has rows of, in order of their names.
func (b *Batch) Hours() []table.Hour {
	b.mu.Lock()
	defer b.mu.Unlock()
	hours := make([]table.Hour, 0, len(b.hours))
	for at := range b.hours {
		hours = append(hours, at)
	}
	slices.SortFunc(hours, func(a, b table.Hour) int { return strings.Compare(a.String(), b.String()) })
	return hours
}

// Finish writes all that is left, by several goroutines, and flushes every file to the
// disk. It returns the files for the commit log. Nothing may be appended meanwhile or
// afterwards.
func (b *Batch) Finish(goroutines int) ([]commitlog.File, error) {
	hours := b.Hours()
	next := make(chan int, len(hours))
	for i := range hours {
		next <- i
	}
	close(next)
	files := make([]commitlog.File, len(hours))
	var (
		wait   sync.WaitGroup
		failed atomic.Pointer[error] // the first, after which nothing more is tried
	)
	for range min(goroutines, len(hours)) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range next {
				done, err := b.finish(hours[i])
				if err != nil {
					failed.CompareAndSwap(nil, &err)
				}
				if failed.Load() != nil {
					return
				}
				files[i] = done
			}
		}()
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return nil, *err
	}
	if b.letters != nil {
		letters, err := b.letters.finish()
		if err != nil {
			return nil, fmt.Errorf("write dead letters: %w", err)
		}
		files = append(files, letters)
	}
	return files, nil
}

func (b *Batch) finish(at table.Hour) (commitlog.File, error) {
	h := b.hours[at]
	if rows := h.rows; rows != nil {
		h.rows = nil
		if err := b.write(at, h, rows); err != nil {
			return commitlog.File{}, err
		}
	}
	done, err := h.file.finish()
	if err != nil {
		return commitlog.File{}, fmt.Errorf("write %s: %w", h.file.final, err)
	}
	return done, nil
}

// Abandon removes what was staged. It is for a batch that is not committed; nothing may be
// appended meanwhile or afterwards.
func (b *Batch) Abandon() {
	for _, h := range b.hours {
		if h.file != nil {
			h.file.abandon()
		}
	}
	if b.letters != nil {
		b.letters.abandon()
	}
}

// removeStaged removes a staged file; where it can't, the next start does it.
func removeStaged(path string) { _ = os.Remove(path) }
