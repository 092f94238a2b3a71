package doh

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"spot-ingest/collector/internal/convert/dnspcap/stream"
	"spot-ingest/scripts/generate"
)

// frameOf makes a frame.
func frameOf(kind, flags byte, id uint32, payload ...string) string {
	body := strings.Join(payload, "")
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body))<<8|uint32(kind))
	b = append(b, flags)
	return string(binary.BigEndian.AppendUint32(b, id)) + body
}

// headers makes a response's HEADERS frame: status 200 of the static table, and the content type as a literal.
func headers(id uint32) string {
	const contentType = "application/dns-message"
	return frameOf(headersFrame, endHeaders, id, "\x88\x0f\x10", string(rune(len(contentType))), contentType)
}

// request makes a HEADERS frame of a GET, or of a POST whose content follows.
func request(id uint32, post bool) string {
	if post {
		return frameOf(headersFrame, endHeaders, id, "\x83\x86\x04\x0a/dns-query\x0f\x10\x17application/dns-message")
	}
	return frameOf(headersFrame, endHeaders|endStream, id, "\x82\x86\x04\x0a/dns-query")
}

func trailers(id uint32) string {
	return frameOf(headersFrame, endHeaders|endStream, id, "\x0f\x10\x01x")
}

// data makes a DATA frame that ends the stream, part one that doesn't.
func data(id uint32, content string) string { return frameOf(dataFrame, endStream, id, content) }
func part(id uint32, content string) string { return frameOf(dataFrame, 0, id, content) }

func withPadding(id uint32, content string, n int) string {
	return frameOf(dataFrame, endStream|padded, id, string([]byte{byte(n)}), content, strings.Repeat("\x00", n))
}

// answer makes a response for a name of one label, which is its answer's name too.
func answer(name string) string {
	return "\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + string(rune(len(name))) + name +
		"\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
}

// nameOf is the name in a message that answer made.
func nameOf(m []byte) string {
	if len(m) < messageHeader+2 {
		return "-"
	}
	return string(m[13 : 13+m[12]])
}

// conversation collects the segments of a connection.
type conversation struct {
	segments []*stream.Segment
	client   stream.Key
	next     [2]uint32 // sequence numbers of the client and of the server
}

// begin opens a connection, which is told from others by the client's port. The server's is given.
func begin(clientPort, serverPort uint16) *conversation {
	c := &conversation{next: [2]uint32{1000, 0xfffffff0}} // the server's numbers wrap around
	c.client = stream.Key{SrcPort: clientPort, DstPort: serverPort}
	c.client.Src = [16]byte{10: 0xff, 0xff, 10, 0, 0, 1}
	c.client.Dst = [16]byte{10: 0xff, 0xff, 10, 0, 0, 2}
	c.open()
	return c
}

func (c *conversation) open() {
	c.flags(0, "S")
	c.flags(1, "SA")
	c.flags(0, "A")
}

// flags adds a segment without payload.
func (c *conversation) flags(from int, flags string) {
	s := c.segment(from, flags, "")
	if s.SYN || s.FIN {
		c.next[from]++
	}
}

func (c *conversation) segment(from int, flags, payload string) *stream.Segment {
	s := &stream.Segment{Key: c.client, Seq: c.next[from], Payload: []byte(payload), Length: len(payload)}
	if from == 1 {
		s.Key = reverse(c.client)
	}
	s.SYN, s.FIN = strings.Contains(flags, "S"), strings.Contains(flags, "F")
	s.RST, s.HasAck = strings.Contains(flags, "R"), strings.Contains(flags, "A")
	if s.HasAck {
		s.Ack = c.next[1-from]
	}
	c.segments = append(c.segments, s)
	c.next[from] += uint32(len(payload))
	return s
}

func (c *conversation) sendClient(payloads ...string) {
	for _, p := range payloads {
		c.segment(0, "A", p)
	}
}

func (c *conversation) sendServer(payloads ...string) {
	for _, p := range payloads {
		c.segment(1, "A", p)
	}
}

// greet exchanges preface, settings, and the requests of streams 1, 3 and 5.
func (c *conversation) greet() {
	c.sendClient(preface + frameOf(settings, 0, 0) + request(1, false) + request(3, false) + request(5, false))
	c.sendServer(frameOf(settings, 0, 0))
}

// cut keeps all but the last n bytes of the last segment.
func (c *conversation) cut(n int) {
	s := c.segments[len(c.segments)-1]
	s.Payload = s.Payload[:len(s.Payload)-n]
}

// names is what a table finds in segments: for each the names, in order.
func names(t *testing.T, segments []*stream.Segment) map[int]string {
	t.Helper()
	table := NewTable()
	found := map[int]string{}
	for i, s := range segments {
		table.Add(s, func(m []byte, length int) {
			if length != len(m) {
				t.Errorf("message of %d bytes has length %d", len(m), length)
			}
			if found[i] != "" {
				found[i] += " "
			}
			found[i] += nameOf(m)
		})
		check(t, table)
	}
	return found
}

// check fails the test if the table's books don't balance or a limit is passed.
func check(t *testing.T, table *Table) {
	t.Helper()
	held := 0
	for _, c := range table.conns {
		for i := range c.half {
			h := &c.half[i]
			waiting := 0
			for _, w := range h.pieces {
				held += cap(w.data)
				waiting += len(w.data)
			}
			for _, c := range h.contents {
				held += cap(c.data)
				if len(c.data) > maxContent {
					t.Fatalf("a content has %d bytes", len(c.data))
				}
			}
			if waiting != h.waiting || waiting > maxAhead || len(h.pieces) > maxPieces || len(h.contents) > maxStreams {
				t.Fatalf("a direction keeps %d streams and %d pieces of %d bytes, counted as %d", len(h.contents), len(h.pieces), waiting, h.waiting)
			}
		}
	}
	if held != table.held || held > maxHeld {
		t.Fatalf("%d bytes held, %d counted", held, table.held)
	}
	if n := len(table.conns); n > maxConnections || len(table.ends) != 2*n {
		t.Fatalf("%d connections, %d ends", n, len(table.ends))
	}
	if len(table.spare) > keepSpare {
		t.Fatalf("%d spare buffers", len(table.spare))
	}
}

const linkRaw = 101 // packets begin with the IP header

// captureOf writes segments as a pcap file, a second apart.
func captureOf(t *testing.T, segments []*stream.Segment) []byte {
	t.Helper()
	var packets []generate.Packet
	for i, s := range segments {
		b := []byte{0x45, 0}
		b = binary.BigEndian.AppendUint16(b, uint16(40+s.Length))
		b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0)
		b = append(append(b, s.Src[12:]...), s.Dst[12:]...)
		b = binary.BigEndian.AppendUint16(b, s.SrcPort)
		b = binary.BigEndian.AppendUint16(b, s.DstPort)
		b = binary.BigEndian.AppendUint32(b, s.Seq)
		b = binary.BigEndian.AppendUint32(b, s.Ack)
		var flags byte
		for bit, set := range []bool{s.FIN, s.SYN, s.RST, false, s.HasAck} {
			if set {
				flags |= 1 << bit
			}
		}
		b = append(b, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
		packets = append(packets, generate.Packet{Time: time.Unix(1500000000+int64(i), 0), Data: append(b, s.Payload...), Length: 40 + s.Length})
	}
	var file bytes.Buffer
	if err := generate.WritePackets(&file, generate.Pcap, linkRaw, packets...); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}
