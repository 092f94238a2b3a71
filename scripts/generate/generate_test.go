package generate

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
)

type kind struct {
	name     string
	generate func(io.Writer, Options) (Totals, error)
	row      *regexp.Regexp // its first group is the time stamp
	layout   string
	sha256   string // of 5000 rows, seed 1, odd lines included
}

const (
	addr  = `(?:\d{1,3}(?:\.\d{1,3}){3}|2001:db8:[0-9a-f:]+)`
	token = `(?:[^ "]+|"[^"]*")`
)

var kinds = []kind{
	{
		"flow", Flow,
		regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:,\d+){6},\d+\.\d{3},` + addr + `,` + addr +
			`,\d{1,5},\d{1,5},(?:TCP|UDP|ICMP|GRE|ESP),(?:[U.][A.][P.][R.][S.][F.]|  0x[0-9a-f]{2})(?:,\d+){12},` + addr + `$`),
		"2006-01-02 15:04:05", "d1270b230eca2cf6862b67b0abe17281c35f0e3fa5ea9e847ba29c0acfbeb131",
	},
	{
		"dns", DNS,
		regexp.MustCompile(`^([A-Z][a-z]{2} [ \d]\d, \d{4} \d\d:\d\d:\d\d\.\d{9}) UTC,\d{10}\.\d{9},\d+,(?:` + addr + `)?,(?:` + addr +
			`)?,[-_.a-z0-9]*,\d*,(?:0x0001)?,\d+,` + addr + `?$`),
		"Jan _2, 2006 15:04:05.000000000", "bd35cc6534cc60b55512c1c6eda8c8d475c820f0099e8f7a228b7e50a1c3fafb",
	},
	{
		"proxy", Proxy,
		regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \d+ ` + addr + `(?: ` + token + `){17} ` + addr + ` \d+ \d+ -(?: ` + token + `){2}$`),
		"2006-01-02 15:04:05", "40c32481b2ab5d21cc1320aeeda426ca9a8cdd769132d23b6a666e1fb84f50a6",
	},
}

func TestRowsAreWhatTheToolsPrint(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			start := time.Date(2020, 2, 28, 22, 30, 0, 0, time.UTC)
			var file bytes.Buffer
			totals, err := k.generate(&file, Options{Seed: 7, Start: start, Span: 5 * time.Hour, Rows: 20000, Bare: true})
			if err != nil {
				t.Fatal(err)
			}
			last, hours := start, map[string]bool{}
			var rows, rowBytes int64
			for lines := bufio.NewScanner(&file); lines.Scan(); {
				line := lines.Text()
				rows, rowBytes = rows+1, rowBytes+int64(len(line))
				m := k.row.FindStringSubmatch(line)
				if m == nil {
					t.Fatalf("row %d is not of the shape: %q", rows, line)
				}
				if strings.TrimSpace(line) != line {
					t.Fatalf("row %d has blanks at its ends: %q", rows, line)
				}
				stamp, err := time.Parse(k.layout, m[1])
				if err != nil {
					t.Fatalf("row %d: %v", rows, err)
				}
				if stamp.Before(last) {
					t.Fatalf("row %d is stamped %v, after one of %v", rows, stamp, last)
				}
				last = stamp
				hours[stamp.Format("2006-01-02 15")] = true
			}
			if rows != 20000 || totals.Rows != rows || totals.Lines != rows || totals.RowBytes != rowBytes {
				t.Errorf("%d rows of %d bytes were written, told was %+v", rows, rowBytes, totals)
			}
			if len(hours) != 6 { // 22:30 to 03:30
				t.Errorf("rows of %d hours, want 6: %v", len(hours), hours)
			}
		})
	}
}

