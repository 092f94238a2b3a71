package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/parquet-go/parquet-go"
	peer "github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"spot-ingest/listener/internal/columns"
)

// write returns a file of row groups, all made by one encoder.
func write(t testing.TB, schema columns.Schema, codec Codec, groups ...*columns.Rows) []byte {
	t.Helper()
	var file bytes.Buffer
	f, e := NewFile(&file, schema, "spot-ingest version 1.2.3 (build test)"), NewEncoder(schema, codec)
	rows := int64(0)
	for _, g := range groups {
		encoded, err := e.Encode(g)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Add(encoded); err != nil {
			t.Fatal(err)
		}
		rows += int64(g.Len)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Size() != int64(file.Len()) || f.Rows() != rows {
		t.Fatalf("size %d, rows %d; want %d, %d", f.Size(), f.Rows(), file.Len(), rows)
	}
	return file.Bytes()
}

func open(t testing.TB, file []byte) *parquet.File {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// check reads a file by parquet-go and compares it, values and all that is said of them, with
// the row groups that it was written from.
func check(t testing.TB, file []byte, schema columns.Schema, groups ...*columns.Rows) {
	t.Helper()
	f := open(t, file)
	var want []*columns.Rows
	for _, g := range groups {
		if g.Len > 0 {
			want = append(want, g)
		}
	}
	if len(f.RowGroups()) != len(want) {
		t.Fatalf("%d row groups, want %d", len(f.RowGroups()), len(want))
	}
	for g, group := range f.RowGroups() {
		meta := f.Metadata().RowGroups[g]
		if group.NumRows() != int64(want[g].Len) || meta.Ordinal != int16(g) {
			t.Fatalf("row group %d: %d rows, want %d; ordinal %d", g, group.NumRows(), want[g].Len, meta.Ordinal)
		}
		var compressed, uncompressed int64
		for i, chunk := range group.ColumnChunks() {
			where := fmt.Sprintf("row group %d, column %s", g, schema[i].Name)
			c := &checked{t, file, where, schema[i], &want[g].Columns[i], chunk.(*parquet.FileColumnChunk), &meta.Columns[i]}
			c.values()
			c.statistics()
			c.indexes()
			c.bloom()
			c.places(meta.FileOffset + compressed)
			compressed += meta.Columns[i].MetaData.TotalCompressedSize
			uncompressed += meta.Columns[i].MetaData.TotalUncompressedSize
		}
		if meta.TotalCompressedSize != compressed || meta.TotalByteSize != uncompressed {
			t.Errorf("row group %d: %d, %d bytes; want %d, %d", g, meta.TotalCompressedSize, meta.TotalByteSize, compressed, uncompressed)
		}
	}
}

type checked struct {
	testing.TB
	file   []byte
	where  string
	column columns.Column
	want   *columns.Values
	chunk  *parquet.FileColumnChunk
	meta   *format.ColumnChunk
}

// plain returns value i as it is in statistics: a number's bytes, or the string.
func plain(of columns.Type, v *columns.Values, i int) []byte {
	switch of {
	case columns.Int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(v.Int32s[i]))
	case columns.Int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(v.Int64s[i]))
	case columns.Float32:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v.Float32s[i]))
	}
	return v.String(i)
}

func bytesOf(of columns.Type, v parquet.Value) []byte {
	switch of {
	case columns.Int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(v.Int32()))
	case columns.Int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(v.Int64()))
	case columns.Float32:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v.Float()))
	}
	return v.ByteArray()
}

func isNaN(of columns.Type, plain []byte) bool {
	return of == columns.Float32 && math.IsNaN(float64(math.Float32frombits(binary.LittleEndian.Uint32(plain))))
}

// eachPage calls do with the values of each page.
func (c *checked) eachPage(do func(page int, values []parquet.Value)) {
	pages := c.chunk.Pages()
	defer pages.Close()
	for n := 0; ; n++ {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			c.Fatalf("%s: page %d: %v", c.where, n, err)
		}
		values := make([]parquet.Value, page.NumValues())
		if m, err := page.Values().ReadValues(values); m != len(values) {
			c.Fatalf("%s: page %d: %d values of %d: %v", c.where, n, m, len(values), err)
		}
		do(n, values)
		parquet.Release(page)
	}
}

