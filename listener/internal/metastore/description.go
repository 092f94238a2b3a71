package metastore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"spot-ingest/listener/internal/table"
)

// A Description is what Hive knows of a table.
type Description struct {
	// Location is the URI of the table's folder.
	Location string
	// Columns are those that are stored in files, Partitions those that partition the table.
	Columns, Partitions []Column
	// InputFormat is the name of the Java class that reads the files.
	InputFormat string
	// Transactional tells that Hive alone may write the table's files.
	Transactional bool
}

// A Column is a column's name and type, both in lower case.
type Column struct{ Name, Type string }

func column(name, typ string) Column {
	return Column{Name: strings.ToLower(name), Type: strings.ToLower(typ)}
}

// columnsOf returns the columns that the listener writes.
func columnsOf(t *table.Table) (columns, partitions []Column) {
	for _, c := range t.Schema {
		columns = append(columns, column(c.Name, c.Type.String()))
	}
	for _, p := range t.Partitions {
		partitions = append(partitions, column(p.Name, p.Type))
	}
	return columns, partitions
}

// A DifferenceError says in what a table in Hive isn't the one that the listener writes.
type DifferenceError struct {
	// Table is its name, such as "spot.flow".
	Table string
	// Differences are sentences, one for each thing that differs.
	Differences []string
}

// maxDifferences is how many of them an error tells, more than we have columns.
const maxDifferences = 40

// Error tells all differences in one line.
func (e *DifferenceError) Error() string {
	shown, more := e.Differences, ""
	if len(shown) > maxDifferences {
		more = fmt.Sprintf("; and %d more", len(shown)-maxDifferences)
		shown = shown[:maxDifferences]
	}
	return fmt.Sprintf("hive's table %s is not the one that the listener writes: %s%s", e.Table, strings.Join(shown, "; "), more)
}

// parquetFormats are the classes by which Hive has read Parquet, now and in its early days.
var parquetFormats = []string{
	"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
	"parquet.hive.MapredParquetInputFormat",
	"parquet.hive.DeprecatedParquetInputFormat",
}

// Check returns a *DifferenceError if a table isn't what the listener writes: Parquet files
// of the same columns, with the same types, in the same order.
func (t *Table) Check(d Description) error {
	columns, partitions := columnsOf(t.table)
	var found []string
	if !slices.Contains(parquetFormats, d.InputFormat) {
		found = append(found, fmt.Sprintf("it is not stored as Parquet, but read by %q", d.InputFormat))
	}
	if d.Transactional {
		found = append(found, "it is transactional, so that nobody but Hive may write its files")
	}
	found = append(found, differences("column", d.Columns, columns)...)
	found = append(found, differences("partition column", d.Partitions, partitions)...)
	if len(found) == 0 {
		return nil
	}
	return &DifferenceError{Table: t.Name(), Differences: found}
}

// differences compares columns by name: those missing, those of another type and those at
// another place, and then those that are too many. The place of a column is told among those
// that both have, so that one column too many is one difference.
func differences(kind string, got, want []Column) (found []string) {
	var both []string // in the order of got
	for _, c := range got {
		if find(want, c.Name) >= 0 {
			both = append(both, c.Name)
		}
	}
	place := 0
	for _, c := range want {
		at := find(got, c.Name)
		if at < 0 {
			found = append(found, fmt.Sprintf("%s %s %s is missing", kind, c.Name, strings.ToUpper(c.Type)))
			continue
		}
		if got[at].Type != c.Type {
			found = append(found, fmt.Sprintf("%s %s is %s, not %s", kind, c.Name, strings.ToUpper(got[at].Type), strings.ToUpper(c.Type)))
		}
		if place < len(both) && both[place] != c.Name {
			found = append(found, fmt.Sprintf("%s %s stands where %s should", kind, both[place], c.Name))
		}
		place++
	}
	for i, c := range got {
		if find(want, c.Name) < 0 {
			found = append(found, fmt.Sprintf("%s %s %s, the %s, is none of the listener's", kind, c.Name, strings.ToUpper(c.Type), ordinal(i+1)))
		}
	}
	return found
}

func find(columns []Column, name string) int {
	return slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// IsDifference tells whether an error says that the table is another one: a human has to
// look at it.
func IsDifference(err error) bool {
	var difference *DifferenceError
	return errors.As(err, &difference)
}
