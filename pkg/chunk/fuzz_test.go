package chunk

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pieces hands out a source in pieces of changing length.
type pieces struct {
	rest []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.size)], p.rest)
	p.rest = p.rest[n:]
	p.size = p.size%97 + 1
	return n, nil
}

// FuzzReader compares the Reader with the reference, whatever the bytes, the limits,
// the buffer's size and the pieces that the source hands out.
func FuzzReader(f *testing.F) {
	files, err := filepath.Glob("testdata/cut/*")
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if strings.HasSuffix(file, ".json") {
			continue
		}
		for typ := range 3 {
			f.Add(text, uint8(typ), uint16(300*(i+1)), uint16(200*i+1), uint8(0), uint8(64), uint8(31))
		}
	}
	for _, typ := range []Type{Flow, DNS, Proxy} {
		f.Add([]byte(sample(typ)), uint8(typ), uint16(500), uint16(60), uint8(3), uint8(1), uint8(1))
	}
	f.Fuzz(func(t *testing.T, input []byte, kind uint8, limit, longest uint16, skip, buffer, piece uint8) {
		typ := Type(kind % 3)
		r := NewReader(&pieces{input, int(piece) + 1}, typ, int(limit), int64(skip))
		r.lines.max = int(longest) // small inputs must meet it, too
		r.lines.buf = make([]byte, int(buffer)+1)
		cuts, stats := reference(input, typ, int(limit), int(longest), int64(skip))
		check(t, r, cuts, stats)
		if held := max(int(longest), int(buffer)) + 1; len(r.lines.buf) > held {
			t.Errorf("the buffer grew to %d bytes, more than %d", len(r.lines.buf), held)
		}
		for _, c := range cuts {
			if len(c.rows) > 1 && c.size >= int64(limit) {
				t.Errorf("a segment of %d rows counts %d, not less than %d", len(c.rows), c.size, limit)
			}
		}
	})
}

// TestFragments compares the Reader with the reference on inputs put together from
// what decides: bytes alone rarely make a time stamp.
func TestFragments(t *testing.T) {
	fragments := strings.Split("2018-03-20 09:25:11|2018-03-20 09:25:60|2018-03-20 09:25:62|2018-03-20 09:60:11|2018-03-20|09:25:11|"+
		"2018-03-20 10:00:00|2018-02-30 10:00:00|1970-01-01 00:00:00|1521537911.123456789|1521537911|123456789|0000000000E|0|1|.|"+
		" | |\t|\r|\v|\f|,|,|,|,,|\n|\n|\n|\n\n|x|\xff|\xc3|\xa9|é|\x00|\x85|Mar 20, 2018 09|"+strings.Repeat("y", 90), "|")
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var input []byte
		for range random.IntN(60) {
			input = append(input, fragments[random.IntN(len(fragments))]...)
		}
		for _, typ := range []Type{Flow, DNS, Proxy} {
			limit, longest, skip := 40+random.IntN(400), 20+random.IntN(200), int64(max(0, random.IntN(8)-4))
			r := NewReader(&pieces{input, 1 + random.IntN(50)}, typ, limit, skip)
			r.lines.max, r.lines.buf = longest, make([]byte, 1+random.IntN(80))
			cuts, stats := reference(input, typ, limit, longest, skip)
			check(t, r, cuts, stats)
			if t.Failed() {
				t.Fatalf("%v, limit %d, longest %d, skip %d: %q", typ, limit, longest, skip, input)
			}
		}
	}
}
