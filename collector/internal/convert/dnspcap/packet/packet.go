// Package packet takes one captured packet apart: from its link layer through
// VLAN tags, MPLS, PPP, tunnels and IP fragments to the innermost UDP datagram
// or TCP segment.
//
// A [Decoder] keeps the fragments of datagrams that aren't complete yet, and
// nothing else. Its rules are those that tshark 4.0 shows with its default
// preferences: a datagram appears with the frame that completes it, a packet
// quoted in an ICMP error counts as a packet, checksums are not looked at.
//
// Known are Ethernet (II, 802.3 with LLC or SNAP), Linux cooked captures,
// raw IP, BSD loopback, PPP, Cisco HDLC, FDDI; 802.1Q, 802.1ad and QinQ tags, PPPoE
// sessions, MPLS with IP, pseudo-wires and associated channels; GRE (PPTP and
// ERSPAN too), IP in IP in all four combinations, EtherIP, Teredo, VXLAN,
// VXLAN-GPE, Geneve, and GRE and MPLS in UDP.
package packet

import (
	"encoding/binary"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

// maxLayers bounds how many headers are opened in one frame, MPLS labels not
// counted. Real stacks have fewer than ten; a made-up one must not hold us up.
const maxLayers = 32

// Transport says what kind of payload a packet was found to carry.
type Transport uint8

// The transports that can carry DNS. UDP-Lite counts as UDP.
const (
	None Transport = iota
	UDP
	TCP
)

// Addr is an IPv6 address, or an IPv4 address in its mapped form
// (::ffff:a.b.c.d), in network byte order. It is comparable.
type Addr [16]byte

// Packet is what Decode found in a frame.
type Packet struct {
	// The outermost IPv4 and IPv6 headers of the frame. In a frame that
	// completes a fragmented datagram they are that frame's own.
	HasIPv4    bool
	HasIPv6    bool
	Src4, Dst4 [4]byte
	Src6, Dst6 [16]byte

	// Transport is None where no UDP or TCP was found; the fields below have
	// no meaning then.
	Transport Transport

	// Quoted is set if the packet is one that an ICMP error quotes. It was seen
	// or lost elsewhere, so a quoted segment belongs to no TCP stream.
	Quoted bool

	// The innermost addresses and ports.
	Src, Dst         Addr
	SrcPort, DstPort uint16

	// Payload holds what was captured of the transport's payload. It is valid
	// until the next call of Decode.
	Payload []byte
	// Length is the payload's length in bytes on the wire. It exceeds
	// len(Payload) if the capture's snap length cut the packet.
	Length int

	// TCP alone: sequence and acknowledgement numbers, and the flags.
	Seq, Ack              uint32
	SYN, FIN, RST, HasAck bool
}

// Decoder takes packets apart. It is not safe for concurrent use. It takes some
// 4.2 MiB once it has seen a fragment, and next to nothing before.
type Decoder struct {
	p     *Packet
	depth int
	// vlan is the frame's outermost VLAN that isn't 0; IPv4 fragments of
	// different VLANs are kept apart.
	vlan uint16
	// whole says that all of the innermost IP packet was captured.
	whole bool

	fragments *fragments
	tooDeep   int
	unknown   []LinkCount
	others    int
}

// NewDecoder returns a Decoder that has seen nothing yet.
func NewDecoder() *Decoder { return new(Decoder) }

// Decode fills p with what the frame data carries. length is the frame's length on
// the wire in bytes. A frame that makes no sense is no error: p.Transport is
// None then.
func (d *Decoder) Decode(link capture.LinkType, data []byte, length int, p *Packet) {
	*p = Packet{}
	d.p, d.depth, d.vlan = p, 0, 0
	d.link(link, data, max(length, len(data)))
	d.p = nil
}

// enter counts one more layer and reports whether it may be opened.
func (d *Decoder) enter() bool {
	if d.depth == maxLayers {
		d.tooDeep++
		return false
	}
	d.depth++
	return true
}

// clip limits a layer's captured bytes b and its length on the wire n to what its
// header declares. What a header declares beyond its envelope isn't there.
func clip(b []byte, n, declared int) ([]byte, int) {
	n = min(n, declared)
	if n < len(b) {
		b = b[:n]
	}
	return b, n
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
