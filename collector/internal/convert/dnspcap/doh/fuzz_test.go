package doh

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/stream"
)

// FuzzTable makes sound frames of the input, and cuts and shuffles them as it says: the messages must be the same. Then it
// takes the input itself for segments: whatever they say, the limits hold.
func FuzzTable(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x09\x00\x03\x03\x13\x02\x08\x05\x21\x07\x40\x01\x01\x18\x05\x05\x05"))
	f.Add([]byte(strings.Repeat("\x03\x21\x05\x01\x02\x13\x09\x02", 20)))
	for _, c := range conversations()[:8] {
		var all []byte
		for _, s := range c.segments {
			all = append(all, 0, 0, 8, 0, byte(len(s.Payload)/4))
			all = append(all, s.Payload...)
		}
		f.Add(all)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		known(t, in)
		arbitrary(t, in)
	})
}

// dice takes numbers from the input, round and round, and never the same ones.
type dice struct {
	in []byte
	at int
}

func (d *dice) roll(n int) int {
	if len(d.in) == 0 {
		return 0
	}
	b := int(d.in[d.at%len(d.in)]) + 7*(d.at/len(d.in))
	d.at++
	return b % n
}

// sound makes frames in a few streams, of which some carry messages.
func (d *dice) sound() string {
	var out strings.Builder
	out.WriteString(frameOf(settings, 0, 0))
	rest := map[uint32]string{}
	for range 3 + d.roll(40) {
		id := 1 + 2*uint32(d.roll(5))
		switch d.roll(5) {
		case 0:
			out.WriteString(frameOf(byte(9+d.roll(200)), byte(d.roll(256)), id, strings.Repeat("y", d.roll(100))))
		case 1:
			out.WriteString(headers(id))
		default:
			if rest[id] == "" {
				rest[id] = answer(strings.Repeat("n", 1+d.roll(60)))
				if d.roll(5) == 0 {
					rest[id] += "x"
				}
			}
			n := min(d.roll(100), len(rest[id]))
			flags, padding := byte(0), ""
			if d.roll(4) == 0 {
				n = len(rest[id])
				flags |= endStream
			}
			body := rest[id][:n]
			if d.roll(3) == 0 {
				flags |= padded
				padding = strings.Repeat("\x00", d.roll(256))
				body = string([]byte{byte(len(padding))}) + body
			}
			out.WriteString(frameOf(dataFrame, flags, id, body, padding))
			rest[id] = rest[id][n:]
		}
	}
	return out.String()
}

func known(t *testing.T, in []byte) {
	d := &dice{in: in}
	payload := d.sound()
	whole := begin(10000, 80)
	whole.sendClient(preface)
	from := whole.next[1]
	whole.sendServer(payload)
	want := messages(t, whole.segments)

	cut := begin(10000, 80)
	cut.sendClient(preface)
	var segments []*stream.Segment
	for at := 0; at < len(payload); {
		n := min(frameHeader+d.roll(90), len(payload)-at)
		cut.next[1] = from + uint32(at)
		segments = append(segments, cut.segment(1, "A", payload[at:at+n]))
		at += n
		if d.roll(4) == 0 {
			at -= d.roll(n)
		}
	}
	cut.segments = cut.segments[:len(cut.segments)-len(segments)]
	place := map[*stream.Segment]int{} // shuffled a little: each may be 8 places late
	for i, s := range segments {
		place[s] = i + d.roll(9)
	}
	slices.SortStableFunc(segments, func(a, b *stream.Segment) int { return place[a] - place[b] })
	if got := messages(t, append(cut.segments, segments...)); !slices.Equal(got, want) {
		t.Fatalf("%d messages, want %d:\n%q\n%q", len(got), len(want), got, want)
	}
}

func messages(t *testing.T, segments []*stream.Segment) (all []string) {
	t.Helper()
	table := NewTable()
	for _, s := range segments {
		table.Add(s, func(m []byte, _ int) { all = append(all, string(m)) })
		check(t, table)
	}
	for i := range table.conns[0].half {
		if n := len(table.conns[0].half[i].pieces); n > 0 {
			t.Fatalf("%d segments wait at the end", n)
		}
	}
	return all
}

// arbitrary reads segments from the input: 5 bytes of header, then payload.
func arbitrary(t *testing.T, in []byte) {
	table := NewTable()
	greeted := []byte(preface)
	for len(in) >= 5 {
		n := min(int(in[4])*4, len(in)-5)
		c := begin(10000+uint16(in[0]&3), 80)
		from, flags := int(in[0]>>2&1), in[0]>>3
		s := c.segment(from, []string{"A", "A", "A", "SA", "FA", "R", ""}[flags%7], "")
		s.Payload = in[5 : 5+n]
		if in[1]&3 == 0 {
			s.Payload = bytes.Join([][]byte{greeted, s.Payload}, nil)
		}
		s.Length = len(s.Payload) + int(in[1]>>6)*600
		s.Seq = uint32(in[2]) << (in[3] & 31)
		s.Ack = uint32(in[3]) << (in[2] & 31)
		table.Add(s, func(m []byte, length int) {
			if !isMessage(m) || length != len(m) {
				t.Fatalf("%d bytes, length %d: no message", len(m), length)
			}
		})
		check(t, table)
		in = in[5+n:]
	}
}
