package chunk

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"
	"unicode/utf8"

	"spot-ingest/pkg/codec"
)

// shared is where the recordings of Apache Spot's own collector are kept.
const shared = "../../../shared/golden"

// differences are the recordings that we differ from, and why. Beyond them, dns
// time stamps are the epoch itself and no local wall clock; see checkRun.
var differences = map[string]string{
	"flow/07_invalid_date_aborts":          "a date that does not exist and opens a segment ended the file",
	"flow/08_invalid_dates_same_partition": "dates that do not exist were sent where they did not open a segment, and ended the file where one did",
	"flow/14_non_ascii":                    "a line that is not UTF-8 was never published",
	"dns/07_short_line_aborts":             "a line of under three fields ended the file",
	"dns/08_short_first_line":              "a line of under three fields ended the file",
	"dns/15_regex_any_char_aborts":         "an epoch that is no number ended the file",
	"dns/16_digits_only_epoch_aborts":      "an epoch beyond all dates ended the file",
	"proxy/03_non_ascii":                   "a line that is not UTF-8 was never published",
	"proxy/10_invalid_date_aborts":         "a date that does not exist and opens a segment ended the file",
}

type recording struct {
	Rows []recordedRow `json:"accepted_rows"`
	Runs []recordedRun
}

type recordedRun struct {
	TZ       string
	Limit    int `json:"max_request_size"`
	Segments []recordedSegment
	Error    *struct{ Type string }
}

type recordedSegment struct {
	First, Count int
	TimeMS       int64 `json:"timestamp_ms"`
	Size         int64
	SHA256       string
	AvroLen      int    `json:"avro_len"`
	AvroSHA256   string `json:"avro_sha256"`
}

// A recordedRow is a string, or base64 where the row is not UTF-8.
type recordedRow []byte

func (r *recordedRow) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte{'{'}) {
		var b struct{ B64 []byte }
		err := json.Unmarshal(data, &b)
		*r = b.B64
		return err
	}
	var s string
	err := json.Unmarshal(data, &s)
	*r = recordedRow(s)
	return err
}

// TestRecordings cuts what Apache Spot's collector cut, and compares.
func TestRecordings(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared, "*", "*", "expected_segments.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("the recordings are not there: no %s/*/*/expected_segments.json", shared)
	}
	unseen := maps.Clone(differences)
	for _, file := range files {
		dir := filepath.Dir(file)
		name := filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			testRecording(t, dir, differences[name] != "")
		})
		delete(unseen, name)
	}
	for _, name := range slices.Sorted(maps.Keys(unseen)) {
		t.Errorf("%s is listed as different, but there is no such recording", name)
	}
}

func testRecording(t *testing.T, dir string, different bool) {
	text, err := os.ReadFile(filepath.Join(dir, "expected_segments.json"))
	if err != nil {
		t.Fatal(err)
	}
	input, err := os.ReadFile(filepath.Join(dir, "input.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var rec recording
	if err := json.Unmarshal(text, &rec); err != nil {
		t.Fatal(err)
	}
	typ, err := ParseType(filepath.Base(filepath.Dir(dir)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Runs) != 6 {
		t.Errorf("%d runs, want two time zones of three sizes", len(rec.Runs))
	}
	same := true
	for _, run := range rec.Runs {
		// What the reference says is what we do, always.
		cuts, stats := reference(input, typ, run.Limit, run.Limit+slack, 0)
		check(t, NewReader(bytes.NewReader(input), typ, run.Limit, 0), cuts, stats)
		if problem := checkRun(rec, run, typ, input); problem != "" {
			same = false
			if !different {
				t.Errorf("%s, size %d: %s", run.TZ, run.Limit, problem)
			}
			checkSent(t, rec, run, cuts)
		}
	}
	if same && different {
		t.Error("listed as different, but all is the same")
	}
}

// checkRun tells what is different from a run's recording, if anything.
func checkRun(rec recording, run recordedRun, typ Type, input []byte) string {
	zone, err := time.LoadLocation(run.TZ)
	if err != nil {
		return err.Error()
	}
	r := NewReader(bytes.NewReader(input), typ, run.Limit, 0)
	seg := Segment{Value: codec.NewEncoder(0, 0)}
	for i, want := range run.Segments {
		if err := r.Next(&seg); err != nil {
			return fmt.Sprintf("segment %d: %v", i, err)
		}
		if typ == DNS {
			// The original stamped the local wall clock, as if it were UTC.
			_, offset := time.UnixMilli(seg.TimeMS).In(zone).Zone()
			seg.TimeMS += 1000 * int64(offset)
		}
		if problem := want.differs(seg); problem != "" {
			return fmt.Sprintf("segment %d: %s", i, problem)
		}
		for j, row := range rec.Rows[want.First : want.First+want.Count] {
			if !utf8.Valid(row) {
				return fmt.Sprintf("segment %d: row %d is not UTF-8", i, j)
			}
		}
	}
	if err := r.Next(&seg); err == nil {
		return fmt.Sprintf("%d segments were recorded, there are more", len(run.Segments))
	}
	if run.Error != nil && (run.Error.Type != "IOError" || r.Stats().Rows != 0) {
		return "the original ended with " + run.Error.Type
	}
	return ""
}

// differs compares a segment with what was recorded of it.
func (want recordedSegment) differs(seg Segment) string {
	value := seg.Value.Bytes()
	rows, err := codec.Decode(value)
	if err != nil {
		return err.Error()
	}
	joined := bytes.Join(slices.Collect(rows.All()), []byte{'\n'})
	got := recordedSegment{
		First: want.First, Count: seg.Rows, TimeMS: seg.TimeMS, Size: seg.Size, SHA256: hash(joined),
		AvroLen: len(value), AvroSHA256: hash(value),
	}
	if want.AvroLen == 0 {
		// The original could not encode what is not ASCII, and published nothing.
		got.AvroLen, got.AvroSHA256 = 0, ""
	}
	if got != want {
		return fmt.Sprintf("\n got %+v\nwant %+v", got, want)
	}
	return ""
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// checkSent makes sure that a difference costs no row: all that the original cut is
// among our rows, in order, but for rows whose time stamp does not exist.
func checkSent(t *testing.T, rec recording, run recordedRun, cuts []cut) {
	var ours []string
	for _, c := range cuts {
		ours = append(ours, c.rows...)
	}
	for _, seg := range run.Segments {
		for _, row := range rec.Rows[seg.First : seg.First+seg.Count] {
			text := string(row)
			if !utf8.ValidString(text) {
				text = fromBytes(text)
			}
			if stamp := dateForm.FindString(text); stamp != "" {
				if _, ok := referenceDate(stamp); !ok {
					continue
				}
			}
			i := slices.Index(ours, text)
			if i < 0 {
				t.Errorf("%s, size %d: row %q is missing", run.TZ, run.Limit, text)
				continue
			}
			ours = ours[i+1:]
		}
	}
}
