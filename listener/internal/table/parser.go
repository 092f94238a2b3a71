package table

import (
	"math"
	"time"
	"unicode/utf8"

	"spot-ingest/listener/internal/columns"
)

const (
	// maxFields is how many fields of a row are looked at; those behind are ignored.
	maxFields  = stockFields
	maxColumns = 28
)

// A span is where a field lies in the row.
type span struct{ from, to uint32 }

// A Parser parses rows of one table. It is not for concurrent use.
type Parser struct {
	table   *Table
	clock   clock
	row     []byte
	fields  [maxFields]span
	numbers [maxColumns]int64 // by column; FLOAT as its bits
	mapped  []byte            // a row of stock nfdump, mapped
}

// NewParser returns a parser of the table's rows. Where a row holds a local time, or where
// the hour of an instant is asked for, it is that of the zone.
func (t *Table) NewParser(zone *time.Location) *Parser {
	return &Parser{table: t, clock: clock{zone: zone}}
}

// Parse reads a row and returns the hour of its partition. The error is the reason why it is
// a bad row: it names the column and the value, and is short however long the row is.
// Parse keeps row, and does not allocate for a good one.
func (p *Parser) Parse(row []byte) (Hour, error) {
	p.row = row
	return p.table.parse(p)
}

// field returns field i of the row.
func (p *Parser) field(i int) []byte {
	s := p.fields[i]
	return p.row[s.from:s.to]
}

// check makes sure that a row of n fields has those that the table needs, and is text. (A
// string that isn't UTF-8 could be written, but readers of the table would fail on it.)
func (p *Parser) check(n int, ascii bool) error {
	if n < p.table.fields {
		return p.missing(n)
	}
	if !ascii && !utf8.Valid(p.row) {
		return p.notText()
	}
	return nil
}

// readNumbers reads the columns that are numbers in the row.
func (p *Parser) readNumbers() error {
	for _, n := range p.table.numbers {
		text := p.field(n.field)
		if n.typ == columns.Float32 {
			f, fault := parseFloat32(text, p.table.blanks)
			if fault != none {
				return p.badNumber(n, fault)
			}
			p.numbers[n.column] = int64(math.Float32bits(f))
			continue
		}
		v, fault := parseWhole(text, p.table.blanks)
		if fault == none && n.typ == columns.Int32 && v != int64(int32(v)) {
			fault = outOfRange
		}
		if fault != none {
			return p.badNumber(n, fault)
		}
		p.numbers[n.column] = v
	}
	return nil
}

// Append appends the row that Parse has read last and found good. Its bytes must still be
// there.
func (p *Parser) Append(rows *columns.Rows) {
	cols := p.table.columns
	out := rows.Columns[:len(cols)]
	for i := range cols {
		v := &out[i]
		switch cols[i].typ {
		case columns.Int32:
			v.Int32s = append(v.Int32s, int32(p.numbers[i]))
		case columns.Int64:
			v.Int64s = append(v.Int64s, p.numbers[i])
		case columns.Float32:
			v.Float32s = append(v.Float32s, math.Float32frombits(uint32(p.numbers[i])))
		case columns.String:
			switch from := cols[i].from; from {
			case frameTime:
				p.appendFrameTime(v)
			case fullURI:
				p.appendFullURI(v)
			default:
				v.AddString(p.field(from))
			}
		}
	}
	rows.Len++
}
