package warehouse

import (
	"io"
	"os"
	"sync"

	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/listener/internal/warehouse/parquet"
)

// A file is one partition folder's staged Parquet file. It is written by one goroutine at a
// time.
type file struct {
	staged, final, path string
	parquet             *parquet.File
	open                *openFiles
	made                bool
}

var _ io.Writer = (*file)(nil)

// Write appends to the file, which is made by the first write.
func (f *file) Write(p []byte) (int, error) {
	var n int
	err := f.open.with(f, func(h *os.File) (err error) {
		n, err = h.Write(p)
		return err
	})
	return n, err
}

// finish writes the footer and flushes the file to the disk.
func (f *file) finish() (commitlog.File, error) {
	if err := f.parquet.Close(); err != nil {
		return commitlog.File{}, err
	}
	if err := f.open.with(f, (*os.File).Sync); err != nil {
		return commitlog.File{}, err
	}
	if err := f.open.close(f); err != nil {
		return commitlog.File{}, err
	}
	return commitlog.File{Staged: f.staged, Final: f.final, Rows: f.parquet.Rows(), Bytes: f.parquet.Size()}, nil
}

func (f *file) abandon() {
	_ = f.open.close(f)
	if f.made {
		removeStaged(f.path)
	}
}

// openFiles keeps a number of files open: those that were written to last.
type openFiles struct {
	limit int

	mu   sync.Mutex
	used []*opened // least recently used first; none of them in use
}

type opened struct {
	file *file
	*os.File
}

// with calls do with the open file. The file is not closed while do runs, so that beyond the
// limit one may be open for each goroutine.
func (o *openFiles) with(f *file, do func(*os.File) error) error {
	h, err := o.take(f)
	if err != nil {
		return err
	}
	if err := do(h); err != nil {
		_ = h.Close() // the first error is the one to tell
		return err
	}
	return o.put(f, h)
}

func (o *openFiles) take(f *file) (*os.File, error) {
	if h := o.remove(f); h != nil {
		return h, nil
	}
	flags := os.O_WRONLY | os.O_APPEND
	if !f.made {
		flags |= os.O_CREATE | os.O_EXCL
	}
	// The mode is the one of the file in the table, which others read.
	h, err := os.OpenFile(f.path, flags, 0o666)
	f.made = f.made || err == nil
	return h, err
}

func (o *openFiles) remove(f *file) *os.File {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, u := range o.used {
		if u.file == f {
			o.used = append(o.used[:i], o.used[i+1:]...)
			return u.File
		}
	}
	return nil
}

func (o *openFiles) put(f *file, h *os.File) error {
	o.mu.Lock()
	o.used = append(o.used, &opened{f, h})
	var oldest *opened
	if len(o.used) > o.limit {
		oldest = o.used[0]
		o.used = o.used[1:]
	}
	o.mu.Unlock()
	if oldest != nil {
		return oldest.Close()
	}
	return nil
}

func (o *openFiles) close(f *file) error {
	if h := o.remove(f); h != nil {
		return h.Close()
	}
	return nil
}
