package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// message makes a response to an A query: 48 bytes, whose id tells it from others.
func message(id uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = append(b, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)
	b = append(b, "\x02mx\x07example\x03com\x00\x00\x01\x00\x01"...)
	b = append(b, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00"...)
	return binary.BigEndian.AppendUint16(b, id)
}

// text makes a response with a TXT record of n bytes that can't be taken for anything else.
func text(id uint16, n int) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = append(b, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0)
	b = append(b, "\x02mx\x07example\x03com\x00\x00\x10\x00\x01\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c"...)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	for ; n > 0; n -= 121 {
		b = append(b, byte(min(n, 121)-1))
		b = append(b, bytes.Repeat([]byte{'x'}, min(n, 121)-1)...)
	}
	return b
}

// framed puts the length before a message.
func framed(m []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
}

// A step is one frame of a scenario and the ids of the responses that it completes, with a ~ after one that is cut.
type step struct {
	client bool // sent by the client; port 53 sends the others
	seq    uint32
	ack    uint32
	flags  string // of S F R A
	data   []byte
	wire   int // length on the wire
	want   string
	tshark string // if tshark does otherwise
}

// server is a segment with data of the server.
func server(seq uint32, data []byte, want string) step {
	return step{seq: seq, ack: 500, flags: "A", data: data, wire: len(data), want: want, tshark: want}
}

// client is an empty segment of the client.
func client(ack uint32, flags string) step {
	return step{client: true, seq: 500, ack: ack, flags: flags}
}

// cut is the step as a capture with a short snap length has it.
func (s step) cut(n int) step {
	s.data = s.data[:n]
	return s
}

func (s step) with(flags string) step {
	s.flags = flags
	return s
}

// unlike notes what tshark does with the step.
func (s step) unlike(tshark string) step {
	s.tshark = tshark
	return s
}

func (s step) segment(port uint16) *Segment {
	k := Key{SrcPort: 53, DstPort: port}
	k.Src[0], k.Dst[0] = 1, 2
	if s.client {
		k = Key{Src: k.Dst, Dst: k.Src, SrcPort: port, DstPort: 53}
	}
	has := func(f string) bool { return strings.Contains(s.flags, f) }
	return &Segment{
		Key: k, Seq: s.seq, Ack: s.ack, SYN: has("S"), FIN: has("F"), RST: has("R"), HasAck: has("A"),
		Payload: s.data, Length: s.wire,
	}
}

// responses adds a step's segment and returns what was delivered, in the form of step.want.
func responses(t *Table, s *Segment) string {
	var ids []string
	t.Add(s, func(m []byte, length int) {
		if len(m) < 3 || m[2]&0x80 == 0 {
			return
		}
		n := binary.BigEndian.Uint16(m)
		id := fmt.Sprintf("%d", n)
		if n <= 4 && bytes.Contains(m, []byte("\x02mx")) && !bytes.HasPrefix(message(n), m) {
			id += " with wrong bytes"
		}
		if length > len(m) {
			id += "~"
		}
		ids = append(ids, id)
	})
	return strings.Join(ids, " ")
}

type scenario struct {
	name  string
	steps []step
}

// frame is the step as an Ethernet frame with IPv4, and its length on the wire.
func (s step) frame(port uint16) (b []byte, wire int) {
	src, dst, from, to := uint16(53), port, byte(1), byte(2)
	if s.client {
		src, dst, from, to = dst, src, to, from
	}
	var flags byte
	for f, bit := range map[string]byte{"F": 1, "S": 2, "R": 4, "A": 16} {
		if strings.Contains(s.flags, f) {
			flags |= bit
		}
	}
	be := binary.BigEndian
	b = append(make([]byte, 12), 8, 0, 0x45, 0)
	b = be.AppendUint16(b, uint16(40+s.wire))
	b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to)
	b = be.AppendUint16(be.AppendUint16(b, src), dst)
	b = be.AppendUint32(be.AppendUint32(b, s.seq), s.ack)
	b = append(b, 0x50, flags, 0x20, 0, 0, 0, 0, 0)
	return append(b, s.data...), 54 + s.wire
}

// capture writes scenarios as a pcap file, each on a client port of its own, a millisecond between frames.
func capture(scenarios []scenario) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0)
	n := uint32(0)
	for i, sc := range scenarios {
		for _, s := range sc.steps {
			frame, wire := s.frame(uint16(20000 + i))
			b = le.AppendUint32(le.AppendUint32(b, 1500000000+n/1000), n%1000*1000)
			b = le.AppendUint32(le.AppendUint32(b, uint32(len(frame))), uint32(wire))
			b = append(b, frame...)
			n++
		}
	}
	return b
}
