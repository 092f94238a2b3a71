package stream

import (
	"encoding/binary"
	"testing"
)

// numbered is a segment of connection n.
func numbered(n int, s step) *Segment {
	seg := s.segment(20000)
	binary.BigEndian.PutUint32(seg.Src[8:], uint32(n))
	binary.BigEndian.PutUint32(seg.Dst[8:], uint32(n))
	return seg
}

// check fails the test if the table's books don't balance or a limit is passed.
func check(t *testing.T, table *Table) {
	t.Helper()
	held, linked := 0, 0
	for i := table.conns[0].older; i != 0; i = table.conns[i].older {
		linked++
		for _, h := range table.conns[i].half {
			if h.wait == nil {
				continue
			}
			held += len(h.wait.buf)
			if len(h.wait.buf) > maxWaiting || len(h.wait.spans) > maxSpans {
				t.Fatalf("a direction holds %d bytes in %d spans", len(h.wait.buf), len(h.wait.spans))
			}
			end := 0
			for _, s := range h.wait.spans {
				if s.from < end || s.to <= s.from || !s.done && s.to > len(h.wait.buf) {
					t.Fatalf("spans %v of %d bytes", h.wait.spans, len(h.wait.buf))
				}
				end = s.to
			}
		}
	}
	if linked != len(table.index) || linked > maxConnections {
		t.Fatalf("%d connections linked, %d in the index", linked, len(table.index))
	}
	if held != table.held || held > maxHeld {
		t.Fatalf("%d bytes held, %d counted", held, table.held)
	}
	if len(table.free) > keepSpare {
		t.Fatalf("%d spare backlogs", len(table.free))
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	table := NewTable()
	for n := range maxConnections + 10 {
		responses(table, numbered(n, server(1000, msgA[:20], "")))
		responses(table, numbered(0, server(1000, msgA[:20], ""))) // stays in use
	}
	check(t, table)
	if st := table.Stats(); st.Evicted != 10 || st.Connections != maxConnections+10 {
		t.Errorf("%+v", st)
	}
	if got := responses(table, numbered(0, server(1020, msgA[20:], ""))); got != "1" {
		t.Errorf("a connection in use was forgotten: %q", got)
	}
	if got := responses(table, numbered(1, server(1020, msgA[20:], ""))); got != "" {
		t.Errorf("the oldest connection was kept: %q", got)
	}
}

func TestClosedConnectionsGoFirst(t *testing.T) {
	table := NewTable()
	for n := range maxConnections {
		responses(table, numbered(n, server(1000, msgA, "")))
	}
	closed := maxConnections / 2
	responses(table, numbered(closed, client(1050, "R")))
	responses(table, numbered(maxConnections, server(1000, msgA, "")))
	check(t, table)
	if st := table.Stats(); st.Evicted != 0 {
		t.Errorf("an open connection was evicted: %+v", st)
	}
	if got := responses(table, numbered(0, server(1000, msgA, ""))); got != "" {
		t.Errorf("the oldest connection was forgotten: %q", got)
	}
}

func TestHeldBytesAreLimited(t *testing.T) {
	table := NewTable()
	for n := range 2 * maxHeld / len(huge) {
		for _, s := range inSegments(1000, huge[:60000], 1400, "") {
			responses(table, numbered(n, s))
		}
		check(t, table)
	}
	if table.Stats().Evicted == 0 {
		t.Error("nothing was evicted")
	}
}

func TestGapsAreLimited(t *testing.T) {
	table := NewTable()
	for _, s := range handshake {
		responses(table, numbered(1, s))
	}
	seq := uint32(1100) // what is between is lost, and nothing says so
	for range 3 {
		for _, s := range inSegments(seq, huge, 1400, "") {
			responses(table, numbered(1, s))
			check(t, table)
		}
		seq += uint32(len(huge))
	}
	if got := responses(table, numbered(1, server(seq, msgA, ""))); got != "1" {
		t.Errorf("lost its way after a gap: %q", got)
	}
	for n := range uint32(4 * maxSpans) { // a byte, a gap, a byte
		responses(table, numbered(1, server(seq+100+2*n, []byte{'x'}, "")))
		check(t, table)
	}
	if table.Stats().Gaps == 0 {
		t.Error("no gap was counted")
	}
}
