package metastore

import (
	"slices"
	"strings"
)

// A describeReader reads the rows of DESCRIBE FORMATTED, which are made for human eyes, and
// which Hive and Spark write differently: first come the columns, then sections with
// headings, such as "# Partition Information". Spark names the columns that partition the
// table in the first part too.
type describeReader struct {
	section string
	d       Description
}

// maxColumns bounds what is taken from a table that isn't ours.
const maxColumns = 10000

// row takes a row of column name, type and comment; trimmed.
func (r *describeReader) row(row []string) error {
	if len(row) < 2 || row[0] == "" && row[1] == "" {
		return nil
	}
	name, value := row[0], row[1]
	if heading, ok := strings.CutPrefix(name, "#"); ok {
		if heading = strings.ToLower(strings.TrimSpace(heading)); heading != "col_name" {
			r.section = heading
		}
		return nil
	}
	switch r.section {
	case "", "partition information":
		r.column(name, value)
	default:
		r.fact(strings.TrimSuffix(name, ":"), value, row[len(row)-1])
	}
	return nil
}

func (r *describeReader) column(name, typ string) {
	to := &r.d.Columns
	if r.section != "" {
		to = &r.d.Partitions
	}
	if len(*to) < maxColumns {
		*to = append(*to, column(name, typ))
	}
}

// fact takes what isn't a column. Properties of the table have a row of their own in Hive,
// behind an empty name, and one for all in Spark.
func (r *describeReader) fact(name, value, last string) {
	switch {
	case strings.EqualFold(name, "Location"):
		r.d.Location = value
	case strings.EqualFold(name, "InputFormat"):
		r.d.InputFormat = value
	case name == "" && strings.EqualFold(value, "transactional"):
		r.d.Transactional = strings.EqualFold(last, "true")
	case strings.EqualFold(name, "Table Properties"):
		r.d.Transactional = strings.Contains(strings.ToLower(value), "transactional=true")
	}
}

// description returns what has been read.
func (r *describeReader) description() Description {
	d := r.d
	d.Columns = slices.DeleteFunc(slices.Clone(d.Columns), func(c Column) bool { return slices.Contains(d.Partitions, c) })
	return d
}
