package chunk

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"spot-ingest/pkg/codec"
)

var update = flag.Bool("update", false, "write the golden files anew, from the reference")

// goldenLimits are the limits that each file is cut by.
var goldenLimits = []int{1 << 20, 1000, 400}

type golden struct {
	Limit    int
	Stats    Stats
	Segments []goldenSegment
}

type goldenSegment struct {
	FirstLine int64
	Rows      int
	Size      int64
	TimeMS    int64
	End       int64
	Length    int    // of the value
	SHA256    string // of the value
}

// TestGolden cuts testdata/cut/* as the files beside them say.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/cut/*")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, ".json") {
			continue
		}
		seen++
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			typ, err := ParseType(strings.FieldsFunc(name, func(c rune) bool { return c == '-' || c == '.' })[0])
			if err != nil {
				t.Fatal(err)
			}
			input, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				writeGolden(t, file+".json", input, typ)
			}
			text, err := os.ReadFile(file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if got := readGolden(t, input, typ); !bytes.Equal(got, text) {
				t.Errorf("got %s\nwant what %s.json holds", got, file)
			}
		})
	}
	if seen == 0 {
		t.Error("no file in testdata/cut")
	}
}

func writeGolden(t *testing.T, file string, input []byte, typ Type) {
	var all []golden
	for _, limit := range goldenLimits {
		cuts, stats := reference(input, typ, limit, limit+slack, 0)
		g := golden{Limit: limit, Stats: stats}
		for _, c := range cuts {
			value := referenceValue(c.rows)
			g.Segments = append(g.Segments, goldenSegment{c.firstLine, len(c.rows), c.size, c.timeMS, c.end, len(value), hash(value)})
		}
		all = append(all, g)
	}
	if err := os.WriteFile(file, goldenJSON(t, all), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t *testing.T, input []byte, typ Type) []byte {
	var all []golden
	for _, limit := range goldenLimits {
		r := NewReader(bytes.NewReader(input), typ, limit, 0)
		g := golden{Limit: limit}
		seg := Segment{Value: codec.NewEncoder(61, 0)}
		for r.Next(&seg) == nil {
			value := seg.Value.Bytes()
			g.Segments = append(g.Segments, goldenSegment{seg.FirstLine, seg.Rows, seg.Size, seg.TimeMS, seg.End, len(value), hash(value)})
		}
		g.Stats = r.Stats()
		all = append(all, g)
	}
	return goldenJSON(t, all)
}

func goldenJSON(t *testing.T, all []golden) []byte {
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}
