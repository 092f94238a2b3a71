package doh

import (
	"encoding/binary"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/stream"
)

// add gives the table a conversation's segments and returns how many messages they have.
func add(t *testing.T, table *Table, c *conversation) (messages int) {
	t.Helper()
	for _, s := range c.segments {
		table.Add(s, func([]byte, int) { messages++ })
		check(t, table)
	}
	c.segments = nil
	return messages
}

func TestConnectionLimit(t *testing.T) {
	table := NewTable()
	var all []*conversation
	for i := range maxConnections + 1 {
		c := begin(uint16(10000+i), 80)
		c.greet()
		c.sendServer(headers(1), part(1, one))
		if i == maxConnections {
			all[0].sendServer(headers(3)) // now the second is idle for longest
			add(t, table, all[0])
		}
		add(t, table, c)
		all = append(all, c)
	}
	for i, c := range all {
		c.sendServer(data(1, ""))
		want := 1
		if i == 1 {
			want = 0
		}
		if n := add(t, table, c); n != want {
			t.Errorf("connection %d: %d messages, want %d", i, n, want)
		}
	}
	if s := table.Stats(); s.Evicted != 1 || s.Connections != maxConnections+1 {
		t.Errorf("got %+v", s)
	}
}

// TestClosedFirst has closed connections make room, which is no loss.
func TestClosedFirst(t *testing.T) {
	table := NewTable()
	first := begin(9999, 80)
	first.greet()
	add(t, table, first)
	for i := range 2 * maxConnections {
		c := begin(uint16(10000+i), 80)
		c.greet()
		c.flags(0, "FA")
		c.flags(1, "FA")
		add(t, table, c)
	}
	first.sendServer(plain)
	if n := add(t, table, first); n != 1 || table.Stats().Evicted != 0 {
		t.Errorf("%d messages, %+v", n, table.Stats())
	}
}

func TestStreamLimit(t *testing.T) {
	table := NewTable()
	c := begin(10000, 80)
	c.greet()
	for i := range uint32(maxStreams + 2) {
		c.sendServer(part(1+2*i, one[:20]))
	}
	for i := range uint32(maxStreams + 2) {
		c.sendServer(data(1+2*(maxStreams+1-i), one[20:]))
	}
	if n, s := add(t, table, c), table.Stats(); n != maxStreams || s.Streams != 2 {
		t.Errorf("%d messages, %+v; want %d, without the first two", n, s, maxStreams)
	}
}

// TestHeldLimit fills more connections than there is memory for. Contents look like DNS so far, or they wouldn't be kept.
func TestHeldLimit(t *testing.T) {
	table := NewTable()
	long := one + strings.Repeat("x", 60000)
	for i := range 10 {
		c := begin(uint16(10000+i), 80)
		c.greet()
		for s := range uint32(maxStreams / 2) {
			c.sendServer(part(2*s+1, long))
		}
		add(t, table, c)
	}
	if n := table.Stats().Evicted; n == 0 {
		t.Error("nothing was evicted")
	}
	for len(table.conns) > 0 {
		table.forget(table.conns[0])
	}
	check(t, table)
}

