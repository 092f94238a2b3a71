package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"spot-ingest/scripts/generate"
)

func TestListenerOptions(t *testing.T) {
	for args, want := range map[string]string{
		"-rows 0":       "-rows 0 -runs 3 -messages 20: want at least 1",
		"-peers impala": `-peers impala: "impala" is none of spark, duckdb`,
		"flow":          `unexpected argument "flow"`,
		"-runs many":    "invalid value",
	} {
		if _, err := command(append([]string{"listener"}, strings.Fields(args)...), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
	o, err := parseListener([]string{"-peers", ""}, nil)
	if err != nil || o.rows != 4_500_000 || o.runs != 3 || len(o.peers) != 0 {
		t.Errorf("options %+v, %v", o, err)
	}
}

func TestListenerReport(t *testing.T) {
	r := listenerResult{
		totals: generate.Totals{Bytes: 600_000_000, Rows: 4_500_000}, messages: 700,
		series: []series{
			{"listener", []measurement{
				{wall: 5 * time.Second, work: 5 * time.Second, cpu: 9 * time.Second, peak: 300_000_000, files: 3, size: 130_000_000},
				{wall: 6 * time.Second, work: 6 * time.Second, cpu: 10 * time.Second, peak: 410_000_000, files: 3, size: 130_000_000},
				{wall: 4 * time.Second, work: 4 * time.Second, cpu: 8 * time.Second, peak: 310_000_000, files: 3, size: 130_000_000},
			}},
			{"spark", []measurement{{wall: 41 * time.Second, work: 35 * time.Second, cpu: 70 * time.Second, peak: 1_100_000_000, files: 12, size: 125_000_000}}},
			{"duckdb", []measurement{{wall: 4900 * time.Millisecond, work: 4500 * time.Millisecond, cpu: 9 * time.Second, peak: 900_000_000, files: 3, size: 100_000_000}}},
		},
	}
	var got bytes.Buffer
	if err := r.print(&got); err != nil {
		t.Fatal(err)
	}
	if err := printLatency(&got, []time.Duration{900 * time.Millisecond, 1600 * time.Millisecond, 300 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "report-listener.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

func TestWorkOf(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	for text, want := range map[string]time.Duration{
		"WARN: slow\n\nworked for 12.250 s\nbye\n": 12250 * time.Millisecond,
		"it worked for 12.250 s\n":                 0,
		"worked for a while s\n":                   0,
	} {
		if err := os.WriteFile(output, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := workOf(output); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestOneRow(t *testing.T) {
	value := oneRow(17)
	rows, _, err := countRows(value)
	if err != nil || rows != 1 || strings.Count(string(value), ",") != 26 || !strings.Contains(string(value), ",69,17,") {
		t.Errorf("%q: %d rows, %v", value, rows, err)
	}
}

// A row is found once a file holds it; files that were looked into are left alone.
func TestTableWatch(t *testing.T) {
	type row struct {
		Sip  string `parquet:"sip"`
		Ibyt int64  `parquet:"ibyt"`
	}
	table := filepath.Join(t.TempDir(), "hive")
	watch := &tableWatch{folder: table, files: make(map[string]bool)}
	if found, err := watch.look(1); found || err != nil {
		t.Errorf("before the table is there: %v, %v", found, err)
	}
	folder := filepath.Join(table, "h=9")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := parquet.WriteFile(filepath.Join(folder, "a.parquet"), []row{{"x", 1}, {"y", 2}}); err != nil {
		t.Fatal(err)
	}
	if numbers, err := readColumn(filepath.Join(folder, "a.parquet"), "ibyt"); err != nil || !slices.Equal(numbers, []int64{1, 2}) {
		t.Errorf("column ibyt: %v, %v", numbers, err)
	}
	if err := watch.wait(context.Background(), 2); err != nil {
		t.Errorf("a row that is there: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := watch.wait(ended, 3); err == nil || !strings.Contains(err.Error(), "row 3 is in no file") {
		t.Errorf("a row that is not there: %v", err)
	}
	if files, size, err := tableSize(table); files != 1 || size == 0 || err != nil {
		t.Errorf("%d files of %d bytes, %v", files, size, err)
	}
	if err := os.WriteFile(filepath.Join(folder, "b.parquet"), []byte("PAR1 half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := watch.look(3); err == nil || !strings.Contains(err.Error(), "b.parquet") {
		t.Errorf("a half file in the table: %v", err)
	}
}
