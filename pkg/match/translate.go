package match

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// flags are those of a whole pattern: Python 2.7 has no others.
type flags uint8

const (
	ignoreCase flags = 1 << iota
	multiLine
	dotAll
)

const (
	maxDepth  = 200  // groups within groups
	maxRepeat = 1000 // package regexp's own limit
)

// A translator reads a pattern as Python 2.7's sre_parse does, token by token, and
// writes what it means in the syntax of package regexp. Groups don't capture: only
// whether there is a match is ever asked.
type translator struct {
	src   string
	pos   int
	flags flags // in force
	seen  flags // met so far
	depth int
	names map[string]bool // of groups
}

// An item is what a repeat applies to: text is an atom in regexp's syntax.
type item struct {
	text      string
	assertion bool // such as ^, which can't be repeated
	repeated  bool
	dollar    bool // has a $, which nothing may follow
}

func translate(pattern string) (string, error) {
	if !utf8.ValidString(pattern) {
		return "", errors.New("it isn't valid UTF-8")
	}
	// The first pass finds the flags, which may come after what they apply to. It takes
	// $ as multi-line, so as to refuse none before that is known.
	first := translator{src: pattern, flags: multiLine}
	if _, err := first.pattern(); err != nil {
		return "", err
	}
	second := translator{src: pattern, flags: first.seen}
	return second.pattern()
}

func (t *translator) has(f flags) bool { return t.flags&f != 0 }

// peek returns the next token: a character, or a backslash and the character after it.
// At the end of the pattern it is empty.
func (t *translator) peek() string {
	rest := t.src[t.pos:]
	if rest == "" {
		return ""
	}
	n := 0
	if rest[0] == '\\' && len(rest) > 1 {
		n = 1
	}
	_, size := utf8.DecodeRuneInString(rest[n:])
	return rest[:n+size]
}

func (t *translator) next() string {
	token := t.peek()
	t.pos += len(token)
	return token
}

func (t *translator) take(token string) bool {
	if t.peek() != token {
		return false
	}
	t.pos += len(token)
	return true
}

// takeAny reads up to limit tokens that are one of the given characters.
func (t *translator) takeAny(chars string, limit int) string {
	start := t.pos
	for n := 0; n < limit; n++ {
		token := t.peek()
		if token == "" || !strings.Contains(chars, token) {
			break
		}
		t.pos += len(token)
	}
	return t.src[start:t.pos]
}

// refuse returns an error about what begins at byte offset at.
func (t *translator) refuse(at int, format string, args ...any) error {
	return fmt.Errorf("character %d: %s", utf8.RuneCountInString(t.src[:at])+1, fmt.Sprintf(format, args...))
}

// unsupported refuses what Python would take.
func (t *translator) unsupported(at int, what string) error {
	return t.refuse(at, "%s is not supported: write the pattern without it", what)
}

func (t *translator) pattern() (string, error) {
	all, err := t.alternatives()
	if err != nil {
		return "", err
	}
	if t.pos < len(t.src) {
		return "", t.refuse(t.pos, `")" without its "("`)
	}
	return all.text, nil
}

// alternatives reads up to the end or to the ")" of the enclosing group.
func (t *translator) alternatives() (item, error) {
	var all item
	for {
		branch, err := t.sequence()
		if err != nil {
			return item{}, err
		}
		all.text += branch.text
		all.dollar = all.dollar || branch.dollar
		if !t.take("|") {
			return all, nil
		}
		all.text += "|"
	}
}

func (t *translator) sequence() (item, error) {
	var (
		out  strings.Builder
		last *item // not in out yet, since a repeat may follow
	)
	for {
		token := t.peek()
		if token == "" || token == "|" || token == ")" {
			break
		}
		at := t.pos
		this, err := t.element(last)
		if err != nil {
			return item{}, err
		}
		if this == nil { // a comment or flags
			continue
		}
		if last != nil && !this.repeated {
			if last.dollar {
				return item{}, t.unsupported(at, `more of the pattern after a "$"`)
			}
			out.WriteString(last.text)
		}
		last = this
	}
	if last == nil {
		return item{}, nil
	}
	out.WriteString(last.text)
	return item{text: out.String(), dollar: last.dollar}, nil
}

// element reads one element of a sequence. A repeat replaces the one before it, an
// element without a meaning of its own is nil.
func (t *translator) element(last *item) (*item, error) {
	at := t.pos
	switch token := t.next(); token {
	case ".":
		if t.has(dotAll) {
			return &item{text: "(?s:.)"}, nil
		}
		return &item{text: "."}, nil
	case "^":
		if t.has(multiLine) {
			return &item{text: "(?m:^)", assertion: true}, nil
		}
		return &item{text: `\A`, assertion: true}, nil
	case "$":
		if t.has(multiLine) {
			return &item{text: "(?m:$)", assertion: true}, nil
		}
		return &item{text: `(?:\n?\z)`, assertion: true, dollar: true}, nil
	case "[":
		return t.set(at)
	case "(":
		return t.group(at)
	case "*":
		return t.repeat(at, last, "*")
	case "+":
		return t.repeat(at, last, "+")
	case "?":
		return t.repeat(at, last, "?")
	case "{":
		count, err := t.count(at)
		if err != nil {
			return nil, err
		}
		if count == "" {
			return t.literal('{'), nil
		}
		return t.repeat(at, last, count)
	default:
		if token[0] == '\\' {
			return t.escape(at, token)
		}
		r, _ := utf8.DecodeRuneInString(token)
		return t.literal(r), nil
	}
}

func (t *translator) literal(r rune) *item {
	if t.has(ignoreCase) && isLetter(r) {
		return t.spans([]span{{r, r}}, false)
	}
	return &item{text: regexp.QuoteMeta(string(r))}
}

// count reads the rest of {m}, {m,}, {,n} or {m,n}. Anything else makes the brace a
// literal: the result is empty and nothing is read.
func (t *translator) count(at int) (string, error) {
	start := t.pos
	low := t.takeAny("0123456789", len(t.src))
	high, comma := low, t.take(",")
	if comma {
		high = t.takeAny("0123456789", len(t.src))
	}
	if !t.take("}") || (low == "" && !comma) { // {} is literal too
		t.pos = start
		return "", nil
	}
	minimum, err := t.bound(at, low)
	if err != nil {
		return "", err
	}
	if high == "" {
		return fmt.Sprintf("{%d,}", minimum), nil
	}
	maximum, err := t.bound(at, high)
	if err != nil {
		return "", err
	}
	if maximum < minimum {
		return "", t.refuse(at, "a repeat of at least %d and at most %d times", minimum, maximum)
	}
	return fmt.Sprintf("{%d,%d}", minimum, maximum), nil
}

func (t *translator) bound(at int, digits string) (int, error) {
	if digits == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > maxRepeat {
		return 0, t.unsupported(at, fmt.Sprintf("a repeat of more than %d times", maxRepeat))
	}
	return n, nil
}

func (t *translator) repeat(at int, last *item, count string) (*item, error) {
	switch {
	case last == nil || last.assertion:
		return nil, t.refuse(at, "nothing to repeat")
	case last.repeated:
		return nil, t.refuse(at, "a repeat of a repeat (there are no possessive ones)")
	case last.dollar:
		return nil, t.unsupported(at, `a repeat of a group with a "$" in it`)
	}
	t.take("?") // lazy: the same names match
	return &item{text: last.text + count, repeated: true}, nil
}
