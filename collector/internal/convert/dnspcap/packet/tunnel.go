package packet

// tunnel opens the IP protocols that carry packets again.
func (d *Decoder) tunnel(protocol byte, b []byte, n int) {
	switch protocol {
	case protoICMP:
		d.icmp(b, n)
	case protoICMPv6:
		d.icmpv6(b, n)
	case protoIPv4:
		d.ip(b, n)
	case protoIPv6:
		d.ipv6(b, n)
	case protoGRE:
		d.gre(b, n)
	case protoMPLS:
		d.mpls(b, n)
	case protoEthernet:
		d.ethernet(b, n)
	case protoEtherIP:
		if len(b) >= 2 {
			d.ethernet(b[2:], n-2)
		}
	}
}

// GRE's flags (RFC 2784, RFC 2890; routing from RFC 1701, ack from RFC 2637).
const (
	greChecksum = 0x8000
	greRouting  = 0x4000
	greKey      = 0x2000
	greSequence = 0x1000
	greAck      = 0x0080
	greVersion  = 0x0007
)

// gre opens GRE of either version: version 1, which is PPTP's, differs in the ack
// number alone.
func (d *Decoder) gre(b []byte, n int) {
	if len(b) < 4 {
		return
	}
	flags, protocol := be16(b), be16(b[2:])
	size := 4
	if flags&(greChecksum|greRouting) != 0 {
		size += 4
	}
	if flags&greKey != 0 {
		size += 4
	}
	if flags&greSequence != 0 {
		size += 4
	}
	if flags&greAck != 0 && flags&greVersion == 1 && protocol == typePPP {
		size += 4
	}
	if flags&greRouting != 0 {
		// Source route entries: family, offset, length; an empty one ends them.
		for last := false; !last; {
			if len(b) < size+4 {
				return
			}
			last = be16(b[size:]) == 0 && b[size+3] == 0
			size += 4 + int(b[size+3])
		}
	}
	if len(b) >= size {
		d.grePayload(protocol, flags, b[size:], n-size)
	}
}

func (d *Decoder) grePayload(protocol, flags uint16, b []byte, n int) {
	const (
		typeFrame     = 0x6400 // an Ethernet frame, as some routers number it
		typeERSPAN    = 0x88be
		typeERSPANIII = 0x22eb
	)
	switch protocol {
	case typeIPv4:
		d.ip(b, n)
	case typeIPv6:
		d.ipv6(b, n)
	case typeMPLS, typeMPLSMC:
		d.mpls(b, n)
	case typeBridged, typeFrame:
		d.ethernet(b, n)
	case typePPP:
		d.ppp(b, n)
	case typeERSPAN:
		if flags&greSequence == 0 {
			// Type I has no header at all.
			d.ethernet(b, n)
			return
		}
		d.erspan(b, n)
	case typeERSPANIII:
		d.erspan(b, n)
	}
}

// erspan opens mirrored frames, types II and III (draft-foschiano-erspan).
func (d *Decoder) erspan(b []byte, n int) {
	if len(b) < 8 {
		return
	}
	switch b[0] >> 4 {
	case 1:
		d.ethernet(b[8:], n-8)
	case 2:
		const frameTypeMask, subHeader = 0x7c00, 1
		size := 12
		if len(b) < size {
			return
		}
		field := be16(b[10:])
		if field&subHeader != 0 {
			size += 8
		}
		if field&frameTypeMask == 0 && len(b) >= size {
			d.ethernet(b[size:], n-size)
		}
	}
}
