package match

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A span is a range of characters, both ends in it.
type span struct{ lo, hi rune }

// Python 2.7's categories without (?u) and (?L): ASCII, with the vertical tab (\x0b)
// in \s.
var (
	digits = []span{{'0', '9'}}
	spaces = []span{{'\t', '\r'}, {' ', ' '}}
	words  = []span{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}

	categories = map[string][]span{
		`\d`: digits, `\D`: complement(digits),
		`\s`: spaces, `\S`: complement(spaces),
		`\w`: words, `\W`: complement(words),
	}
	controls = map[string]rune{
		`\a`: '\a', `\f`: '\f', `\n`: '\n', `\r`: '\r', `\t`: '\t', `\v`: '\v',
	}
	assertions = map[string]string{
		`\A`: `\A`, `\Z`: `\z`, `\b`: `\b`, `\B`: `\B`,
	}
)

// complement takes spans in ascending order.
func complement(spans []span) []span {
	var out []span
	next := rune(0)
	for _, s := range spans {
		if s.lo > next {
			out = append(out, span{next, s.lo - 1})
		}
		next = s.hi + 1
	}
	return append(out, span{next, unicode.MaxRune})
}

// spans returns a set of characters, both cases of ASCII letters in it under (?i).
func (t *translator) spans(set []span, negated bool) *item {
	if t.has(ignoreCase) {
		set = slices.Clip(set) // the categories are shared
		for _, s := range set {
			set = appendShifted(set, s, 'A', 'Z', 'a'-'A')
			set = appendShifted(set, s, 'a', 'z', 'A'-'a')
		}
	}
	var b strings.Builder
	b.WriteByte('[')
	if negated {
		b.WriteByte('^')
	}
	for _, s := range set {
		fmt.Fprintf(&b, `\x{%x}-\x{%x}`, s.lo, s.hi)
	}
	b.WriteByte(']')
	return &item{text: b.String()}
}

// appendShifted appends the part of s within lo and hi, moved by the given distance.
func appendShifted(set []span, s span, lo, hi, by rune) []span {
	lo, hi = max(lo, s.lo), min(hi, s.hi)
	if lo > hi {
		return set
	}
	return append(set, span{lo + by, hi + by})
}

// set reads what follows a "[". A "]" that comes first is a member.
func (t *translator) set(at int) (*item, error) {
	negated := t.take("^")
	var set []span
	for {
		here := t.pos
		token := t.next()
		if token == "" {
			return nil, t.refuse(at, `"[" without its "]"`)
		}
		if token == "]" && set != nil {
			return t.spans(set, negated), nil
		}
		low, single, err := t.member(here, token)
		if err != nil {
			return nil, err
		}
		if !t.take("-") {
			set = append(set, low...)
			continue
		}
		if t.take("]") { // a "-" that comes last is a member
			return t.spans(append(append(set, low...), span{'-', '-'}), negated), nil
		}
		end := t.pos
		if token = t.next(); token == "" {
			return nil, t.refuse(at, `"[" without its "]"`)
		}
		high, alsoSingle, err := t.member(end, token)
		if err != nil {
			return nil, err
		}
		if !single || !alsoSingle || high[0].lo < low[0].lo {
			return nil, t.refuse(here, "bad range of characters")
		}
		set = append(set, span{low[0].lo, high[0].lo})
	}
}

// member reads a member of a set: a single character, which can be the end of a range,
// or a category.
func (t *translator) member(at int, token string) (set []span, single bool, err error) {
	if token[0] != '\\' {
		r, _ := utf8.DecodeRuneInString(token)
		return []span{{r, r}}, true, nil
	}
	if set, found := categories[token]; found {
		return set, false, nil
	}
	r, err := rune(0), error(nil)
	switch {
	case token == `\b`:
		r = '\b'
	case len(token) == 2 && '0' <= token[1] && token[1] <= '7':
		r = octal(token[1:] + t.takeAny("01234567", 2))
	case token == `\8` || token == `\9`:
		err = t.refuse(at, "bad escape %s", token)
	default:
		r, err = t.character(at, token)
	}
	return []span{{r, r}}, true, err
}

// escape reads an escape outside of sets.
func (t *translator) escape(at int, token string) (*item, error) {
	if text, found := assertions[token]; found {
		return &item{text: text, assertion: true}, nil
	}
	if set, found := categories[token]; found {
		return t.spans(set, false), nil
	}
	if len(token) == 2 && '0' <= token[1] && token[1] <= '9' {
		return t.digitEscape(at, token[1:])
	}
	r, err := t.character(at, token)
	if err != nil {
		return nil, err
	}
	return t.literal(r), nil
}

// digitEscape tells an octal number (a zero first, or three digits) from a
// back-reference.
func (t *translator) digitEscape(at int, number string) (*item, error) {
	if number == "0" {
		return t.literal(octal(number + t.takeAny("01234567", 2))), nil
	}
	if number < "8" {
		start := t.pos
		if more := t.takeAny("01234567", 2); len(more) == 2 {
			return t.literal(octal(number + more)), nil
		}
		t.pos = start
	}
	return nil, t.unsupported(at, `a back-reference \`+number)
}

// octal reads up to three octal digits; like Python it keeps the lowest eight bits.
func octal(number string) rune {
	n, _ := strconv.ParseUint(number, 8, 16) // can't fail: the digits were chosen
	return rune(n & 0xff)
}

// character reads an escape that stands for one character, in sets and outside. A
// letter without a meaning is itself.
func (t *translator) character(at int, token string) (rune, error) {
	switch {
	case token == `\`:
		return 0, t.refuse(at, "a backslash at the end")
	case token == `\x`:
		n, err := strconv.ParseUint(t.takeAny("0123456789abcdefABCDEF", 2), 16, 8)
		if err != nil || t.pos-at != len(`\x00`) {
			return 0, t.refuse(at, `\x without two hexadecimal digits`)
		}
		return rune(n), nil
	}
	if r, found := controls[token]; found {
		return r, nil
	}
	r, _ := utf8.DecodeRuneInString(token[1:])
	return r, nil
}
