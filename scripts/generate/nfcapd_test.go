package generate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNfcapdTotals(t *testing.T) {
	for _, o := range []NfcapdOptions{
		{Options: Options{Seed: 6, Rows: 5000}, Version: 1},
		{Options: Options{Seed: 6, Rows: 5000, Odd: true}, Version: 2, Compression: LZO},
		{Options: Options{Seed: 6, Rows: 5000, Bare: true}, NoReceived: true},
	} {
		s := sampleNfcapd(t, o)
		var rowBytes int64
		for _, row := range s.rows {
			rowBytes += int64(len(row))
		}
		if want := (Totals{Rows: 5000, RowBytes: rowBytes, Bytes: int64(len(s.file))}); s.totals != want || len(s.rows) != 5000 {
			t.Errorf("%+v: totals %+v, want %+v", o, s.totals, want)
		}
	}
}

// But for the few columns that Flow leaves empty, the rows are those of Flow.
func TestNfcapdHasTheFlowsOfFlow(t *testing.T) {
	o := Options{Seed: 11, Rows: 5000, Span: time.Hour, Bare: true}
	var flow bytes.Buffer
	if _, err := Flow(&flow, o); err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(flow.String(), "\n"), "\n")
	for _, noReceived := range []bool{false, true} {
		s := sampleNfcapd(t, NfcapdOptions{Options: o, NoReceived: noReceived})
		if len(s.rows) != len(want) {
			t.Fatalf("%d rows, want %d", len(s.rows), len(want))
		}
		changed := map[int]int{}
		for i := range want {
			got, want := strings.Split(s.rows[i], ","), strings.Split(want[i], ",")
			for column := range want {
				if got[column] != want[column] {
					changed[column]++
				}
			}
		}
		for column, n := range changed {
			switch column {
			case 14, 16, 17, 18, 19, 24, 25, 26: // fwd, ipkt, ibyt, opkt, obyt, dtos, dir, ra
			default:
				t.Errorf("column %d differs in %d rows", column, n)
			}
		}
		if len(changed) != 8 {
			t.Errorf("columns that differ: %v, want 8 of them", changed)
		}
	}
}

func TestNfcapdSameSeedSameBytes(t *testing.T) {
	for _, c := range []struct {
		version     int
		compression Compression
		sha256      string // of 3000 rows, seed 1, odd records included
	}{
		{1, Uncompressed, "0dba5fa42cc51ef195449f24367e6ec5da3bdf3a85040ab879a7d1f22b2ce35d"},
		{1, LZO, "ddf1a765a7083435a8595c73e15a5a493e6599b31f925b4e228942188f5b1528"},
		{2, Uncompressed, "31b5d06d8122ab07b03daf8d22159aad70668faea400ac2134824b322a5b7e54"},
		{2, LZO, "ffe478cf6c4b831aca646a7aab34983beca54ff0fefc1382f2383b71c1787418"},
	} {
		sum := func(seed uint64) string {
			s := sampleNfcapd(t, NfcapdOptions{Options: Options{Seed: seed, Rows: 3000, Odd: true}, Version: c.version, Compression: c.compression})
			h := sha256.Sum256(s.file)
			return hex.EncodeToString(h[:])
		}
		if got := sum(1); got != c.sha256 {
			t.Errorf("version %d, compression %d: SHA-256 %s, want %s: if flows were changed on purpose, put the new sum here",
				c.version, c.compression, got, c.sha256)
		}
		if sum(2) == c.sha256 {
			t.Errorf("version %d: seeds 1 and 2 give the same file", c.version)
		}
	}
}

func TestNfcapdSizeEndsTheFile(t *testing.T) {
	s := sampleNfcapd(t, NfcapdOptions{Options: Options{Bytes: 300_000}})
	if size := s.totals.RowBytes + s.totals.Rows; size < 300_000 || size > 300_300 {
		t.Errorf("rows of %d bytes, want 300000 and the rest of a row", size)
	}
	if s = sampleNfcapd(t, NfcapdOptions{Options: Options{Bytes: 300_000, Rows: 10}}); s.totals.Rows != 10 {
		t.Errorf("%d rows, want the 10 that come first", s.totals.Rows)
	}
}

