package man

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"spot-ingest/pkg/config"
)

// sections are the headings of ingest_conf.json(5) whose lists are keys, and what is before a
// key as README.md writes it.
var sections = map[string]string{
	"Top level": "", "Section hive": "hive.", "Section kafka": "kafka.",
	"Sections of pipelines": "pipelines.X.", "Section spark-streaming": "spark-streaming.",
}

const unusedKeys = "Keys without effect"

// keyItem is the tag of a key: its name, its type, its default, and where it comes from.
var keyItem = regexp.MustCompile(`^Va (\S+) Pq (?:string|number|boolean|list of strings|string or list); (.+); (Spot|DC|new)$`)

// documentedKeys returns the keys that have an effect and where they come from, and the others.
func documentedKeys(t *testing.T) (used, unused map[string]string) {
	t.Helper()
	p := readPage(t, "ingest_conf.json.5")
	used, unused = map[string]string{}, map[string]string{}
	for heading, before := range sections {
		for _, item := range p[heading].items() {
			found := keyItem.FindStringSubmatch(strings.Join(item, " "))
			if found == nil {
				t.Errorf("%s: %q is no key with its type, default and origin", heading, item)
				continue
			}
			if _, twice := used[before+found[1]]; twice {
				t.Errorf("key %s is there twice", before+found[1])
			}
			used[before+found[1]] = found[3]
		}
	}
	for _, line := range p[unusedKeys] {
		if words := strings.Fields(line); len(words) > 1 && words[0] == ".Va" {
			unused[words[1]] = ""
		}
	}
	return used, unused
}

// The keys, their sections and their origins are those of README.md.
func TestKeysOfReadme(t *testing.T) {
	got, unused := documentedKeys(t)
	want := map[string]string{}
	for _, row := range readme(t, "## Configuration") {
		columns := strings.Split(row[1], " | ")
		from := strings.TrimSpace(columns[len(columns)-1])
		for _, key := range quoted.FindAllStringSubmatch(row[0], -1) {
			switch name := key[1][strings.LastIndex(key[1], ".")+1:]; {
			case len(columns) == 4: // used by, default, meaning, from
				want[key[1]] = from
			case len(columns) == 2 && name == strings.ToLower(name):
				if _, found := unused[name]; !found {
					t.Errorf("key %s is missing in %q", key[1], unusedKeys)
				}
			}
		}
	}
	compare(t, "key", got, want)
}

// keyReaders are the functions of package config whose first argument is a key.
var keyReaders = map[string]bool{
	"optional": true, "section": true, "text": true, "choice": true, "list": true, "joined": true,
	"number": true, "whole": true, "seconds": true, "written": true, "boolean": true,
	"folder": true, "servers": true, "port": true, "metastore": true, "hiveServer2": true,
}

// someKey is how only keys are written; those without an underscore are found by their readers.
var someKey = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)+$`)

// Every key that package config reads is in the page.
func TestKeysOfCode(t *testing.T) {
	files, err := filepath.Glob("../../../pkg/config/*.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("ingest_conf.json.5")
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	check := func(e ast.Expr, wanted func(string) bool) {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		key, err := strconv.Unquote(literal.Value)
		if err != nil || !wanted(key) {
			return
		}
		read++
		if !regexp.MustCompile(`(?m)^\.(It Va|Va|Ss Sections?( of)?) ` + regexp.QuoteMeta(key) + `( |$)`).Match(page) {
			t.Errorf("key %s is missing", key)
		}
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if method, ok := n.Fun.(*ast.SelectorExpr); ok && keyReaders[method.Sel.Name] && len(n.Args) > 0 {
					check(n.Args[0], func(string) bool { return true })
				}
			case *ast.BasicLit:
				check(n, someKey.MatchString)
			}
			return true
		})
	}
	if read < 30 {
		t.Errorf("found %d keys in the code: they are read in another way now", read)
	}
}

// The example is a configuration that both programs take.
func TestExample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ingest_conf.json")
	if err := os.WriteFile(path, []byte(readPage(t, "ingest_conf.json.5")["EXAMPLES"].literal()), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, pipeline := range []string{"flow", "branch"} {
		if got, err := c.Collector(pipeline); err != nil || got.Type != config.Flow || len(got.SupportedFiles) != 1 {
			t.Errorf("pipeline %s: %+v, %v", pipeline, got, err)
		}
	}
	if kafka, err := c.Kafka(); err != nil || len(kafka.Servers) != 2 {
		t.Errorf("kafka: %+v, %v", kafka, err)
	}
	if hive, err := c.Hive(); err != nil || len(hive.Metastore) != 1 {
		t.Errorf("hive: %+v, %v", hive, err)
	}
	if place, err := c.Warehouse(); err != nil || place.Database == "" || place.AppPath == "" {
		t.Errorf("tables: %+v, %v", place, err)
	}
	if _, err := c.Listener(); err != nil {
		t.Error(err)
	}
}
