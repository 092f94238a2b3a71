package parquet

import "spot-ingest/listener/internal/columns"

// appendColumnIndex appends the ColumnIndex of a chunk: the least and the greatest value of
// each page. Where one of them can't be given there is no index, and dst is returned as it
// is.
func appendColumnIndex(dst []byte, of columns.Type, pages []summary) []byte {
	least, greatest := make([][]byte, len(pages)), make([][]byte, len(pages))
	for i, p := range pages {
		least[i], greatest[i] = p.least, p.greatest
		if of == columns.String {
			least[i], _ = shortened(p.least)
			greatest[i], _ = raised(p.greatest)
		}
		if p.nans > 0 || greatest[i] == nil {
			return dst
		}
	}
	t := thrift{buf: dst}
	t.open()
	t.list(1, thriftTrue, len(pages)) // pages of nulls only
	for range pages {
		t.buf = append(t.buf, thriftFalse) // not 0, which some readers take and others refuse
	}
	t.list(2, thriftBinary, len(pages))
	for _, v := range least {
		t.element(v)
	}
	t.list(3, thriftBinary, len(pages))
	for _, v := range greatest {
		t.element(v)
	}
	t.i32(4, boundaryOrder(of, least, greatest))
	zeros(&t, 5, len(pages)) // nulls
	if of == columns.Float32 {
		zeros(&t, 8, len(pages)) // NaNs
	}
	t.end()
	return t.buf
}

func zeros(t *thrift, id, n int) {
	t.list(id, thriftI64, n)
	for range n {
		t.varint(0)
	}
}

// boundaryOrder tells whether both the least and the greatest values of the pages ascend, or
// both descend.
func boundaryOrder(of columns.Type, least, greatest [][]byte) int32 {
	up, down := true, true
	for i := 1; i < len(least); i++ {
		l := compare(of, least[i-1], least[i])
		g := compare(of, greatest[i-1], greatest[i])
		up = up && l <= 0 && g <= 0
		down = down && l >= 0 && g >= 0
	}
	switch {
	case up:
		return orderAscending
	case down:
		return orderDescending
	}
	return orderNone
}

// appendOffsetIndex appends the OffsetIndex of a chunk in a row group that begins at base.
func appendOffsetIndex(dst []byte, pages []page, base int64) []byte {
	t := thrift{buf: dst}
	t.open()
	t.list(1, thriftStruct, len(pages))
	for _, p := range pages {
		t.open()
		t.i64(1, base+int64(p.offset))
		t.i32(2, int32(p.size))
		t.i64(3, int64(p.firstRow))
		t.end()
	}
	t.end()
	return t.buf
}
