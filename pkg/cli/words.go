package cli

import (
	"regexp"
	"slices"
	"strings"
)

// A word is one element of the command line with what it was taken for.
type word struct {
	text   string
	kind   kind
	option *Option // nil if text looks like an option but is none
	name   string  // the option's spelling that was meant
	value  string  // what is joined to the option, if joined is set
	joined bool
}

type kind int

const (
	argument kind = iota // a value, or a word too many
	dashes               // the first "--", never a value
	option
)

// classify tells options from values, before any of them takes effect.
func (r *run) classify(args []string) *Exit {
	onlyValues := false
	for _, text := range args {
		w := word{text: text}
		switch {
		case onlyValues:
		case text == "--":
			onlyValues = true
			w.kind = dashes
		default:
			var exit *Exit
			if w, exit = r.parser.classify(text); exit != nil {
				return exit
			}
		}
		r.words = append(r.words, w)
	}
	return nil
}

// A word of this form is a value, as in "-l -5". Python's $ fits before a last newline too.
var negativeNumber = regexp.MustCompile(`\A-(\d+|\d*\.\d+)\n?\z`)

func (p *Parser) classify(text string) (word, *Exit) {
	if len(text) < 2 || text[0] != '-' {
		return word{text: text}, nil
	}
	if o := p.byName[text]; o != nil {
		return word{text: text, kind: option, option: o, name: text}, nil
	}
	if name, value, found := strings.Cut(text, "="); found && p.byName[name] != nil {
		return word{text, option, p.byName[name], name, value, true}, nil
	}
	fits := p.abbreviated(text)
	if len(fits) > 1 {
		names := make([]string, len(fits))
		for i, w := range fits {
			names[i] = w.name
		}
		// Python 2.7 lists them in the order of its hash table, which for two names that
		// share a prefix is mostly the alphabet's.
		slices.Sort(names)
		return word{}, p.UsageError("ambiguous option: " + text + " could match " +
			strings.Join(names, ", "))
	}
	if len(fits) == 1 {
		return fits[0], nil
	}
	if negativeNumber.MatchString(text) || strings.Contains(text, " ") {
		return word{text: text}, nil
	}
	return word{text: text, kind: option}, nil
}

// abbreviated returns the options that text may stand for: those whose long name it begins,
// or the short one whose value is joined to it.
func (p *Parser) abbreviated(text string) []word {
	if !strings.HasPrefix(text, "--") {
		if o := p.byName[text[:2]]; o != nil {
			return []word{{text, option, o, text[:2], text[2:], true}}
		}
		return nil
	}
	prefix, value, joined := strings.Cut(text, "=")
	var fits, further []word
	for _, o := range p.options() {
		name := "--" + o.Name
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		w := word{text, option, o, name, value, joined}
		if o.further {
			further = append(further, w)
		} else {
			fits = append(fits, w)
		}
	}
	if len(fits) == 0 {
		return further
	}
	return fits
}

// quote writes a string as Python 2's repr does.
func quote(s string) string {
	mark := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		mark = '"'
	}
	const hex = "0123456789abcdef"
	b := []byte{mark}
	for i := range len(s) {
		switch c := s[i]; {
		case c == mark || c == '\\':
			b = append(b, '\\', c)
		case c == '\t':
			b = append(b, `\t`...)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c < ' ' || c >= 0x7f:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return string(append(b, mark))
}
