package packet

import (
	"bytes"
	"math/rand"
	"strings"
	"testing"
	"unsafe"
)

// TestOverlap puts fragments together that disagree. Each is an offset in units of
// eight letters, its letters, and a dot if it is the last.
func TestOverlap(t *testing.T) {
	a, b, c, d := "aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"
	type part struct {
		offset int
		text   string
	}
	for _, test := range []struct {
		name  string
		parts []part
		want  string
	}{
		{"no overlap", []part{{0, a}, {2, c + "."}, {1, b}}, a + b + c},
		{"the lower offset counts", []part{{1, c + c}, {0, a + b}, {3, d + "."}}, a + b + c + d},
		{"the lower offset counts, later", []part{{0, a + b}, {1, c + c}, {3, d + "."}}, a + b + c + d},
		{"the first counts", []part{{0, a}, {0, b + b}, {2, c + "."}}, a + b + c},
		{"inside", []part{{0, a + a + a}, {1, b}, {3, c + "."}}, a + a + a + c},
		{"the first end counts", []part{{1, b + "."}, {2, c + "."}, {0, a}}, a + b},
		{"the first end counts, longer", []part{{2, c + "."}, {1, b + "."}, {0, a}}, a + b + c},
		{"beyond the end", []part{{1, b + c}, {1, d + "."}, {0, a}}, a + b},
		{"two bytes", []part{{0, a + "xy"}, {1, b + "."}}, a + "xybbbbbb"},
		{"a gap", []part{{0, "xyz"}, {1, b + "."}}, ""},
		{"no end", []part{{0, a}, {1, b}}, ""},
		{"empty", []part{{0, a}, {1, "."}}, ""},
		{"odd end", []part{{0, a}, {1, "x."}}, a + "x"},
	} {
		f, got := newFragments(), []byte(nil)
		for _, p := range test.parts {
			text, last := strings.CutSuffix(p.text, ".")
			got = f.add(&fragmentKey{}, p.offset*8, !last, []byte(text))
		}
		if string(got) != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		check(t, f)
	}
}

func TestLongFragments(t *testing.T) {
	f := newFragments()
	whole := make([]byte, maxDatagram)
	rand.New(rand.NewSource(1)).Read(whole)
	key := &fragmentKey{id: 1}
	for _, end := range []int{8, 3000, 9000, 9008, 30000, 65528} {
		start := map[int]int{8: 0, 3000: 8, 9000: 3000, 9008: 9000, 30000: 9008, 65528: 30000}[end]
		if f.add(key, start, true, whole[start:end]) != nil {
			t.Fatal("whole too early")
		}
	}
	if f.add(key, 65528, false, make([]byte, 8)) != nil || f.tooLong != 1 {
		t.Error("a fragment beyond the longest datagram was taken")
	}
	if got := f.add(key, 65528, false, whole[65528:]); !bytes.Equal(got, whole) {
		t.Error("the longest datagram isn't what it was")
	}
	check(t, f)
}

func TestTooManyDatagrams(t *testing.T) {
	f := newFragments()
	for id := range uint32(maxDatagrams + 3) {
		f.add(&fragmentKey{id: id}, 0, true, []byte("12345678"))
	}
	if f.evicted != 3 || f.waiting != maxDatagrams {
		t.Errorf("%d evicted, %d waiting", f.evicted, f.waiting)
	}
	check(t, f)
	for _, id := range []uint32{3, 4, maxDatagrams + 2} {
		if got := f.add(&fragmentKey{id: id}, 8, false, []byte("x")); string(got) != "12345678x" {
			t.Errorf("datagram %d: %q", id, got)
		}
		check(t, f)
	}
	if got := f.add(&fragmentKey{id: 2}, 8, false, []byte("x")); got != nil {
		t.Errorf("a datagram that was given up: %q", got)
	}
}

func TestTooManyBytes(t *testing.T) {
	f := newFragments()
	// Each datagram takes 32 pieces.
	for id := range uint32(maxPieces/32 + 2) {
		f.add(&fragmentKey{id: id}, 0, true, make([]byte, 32*pieceSize-8))
	}
	if f.evicted != 2 || f.piecesLeft != 0 {
		t.Errorf("%d evicted, %d pieces left", f.evicted, f.piecesLeft)
	}
	check(t, f)
}

// TestGreedyDatagram fills the table with one datagram, which gives way last.
func TestGreedyDatagram(t *testing.T) {
	f := newFragments()
	key := &fragmentKey{id: 1}
	for id := range uint32(3) {
		f.add(&fragmentKey{id: id}, 0, true, []byte("12345678"))
	}
	for range maxPieces - 1 {
		f.add(key, 8, true, []byte("12345678"))
	}
	if f.waiting != 1 || f.evicted != 2 {
		t.Errorf("%d waiting, %d evicted", f.waiting, f.evicted)
	}
	check(t, f)
	f.add(key, 8, true, []byte("12345678"))
	if f.waiting != 0 || f.evicted != 3 || f.piecesLeft != maxPieces {
		t.Errorf("%d waiting, %d evicted, %d pieces left", f.waiting, f.evicted, f.piecesLeft)
	}
	check(t, f)
}

func TestFragmentsSize(t *testing.T) {
	if size := unsafe.Sizeof(fragments{}); size > 5<<20 {
		t.Errorf("the table takes %d bytes", size)
	}
}

// check walks through a table and holds its lists against each other.
func check(t testing.TB, f *fragments) {
	t.Helper()
	free, used := 0, 0
	for ref := f.freePiece; ref != 0; ref = f.pieces[ref-1].next {
		if free++; free > maxPieces {
			t.Fatal("the free pieces go round")
		}
	}
	waiting, last := 0, int16(0)
	for ref := f.oldest; ref != 0; ref = f.datagrams[ref-1].newer {
		g := &f.datagrams[ref-1]
		if waiting++; waiting > maxDatagrams || g.older != last {
			t.Fatal("the datagrams are out of order")
		}
		last = ref
		offset := uint16(0)
		for p := g.pieces; p != 0; p = f.pieces[p-1].next {
			if used++; used > maxPieces || f.pieces[p-1].offset < offset {
				t.Fatal("the pieces are out of order")
			}
			offset = f.pieces[p-1].offset
		}
		if n := f.waiting; f.find(&g.key) != ref || f.waiting != n {
			t.Fatal("a datagram isn't in its bucket")
		}
	}
	if last != f.newest || waiting != f.waiting || free != f.piecesLeft || free+used != maxPieces {
		t.Fatalf("%d waiting, %d counted; %d pieces free, %d counted; %d in use",
			waiting, f.waiting, free, f.piecesLeft, used)
	}
}