// TestLongestContent has the longest message there is, and one that is longer.
func TestLongestContent(t *testing.T) {
	for _, extra := range []int{0, 1} {
		const rest = 1 + 2 + 2 + 4 + 2 // the last record but for its data: of the root, type 0
		m := []byte(one)
		m[11]++
		n := maxContent - len(m) - rest + extra
		m = append(m, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		m = binary.BigEndian.AppendUint16(m, uint16(n))
		m = append(m, make([]byte, n)...)
		c := begin(10000, 80)
		c.greet()
		c.sendServer(headers(1), part(1, string(m[:20000])), part(1, string(m[20000:40000])), data(1, string(m[40000:])))
		if got := add(t, NewTable(), c); got != 1-extra {
			t.Errorf("%d messages of %d bytes", got, len(m))
		}
	}
}

// TestGapLimits leaves a gap open until too much waits behind it.
func TestGapLimits(t *testing.T) {
	for _, size := range []int{10, 16000} {
		table := NewTable()
		c := begin(10000, 80)
		c.greet()
		c.sendServer(headers(1) + part(1, one[:20]))
		c.segments = c.segments[:len(c.segments)-1]
		for range maxPieces + 1 {
			c.sendServer(frameOf(0x63, 0, 0, strings.Repeat("x", size)))
			if table.Stats().Gaps > 0 {
				break
			}
			add(t, table, c)
		}
		c.sendServer("xxx"+headers(3)+data(3, two), frameOf(0x9, 4, 3, "x")+data(3, two)) // frames may not begin here
		if n := add(t, table, c); n != 0 {
			t.Errorf("frames of %d bytes: %d messages where no frame was known to begin", size, n)
		}
		c.sendServer(frameOf(settings, ack, 0) + plain)
		if n, s := add(t, table, c), table.Stats(); n != 1 || s.Gaps != 1 || s.Evicted != 0 {
			t.Errorf("frames of %d bytes: %d messages, %+v", size, n, s)
		}
	}
}

func TestIsMessage(t *testing.T) {
	const header = "\x00\x07\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00"
	const class = "\x00\x01\x00\x01"
	label := "\x3f" + strings.Repeat("x", 63)
	cases := []struct {
		name, m string
		want    bool
	}{
		{"answer", one, true},
		{"header alone", bare, true},
		{"shorter than a header", bare[:11], false},
		{"nothing", "", false},
		{"root", header + "\x00" + class, true},
		{"question cut", header + "\x00" + class[:3], false},
		{"name cut", header + "\x03ab", false},
		{"name without end", header + "\x02ab", false},
		{"name of 255 octets", header + label + label + label + "\x3d" + label[1:62] + "\x00" + class, true},
		{"name of 256", header + label + label + label + "\x3e" + label[1:63] + "\x00" + class, false},
		{"label of a kind unknown", header + "\x41x\x00" + class, false},
		{"pointer to itself", header + "\xc0\x0c" + class, false},
		{"pointer to its name", header + "\x01a\xc0\x0c" + class, false},
		{"pointer forward", header + "\xc0\x12" + class + "\x00" + class, false},
		{"pointer into the header", header + "\xc0\x00" + class, false},
		{"pointer cut", header + "\xc0", false},
		{"records missing", strings.Replace(header, "\x00\x01", "\x00\x02", 1) + "\x00" + class, false},
		{"impossible counts", header[:6] + "\xff\xff\xff\xff\xff\xff" + "\x00" + class, false},
		{"data of a record cut", one[:len(one)-1], false},
		{"a byte too many", one + "\x00", false},
	}
	for _, c := range cases {
		if got := isMessage([]byte(c.m)); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

// TestNoGarbage has the segments of other connections, and of followed ones in order, cost no allocation.
func TestNoGarbage(t *testing.T) {
	table := NewTable()
	c := begin(10000, 80)
	c.greet()
	add(t, table, c)
	web := &stream.Segment{Key: begin(10001, 80).client, Payload: []byte("GET / HTTP/1.1\r\n\r\n")}
	c.sendServer(headers(1), part(1, one), data(1, ""))
	round := uint32(len(headers(1)) + 2*frameHeader + len(one))
	n := 0
	deliver := func([]byte, int) { n++ }
	allocations := testing.AllocsPerRun(100, func() {
		table.Add(web, deliver)
		for _, s := range c.segments {
			table.Add(s, deliver)
			s.Seq += round
		}
	})
	if allocations != 0 || n != 101 {
		t.Errorf("%v allocations, %d messages", allocations, n)
	}
}

func BenchmarkOther(b *testing.B) {
	table := NewTable()
	c := begin(10000, 80)
	c.greet()
	for _, s := range c.segments {
		table.Add(s, nil)
	}
	for name, port := range map[string]uint16{"https": 443, "http": 80} {
		s := &stream.Segment{Key: begin(10001, port).client, Payload: make([]byte, 1400), Length: 1400}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Add(s, nil)
			}
		})
	}
}
