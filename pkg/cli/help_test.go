package cli

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the expected help texts anew")

func TestHelp(t *testing.T) {
	for _, program := range []string{"collector", "listener"} {
		t.Setenv("COLUMNS", "")
		p, _ := line{Program: program}.program()
		exit := p.Parse([]string{"-h"})
		if exit == nil || exit.Code != 0 {
			t.Fatalf("%s -h: %+v", program, exit)
		}
		name := "testdata/" + program + "_help.txt"
		if *update {
			if err := os.WriteFile(name, []byte(exit.Text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if exit.Text != string(want) {
			t.Errorf("%s -h: got\n%s\nwant\n%s", program, exit.Text, want)
		}
	}
}

// TestOriginalOutput compares with what the Python programs printed.
func TestOriginalOutput(t *testing.T) {
	dir := "../../../shared/golden/cli"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no output of the Python programs to compare with: ", err)
	}
	t.Setenv("COLUMNS", "")
	for file, l := range map[string]line{
		"help.out":          {Args: []string{"-h"}},
		"listener_help.out": {Program: "listener", Args: []string{"--help"}},
		"noargs.err":        {},
		"badtype.err":       {Args: []string{"--topic", "T", "-t", "foo"}},
	} {
		p, _ := l.program()
		exit := p.Parse(l.Args)
		if exit == nil {
			t.Fatalf("%s: no output", file)
		}
		want, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if got := withoutFurther(exit.Text); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
}

// withoutFurther cuts the group of further arguments out of a help text.
func withoutFurther(help string) string {
	before, rest, found := strings.Cut(help, "further arguments:\n")
	if !found {
		return help
	}
	_, after, _ := strings.Cut(rest, "\n\n")
	return before + after
}

// A short program name has its options beside it in the usage.
func TestUsageOfShortName(t *testing.T) {
	f := flag.NewFlagSet("prog", flag.ContinueOnError)
	f.String("alpha", "", "")
	f.String("beta", "", "")
	f.String("gamma", "", "")
	p := New(f, "optional arguments", Option{Name: "alpha", Metavar: "A"}, Option{Name: "beta", Metavar: "B"})
	p.Group("mandatory arguments", Option{Name: "gamma", Metavar: "G", Required: true})
	for columns, want := range map[string]string{
		"":   "usage: prog [-h] [--alpha A] [--beta B] --gamma G\n",
		"41": "usage: prog [-h] [--alpha A] [--beta B]\n            --gamma G\n",
		"40": "usage: prog [-h] [--alpha A]\n            [--beta B] --gamma G\n",
	} {
		t.Setenv("COLUMNS", columns)
		if got := p.usage(); got != want {
			t.Errorf("COLUMNS=%s: got\n%s\nwant\n%s", columns, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	tests := []struct {
		text  string
		width int
		want  []string
	}{
		{"", 11, []string{""}},
		{"one two three", 11, []string{"one two", "three"}},
		{"  one \n\ttwo ", 11, []string{"one two"}},
		{"twelve elevens", 11, []string{"twelve", "elevens"}},
		{"exactlyeleven", 13, []string{"exactlyeleven"}},
		{"abcdefghijklm", 11, []string{"abcdefghijk", "lm"}},
		{"ab abcdefghijklm", 11, []string{"ab abcdefgh", "ijklm"}},
		{"a comma-separated list", 11, []string{"a comma-", "separated", "list"}},
		{"the (newly-made) one", 11, []string{"the (newly-", "made) one"}},
		{"of 2018-03-20 it is", 11, []string{"of", "2018-03-20", "it is"}},
		{"use the -b-option", 12, []string{"use the", "-b-option"}},
		{"a1-bc-de fghijkl", 11, []string{"a1-bc-de", "fghijkl"}},
		{"xxxxxxx a1-bc-de", 13, []string{"xxxxxxx a1", "-bc-de"}},
	}
	for _, tt := range tests {
		if got := wrap(tt.text, tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("wrap(%q, %d): got %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}
