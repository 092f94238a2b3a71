package lzo_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"spot-ingest/collector/internal/convert/nfcapd/lzo"
	"spot-ingest/scripts/generate"
)

// block joins the parts of a block and ends it.
func block(parts ...[]byte) []byte {
	return append(slices.Concat(parts...), 0x11, 0, 0)
}

// pattern is n bytes without repetitions of three bytes or more nearby.
func pattern(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// run is the instruction to copy the bytes of b, more than 18, at the start of a block or
// after an instruction that left no literals behind.
func run(b []byte) []byte {
	head := []byte{0}
	n := len(b) - 18
	for ; n > 255; n -= 255 {
		head = append(head, 0)
	}
	return append(append(head, byte(n)), b...)
}

// tail returns n bytes of b, beginning distance before its end, repeated where they overlap.
func tail(b []byte, distance, n int) []byte {
	from := b[len(b)-distance:]
	for len(from) < n {
		from = append(slices.Clone(from), from...)
	}
	return from[:n]
}

func TestInstructions(t *testing.T) {
	p := pattern(60000)
	for _, c := range []struct {
		name string
		src  []byte
		want []byte
	}{
		{"end alone", block(), nil},
		{"first byte: one literal", block([]byte{18, 'a'}), []byte("a")},
		{"first byte: three literals", block([]byte{20}, p[:3]), p[:3]},
		{"first byte: four literals", block([]byte{21}, p[:4]), p[:4]},
		{"first byte: 238 literals", block([]byte{255}, p[:238]), p[:238]},
		{"4 literals", block([]byte{1}, p[:4]), p[:4]},
		{"18 literals", block([]byte{15}, p[:18]), p[:18]},
		{"19 literals", block([]byte{0, 1}, p[:19]), p[:19]},
		{"273 literals", block([]byte{0, 255}, p[:273]), p[:273]},
		{"274 literals", block([]byte{0, 0, 1}, p[:274]), p[:274]},

		{"2 bytes from 1 back, after one literal", block([]byte{18, 'a', 0, 0}), []byte("aaa")},
		{
			"2 bytes from 1024 back, after three literals",
			block(run(p[:2000]), []byte{64 | 3, 0, 7, 8, 9, 0x0c | 2, 255, 5, 6}),
			slices.Concat(p[:2000], tail(p[:2000], 1, 3), []byte{7, 8, 9}, p[2006-1024:2008-1024], []byte{5, 6}),
		},
		{
			"3 bytes from 2049 back, after many literals",
			block(run(p[:3000]), []byte{0, 0}),
			slices.Concat(p[:3000], tail(p[:3000], 2049, 3)),
		},
		{
			"3 bytes from 3072 back, after many literals, with one",
			block(run(p[:4000]), []byte{0x0c | 1, 255, 'x'}),
			slices.Concat(p[:4000], tail(p[:4000], 3072, 3), []byte{'x'}),
		},
		{
			"3 bytes from 1 back",
			block(run(p[:20]), []byte{64, 0}),
			slices.Concat(p[:20], tail(p[:20], 1, 3)),
		},
		{
			"4 bytes from 8 back, with two literals",
			block(run(p[:20]), []byte{96 | 7<<2 | 2, 0, 'x', 'y'}),
			slices.Concat(p[:20], tail(p[:20], 8, 4), []byte("xy")),
		},
		{
			"5 bytes from 2048 back",
			block(run(p[:3000]), []byte{128 | 7<<2, 255}),
			slices.Concat(p[:3000], tail(p[:3000], 2048, 5)),
		},
		{
			"8 bytes from 3 back, with three literals",
			block(run(p[:20]), []byte{224 | 2<<2 | 3, 0, 'x', 'y', 'z'}),
			slices.Concat(p[:20], tail(p[:20], 3, 8), []byte("xyz")),
		},
		{
			"3 bytes from 16384 back",
			block(run(p[:20000]), []byte{33, 0xfc, 0xff}),
			slices.Concat(p[:20000], tail(p[:20000], 16384, 3)),
		},
		{
			"33 bytes from 16 back, with one literal",
			block(run(p[:20]), []byte{63, 15<<2 | 1, 0, 'x'}),
			slices.Concat(p[:20], tail(p[:20], 16, 33), []byte{'x'}),
		},
		{
			"34 bytes from 1 back",
			block(run(p[:20]), []byte{32, 1, 0, 0}),
			slices.Concat(p[:20], tail(p[:20], 1, 34)),
		},
		{
			"1000 bytes from 7 back",
			block(run(p[:20]), []byte{32, 0, 0, 0, 1000 - 33 - 3*255, 6 << 2, 0}),
			slices.Concat(p[:20], tail(p[:20], 7, 1000)),
		},
		{
			"3 bytes from 16385 back",
			block(run(p[:20000]), []byte{17, 1 << 2, 0}),
			slices.Concat(p[:20000], tail(p[:20000], 16385, 3)),
		},
		{
			"9 bytes from 32768 back, with three literals",
			block(run(p[:40000]), []byte{16 | 8 | 7, 3, 0, 'x', 'y', 'z'}),
			slices.Concat(p[:40000], tail(p[:40000], 32768, 9), []byte("xyz")),
		},
		{
			"300 bytes from 49151 back",
			block(run(p), []byte{16 | 8, 0, 300 - 9 - 255, 0xfc, 0xff}),
			slices.Concat(p, tail(p, 49151, 300)),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Room for exactly what comes out: wide copies must not need more.
			got, err := lzo.Decompress(make([]byte, 0, len(c.want)), c.src)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, c.want) {
				t.Errorf("%d bytes, want %d, or they differ:\n got %x\nwant %x", len(got), len(c.want), shortened(got), shortened(c.want))
			}
			got, err = lzo.Decompress(make([]byte, 3, len(c.want)+100), c.src)
			if err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("with more room: %d bytes, want %d, error %v", len(got), len(c.want), err)
			}
		})
	}
}

