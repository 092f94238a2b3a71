// Package parquet writes Parquet files of flat rows: columns of the four types of package
// columns, all of them required, so without nulls and without levels. It follows the Apache
// Parquet Format specification, and of it keeps to what the oldest readers of such tables
// know, Hive's own among them: data pages of version 1, values PLAIN or, where that takes
// less, by a dictionary (PLAIN_DICTIONARY), and no type_length on any column.
//
// So that queries can leave out what they don't need, there are the least and greatest value
// of each column in each row group and in each page (the page index), and Bloom filters for
// columns that are searched for single values.
//
// An Encoder makes a row group of rows, which is where all the work is; a File strings row
// groups together. Several encoders can work for one file at a time.
package parquet

import "math"

// The numbers of the specification's enumerations that are written.
const (
	typeInt32     = 1
	typeInt64     = 2
	typeFloat     = 4
	typeByteArray = 6

	repetitionRequired = 0
	convertedUTF8      = 0

	encodingPlain           = 0
	encodingPlainDictionary = 2
	encodingRLE             = 3

	pageData       = 0
	pageDictionary = 2

	orderNone       = 0
	orderAscending  = 1
	orderDescending = 2
)

const (
	// magic is at either end of a file.
	magic = "PAR1"
	// pageRows is how many rows a page holds at most, near what other writers hold to; a
	// multiple of eight, as index runs are packed by eights.
	pageRows = 16384
	// pageBytes is how large a page of plain values may get, unless one value alone is
	// larger.
	pageBytes = 1 << 20
	// mostDictionary is how large a dictionary may get, in bytes. Readers hold it in
	// memory while they read the row group.
	mostDictionary = 2 << 20
	// mostPage is how large a page can be: its size is an int32.
	mostPage = math.MaxInt32
	// mostStatistic is the length of the longest string that is kept whole as a least or
	// greatest value.
	mostStatistic = 64
)
