//go:build integration

package integration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// A recording is what Apache Spot's own collector made of a file.
type recording struct {
	Rows []recordedRow `json:"accepted_rows"`
	Runs []struct {
		TZ       string
		Limit    int `json:"max_request_size"`
		Segments []recordedSegment
		Error    *struct{ Type string }
	}
}

type recordedSegment struct {
	First, Count int
	TimeMS       int64  `json:"timestamp_ms"`
	AvroSHA256   string `json:"avro_sha256"`
	Unsent       any    `json:"serialize_error"`
}

// A recordedRow is a string, or base64 where the row is not UTF-8.
type recordedRow string

func (r *recordedRow) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte{'{'}) {
		return json.Unmarshal(data, (*string)(r))
	}
	var b struct{ B64 []byte }
	err := json.Unmarshal(data, &b)
	*r = recordedRow(b.B64)
	return err
}

// segments returns what was recorded for a size limit, and whether all of it still holds.
// Apache Spot sent nothing of a segment with a byte beyond ASCII, ended the file at a
// line that it stumbled over, and sent rows whose date does not exist.
func (r recording) segments(kind string, limit int) (list []recordedSegment, holds bool) {
	for _, row := range r.Rows {
		if _, _, ok := timeOf(kind, string(row)); !ok || !utf8.ValidString(string(row)) {
			return nil, false
		}
	}
	for _, run := range r.Runs {
		if run.TZ != "UTC" || run.Limit != limit {
			continue
		}
		for _, s := range run.Segments {
			if s.Unsent != nil {
				return nil, false
			}
		}
		noRow := run.Error != nil && run.Error.Type == "IOError" && len(r.Rows) == 0
		return run.Segments, run.Error == nil || noRow
	}
	return nil, false
}

// What Apache Spot's collector was recorded to send, this one sends, to the byte, in any
// time zone.
func TestGolden(t *testing.T) {
	golden := recorded(t, "golden")
	need(t, "kcat")
	// So many recordings hold as they are, at every size.
	exact := map[string]int{"flow": 10, "dns": 10, "proxy": 9}
	for _, c := range []struct {
		limit int
		zone  string
	}{{1048576, "UTC"}, {4096, "UTC"}, {1000, "UTC"}, {4096, "America/New_York"}} {
		for kind := range exact {
			t.Run(fmt.Sprintf("%s %d %s", kind, c.limit, c.zone), func(t *testing.T) {
				t.Parallel()
				testGolden(t, filepath.Join(golden, kind), kind, c.limit, c.zone, exact[kind])
			})
		}
	}
}

func testGolden(t *testing.T, folder, kind string, limit int, zone string, exact int) {
	s := newSite(t, sharedKafka(t, kafka4), kind, nil)
	s.kafka(map[string]any{"max_request_size": limit})
	s.env = []string{"TZ=" + zone}
	inputs, err := filepath.Glob(filepath.Join(folder, "*", "input.csv"))
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string][]byte)
	for _, input := range inputs {
		name := filepath.Base(filepath.Dir(input))
		texts[name] = readFile(t, input)
		s.arrive(name, texts[name])
	}
	s.run(0, s.args("--skip-conversion", "--once")...)
	all := s.consume()
	s.stamp(all)
	sources := bySource(all)
	for name, text := range texts {
		checkSegments(t, name, sources[name], cut(kind, text, limit))
		var r recording
		if err := json.Unmarshal(readFile(t, filepath.Join(folder, name, "expected_segments.json")), &r); err != nil {
			t.Fatal(err)
		}
		if want, holds := r.segments(kind, limit); holds {
			exact--
			checkRecorded(t, name, sources[name], r, want)
		}
		delete(sources, name)
	}
	for name := range sources {
		t.Errorf("from nowhere: %q", name)
	}
	if exact != 0 {
		t.Errorf("%d more recordings were to be compared", exact)
	}
}

func checkRecorded(t *testing.T, name string, got []message, r recording, want []recordedSegment) {
	t.Helper()
	key := func(timeMS int64, sum, rows string) string { return fmt.Sprintln(timeMS, sum, rows) }
	missing := make(map[string]int)
	for _, s := range want {
		var rows strings.Builder
		for _, row := range r.Rows[s.First : s.First+s.Count] {
			rows.WriteString(string(row) + "\n")
		}
		missing[key(s.TimeMS, s.AvroSHA256, rows.String())]++
	}
	for _, m := range got {
		sum := sha256.Sum256(m.Value)
		k := key(m.timeMS, hex.EncodeToString(sum[:]), strings.Join(m.rows, "\n")+"\n")
		if missing[k]--; missing[k] < 0 {
			t.Errorf("%s: Apache Spot sent no such segment: %s", name, sketch(segment{m.rows, m.timeMS}))
		}
	}
	for k, n := range missing {
		if n > 0 {
			t.Errorf("%s: Apache Spot sent, and we don't: %.300q", name, k)
		}
	}
}