// A writer that cannot seek gets the same file, and what is before the file stays.
func TestNfcapdWithoutSeeking(t *testing.T) {
	for _, version := range []int{1, 2} {
		var csv bytes.Buffer
		o := NfcapdOptions{Options: Options{Seed: 8, Rows: 20000, Odd: true}, Version: version, Compression: LZ4, CSV: &csv}
		s := sampleNfcapd(t, o)
		var plain bytes.Buffer
		totals, err := Nfcapd(&plain, o)
		if err != nil || totals != s.totals {
			t.Errorf("version %d: totals %+v, want %+v, error %v", version, totals, s.totals, err)
		}
		if !bytes.Equal(plain.Bytes(), s.file) {
			t.Errorf("version %d: another file without seeking", version)
		}
		if csv.Len() != int(totals.RowBytes+totals.Rows) {
			t.Errorf("version %d: %d bytes of rows, want %d", version, csv.Len(), totals.RowBytes+totals.Rows)
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "late"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.WriteString("before")
		if _, err := Nfcapd(f, o); err != nil {
			t.Fatal(err)
		}
		f.WriteString("after")
		late, err := os.ReadFile(f.Name())
		if err != nil || string(late) != "before"+string(s.file)+"after" {
			t.Errorf("version %d: the file isn't where the writer was, error %v", version, err)
		}
	}
}

func TestNfcapdOptions(t *testing.T) {
	one := Options{Rows: 1}
	for _, o := range []NfcapdOptions{
		{},
		{Options: one, Version: 3},
		{Options: one, Version: 1, Compression: ZSTD},
		{Options: one, Compression: 2},
		{Options: Options{Rows: 1, Start: time.Unix(0, 0)}},
		{Options: Options{Rows: 1, Start: time.Date(2106, 3, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		if _, err := Nfcapd(&limited{room: 1 << 20}, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// A limited file takes so many writes and seeks, and fails then.
type limited struct{ room int }

func (l *limited) Write(b []byte) (int, error) {
	if l.room--; l.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func (l *limited) Seek(int64, int) (int64, error) {
	if l.room--; l.room < 0 {
		return 0, errFull
	}
	return 0, nil
}

func TestNfcapdWriteErrors(t *testing.T) {
	o := NfcapdOptions{Options: Options{Rows: 10000}}
	const steps = 8 // seek, header, two blocks, appendix, seek, header, seek
	for room := range steps {
		if _, err := Nfcapd(&limited{room: room}, o); !errors.Is(err, errFull) {
			t.Errorf("after %d steps: error %v, want the writer's", room, err)
		}
	}
	if _, err := Nfcapd(&limited{room: steps}, o); err != nil {
		t.Errorf("after all %d steps: %v", steps, err)
	}
	o.CSV = full{}
	if _, err := Nfcapd(&limited{room: steps}, o); !errors.Is(err, errFull) {
		t.Errorf("error %v, want that of the writer of rows", err)
	}
}

func BenchmarkNfcapd(b *testing.B) {
	const rows = 50000
	for _, c := range []struct {
		name string
		NfcapdOptions
	}{
		{"v1", NfcapdOptions{Version: 1}},
		{"v1 lzo", NfcapdOptions{Version: 1, Compression: LZO}},
		{"v2", NfcapdOptions{Version: 2}},
		{"v2 lzo", NfcapdOptions{Version: 2, Compression: LZO}},
		{"v2 lz4", NfcapdOptions{Version: 2, Compression: LZ4}},
		{"v2 zstd", NfcapdOptions{Version: 2, Compression: ZSTD}},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.Rows = rows
			b.ReportAllocs()
			var bytes int64
			for range b.N {
				totals, err := Nfcapd(&limited{room: 1 << 30}, c.NfcapdOptions)
				if err != nil {
					b.Fatal(err)
				}
				bytes = totals.Bytes
			}
			b.SetBytes(bytes)
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "flows/s")
		})
	}
}
