package man

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"spot-ingest/pkg/cli"
)

// A program is one of the two, with its page and its heading in README.md.
type program struct {
	name, page string
	parser     func() *cli.Parser
}

var programs = []program{
	{"spot-collector", "spot-collector.1", func() *cli.Parser { return cli.Collector(&cli.CollectorArgs{}, hooks) }},
	{"spot-listener", "spot-listener.1", func() *cli.Parser { return cli.Listener(&cli.ListenerArgs{}, hooks) }},
}

var hooks = cli.Hooks{
	Load:       func(string) error { return nil },
	IsPipeline: func(string) bool { return false },
}

// helpLine is an option of the help, as in "  -c , --config-file    path": its letter, its name, and
// what follows the name.
var helpLine = regexp.MustCompile(`(?m)^  (?:(-\w)(\s.*?)?, )?(--[a-z-]+)(.*)$`)

// options returns the options of a program as the page writes them, with "value" for those that
// take one.
func (p program) options(t *testing.T) map[string]string {
	t.Helper()
	help := p.parser().Parse([]string{"--help"})
	if help == nil || help.Code != 0 {
		t.Fatalf("%s --help: %+v", p.name, help)
	}
	options := map[string]string{}
	for _, found := range helpLine.FindAllStringSubmatch(help.Text, -1) {
		letter, metavar, name, rest := found[1], found[2], found[3], found[4]
		value := ""
		if metavar != "" || len(rest) > 1 && rest[0] == ' ' && rest[1] != ' ' {
			value = "value"
		}
		options[strings.TrimSpace(letter+" "+name)] = value
	}
	return options
}

// Every option is in OPTIONS, with its letter and with an argument if it takes one, and no other.
func TestOptions(t *testing.T) {
	for _, p := range programs {
		got := map[string]string{}
		for _, item := range readPage(t, p.page)["OPTIONS"].items() {
			names, value := "", ""
			for i := 0; i+1 < len(item); i++ {
				switch item[i] {
				case "Fl":
					names += " -" + item[i+1]
				case "Ar":
					value = "value"
				}
			}
			got[strings.TrimSpace(names)] = value
		}
		compare(t, p.page+": option", got, p.options(t))
	}
}

// The synopsis has every option but --help and --version.
func TestSynopsis(t *testing.T) {
	for _, p := range programs {
		synopsis := strings.Join(readPage(t, p.page)["SYNOPSIS"], "\n") + "\n"
		for names, value := range p.options(t) {
			first, _, _ := strings.Cut(names, " ")
			if first == "-h" || first == "--version" {
				continue
			}
			want := `Fl ` + regexp.QuoteMeta(first[1:])
			if value != "" {
				want += ` Ar [A-Z]+`
			}
			if !regexp.MustCompile(want + `[ \n]`).MatchString(synopsis) {
				t.Errorf("%s: SYNOPSIS lacks %s %s", p.page, first, value)
			}
		}
	}
}

// The examples are command lines that the programs take.
func TestExamples(t *testing.T) {
	for _, p := range programs {
		tried := 0
		for _, words := range readPage(t, p.page)["EXAMPLES"].examples() {
			if words[0] != p.name {
				continue
			}
			tried++
			if exit := p.parser().Parse(words[1:]); exit != nil {
				t.Errorf("%s: %q: %s", p.page, words, exit.Text)
			}
		}
		if tried < 3 {
			t.Errorf("%s has %d examples", p.page, tried)
		}
	}
}

// tableRow is a row of a table of README.md whose first column is code.
var tableRow = regexp.MustCompile("(?m)^\\| (`[^|]*) \\|(.*)\\|$")

// readme returns the first and the other columns of the tables below a heading of README.md,
// whose tests compare it with the code.
func readme(t *testing.T, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, below, found := strings.Cut(string(text), "\n"+heading+"\n")
	level := strings.IndexByte(heading, ' ')
	if end := regexp.MustCompile(fmt.Sprintf(`\n#{1,%d} `, level)).FindStringIndex(below); end != nil {
		below = below[:end[0]]
	}
	rows := tableRow.FindAllStringSubmatch(below, -1)
	if !found || rows == nil {
		t.Fatalf("README.md has no table below %q", heading)
	}
	for i, row := range rows {
		rows[i] = row[1:]
	}
	return rows
}

var quoted = regexp.MustCompile("`([^`]+)`")

// The variables of README.md are in ENVIRONMENT of the program that heeds them.
func TestEnvironment(t *testing.T) {
	want := map[string]map[string]string{"collector": {}, "listener": {}}
	for _, row := range readme(t, "### Environment") {
		for who, variables := range want {
			other := map[string]string{"collector": "listener", "listener": "collector"}[who]
			if strings.HasPrefix(strings.TrimSpace(row[1]), other+":") {
				continue
			}
			for _, name := range quoted.FindAllStringSubmatch(row[0], -1) {
				variables[name[1]] = ""
			}
		}
	}
	// These are the system's: README.md need not tell of them.
	for who, names := range map[string][]string{"collector": {"HOME", "PATH"}, "listener": {"PATH", "TMPDIR"}} {
		for _, name := range names {
			want[who][name] = ""
		}
	}
	for who, variables := range want {
		got := map[string]string{}
		for _, item := range readPage(t, "spot-"+who+".1")["ENVIRONMENT"].items() {
			for i, word := range item {
				if word == "Ev" {
					got[item[i+1]] = ""
				}
			}
		}
		compare(t, who+": variable", got, variables)
	}
}

// The codes of README.md are in EXIT STATUS.
func TestExitStatus(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, below, _ := strings.Cut(string(text), "\n## Exit codes\n")
	below, _, _ = strings.Cut(below, "\n## ")
	want := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9]+) \|`).FindAllStringSubmatch(below, -1) {
		want[row[1]] = ""
	}
	for _, p := range programs {
		got := map[string]string{}
		for _, item := range readPage(t, p.page)["EXIT STATUS"].items() {
			got[item[0]] = ""
		}
		compare(t, p.page+": exit status", got, want)
	}
}
