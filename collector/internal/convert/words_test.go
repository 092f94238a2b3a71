package convert

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestSplitWords(t *testing.T) {
	tests := []struct {
		text string
		want []string
		err  string // part of the error
	}{
		{text: ""},
		{text: " \t "},
		{text: "-q", want: []string{"-q"}},
		{text: " -a  -b\t-c ", want: []string{"-a", "-b", "-c"}},
		{text: `-E separator=, -e dns.a 'dns.flags.response == 1'`, want: []string{"-E", "separator=,", "-e", "dns.a", "dns.flags.response == 1"}},
		{text: `"proto tcp" and\ more`, want: []string{"proto tcp", "and more"}},
		{text: `a'b c'"d e"f`, want: []string{"ab cd ef"}},
		{text: `'' ""`, want: []string{"", ""}},
		{text: `'a\b$(c)' "a\"b\\c\d"`, want: []string{`a\b$(c)`, `a"b\c\d`}},
		{text: `"\$HOME \` + "`" + `"`, want: []string{"$HOME `"}},
		{text: `\$HOME \~ \# \'`, want: []string{"$HOME", "~", "#", "'"}},
		{text: "a\\\nb \\\n c", want: []string{"ab", "c"}},
		{text: "\"a\\\nb\"", want: []string{"ab"}},
		{text: "'a\nb'", want: []string{"a\nb"}},
		{text: `*.pcap ? [a-z] a=b !x {a,b} a~b`, want: []string{"*.pcap", "?", "[a-z]", "a=b", "!x", "{a,b}", "a~b"}},
		{text: `a#b # the rest | is > a comment`, want: []string{"a#b"}},
		{text: `#`},
		{text: "\u00e4 \xff", want: []string{"\u00e4", "\xff"}},

		{text: `-q | tee x`, err: "|"}, {text: `a & b`, err: "&"}, {text: `a; b`, err: ";"},
		{text: `a >x`, err: ">"}, {text: `a 2>x`, err: ">"}, {text: `a <x`, err: "<"},
		{text: `(a)`, err: "("}, {text: `a)`, err: ")"},
		{text: `$HOME`, err: "$"}, {text: "`id`", err: "`"}, {text: `a"$b"`, err: "$"}, {text: "\"`id`\"", err: "`"},
		{text: `~/x`, err: "home folder"}, {text: "a \\\n~/x", err: "home folder"},
		{text: "a\nb", err: "line end"}, {text: "a # b\nc", err: "line end"},
		{text: `'a`, err: "single quote"}, {text: `"a`, err: "double quote"}, {text: `"a\"`, err: "double quote"},
		{text: `a\`, err: "backslash"},
		{text: "a\x00b", err: "NUL"}, {text: "'a\x00b'", err: "NUL"}, {text: "\"\x00\"", err: "NUL"}, {text: "\\\x00", err: "NUL"}, {text: "#\x00", err: "NUL"},
	}
	for _, tt := range tests {
		got, err := splitWords(tt.text)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: error %v, want one about %s", tt.text, err, tt.err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

// TestSplitLikeShell has a real shell split what is accepted: strings made of the
// characters that mean something to it.
func TestSplitLikeShell(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh on the PATH")
	}
	pieces := []string{"a", "b=", "'", "'", `"`, `"`, `\`, " ", " ", "\t", "\\\n", "#", "~", "*", "?", "[", "{", "}", ",", "!", "-", "é", "\n", "$", ";"}
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for accepted < 500 {
		var text string
		for range 1 + random.IntN(10) {
			text += pieces[random.IntN(len(pieces))]
		}
		words, err := splitWords(text)
		if err != nil {
			continue
		}
		accepted++
		cmd := exec.Command(shell, "-c", `printf '%s\0' begin `+text)
		cmd.Dir = t.TempDir() // empty, so that no pattern matches
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%q: %s: %v", text, shell, err)
			continue
		}
		want := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")[1:]
		if !slices.Equal(words, want) {
			t.Errorf("%q: %q, but %s says %q", text, words, shell, want)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	f.Add("-E header=y 'dns.flags.response == 1'")
	f.Add(`a\ "b\"c" ''#`)
	f.Fuzz(func(t *testing.T, text string) {
		words, err := splitWords(text)
		if err != nil {
			return
		}
		// Quoted, each word comes out as it went in.
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		again, err := splitWords(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q: %q becomes %q, %v", text, words, again, err)
		}
		total := 0
		for _, w := range words {
			total += len(w)
		}
		if total > len(text) {
			t.Errorf("%q grew to %q", text, words)
		}
	})
}

func ExampleError() {
	err := &Error{Kind: Exited, Tool: Nfdump, File: "nfcapd.201803200900", ExitCode: 250, Said: "bad version: 2"}
	fmt.Println(err)
	// Output: convert nfcapd.201803200900: nfdump exited with 250: bad version: 2
}