func (c *checked) rows() int {
	return max(len(c.want.Int32s), len(c.want.Int64s), len(c.want.Float32s), len(c.want.Ends))
}

func (c *checked) values() {
	row := 0
	c.eachPage(func(_ int, values []parquet.Value) {
		for _, v := range values {
			if row >= c.rows() {
				c.Fatalf("%s: more than %d values", c.where, row)
			}
			if got, want := bytesOf(c.column.Type, v), plain(c.column.Type, c.want, row); !bytes.Equal(got, want) {
				c.Fatalf("%s, row %d: %.100q, want %.100q", c.where, row, got, want)
			}
			row++
		}
	})
	if row != c.rows() {
		c.Fatalf("%s: %d values, want %d", c.where, row, c.rows())
	}
}

// bounds returns the least and the greatest of the rows from from to to, and whether one is
// NaN.
func (c *checked) bounds(from, to int) (least, greatest []byte, nan bool) {
	for i := from; i < to; i++ {
		v := plain(c.column.Type, c.want, i)
		nan = nan || isNaN(c.column.Type, v)
		if i == from || compare(c.column.Type, v, least) < 0 {
			least = v
		}
		if i == from || compare(c.column.Type, v, greatest) > 0 {
			greatest = v
		}
	}
	if c.column.Type == columns.Float32 && !nan {
		if zero := make([]byte, 4); compare(columns.Float32, least, zero) == 0 {
			least = []byte{0, 0, 0, 0x80}
		}
		if zero := make([]byte, 4); compare(columns.Float32, greatest, zero) == 0 {
			greatest = zero
		}
	}
	return least, greatest, nan
}

// within fails if a lower and an upper bound aren't sound, or not as tight as they can be.
func (c *checked) within(what string, low, high, least, greatest []byte) {
	of := c.column.Type
	if of == columns.String && len(least) > mostStatistic {
		if len(low) > mostStatistic || compare(of, low, least) > 0 || !bytes.HasPrefix(least, low) {
			c.Errorf("%s: %s: least %q, but one is %q", c.where, what, low, least)
		}
	} else if !bytes.Equal(low, least) {
		c.Errorf("%s: %s: least %x, want %x", c.where, what, low, least)
	}
	if of == columns.String && len(greatest) > mostStatistic {
		if len(high) > mostStatistic+1 || len(high) > 0 && compare(of, high, greatest) <= 0 {
			c.Errorf("%s: %s: greatest %q, but one is %q", c.where, what, high, greatest)
		}
	} else if !bytes.Equal(high, greatest) {
		c.Errorf("%s: %s: greatest %x, want %x", c.where, what, high, greatest)
	}
}

func (c *checked) statistics() {
	s := c.meta.MetaData.Statistics
	least, greatest, nan := c.bounds(0, c.rows())
	switch {
	case nan:
		if s.MinValue != nil || s.MaxValue != nil || s.Min != nil || s.Max != nil {
			c.Errorf("%s: there is a NaN, and statistics %+v", c.where, s)
		}
		return
	case c.column.Type != columns.String:
		if !bytes.Equal(s.Min, s.MinValue) || !bytes.Equal(s.Max, s.MaxValue) {
			c.Errorf("%s: deprecated statistics differ: %+v", c.where, s)
		}
	case s.Min != nil || s.Max != nil:
		c.Errorf("%s: deprecated statistics of strings: %+v", c.where, s)
	}
	c.within("chunk", s.MinValue, s.MaxValue, least, greatest)
}

