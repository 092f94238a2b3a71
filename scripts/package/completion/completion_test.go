package completion

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"spot-ingest/pkg/cli"
)

// complete does what bash does at the tab key behind the last of the words, and prints each reply
// between NULs; a reply of "FILES" stands for what bash itself completes. Whatever else a user's
// bash may be set to must not matter.
const complete = `
set -u
source "$1" || exit
shift
compopt() { [[ $* == "-o default" ]] && COMPREPLY+=(FILES); }
IFS=o
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
words=$(complete -p "${1##*/}") || exit
function=${words#*-F }
"${function%% *}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
if ((${#COMPREPLY[@]})); then printf '%s\0' "${COMPREPLY[@]}"; fi
`

// reply returns what is offered for the last of the words in the folder.
func reply(t *testing.T, dir string, words ...string) []string {
	t.Helper()
	file, err := filepath.Abs("spot-ingest.bash")
	if err == nil {
		_, err = os.Stat(file) // so that go test runs again when it has changed
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("bash", append([]string{"--norc", "-c", complete, "bash", file}, words...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%q: %v\n%s", words, err, stderr.String())
	}
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(s string) bool { return s == "" })
}

func TestComplete(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ingest_conf.json": `{"pipelines": {"flow": {"type": "flow"}, "flow_internals": {"type": "flow"}}}`,
		"a b.json":         `{"pipelines": {"blank": {}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const levels = "DEBUG INFO WARNING ERROR CRITICAL"
	for _, tt := range []struct{ words, want string }{
		{"collector --b", "--backlog --backlog-since"},
		{"spot-collector --once --res", "--resend"},
		{"./bin/collector --j", "--json-logs"},
		{"collector --engine", ""},
		{"collector x", ""},
		{"listener --e", "--engine"},
		{"spot-listener -p 1 --cr", "--create-table"},
		{"listener --resend", ""},

		{"collector -l |", levels},
		{"collector --log-level W", "WARNING"},
		{"collector --log-level = E", "ERROR"},
		{"listener --log-level =", levels},
		{"listener -l D", "DEBUG"},
		{"listener -d |", "client cluster"},
		{"listener --deploy-mode = cl", "client cluster"},
		{"listener -m l", "local"},
		{"listener --engine |", "embedded spark"},
		{"listener --from |", "earliest latest"},
		{"listener --from = e", "earliest"},

		{"collector -c |", "FILES"},
		{"collector --config-file = in", "FILES"},
		{"collector --resend |", "FILES"},
		{"listener -r |", "FILES"},
		{"listener --redirect-spark-logs x", "FILES"},

		{"collector --topic |", ""},
		{"collector --backlog-since |", ""},
		{"listener -g |", ""},
		{"listener -n |", ""},
		{"listener -p |", ""},
		{"listener --topic = |", ""},
		{"listener --bad-row-limit |", ""},

		{"collector -t |", "dns flow proxy flow_internals"},
		{"spot-listener --type f", "flow flow_internals"},
		{"collector --type = p", "proxy"},
		{"collector --type =", "dns flow proxy flow_internals"},
		{"collector -t 'f", "flow flow_internals"},
		{"collector -c none.json -t |", "dns flow proxy"},
		{"collector -c . -t |", "dns flow proxy"},
		{"collector -c |a\\ b.json -t b", "blank"},
		{"collector --config-file = |'a b.json' -t b", "blank"},
		{"collector -t b -c |~/a\\ b.json", "FILES"},
		{"listener -c ingest_conf.json -c |~/a\\ b.json -t b", "blank"},
		{`listener -c "ingest_conf.json" -t flow_`, "flow_internals"},
	} {
		if got := strings.Join(reply(t, dir, split(tt.words)...), " "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.words, got, tt.want)
		}
	}
}

// split cuts at blanks; behind a bar blanks belong to the word up to the file's ending, and a
// bar alone is an empty word.
func split(line string) []string {
	var words []string
	for _, word := range regexp.MustCompile(`\|\S.*?json'?|\S+`).FindAllString(line, -1) {
		words = append(words, strings.TrimPrefix(word, "|"))
	}
	return words
}

