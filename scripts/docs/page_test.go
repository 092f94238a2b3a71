package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the project.
const root = "../.."

// A page is a text for users, in Markdown.
type page struct {
	path  string // from the root
	lines []string
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return page{path, strings.Split(string(text), "\n")}
}

// pages are README.md and all of docs.
func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(names) < 4 {
		t.Fatalf("docs holds %d pages: %v", len(names), err)
	}
	all := []page{readPage(t, "README.md")}
	for _, name := range names {
		all = append(all, readPage(t, "docs/"+filepath.Base(name)))
	}
	return all
}

// section returns the lines below a heading, up to the next one that is no deeper.
func (p page) section(t *testing.T, heading string) page {
	t.Helper()
	for i, line := range p.lines {
		if line != heading {
			continue
		}
		depth := strings.Index(heading, " ")
		for j := i + 1; j < len(p.lines); j++ {
			if d := strings.Index(p.lines[j], " "); d > 0 && d <= depth && strings.Trim(p.lines[j][:d], "#") == "" {
				return page{p.path, p.lines[i+1 : j]}
			}
		}
		return page{p.path, p.lines[i+1:]}
	}
	t.Fatalf("%s has no heading %q", p.path, heading)
	return page{}
}

// rows returns the cells of all tables whose first column has that title, without the titles.
func (p page) rows(t *testing.T, title string) [][]string {
	t.Helper()
	var rows [][]string
	within := false
	for i, line := range p.lines {
		switch {
		case !strings.HasPrefix(line, "|"):
			within = false
		case i+1 < len(p.lines) && strings.HasPrefix(p.lines[i+1], "| ---"):
			within = cells(line)[0] == title
		case within && !strings.HasPrefix(line, "| ---"):
			rows = append(rows, cells(line))
		}
	}
	if rows == nil {
		t.Fatalf("%s has no table whose first column is %q", p.path, title)
	}
	return rows
}

func cells(line string) []string {
	all := strings.Split(strings.Trim(line, "|"), "|")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

var codePattern = regexp.MustCompile("`([^`]+)`")

// code returns what stands between backticks.
func code(text string) []string {
	var all []string
	for _, found := range codePattern.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}

// A set of words, to be compared with another one.
type set map[string]bool

func setOf(words ...string) set {
	s := set{}
	for _, w := range words {
		s[w] = true
	}
	return s
}

// compare reports what one side has and the other lacks.
func compare(t *testing.T, what string, documented, real set) {
	t.Helper()
	if len(documented) == 0 || len(real) == 0 {
		t.Fatalf("%s: %d are documented, %d are real", what, len(documented), len(real))
	}
	for word := range real {
		if !documented[word] {
			t.Errorf("%s %q is not documented", what, word)
		}
	}
	for word := range documented {
		if !real[word] {
			t.Errorf("%s %q is documented, and there is none", what, word)
		}
	}
}

func TestSection(t *testing.T) {
	p := page{"p", strings.Split("# A\n\n## B\n### C\n| key | x |\n| --- | --- |\n| `a`, `b` | 1 |\ntext\n## D\n| key |\n| --- |\n| c |", "\n")}
	rows := p.section(t, "## B").rows(t, "key")
	if len(rows) != 1 || len(rows[0]) != 2 || rows[0][1] != "1" || strings.Join(code(rows[0][0]), " ") != "a b" {
		t.Errorf("got %q", rows)
	}
	if rows = p.rows(t, "key"); len(rows) != 2 || rows[1][0] != "c" {
		t.Errorf("got %q", rows)
	}
}
