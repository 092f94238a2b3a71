package packet

// mpls opens what lies behind the label stack. Nothing there says what it is, so
// its first four bits are taken as IP's version, as an associated channel's mark,
// or as a pseudo-wire's (RFC 4928).
func (d *Decoder) mpls(b []byte, n int) {
	const (
		bottom     = 1 << 8
		labelGAL   = 13 // an associated channel follows
		labelAlert = 14 // operation and maintenance
	)
	var entry uint32
	for entry&bottom == 0 {
		if len(b) < 5 {
			return
		}
		entry = be32(b)
		b, n = b[4:], n-4
	}
	switch label := entry >> 12; {
	case label == labelAlert:
	case label == labelGAL || b[0]>>4 == 1:
		d.channel(b, n)
	case b[0]>>4 == 4, b[0]>>4 == 6:
		d.ip(b, n)
	case b[0]>>4 == 0:
		d.pseudoWire(b, n)
	}
}

// channel opens an associated channel (RFC 4385), whose types for IP are PPP's.
func (d *Decoder) channel(b []byte, n int) {
	if len(b) < 4 {
		return
	}
	switch kind := be16(b[2:]); kind {
	case 0x0021:
		d.ip(b[4:], n-4)
	case 0x0057:
		d.ipv6(b[4:], n-4)
	}
}

// pseudoWire opens an Ethernet frame with or without a control word before it:
// whichever way its type field makes sense.
func (d *Decoder) pseudoWire(b []byte, n int) {
	if !frameAt(b, n, 0) && frameAt(b, n, 4) {
		b, n = b[4:], n-4
	}
	d.ethernet(b, n)
}

// frameAt reports whether an Ethernet frame of a kind we know may begin at b[at].
func frameAt(b []byte, n, at int) bool {
	if len(b) < at+14 {
		return false
	}
	switch t := be16(b[at+12:]); t {
	case typeIPv4, typeARP, typeIPv6, typeVLAN, typeVLANAD, typeQinQ, typeMPLS, typeMPLSMC, typePPPoE:
		return true
	default:
		return t > 0 && t <= maxLength && int(t) == n-at-14
	}
}
