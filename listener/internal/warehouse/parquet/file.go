package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"spot-ingest/listener/internal/columns"
)

var physical = [...]int32{
	columns.Int32: typeInt32, columns.Int64: typeInt64, columns.Float32: typeFloat, columns.String: typeByteArray,
}

// A File is a Parquet file that is being written. Of the row groups added it keeps what the
// file's end says of them, some kilobytes each.
type File struct {
	w         io.Writer
	schema    columns.Schema
	createdBy string
	size      int64
	rows      int64
	groups    []group
	// columns, columnIndexes and offsetIndexes are what has been serialized of all chunks in
	// order: ColumnMetaData, ColumnIndex and OffsetIndex.
	columns, columnIndexes, offsetIndexes []byte
	err                                   error // of a write, after which the file is no good, or that it is closed
}

// A group is a row group in a file.
type group struct {
	rows, offset, uncompressed, compressed int64
	chunks                                 []sizes // of each column's part in the file's columns and indexes
}

type sizes struct{ column, columnIndex, offsetIndex int }

// NewFile returns a file without rows, to be written to w. createdBy names the program, as
// "spot-ingest version 1.2.3 (build 0123abc)", the form by which readers tell whose files
// have which faults.
func NewFile(w io.Writer, schema columns.Schema, createdBy string) *File {
	return &File{w: w, schema: schema, createdBy: createdBy}
}

// Size returns how many bytes have been written.
func (f *File) Size() int64 { return f.size }

// Rows returns how many rows have been added.
func (f *File) Rows() int64 { return f.rows }

// Add appends a row group of the file's schema; one without rows is left out. After an error
// of w the file can't be gone on with.
func (f *File) Add(g *RowGroup) error {
	if f.err == nil && g.rows > 0 {
		f.err = f.add(g)
	}
	if f.err != nil {
		return fmt.Errorf("add Parquet row group: %w", f.err)
	}
	return nil
}

func (f *File) add(g *RowGroup) error {
	if err := f.begin(); err != nil {
		return err
	}
	if len(g.chunks) != len(f.schema) {
		return fmt.Errorf("it has %d columns, the file %d", len(g.chunks), len(f.schema))
	}
	base := f.size
	filters := base + int64(len(g.data))
	at := group{rows: int64(g.rows), offset: base, compressed: int64(len(g.data)), chunks: make([]sizes, len(g.chunks))}
	for i := range g.chunks {
		c := &g.chunks[i]
		before := sizes{len(f.columns), len(f.columnIndexes), len(f.offsetIndexes)}
		f.columns = appendColumn(f.columns, f.schema[i], g, c, base, filters)
		f.columnIndexes = append(f.columnIndexes, c.columnIndex...)
		f.offsetIndexes = appendOffsetIndex(f.offsetIndexes, c.pages, base)
		at.chunks[i] = sizes{
			len(f.columns) - before.column, len(f.columnIndexes) - before.columnIndex,
			len(f.offsetIndexes) - before.offsetIndex,
		}
		at.uncompressed += int64(c.uncompressed)
	}
	// Bloom filters could stand at the file's end too, but would be in memory until then.
	if err := f.write(g.data, g.filters); err != nil {
		return err
	}
	f.groups = append(f.groups, at)
	f.rows += at.rows
	return nil
}

// Close writes the file's end, by which it becomes readable. It doesn't close the writer.
func (f *File) Close() error {
	if f.err == nil {
		f.err = f.close()
	}
	if f.err != nil {
		return fmt.Errorf("close Parquet file: %w", f.err)
	}
	f.err = errors.New("it is closed")
	return nil
}

func (f *File) close() error {
	if err := f.begin(); err != nil {
		return err
	}
	columnIndexes := f.size
	offsetIndexes := columnIndexes + int64(len(f.columnIndexes))
	footer := f.footer(columnIndexes, offsetIndexes)
	if len(footer) > math.MaxInt32 {
		return fmt.Errorf("metadata of %d row groups is too large", len(f.groups))
	}
	end := binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	return f.write(f.columnIndexes, f.offsetIndexes, append(end, magic...))
}

// begin writes what is at a file's beginning, unless it has been.
func (f *File) begin() error {
	if f.size > 0 {
		return nil
	}
	return f.write([]byte(magic))
}

func (f *File) write(parts ...[]byte) error {
	for _, p := range parts {
		if len(p) == 0 {
			continue
		}
		n, err := f.w.Write(p)
		f.size += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}
