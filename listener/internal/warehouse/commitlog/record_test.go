package commitlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata anew")

const (
	someWriter = "000102030405060708090a0b0c0d0e0f"
	someBatch  = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
)

func someRecord(number int64) *record {
	r := &record{
		Format: format, Number: number, Writer: someWriter, Batch: someBatch, Time: stamp{start},
		Table: "flow", Topic: "a.topic", Group: "a/group",
		Parts: []Part{
			{0, 100, Position{Next: 120, Last: 119, Time: 1521537911123, CRC: 4294967295}},
			{7, 0, Position{Next: 0, Last: -1}},
		},
		Files: []File{
			{someWriter + "/a.0", "hive/y=2018/m=3/d=20/h=9/a.parquet", 1000, 12345},
			{someWriter + "/a.dead", "dead_letter/a.jsonl", 1, 99},
		},
		Segments: ids{{1, 2, 3}, {0xff}},
		Counts:   Counts{Messages: 20, Rows: 1000, BadRows: 1, BadMessages: 2, Repeats: 3},
	}
	if lastOfEpoch(number) {
		r.NextEpoch = "00000001-" + someBatch
	}
	return r
}

func someState() *state {
	s := emptyState("")
	s.positions[0] = Position{Next: 100, Last: 99, Time: 1521537900000, CRC: 1}
	s.positions[3] = Position{Next: 5, Last: -1}
	s.known.add(ids{{9}, {8}}, start.Add(-time.Hour))
	s.known.add(ids{{7}}, start)
	return s
}

func encoded(t testing.TB, r *record) []byte {
	var b bytes.Buffer
	if err := r.encode(&b, someState()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The format as other programs find it.
func TestFormat(t *testing.T) {
	for name, number := range map[string]int64{"plain": 66, "first": 65, "last": 64} {
		r := someRecord(number)
		if name == "plain" {
			r.Note = "set by hand: <earliest>"
		}
		path := "testdata/" + name + ".json"
		got := encoded(t, r)
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		back, err := decode(want)
		if err != nil {
			t.Fatal(err)
		}
		if name == "first" {
			r.Snapshot = &snapshot{
				Positions: []partitionPosition{{0, Position{100, 99, 1521537900000, 1}}, {3, Position{5, -1, 0, 0}}},
				IDs: []seen{
					{stamp{time.Date(2018, 3, 20, 8, 26, 0, 0, time.UTC)}, ids{{9}, {8}}},
					{stamp{time.Date(2018, 3, 20, 9, 26, 0, 0, time.UTC)}, ids{{7}}},
				},
			}
		}
		if !reflect.DeepEqual(back, r) {
			t.Errorf("got\n%+v\nwant\n%+v", back, r)
		}
	}
}

// seal makes the checksum of a record right again.
func seal(text string) []byte {
	sum := sha256.New()
	sum.Write([]byte(text))
	return []byte(text + tail(sum))
}

func TestBadRecords(t *testing.T) {
	for name, c := range map[string]struct {
		number   int64
		old, new string
		want     string
	}{
		"format":                {66, `"format":1`, `"format":2`, "its format is 2"},
		"number":                {66, `"number":66`, `"number":0`, "0 is no record's number"},
		"number of no type":     {66, `"number":66`, `"number":"x"`, "cannot unmarshal"},
		"writer":                {66, `"writer":"00`, `"writer":"0`, "is no id"},
		"batch":                 {66, `"batch":"f0`, `"batch":"F0`, "is no id"},
		"time":                  {66, `"time":"2018-`, `"time":"2018 `, "2018 03"},
		"time beyond all":       {66, `"time":"2018-`, `"time":"9999-`, "it was made at 9999"},
		"time of a segment":     {65, `"ids":[{"time":"2018-`, `"ids":[{"time":"9999-`, "seen at 9999"},
		"part":                  {66, `"first":100`, `"first":121`, "partition 0 can't go from offset 121 to 120"},
		"staged outside":        {66, `/a.0"`, `/../a.0"`, "it moves"},
		"staged nowhere":        {66, someWriter + `/a.0"`, `a.0"`, "it moves"},
		"final outside":         {66, `hive/y=2018`, `hive/../..`, "it moves"},
		"final in the log":      {66, `hive/y=2018`, `commits/y=2018`, "it moves"},
		"ids":                   {66, `"segments":"AQID`, `"segments":"A`, "segment ids"},
		"ids of no base64":      {66, `"segments":"AQID`, `"segments":"!!!!`, "segment ids"},
		"snapshot missing":      {66, `"number":66`, `"number":65`, "snapshot"},
		"snapshot amiss":        {65, `"number":65`, `"number":66`, "snapshot"},
		"snapshot's position":   {65, `"partition":3,"next":5`, `"partition":3,"next":-5`, "offset -5"},
		"next epoch missing":    {66, `"number":66`, `"number":64`, "names the next one"},
		"next epoch amiss":      {64, `"number":64`, `"number":66`, "names the next one"},
		"next epoch of none":    {64, `"next_epoch":"00000001-`, `"next_epoch":"../../01-`, "is not the next epoch"},
		"next epoch of another": {64, `"next_epoch":"00000001-`, `"next_epoch":"00000002-`, "is not the next epoch"},
		"not JSON":              {66, `{"format"`, `"format"`, "invalid character"},
	} {
		body := string(encoded(t, someRecord(c.number)))
		body = body[:len(body)-tailLen]
		if _, err := decode(seal(body)); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(body, c.old) {
			t.Fatalf("%s: %s is not in %s", name, c.old, body)
		}
		if _, err := decode(seal(strings.Replace(body, c.old, c.new, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	whole := encoded(t, someRecord(66))
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Errorf("%d bytes of a record are one", n)
		}
		whole[n] ^= 1
		if _, err := decode(whole); err == nil {
			t.Errorf("a record with byte %d changed is one", n)
		}
		whole[n] ^= 1
	}
	more := strings.Replace(string(whole[:len(whole)-tailLen]), `{"format"`, `{"engine":{"name":"x"}, "format"`, 1)
	if _, err := decode(seal(more)); err != nil {
		t.Errorf("a member that isn't known: %v", err)
	}
}

// Whatever bytes a record has, it is refused or moves files from staging into the table
// only; and what is read can be written and read again.
func FuzzRecord(f *testing.F) {
	for _, number := range []int64{64, 65, 66} {
		text := encoded(f, someRecord(number))
		f.Add(text[:len(text)-tailLen])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := decode(body); err == nil {
			t.Fatal("a record without a checksum")
		}
		r, err := decode(seal(string(body)))
		if err != nil {
			return
		}
		for _, file := range r.Files {
			if strings.Contains("/"+file.Staged+"/"+file.Final+"/", "/../") || !strings.HasPrefix(file.Final, "hive/") && !strings.HasPrefix(file.Final, "dead_letter/") {
				t.Errorf("it moves %q to %q", file.Staged, file.Final)
			}
		}
		s := emptyState("")
		if r.Snapshot != nil {
			s = stateBefore(r)
		}
		var b bytes.Buffer
		if err := r.encode(&b, s); err != nil {
			t.Fatal(err)
		}
		again, err := decode(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		again.Snapshot, r.Snapshot = nil, nil
		x, _ := json.Marshal(r)
		y, _ := json.Marshal(again)
		if !bytes.Equal(x, y) {
			t.Errorf("got %s, want %s", y, x)
		}
	})
}
