package packet

import (
	"encoding/binary"
	"math/bits"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

func (d *Decoder) link(link capture.LinkType, b []byte, n int) {
	switch link {
	case capture.Ethernet:
		d.ethernet(b, n)
	case capture.LinuxCooked:
		d.cooked(b, n, 16, 2, 14)
	case capture.LinuxCooked2:
		d.cooked(b, n, 20, 8, 0)
	case capture.Raw, capture.RawBSD, capture.RawOpenBSD:
		d.raw(b, n)
	case capture.IPv4:
		d.ip(b, n)
	case capture.IPv6:
		d.ipv6(b, n)
	case capture.Null:
		d.null(b, n)
	case capture.Loop:
		if len(b) >= 4 {
			d.family(be32(b), b[4:], n-4)
		}
	case capture.PPP, capture.PPPHDLC:
		d.serial(b, n)
	case capture.CiscoHDLC:
		d.chdlc(b, n)
	case capture.FDDI:
		d.fddi(b, n)
	default:
		d.countUnknown(link)
	}
}

// raw opens a packet that begins with its IP header. Some devices put PPP frames
// under this link type.
func (d *Decoder) raw(b []byte, n int) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		d.ppp(b, n)
		return
	}
	d.ip(b, n)
}

// null opens BSD loopback: the address family in the byte order of the host that
// captured, which may not be the file's, and which some write as 16 bits.
func (d *Decoder) null(b []byte, n int) {
	if len(b) < 4 {
		return
	}
	if b[0] == 0xff && b[1] == 0x03 {
		d.ppp(b, n)
		return
	}
	v := binary.LittleEndian.Uint32(b)
	if v>>16 != 0 {
		if v>>24 == 0 && v>>16 < 6 {
			v >>= 16
		} else {
			v = bits.ReverseBytes32(v)
		}
	}
	if v >= 0x100 && v < minEtherType && v&0xff == 0 {
		v >>= 8
	}
	b, n = b[4:], n-4
	if v >= minEtherType && v <= 0xffff {
		d.etherType(uint16(v), b, n)
		return
	}
	d.family(v, b, n)
}

// family opens a packet by its BSD address family; AF_INET6 has three numbers
// (NetBSD and OpenBSD, FreeBSD, macOS).
func (d *Decoder) family(family uint32, b []byte, n int) {
	switch family {
	case 2:
		d.ip(b, n)
	case 24, 28, 30:
		d.ipv6(b, n)
	}
}

// cooked opens a Linux cooked header of the given size, with the ARPHRD_ type and
// the protocol at these places.
func (d *Decoder) cooked(b []byte, n, size, arphrdAt, protocolAt int) {
	const (
		arphrdGRE     = 778 // the protocol is then GRE's, no EtherType
		arphrdNetlink = 824
		protocolLLC   = 4
		protocolPPP   = 7
	)
	if len(b) < size {
		return
	}
	arphrd, protocol := be16(b[arphrdAt:]), be16(b[protocolAt:])
	b, n = b[size:], n-size
	switch {
	case arphrd == arphrdNetlink:
	case arphrd == arphrdGRE:
		d.grePayload(protocol, 0, b, n)
	case protocol == protocolLLC:
		d.llc(b, n)
	case protocol == protocolPPP:
		d.ppp(b, n)
	case protocol >= minEtherType:
		d.etherType(protocol, b, n)
	}
}

// serial opens PPP on a serial line, where Cisco HDLC may be found too.
func (d *Decoder) serial(b []byte, n int) {
	if len(b) >= 1 && (b[0] == 0x0f || b[0] == 0x8f) {
		d.chdlc(b, n)
		return
	}
	d.ppp(b, n)
}

// fddi opens an asynchronous LLC frame behind FDDI's frame control and addresses.
func (d *Decoder) fddi(b []byte, n int) {
	const header, asynchronous, kind = 13, 0x50, 0xf8
	if len(b) >= header && b[0]&kind == asynchronous {
		d.llc(b[header:], n-header)
	}
}

// chdlc opens Cisco HDLC: address, control, EtherType.
func (d *Decoder) chdlc(b []byte, n int) {
	if len(b) >= 4 {
		d.etherType(be16(b[2:]), b[4:], n-4)
	}
}

// ppp opens a PPP frame with or without its address and control fields.
func (d *Decoder) ppp(b []byte, n int) {
	if len(b) >= 2 && b[0] == 0xff {
		b, n = b[2:], n-2
	}
	d.pppProtocol(b, n)
}

// pppProtocol opens what follows PPP's protocol number. An odd first byte is a
// number compressed to one byte (RFC 1661, section 6.5).
func (d *Decoder) pppProtocol(b []byte, n int) {
	if len(b) < 2 {
		return
	}
	protocol, size := be16(b), 2
	if b[0]&1 != 0 {
		protocol, size = uint16(b[0]), 1
	}
	b, n = b[size:], n-size
	switch protocol {
	case 0x0021:
		d.ip(b, n)
	case 0x0057:
		d.ipv6(b, n)
	case 0x0281, 0x0283:
		d.mpls(b, n)
	}
}
