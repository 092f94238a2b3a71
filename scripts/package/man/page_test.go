package man

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A section is the lines of a page below one heading, from .Sh to .Sh or from .Ss to the next.
type section []string

// A page is a manual page by its headings, those of .Ss among them.
type page map[string]section

func readPage(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p, above, heading := page{}, "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if title, found := strings.CutPrefix(line, ".Sh "); found {
			above, heading = title, title
		} else if title, found := strings.CutPrefix(line, ".Ss "); found {
			heading = title
		} else if heading != "" {
			p[heading] = append(p[heading], line)
			if heading != above {
				p[above] = append(p[above], line)
			}
		}
	}
	return p
}

// items returns the words of the tags of a list, such as .It Fl h , Fl -help.
func (s section) items() [][]string {
	var items [][]string
	for _, line := range s {
		if words := strings.Fields(line); len(words) > 0 && words[0] == ".It" {
			items = append(items, words[1:])
		}
	}
	return items
}

// examples returns the command lines of .Dl.
func (s section) examples() [][]string {
	var lines [][]string
	for _, line := range s {
		if command, found := strings.CutPrefix(line, ".Dl "); found {
			lines = append(lines, strings.Fields(command))
		}
	}
	return lines
}

// literal returns the lines between .Bd and .Ed.
func (s section) literal() string {
	from := slices.IndexFunc(s, func(line string) bool { return strings.HasPrefix(line, ".Bd") })
	to := slices.Index(s, ".Ed")
	if from < 0 || to < from {
		return ""
	}
	return strings.Join(s[from+1:to], "\n")
}

// compare wants the page to have what there is, and nothing else.
func compare(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if len(want) == 0 {
		t.Fatalf("%s: nothing to compare with", what)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, found := got[name]; !found {
			t.Errorf("%s %s is missing", what, name)
		} else if got[name] != want[name] {
			t.Errorf("%s %s: got %q, want %q", what, name, got[name], want[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, found := want[name]; !found {
			t.Errorf("%s %s is none", what, name)
		}
	}
}

var pages = []string{"spot-collector.1", "spot-listener.1", "ingest_conf.json.5"}

// Each page has its sections, in the order that manuals have them, and refers to pages of this
// manual that exist.
func TestSections(t *testing.T) {
	order := []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SIGNALS", "EXAMPLES", "SEE ALSO"}
	reference := regexp.MustCompile(`(?m)^\.Xr ((?:spot-|ingest_)\S+) ([15])`)
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want := order
		if strings.HasSuffix(name, ".5") {
			want = []string{"NAME", "DESCRIPTION", "FILES", "EXAMPLES", "SEE ALSO"}
		}
		var got []string
		for _, found := range regexp.MustCompile(`(?m)^\.Sh (.*)$`).FindAllStringSubmatch(string(text), -1) {
			got = append(got, found[1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the sections %q, want %q", name, got, want)
		}
		for _, found := range reference.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(pages, found[1]+"."+found[2]) {
				t.Errorf("%s refers to %s(%s)", name, found[1], found[2])
			}
		}
		// A line that begins with a dot or a quote is a macro or a comment for roff.
		for i, line := range strings.Split(string(text), "\n") {
			if strings.HasPrefix(line, "'") || line != strings.TrimRight(line, " ") || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
				t.Errorf("%s:%d: %q", name, i+1, line)
			}
		}
	}
}
