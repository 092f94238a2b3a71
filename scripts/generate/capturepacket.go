package generate

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherVLAN = 0x8100
	etherIPv6 = 0x86dd

	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoFragment = 44

	ethernetHeader = 14
	ipv4Header     = 20
	ipv6Header     = 40
	fragmentHeader = 8
	// shortestFrame is what Ethernet pads to, checksum not counted.
	shortestFrame = 60
	// linkMTU is the largest IP packet.
	linkMTU = 1500
)

// appendEthernet adds a header, with a VLAN tag if vlan isn't 0. Each address has a
// locally administered MAC of its own, as if all shared one segment.
func appendEthernet(b []byte, from, to netip.Addr, vlan, etherType uint16) []byte {
	b = appendMAC(b, to)
	b = appendMAC(b, from)
	if vlan != 0 {
		b = binary.BigEndian.AppendUint16(b, etherVLAN)
		b = binary.BigEndian.AppendUint16(b, vlan)
	}
	return binary.BigEndian.AppendUint16(b, etherType)
}

func appendMAC(b []byte, addr netip.Addr) []byte {
	a := addr.As16()
	return append(b, 0x02, 0x00, a[12], a[13], a[14], a[15])
}

// An ipPart is what an IP header says of the data behind it: all of a packet, or a
// fragment of one.
type ipPart struct {
	proto  byte
	id     uint32
	length int
	offset int // a multiple of 8
	more   bool
}

func (p ipPart) isFragment() bool { return p.offset > 0 || p.more }

func appendIPv4Header(b []byte, from, to netip.Addr, p ipPart) []byte {
	const dontFragment, moreFragments = 0x4000, 0x2000
	at := len(b)
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(ipv4Header+p.length))
	b = binary.BigEndian.AppendUint16(b, uint16(p.id))
	flags := uint16(p.offset / 8)
	if p.more {
		flags |= moreFragments
	}
	if !p.isFragment() {
		flags = dontFragment
	}
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 64, p.proto, 0, 0)
	b = appendAddr(appendAddr(b, from), to)
	binary.BigEndian.PutUint16(b[at+10:], checksum(sum(0, b[at:])))
	return b
}

// appendIPv6 adds a header, and for a fragment the extension that says so.
func appendIPv6Header(b []byte, from, to netip.Addr, p ipPart) []byte {
	next, length := p.proto, p.length
	if p.isFragment() {
		next, length = protoFragment, length+fragmentHeader
	}
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, next, 64)
	b = appendAddr(appendAddr(b, from), to)
	if !p.isFragment() {
		return b
	}
	offset := uint16(p.offset)
	if p.more {
		offset |= 1
	}
	b = append(b, p.proto, 0)
	b = binary.BigEndian.AppendUint16(b, offset)
	return binary.BigEndian.AppendUint32(b, p.id)
}

func appendUDP(b []byte, from, to netip.Addr, source, destination uint16, payload []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, source)
	b = binary.BigEndian.AppendUint16(b, destination)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, 0, 0)
	b = append(b, payload...)
	c := checksum(sum(pseudoHeader(from, to, protoUDP, len(b)-at), b[at:]))
	if c == 0 {
		c = 0xffff // 0 would mean that there is none
	}
	binary.BigEndian.PutUint16(b[at+6:], c)
	return b
}

const (
	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpPSH = 0x08
	tcpACK = 0x10
)

// A segment is what a TCP header says.
type segment struct {
	source, destination uint16
	seq, ack            uint32
	flags               byte
	time, echo          uint32 // of the time stamp option
}

func appendTCP(b []byte, from, to netip.Addr, s segment, payload []byte) []byte {
	at := len(b)
	b = binary.BigEndian.AppendUint16(b, s.source)
	b = binary.BigEndian.AppendUint16(b, s.destination)
	b = binary.BigEndian.AppendUint32(b, s.seq)
	b = binary.BigEndian.AppendUint32(b, s.ack)
	b = append(b, 0, s.flags, 0xfa, 0xf0, 0, 0, 0, 0)
	if s.flags&tcpSYN != 0 { // segment size, selective acknowledgements, window scale, padding
		b = append(b, 2, 4, 0x05, 0xb4, 4, 2, 3, 3, 7, 1)
	} else {
		b = append(b, 1, 1)
	}
	b = append(b, 8, 10)
	b = binary.BigEndian.AppendUint32(b, s.time)
	b = binary.BigEndian.AppendUint32(b, s.echo)
	b[at+12] = byte((len(b) - at) / 4 << 4)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[at+16:], checksum(sum(pseudoHeader(from, to, protoTCP, len(b)-at), b[at:])))
	return b
}

// appendEcho adds an ICMP echo request, or its reply.
func appendEcho(b []byte, isReply bool, id, sequence uint16, payload []byte) []byte {
	at := len(b)
	kind := byte(8)
	if isReply {
		kind = 0
	}
	b = append(b, kind, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, sequence)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[at+2:], checksum(sum(0, b[at:])))
	return b
}

// pseudoHeader is the sum of what UDP and TCP checksums cover of the IP header.
func pseudoHeader(from, to netip.Addr, proto byte, length int) uint64 {
	s := uint64(proto) + uint64(length)
	if from.Is4() {
		f, t := from.As4(), to.As4()
		return sum(sum(s, f[:]), t[:])
	}
	f, t := from.As16(), to.As16()
	return sum(sum(s, f[:]), t[:])
}

// sum adds b, as 16-bit words, to a ones' complement sum (RFC 1071), eight bytes at a
// time: carries go round, so the width of the words doesn't matter.
func sum(s uint64, b []byte) uint64 {
	var carry uint64
	for ; len(b) >= 8; b = b[8:] {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
	}
	if len(b) > 0 {
		var rest [8]byte
		copy(rest[:], b)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(rest[:]), carry)
	}
	s, carry = bits.Add64(s, 0, carry)
	return s + carry
}

func checksum(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}
