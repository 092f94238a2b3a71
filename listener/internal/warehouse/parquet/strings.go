package parquet

import (
	"bytes"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"spot-ingest/listener/internal/columns"
)

// encodeStrings encodes a column of strings.
func (e *Encoder) encodeStrings(i int, v *columns.Values) error {
	c, d, rows := &e.group.chunks[i], &e.words, len(v.Ends)
	d.begin(min(e.entries[i], rows))
	constant := allEqual(v)
	c.dictionary = e.index(rows, len(v.Bytes)+4*rows, func(from, to int) (int, int, bool) {
		ok := true
		if !constant {
			ok = d.index(v, from, to, e.indexes[from:to])
		} else if from == 0 {
			ok = d.index(v, 0, 1, e.indexes)
		}
		return d.len(), len(d.plain), ok
	})
	e.entries[i] = d.len()

	var err error
	if c.dictionary {
		err = e.wordPages(c, rows, constant)
	} else {
		err = e.stringPages(c, v)
	}
	if err != nil || !e.schema[i].Searched {
		return err
	}
	e.hashes = e.hashes[:0]
	if c.dictionary {
		for entry := range d.len() {
			e.hashes = append(e.hashes, xxhash.Sum64(d.value(uint32(entry))))
		}
	} else {
		for row := range rows {
			e.hashes = append(e.hashes, xxhash.Sum64(v.String(row)))
		}
	}
	e.filter(c.dictionary)
	return nil
}

// wordPages writes the dictionary of strings and the pages of indexes.
func (e *Encoder) wordPages(c *chunk, rows int, constant bool) error {
	e.page = append(e.page[:0], e.words.plain...)
	if err := e.endDictionary(c, e.words.len()); err != nil {
		return err
	}
	e.seen = grow(e.seen[:0], e.words.len())
	clear(e.seen)
	for from := 0; from < rows; from += pageRows {
		indexes := e.indexes[from:min(from+pageRows, rows)]
		if constant {
			indexes = nil // those of the entry that there is
		}
		e.summaries = append(e.summaries, e.wordExtremes(indexes, uint32(len(e.summaries)+1)))
	}
	return e.indexPages(c, rows)
}

// wordExtremes returns the least and the greatest of the dictionary's entries in a page, each
// of which it looks at once.
func (e *Encoder) wordExtremes(indexes []uint32, page uint32) summary {
	first := uint32(0)
	if len(indexes) > 0 {
		first = indexes[0]
	}
	least, greatest := e.words.value(first), e.words.value(first)
	for _, i := range indexes {
		if e.seen[i] == page {
			continue
		}
		e.seen[i] = page
		value := e.words.value(i)
		if bytes.Compare(value, least) < 0 {
			least = value
		} else if bytes.Compare(value, greatest) > 0 {
			greatest = value
		}
	}
	return summary{least: least, greatest: greatest}
}

// stringPages writes pages of plain strings.
func (e *Encoder) stringPages(c *chunk, v *columns.Values) error {
	rows := len(v.Ends)
	for from := 0; from < rows; {
		to := pageEnd(v, from)
		start := startOf(v, from)
		if size := int(v.Ends[to-1]-start) + 4*(to-from); size > mostPage {
			return fmt.Errorf("row %d: a string of %d bytes is %w", from, size-4, errTooLarge)
		}
		e.page = e.page[:0]
		for _, end := range v.Ends[from:to] {
			e.page = appendString(e.page, v.Bytes[start:end])
			start = end
		}
		least, greatest := stringExtremes(v, from, to)
		e.summaries = append(e.summaries, summary{least: least, greatest: greatest})
		if err := e.endPage(c, from, to, encodingPlain); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// pageEnd returns the row after the last one of a page of plain strings.
func pageEnd(v *columns.Values, from int) int {
	start := startOf(v, from)
	to := from + 1
	for to < min(from+pageRows, len(v.Ends)) && int(v.Ends[to]-start)+4*(to+1-from) <= pageBytes {
		to++
	}
	return to
}

// stringExtremes returns the least and the greatest of the strings from row from to row to.
func stringExtremes(v *columns.Values, from, to int) (least, greatest []byte) {
	start := startOf(v, from)
	for i, end := range v.Ends[from:to] {
		value := v.Bytes[start:end]
		start = end
		switch {
		case i == 0:
			least, greatest = value, value
		case bytes.Compare(value, least) < 0:
			least = value
		case bytes.Compare(value, greatest) > 0:
			greatest = value
		}
	}
	if len(v.Bytes) == 0 {
		return []byte{}, []byte{} // not nil: there is something to say, that all are empty
	}
	return least, greatest
}

// startOf returns where the value of a row begins.
func startOf(v *columns.Values, row int) uint32 {
	if row == 0 {
		return 0
	}
	return v.Ends[row-1]
}

// allEqual tells whether all strings are the same: then the bytes repeat themselves at the
// distance of the first one's length, which is compared in one go.
func allEqual(v *columns.Values) bool {
	size := v.Ends[0]
	if !bytes.Equal(v.Bytes[size:v.Ends[len(v.Ends)-1]], v.Bytes[:v.Ends[len(v.Ends)-1]-size]) {
		return false
	}
	want := uint32(0)
	for _, end := range v.Ends {
		if want += size; end != want {
			return false
		}
	}
	return true
}
