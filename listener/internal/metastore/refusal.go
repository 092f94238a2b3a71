package metastore

import (
	"strings"
	"unicode/utf8"
)

// A refusal is an error that Hive answered with, as opposed to no answer.
type refusal struct {
	exception error // of the protocol, or nil
	text      string
}

func (r *refusal) Error() string { return "hive says: " + r.text }

func (r *refusal) Unwrap() error { return r.exception }

// maxText is how many bytes of Hive's own words an error repeats.
const maxText = 500

// brief returns the first line of what Hive says, which often goes on with a Java stack,
// or the beginning of it.
func brief(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.ToValidUTF8(strings.TrimSpace(text), "\uFFFD")
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
