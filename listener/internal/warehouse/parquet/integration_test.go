//go:build integration

package parquet

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"spot-ingest/listener/internal/columns"
)

// told is what testdata/check.py is told of a file.
type told struct {
	Codec     string       `json:"codec"`
	CreatedBy string       `json:"created_by"`
	Schema    []toldColumn `json:"schema"`
	RowGroups [][]any      `json:"row_groups"`
}

type toldColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Searched bool   `json:"searched"`
}

// TestReaders has pyarrow and DuckDB read files of all kinds. It needs a python3 with both; set
// SPOT_INTEGRATION_STRICT=1 to fail without.
func TestReaders(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import duckdb, pyarrow").CombinedOutput(); err != nil {
		if os.Getenv("SPOT_INTEGRATION_STRICT") == "1" {
			t.Fatalf("python3 with pyarrow and duckdb is needed: %v\n%s", err, out)
		}
		t.Skip("no python3 with pyarrow and duckdb on the PATH")
	}
	dir := t.TempDir()
	for codec := range codecs {
		codec := Codec(codec)
		for name, rows := range kinds() {
			tell(t, filepath.Join(dir, name+"-"+codec.String()), codec, everyType, rows)
		}
		tell(t, filepath.Join(dir, "flow-"+codec.String()), codec, flowSchema, flows(9, 30000), flows(10, 20000))
	}
	tell(t, filepath.Join(dir, "no row group"), Snappy, everyType)

	check := exec.Command("python3", filepath.Join("testdata", "check.py"), dir)
	out, err := check.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// tell writes a file and what check.py is told of it, without strings that aren't UTF-8, for
// which pyarrow has no value.
func tell(t *testing.T, path string, codec Codec, schema columns.Schema, groups ...*columns.Rows) {
	t.Helper()
	about := told{Codec: codec.String(), CreatedBy: "spot-ingest version 1.2.3 (build test)"}
	for _, c := range schema {
		kind := [...]string{columns.Int32: "Int32", columns.Int64: "Int64", columns.Float32: "Float32", columns.String: "String"}[c.Type]
		about.Schema = append(about.Schema, toldColumn{c.Name, kind, c.Searched})
	}
	about.RowGroups = [][]any{}
	for i, g := range groups {
		groups[i] = valid(g)
		if groups[i].Len > 0 {
			about.RowGroups = append(about.RowGroups, values(groups[i]))
		}
	}
	data, err := json.Marshal(about)
	if err != nil {
		t.Fatal(err)
	}
	for suffix, data := range map[string][]byte{".json": data, ".parquet": write(t, schema, codec, groups...)} {
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// values returns the values of each column, floats by their bits.
func values(rows *columns.Rows) []any {
	var all []any
	for i, c := range rows.Schema {
		v := rows.Columns[i]
		switch c.Type {
		case columns.Int32:
			all = append(all, v.Int32s)
		case columns.Int64:
			all = append(all, v.Int64s)
		case columns.Float32:
			var bits []uint32
			for _, f := range v.Float32s {
				bits = append(bits, math.Float32bits(f))
			}
			all = append(all, bits)
		case columns.String:
			var strings []string
			for row := range v.Ends {
				strings = append(strings, string(v.String(row)))
			}
			all = append(all, strings)
		}
	}
	return all
}

// valid returns the rows, with an empty string for each that isn't UTF-8.
func valid(rows *columns.Rows) *columns.Rows {
	clean := columns.New(rows.Schema)
	clean.Append(rows)
	for i, c := range rows.Schema {
		if c.Type != columns.String {
			continue
		}
		clean.Columns[i] = columns.Values{}
		for row := range rows.Len {
			s := rows.Columns[i].String(row)
			if !utf8.Valid(s) {
				s = nil
			}
			clean.Columns[i].AddString(s)
		}
	}
	return clean
}
