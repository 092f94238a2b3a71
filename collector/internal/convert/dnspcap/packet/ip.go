package packet

// IP protocol numbers and IPv6 next headers.
const (
	protoHopByHop    = 0
	protoICMP        = 1
	protoIPv4        = 4
	protoTCP         = 6
	protoUDP         = 17
	protoIPv6        = 41
	protoRouting     = 43
	protoFragment    = 44
	protoGRE         = 47
	protoAH          = 51
	protoICMPv6      = 58
	protoDestination = 60
	protoEtherIP     = 97
	protoUDPLite     = 136
	protoMPLS        = 137
	protoShim6       = 140
	protoEthernet    = 143
)

// ip opens an IPv4 packet, or an IPv6 one found in its place.
func (d *Decoder) ip(b []byte, n int) {
	if len(b) == 0 {
		return
	}
	switch b[0] >> 4 {
	case 4:
		d.ipv4(b, n)
	case 6:
		d.ipv6(b, n)
	}
}

func (d *Decoder) ipv4(b []byte, n int) {
	const minHeader = 20
	if len(b) < minHeader {
		return
	}
	header, total := int(b[0]&0xf)*4, int(be16(b[2:]))
	if total == 0 {
		// The network card was to fill it in (TCP segmentation offload).
		total = n
	}
	if header < minHeader || header > len(b) || header > total {
		return
	}
	p := d.p
	src, dst := [4]byte(b[12:]), [4]byte(b[16:])
	if !p.HasIPv4 {
		p.HasIPv4, p.Src4, p.Dst4 = true, src, dst
	}
	p.Src, p.Dst = mapped(src), mapped(dst)

	protocol, id, fragment := b[9], be16(b[4:]), be16(b[6:])
	d.whole = total <= len(b)
	b, n = clip(b[header:], n-header, total-header)

	const moreFragments, offsetMask = 0x2000, 0x1fff
	if offset := int(fragment&offsetMask) * 8; fragment&(moreFragments|offsetMask) != 0 {
		switch {
		case d.whole:
			key := fragmentKey{src: p.Src, dst: p.Dst, id: uint32(id), vlan: d.vlan, protocol: protocol}
			if b = d.reassemble(&key, offset, fragment&moreFragments != 0, b); b == nil {
				return
			}
			n = len(b)
		case offset != 0:
			return
		}
		// A first fragment cut by the snap length can't be put together with the
		// others, but the beginning of its payload is there to be read.
	}
	d.protocol(protocol, b, n, false)
}

func mapped(a [4]byte) Addr {
	return Addr{10: 0xff, 11: 0xff, 12: a[0], 13: a[1], 14: a[2], 15: a[3]}
}

func (d *Decoder) ipv6(b []byte, n int) {
	const header = 40
	if len(b) < header || b[0]>>4 != 6 {
		return
	}
	p := d.p
	p.Src, p.Dst = Addr(b[8:]), Addr(b[24:])
	if !p.HasIPv6 {
		p.HasIPv6, p.Src6, p.Dst6 = true, p.Src, p.Dst
	}
	length, next := int(be16(b[4:])), b[6]
	b, n = b[header:], n-header
	if length == 0 && next == protoHopByHop && len(b) >= 8 {
		length, _ = options(b, min(len(b), (int(b[1])+1)*8))
	}
	d.whole = length <= len(b)
	b, n = clip(b, n, length)
	d.protocol(next, b, n, true)
}

// options walks through the options of the hop-by-hop or destination header at the
// beginning of b, and returns the payload length of a jumbogram (RFC 2675) if there
// is one, else 0. An option may reach beyond its header, but not beyond the packet.
func options(b []byte, size int) (jumbo int, ok bool) {
	const pad1, optionJumbo, minJumbo, maxJumbo = 0, 0xc2, 65536, 1<<31 - 1
	for at := 2; at < size; {
		if b[at] == pad1 {
			at++
			continue
		}
		if at+2 > len(b) || at+2+int(b[at+1]) > len(b) {
			return 0, false
		}
		if b[at] == optionJumbo && b[at+1] == 4 {
			if n := be32(b[at+2:]); n >= minJumbo && n <= maxJumbo {
				jumbo = int(n)
			}
		}
		at += 2 + int(b[at+1])
	}
	return jumbo, true
}

// protocol opens what an IP header carries. The headers that IPv6 puts between
// are passed over under IPv4 as well.
func (d *Decoder) protocol(protocol byte, b []byte, n int, v6 bool) {
	for d.enter() {
		size := 0
		switch protocol {
		case protoUDP:
			d.udp(b, n, v6)
		case protoTCP:
			d.tcp(b, n)
		case protoUDPLite:
			d.udpLite(b, n)
		case protoHopByHop, protoDestination:
			if size = extensionSize(b); size > 0 {
				if _, ok := options(b, size); !ok {
					return
				}
			}
		case protoRouting, protoShim6:
			size = extensionSize(b)
		case protoAH:
			if len(b) >= 8 {
				size = (int(b[1]) + 2) * 4
			}
		case protoFragment:
			protocol, b, n = d.fragmentHeader(b, n, v6)
			if b != nil {
				continue
			}
		default:
			d.tunnel(protocol, b, n)
		}
		if size == 0 || size > len(b) {
			return
		}
		protocol, b, n = b[0], b[size:], n-size
	}
}

// extensionSize is the size of the extension header that b begins with, or 0 if it
// isn't all there.
func extensionSize(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	size := (int(b[1]) + 1) * 8
	if size > len(b) {
		return 0
	}
	return size
}

// fragmentHeader passes an IPv6 fragment header and returns what follows: the
// datagram put together, or nil while parts of it are missing. A cut fragment is
// of no use, even the first.
func (d *Decoder) fragmentHeader(b []byte, n int, v6 bool) (next byte, body []byte, length int) {
	const header, offsetMask, moreFragments = 8, 0xfff8, 1
	if len(b) < header {
		return 0, nil, 0
	}
	next, field := b[0], be16(b[2:])
	body, length = b[header:], n-header
	if field&(offsetMask|moreFragments) == 0 {
		return next, body, length
	}
	if !v6 || !d.whole {
		return 0, nil, 0
	}
	key := fragmentKey{src: d.p.Src, dst: d.p.Dst, id: be32(b[4:]), v6: true}
	body = d.reassemble(&key, int(field&offsetMask), field&moreFragments != 0, body)
	return next, body, len(body)
}
