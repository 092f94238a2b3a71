package parquet

import (
	"fmt"
	"hash/maphash"
	"math"
	"unsafe"

	"spot-ingest/listener/internal/columns"
)

// spare is how much memory each of an encoder's buffers may keep beyond what the rows at hand
// call for, in bytes.
const spare = 4 << 20

// An Encoder makes row groups of rows of one schema. Its memory is used again for each of
// them. It is for one goroutine at a time; several encoders may work for one File.
type Encoder struct {
	schema   columns.Schema
	compress compressor
	group    RowGroup

	narrow numbers[int32] // for floats as well, by their bits
	wide   numbers[int64]
	words  words
	// entries is how many entries the dictionary of each column had in the last row group.
	entries []int

	indexes   []uint32 // where in the dictionary each value of the column is
	sizes     []int    // how many entries the dictionary has after each page
	seen      []uint32 // the last page, from 1, in which each entry was looked at
	bits      []int32  // of the column's floats
	page      []byte   // one page, not compressed
	summaries []summary
	bounds    []byte   // what summaries of numbers point into
	hashes    []uint64 // of the values that go into a Bloom filter
	distinct  numbers[uint64]
}

// A RowGroup is rows encoded for a file. It belongs to its encoder and is good until that
// encodes the next ones.
type RowGroup struct {
	codec   Codec
	rows    int
	data    []byte // the pages of all columns, column after column
	filters []byte // the Bloom filters
	chunks  []chunk
}

// A chunk is one column of a row group: where it lies in the row group's data, and what the
// file's metadata says of it.
type chunk struct {
	from, to     int  // in the row group's data
	uncompressed int  // size of the pages before compression, headers included
	dictionary   bool // then the first page is a dictionary, and the others are indexes in it
	pages        []page
	statistics   []byte // a serialized Statistics
	columnIndex  []byte // a serialized ColumnIndex; empty if there is none
	// filterFrom and filterTo are where in the row group's filters the Bloom filter is; the
	// same if there is none.
	filterFrom, filterTo int
}

// NewEncoder returns an encoder for rows of a schema.
func NewEncoder(schema columns.Schema, codec Codec) *Encoder {
	return &Encoder{
		schema:   schema,
		compress: compressor{codec: codec},
		group:    RowGroup{codec: codec, chunks: make([]chunk, len(schema))},
		narrow:   newNumbers[int32](),
		wide:     newNumbers[int64](),
		distinct: newNumbers[uint64](),
		words:    words{seed: maphash.MakeSeed()},
		entries:  make([]int, len(schema)),
	}
}

// Encode makes a row group of rows, which it only reads. It fails if they aren't whole rows of
// the encoder's schema, or one has a string that is too long for a page. The row group is the
// encoder's own: it must be added to a file before the next call.
func (e *Encoder) Encode(rows *columns.Rows) (*RowGroup, error) {
	g := &e.group
	g.rows, g.data, g.filters = rows.Len, g.data[:0], g.filters[:0]
	if err := e.check(rows); err != nil {
		return nil, fmt.Errorf("encode Parquet row group: %w", err)
	}
	e.shrink(rows.Size())
	if rows.Len == 0 {
		return g, nil
	}
	for i := range e.schema {
		if err := e.column(i, &rows.Columns[i]); err != nil {
			return nil, fmt.Errorf("encode Parquet column %s: %w", e.schema[i].Name, err)
		}
	}
	return g, nil
}

// check makes sure that each column has a value for each row.
func (e *Encoder) check(rows *columns.Rows) error {
	if len(rows.Columns) != len(e.schema) {
		return fmt.Errorf("rows have %d columns, the schema %d", len(rows.Columns), len(e.schema))
	}
	if rows.Len > math.MaxInt32 {
		return fmt.Errorf("%d rows are too many", rows.Len)
	}
	for i, c := range e.schema {
		v := &rows.Columns[i]
		values := [...]int{
			columns.Int32: len(v.Int32s), columns.Int64: len(v.Int64s),
			columns.Float32: len(v.Float32s), columns.String: len(v.Ends),
		}[c.Type]
		if values != rows.Len {
			return fmt.Errorf("column %s has %d values for %d rows", c.Name, values, rows.Len)
		}
	}
	return nil
}

// column encodes one column.
func (e *Encoder) column(i int, v *columns.Values) error {
	c := &e.group.chunks[i]
	c.from, c.uncompressed, c.pages = len(e.group.data), 0, c.pages[:0]
	c.filterFrom = len(e.group.filters)
	e.summaries, e.bounds = e.summaries[:0], e.bounds[:0]

	var err error
	switch e.schema[i].Type {
	case columns.Int32:
		e.summarize32(v.Int32s)
		err = encodeNumbers(e, i, v.Int32s, &e.narrow)
	case columns.Int64:
		e.summarize64(v.Int64s)
		err = encodeNumbers(e, i, v.Int64s, &e.wide)
	case columns.Float32:
		e.summarizeFloats(v.Float32s)
		e.bits = grow(e.bits[:0], len(v.Float32s))
		for row, f := range v.Float32s {
			e.bits[row] = int32(math.Float32bits(f))
		}
		err = encodeNumbers(e, i, e.bits, &e.narrow)
	case columns.String:
		err = e.encodeStrings(i, v)
	}
	if err != nil {
		return err
	}
	c.to, c.filterTo = len(e.group.data), len(e.group.filters)
	of := e.schema[i].Type
	c.statistics = appendStatistics(c.statistics[:0], of, whole(of, e.summaries))
	c.columnIndex = appendColumnIndex(c.columnIndex[:0], of, e.summaries)
	return nil
}

// Memory returns about how many bytes the encoder holds, used or not; what the codec itself
// needs, up to some 5 MiB, is left out.
func (e *Encoder) Memory() int {
	return memory(e.group.data) + memory(e.group.filters) + memory(e.page) + memory(e.bounds) +
		memory(e.indexes) + memory(e.seen) + memory(e.bits) + memory(e.hashes) +
		memory(e.narrow.values) + memory(e.narrow.table) + memory(e.wide.values) +
		memory(e.wide.table) + memory(e.words.plain) + memory(e.words.starts) +
		memory(e.words.table) + memory(e.distinct.values) + memory(e.distinct.table)
}

// shrink lets go of buffers that are far larger than encoding rows of a size calls for, as
// they are after a few giant rows.
func (e *Encoder) shrink(size int) {
	most := 2*size + spare
	trim(&e.group.data, most)
	trim(&e.group.filters, most)
	trim(&e.page, most)
	trim(&e.indexes, most)
	trim(&e.seen, most)
	trim(&e.bits, most)
	trim(&e.hashes, most)
	trim(&e.narrow.values, most)
	trim(&e.narrow.table, most)
	trim(&e.wide.values, most)
	trim(&e.wide.table, most)
	trim(&e.distinct.values, most)
	trim(&e.distinct.table, most)
	trim(&e.words.plain, most)
	trim(&e.words.starts, most)
	trim(&e.words.table, most)
}

func memory[T any](s []T) int {
	var v T
	return cap(s) * int(unsafe.Sizeof(v))
}

func trim[T any](s *[]T, most int) {
	if memory(*s) > most {
		*s = nil
	}
}
