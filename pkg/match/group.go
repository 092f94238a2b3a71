package match

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// group reads what follows a "(". A comment and a group of flags are no item.
func (t *translator) group(at int) (*item, error) {
	if !t.take("?") {
		return t.body(at)
	}
	switch token := t.next(); token {
	case ":":
		return t.body(at)
	case "P":
		return t.named(at)
	case "#":
		return nil, t.comment(at)
	case "=", "!":
		return nil, t.unsupported(at, "look-ahead (?"+token)
	case "<":
		if kind := t.peek(); kind == "=" || kind == "!" {
			return nil, t.unsupported(at, "look-behind (?<"+kind)
		}
		return nil, t.refuse(at, "unknown group (?<")
	case "(":
		return nil, t.unsupported(at, "a conditional group (?(")
	default:
		return nil, t.setFlags(at, token)
	}
}

func (t *translator) body(at int) (*item, error) {
	if t.depth++; t.depth > maxDepth {
		return nil, t.unsupported(at, fmt.Sprintf("a group more than %d deep", maxDepth))
	}
	inner, err := t.alternatives()
	if err != nil {
		return nil, err
	}
	if !t.take(")") {
		return nil, t.refuse(at, `"(" without its ")"`)
	}
	t.depth--
	return &item{text: "(?:" + inner.text + ")", dollar: inner.dollar}, nil
}

// named reads what follows "(?P".
func (t *translator) named(at int) (*item, error) {
	switch token := t.next(); token {
	case "<":
		name, found := t.until(">")
		if !found || !isName(name) {
			return nil, t.refuse(at, "bad name of a group")
		}
		if t.names[name] {
			return nil, t.refuse(at, "a second group named %q", name)
		}
		if t.names == nil {
			t.names = make(map[string]bool)
		}
		t.names[name] = true
		return t.body(at)
	case "=":
		return nil, t.unsupported(at, "a back-reference (?P=")
	default:
		return nil, t.refuse(at, "unknown group (?P%s", token)
	}
}

func (t *translator) comment(at int) error {
	if _, found := t.until(")"); !found {
		return t.refuse(at, "a comment without its end")
	}
	return nil
}

// until reads up to and with the token that ends it.
func (t *translator) until(end string) (string, bool) {
	start := t.pos
	for t.pos < len(t.src) {
		here := t.pos
		if t.next() == end {
			return t.src[start:here], true
		}
	}
	return "", false
}

// setFlags reads the rest of a group such as (?i), from its first flag on.
func (t *translator) setFlags(at int, token string) error {
	for n := 0; ; n++ {
		switch token {
		case "i":
			t.seen |= ignoreCase
		case "m":
			t.seen |= multiLine
		case "s":
			t.seen |= dotAll
		case "L", "t", "u", "x":
			return t.unsupported(at, "the flag (?"+token+")")
		case ")":
			if n > 0 {
				return nil
			}
			return t.refuse(at, "an empty (?)")
		case "":
			return t.refuse(at, `"(" without its ")"`)
		default:
			return t.refuse(at, "unknown group or flag (?%s", token)
		}
		token = t.next()
	}
}

func isName(s string) bool {
	for i, r := range s {
		digit := '0' <= r && r <= '9'
		if r >= utf8.RuneSelf || !(isLetter(r) || r == '_' || digit && i > 0) {
			return false
		}
	}
	return s != ""
}

// isLetter is about ASCII alone, as case is in Python 2.7 without (?u).
func isLetter(r rune) bool {
	return r < utf8.RuneSelf && strings.ContainsRune("abcdefghijklmnopqrstuvwxyz", r|0x20)
}
