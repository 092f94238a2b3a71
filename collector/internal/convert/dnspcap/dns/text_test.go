package dns

import (
	"testing"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"plain <text> \"'\\|":      "plain <text> \"'\\|",
		"a,b":                      `a\054b`,
		"\x00\x01\x06\x07\x08":     `\000\001\006\a\b`,
		"\t\n\v\f\r\x0e":           `\t\n\v\f\r\016`,
		"\x1b\x7f":                 `\033\177`,
		"é世😀":                      "é世😀",
		"\u0085\u009f":             `\u0085\u009F`,
		"\u00a0\u2028\ue000\u0301": "\u00a0\u2028\ue000\u0301",
		"\u00ad\u200b\u202e\ufeff": `\u00AD\u200B\u202E\uFEFF`,
		"\ufffe\U000e0001":         `\uFFFE\U000E0001`,
		"\U0010ffff":               `\U0010FFFF`,
		"\u0378":                   `\u0378`, // not assigned

		// Wrong encodings, and those that are longer than need be.
		"\x80\xbf":                             "\ufffd\ufffd",
		"\xfe\xff":                             "\ufffd\ufffd",
		"a\xc3(":                               "a\ufffd(",
		"\xe4\xb8":                             "\ufffd",
		"\xe4\xb8x":                            "\ufffdx",
		"\xed\xa0\x80":                         "\ufffd", // a surrogate
		"\xf4\x90\x80\x80":                     "\ufffd", // beyond Unicode
		"\xf8\x88\x80\x80\x80":                 "\ufffd",
		"\xfc\x84\x80\x80\x80\x80\x80":         "\ufffd\ufffd",
		"\xc1\xa1\xe0\x9f\x80":                 "a\u07c0",
		"\xc0\xac\xe0\x80\xac\xf0\x80\x80\xac": `\054\054\054`,
		"\xc0\x8a":                             `\u000A`,
	} {
		if got := string(appendText(nil, []byte(text))); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
