package dns

import (
	"unicode"
	"unicode/utf8"
)

// comma is how a comma within a name is printed. tshark leaves it as it is, and shifts the
// columns; the escape is the one that it has for control characters.
const comma = `\054`

// appendText appends text the way tshark prints it. Text is taken for UTF-8, wrong bytes of
// which are printed as U+FFFD. What can't be seen is escaped, a backslash is not.
func appendText(dst, text []byte) []byte {
	plain := 0
	for plain < len(text) && isPlain(text[plain]) {
		plain++
	}
	dst = append(dst, text[:plain]...)
	for text = text[plain:]; len(text) > 0; {
		c := text[0]
		switch {
		case isPlain(c):
			dst = append(dst, c)
			text = text[1:]
		case c < utf8.RuneSelf:
			dst = appendControl(dst, c)
			text = text[1:]
		default:
			r, size := decodeRune(text)
			dst = appendRune(dst, r)
			text = text[size:]
		}
	}
	return dst
}

// isPlain tells whether a byte is printed as it is.
func isPlain(c byte) bool { return c >= ' ' && c < 0x7f && c != ',' }

// appendControl appends an ASCII character that isn't plain: as in C, or in octal.
func appendControl(dst []byte, c byte) []byte {
	const short = "abtnvfr" // from 7 on
	switch {
	case c == ',':
		return append(dst, comma...)
	case c >= '\a' && c <= '\r':
		return append(dst, '\\', short[c-'\a'])
	}
	return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}

// appendRune appends a character that was encoded in two bytes or more: as UTF-8, or
// as \u0085 or \U000E0001 if it isn't printable, private ones being so. What is printable
// is a matter of Unicode's version: tshark's is that of GLib.
func appendRune(dst []byte, r rune) []byte {
	switch {
	case r == ',':
		return append(dst, comma...)
	case unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Co):
		return utf8.AppendRune(dst, r)
	}
	const upper = "0123456789ABCDEF"
	digits := 4
	if r > 0xffff {
		digits = 8
		dst = append(dst, '\\', 'U')
	} else {
		dst = append(dst, '\\', 'u')
	}
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, upper[r>>shift&15])
	}
	return dst
}

// decodeRune reads the first character of text, whose first byte isn't ASCII. Unlike Go, it
// takes overlong encodings for what they encode, and a sequence of up to six bytes that
// breaks off or encodes no character for one U+FFFD.
func decodeRune(text []byte) (r rune, size int) {
	var length int
	switch c := text[0]; {
	case c < 0xc0 || c >= 0xfe:
		return utf8.RuneError, 1
	case c < 0xe0:
		length, r = 2, rune(c&0x1f)
	case c < 0xf0:
		length, r = 3, rune(c&0x0f)
	case c < 0xf8:
		length, r = 4, rune(c&0x07)
	case c < 0xfc:
		length, r = 5, rune(c&0x03)
	default:
		length, r = 6, rune(c&0x01)
	}
	for size = 1; size < length; size++ {
		if size == len(text) || text[size]&0xc0 != 0x80 {
			return utf8.RuneError, size
		}
		r = r<<6 | rune(text[size]&0x3f)
	}
	if !utf8.ValidRune(r) {
		r = utf8.RuneError
	}
	return r, size
}
