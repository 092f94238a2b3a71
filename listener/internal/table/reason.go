package table

import (
	"fmt"
	"unicode/utf8"
)

// maxQuoted is how many bytes of a value a reason repeats.
const maxQuoted = 64

// quote quotes a value, or its beginning.
func quote(value []byte) string {
	if len(value) <= maxQuoted {
		return fmt.Sprintf("%q", value)
	}
	end := maxQuoted
	for end > maxQuoted-utf8.UTFMax && !utf8.RuneStart(value[end]) {
		end--
	}
	return fmt.Sprintf("%q…", value[:end])
}

// badColumn is the reason for a value that a column can't have.
func (p *Parser) badColumn(column int, value []byte, f fault) error {
	c := p.table.columns[column]
	problem := "is not a whole number"
	switch f {
	case notNumber:
		problem = "is not a number"
	case outOfRange:
		problem = "is beyond " + c.typ.String()
	case notTime:
		problem = "is not a time of the form YYYY-MM-DD hh:mm:ss"
	case tooEarly:
		problem = "is before the year 1900"
	case noInstant:
		problem = "seconds are not within the years 1 to 9999"
	}
	return fmt.Errorf("%s: %s %s", c.name, quote(value), problem)
}

func (p *Parser) badNumber(n number, f fault) error {
	return p.badColumn(n.column, p.field(n.field), f)
}

// badPartition is the reason for a number that partition column i can't have.
func (p *Parser) badPartition(column, i int) error {
	c := p.table.columns[column]
	return fmt.Errorf("%s: %s is beyond %s, the type of partition column %s",
		c.name, quote(p.field(c.from)), p.table.Partitions[i].Type, p.table.Partitions[i].Name)
}

// badDay is the reason for a day and time of day that do not exist.
func (p *Parser) badDay() error {
	return fmt.Errorf("p_date, p_time: %s, %s are not a time of the form YYYY-MM-DD hh:mm:ss",
		quote(p.field(0)), quote(p.field(1)))
}

// missing is the reason for a row of only n fields.
func (p *Parser) missing(n int) error {
	name := ""
	for _, c := range p.table.columns {
		if c.from == p.table.fields-1 {
			name = c.name
		}
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	return fmt.Errorf("field %d (%s) is missing: the row has %d field%s", p.table.fields, name, n, plural)
}

// unclosed is the reason for a quote at a byte of the row that has no second one.
func (p *Parser) unclosed(at int) error {
	return fmt.Errorf("no closing quote for the one at byte %d: %s", at, quote(p.row[at:]))
}

// notText is the reason for a row that is not UTF-8.
func (p *Parser) notText() error {
	rest := p.row
	for {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size <= 1 {
			break
		}
		rest = rest[size:]
	}
	return fmt.Errorf("the row is not UTF-8 from byte %d on: %s", len(p.row)-len(rest), quote(rest[:min(len(rest), 8)]))
}
