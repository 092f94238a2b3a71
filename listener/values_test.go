package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// shared is where recordings of what Apache Spot's own functions made of rows may be.
const shared = "../../shared/golden/"

// otherwise are recorded rows that are bad here, while the original gave values. Recorded
// rows without values of the original's that are good here are left out, see recorded.
var otherwise = map[string]string{
	"proxy/07_listener_bad_fields#2": "a duration of 12L, which Python 2 reads as 12",
	"proxy/07_listener_bad_fields#5": "a number of bytes beyond INT",
}

// A recordedRow is a row's text and what it is in the table.
type recordedRow struct {
	text   string
	bad    bool
	values []any // the table's columns and the partition's
}

// recorded returns the rows of a recording in a time zone. Left out are rows that failed the
// original and are good here: those of stock nfdump's 48 columns, and text that isn't ASCII,
// which it could not split.
func recorded(t *testing.T, dir, tz string) []recordedRow {
	t.Helper()
	name := filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
	var segments struct {
		Rows []recordedText `json:"accepted_rows"`
	}
	var typed struct {
		Rows []struct {
			Nfields int
			Values  []any
			TZDiff  map[string]map[string]any `json:"tz_diff"`
			Error   *struct{ Type string }
			Empty   bool
		}
	}
	readJSON(t, filepath.Join(dir, "expected_segments.json"), &segments)
	readJSON(t, filepath.Join(dir, "expected_rows.json"), &typed)
	if len(segments.Rows) != len(typed.Rows) {
		t.Fatalf("%s: %d texts of %d rows", dir, len(segments.Rows), len(typed.Rows))
	}
	var all []recordedRow
	for i, r := range typed.Rows {
		text := string(segments.Rows[i])
		bad := r.Error != nil || r.Empty
		isASCII := !strings.ContainsFunc(text, func(c rune) bool { return c >= utf8.RuneSelf })
		if bad && (r.Nfields == 48 || !isASCII && strings.HasPrefix(name, "proxy/")) {
			continue
		}
		_, differs := otherwise[fmt.Sprintf("%s#%d", name, i)]
		for column, v := range r.TZDiff[tz] {
			n, err := strconv.Atoi(column)
			if err != nil {
				t.Fatal(err)
			}
			r.Values[n] = v
		}
		all = append(all, recordedRow{text, bad || differs, r.Values})
	}
	return all
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

// All rows that were recorded of the original go through a topic: the
// table holds the values that it gave, and the dead letters the rows on which it failed.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"flow", "dns", "proxy"} {
		dirs, err := filepath.Glob(shared + kind + "/*/expected_rows.json")
		if err != nil {
			t.Fatal(err)
		}
		if len(dirs) == 0 {
			t.Skipf("the recordings are not there: no %s%s/*/expected_rows.json", shared, kind)
		}
		for _, tz := range []string{"UTC", "America/New_York"} {
			t.Run(kind+" "+tz, func(t *testing.T) {
				s := newSite(t, kind)
				s.env = []string{"TZ=" + tz}
				var want, wantBad []string
				for n, file := range dirs {
					partition := n % partitions
					all := recorded(t, filepath.Dir(file), tz)
					if len(all) == 0 {
						continue
					}
					// The whole of a recording is one message.
					offset := s.kafka.PartitionInfo(topic, int32(partition)).HighWatermark
					var texts []string
					for i, r := range all {
						texts = append(texts, r.text)
						if r.bad {
							wantBad = append(wantBad, fmt.Sprintf("%d/%06d#%06d %q", partition, offset, i, r.text))
						} else {
							want = append(want, expectedText(t, kind, r.values))
						}
					}
					s.send(int32(partition), texts...)
				}
				p := s.run(0, "--from", "earliest", "--once")
				compare(t, "row", s.rowTexts(), want)
				var bad []string
				for _, l := range s.letters() {
					bad = append(bad, fmt.Sprintf("%s %q", l.at(), l.bytes()))
					if l.Reason == "" || l.Topic != topic || (l.Text == nil) == utf8.Valid(l.Base64) {
						t.Errorf("dead letter %+v", l)
					}
				}
				compare(t, "bad row", bad, wantBad)
				if got := p.summary(); got.badRows != len(wantBad) || got.rows != len(want) {
					t.Errorf("summary %+v of %d good and %d bad rows", got, len(want), len(wantBad))
				}
				p.says("rows and 0 messages that the table can't take.")
				if len(want) == 0 || len(wantBad) == 0 {
					t.Errorf("%d good and %d bad rows were sent", len(want), len(wantBad))
				}
			})
		}
	}
}

// rowTexts are the table's rows as expectedText writes them.
func (s *site) rowTexts() []string {
	s.t.Helper()
	var all []string
	for _, r := range s.table() {
		all = append(all, fmt.Sprintf("%s %#v", r.folder(), r.values))
	}
	return all
}

// expectedText writes recorded values with the types of the table's columns.
func expectedText(t *testing.T, kind string, values []any) string {
	t.Helper()
	schema := schemaOf(kind)
	typed := make([]any, len(schema))
	for i := range schema {
		typed[i] = typedValue(t, schema[i], values[i])
	}
	rest := values[len(schema):]
	folder := fmt.Sprintf("y=%v/m=%v/d=%v/h=%v", rest[0], rest[1], rest[2], rest[3])
	return fmt.Sprintf("%s %#v", folder, typed)
}

func typedValue(t *testing.T, typ byte, v any) any {
	t.Helper()
	number, _ := v.(json.Number)
	switch typ {
	case 's':
		return v
	case 'f':
		if word, ok := v.(string); ok {
			return map[string]float32{"inf": float32(math.Inf(1)), "-inf": float32(math.Inf(-1)), "nan": float32(math.NaN())}[word]
		}
		f, err := number.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return float32(f)
	}
	n, err := number.Int64()
	if err != nil {
		t.Fatal(err)
	}
	if typ == 'i' {
		return int32(n)
	}
	return n
}

// schemaOf has a letter for each of a table's columns: i, l, f or s, for INT, BIGINT, FLOAT
// and STRING, as Spot's own scripts create the tables.
func schemaOf(kind string) string {
	return map[string]string{
		"flow":  "s" + "l" + "iiiiii" + "f" + "ss" + "ii" + "ss" + "ii" + "llll" + "iiiiii" + "s",
		"dns":   "s" + "l" + "i" + "ssss" + "ii" + "s",
		"proxy": "sssssss" + "i" + "ssssssssssssss" + "ii" + "ssss",
	}[kind]
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	for len(got) > 0 || len(want) > 0 {
		switch {
		case len(want) == 0 || len(got) > 0 && got[0] < want[0]:
			t.Errorf("%s too many: %s", what, got[0])
			got = got[1:]
		case len(got) == 0 || want[0] < got[0]:
			t.Errorf("%s missing: %s", what, want[0])
			want = want[1:]
		default:
			got, want = got[1:], want[1:]
		}
	}
}
