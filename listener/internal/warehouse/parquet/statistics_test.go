package parquet

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestShortenedAndRaised(t *testing.T) {
	a63, a61 := strings.Repeat("a", 63), strings.Repeat("a", 61)
	for _, c := range []struct{ of, least, greatest string }{
		{"", "", ""},
		{"short", "short", "short"},
		{a63 + "b", a63 + "b", a63 + "b"},
		{a63 + "bc", a63 + "b", a63 + "c"},
		{a63 + "\x7fc", a63 + "\x7f", a63 + "\u0080"},
		{a63 + "ä", a63, a63[:62] + "b"},
		{a61 + "€c", a61 + "€", a61 + "₭"},
		{a61 + "\ud7ffc", a61 + "\ud7ff", a61 + "\ue000"},
		{a61 + "\uffffc", a61 + "\uffff", a61 + "\U00010000"},
		{a61[:60] + "\U0010ffffc", a61[:60] + "\U0010ffff", a61[:59] + "b"},
		{strings.Repeat("\U0010ffff", 17), strings.Repeat("\U0010ffff", 16), "none"},
		{a63 + "\xffc", a63 + "\xff", a63[:62] + "b"},
		{strings.Repeat("\xff", 65), strings.Repeat("\xff", 64), "none"},
		{strings.Repeat("\x80", 65), strings.Repeat("\x80", 64), strings.Repeat("\x80", 63) + "\x81"},
	} {
		least, exact := shortened([]byte(c.of))
		if string(least) != c.least || exact != (c.of == c.least) {
			t.Errorf("shortened(%q) = %q, %v; want %q", c.of, least, exact, c.least)
		}
		greatest, exact := raised([]byte(c.of))
		if greatest == nil {
			greatest = []byte("none")
		}
		if string(greatest) != c.greatest || exact != (c.of == c.greatest) {
			t.Errorf("raised(%q) = %q, %v; want %q", c.of, greatest, exact, c.greatest)
		}
	}
}

func FuzzShortenedAndRaised(f *testing.F) {
	f.Add([]byte(strings.Repeat("ä", 40)))
	f.Add([]byte(strings.Repeat("\xff", 70)))
	f.Fuzz(func(t *testing.T, s []byte) {
		before := bytes.Clone(s)
		least, _ := shortened(s)
		greatest, _ := raised(s)
		if len(least) > mostStatistic || bytes.Compare(least, s) > 0 {
			t.Errorf("shortened(%q) = %q", s, least)
		}
		if greatest != nil && (len(greatest) > mostStatistic+1 || bytes.Compare(greatest, s) < 0) {
			t.Errorf("raised(%q) = %q", s, greatest)
		}
		if utf8.Valid(s) && (!utf8.Valid(least) || !utf8.Valid(greatest)) {
			t.Errorf("of %q, which is UTF-8, %q or %q isn't", s, least, greatest)
		}
		if !bytes.Equal(s, before) {
			t.Errorf("%q has become %q", before, s)
		}
	})
}

func TestFloatExtremes(t *testing.T) {
	inf, zero := float32(math.Inf(1)), float32(0)
	minus := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		of              []float32
		least, greatest float32
	}{
		{[]float32{zero}, minus, zero},
		{[]float32{minus}, minus, zero},
		{[]float32{minus, 1}, minus, 1},
		{[]float32{-1, minus}, -1, zero},
		{[]float32{inf, -inf}, -inf, inf},
		{[]float32{inf}, inf, inf},
		{[]float32{-inf}, -inf, -inf},
	} {
		least, greatest, nans := floatExtremes(c.of)
		if math.Float32bits(least) != math.Float32bits(c.least) || math.Float32bits(greatest) != math.Float32bits(c.greatest) || nans != 0 {
			t.Errorf("%v: %v, %v, %d", c.of, least, greatest, nans)
		}
	}
	nan := float32(math.NaN())
	if _, _, nans := floatExtremes([]float32{nan, 1, nan}); nans != 2 {
		t.Errorf("%d NaNs, want 2", nans)
	}
}

// What a dictionary will grow to is foreseen well enough from a first part of the rows.
func TestForecast(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const rows, size = 131072, 16
	for _, c := range []struct {
		among int
		pays  bool
	}{{100, true}, {5000, true}, {50000, true}, {100000, true}, {10000000, false}} {
		seen, entries := map[int]bool{}, 0
		for range pageRows {
			seen[r.IntN(c.among)] = true
		}
		entries = len(seen)
		f := forecast{rows: rows, seen: pageRows, entries: entries, dictionary: size * entries, plain: size * rows}
		want := float64(c.among) * -math.Expm1(-rows/float64(c.among))
		if grown := f.grown(); math.Abs(grown-want) > 0.1*want {
			t.Errorf("of %d: %.0f entries foreseen, want about %.0f", c.among, grown, want)
		}
		if f.pays() != c.pays {
			t.Errorf("of %d: pays is %v, want %v", c.among, f.pays(), c.pays)
		}
	}
}
