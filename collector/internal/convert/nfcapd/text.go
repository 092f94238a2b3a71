package nfcapd

import (
	"slices"
	"strconv"
	"time"
)

// maxRow is more than a row can take, and what is written beyond it for a moment.
const maxRow = 512

// lastSecond is 9999-12-31 23:59:59, the last one that a row's date has room for.
const lastSecond = 253402300799

const secondsADay = 24 * 60 * 60

// A rowText prints rows. It keeps the last time that it printed: rows often have that
// again, and mostly its day.
type rowText struct {
	known  bool
	second uint64
	day    uint64   // since 1970
	date   [10]byte // "2019-08-12"
	parts  [16]byte // ",2019,8,12"
	when   [48]byte // "2019-08-12 18:50:47,2019,8,12,18,50,47,"

	partsLength, whenLength int
}

// appendRow appends the 27 columns of a flow and a newline.
func (t *rowText) appendRow(dst []byte, f *flow) []byte {
	dst = slices.Grow(dst, maxRow)
	dst = t.appendTime(dst, f)
	dst = appendDuration(dst, f.duration, f.unsigned)
	dst = appendAddress(append(dst, ','), &f.src)
	dst = appendAddress(append(dst, ','), &f.dst)
	dst = appendNumber(dst, uint64(f.srcPort))
	dst = appendNumber(dst, uint64(f.dstPort))
	dst = protocolWords[f.proto].appendTo(dst)
	dst = flagNames[f.flags].appendTo(dst)
	dst = appendNumber(dst, uint64(f.status))
	dst = appendNumber(dst, uint64(f.srcTos))
	dst = appendNumber(dst, f.packets)
	dst = appendNumber(dst, f.bytes)
	dst = appendNumber(dst, f.outPackets)
	dst = appendNumber(dst, f.outBytes)
	dst = appendNumber(dst, uint64(f.input))
	dst = appendNumber(dst, uint64(f.output))
	dst = appendNumber(dst, uint64(f.srcAS))
	dst = appendNumber(dst, uint64(f.dstAS))
	dst = appendNumber(dst, uint64(f.dstTos))
	dst = appendNumber(dst, uint64(f.direction))
	dst = appendAddress(append(dst, ','), &f.router)
	return append(dst, '\n')
}

// appendTime appends the seven columns of a time and a comma: when the flow was received, in
// UTC, or if that isn't recorded, when it was first seen. A time that the calendar doesn't
// reach is printed as 1970.
func (t *rowText) appendTime(dst []byte, f *flow) []byte {
	second := f.received / 1000
	if second == 0 {
		second = f.first / 1000
	}
	if second > lastSecond {
		second = 0
	}
	if second != t.second || !t.known {
		t.setSecond(second)
	}
	return append(dst, t.when[:]...)[:len(dst)+t.whenLength]
}

func (t *rowText) setSecond(second uint64) {
	if day := second / secondsADay; day != t.day || !t.known {
		t.setDay(day)
	}
	t.known, t.second = true, second
	ofDay := second % secondsADay
	hour, minute, sec := ofDay/3600, ofDay/60%60, ofDay%60
	when := append(t.when[:0], t.date[:]...)
	when = appendTwo(append(when, ' '), hour)
	when = appendTwo(append(when, ':'), minute)
	when = appendTwo(append(when, ':'), sec)
	when = append(when, t.parts[:t.partsLength]...)
	when = appendNumber(appendNumber(appendNumber(when, hour), minute), sec)
	t.whenLength = len(append(when, ','))
}

func (t *rowText) setDay(day uint64) {
	t.day = day
	date := time.Unix(int64(day*secondsADay), 0).UTC()
	date.AppendFormat(t.date[:0], time.DateOnly)
	parts := appendNumber(t.parts[:0], uint64(date.Year()))
	t.partsLength = len(appendNumber(appendNumber(parts, uint64(date.Month())), uint64(date.Day())))
}

func appendTwo(dst []byte, n uint64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendDuration appends seconds with three digits behind the point.
func appendDuration(dst []byte, ms int64, unsigned bool) []byte {
	const exact = 1 << 53 // what a float64 holds
	u := uint64(ms)
	switch {
	case unsigned && u > exact:
		return strconv.AppendFloat(dst, float64(u)/1000, 'f', 3, 64)
	case ms < 0:
		dst, u = append(dst, '-'), -u
	}
	if seconds := u / 1000; seconds < 10 {
		dst = append(dst, byte('0'+seconds))
	} else {
		dst = strconv.AppendUint(dst, seconds, 10)
	}
	return append(dst, '.', byte('0'+u/100%10), byte('0'+u/10%10), byte('0'+u%10))
}

func appendAddress(dst []byte, a *address) []byte {
	if a.v6 {
		return appendIPv6(dst, a)
	}
	return appendIPv4(dst, uint32(a.lo))
}

// appendIPv4 appends each number with a point behind it, and takes the last point back.
func appendIPv4(dst []byte, ip uint32) []byte {
	dst = octets[ip>>24].appendTo(dst)
	dst = octets[ip>>16&0xFF].appendTo(dst)
	dst = octets[ip>>8&0xFF].appendTo(dst)
	dst = octets[ip&0xFF].appendTo(dst)
	return dst[:len(dst)-1]
}

// appendIPv6 prints as inet_ntop of the GNU C library does, which nfdump calls: the first of the
// longest runs of zeros is left out, and an IPv4 address in the last four bytes
// (::ffff:192.0.2.1, ::192.0.2.1) has its own form.
func appendIPv6(dst []byte, a *address) []byte {
	var groups [8]uint16
	for i := range 4 {
		groups[i], groups[4+i] = uint16(a.hi>>(48-16*i)), uint16(a.lo>>(48-16*i))
	}
	start, length := longestZeros(&groups)
	isIPv4 := start == 0 && (length == 6 || length == 5 && groups[5] == 0xFFFF)
	for i := 0; i < len(groups); i++ {
		switch {
		case length > 1 && i == start:
			dst = append(dst, ':')
			i += length - 1
			if i == len(groups)-1 {
				dst = append(dst, ':')
			}
			continue
		case i > 0:
			dst = append(dst, ':')
		}
		if i == 6 && isIPv4 {
			return appendIPv4(dst, uint32(a.lo))
		}
		dst = appendHex(dst, groups[i])
	}
	return dst
}

// longestZeros finds the first of the longest runs.
func longestZeros(groups *[8]uint16) (start, length int) {
	run := 0
	for i, g := range groups {
		if g != 0 {
			run = 0
			continue
		}
		run++
		if run > length {
			start, length = i+1-run, run
		}
	}
	return start, length
}

func appendHex(dst []byte, n uint16) []byte {
	const digits = "0123456789abcdef"
	switch {
	case n >= 0x1000:
		dst = append(dst, digits[n>>12])
		fallthrough
	case n >= 0x100:
		dst = append(dst, digits[n>>8&15])
		fallthrough
	case n >= 0x10:
		dst = append(dst, digits[n>>4&15])
	}
	return append(dst, digits[n&15])
}
