package table

import (
	"math"

	"spot-ingest/listener/internal/columns"
)

const (
	dnsUnixTime = 1 // column
	dnsEpoch    = 2 // field
)

// dns reads the row as a DNS answer: tshark's ten fields, the first of which holds a comma.
// Fields behind these are ignored.
func (p *Parser) dns() (Hour, error) {
	n, ascii := splitCommas(p.row, &p.fields)
	if err := p.check(n, ascii); err != nil {
		return Hour{}, err
	}
	epoch, fault := parseFloat64(p.field(dnsEpoch), p.table.blanks)
	if fault == outOfRange || fault == none && !isInstant(epoch) {
		fault = noInstant
	}
	if fault != none {
		return Hour{}, p.badColumn(dnsUnixTime, p.field(dnsEpoch), fault)
	}
	hour, fault := p.clock.hourOf(roundedSeconds(epoch))
	if fault != none {
		return Hour{}, p.badColumn(dnsUnixTime, p.field(dnsEpoch), fault)
	}
	p.numbers[dnsUnixTime] = int64(epoch)
	return hour, p.readNumbers()
}

// isInstant tells whether an epoch may be within the years 1 to 9999.
func isInstant(epoch float64) bool { return math.Abs(epoch) < 1e12 }

// roundedSeconds returns the second that an epoch is in. As in Python, its microseconds are
// rounded first, and may be those of the next second.
func roundedSeconds(epoch float64) int64 {
	seconds, fraction := math.Modf(epoch)
	micros := math.Round(fraction * 1e6)
	switch {
	case micros < 0:
		return int64(seconds) - 1
	case micros >= 1e6:
		return int64(seconds) + 1
	}
	return int64(seconds)
}

// appendFrameTime puts the comma back that has been in the first of tshark's fields, with a
// blank behind it, as Spot has always done: a second one, for the field has one there itself.
func (p *Parser) appendFrameTime(v *columns.Values) {
	v.Bytes = append(v.Bytes, p.field(0)...)
	v.Bytes = append(v.Bytes, ", "...)
	v.AddString(p.field(1))
}