func shortened(b []byte) []byte { return b[max(0, len(b)-64):] }

func TestBrokenBlocks(t *testing.T) {
	p := pattern(300)
	whole := block(run(p), []byte{64 | 3, 0, 7, 8, 9, 32, 0, 0, 0, 1, 4, 0})
	size := 300 + 3 + 3 + 2 + 31 + 3*255 + 1
	if got, err := lzo.Decompress(make([]byte, 0, size), whole); err != nil || len(got) != size {
		t.Fatalf("%d bytes, want %d, error %v", len(got), size, err)
	}
	for _, c := range []struct {
		name string
		room int
		src  []byte
		want error
	}{
		{"nothing", size, nil, lzo.ErrCut},
		{"end marker only begun", size, []byte{0x11, 0}, lzo.ErrCut},
		{"no end marker", size, []byte{18, 'a'}, lzo.ErrCut},
		{"cut within the first literals", size, []byte{255, 1, 2, 3}, lzo.ErrCut},
		{"cut within literals", size, []byte{10, 1, 2, 3}, lzo.ErrCut},
		{"cut within a length", size, []byte{0, 0, 0, 0}, lzo.ErrCut},
		{"cut before a distance", size, []byte{18, 'a', 32, 0, 0, 1, 4}, lzo.ErrCut},
		{"cut before the literals of a repetition", size, []byte{19, 'a', 'b', 67, 0, 1}, lzo.ErrCut},
		{"repetition of nothing", size, block([]byte{16, 1, 4, 0}), lzo.ErrLookBehind},
		{"repetition from before the start", size, block([]byte{18, 'a', 68, 0}), lzo.ErrLookBehind},
		{"far repetition from before the start", size, block([]byte{18, 'a', 24, 0, 0}), lzo.ErrLookBehind},
		{"version 1 of the format", size, []byte{17, 1, 18, 'a', 0x11, 0, 0}, lzo.ErrLookBehind},
		{"no room for the first literals", 237, block([]byte{255}, p[:238]), lzo.ErrTooLarge},
		{"no room for literals", 299, block(run(p)), lzo.ErrTooLarge},
		{"no room for a repetition", 302, whole, lzo.ErrTooLarge},
		{"no room for the literals of a repetition", 305, whole, lzo.ErrTooLarge},
		{"no room for the last byte", size - 1, whole, lzo.ErrTooLarge},
		{"length beyond any room", size, append(block([]byte{18, 'a', 32}), make([]byte, 1<<20)...), lzo.ErrTooLarge},
		{"bytes behind the end", size, append(slices.Clone(whole), 0), lzo.ErrTrailing},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := lzo.Decompress(make([]byte, 0, c.room), c.src)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if len(got) > c.room {
				t.Errorf("%d bytes, there was room for %d", len(got), c.room)
			}
		})
	}
	for n := range whole {
		if _, err := lzo.Decompress(make([]byte, 0, size), whole[:n]); err == nil {
			t.Errorf("no error for the first %d bytes of %d", n, len(whole))
		}
	}
}

