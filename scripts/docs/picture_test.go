package docs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const picture = "docs/dataflow.svg"

// An element of the picture, with its text.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// elements reads a picture, all of it.
func elements(text []byte) ([]element, error) {
	var all []element
	var open []int
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(token)
			}
		case xml.Directive:
			return nil, errors.New("it has a document type")
		}
	}
}

var reference = regexp.MustCompile(`url\(([^)]*)\)`)

// faults tells what a picture must not have: what runs, and what is fetched from elsewhere.
func faults(all []element) []string {
	var found []string
	ids := set{}
	for _, e := range all {
		ids[e.attrs["id"]] = true
	}
	allowed := setOf("svg", "title", "desc", "defs", "marker", "g", "path", "rect", "ellipse", "text")
	for _, e := range all {
		if !allowed[e.name] {
			found = append(found, "element "+e.name)
		}
		for name, value := range e.attrs {
			if strings.HasPrefix(name, "on") || name == "href" || name == "src" || name == "style" {
				found = append(found, "attribute "+name)
			}
			for _, target := range reference.FindAllStringSubmatch(value, -1) {
				if id, ok := strings.CutPrefix(target[1], "#"); !ok || !ids[id] {
					found = append(found, "reference to "+target[1])
				}
			}
		}
	}
	return found
}

// The picture is an image and nothing else. It can be read on dark pages, because it has a
// background of its own, and README.md shows it.
func TestPicture(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, picture))
	if err != nil {
		t.Fatal(err)
	}
	all, err := elements(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults(all) {
		t.Errorf("%s: %s", picture, fault)
	}
	if all[0].name != "svg" || all[0].attrs["viewBox"] == "" || all[1].name != "title" {
		t.Errorf("it begins with %+v and %+v", all[0], all[1])
	}
	var drawn element
	for _, e := range all {
		if e.name == "rect" {
			drawn = e
			break
		}
	}
	if drawn.attrs["width"] != "1039" || drawn.attrs["height"] != "499" || !strings.HasPrefix(drawn.attrs["fill"], "#") {
		t.Errorf("the first rectangle is no background: %+v", drawn)
	}
	if readPage(t, "README.md").links()[picture] == 0 {
		t.Errorf("README.md does not show %s", picture)
	}
}

// The picture's stages are packages of the programs, in the order in which they stand in it.
func TestStages(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, picture))
	if err != nil {
		t.Fatal(err)
	}
	all, err := elements(text)
	if err != nil {
		t.Fatal(err)
	}
	stages := []struct{ name, folder string }{
		{"watch", "collector/internal/watch"}, {"ledger", "collector/internal/ledger"}, {"convert", "collector/internal/convert"},
		{"chunk", "pkg/chunk"}, {"publish", "collector/internal/publish"},
		{"consume", "listener/internal/consume"}, {"type", "listener/internal/table"},
		{"Parquet", "listener/internal/warehouse/parquet"}, {"commit log", "listener/internal/warehouse/commitlog"},
	}
	next := 0
	for _, e := range all {
		if e.name == "text" && next < len(stages) && e.text == stages[next].name {
			next++
		}
	}
	if next < len(stages) {
		t.Errorf("stage %q is not in the picture, or not in its place", stages[next].name)
	}
	for _, s := range stages {
		if info, err := os.Stat(filepath.Join(root, s.folder)); err != nil || !info.IsDir() {
			t.Errorf("stage %q: no folder %s", s.name, s.folder)
		}
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]int{
		`<svg><g/></svg>`:                                                 0,
		`<svg><script>alert(1)</script></svg>`:                            1,
		`<svg onload="x()"/>`:                                             1,
		`<svg><rect fill="url(http://x/y)"/></svg>`:                       1,
		`<svg><rect id="a" fill="url(#a)"/></svg>`:                        0,
		`<svg><rect fill="url(#a)"/></svg>`:                               1,
		`<svg xmlns:x="y"><image x:href="z.png"/></svg>`:                  2,
		`<svg><foreignObject/><text style="font-family: url(f)"/> </svg>`: 3,
	} {
		all, err := elements([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := faults(all); len(got) != want {
			t.Errorf("%s: got %q", text, got)
		}
	}
	for _, text := range []string{`<svg>`, `<svg><g></svg></g>`, `<!DOCTYPE svg SYSTEM "x"><svg/>`, `<svg a=b/>`} {
		if _, err := elements([]byte(text)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
