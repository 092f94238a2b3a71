package table

import "time"

const (
	stampLen = len("2018-03-20 09:25:11")
	hourLen  = len("2018-03-20 09")
	dayLen   = len("2018-03-20")
)

// A clock turns times to instants and hours, and remembers the hour it did last: rows come in
// order of time, nearly.
type clock struct {
	zone *time.Location

	known   bool
	text    [hourLen]byte // the hour known, "2018-03-20 09"
	hour    Hour          // the same, from dayAndTime
	instant int64         // when it begins, from unix
	joined  []byte

	first, end int64 // instants of the same local hour, which is
	local      Hour
}

// unix returns the Unix time of a local time, as C's mktime gives it; see UnixOf.
func (c *clock) unix(text []byte) (int64, fault) {
	if c.known && len(text) == stampLen && string(text[:hourLen]) == string(c.text[:]) {
		if seconds, ok := minuteSecond(text[hourLen:]); ok {
			return c.instant + seconds, none
		}
	}
	t, ok := parseTime(text)
	switch {
	case !ok:
		return 0, notTime
	case t.Year() < 1900:
		// Python's strftime(), by which the original asked for the Unix time, knows no others.
		return 0, tooEarly
	}
	c.remember(text, t)
	return UnixOf(t, c.zone), none
}

// remember makes the hour of a local time the one known, if its text has the usual form, and
// if no change of the zone's offset lies in it.
func (c *clock) remember(text []byte, t time.Time) {
	begin := t.Truncate(time.Hour)
	c.instant = UnixOf(begin, c.zone)
	c.known = looksLikeTime(text) && UnixOf(begin.Add(time.Hour-time.Second), c.zone) == c.instant+3599
	if c.known {
		copy(c.text[:], text)
	}
}

// dayAndTime returns the hour of a day and a time of day, and whether they exist.
func (c *clock) dayAndTime(day, clock []byte) (Hour, bool) {
	if c.known && len(day) == dayLen && len(clock) == stampLen-dayLen-1 &&
		string(day) == string(c.text[:dayLen]) && string(clock[:2]) == string(c.text[dayLen+1:]) {
		if _, ok := minuteSecond(clock[2:]); ok {
			return c.hour, true
		}
	}
	c.joined = append(append(append(c.joined[:0], day...), ' '), clock...)
	t, ok := parseTime(c.joined)
	if !ok {
		return Hour{}, false
	}
	c.hour = hourOf(t)
	if c.known = looksLikeTime(c.joined); c.known {
		copy(c.text[:], c.joined)
	}
	return c.hour, true
}

// hourOf returns the local hour of an instant, which must be in the years 1 to 9999.
func (c *clock) hourOf(unix int64) (Hour, fault) {
	if c.first <= unix && unix < c.end {
		return c.local, none
	}
	t := time.Unix(unix, 0).In(c.zone)
	if t.Year() < 1 || t.Year() > 9999 {
		return Hour{}, noInstant
	}
	c.local = hourOf(t)
	c.first = unix - int64(t.Minute()*60+t.Second())
	c.end = c.first + 3600
	if offset := offsetAt(unix, c.zone); offsetAt(c.first, c.zone) != offset || offsetAt(c.end-1, c.zone) != offset {
		c.first, c.end = unix, unix+1
	}
	return c.local, none
}

func hourOf(t time.Time) Hour {
	return Hour{Year: int16(t.Year()), Month: int8(t.Month()), Day: int8(t.Day()), Hour: int8(t.Hour())}
}

func offsetAt(unix int64, zone *time.Location) int64 {
	_, offset := time.Unix(unix, 0).In(zone).Zone()
	return int64(offset)
}

// UnixOf returns the Unix time of a local time, which is given as if it were UTC.
//
// What C's mktime makes of a time that exists twice depends on the time that it was asked
// for before. With times in order it stays with the offset that was in force before the
// change, and so takes the first of the two; a time that is skipped it then counts on by
// the offset before. This is what is done here, always.
func UnixOf(local time.Time, zone *time.Location) int64 {
	wall := local.Unix()
	const day = 86400
	before := wall - offsetAt(wall-day, zone)
	if before+offsetAt(before, zone) == wall {
		return before
	}
	after := wall - offsetAt(wall+day, zone)
	if after+offsetAt(after, zone) == wall {
		return after
	}
	// The time was skipped. C's mktime takes summer time's reading first.
	if time.Unix(after, 0).In(zone).IsDST() && !time.Unix(before, 0).In(zone).IsDST() {
		return after
	}
	return before
}

// minuteSecond reads ":25:11" as seconds.
func minuteSecond(b []byte) (seconds int64, ok bool) {
	_ = b[5]
	if b[0] != ':' || b[1] > '5' || !isDigit(b[1]) || !isDigit(b[2]) ||
		b[3] != ':' || b[4] > '5' || !isDigit(b[4]) || !isDigit(b[5]) {
		return 0, false
	}
	return 600*int64(b[1]-'0') + 60*int64(b[2]-'0') + 10*int64(b[4]-'0') + int64(b[5]-'0'), true
}

// looksLikeTime tells whether text begins in the form "2018-03-20 09:25:11".
func looksLikeTime(b []byte) bool {
	const form = "0000-00-00 00:00:00"
	if len(b) < len(form) {
		return false
	}
	for i := range len(form) {
		if form[i] == '0' && !isDigit(b[i]) || form[i] != '0' && form[i] != b[i] {
			return false
		}
	}
	return true
}

// parseTime reads a time as Python's strptime does by the form "%Y-%m-%d %H:%M:%S", as if it
// were UTC. The year has four digits, other parts may have one, a day of one may have a
// blank before it, and any blanks may lie between day and hour.
func parseTime(b []byte) (t time.Time, ok bool) {
	year, b, ok := digits(b, 4, 4, '-')
	if !ok {
		return t, false
	}
	month, b, ok := digits(b, 1, 2, '-')
	if !ok {
		return t, false
	}
	dayAt, most := b, 2
	if len(b) > 0 && b[0] == ' ' {
		dayAt, most = b[1:], 1
	}
	day, b, ok := digits(dayAt, 1, most, 0)
	if !ok {
		return t, false
	}
	spaces := 0
	for spaces < len(b) && byteBlanks[b[spaces]] {
		spaces++
	}
	hour, b, ok := digits(b[spaces:], 1, 2, ':')
	if !ok || spaces == 0 {
		return t, false
	}
	minute, b, ok := digits(b, 1, 2, ':')
	if !ok {
		return t, false
	}
	second, b, ok := digits(b, 1, 2, 0)
	if !ok || len(b) > 0 || hour > 23 || minute > 59 || second > 59 || year == 0 {
		return t, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day && t.Month() == time.Month(month)
}

// digits reads a number of least to most digits, and the byte end behind it if that isn't 0.
func digits(b []byte, least, most int, end byte) (n int, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && i < most && isDigit(b[i]); i++ {
		n = 10*n + int(b[i]-'0')
	}
	if i < least {
		return 0, nil, false
	}
	if end == 0 {
		return n, b[i:], true
	}
	if i == len(b) || b[i] != end {
		return 0, nil, false
	}
	return n, b[i+1:], true
}
