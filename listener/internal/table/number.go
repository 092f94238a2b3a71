package table

import (
	"math"
	"strconv"
)

// A fault is what is wrong with a value.
type fault uint8

const (
	none fault = iota
	notWhole
	notNumber
	outOfRange
	notTime
	tooEarly
	noInstant
)

// The bytes that Python 2 ignores around a number: a few more in rows that it split as
// Unicode (flow and dns) than in those that it split as bytes (proxy).
var (
	byteBlanks    = [256]bool{' ': true, '\t': true, '\n': true, '\v': true, '\f': true, '\r': true}
	unicodeBlanks = [256]bool{
		' ': true, '\t': true, '\n': true, '\v': true, '\f': true, '\r': true,
		0x1c: true, 0x1d: true, 0x1e: true, 0x1f: true,
	}
)

func trim(b []byte, blanks *[256]bool) []byte {
	for len(b) > 0 && blanks[b[0]] {
		b = b[1:]
	}
	for len(b) > 0 && blanks[b[len(b)-1]] {
		b = b[:len(b)-1]
	}
	return b
}

// parseWhole reads a whole number as Python's int() does: decimal digits, a sign before them,
// blanks around. (Two oddities of Python 2, "12L" and "- 5", are no numbers here.)
func parseWhole(b []byte, blanks *[256]bool) (int64, fault) {
	if len(b)-1 < 18 { // at most 18 digits, which can't overflow
		var v int64
		for _, c := range b {
			digit := c - '0'
			if digit > 9 {
				return parseSigned(b, blanks)
			}
			v = 10*v + int64(digit)
		}
		if len(b) > 0 {
			return v, none
		}
	}
	return parseSigned(b, blanks)
}

func parseSigned(b []byte, blanks *[256]bool) (int64, fault) {
	b = trim(b, blanks)
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, notWhole
	}
	var v uint64
	tooLarge := false
	for _, c := range b {
		if !isDigit(c) {
			return 0, notWhole
		}
		digit := uint64(c - '0')
		if v > (1<<63-digit)/10 {
			tooLarge = true
			continue
		}
		v = 10*v + digit
	}
	switch {
	case tooLarge, !negative && v == 1<<63:
		return 0, outOfRange
	case negative:
		return -int64(v), none
	}
	return int64(v), none
}

// powers are the powers of ten that a float64 holds exactly, as far as they are needed.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// parseFloat32 reads a FLOAT: Spark rounded it twice, to a double and from there. A number
// that becomes infinite by it is out of range; one that says "inf" or "nan" is not.
func parseFloat32(b []byte, blanks *[256]bool) (float32, fault) {
	if f, ok := shortDecimal(b); ok {
		return float32(f), none
	}
	f, fault := parseFloat64(b, blanks)
	if fault == none && !math.IsInf(f, 0) && math.IsInf(float64(float32(f)), 0) {
		fault = outOfRange
	}
	return float32(f), fault
}

// shortDecimal reads a number like "12.345": digits, of which up to nine are behind a dot.
func shortDecimal(b []byte) (f float64, ok bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	var v int64
	dot := len(b) - 1
	for i, c := range b {
		if digit := c - '0'; digit <= 9 {
			v = 10*v + int64(digit)
		} else if c == '.' && dot == len(b)-1 && i > 0 {
			dot = i
		} else {
			return 0, false
		}
	}
	places := len(b) - 1 - dot
	if places >= len(powers) || b[len(b)-1] == '.' {
		return 0, false
	}
	// Both are exact, so that their quotient is rounded just once.
	return float64(v) / powers[places], true
}

// parseFloat64 reads a number as Python's float() does. Out of range is a number of digits
// that becomes infinite.
func parseFloat64(b []byte, blanks *[256]bool) (float64, fault) {
	b = trim(b, blanks)
	for _, c := range b {
		switch {
		case isDigit(c), c == '.', c == 'e', c == 'E', c == '+', c == '-':
		default:
			return parseWord(b)
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	switch {
	case math.IsInf(f, 0):
		return 0, outOfRange
	case err != nil:
		return 0, notNumber
	}
	return f, none
}

// parseWord reads the words for what isn't a number but a float, in any case.
func parseWord(b []byte) (float64, fault) {
	sign := 1
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		if b[0] == '-' {
			sign = -1
		}
		b = b[1:]
	}
	switch {
	case isWord(b, "nan"):
		return math.NaN(), none
	case isWord(b, "inf"), isWord(b, "infinity"):
		return math.Inf(sign), none
	}
	return 0, notNumber
}

func isWord(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c-'0' <= 9 }
