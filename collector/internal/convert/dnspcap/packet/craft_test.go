package packet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// The builders below write one layer each around a payload. Addresses: the
// outermost packet of a case runs from outer4 or outer6, those within from
// inner4 or inner6, so that a test sees which header was taken.
var (
	outer4 = [4]byte{10, 0, 0, 1}
	inner4 = [4]byte{10, 1, 0, 1}
	outer6 = [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 1}
	inner6 = [16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 15: 0x11}
)

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// unhex reads hexadecimal digits with blanks between.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// message is a DNS response with so many A records.
func message(id, answers int) []byte {
	b := cat(u16(id), unhex("8180 0001"), u16(answers), unhex("0000 0000"),
		[]byte("\x03www\x07example\x03com\x00"), unhex("0001 0001"))
	for range answers {
		b = append(b, unhex("c00c 0001 0001 0000003c 0004 01020304")...)
	}
	return b
}

func udp(src, dst int, payload []byte) []byte {
	return cat(u16(src), u16(dst), u16(8+len(payload)), u16(0), payload)
}

// udpLength is udp with a length field of its own.
func udpLength(length int, payload []byte) []byte {
	b := udp(53, 40000, payload)
	copy(b[4:], u16(length))
	return b
}

type segment struct {
	dst    int
	seq    int
	flags  byte
	offset byte // data offset in words, 0 for what fits
	opts   []byte
}

// tcp is a segment from port 53 with a message and its length before it.
func tcp(s segment, message []byte) []byte {
	if s.offset == 0 {
		s.offset = byte(5 + len(s.opts)/4)
	}
	return cat(u16(53), u16(s.dst), u32(s.seq), u32(1), []byte{s.offset << 4, s.flags}, unhex("2000 0000 0000"),
		s.opts, u16(len(message)), message)
}

type v4 struct {
	protocol int
	src      [4]byte // outer4 if not set
	total    int     // total length, -1 for 0, 0 for what fits
	id       int
	field    int // flags and offset
	opts     []byte
	first    byte // version and header length, 0 for what fits
}

const moreBit = 0x2000

func (h v4) wrap(payload []byte) []byte {
	if h.src == [4]byte{} {
		h.src = outer4
	}
	switch h.total {
	case 0:
		h.total = 20 + len(h.opts) + len(payload)
	case -1:
		h.total = 0
	}
	if h.first == 0 {
		h.first = 0x45 + byte(len(h.opts)/4)
	}
	return cat([]byte{h.first, 0}, u16(h.total), u16(h.id), u16(h.field), []byte{64, byte(h.protocol), 0, 0},
		h.src[:], []byte{10, 0, 0, 2}, h.opts, payload)
}

type v6 struct {
	next   int
	src    [16]byte // outer6 if not set
	length int      // payload length, -1 for 0, 0 for what fits
}

func (h v6) wrap(payload []byte) []byte {
	if h.src == [16]byte{} {
		h.src = outer6
	}
	switch h.length {
	case 0:
		h.length = len(payload)
	case -1:
		h.length = 0
	}
	dst := outer6
	dst[15] = 2
	return cat(u32(6<<28), u16(h.length), []byte{byte(h.next), 64}, h.src[:], dst[:], payload)
}

// extension is an IPv6 extension header of eight bytes with an empty PadN option.
func extension(next int, payload []byte) []byte {
	return cat([]byte{byte(next), 0, 1, 4, 0, 0, 0, 0}, payload)
}

func fragmentHeader(next, id, offset int, more bool, payload []byte) []byte {
	field := offset
	if more {
		field |= 1
	}
	return cat([]byte{byte(next), 0}, u16(field), u32(id), payload)
}

func eth(etherType int, payload []byte) []byte {
	return cat(unhex("020000000002 020000000001"), u16(etherType), payload)
}

// snap is an 802.2 SNAP header with this organisation and EtherType.
func snap(oui string, etherType int, payload []byte) []byte {
	return cat(unhex("aaaa03"), unhex(oui), u16(etherType), payload)
}

func eth802(payload []byte) []byte { return eth(len(payload), payload) }

func vlan(id, etherType int, payload []byte) []byte { return cat(u16(id), u16(etherType), payload) }

func mpls(label int, bottom bool, payload []byte) []byte {
	entry := label<<12 | 64
	if bottom {
		entry |= 1 << 8
	}
	return cat(u32(entry), payload)
}

func cooked(arphrd, protocol int, payload []byte) []byte {
	return cat(u16(0), u16(arphrd), unhex("0006 020000000001 0000"), u16(protocol), payload)
}

func cooked2(arphrd, protocol int, payload []byte) []byte {
	return cat(u16(protocol), unhex("0000 00000003"), u16(arphrd), unhex("00 06 020000000001 0000"), payload)
}

func gre(flags, protocol int, options string, payload []byte) []byte {
	return cat(u16(flags), u16(protocol), unhex(options), payload)
}

func vxlan(payload []byte) []byte { return cat(unhex("08000000 00000500"), payload) }

func icmp(kind int, payload []byte) []byte {
	return cat([]byte{byte(kind), 0, 0, 0, 0, 0, 0, 0}, payload)
}

// cutter cuts a payload into fragments at multiples of eight bytes.
type cutter struct {
	id      int
	payload []byte
	next    int // protocol, UDP if 0
}

func (c cutter) protocol() int {
	if c.next == 0 {
		return protoUDP
	}
	return c.next
}

// v4 is the fragment from one place to another as an IPv4 packet.
func (c cutter) v4(from, to int, more bool) []byte {
	field := from / 8
	if more {
		field |= moreBit
	}
	return v4{protocol: c.protocol(), id: c.id, field: field}.wrap(c.cut(from, to))
}

func (c cutter) v6(from, to int, more bool) []byte {
	return v6{next: protoFragment}.wrap(fragmentHeader(c.protocol(), c.id, from, more, c.cut(from, to)))
}

func (c cutter) cut(from, to int) []byte {
	if to < 0 {
		to = len(c.payload)
	}
	return c.payload[min(from, len(c.payload)):min(to, len(c.payload))]
}