func (c *checked) indexes() {
	offsets, err := c.chunk.OffsetIndex()
	if err != nil {
		c.Fatalf("%s: %v", c.where, err)
	}
	// parquet-go's own ColumnIndex gives nothing: it takes the null pages for true, whose
	// false is 2, as the reference implementation writes it.
	var index format.ColumnIndex
	from := c.meta.ColumnIndexOffset
	raw := c.file[from : from+int64(c.meta.ColumnIndexLength)]
	if len(raw) > 0 {
		if err := peer.Unmarshal(new(peer.CompactProtocol), raw, &index); err != nil {
			c.Fatalf("%s: %v", c.where, err)
		}
		if n := offsets.NumPages(); len(index.NullPages) != n || len(index.MinValues) != n || len(index.MaxValues) != n || len(index.NullCounts) != n {
			c.Fatalf("%s: %d pages, column index %+v", c.where, n, index)
		}
	}
	sound := true
	for p := range offsets.NumPages() {
		from, to := int(offsets.FirstRowIndex(p)), c.rows()
		if p+1 < offsets.NumPages() {
			to = int(offsets.FirstRowIndex(p + 1))
		}
		least, greatest, nan := c.bounds(from, to)
		if len(raw) == 0 {
			// Of no string is it said that it isn't less than one of bytes 0xff only.
			sound = sound && !nan && !bytes.HasPrefix(greatest, bytes.Repeat([]byte{0xff}, mostStatistic))
			continue
		}
		c.within(fmt.Sprint("page ", p), index.MinValues[p], index.MaxValues[p], least, greatest)
		if index.NullCounts[p] != 0 {
			c.Errorf("%s: page %d: nulls", c.where, p)
		}
	}
	if len(raw) == 0 {
		if sound {
			c.Errorf("%s: no column index", c.where)
		}
		return
	}
	up, down := true, true
	for p := 1; p < len(index.MinValues); p++ {
		l := compare(c.column.Type, index.MinValues[p-1], index.MinValues[p])
		h := compare(c.column.Type, index.MaxValues[p-1], index.MaxValues[p])
		up, down = up && l <= 0 && h <= 0, down && l >= 0 && h >= 0
	}
	if want := map[bool]format.BoundaryOrder{up: format.Ascending, !up && down: format.Descending, !up && !down: format.Unordered}[true]; index.BoundaryOrder != want {
		c.Errorf("%s: boundary order %v, want %v", c.where, index.BoundaryOrder, want)
	}
}

func (c *checked) bloom() {
	filter := c.chunk.BloomFilter()
	if !c.column.Searched {
		if filter != nil {
			c.Errorf("%s: a Bloom filter", c.where)
		}
		return
	}
	if filter == nil {
		c.Fatalf("%s: no Bloom filter", c.where)
	}
	for i := range c.rows() {
		if found, err := filter.Check(c.value(i)); !found || err != nil {
			c.Fatalf("%s, row %d: %x is not in the Bloom filter; %v", c.where, i, plain(c.column.Type, c.want, i), err)
		}
	}
}

func (c *checked) value(i int) parquet.Value {
	switch c.column.Type {
	case columns.Int32:
		return parquet.ValueOf(c.want.Int32s[i])
	case columns.Int64:
		return parquet.ValueOf(c.want.Int64s[i])
	case columns.Float32:
		return parquet.FloatValue(c.want.Float32s[i]) // ValueOf changes signalling NaNs
	}
	return parquet.ValueOf(c.want.String(i))
}

// places checks that the metadata's offsets and sizes are those of the pages, which begin at
// from and lie one after the other.
func (c *checked) places(from int64) {
	m := c.meta.MetaData
	first := from
	if m.DictionaryPageOffset != 0 {
		if m.DictionaryPageOffset != from {
			c.Errorf("%s: dictionary at %d, want %d", c.where, m.DictionaryPageOffset, from)
		}
		first = m.DataPageOffset
	}
	offsets, err := c.chunk.OffsetIndex()
	if err != nil {
		c.Fatal(err)
	}
	for p := range offsets.NumPages() {
		if offsets.Offset(p) != first {
			c.Errorf("%s: page %d at %d, want %d", c.where, p, offsets.Offset(p), first)
		}
		first += offsets.CompressedPageSize(p)
	}
	if m.DataPageOffset != offsets.Offset(0) || first != from+m.TotalCompressedSize || first > int64(len(c.file)) {
		c.Errorf("%s: pages from %d to %d; metadata %+v", c.where, from, first, m)
	}
	data := m.EncodingStats[len(m.EncodingStats)-1]
	if int64(data.Count) != int64(offsets.NumPages()) || data.PageType != format.DataPage {
		c.Errorf("%s: encoding statistics %+v for %d pages", c.where, m.EncodingStats, offsets.NumPages())
	}
}

func bloomValue(of columns.Type, plain []byte) parquet.Value {
	if of == columns.Int32 {
		return parquet.ValueOf(int32(binary.LittleEndian.Uint32(plain)))
	}
	return parquet.ValueOf(plain)
}
