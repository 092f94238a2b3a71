package parquet

import (
	"math"

	"spot-ingest/listener/internal/columns"
)

// appendColumn appends the ColumnMetaData of a chunk, in a row group that begins at base and
// whose Bloom filters begin at filters.
func appendColumn(dst []byte, column columns.Column, g *RowGroup, c *chunk, base, filters int64) []byte {
	encoding := int32(encodingPlain)
	if c.dictionary {
		encoding = encodingPlainDictionary
	}
	t := thrift{buf: dst}
	t.open()
	t.i32(1, physical[column.Type])
	t.list(2, thriftI32, 2)
	t.varint(int64(encoding))
	t.varint(encodingRLE)
	t.list(3, thriftBinary, 1)
	t.element([]byte(column.Name))
	t.i32(4, codecs[g.codec].number)
	t.i64(5, int64(g.rows))
	t.i64(6, int64(c.uncompressed))
	t.i64(7, int64(c.to-c.from))
	t.i64(9, base+int64(c.pages[0].offset))
	if c.dictionary {
		t.i64(11, base+int64(c.from))
	}
	t.raw(12, c.statistics)
	if c.dictionary {
		t.list(13, thriftStruct, 2)
		encodingStats(&t, pageDictionary, encoding, 1)
	} else {
		t.list(13, thriftStruct, 1)
	}
	encodingStats(&t, pageData, encoding, len(c.pages))
	if size := c.filterTo - c.filterFrom; size > 0 {
		t.i64(14, filters+int64(c.filterFrom))
		t.i32(15, int32(size))
	}
	t.end()
	return t.buf
}

func encodingStats(t *thrift, kind, encoding int32, pages int) {
	t.open()
	t.i32(1, kind)
	t.i32(2, encoding)
	t.i32(3, int32(pages))
	t.end()
}

// footer returns the FileMetaData, given where the indexes begin in the file.
func (f *File) footer(columnIndexes, offsetIndexes int64) []byte {
	var t thrift
	t.open()
	t.i32(1, 1) // version
	f.appendSchema(&t)
	t.i64(3, f.rows)
	t.list(4, thriftStruct, len(f.groups))
	serialized := f.columns
	for ordinal, g := range f.groups {
		t.open()
		t.list(1, thriftStruct, len(g.chunks))
		for _, c := range g.chunks {
			t.open()
			t.i64(2, 0) // where the ColumnMetaData is besides here: nowhere
			t.raw(3, serialized[:c.column])
			serialized = serialized[c.column:]
			t.i64(4, offsetIndexes)
			t.i32(5, int32(c.offsetIndex))
			offsetIndexes += int64(c.offsetIndex)
			if c.columnIndex > 0 {
				t.i64(6, columnIndexes)
				t.i32(7, int32(c.columnIndex))
				columnIndexes += int64(c.columnIndex)
			}
			t.end()
		}
		t.i64(2, g.uncompressed)
		t.i64(3, g.rows)
		t.i64(5, g.offset)
		t.i64(6, g.compressed)
		if ordinal <= math.MaxInt16 {
			t.i16(7, int16(ordinal))
		}
		t.end()
	}
	t.string(6, f.createdBy)
	t.list(7, thriftStruct, len(f.schema)) // orders of the columns: that of the type
	for range f.schema {
		t.open()
		t.empty(1)
		t.end()
	}
	t.end()
	return t.buf
}

func (f *File) appendSchema(t *thrift) {
	t.list(2, thriftStruct, len(f.schema)+1)
	t.open()
	t.string(4, "schema")
	t.i32(5, int32(len(f.schema)))
	t.end()
	for _, c := range f.schema {
		t.open()
		t.i32(1, physical[c.Type])
		t.i32(3, repetitionRequired)
		t.string(4, c.Name)
		if c.Type == columns.String {
			t.i32(6, convertedUTF8)
			t.structure(10) // logical type
			t.empty(1)      // STRING
			t.end()
		}
		t.end()
	}
}
