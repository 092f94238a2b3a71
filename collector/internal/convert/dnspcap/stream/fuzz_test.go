package stream

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// FuzzTable cuts, shuffles and repeats the segments of a known stream as the input says: each message must come once, in
// whatever order. Then it takes the input itself for segments: whatever they say, the limits hold.
func FuzzTable(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08"))
	f.Add([]byte{0xff, 0, 0xff, 0, 0x10, 0x20, 0x33, 0x80, 0x7f})
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, 10+seed*20)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		known(t, in)
		arbitrary(t, in)
	})
}

// dice takes numbers from the input, round and round.
type dice struct {
	in []byte
	at int
}

func (d *dice) roll(n int) int {
	if len(d.in) == 0 {
		return 0
	}
	b := d.in[d.at%len(d.in)]
	d.at++
	// Another number each time round, so that a short input does not repeat itself.
	return (int(b) + 7*(d.at/len(d.in))) % n
}

func known(t *testing.T, in []byte) {
	d := &dice{in: in}
	var data []byte
	const first = 0xc000 // such ids can't be the length of what follows
	sizes := []int{20, 500, 100, 3000, 20, 20, 20, 20000, 100, 20, 1400, 20}
	messages := map[uint16][]byte{}
	for i, n := range sizes {
		id := first + uint16(i)
		if messages[id] = text(id, n); i%3 == 0 {
			messages[id] = message(id)
		}
		data = append(data, framed(messages[id])...)
	}
	isn := uint32(d.roll(256)) << 24
	table := NewTable()
	responses(table, numbered(1, step{seq: isn - 1, ack: 1, flags: "SA"}))
	seen := map[uint16]int{}
	send := func(from, to int) {
		s := numbered(1, server(isn+uint32(from), data[from:to], ""))
		table.Add(s, func(m []byte, length int) {
			id := binary.BigEndian.Uint16(m)
			if length != len(m) || !bytes.Equal(m, messages[id]) {
				t.Fatalf("message %#x came with other bytes", id)
			}
			seen[id]++
		})
		check(t, table)
	}
	type part struct{ n, from, to int }
	var window []part // in the stream's order
	draw := func(i int) {
		from, to := window[i].from, window[i].to
		window = slices.Delete(window, i, i+1)
		if d.roll(4) == 0 {
			from, to = max(0, from-d.roll(40)), min(len(data), to+d.roll(40))
		}
		send(from, to)
		if d.roll(5) == 0 {
			send(from, to)
		}
	}
	depth := 1 + d.roll(20)
	for n, at := 0, 0; at < len(data); n++ {
		size := min(1+d.roll(256)*(1+d.roll(6)), len(data)-at)
		window = append(window, part{n, at, at + size})
		at += size
		for at-window[0].from > maxReorder/2 || n-window[0].n > maxSpans/3 {
			draw(0)
		}
		if len(window) > depth {
			draw(d.roll(len(window)))
		}
	}
	for len(window) > 0 {
		draw(d.roll(len(window)))
	}
	for i := range sizes {
		if n := seen[first+uint16(i)]; n != 1 {
			t.Fatalf("message %d came %d times", i, n)
		}
	}
	if h := table.conns[1].half; h[0].wait != nil || h[1].wait != nil {
		t.Fatal("something waits at the end")
	}
}

// arbitrary reads segments from the input: 8 bytes of header, then payload. Some are of a stream that makes sense.
func arbitrary(t *testing.T, in []byte) {
	table := NewTable()
	sound := bytes.Repeat(join(msgA, msgB, long, msgC, msgD, odd), 3)
	for len(in) >= 8 {
		n := min(int(in[7])*8, len(in)-8)
		s := numbered(int(in[0]&3), server(uint32(in[1])<<24+uint32(in[2])*700+uint32(in[3]), in[8:8+n], ""))
		s.Ack = uint32(in[1])<<24 + uint32(in[4])*700
		s.SYN, s.FIN, s.RST, s.HasAck = in[5]&15 == 1, in[5]&15 == 2, in[5]&15 == 3, in[5]&16 > 0
		if in[5]&128 > 0 { // part of a sound stream instead
			from := int(in[3]) * 3
			s.Seq, s.Payload = 1000+uint32(from), sound[from:from+n/4]
			s.Length = len(s.Payload)
			if in[6]&3 == 0 {
				s.Payload = s.Payload[:len(s.Payload)*int(in[6])/256]
			}
		}
		if in[5]&160 == 32 {
			s.Length += int(in[6]) * 600
		}
		if in[5]&64 > 0 {
			s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort
		}
		table.Add(s, func(m []byte, length int) {
			if len(m) > length || length == 0 || length > 65535 {
				t.Fatalf("message of %d bytes with %d", length, len(m))
			}
		})
		check(t, table)
		in = in[8+n:]
	}
}
