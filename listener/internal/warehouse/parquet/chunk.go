package parquet

import "slices"

// index has step find the indexes of the values of each page, and tell how many entries the
// dictionary has then, how large it is, and whether it took all values. It returns whether
// the dictionary pays, which it stops at if it doesn't.
func (e *Encoder) index(rows, plain int, step func(from, to int) (entries, size int, ok bool)) bool {
	e.indexes, e.sizes = grow(e.indexes[:0], rows), e.sizes[:0]
	for from := 0; from < rows; from += pageRows {
		to := min(from+pageRows, rows)
		entries, size, ok := step(from, to)
		f := forecast{rows: rows, seen: to, entries: entries, dictionary: size, plain: plain}
		if !ok || !f.pays() {
			return false
		}
		e.sizes = append(e.sizes, entries)
	}
	return true
}

// indexPages writes the pages of a column with a dictionary.
func (e *Encoder) indexPages(c *chunk, rows int) error {
	for p, entries := range e.sizes {
		from := p * pageRows
		to := min(from+pageRows, rows)
		width := bitsFor(entries)
		e.page = append(e.page[:0], byte(width))
		e.page = appendHybrid(e.page, e.indexes[from:to], width)
		if err := e.endPage(c, from, to, encodingPlainDictionary); err != nil {
			return err
		}
	}
	return nil
}

// filter adds a Bloom filter of the values whose hashes there are, which may be there more
// than once unless distinct.
func (e *Encoder) filter(distinct bool) {
	hashes := e.hashes
	if !distinct {
		e.distinct.begin(0)
		e.distinct.index(hashes, grow(e.indexes[:0], len(hashes)))
		hashes = e.distinct.values
	}
	e.group.filters = appendBloom(e.group.filters, hashes)
}

// grow returns s longer by n elements, which are to be set.
func grow[T any](s []T, n int) []T {
	return slices.Grow(s, n)[:len(s)+n]
}
