package table

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"spot-ingest/listener/internal/columns"
	"spot-ingest/pkg/config"
)

// differences are the recorded rows on which we decide otherwise than the original, by case
// and row number, or by case alone for all rows of it.
var differences = map[string]struct {
	good bool
	why  string
}{
	"flow/01_stock_nfdump171":        {true, "rows of stock nfdump's 48 columns failed, and are mapped"},
	"proxy/03_non_ascii#4":           {true, "not ASCII: the original could not publish it, nor split it"},
	"proxy/03_non_ascii#5":           {true, "not ASCII"},
	"proxy/03_non_ascii#9":           {true, "not ASCII"},
	"proxy/03_non_ascii#10":          {true, "not ASCII"},
	"proxy/03_non_ascii#12":          {true, "not ASCII"},
	"proxy/07_listener_bad_fields#2": {false, "a duration of 12L, which Python 2 reads as 12"},
	"proxy/07_listener_bad_fields#5": {false, "a number of bytes beyond INT, which the original's Spark would have refused"},
}

type recordedRow struct {
	Values []any
	TZDiff map[string]map[string]any `json:"tz_diff"`
	Error  *struct{ Type, Message string }
	Empty  bool
}

// TestRecordings parses the rows that Apache Spot's own functions have parsed, in the same
// time zones: the same values where it gave some, a bad row where it raised an exception or
// dropped the row.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob(shared + "golden/*/*/expected_rows.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("the recordings are not there: no %sgolden/*/*/expected_rows.json", shared)
	}
	unused := maps.Clone(differences)
	good, bad := 0, 0
	for _, file := range files {
		dir := filepath.Dir(file)
		name := filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		table := Of(config.Type(filepath.Base(filepath.Dir(dir))))
		texts, rows := readRecording(t, dir)
		for i, row := range rows {
			for _, tz := range []string{"UTC", "America/New_York"} {
				key := name
				difference, listed := differences[key]
				if !listed {
					key = fmt.Sprintf("%s#%d", name, i)
					difference, listed = differences[key]
				}
				got, hour, err := parse(table.NewParser(zone(t, tz)), texts[i])
				if err == nil {
					good++
				} else {
					bad++
				}
				want := row.Error == nil && !row.Empty
				if listed {
					delete(unused, key)
					if want == difference.good {
						t.Errorf("%s is listed as different, but the original decided the same", key)
					}
					want = difference.good
				}
				if (err == nil) != want {
					t.Errorf("%s#%d, %s: good is %v, want %v: %v\n%q", name, i, tz, err == nil, want, err, texts[i])
					continue
				}
				if err == nil && !listed {
					checkValues(t, fmt.Sprintf("%s#%d, %s", name, i, tz), table, got, hour, row.in(tz))
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(unused)) {
		t.Errorf("%s is listed as different, but there is no such row", key)
	}
	t.Logf("%d good rows, %d bad rows", good, bad)
}

func readRecording(t *testing.T, dir string) (texts [][]byte, rows []recordedRow) {
	var segments struct {
		Rows []recordedText `json:"accepted_rows"`
	}
	readJSON(t, filepath.Join(dir, "expected_segments.json"), &segments)
	for _, text := range segments.Rows {
		texts = append(texts, text)
	}
	var recorded struct{ Rows []recordedRow }
	readJSON(t, filepath.Join(dir, "expected_rows.json"), &recorded)
	if len(recorded.Rows) != len(texts) {
		t.Fatalf("%s: %d rows, but %d texts of them", dir, len(recorded.Rows), len(texts))
	}
	return texts, recorded.Rows
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// A recordedText is a string, or base64 where the row is not UTF-8.
type recordedText []byte

func (r *recordedText) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'{'}) {
		var b struct{ B64 []byte }
		err := json.Unmarshal(data, &b)
		*r = b.B64
		return err
	}
	var s string
	err := json.Unmarshal(data, &s)
	*r = recordedText(s)
	return err
}

// in returns the values recorded in a time zone.
func (r recordedRow) in(tz string) []any {
	out := slices.Clone(r.Values)
	for i := range out {
		if v, differs := r.TZDiff[tz][fmt.Sprint(i)]; differs {
			out[i] = v
		}
	}
	return out
}

// checkValues compares a row and its partition with what was recorded: the table's columns,
// and the four of the partition.
func checkValues(t *testing.T, name string, table *Table, got []any, hour Hour, recorded []any) {
	t.Helper()
	if len(recorded) != len(table.Schema)+4 {
		t.Fatalf("%s: %d values recorded", name, len(recorded))
	}
	for i, c := range table.Schema {
		if want := convert(t, c.Type, recorded[i]); got[i] != want && !(c.Type == columns.Float32 && math.IsNaN(float64(got[i].(float32)))) {
			t.Errorf("%s: %s is %#v, want %#v", name, c.Name, got[i], want)
		}
	}
	var folder []string
	for i, v := range recorded[len(table.Schema):] {
		folder = append(folder, fmt.Sprintf("%s=%v", table.Partitions[i].Name, v))
	}
	if got, want := table.Folder(hour), strings.Join(folder, "/"); got != want {
		t.Errorf("%s: partition %s, want %s", name, got, want)
	}
}

func convert(t *testing.T, typ columns.Type, recorded any) any {
	number, _ := recorded.(json.Number)
	switch typ {
	case columns.Float32:
		if word, ok := recorded.(string); ok {
			return map[string]float32{"inf": float32(math.Inf(1)), "-inf": float32(math.Inf(-1)), "nan": float32(math.NaN())}[word]
		}
		f, err := number.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return float32(f)
	case columns.String:
		return recorded
	}
	n, err := number.Int64()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNotASCII: what isn't ASCII is in the values as it was in the row.
func TestNotASCII(t *testing.T) {
	tests := []struct {
		table         *Table
		field, column int
	}{{flow, 12, 13}, {dns, 6, 5}, {proxy, 17, 18}}
	for _, test := range tests {
		for _, text := range []string{"/caf\u00e9-\u65e5\u672c\U0001f600", "\u00a0\u3000\ufeff\u0085"} {
			row := with(test.table, test.field, text)
			got, _, err := parse(test.table.NewParser(time.UTC), row)
			if err != nil || got[test.column] != text {
				t.Errorf("%s %q: got %q, %v", test.table.Name, row, got, err)
			}
		}
	}
}
