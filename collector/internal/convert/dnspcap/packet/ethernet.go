package packet

// minEtherType is the least EtherType; smaller numbers up to maxLength are the
// length of an 802.3 frame, and those between have no meaning.
const (
	minEtherType = 0x0600
	maxLength    = 1500
)

// EtherTypes.
const (
	typeIPv4    = 0x0800
	typeARP     = 0x0806
	typeIPv6    = 0x86dd
	typeVLAN    = 0x8100
	typeVLANAD  = 0x88a8 // 802.1ad, the outer tag of a provider
	typeQinQ    = 0x9100 // the same before there was a standard
	typeMPLS    = 0x8847
	typeMPLSMC  = 0x8848
	typePPPoE   = 0x8864
	typeBridged = 0x6558 // an Ethernet frame
	typePPP     = 0x880b
)

func (d *Decoder) ethernet(b []byte, n int) {
	if len(b) >= 14 {
		d.typeOrLength(be16(b[12:]), b[14:], n-14)
	}
}

// typeOrLength opens what follows the field that is either an EtherType or the
// length of an LLC frame.
func (d *Decoder) typeOrLength(t uint16, b []byte, n int) {
	switch {
	case t >= minEtherType:
		d.etherType(t, b, n)
	case t <= maxLength:
		b, n = clip(b, n, int(t))
		d.llc(b, n)
	}
}

// llc opens an unnumbered information frame of 802.2 for IP, or for SNAP with an
// EtherType (RFC 1042, and 802.1H's tunnel of it).
func (d *Decoder) llc(b []byte, n int) {
	const (
		sapIP       = 0x06
		sapSNAP     = 0xaa
		unnumbered  = 0x03
		ouiEthernet = 0x000000
		ouiTunnel   = 0x0000f8
	)
	if len(b) < 3 || b[2] != unnumbered {
		return
	}
	if b[0] == sapIP {
		d.ip(b[3:], n-3)
		return
	}
	if len(b) < 8 || b[0] != sapSNAP || b[1] != sapSNAP {
		return
	}
	if oui := be32(b[2:]) & 0xffffff; oui == ouiEthernet || oui == ouiTunnel {
		d.etherType(be16(b[6:]), b[8:], n-8)
	}
}

func (d *Decoder) etherType(t uint16, b []byte, n int) {
	if !d.enter() {
		return
	}
	switch t {
	case typeIPv4:
		d.ip(b, n)
	case typeIPv6:
		d.ipv6(b, n)
	case typeVLAN, typeQinQ:
		d.vlanTag(b, n)
	case typeVLANAD:
		if len(b) >= 4 {
			d.typeOrLength(be16(b[2:]), b[4:], n-4)
		}
	case typeMPLS, typeMPLSMC:
		d.mpls(b, n)
	case typePPPoE:
		d.pppoe(b, n)
	case typeBridged:
		d.ethernet(b, n)
	}
}

func (d *Decoder) vlanTag(b []byte, n int) {
	if len(b) < 4 {
		return
	}
	if d.vlan == 0 {
		d.vlan = be16(b) & 0xfff
	}
	d.typeOrLength(be16(b[2:]), b[4:], n-4)
}

// pppoe opens a PPPoE session's frame: six bytes, the last two of them the
// payload's length, then PPP without address and control.
func (d *Decoder) pppoe(b []byte, n int) {
	if len(b) < 6 {
		return
	}
	length := int(be16(b[4:]))
	b, n = clip(b[6:], n-6, length)
	d.pppProtocol(b, n)
}
