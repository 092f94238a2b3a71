package convert

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"spot-ingest/pkg/zone"
)

// dnsLines passes on tshark's fields. If frame.time comes first and as ISO 8601, which
// tshark prints since about 4.6, it takes the older form again, whose comma makes 11
// pieces of the 10 fields.
type dnsLines struct {
	options []string
	fixTime bool
	header  bool // a header line was asked for
	zone    *time.Location

	first bool // the first line has been seen
	count int64
}

func newDNSLines(m Method) *dnsLines {
	return &dnsLines{
		options: m.Options,
		header:  slices.Contains(optionValues(m.Options, 'E'), "header=y"),
		fixTime: firstOf(optionValues(m.Options, 'e')) == "frame.time" && slices.Contains(optionValues(m.Options, 'E'), "separator=,"),
		zone:    zone.Load(m.Zone),
	}
}

// optionValues lists the values of an option of one letter: "-e frame.time" or "-eframe.time".
func optionValues(words []string, letter byte) []string {
	var values []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(w) < 2 || w[0] != '-' || w[1] != letter {
			continue
		}
		if len(w) > 2 {
			values = append(values, w[2:])
		} else if i+1 < len(words) {
			i++
			values = append(values, words[i])
		}
	}
	return values
}

func firstOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (d *dnsLines) args(path string) []string {
	return append([]string{"-r", path}, d.options...)
}

func (d *dnsLines) line(dst, line []byte) ([]byte, error) {
	if isHeader := d.header && !d.first; !isHeader {
		d.count++
	}
	d.first = true
	if d.fixTime {
		dst, line = appendFrameTime(dst, line, d.zone)
	}
	return append(append(dst, line...), '\n'), nil
}

// long passes a piece on as it is: fields such as dns.txt have no limit.
func (d *dnsLines) long(dst, piece []byte) ([]byte, error) {
	return append(dst, piece...), nil
}

// end needs no more than the exit code, which tshark can be trusted with.
func (d *dnsLines) end(bool) (Kind, error) {
	if d.header && !d.first {
		return BadOutput, errors.New("it printed no header line")
	}
	return 0, nil
}

func (d *dnsLines) rows() int64     { return d.count }
func (d *dnsLines) notes() []string { return nil }

func (d *dnsLines) weigh(line []byte) weight {
	if bytes.HasPrefix(line, []byte(`Running as user "root"`)) {
		return idle
	}
	return serious
}

// appendFrameTime turns "2017-09-08T11:05:01.123456789+0000," at the start of a line into
// "Sep  8, 2017 11:05:01.123456789 UTC," in dst, and returns the rest of the line. A line
// that begins otherwise is returned as it is.
func appendFrameTime(dst, line []byte, zone *time.Location) ([]byte, []byte) {
	end := bytes.IndexByte(line, ',')
	if end < 0 {
		end = len(line)
	}
	t, offset, ok := parseISO(line[:end])
	if !ok {
		return dst, line
	}
	switch {
	case zone != nil:
		t = t.In(zone)
	case offset != 0:
		t = t.In(time.FixedZone("", offset)) // printed as +0200
	}
	return t.AppendFormat(dst, "Jan _2, 2006 15:04:05.000000000 MST"), line[end:]
}

// parseISO reads tshark's ISO 8601, in which the zone is Z, +hh, +hhmm or +hh:mm. It
// returns the time in UTC, and how many seconds east of Greenwich it was given.
func parseISO(b []byte) (t time.Time, offset int, ok bool) {
	const seconds = "2006-01-02T15:04:05"
	if len(b) <= len(seconds) || b[10] != 'T' {
		return t, 0, false
	}
	var digits [len(seconds)]byte
	copy(digits[:], b)
	digits[10] = ' '
	if !startsWithDate(digits[:]) {
		return t, 0, false
	}
	nanos, zone := fraction(b[len(seconds):])
	if offset, ok = zoneOffset(zone); !ok {
		return t, 0, false
	}
	year, month, day := number(b[0:4]), number(b[5:7]), number(b[8:10])
	hour, minute, second := number(b[11:13]), number(b[14:16]), number(b[17:19])
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	// Date normalises what doesn't exist, such as 31 February or 25:61.
	exists := int(t.Month()) == month && t.Day() == day && t.Hour() == hour && t.Second() == second
	return t.Add(-time.Duration(offset) * time.Second), offset, exists
}

// number is the value of digits.
func number(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

// fraction reads ".123456789", as nanoseconds, and returns what follows.
func fraction(b []byte) (nanos int, rest []byte) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b
	}
	i, unit := 1, 100_000_000
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		nanos += unit * int(b[i]-'0')
		unit /= 10
	}
	return nanos, b[i:]
}

// zoneOffset reads the zone behind a time, in seconds east of Greenwich.
func zoneOffset(zone []byte) (seconds int, ok bool) {
	if string(zone) == "Z" {
		return 0, true
	}
	if len(zone) == 6 && zone[3] == ':' {
		zone = []byte{zone[0], zone[1], zone[2], zone[4], zone[5]}
	}
	if len(zone) != 3 && len(zone) != 5 || zone[0] != '+' && zone[0] != '-' {
		return 0, false
	}
	for _, c := range zone[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	seconds = number(zone[1:3])*3600 + number(zone[3:])*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}
