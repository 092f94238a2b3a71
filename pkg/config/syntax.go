package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// explain turns the decoder's error into the place and the most likely mistake.
func explain(text []byte, err *json.SyntaxError) error {
	if strings.HasPrefix(err.Error(), "unexpected end") {
		return fmt.Errorf("%s: the file ends too early: %s", position(text, len(text)), missingEnd(text))
	}
	at := int(err.Offset) - 1 // the offset counts the byte at fault
	r, _ := utf8.DecodeRune(text[at:])
	return fmt.Errorf("%s: unexpected %q: %s", position(text, at), r, hint(text, at))
}

// position gives line and column, from 1 on, the latter in characters.
func position(text []byte, at int) string {
	before := text[:at]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

func missingEnd(text []byte) string {
	if len(bytes.TrimSpace(text)) == 0 {
		return "it is empty"
	}
	return `a ", a ] or a } is missing`
}

// hint says what is usually wrong where such a character stands.
func hint(text []byte, at int) string {
	before := bytes.TrimRight(text[:at], " \t\r\n")
	last := byte(0)
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	switch c := text[at]; {
	case at > 0 && text[at-1] == '\\':
		return `in JSON a backslash is written twice, as in "\\.log"`
	case c < ' ':
		return `the string before it has no closing "`
	case last == ',' && (c == '}' || c == ']'):
		return "the comma before it is one too many"
	case c == '\'' || c == '#' || c == '/' || c >= utf8.RuneSelf:
		return `strings stand in straight double quotes "…", and JSON has no comments`
	case last == '}' && json.Valid(before):
		return "the object that the file holds has ended before it"
	case c == '"' || c == '{' || c == '[':
		return "a comma or a colon is missing before it"
	}
	return `strings need double quotes; without them there are numbers, true, false and null, and one comma between two entries`
}
