package capture

import "strconv"

// A LinkType says how a packet begins. The numbers are the LINKTYPE_ ones of
// https://www.tcpdump.org/linktypes.html.
type LinkType uint32

// The link types that can be decoded.
const (
	Null         LinkType = 0 // BSD loopback: the address family in the writer's byte order
	Ethernet     LinkType = 1 // from the destination address on
	PPP          LinkType = 9 // with or without the HDLC address and control bytes
	FDDI         LinkType = 10
	RawBSD       LinkType = 12  // IP: DLT_RAW of most systems, written as it is by some programs
	RawOpenBSD   LinkType = 14  // IP: DLT_RAW of OpenBSD, likewise
	PPPHDLC      LinkType = 50  // PPP in HDLC framing
	Raw          LinkType = 101 // IPv4 or IPv6
	CiscoHDLC    LinkType = 104
	Loop         LinkType = 108 // OpenBSD loopback: the address family in network byte order
	LinuxCooked  LinkType = 113 // of Linux's "any" device, 16 bytes
	IPv4         LinkType = 228
	IPv6         LinkType = 229
	LinuxCooked2 LinkType = 276 // of Linux's "any" device, 20 bytes
)

// Known tells whether packets of this type can be decoded.
func (l LinkType) Known() bool {
	switch l {
	case Null, Ethernet, PPP, FDDI, RawBSD, RawOpenBSD, PPPHDLC, Raw, CiscoHDLC, Loop, LinuxCooked, IPv4, IPv6, LinuxCooked2:
		return true
	}
	return false
}

// String gives the name of a known type, such as "Ethernet", and the number of another,
// with its name if it is a usual one: "105 (IEEE 802.11)".
func (l LinkType) String() string {
	switch l {
	case Null:
		return "BSD loopback"
	case Ethernet:
		return "Ethernet"
	case PPP:
		return "PPP"
	case PPPHDLC:
		return "PPP in HDLC framing"
	case FDDI:
		return "FDDI"
	case RawBSD, RawOpenBSD, Raw:
		return "raw IP"
	case CiscoHDLC:
		return "Cisco HDLC"
	case Loop:
		return "OpenBSD loopback"
	case LinuxCooked:
		return "Linux cooked"
	case LinuxCooked2:
		return "Linux cooked v2"
	case IPv4:
		return "raw IPv4"
	case IPv6:
		return "raw IPv6"
	}
	text := strconv.FormatUint(uint64(l), 10)
	if name := l.foreign(); name != "" {
		text += " (" + name + ")"
	}
	return text
}

// foreign names some types that people capture DNS on, and that can't be decoded here.
func (l LinkType) foreign() string {
	switch l {
	case 6:
		return "Token Ring"
	case 8:
		return "SLIP"
	case 51:
		return "PPP over Ethernet"
	case 100:
		return "ATM"
	case 105:
		return "IEEE 802.11"
	case 107:
		return "Frame Relay"
	case 109:
		return "OpenBSD IPsec"
	case 117:
		return "OpenBSD pflog"
	case 119:
		return "IEEE 802.11 behind a Prism header"
	case 127:
		return "IEEE 802.11 behind a radiotap header"
	case 143:
		return "DOCSIS"
	case 189, 220, 249:
		return "USB"
	case 201:
		return "Bluetooth"
	case 204:
		return "PPP with a direction"
	}
	return ""
}
