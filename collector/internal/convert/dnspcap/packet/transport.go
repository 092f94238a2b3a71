package packet

func (d *Decoder) udp(b []byte, n int, v6 bool) {
	if len(b) < 8 {
		return
	}
	length := int(be16(b[4:]))
	if length == 0 && v6 {
		// A jumbogram's (RFC 2675, section 4).
		length = n
	}
	if length < 8 {
		return
	}
	body, bodyLength := clip(b[8:], n-8, length-8)
	d.datagram(be16(b), be16(b[2:]), body, bodyLength)
}

// udpLite reads UDP-Lite (RFC 3828), whose third field tells how far the checksum
// reaches: the payload always is all of the packet.
func (d *Decoder) udpLite(b []byte, n int) {
	if len(b) >= 8 {
		d.datagram(be16(b), be16(b[2:]), b[8:], n-8)
	}
}

// UDP ports of tunnels, and the ports of DNS among which they lie.
const (
	portDNS      = 53
	portTeredo   = 3544
	portGRE      = 4754
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portMDNS     = 5353
	portLLMNR    = 5355
	portGeneve   = 6081
	portMPLS     = 6635
)

// datagram opens a tunnel by the datagram's ports or takes it as what was looked
// for. The lower port decides what a datagram is, so that an answer from port 53
// to a client whose port happens to be a tunnel's stays an answer.
func (d *Decoder) datagram(src, dst uint16, b []byte, n int) {
	if max(src, dst) >= portTeredo && d.udpTunnels(min(src, dst), max(src, dst), b, n) {
		return
	}
	p := d.p
	p.Transport, p.SrcPort, p.DstPort, p.Payload, p.Length = UDP, src, dst, b, n
}

func (d *Decoder) udpTunnels(low, high uint16, b []byte, n int) bool {
	switch low {
	case portDNS, portMDNS, portLLMNR:
		return false
	}
	return d.udpTunnel(low, b, n) || d.udpTunnel(high, b, n)
}

// udpTunnel opens the tunnel of a port and reports whether the port is one's.
func (d *Decoder) udpTunnel(port uint16, b []byte, n int) bool {
	switch port {
	case portTeredo:
		d.teredo(b, n)
	case portVXLAN:
		if len(b) >= 8 {
			d.ethernet(b[8:], n-8)
		}
	case portVXLANGPE:
		d.vxlanGPE(b, n)
	case portGeneve:
		d.geneve(b, n)
	case portGRE:
		d.gre(b, n)
	case portMPLS:
		d.mpls(b, n)
	default:
		return false
	}
	return true
}

// teredo passes the authentication and origin indications before an IPv6 packet
// (RFC 4380, section 5.1.1).
func (d *Decoder) teredo(b []byte, n int) {
	const authentication, origin = 1, 0
	if len(b) >= 4 && be16(b) == authentication {
		size := 4 + int(b[2]) + int(b[3]) + 9
		if len(b) < size {
			return
		}
		b, n = b[size:], n-size
	}
	if len(b) >= 8 && be16(b) == origin {
		b, n = b[8:], n-8
	}
	d.ipv6(b, n)
}

// vxlanGPE opens a VXLAN packet that names what it carries
// (draft-ietf-nvo3-vxlan-gpe).
func (d *Decoder) vxlanGPE(b []byte, n int) {
	const header = 8
	if len(b) < header {
		return
	}
	next := b[3]
	b, n = b[header:], n-header
	switch next {
	case 1:
		d.ip(b, n)
	case 2:
		d.ipv6(b, n)
	case 3:
		d.ethernet(b, n)
	case 5:
		d.mpls(b, n)
	}
}

// geneve passes Geneve's header with its options (RFC 8926).
func (d *Decoder) geneve(b []byte, n int) {
	if len(b) < 8 {
		return
	}
	if size := 8 + int(b[0]&0x3f)*4; len(b) >= size {
		d.etherType(be16(b[2:]), b[size:], n-size)
	}
}

func (d *Decoder) tcp(b []byte, n int) {
	const minHeader = 20
	if len(b) < minHeader {
		return
	}
	header := int(b[12]>>4) * 4
	if header < minHeader || header > n {
		return
	}
	const fin, syn, rst, ack = 0x01, 0x02, 0x04, 0x10
	flags := b[13]
	p := d.p
	p.Transport, p.SrcPort, p.DstPort = TCP, be16(b), be16(b[2:])
	p.Seq, p.Ack = be32(b[4:]), be32(b[8:])
	p.FIN, p.SYN, p.RST, p.HasAck = flags&fin != 0, flags&syn != 0, flags&rst != 0, flags&ack != 0
	// The snap length may have cut the options.
	p.Payload, p.Length = b[min(header, len(b)):], n-header
}
