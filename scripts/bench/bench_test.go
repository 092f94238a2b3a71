package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"spot-ingest/scripts/generate"
)

// The test binary stands in for the programs that are measured, told by its name.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "hungry":
		memory := bytes.Repeat([]byte("x"), 80*megabyte)
		for start := time.Now(); time.Since(start) < 100*time.Millisecond; {
			memory[len(memory)/2]++
		}
		os.Exit(0)
	case "failing":
		fmt.Fprintln(os.Stderr, "no broker")
		os.Exit(3)
	case "collector", "lossy":
		os.Exit(standIn(filepath.Base(os.Args[0]) == "lossy"))
	}
	os.Exit(m.Run())
}

// self makes the test binary known by another name.
func self(t *testing.T, name string) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(binary, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOptions(t *testing.T) {
	for args, want := range map[string]string{
		"-size 0":            "-size 0: want at least 1",
		"-runs 0":            "-runs 0: want at least 1",
		"-types flow,syslog": `-types flow,syslog: "syslog" is none of flow, dns, proxy, nfcapd, pcap`,
		"flow":               `unexpected argument "flow"`,
		"-size many":         "invalid value",
	} {
		if _, err := parse(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
	o, err := parse(nil, nil)
	if err != nil || o.size != 200_000_000 || len(o.types) != 5 || o.runs != 3 || o.kafka != "4.3.1" {
		t.Errorf("defaults %+v, %v", o, err)
	}
}

func TestMeasure(t *testing.T) {
	m, err := measure(exec.Command(self(t, "hungry")), filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	if m.peak < 80*megabyte || m.wall < 100*time.Millisecond || m.cpu < 20*time.Millisecond {
		t.Errorf("%+v of a program that fills 80 MB and is busy for 100 ms", m)
	}
	if _, err = measure(exec.Command(self(t, "failing")), filepath.Join(t.TempDir(), "output")); err == nil ||
		!strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no broker") {
		t.Errorf("error %v: want exit status and output", err)
	}
}

// A program's peak must not be that of the process that started it.
func TestPeakIsTheChildsOwn(t *testing.T) {
	ballast := bytes.Repeat([]byte("x"), 200*megabyte)
	m, err := measure(exec.Command("sleep", "0.05"), filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	if m.peak == 0 || m.peak > 50*megabyte {
		t.Errorf("sleep took %d bytes, with %d in the parent", m.peak, len(ballast))
	}
}

func TestPeakOf(t *testing.T) {
	for status, want := range map[string]int64{
		"Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 12 kB\n": 1234 * 1024,
		"VmHWM:\t":            0,
		"VmHWM:\tmany kB\n":   0,
		"Name:\tx (zombie)\n": 0,
	} {
		if got := peakOf([]byte(status)); got != want {
			t.Errorf("%q: %d, want %d", status, got, want)
		}
	}
}

func TestCutPieces(t *testing.T) {
	for _, c := range []struct {
		in   string
		size int
		want []string
	}{
		{"", 8, nil},
		{"ab\ncd\nef\n", 8, []string{"ab\ncd\n", "ef\n"}},
		{"ab\ncd\nef\n", 9, []string{"ab\ncd\nef\n"}},
		{"ab\ncd\nef", 6, []string{"ab\ncd\n", "ef"}},
		{"1234567\nx\n", 8, []string{"1234567\n", "x\n"}},
	} {
		var got []string
		err := cutPieces(strings.NewReader(c.in), c.size, func(b []byte) error { got = append(got, string(b)); return nil })
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q in pieces of %d: %q, %v; want %q", c.in, c.size, got, err, c.want)
		}
	}
	if err := cutPieces(strings.NewReader("12345678\n"), 8, func([]byte) error { return nil }); err == nil {
		t.Error("a line longer than a piece: no error")
	}
}

func TestMakeInput(t *testing.T) {
	in, err := makeInput(t.TempDir(), "dns", 2_500_000)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(in.folder, "dns.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var joined []byte
	for _, name := range in.names {
		piece, err := os.ReadFile(filepath.Join(in.pieces, name))
		if err != nil || len(piece) > pieceSize {
			t.Fatalf("piece %s of %d bytes, %v", name, len(piece), err)
		}
		joined = append(joined, piece...)
	}
	if len(in.names) != 3 || !bytes.Equal(joined, whole) || int64(len(whole)) != in.totals.Bytes {
		t.Errorf("%d pieces of %d bytes, the file has %d, told was %+v", len(in.names), len(joined), len(whole), in.totals)
	}
	if err := in.remove(); err != nil {
		t.Error(err)
	}
}

// A raw file is for the collector and the tool alone: no messages are made of it.
func TestMakeRawInput(t *testing.T) {
	in, err := makeInput(t.TempDir(), "nfcapd", 2_500_000)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(in.folder, "nfcapd.201803200900"))
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(file)) != in.totals.Bytes || !bytes.HasPrefix(file, []byte{0x0c, 0xa5, 2, 0}) {
		t.Errorf("%d bytes that begin with % x, told was %+v", len(file), file[:4], in.totals)
	}
	// The size that is asked for is that of the rows.
	if rows := in.totals.RowBytes + in.totals.Rows; rows < 2_500_000 || rows > 2_501_000 {
		t.Errorf("rows of %d bytes", rows)
	}
	pieces, err := os.ReadDir(in.pieces)
	if err != nil || !in.isRaw() || len(in.names) > 0 || len(pieces) > 0 {
		t.Errorf("pieces %v and %v of a raw file: %v", in.names, pieces, err)
	}
	if err := in.remove(); err != nil {
		t.Error(err)
	}
}

// segment encodes rows as a collector does: union branch 0, one block, its end.
func segment(rows ...string) []byte {
	b := binary.AppendVarint([]byte{0}, int64(len(rows)))
	for _, row := range rows {
		b = append(binary.AppendVarint(b, int64(len(row))), row...)
	}
	return append(b, 0)
}

func TestCountRows(t *testing.T) {
	rows, size, err := countRows(segment("one", "", "three"))
	if err != nil || rows != 3 || size != 8 {
		t.Errorf("%d rows of %d bytes, %v; want 3 of 8", rows, size, err)
	}
	two := append([]byte{0, 3, 8}, "\x02a\x02b"...) // a count of -2, and the block's 4 bytes
	if rows, size, err = countRows(append(two, 2, 2, 'c', 0)); err != nil || rows != 3 || size != 3 {
		t.Errorf("two blocks: %d rows of %d bytes, %v; want 3 of 3", rows, size, err)
	}
	for name, value := range map[string][]byte{
		"empty": {}, "null": {2}, "no end": segment("x")[:4], "more after the end": append(segment("x"), 'x'),
		"many empty rows": {0, 0x80, 0x84, 0xaf, 0x5f}, "row past the end": {0, 2, 100, 'x', 0}, "negative row": {0, 2, 1, 0, 0},
		"most negative count": {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0},
	} {
		if rows, _, err := countRows(value); err == nil || rows != 0 {
			t.Errorf("%s: %d rows, error %v", name, rows, err)
		}
	}
}

func FuzzCountRows(f *testing.F) {
	f.Add(segment("a", "b"))
	f.Add([]byte("2018-03-20 09:00:00,2018\n"))
	f.Add([]byte{0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, value []byte) {
		rows, size, err := countRows(value)
		if rows < 0 || size < 0 || rows+size > int64(len(value)) || (err != nil && rows != 0) {
			t.Errorf("%d rows of %d bytes in %d bytes, %v", rows, size, len(value), err)
		}
	})
}

func TestVerify(t *testing.T) {
	in := &input{names: []string{"0", "1"}, totals: generate.Totals{Bytes: 100, Rows: 5, RowBytes: 90}}
	if err := errors.Join(
		verifyPieces(in, arrived{records: 2, bytes: 100}),
		verifyRows(in, arrived{records: 3, segments: 3, rows: 5, rowBytes: 90}),
	); err != nil {
		t.Errorf("all has arrived: %v", err)
	}
	for _, err := range []error{
		verifyPieces(in, arrived{records: 1, bytes: 100}), verifyPieces(in, arrived{records: 2, bytes: 99}),
		verifyRows(in, arrived{records: 3, segments: 2, rows: 5, rowBytes: 90}),
		verifyRows(in, arrived{records: 3, segments: 3, rows: 6, rowBytes: 90}),
		verifyRows(in, arrived{records: 3, segments: 3, rows: 5, rowBytes: 91}),
	} {
		if err == nil {
			t.Error("something was missing or too much: no error")
		}
	}
}

func TestReport(t *testing.T) {
	collector := series{"collector", []measurement{
		{wall: 1000 * time.Millisecond, cpu: 400 * time.Millisecond, peak: 40_000_000, records: 240},
		{wall: 960 * time.Millisecond, cpu: 450 * time.Millisecond, peak: 65_000_000, records: 240},
		{wall: 900 * time.Millisecond, cpu: 350 * time.Millisecond, peak: 41_000_000, records: 240},
	}}
	for file, r := range map[string]*result{
		"report.txt": {
			kind: "flow", totals: generate.Totals{Bytes: 200_000_000, Rows: 1_600_000}, collector: collector,
			peer: series{"kcat -P", []measurement{
				{wall: 900 * time.Millisecond, cpu: 200 * time.Millisecond, peak: 170_000_000, records: 201},
				{wall: 700 * time.Millisecond, cpu: 300 * time.Millisecond, peak: 150_000_000, records: 201},
				{wall: 800 * time.Millisecond, cpu: 250 * time.Millisecond, peak: 160_000_000, records: 201},
			}},
		},
		"report-nfcapd.txt": {
			kind: "nfcapd", totals: generate.Totals{Bytes: 75_000_000, Rows: 1_500_000}, collector: collector,
			peer: series{"nfdump", []measurement{
				{wall: 18 * time.Second, cpu: 17 * time.Second, peak: 22_000_000},
				{wall: 20 * time.Second, cpu: 19 * time.Second, peak: 23_000_000},
				{wall: 19200 * time.Millisecond, cpu: 18 * time.Second, peak: 24_000_000},
			}},
		},
	} {
		var got bytes.Buffer
		if err := r.print(&got); err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, &got, want)
		}
	}
}

// standIn is a collector in small: it sends the one file of the configured folder, row by
// row into segments of one message each, and forgets the last row if it is lossy.
func standIn(lossy bool) int {
	if err := sendAll(context.Background(), os.Args[1:], lossy); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