// Room that the slice's capacity does not cover must stay as it is.
func TestStaysWithinCapacity(t *testing.T) {
	p := pattern(64)
	src := block(run(p), []byte{224 | 7<<2 | 3, 7, 1, 2, 3})
	const out = 64 + 8 + 3
	room := bytes.Repeat([]byte{0xee}, out+32)
	if _, err := lzo.Decompress(room[:0:out], src); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(room[out:], bytes.Repeat([]byte{0xee}, 32)) {
		t.Errorf("bytes behind the capacity were changed: %x", room[out:])
	}
}

func TestRoundTrip(t *testing.T) {
	for _, src := range samples() {
		packed := generate.AppendLZO([]byte("before"), src)[len("before"):]
		got, err := lzo.Decompress(make([]byte, 0, len(src)), packed)
		if err != nil || !bytes.Equal(got, src) {
			t.Errorf("%d bytes packed to %d come back as %d, error %v", len(src), len(packed), len(got), err)
		}
	}
}

// samples are blocks of many sizes, from random to monotonous.
func samples() [][]byte {
	r := rand.New(rand.NewPCG(3, 4))
	var list [][]byte
	for _, size := range []int{0, 1, 3, 4, 5, 19, 238, 239, 1000, 5000, 70000, 300000} {
		list = append(list, pattern(size), make([]byte, size))
		words := make([]byte, 0, size+100)
		for len(words) < size {
			// Repetitions from any distance, of any length, and literals between them.
			if from := len(words) - r.IntN(60000); from >= 0 {
				words = append(words, words[from:min(len(words), from+r.IntN(90))]...)
			}
			for range r.IntN(6) {
				words = append(words, byte(r.Uint32()))
			}
		}
		list = append(list, words[:size])
	}
	return list
}

func FuzzDecompress(f *testing.F) {
	for _, src := range samples() {
		if len(src) <= 5000 {
			f.Add(generate.AppendLZO(nil, src), len(src))
		}
	}
	f.Add(block([]byte{18, 'a', 0, 0}), 3)
	f.Add(block(run(pattern(4000)), []byte{0x0c | 1, 255, 'x'}), 4004)
	f.Fuzz(func(t *testing.T, src []byte, room int) {
		if room < 0 || room > 1<<20 {
			return
		}
		const guard = 64
		dst := bytes.Repeat([]byte{0xa5}, room+guard)
		got, err := lzo.Decompress(dst[:0:room], src)
		if len(got) > room {
			t.Fatalf("%d bytes, there was room for %d", len(got), room)
		}
		for i, b := range dst[room:] {
			if b != 0xa5 {
				t.Fatalf("byte %d behind the capacity was changed", i)
			}
		}
		if err != nil {
			return
		}
		want := bytes.Clone(got)
		if again, err := lzo.Decompress(make([]byte, 0, len(want)), src); err != nil || !bytes.Equal(again, want) {
			t.Fatalf("with just enough room: %d bytes, want %d, error %v", len(again), len(want), err)
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	for _, src := range samples() {
		if len(src) <= 5000 {
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := lzo.Decompress(make([]byte, 0, len(src)), generate.AppendLZO(nil, src))
		if err != nil || !bytes.Equal(got, src) {
			t.Fatalf("%x comes back as %x, error %v", src, got, err)
		}
	})
}
