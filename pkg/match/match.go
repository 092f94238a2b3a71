// Package match tells whether a file is one of those to be collected, by its base
// name: the patterns are regular expressions in Python 2.7's syntax, tried by a search
// that isn't anchored, as re.search does.
//
// Patterns are translated into those of package regexp, so a hostile name or pattern
// costs linear time. What that engine can't do is refused when the pattern is compiled:
// look-ahead, look-behind, back-references, conditional groups, more than 1,000
// repeats, the flags L, t, u and x, and a $ that more of the pattern follows (it stands
// before a last newline too, which takes a look-ahead). What Python refuses is refused
// as well. Everything else means what it means in Python 2.7:
//
//	{,n}                     none to n times (package regexp takes it literally)
//	{ without a count        a brace
//	\Z, $                    the end; the end, or before a newline there
//	\d \w \s \b, (?i)        ASCII only; \s has the vertical tab
//	(?i) (?m) (?s)           hold for the whole pattern wherever they stand
//	\Q \C \z \p and the like the letter itself
//	[[:alpha:]]              a set that ends at the first ]
//
// A name that is UTF-8 is a string of characters; each byte that isn't is one character
// of its own, which "." and a negated set match and no literal does but U+FFFD.
package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// A Set is a list of compiled patterns. It may be used from several goroutines.
type Set struct {
	patterns []*regexp.Regexp
}

// Compile compiles the patterns. The error names the first pattern that is refused, by
// its number from 1 on, with its text, the place and the reason.
func Compile(patterns []string) (*Set, error) {
	s := &Set{}
	for i, pattern := range patterns {
		re, err := compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("pattern %d, %q: %w", i+1, pattern, err)
		}
		s.patterns = append(s.patterns, re)
	}
	return s, nil
}

func compile(pattern string) (*regexp.Regexp, error) {
	text, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	re, err := regexp.Compile(text)
	if tooLarge(err) {
		return nil, errors.New("its repeats are too many or too deeply nested: 1,000 in all is the limit")
	}
	return re, err
}

// tooLarge tells a limit of the engine, which the translator leaves to it, from an error
// of the translator.
func tooLarge(err error) bool {
	var limit *syntax.Error
	if !errors.As(err, &limit) {
		return false
	}
	switch limit.Code {
	case syntax.ErrInvalidRepeatSize, syntax.ErrLarge, syntax.ErrNestingDepth:
		return true
	}
	return false
}

// Match tells whether one of the patterns is found in base, a file's name without its
// folder (never empty). A set without patterns takes every name.
func (s *Set) Match(base string) bool {
	for _, re := range s.patterns {
		if re.MatchString(base) {
			return true
		}
	}
	return len(s.patterns) == 0
}
