package chunk

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestPythonAgrees compares what is made of time stamps with what Python 2.7 made of
// them (testdata/stamps.py).
func TestPythonAgrees(t *testing.T) {
	table, err := os.ReadFile("testdata/stamps.txt")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(table)) {
		part := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(part) != 3 {
			t.Fatalf("line %q of stamps.txt has not three fields", line)
		}
		kind, text, want := part[0], part[1], part[2]
		count++
		if strings.Contains(text, ",") {
			continue // would be another field
		}
		types, row, compare := []Type{Flow, Proxy}, text, referenceDate
		if kind == "epoch" {
			types, row, compare = []Type{DNS}, ",,"+text, referenceEpoch
		}
		got := "-"
		if ms, ok := compare(text); ok {
			got = strconv.FormatInt(ms, 10)
		}
		if got != want {
			t.Errorf("%s %s: the reference reads %s, Python %s", kind, text, got, want)
		}
		for _, typ := range types {
			r := NewReader(strings.NewReader(""), typ, 1000, 0)
			mark, verdict := r.find([]byte(row))
			got := "-"
			if verdict == found {
				got = strconv.FormatInt(mark.unixMilli(), 10)
			}
			if got != want {
				t.Errorf("%v %s: %s, Python reads %s", typ, text, got, want)
			}
			if typ == DNS || len(text) != stampLen {
				continue
			}
			// In an hour that is open, the short way must come to the same answer.
			r.hour = []byte(text[:hourLen])
			if !dateExists([]byte(text[:hourLen] + ":00:00")) {
				continue
			}
			if _, again := r.find([]byte(row)); again != verdict {
				t.Errorf("%v %s: verdict %v, in an open hour %v", typ, text, verdict, again)
			}
		}
	}
	if count < 300 {
		t.Errorf("stamps.txt has %d lines only", count)
	}
}
