package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"spot-ingest/listener/internal/table"
	"spot-ingest/listener/internal/warehouse/commitlog"
	"spot-ingest/listener/internal/warehouse/parquet"
)

// written is what Spark's executors have written of a batch, in the own staging folder under
// names that can be committed.
type written struct {
	files   []commitlog.File // of the table first
	hours   []table.Hour
	rows    int64
	letters int64
}

// written takes over what is in the batch's folder: table/<partition folders>/*.parquet, and
// letters/* of one JSON object a line.
func (p *partner) written() (*written, error) {
	w := &written{}
	of := table.Of(p.kind)
	err := p.walk("table", len(of.Partitions), func(folder string, info fs.FileInfo) error {
		hour, ok := of.HourOf(folder)
		if !ok {
			return fmt.Errorf("%s/table/%s is no folder of table %s", p.batch, folder, of.Name)
		}
		return p.takeTable(w, hour, folder, info)
	})
	if err == nil {
		err = p.walk("letters", 0, func(_ string, info fs.FileInfo) error { return p.takeLetters(w, info) })
	}
	if err != nil {
		return nil, fmt.Errorf("take over what Spark has written: %w", err)
	}
	return w, nil
}

// walk calls take for each file in the folders that lie depth below the batch's folder of
// that name, in order. Where there is no such folder, nothing was written. Names that begin
// with a dot or an underscore are Spark's own.
func (p *partner) walk(name string, depth int, take func(folder string, info fs.FileInfo) error) error {
	var visit func(folder string, depth int) error
	visit = func(folder string, depth int) error {
		entries, err := p.files.ReadDir(path.Join(p.commits.Staging(), p.batch, name, folder))
		if errors.Is(err, fs.ErrNotExist) && folder == "" {
			return nil
		}
		if err != nil {
			return err
		}
		slices.SortFunc(entries, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
		for _, e := range entries {
			switch {
			case strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_"):
			case e.IsDir() && depth > 0:
				err = visit(path.Join(folder, e.Name()), depth-1)
			case !e.IsDir() && depth == 0:
				err = take(folder, e)
			case !e.IsDir() && e.Size() > 0:
				err = fmt.Errorf("%s/%s/%s is not in a partition's folder", p.batch, name, path.Join(folder, e.Name()))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return visit("", depth)
}

func (p *partner) takeTable(w *written, hour table.Hour, folder string, info fs.FileInfo) error {
	from := path.Join(p.batch, "table", folder, info.Name())
	rows, err := p.countRows(path.Join(p.commits.Staging(), from), info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if rows == 0 {
		return nil
	}
	number := ""
	if n := len(w.hours); n > 0 && w.hours[n-1] == hour {
		number = fmt.Sprintf("-%d", len(w.files)+1)
	} else {
		w.hours = append(w.hours, hour)
	}
	f := commitlog.File{
		Staged: fmt.Sprintf("%s-%d.staged", p.batch, len(w.files)+1),
		Final:  path.Join("hive", folder, p.batch+number+".parquet"),
		Rows:   rows, Bytes: info.Size(),
	}
	w.rows += rows
	return p.adopt(w, from, f)
}

func (p *partner) takeLetters(w *written, info fs.FileInfo) error {
	if info.Size() == 0 {
		return nil
	}
	from := path.Join(p.batch, "letters", info.Name())
	lines, err := p.countLines(path.Join(p.commits.Staging(), from), info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	n := len(w.files) + 1
	number := ""
	if w.letters > 0 {
		number = fmt.Sprintf("-%d", n)
	}
	f := commitlog.File{
		Staged: fmt.Sprintf("%s-%d.letters", p.batch, n),
		Final:  path.Join("dead_letter", p.batch+number+".jsonl"),
		Rows:   lines, Bytes: info.Size(),
	}
	w.letters += lines
	return p.adopt(w, from, f)
}

func (p *partner) adopt(w *written, from string, f commitlog.File) error {
	w.files = append(w.files, f)
	p.adopted = append(p.adopted, f.Staged)
	return p.commits.Adopt(from, f.Staged)
}

func (p *partner) countRows(name string, size int64) (rows int64, err error) {
	err = p.read(name, func(r io.ReaderAt) (err error) {
		rows, err = parquet.CountRows(r, size)
		return err
	})
	return rows, err
}

func (p *partner) countLines(name string, size int64) (lines int64, err error) {
	err = p.read(name, func(r io.ReaderAt) error {
		in := bufio.NewReaderSize(io.NewSectionReader(r, 0, size), 1<<20)
		for {
			_, err := in.ReadSlice('\n')
			switch {
			case err == nil:
				lines++
			case errors.Is(err, io.EOF):
				return nil
			case !errors.Is(err, bufio.ErrBufferFull):
				return err
			}
		}
	})
	return lines, err
}

// read calls do with a file of staging.
func (p *partner) read(name string, do func(io.ReaderAt) error) error {
	if p.remote != nil {
		return do(remoteFile{p.remote.ReadRange, name})
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return do(f)
}

// remoteFile reads a file of HDFS.
type remoteFile struct {
	readRange func(path string, offset int64, p []byte) (int, error)
	name      string
}

// ReadAt reads p in full, or fails.
func (f remoteFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.readRange(f.name, offset, p)
	if err == nil && n < len(p) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
