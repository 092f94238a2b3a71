package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var linkPattern = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)

// links returns the targets of the page's links and pictures by line, but for code.
func (p page) links() map[string]int {
	found := map[string]int{}
	for i, line := range p.lines {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		for _, link := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, ""), -1) {
			found[link[1]] = i + 1
		}
	}
	return found
}

// anchors returns the names by which the page's headings can be linked to, as GitHub makes them.
func (p page) anchors() set {
	found := set{}
	for _, line := range p.lines {
		depth := strings.Index(line, " ")
		if depth < 1 || strings.Trim(line[:depth], "#") != "" {
			continue
		}
		name := anchor(line[depth+1:])
		unique := name
		for n := 1; found[unique]; n++ {
			unique = name + "-" + strconv.Itoa(n)
		}
		found[unique] = true
	}
	return found
}

func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}

// packaged are the files that links may lead to, beside those of docs: packages have them at the
// same places, and the pages are read there as well.
var packaged = setOf("README.md", "CHANGELOG.md", "LICENSE", "scripts/ddl/tables.sql")

// Every link within the project leads to a file that is there, in packages too, and to one of its
// headings.
func TestLinks(t *testing.T) {
	seen := 0
	for _, p := range append(pages(t), readPage(t, "CHANGELOG.md")) {
		for link, line := range p.links() {
			if strings.Contains(link, "://") {
				continue
			}
			seen++
			file, fragment, _ := strings.Cut(link, "#")
			target := p.path
			if file != "" {
				target = path.Join(path.Dir(p.path), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s:%d: %s leads nowhere: %v", p.path, line, link, err)
				continue
			}
			if !packaged[target] && path.Dir(target) != "docs" {
				t.Errorf("%s:%d: %s leads nowhere in a package", p.path, line, link)
			}
			if fragment != "" && (!strings.HasSuffix(target, ".md") || !readPage(t, target).anchors()[fragment]) {
				t.Errorf("%s:%d: %s has no heading #%s", p.path, line, target, fragment)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d links were found", seen)
	}
}

func TestAnchor(t *testing.T) {
	for heading, want := range map[string]string{
		"nfcapd files and captures": "nfcapd-files-and-captures",
		"/etc/spot.conf":            "etcspotconf",
		"Is it right?":              "is-it-right",
		"At the start, and the end": "at-the-start-and-the-end",
	} {
		if got := anchor(heading); got != want {
			t.Errorf("%q: got %q", heading, got)
		}
	}
}
