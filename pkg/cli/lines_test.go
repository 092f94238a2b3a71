package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A line is a command line of testdata/lines.json; generate.py beside it tells what its
// fields mean.
type line struct {
	Program  string   `json:"program"`
	Args     []string `json:"args"`
	Files    []string `json:"files"`
	Note     string   `json:"note"`
	Want     answer   `json:"want"`
	Argparse *answer  `json:"argparse"`
}

type answer struct {
	Code   int               `json:"code"`
	Stream string            `json:"stream"`
	Last   string            `json:"last"`
	Values map[string]string `json:"values"`
}

func (a answer) equal(b answer) bool {
	return a.Code == b.Code && a.Stream == b.Stream && a.Last == b.Last && maps.Equal(a.Values, b.Values)
}

func readLines(t *testing.T, data []byte) []line {
	t.Helper()
	var lines []line
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// program returns the parser that the line is for, and how to read what it has set.
func (l line) program() (*Parser, func() map[string]string) {
	files := []string{"ingest_conf.json"}
	if l.Files != nil {
		files = nil
		for _, f := range l.Files {
			files = append(files, fromLatin1(f))
		}
	}
	loaded := false
	hooks := Hooks{
		Load: func(path string) error {
			if !slices.Contains(files, path) {
				return fmt.Errorf(`configuration file "%s" not found`, path)
			}
			loaded = true
			return nil
		},
		IsPipeline: func(name string) bool { return loaded && name == "dns_server_1" },
		Version:    "version 0",
	}
	if l.Program == "listener" {
		var a ListenerArgs
		return Listener(&a, hooks), a.given
	}
	var a CollectorArgs
	return Collector(&a, hooks), a.given
}

func (a *CollectorArgs) given() map[string]string {
	since := ""
	if !a.BacklogSince.IsZero() {
		since = a.BacklogSince.Format(time.RFC3339)
	}
	return without(map[string]string{
		"config-file": a.ConfigFile, "log-level": a.LogLevel, "topic": a.Topic, "type": a.Type,
		"skip-conversion": strconv.FormatBool(a.SkipConversion), "once": strconv.FormatBool(a.Once),
		"backlog": strconv.FormatBool(a.Backlog), "json-logs": strconv.FormatBool(a.JSONLogs),
		"backlog-since": since, "resend": strings.Join(a.Resend, "|"),
	})
}

func (a *ListenerArgs) given() map[string]string {
	return without(map[string]string{
		"config-file": a.ConfigFile, "deploy-mode": a.DeployMode, "group-id": a.GroupID,
		"log-level": a.LogLevel, "master": a.Master, "app-name": a.AppName,
		"redirect-spark-logs": a.RedirectSparkLogs, "partitions": strconv.Itoa(a.Partitions),
		"type": a.Type, "topic": a.Topic, "engine": a.Engine, "from": a.From.Text,
		"once": strconv.FormatBool(a.Once), "bad-row-limit": strconv.Itoa(a.BadRowLimit),
		"create-table": strconv.FormatBool(a.CreateTable), "json-logs": strconv.FormatBool(a.JSONLogs),
	})
}

// without removes the defaults; an option that must be given has none.
func without(values map[string]string) map[string]string {
	defaults := map[string]string{"config-file": "ingest_conf.json", "log-level": "INFO",
		"deploy-mode": "client", "bad-row-limit": "-1"}
	mandatory := []string{"topic", "type", "partitions"}
	maps.DeleteFunc(values, func(name, value string) bool {
		return !slices.Contains(mandatory, name) &&
			(value == defaults[name] || value == "false")
	})
	return values
}

func (l line) run() answer {
	p, given := l.program()
	args := make([]string, len(l.Args))
	for i, a := range l.Args {
		args[i] = fromLatin1(a)
	}
	exit := p.Parse(args)
	if exit == nil {
		values := given()
		for name, value := range values {
			values[name] = toLatin1(value)
		}
		return answer{Values: values}
	}
	var stdout, stderr strings.Builder
	a := answer{Code: exit.Write(&stdout, &stderr), Stream: "stdout"}
	text := stdout.String()
	if text == "" {
		a.Stream, text = "stderr", stderr.String()
	} else if stderr.Len() > 0 {
		a.Stream = "both"
	}
	text, _ = strings.CutSuffix(text, "\n")
	// An unrecognized argument may hold newlines.
	if at := strings.Index(text, "\n"+p.flags.Name()+": error: "); at >= 0 {
		text = text[at+1:]
	} else {
		text = text[strings.LastIndex(text, "\n")+1:]
	}
	a.Last = toLatin1(text)
	return a
}

// fromLatin1 turns each character of the table into the byte it stands for.
func fromLatin1(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

func toLatin1(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

func TestCommandLines(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	data, err := os.ReadFile("testdata/lines.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range readLines(t, data) {
		if got := l.run(); !got.equal(l.Want) {
			t.Errorf("%s %q (%s):\n got %+v\nwant %+v", l.Program, l.Args, l.Note, got, l.Want)
		}
	}
}
