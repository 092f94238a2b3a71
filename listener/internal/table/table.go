// Package table turns the text of a row, as Kafka carries it, into a typed row of one of the
// three Hive tables flow, dns and proxy, or into the reason why it is none.
//
// The rules are those of Apache Spot's listener, which was written in Python 2: what its
// int(), float(), strptime() and shlex made of a row is what the tables hold. A row on which
// it raised an exception is a bad row, and so is one with a value beyond its column's type.
package table

import (
	"fmt"
	"strconv"
	"strings"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/pkg/config"
)

// A Table is one of the three Hive tables.
type Table struct {
	Name   string
	Schema columns.Schema
	// Partitions are the columns that partition the table, which are no part of Schema.
	Partitions [4]Partition

	columns []column
	numbers []number
	fields  int  // that a row needs at least
	padded  bool // partition folders have two digits: the partition columns are strings
	blanks  *[256]bool
	parse   func(*Parser) (Hour, error)
}

// A Partition is a partition column, with its type as Hive writes it.
type Partition struct{ Name, Type string }

// Of returns the table of a type of data, or nil if the type is unknown.
func Of(t config.Type) *Table {
	switch t {
	case config.Flow:
		return flow
	case config.DNS:
		return dns
	case config.Proxy:
		return proxy
	}
	return nil
}

// A column is a column of a table, and what it is made of.
type column struct {
	name     string
	typ      columns.Type
	from     int // field of the row, from 0, or one of the constants below
	searched bool
}

// What else a column is made of.
const (
	unixTime  = -1 - iota // flow: the first field's time; dns: the third's whole seconds
	frameTime             // dns: the first two fields, between which a comma has been
	fullURI               // proxy: host, path and query
)

// A number is a column that is read from a field as a number.
type number struct {
	column, field int
	typ           columns.Type
}

// newTable completes a table by what its columns say.
func newTable(t Table) *Table {
	for i, c := range t.columns {
		t.Schema = append(t.Schema, columns.Column{Name: c.name, Type: c.typ, Searched: c.searched})
		if c.from >= 0 && c.typ != columns.String {
			t.numbers = append(t.numbers, number{column: i, field: c.from, typ: c.typ})
		}
		t.fields = max(t.fields, c.from+1)
	}
	types := [4]string{"SMALLINT", "TINYINT", "TINYINT", "TINYINT"}
	if t.padded {
		types = [4]string{"STRING", "STRING", "STRING", "STRING"}
	}
	for i, name := range [4]string{"y", "m", "d", "h"} {
		t.Partitions[i] = Partition{Name: name, Type: types[i]}
	}
	return &t
}

// An Hour is what a partition is made of. In table flow it is what a row's columns say,
// whether there is such an hour or not.
type Hour struct {
	Year             int16
	Month, Day, Hour int8
}

// String returns the hour as log sentences name a partition: "2018032009".
func (h Hour) String() string {
	return fmt.Sprintf("%04d%02d%02d%02d", h.Year, h.Month, h.Day, h.Hour)
}

// Folder returns the folder of an hour's partition below the table's:
// "y=2018/m=3/d=20/h=9", and in table proxy "y=2018/m=03/d=20/h=09".
func (t *Table) Folder(h Hour) string {
	folder := make([]byte, 0, len("y=2018/m=03/d=20/h=09"))
	for i, n := range [4]int64{int64(h.Year), int64(h.Month), int64(h.Day), int64(h.Hour)} {
		if i > 0 {
			folder = append(folder, '/')
		}
		folder = append(append(folder, t.Partitions[i].Name...), '=')
		if t.padded && i > 0 && 0 <= n && n < 10 {
			folder = append(folder, '0')
		}
		folder = strconv.AppendInt(folder, n, 10)
	}
	return string(folder)
}

// HourOf returns the hour whose folder this is, as Folder writes it; not ok is any other text.
func (t *Table) HourOf(folder string) (h Hour, ok bool) {
	var numbers [4]int64
	parts := strings.Split(folder, "/")
	if len(parts) != len(numbers) {
		return Hour{}, false
	}
	for i, part := range parts {
		value, found := strings.CutPrefix(part, t.Partitions[i].Name+"=")
		n, err := strconv.ParseInt(value, 10, 16)
		if !found || err != nil {
			return Hour{}, false
		}
		numbers[i] = n
	}
	h = Hour{Year: int16(numbers[0]), Month: int8(numbers[1]), Day: int8(numbers[2]), Hour: int8(numbers[3])}
	return h, t.Folder(h) == folder
}
