package chunk

import (
	"bytes"
	"math"
	"strconv"
	"time"
)

const (
	stampLen = len("2018-03-20 09:25:11")
	hourLen  = len("2018-03-20 09")
	epochLen = len("1521537911.123456789")

	// dnsKeyLen is how much of a dns line tells its hour: "Mar 20, 2018 09".
	dnsKeyLen = 15

	// endOfTime is the first second of the year 10000, which no date has.
	endOfTime = 253402300800
)

// A mark is a line's time stamp. Its bytes lie in the line, or in the Reader.
type mark struct {
	hour  []byte // equal in rows of one hour
	stamp []byte // YYYY-MM-DD hh:mm:ss, or a dns line's epoch
}

// A verdict tells whether a line has a time stamp, or what is wrong with it.
type verdict int

const (
	found verdict = iota
	fewFields
	noTime
	badTime
)

// find looks for the time stamp of line, which is stripped.
func (r *Reader) find(line []byte) (mark, verdict) {
	// Nearly every line of a flow or proxy source begins with a time stamp of the hour
	// that is open, and that hour is known to exist.
	if r.typ != DNS && len(line) >= stampLen && len(r.hour) == hourLen &&
		string(line[:hourLen]) == string(r.hour) && isMinuteSecond(line[hourLen:stampLen]) {
		return mark{hour: line[:hourLen], stamp: line[:stampLen]}, found
	}
	var stamp []byte
	switch r.typ {
	case DNS:
		return findEpoch(line)
	case Flow:
		field, _, _ := bytes.Cut(line, []byte{','})
		stamp = searchDate(field)
	case Proxy:
		stamp = r.joinDate(line)
	}
	if stamp == nil {
		return mark{}, noTime
	}
	if !dateExists(stamp) {
		return mark{}, badTime
	}
	return mark{hour: stamp[:hourLen], stamp: stamp}, found
}

// isMinuteSecond reports whether s is ":mm:ss" of an existing time.
func isMinuteSecond(s []byte) bool {
	_ = s[5]
	return s[0] == ':' && '0' <= s[1] && s[1] <= '5' && isDigit(s[2]) &&
		s[3] == ':' && isDigit(s[5]) &&
		('0' <= s[4] && s[4] <= '5' || s[4] == '6' && s[5] <= '1') // as far as C's tm_sec goes
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// isDate reports whether s has the form YYYY-MM-DD hh:mm:ss.
func isDate(s []byte) bool {
	const form = "dddd-dd-dd dd:dd:dd"
	for i := range form {
		if form[i] == 'd' && !isDigit(s[i]) || form[i] != 'd' && form[i] != s[i] {
			return false
		}
	}
	return true
}

// searchDate returns the first date in field, or nil.
func searchDate(field []byte) []byte {
	for i := 0; i+stampLen <= len(field); i++ {
		if isDate(field[i : i+stampLen]) {
			return field[i : i+stampLen]
		}
	}
	return nil
}

// joinDate returns the date in the first two words of line, joined by one blank, or
// nil. Since words have no blank, it can only lie across their joint.
func (r *Reader) joinDate(line []byte) []byte {
	const dayLen = len("2018-03-20")
	day := 0
	for day < len(line) && !isSpace(line[day]) {
		day++
	}
	clock := day
	for clock < len(line) && isSpace(line[clock]) {
		clock++
	}
	if day < dayLen || len(line)-clock < stampLen-dayLen-1 {
		return nil
	}
	copy(r.joined[:], line[day-dayLen:day])
	r.joined[dayLen] = ' '
	copy(r.joined[dayLen+1:], line[clock:])
	if !isDate(r.joined[:]) {
		return nil
	}
	return r.joined[:]
}

// number reads decimal digits.
func number(digits []byte) int {
	n := 0
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}

// dateExists reports whether s, which has the form of a date, is one that Python's
// strptime takes: the years 1 to 9999, and seconds up to 61.
func dateExists(s []byte) bool {
	year, month, day := number(s[:4]), number(s[5:7]), number(s[8:10])
	if year == 0 || month == 0 || month > 12 || day == 0 {
		return false
	}
	d := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return d.Day() == day && number(s[11:13]) < 24 && isMinuteSecond(s[hourLen:])
}

// findEpoch looks for the epoch in the third field of a dns line.
func findEpoch(line []byte) (mark, verdict) {
	field := line
	for range 2 {
		comma := bytes.IndexByte(field, ',')
		if comma < 0 {
			return mark{}, fewFields
		}
		field = field[comma+1:]
	}
	if comma := bytes.IndexByte(field, ','); comma >= 0 {
		field = field[:comma]
	}
	for i := 0; i+epochLen <= len(field); i++ {
		s := field[i : i+epochLen]
		if !isEpoch(s) {
			continue
		}
		// With a dot it is a number, and the year 2286 at the latest.
		if s[10] != '.' {
			if _, ok := epochMilli(s); !ok {
				return mark{}, badTime
			}
		}
		return mark{hour: line[:min(dnsKeyLen, len(line))], stamp: s}, found
	}
	return mark{}, noTime
}

// isEpoch reports whether s is ten digits, any byte, and nine digits.
func isEpoch(s []byte) bool {
	for i, b := range s[:epochLen] {
		if !isDigit(b) && i != 10 {
			return false
		}
	}
	return true
}

// epochMilli reads an epoch as Python 2's float and datetime do: a double, rounded to
// microseconds, then cut to milliseconds. The byte between the digits can make it a
// long number or one with an exponent, no number at all, or one beyond the year 9999.
func epochMilli(s []byte) (ms int64, ok bool) {
	switch s[10] {
	case '.', 'e', 'E':
	default:
		if !isDigit(s[10]) {
			return 0, false
		}
	}
	epoch, err := strconv.ParseFloat(string(s), 64)
	if err != nil || epoch >= endOfTime {
		return 0, false
	}
	seconds, fraction := math.Modf(epoch)
	ms = int64(seconds)*1000 + int64(math.Round(fraction*1e6))/1000
	return ms, ms < endOfTime*1000
}

// unixMilli returns the instant of a mark that was found, in Unix milliseconds.
func (m mark) unixMilli() int64 {
	if len(m.stamp) == epochLen {
		ms, _ := epochMilli(m.stamp)
		return ms
	}
	s := m.stamp
	// The seconds 60 and 61 are those after 59.
	return time.Date(number(s[:4]), time.Month(number(s[5:7])), number(s[8:10]),
		number(s[11:13]), number(s[14:16]), number(s[17:19]), 0, time.UTC).UnixMilli()
}
