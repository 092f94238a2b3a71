package chunk

import (
	"encoding/binary"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A cut is a segment as the reference makes it.
type cut struct {
	rows      []string // in UTF-8
	firstLine int64
	size      int64
	timeMS    int64
	end       int64
}

const pythonSpace = " \t\n\v\f\r"

var (
	dateForm  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	epochForm = regexp.MustCompile(`(?s)\d{10}.\d{9}`)
	strptime  = regexp.MustCompile(`^(\d{4})-(1[0-2]|0[1-9])-(3[01]|[12]\d|0[1-9]) (2[0-3]|[01]\d):([0-5]\d):(6[01]|[0-5]\d)$`)
	pyFloat   = regexp.MustCompile(`^\d{10}(\.\d{9}|\d{10}|[eE]\d{9})$`)
)

// reference cuts input by the rules as they are written down, one whole line after
// the other, and shares no code with the Reader. Lines are handled as Latin-1, a
// character a byte, which is what a Python 2 string is.
func reference(input []byte, typ Type, limit, longest int, skip int64) ([]cut, Stats) {
	var (
		cuts  []cut
		hour  string
		stats Stats
		at    int64
	)
	lines := strings.SplitAfter(string(input), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for number, line := range lines {
		offset := at
		at += int64(len(line))
		line = strings.TrimSuffix(line, "\n")
		stats.Lines++
		if len(line) > longest {
			stats.Oversized++
			if len(stats.Oversize) < 100 {
				stats.Oversize = append(stats.Oversize, Oversize{int64(number), offset, int64(len(line))})
			}
			continue
		}
		line = strings.Trim(line, pythonSpace)
		if line == "" {
			stats.Blank++
			continue
		}
		key, stamp, ok := referenceStamp(fromBytes(line), typ)
		if !ok {
			stats.FewFields++
			continue
		}
		if stamp == "" {
			stats.NoTime++
			continue
		}
		var ms int64
		if typ == DNS {
			ms, ok = referenceEpoch(stamp)
		} else {
			ms, ok = referenceDate(stamp)
		}
		if !ok {
			stats.BadTime++
			continue
		}
		if skip > 0 {
			skip--
			stats.Passed++
			continue
		}
		stats.Rows++
		text := line
		if !utf8.ValidString(line) {
			text = fromBytes(line)
		}
		size := int64(len(text)) + 37
		if last := len(cuts) - 1; last >= 0 && key == hour && cuts[last].size+size < int64(limit) {
			cuts[last].rows = append(cuts[last].rows, text)
			cuts[last].size += size
			cuts[last].end = at
			continue
		}
		hour = key
		cuts = append(cuts, cut{rows: []string{text}, firstLine: int64(number), size: size, timeMS: ms, end: at})
	}
	stats.Bytes = at
	return cuts, stats
}

// fromBytes makes a character of each byte.
func fromBytes(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// referenceStamp returns a line's hour and its time stamp, "" if there is none. It is
// not ok if a dns line is too short.
func referenceStamp(line string, typ Type) (key, stamp string, ok bool) {
	switch typ {
	case Flow:
		stamp = dateForm.FindString(strings.Split(line, ",")[0])
	case Proxy:
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(pythonSpace, r) })
		stamp = dateForm.FindString(strings.Join(words[:min(2, len(words))], " "))
	case DNS:
		fields := strings.Split(line, ",")
		if len(fields) < 3 {
			return "", "", false
		}
		runes := []rune(line)
		return string(runes[:min(15, len(runes))]), epochForm.FindString(fields[2]), true
	}
	if stamp == "" {
		return "", "", true
	}
	return stamp[:13], stamp, true
}

// referenceDate is calendar.timegm(time.strptime(stamp)).
func referenceDate(stamp string) (ms int64, ok bool) {
	part := strptime.FindStringSubmatch(stamp)
	if part == nil {
		return 0, false
	}
	var n [7]int64
	for i, p := range part[1:] {
		n[i], _ = strconv.ParseInt(p, 10, 64)
	}
	year, month, day := n[0], n[1], n[2]
	leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
	months := [...]int64{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if leap {
		months[1] = 29
	}
	if year < 1 || day > months[month-1] {
		return 0, false
	}
	ordinal := func(year int64) int64 { return 365*(year-1) + (year-1)/4 - (year-1)/100 + (year-1)/400 }
	days := ordinal(year) - ordinal(1970) + day - 1
	for _, m := range months[:month-1] {
		days += m
	}
	return 1000 * (86400*days + 3600*n[3] + 60*n[4] + n[5]), true
}

// referenceEpoch is datetime.utcfromtimestamp(float(stamp)) in milliseconds.
func referenceEpoch(stamp string) (ms int64, ok bool) {
	if !pyFloat.MatchString(stamp) {
		return 0, false
	}
	f, err := strconv.ParseFloat(stamp, 64)
	if err != nil || f > 1e12 {
		return 0, false
	}
	seconds := int64(f)
	micro := int64(math.Floor((f-float64(seconds))*1e6 + 0.5))
	if micro == 1e6 {
		seconds, micro = seconds+1, 0
	}
	if lastSecond, _ := referenceDate("9999-12-31 23:59:59"); 1000*seconds > lastSecond {
		return 0, false
	}
	return 1000*seconds + micro/1000, true
}

// referenceValue is the Avro form of rows.
func referenceValue(rows []string) []byte {
	value := binary.AppendVarint([]byte{0}, int64(len(rows)))
	for _, row := range rows {
		value = append(binary.AppendVarint(value, int64(len(row))), row...)
	}
	return append(value, 0)
}