func TestColumns(t *testing.T) {
	for name, want := range map[string]int{"flow": 27, "dns": 11, "proxy": 27} {
		for _, k := range kinds {
			if k.name != name {
				continue
			}
			var file bytes.Buffer
			if _, err := k.generate(&file, Options{Seed: 3, Rows: 3000, Bare: true}); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(&file); lines.Scan(); {
				got := strings.Count(lines.Text(), ",") + 1
				if name == "proxy" {
					got = len(regexp.MustCompile(token).FindAllString(lines.Text(), -1))
				}
				if got != want {
					t.Fatalf("%s: %d columns, want %d: %s", name, got, want, lines.Text())
				}
			}
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			sum := func(seed uint64) string {
				h := sha256.New()
				if _, err := k.generate(h, Options{Seed: seed, Rows: 5000, Odd: true}); err != nil {
					t.Fatal(err)
				}
				return hex.EncodeToString(h.Sum(nil))
			}
			if got := sum(1); got != k.sha256 {
				t.Errorf("seed 1 gives a file of SHA-256 %s, want %s: if rows were changed on purpose, put the new sum here", got, k.sha256)
			}
			if sum(2) == k.sha256 {
				t.Error("seeds 1 and 2 give the same file")
			}
		})
	}
}

// Odd lines must not look like rows, since totals say how many rows have to arrive.
func TestOddLinesHoldNoTimeStamp(t *testing.T) {
	stamps := map[string]func(line string) bool{
		"flow": func(line string) bool {
			_, err := time.Parse("2006-01-02 15:04:05", strings.Split(line, ",")[0])
			return err == nil
		},
		"dns": func(line string) bool {
			f := strings.Split(line, ",")
			return len(f) > 2 && regexp.MustCompile(`\d{10}.\d{9}`).MatchString(f[2])
		},
		"proxy": func(line string) bool {
			f := strings.Fields(line)
			if len(f) < 2 {
				return false
			}
			_, err := time.Parse("2006-01-02 15:04:05", f[0]+" "+f[1])
			return err == nil
		},
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			var file bytes.Buffer
			totals, err := k.generate(&file, Options{Seed: 5, Rows: 10000, Odd: true})
			if err != nil {
				t.Fatal(err)
			}
			if size := int64(file.Len()); size != totals.Bytes {
				t.Errorf("%d bytes written, %d told", size, totals.Bytes)
			}
			var lines, stamped int64
			for s := bufio.NewScanner(&file); s.Scan(); lines++ {
				if stamps[k.name](s.Text()) {
					stamped++
				}
			}
			if lines != totals.Lines || stamped != totals.Rows {
				t.Errorf("%d lines, %d of them with a time stamp, told was %+v", lines, stamped, totals)
			}
			if odd := lines - stamped; odd < 50 || odd > 200 {
				t.Errorf("%d odd lines in 10000, want about 100", odd)
			}
		})
	}
}

func TestFlowSummaryAddsUp(t *testing.T) {
	var file bytes.Buffer
	if _, err := Flow(&file, Options{Rows: 500}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(file.String(), "\n")
	if lines[0]+"\n" != flowHeader || lines[501] != "Summary" || lines[502] != "flows,bytes,packets,avg_bps,avg_pps,avg_bpp" {
		t.Fatalf("header %q, trailer %q", lines[0], lines[501:])
	}
	if !strings.HasPrefix(lines[503], "500,") || len(lines) != 505 {
		t.Errorf("totals %q, %d lines", lines[503], len(lines)-1)
	}
}

func TestSizeEndsTheFile(t *testing.T) {
	for _, k := range kinds {
		totals, err := k.generate(io.Discard, Options{Bytes: 300_000, Bare: true})
		if err != nil {
			t.Fatal(err)
		}
		if totals.Bytes < 300_000 || totals.Bytes > 301_000 {
			t.Errorf("%s: %d bytes, want 300000 and the rest of a row", k.name, totals.Bytes)
		}
		totals, err = k.generate(io.Discard, Options{Bytes: 300_000, Rows: 10, Bare: true})
		if err != nil || totals.Rows != 10 {
			t.Errorf("%s: %d rows, %v: want the 10 that come first", k.name, totals.Rows, err)
		}
	}
}

func TestOptionsWithoutEnd(t *testing.T) {
	for _, o := range []Options{{}, {Rows: -1}, {Bytes: -1, Rows: 1}, {Rows: 1, Span: -1}} {
		if _, err := Flow(io.Discard, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteError(t *testing.T) {
	for _, k := range kinds {
		if _, err := k.generate(full{}, Options{Rows: 1}); !errors.Is(err, errFull) {
			t.Errorf("%s: error %v, want the writer's", k.name, err)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	const size = 8 << 20
	for _, k := range kinds {
		b.Run(k.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if _, err := k.generate(io.Discard, Options{Bytes: size}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