// Pipelines are found in whatever a configuration may look like, and never taken for more than
// text.
func TestPipelines(t *testing.T) {
	shipped, err := os.ReadFile("../../../ingest_conf.json")
	if err != nil {
		t.Fatal(err)
	}
	const types = "dns flow proxy"
	for _, tt := range []struct{ text, want string }{
		{string(shipped), types},
		{``, types},
		{`{"pipelines": {}}`, types},
		{`{"pipelines":{"a":{"type":"dns","deep":{"no":1}},"b" : {"supported_files":["x{","y"]} , "c":{}}, "other":{"d":{}}}`, types + " a b c"},
		{"{\r\n\t\"other\": [{\"pipelines\": {\"no\": {}}}],\r\n\t\"pipelines\"\r\n:\r\n{ \"a\"\r\n\t:\r\n{} } }", types + " a"},
		{`{"x": "pipelines", "y": {"a": 1}}`, types},
		{`{"kafka": {"pipelines": {"no": {}}}, "pipelines": {"yes": {}}}`, types + " yes"},
		{`{"p": "say \"pipelines\": {\"no\": {", "q": "C:\\", "pipelines": {"a": {"process_opt": "\"{[ }\\\\\""}, "b": {}}}`, types + " a b"},
		{`{"pipelines": {"qu\"ote": {}, "back\\slash": {}, "u\u00e9": {}, "ok": {}}}`, types + " ok"},
		{`{"pipelines": {"$(touch made)": {}, "` + "`touch made`" + `": {}, "a b": {}, "*": {}, "it's": {}, "-x": {}, "a": {}, "a": {}}}`,
			types + " " + `\$\(touch\ made\) \` + "`touch\\ made\\`" + ` a\ b \* it\'s -x a`},
		{`{"pipelines": {"unfinished": {`, types + " unfinished"},
		{"\x00\xff\"\"\"{{{", types},
		{strings.Repeat(" ", 70_000) + `{"pipelines": {"far": {}}}`, types},
		{`{"pipelines": {"größe": {}}}`, types + " größe"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ingest_conf.json"), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("LC_ALL", "C.UTF-8")
		if got := strings.Join(reply(t, dir, "collector", "-t", ""), " "); got != tt.want {
			t.Errorf("%.200q: got\n%s, want\n%s", tt.text, got, tt.want)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("%.200q: the folder has %v (%v)", tt.text, left, err)
		}
	}
}

// A word that is typed with quoting finds the name.
func TestQuotedPipelines(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ingest_conf.json"), []byte(`{"pipelines": {"a b": {}, "a c": {}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string][]string{
		"a":      {`a\ b`, `a\ c`},
		`a\ `:    {`a\ b`, `a\ c`},
		`a\ c`:   {`a\ c`},
		`"a `:    {"a b", "a c"},
		`'a b`:   {"a b"},
		`a\ b\ `: nil,
	} {
		if got := reply(t, dir, "collector", "-t", typed); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", typed, got, want)
		}
	}
}

// helpLine is an option of the help, as in "  -c , --config-file    path".
var helpLine = regexp.MustCompile(`(?m)^  (?:(-\w)(?:\s.*?)?, )?(--[a-z-]+)`)

// Every option that a program takes is offered, and no other.
func TestOptions(t *testing.T) {
	for name, parser := range map[string]*cli.Parser{
		"collector": cli.Collector(&cli.CollectorArgs{}, cli.Hooks{}),
		"listener":  cli.Listener(&cli.ListenerArgs{}, cli.Hooks{}),
	} {
		help := parser.Parse([]string{"--help"})
		if help == nil || help.Code != 0 {
			t.Fatalf("%s --help: %+v", name, help)
		}
		var want []string
		for _, found := range helpLine.FindAllStringSubmatch(help.Text, -1) {
			want = append(want, slices.DeleteFunc(found[1:], func(s string) bool { return s == "" })...)
		}
		slices.Sort(want)
		for _, command := range []string{name, "spot-" + name} {
			got := reply(t, t.TempDir(), command, "-")
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q\nwant %q", command, got, want)
			}
		}
	}
}
