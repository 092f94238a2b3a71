// Package doh finds DNS messages in HTTP/2 connections that a capture holds in clear, as between a proxy that terminates TLS
// and its resolver (RFC 8484, RFC 9113).
//
// A [Table] follows a connection from the client's preface on. It puts the TCP segments in order, goes from frame to frame,
// and collects what the DATA frames of a stream carry until its end, which may come with DATA or with trailers. It doesn't
// decompress header fields, so the content itself decides: it is a message if all of it, from the first byte to the last,
// makes one DNS message of opcode QUERY. tshark goes by the content type application/dns-message instead, so it has other
// rows only for content that is damaged, encoded, of another opcode, or of another type. Queries in the URL of a GET are not
// looked for.
//
// What a capture lost or cut costs no more than the streams concerned: frames are found again at the next segment that
// begins with one. What was held behind the gap comes with the segment by which it is clear that nothing will fill it.
//
// Like tshark it looks at the ports of HTTP alone. Memory is bounded by the limits below, whatever the capture holds.
package doh

import "spot-ingest/collector/internal/convert/dnspcap/stream"

const (
	// maxConnections is how many connections are followed at once. The one idle for longest makes room for another.
	maxConnections = 256

	// maxStreams is of how many streams a direction's content is kept at once. The one begun first makes room for another.
	maxStreams = 32

	// maxContent is the longest DNS message (RFC 8484, section 6).
	maxContent = 65535

	// maxPieces and maxAhead bound the segments, and the bytes in them, that a direction keeps until a gap before them fills.
	maxPieces = 64
	maxAhead  = 256 << 10

	// maxHeld bounds the bytes that wait on all connections together. The connection idle for longest makes room.
	maxHeld = 4 << 20

	// keepSpare buffers of at most keepSize bytes are kept for reuse.
	keepSpare = 32
	keepSize  = 4 << 10
)

// preface is what a client begins with (RFC 9113, section 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Stats counts what an operator should know of.
type Stats struct {
	Connections uint64 // connections followed
	Evicted     uint64 // of these, given up while open to make room
	Streams     uint64 // streams whose content was given up to make room for others of their connection
	Gaps        uint64 // times that bytes of a connection were passed over, since the capture lacks some
}

// A Table follows the HTTP/2 connections of one capture. It is not safe for concurrent use.
type Table struct {
	ends  map[stream.Key]end // both of each connection
	conns []*conn
	clock uint64
	held  int      // bytes that wait
	spare [][]byte // buffers for reuse
	stats Stats
}

// An end is one of a connection's two, by the key of the segments that it sends.
type end struct {
	conn *conn
	half int
}

// A conn is one connection. The client sends in half[0], the server in half[1].
type conn struct {
	key    stream.Key // the client's
	start  uint32     // where the preface begins
	half   [2]half
	used   uint64 // the table's clock when it had a segment
	closed bool
}

// NewTable returns a table with no connections.
func NewTable() *Table { return &Table{ends: make(map[stream.Key]end)} }

// Stats returns the counts so far.
func (t *Table) Stats() Stats { return t.stats }

// Add takes the capture's next TCP segment, of any ports but those of DNS, and calls deliver for each DNS message, query or
// response, that is complete with it. msg is valid during the call, and length is its length. A segment of another
// connection costs a look at its ports.
func (t *Table) Add(s *stream.Segment, deliver func(msg []byte, length int)) {
	if !isHTTP(s.SrcPort) && !isHTTP(s.DstPort) {
		return
	}
	begins := len(s.Payload) >= len(preface) && string(s.Payload[:len(preface)]) == preface
	if !begins && len(t.ends) == 0 {
		return
	}
	e := t.ends[s.Key]
	if e.conn != nil && (s.SYN || begins && e.conn.start != s.Seq) {
		t.forget(e.conn) // the ports are used again
		e.conn = nil
	}
	if e.conn == nil {
		if !begins {
			return
		}
		e = end{conn: t.open(s)}
	}
	t.take(e.conn, e.half, s, deliver)
	for t.held > maxHeld {
		t.evict()
	}
}

// take deals with a segment of a connection that is followed.
func (t *Table) take(c *conn, dir int, s *stream.Segment, deliver func([]byte, int)) {
	h, peer := &c.half[dir], &c.half[1-dir]
	if s.HasAck && int32(s.Ack-peer.acked) > 0 {
		peer.acked = s.Ack
	}
	// The payload of a reset is a text for humans (RFC 9293, section 3.5.3).
	if n := max(s.Length, len(s.Payload)); n > 0 && !s.RST {
		t.add(h, s.Seq, s.Payload, n, deliver)
	}
	h.fin = h.fin || s.FIN
	// A closed connection isn't forgotten, since other segments of it may still be under way. But it is the next to go.
	c.closed = c.closed || s.RST || h.fin && peer.fin
	if t.clock++; !c.closed {
		c.used = t.clock
	} else {
		c.used = 0
	}
}

// open begins to follow the connection whose client sends s, which begins with the preface.
func (t *Table) open(s *stream.Segment) *conn {
	if len(t.conns) == maxConnections {
		t.evict()
	}
	c := &conn{key: s.Key, start: s.Seq}
	body := s.Seq + uint32(len(preface))
	c.half[0] = half{next: body, acked: s.Seq, synced: true}
	// What the server sent before may have been of HTTP/1.1, for an upgrade.
	c.half[1] = half{next: s.Ack, acked: s.Ack}
	t.conns = append(t.conns, c)
	t.ends[s.Key] = end{c, 0}
	t.ends[reverse(s.Key)] = end{c, 1}
	t.stats.Connections++
	return c
}

// evict forgets the connection idle for longest.
func (t *Table) evict() {
	oldest := t.conns[0]
	for _, c := range t.conns {
		if c.used < oldest.used {
			oldest = c
		}
	}
	if !oldest.closed {
		t.stats.Evicted++
	}
	t.forget(oldest)
}

func (t *Table) forget(c *conn) {
	for i := range c.half {
		t.empty(&c.half[i])
	}
	delete(t.ends, c.key)
	delete(t.ends, reverse(c.key))
	last := len(t.conns) - 1
	for i := range t.conns {
		if t.conns[i] == c {
			t.conns[i], t.conns[last] = t.conns[last], nil
			t.conns = t.conns[:last]
			return
		}
	}
}

func reverse(k stream.Key) stream.Key {
	return stream.Key{Src: k.Dst, Dst: k.Src, SrcPort: k.DstPort, DstPort: k.SrcPort}
}

// isHTTP tells the ports on which tshark 4.0 sees the preface. On any other it doesn't, unless HTTP/1.1 came before.
func isHTTP(port uint16) bool {
	switch port {
	case 80, 1900, 2710, 2869, 3128, 3132, 3689, 5985, 8080, 8088, 11371:
		return true
	}
	return false
}
