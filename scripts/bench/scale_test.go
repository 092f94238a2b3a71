package main

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spot-ingest/scripts/generate"
)

func TestScaleOptions(t *testing.T) {
	for args, want := range map[string]string{
		"-rows 0":       "-rows 0 -runs 1: want at least 1",
		"-partitions 3": "-partitions 3: want at least 4, one for each listener",
		"spark":         `unexpected argument "spark"`,
		"-runs many":    "invalid value",
	} {
		if _, err := command(append([]string{"scale"}, strings.Fields(args)...), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
	o, err := parseScale(nil, nil)
	if err != nil || o.rows != 4_000_000 || o.partitions != 12 || o.runs != 1 {
		t.Errorf("defaults %+v, %v", o, err)
	}
}

const listenerLog = `2026-11-27 13:00:00,500 INFO     SPOT.INGEST.LISTENER               Partitions of topic "all" that this listener reads: 0, 1 and 2.
2026-11-27 13:00:02,000 INFO     SPOT.INGEST.LISTENER               Received flow segments from topic. [Rows: 700]
2026-11-27 13:00:02,250 INFO     SPOT.INGEST.LISTENER               Committed 700 rows of 3 messages in 2 files. [Record: 1, Repeats: 0]
2026-11-27 13:00:03,000 INFO     SPOT.INGEST.LISTENER               Partitions of topic "all" that this listener reads: 0.
2026-11-27 13:00:04,750 INFO     SPOT.INGEST.LISTENER               Committed 55 rows of 1 messages in 1 files. [Record: 3, Repeats: 0]
`

func TestProgressOf(t *testing.T) {
	at := time.Date(2026, 11, 27, 13, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		log  string
		want progress
	}{
		"listener": {listenerLog, progress{at.Add(500 * time.Millisecond), at.Add(4750 * time.Millisecond), 2, 755}},
		"job": {strings.ReplaceAll(listenerLog, "this listener", "this job"),
			progress{at.Add(500 * time.Millisecond), at.Add(4750 * time.Millisecond), 2, 755}},
		"without messages": {listenerLog[:strings.Index(listenerLog, "\n")+1], progress{began: at.Add(500 * time.Millisecond)}},
	} {
		if got, err := progressOf([]byte(c.log)); err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for name, log := range map[string]string{
		"empty":         "",
		"no partitions": strings.ReplaceAll(listenerLog, "reads: ", "reads: none"),
		"no time":       strings.ReplaceAll(listenerLog, "13:00:04,750", "13:00:04"),
		"too many rows": strings.ReplaceAll(listenerLog, " 55 rows", " 99999999999999999999 rows"),
	} {
		if got, err := progressOf([]byte(log)); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// Of several listeners the first that begins counts, and the last that ends.
func TestProgressOfMany(t *testing.T) {
	dir := t.TempDir()
	a, b, silent := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "c")
	for path, text := range map[string]string{
		a: listenerLog, b: strings.ReplaceAll(listenerLog, " 13:00:0", " 13:00:1"), silent: listenerLog[:strings.Index(listenerLog, "\n")+1],
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var m measurement
	rows, err := m.progress(time.Date(2026, 11, 27, 13, 0, 0, 0, time.UTC), []string{b, a, silent})
	if err != nil || rows != 1510 || m.commits != 4 || m.work != 14250*time.Millisecond || m.wall != 14750*time.Millisecond {
		t.Errorf("%d rows, %+v, %v", rows, m, err)
	}
	if _, err := new(measurement).progress(time.Time{}, []string{silent}); err == nil || !strings.Contains(err.Error(), "committed") {
		t.Errorf("error %v", err)
	}
}

func TestScaleReport(t *testing.T) {
	r := scaleResult{
		versions: "kafka 4.3.1, hadoop 3.4.2, spark 4.1.1, 2 CPUs, amd64",
		few:      400_000, totals: generate.Totals{Bytes: 548_000_000, Rows: 4_000_000}, messages: 680, partitions: 12,
	}
	var got bytes.Buffer
	r.printHead(&got, 1)
	for i, s := range setups {
		// Some time that comes once, and some for each million rows.
		once, each := 2500*time.Millisecond, time.Second/time.Duration(s.members)
		if s.engine == bySpark {
			once, each = 25*time.Second, 10*each
		}
		of := func(millions float64) measurement {
			work := time.Duration(millions * float64(each))
			return measurement{
				wall: once + work, work: work, cpu: once/5 + work*time.Duration(s.members), peak: int64(s.members) * 200 * megabyte,
				commits: 4 * s.members, files: 3 * s.members, size: 90_000_000 + int64(i),
			}
		}
		c := cost{few: series{runs: []measurement{of(0.4)}}, all: series{runs: []measurement{of(4)}}}
		if s == (setup{embedded, 4, local}) {
			c.few = c.all // too near to tell
			if v := r.perRow(&c, workSeconds); !math.IsNaN(v) {
				t.Errorf("cost of a row, told by no difference: %v", v)
			}
		}
		r.costs = append(r.costs, c)
		r.printLast(&got)
	}
	got.WriteString(scaleNotes)
	want, err := os.ReadFile(filepath.Join("testdata", "report-scale.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}
