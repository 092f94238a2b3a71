package packet

import "spot-ingest/collector/internal/convert/dnspcap/capture"

// frame is one captured frame; cut is its captured length, 0 for all of it.
type frame struct {
	link capture.LinkType
	data []byte
	cut  int
}

// testCase is a few frames and what Decode should find in each: a word per frame,
// "-" for nothing, else the outermost headers seen ("4", "6", "46"), with a "q" if
// an ICMP error quotes the packet.
type testCase struct {
	name   string
	frames []frame
	want   string
	// differs says why tshark shows something else, where we mean to.
	differs string
}

// table collects cases. Messages, fragments and TCP ports are numbered through, so
// that the cases can share a capture.
type table struct {
	cases  []testCase
	id     int
	splits int
}

func (t *table) add(name, want string, frames ...frame) *testCase {
	t.cases = append(t.cases, testCase{name: name, want: want, frames: frames})
	return &t.cases[len(t.cases)-1]
}

// dns is a message of its own.
func (t *table) dns() []byte {
	t.id++
	return message(t.id, 1)
}

func (t *table) udp() []byte { return udp(53, 40000, t.dns()) }

func (t *table) tcp(s segment) []byte {
	m := t.dns()
	s.dst = 20000 + t.id
	if s.flags == 0 {
		s.flags = 0x18
	}
	return tcp(s, m)
}

// ip4 and ip6 are outermost packets, in4 and in6 inner ones.
func (t *table) ip4() []byte { return v4{protocol: protoUDP}.wrap(t.udp()) }
func (t *table) ip6() []byte { return v6{next: protoUDP}.wrap(t.udp()) }
func (t *table) in4() []byte { return v4{protocol: protoUDP, src: inner4}.wrap(t.udp()) }
func (t *table) in6() []byte { return v6{next: protoUDP, src: inner6}.wrap(t.udp()) }

func on(link capture.LinkType, b []byte) frame { return frame{link: link, data: b} }
func wire(b []byte) frame                      { return frame{link: capture.Ethernet, data: b} }
func wire4(b []byte) frame                     { return wire(eth(typeIPv4, b)) }
func wire6(b []byte) frame                     { return wire(eth(typeIPv6, b)) }

func (f frame) cutTo(n int) frame {
	f.cut = n
	return f
}

func (f frame) padded(n int) frame {
	f.data = cat(f.data, make([]byte, n))
	return f
}

func allCases() []testCase {
	t := new(table)
	linkCases(t)
	ppCases(t)
	mplsCases(t)
	ipCases(t)
	lengthCases(t)
	extensionCases(t)
	tunnelCases(t)
	udpTunnelCases(t)
	icmpCases(t)
	tcpCases(t)
	for _, six := range []bool{false, true} {
		fragmentCases(t, six)
		overlapCases(t, six)
	}
	vlanFragmentCases(t)
	nestedFragmentCases(t)
	return t.cases
}

func linkCases(t *table) {
	t.add("Ethernet, IPv4", "4", wire4(t.ip4()))
	t.add("Ethernet, IPv6", "6", wire6(t.ip6()))
	t.add("LLC, IP", "4", wire(eth802(cat(unhex("060603"), t.ip4()))))
	t.add("SNAP, IPv4", "4", wire(eth802(snap("000000", typeIPv4, t.ip4()))))
	t.add("SNAP, IPv6", "6", wire(eth802(snap("000000", typeIPv6, t.ip6()))))
	t.add("SNAP, 802.1H", "4", wire(eth802(snap("0000f8", typeIPv4, t.ip4()))))
	t.add("SNAP, Cisco", "-", wire(eth802(snap("00000c", typeIPv4, t.ip4()))))
	t.add("SNAP, length too long", "4", wire(eth(1400, snap("000000", typeIPv4, t.ip4()))))
	t.add("SNAP, length too short", "-", wire(eth(20, snap("000000", typeIPv4, t.ip4()))))
	t.add("SNAP, no length", "-", wire(eth(0, snap("000000", typeIPv4, t.ip4()))))
	t.add("length 1501", "-", wire(eth(1501, snap("000000", typeIPv4, t.ip4()))))
	t.add("LLC, not numbered", "-", wire(eth802(cat(unhex("aaaa13 000000 0800"), t.ip4()))))
	t.add("VLAN", "4", wire(eth(typeVLAN, vlan(5, typeIPv4, t.ip4()))))
	t.add("VLAN, SNAP", "4", wire(eth(typeVLAN, vlan(5, 70, snap("000000", typeIPv4, t.ip4())))))
	t.add("802.1ad", "4", wire(eth(typeVLANAD, vlan(5, typeIPv4, t.ip4()))))
	t.add("802.1ad and VLAN", "6", wire(eth(typeVLANAD, vlan(5, typeVLAN, vlan(6, typeIPv6, t.ip6())))))
	t.add("QinQ", "4", wire(eth(typeQinQ, vlan(5, typeVLAN, vlan(6, typeIPv4, t.ip4())))))
	t.add("another tag", "-", wire(eth(0x9300, vlan(5, typeIPv4, t.ip4()))))
	for _, n := range []int{20, maxLayers - 2, maxLayers - 1} {
		b := vlan(5, typeIPv4, t.ip4())
		for range n - 1 {
			b = vlan(5, typeVLAN, b)
		}
		switch n {
		case 20:
			t.add("20 tags", "4", wire(eth(typeVLAN, b)))
		case maxLayers - 2:
			t.add("the last tag", "4", wire(eth(typeVLAN, b))).differs = "tshark opens 20 tags"
		default:
			t.add("too many tags", "-", wire(eth(typeVLAN, b)))
		}
	}
	t.add("Ethernet in Ethernet", "4", wire(eth(typeBridged, eth(typeIPv4, t.ip4()))))
	t.add("IPv4's type, IPv6", "6", wire4(t.ip6()))
	t.add("IPv6's type, IPv4", "-", wire6(t.ip4()))

	t.add("cooked, IPv4", "4", on(capture.LinuxCooked, cooked(1, typeIPv4, t.ip4())))
	t.add("cooked, IPv6", "6", on(capture.LinuxCooked, cooked(1, typeIPv6, t.ip6())))
	t.add("cooked, VLAN", "4", on(capture.LinuxCooked, cooked(1, typeVLAN, vlan(5, typeIPv4, t.ip4()))))
	t.add("cooked, LLC", "4", on(capture.LinuxCooked, cooked(1, 4, snap("000000", typeIPv4, t.ip4()))))
	t.add("cooked, PPP", "4", on(capture.LinuxCooked, cooked(512, 7, cat(unhex("ff030021"), t.ip4()))))
	t.add("cooked, GRE", "4", on(capture.LinuxCooked, cooked(778, typeIPv4, t.ip4())))
	t.add("cooked, netlink", "-", on(capture.LinuxCooked, cooked(824, typeIPv4, t.ip4())))
	t.add("cooked, no type", "-", on(capture.LinuxCooked, cooked(1, 0, t.ip4())))
	t.add("cooked 2, IPv4", "4", on(capture.LinuxCooked2, cooked2(1, typeIPv4, t.ip4())))
	t.add("cooked 2, IPv6", "6", on(capture.LinuxCooked2, cooked2(1, typeIPv6, t.ip6())))
	t.add("cooked 2, LLC", "4", on(capture.LinuxCooked2, cooked2(1, 4, snap("000000", typeIPv4, t.ip4()))))
	t.add("cooked 2, netlink", "-", on(capture.LinuxCooked2, cooked2(824, typeIPv4, t.ip4())))

	for _, link := range []capture.LinkType{capture.RawBSD, capture.RawOpenBSD, capture.Raw} {
		t.add("raw IPv4", "4", on(link, t.ip4()))
		t.add("raw IPv6", "6", on(link, t.ip6()))
		t.add("raw, PPP", "4", on(link, cat(unhex("ff03 0021"), t.ip4())))
		t.add("raw, Ethernet", "-", on(link, eth(typeIPv4, t.ip4())))
	}
	t.add("IPv4 alone", "4", on(capture.IPv4, t.ip4()))
	t.add("IPv4 alone, IPv6", "6", on(capture.IPv4, t.ip6()))
	t.add("IPv6 alone", "6", on(capture.IPv6, t.ip6()))
	t.add("IPv6 alone, IPv4", "-", on(capture.IPv6, t.ip4()))

	for _, family := range []string{"02000000", "00000002", "00020000", "00000200", "00080000", "00000800"} {
		t.add("null IPv4 "+family, "4", on(capture.Null, cat(unhex(family), t.ip4())))
	}
	for _, family := range []string{"18000000", "0000001c", "1e000000", "dd860000", "000086dd", "02000000"} {
		t.add("null IPv6 "+family, "6", on(capture.Null, cat(unhex(family), t.ip6())))
	}
	t.add("null, another family", "-", on(capture.Null, cat(unhex("0a000000"), t.ip6())))
	t.add("null, IPv4 as IPv6", "-", on(capture.Null, cat(unhex("1e000000"), t.ip4())))
	t.add("null, PPP", "4", on(capture.Null, cat(unhex("ff03 0021"), t.ip4())))
	t.add("loop, IPv4", "4", on(capture.Loop, cat(unhex("00000002"), t.ip4())))
	t.add("loop, IPv6", "6", on(capture.Loop, cat(unhex("00000018"), t.ip6())))
	t.add("loop, swapped", "-", on(capture.Loop, cat(unhex("02000000"), t.ip4())))
	t.add("IEEE 802.11", "-", on(105, t.ip4()))
}

func ppCases(t *table) {
	for _, link := range []capture.LinkType{capture.PPP, capture.PPPHDLC} {
		t.add("PPP", "4", on(link, cat(unhex("ff03 0021"), t.ip4())))
		t.add("PPP, IPv6", "6", on(link, cat(unhex("ff03 0057"), t.ip6())))
		t.add("PPP, no address", "4", on(link, cat(unhex("0021"), t.ip4())))
		t.add("PPP, compressed", "4", on(link, cat(unhex("ff03 21"), t.ip4())))
		t.add("PPP, compressed, no address", "4", on(link, cat(unhex("21"), t.ip4())))
		t.add("PPP, MPLS", "4", on(link, cat(unhex("ff03 0281"), mpls(16, true, t.ip4()))))
		t.add("PPP, HDLC", "4", on(link, cat(unhex("0f00 0800"), t.ip4())))
		t.add("PPP, HDLC broadcast", "6", on(link, cat(unhex("8f00 86dd"), t.ip6())))
		t.add("PPP, nonsense", "-", on(link, cat(unhex("0103 0021"), t.ip4())))
	}
	t.add("HDLC", "4", on(capture.CiscoHDLC, cat(unhex("0f00 0800"), t.ip4())))
	for _, control := range []string{"50", "57"} {
		t.add("FDDI "+control, "4", on(capture.FDDI, cat(unhex(control), make([]byte, 12), snap("000000", typeIPv4, t.ip4()))))
	}
	t.add("FDDI, synchronous", "-", on(capture.FDDI, cat(unhex("d0"), make([]byte, 12), snap("000000", typeIPv4, t.ip4()))))
	session := func(length int, protocol string, b []byte) []byte {
		b = cat(unhex(protocol), b)
		if length < 0 {
			length = len(b)
		}
		return cat(unhex("1100 0001"), u16(length), b)
	}
	t.add("PPPoE", "4", wire(eth(typePPPoE, session(-1, "0021", t.ip4()))))
	t.add("PPPoE, IPv6", "6", wire(eth(typePPPoE, session(-1, "0057", t.ip6()))))
	t.add("PPPoE, compressed", "4", wire(eth(typePPPoE, session(-1, "21", t.ip4()))))
	t.add("PPPoE, address", "-", wire(eth(typePPPoE, session(-1, "ff030021", t.ip4()))))
	t.add("PPPoE, length 0", "-", wire(eth(typePPPoE, session(0, "0021", t.ip4()))))
	t.add("PPPoE, length too long", "4", wire(eth(typePPPoE, session(300, "0021", t.ip4()))))
	t.add("PPPoE, discovery", "-", wire(eth(0x8863, session(-1, "0021", t.ip4()))))
}

func mplsCases(t *table) {
	in := func(b []byte) frame { return wire(eth(typeMPLS, mpls(16, true, b))) }
	t.add("MPLS, IPv4", "4", in(t.ip4()))
	t.add("MPLS, IPv6", "6", in(t.ip6()))
	t.add("MPLS, multicast", "4", wire(eth(typeMPLSMC, mpls(16, true, t.ip4()))))
	t.add("MPLS, two labels", "4", wire(eth(typeMPLS, mpls(16, false, mpls(17, true, t.ip4())))))
	deep := mpls(16, true, t.ip4())
	for range 99 {
		deep = mpls(16, false, deep)
	}
	t.add("MPLS, 100 labels", "4", wire(eth(typeMPLS, deep)))
	t.add("MPLS, explicit null", "4", wire(eth(typeMPLS, mpls(0, true, t.ip4()))))
	t.add("MPLS, explicit null, IPv6", "6", wire(eth(typeMPLS, mpls(0, true, t.ip6()))))
	t.add("MPLS, alert", "-", wire(eth(typeMPLS, mpls(14, true, t.ip4()))))
	t.add("MPLS, channel label, IPv4", "-", wire(eth(typeMPLS, mpls(13, true, t.ip4()))))
	t.add("MPLS, channel label", "4", wire(eth(typeMPLS, mpls(13, true, cat(unhex("10000021"), t.ip4())))))
	t.add("MPLS, channel", "4", in(cat(unhex("10000021"), t.ip4())))
	t.add("MPLS, channel, IPv6", "6", in(cat(unhex("10000057"), t.ip6())))
	t.add("MPLS, channel, other", "-", in(cat(unhex("10000007"), t.ip4())))
	mac := "001122334455 001122334456"
	t.add("pseudo-wire", "4", in(cat(unhex(mac), u16(typeIPv4), t.ip4())))
	t.add("pseudo-wire, control word", "4", in(cat(unhex("00000000 a01122334455 a01122334456"), u16(typeIPv4), t.ip4())))
	t.add("pseudo-wire, VLAN", "6",
		in(cat(unhex("00000000 a01122334455 a01122334456"), u16(typeVLAN), vlan(5, typeIPv6, t.ip6()))))
	t.add("pseudo-wire, control word, local addresses", "4", in(cat(unhex("00000000"), eth(typeIPv4, t.ip4())))).differs =
		"tshark takes only addresses of known vendors for a frame's"
	t.add("pseudo-wire, address looks like IPv4", "-", in(cat(unhex("401122334455 401122334456"), u16(typeIPv4), t.ip4())))
	t.add("MPLS, bottom cut", "-", wire(eth(typeMPLS, mpls(16, false, unhex("0000")))))
}

func ipCases(t *table) {
	opts := func(n int) []byte { return make([]byte, n*4) }
	t.add("options", "4", wire4(v4{protocol: protoUDP, opts: opts(2)}.wrap(t.udp())))
	t.add("all options", "4", wire4(v4{protocol: protoUDP, opts: opts(10)}.wrap(t.udp())))
	t.add("broken options", "4", wire4(v4{protocol: protoUDP, opts: unhex("07ff0102")}.wrap(t.udp())))
	t.add("header length 4", "-", wire4(v4{protocol: protoUDP, first: 0x44}.wrap(t.udp())))
	t.add("header length 0", "-", wire4(v4{protocol: protoUDP, first: 0x40}.wrap(t.udp())))
	t.add("header beyond total length", "-", wire4(v4{protocol: protoUDP, opts: opts(2), total: 24}.wrap(t.udp())))
	t.add("version 5", "-", wire4(v4{protocol: protoUDP, first: 0x55}.wrap(t.udp())))
	t.add("no total length", "4", wire4(v4{protocol: protoUDP, total: -1}.wrap(t.udp())))
	t.add("no total length, padded", "4", wire4(v4{protocol: protoUDP, total: -1}.wrap(t.udp())).padded(20))
	t.add("total length 19", "-", wire4(v4{protocol: protoUDP, total: 19}.wrap(t.udp())))
	t.add("total length too long", "4", wire4(v4{protocol: protoUDP, total: 1000}.wrap(t.udp())))
	t.add("total length cuts UDP", "4", wire4(v4{protocol: protoUDP, total: 60}.wrap(t.udp())))
	t.add("padded", "4", wire4(t.ip4()).padded(20))
	t.add("don't fragment", "4", wire4(v4{protocol: protoUDP, field: 0x4000}.wrap(t.udp())))
	t.add("reserved flag", "4", wire4(v4{protocol: protoUDP, field: 0x8000}.wrap(t.udp())))

	t.add("IPv6 padded", "6", wire6(t.ip6()).padded(9))
	t.add("IPv6 length 0", "-", wire6(v6{next: protoUDP, length: -1}.wrap(t.udp())))
	t.add("IPv6 length too long", "6", wire6(v6{next: protoUDP, length: 1000}.wrap(t.udp())))
	t.add("IPv6 length cuts UDP", "6", wire6(v6{next: protoUDP, length: 45}.wrap(t.udp())))

	t.add("AH", "4", wire4(v4{protocol: protoAH}.wrap(cat(unhex("11040000"), make([]byte, 20), t.udp()))))
	t.add("AH, IPIP", "4", wire4(v4{protocol: protoAH}.wrap(cat(unhex("04040000"), make([]byte, 20), t.in4()))))
	t.add("hop-by-hop under IPv4", "4", wire4(v4{protocol: protoHopByHop}.wrap(extension(protoUDP, t.udp()))))
	t.add("destination under IPv4", "4", wire4(v4{protocol: protoDestination}.wrap(extension(protoUDP, t.udp()))))
	t.add("fragment header under IPv4", "4",
		wire4(v4{protocol: protoFragment}.wrap(fragmentHeader(protoUDP, 7, 0, false, t.udp()))))
	t.add("ESP", "-", wire4(v4{protocol: 50}.wrap(t.udp())))
	t.add("protocol 99", "-", wire4(v4{protocol: 99}.wrap(t.udp())))
}

func lengthCases(t *table) {
	for _, c := range []struct {
		length    int
		four, six string
	}{
		{0, "-", "6"}, {1, "-", "-"}, {7, "-", "-"}, {8, "-", "-"},
		{20, "4", "6"}, {56, "4", "6"}, {58, "4", "6"}, {65535, "4", "6"},
	} {
		t.add("UDP length", c.four, wire4(v4{protocol: protoUDP}.wrap(udpLength(c.length, t.dns()))))
		t.add("UDP length, IPv6", c.six, wire6(v6{next: protoUDP}.wrap(udpLength(c.length, t.dns()))))
		t.add("UDP-Lite coverage", "4", wire4(v4{protocol: protoUDPLite}.wrap(udpLength(c.length, t.dns()))))
	}
	t.add("UDP-Lite, IPv6", "6", wire6(v6{next: protoUDPLite}.wrap(t.udp())))
	t.add("IP padding after UDP", "4", wire4(v4{protocol: protoUDP}.wrap(cat(t.udp(), unhex("01020304")))))
	t.add("UDP header cut", "-", wire4(v4{protocol: protoUDP}.wrap(t.udp()[:7])))
	for _, cut := range []int{20, 33, 34, 41, 42} {
		t.add("cut in the headers", "-", wire4(t.ip4()).cutTo(cut))
		t.add("cut in the headers, IPv6", "-", wire6(t.ip6()).cutTo(cut+20))
	}
	for _, cut := range []int{46, 54, 80, 90} {
		t.add("cut in the payload", "4", wire4(t.ip4()).cutTo(cut))
		t.add("cut in the payload, IPv6", "6", wire6(t.ip6()).cutTo(cut+20))
	}
	t.add("cut, with VXLAN", "4", wire4(v4{protocol: protoUDP}.wrap(udp(50000, 4789, vxlan(eth(typeIPv4, t.in4()))))).cutTo(110))
}

func extensionCases(t *table) {
	with := func(next int, b []byte) frame { return wire6(v6{next: next}.wrap(b)) }
	t.add("hop-by-hop", "6", with(protoHopByHop, extension(protoUDP, t.udp())))
	t.add("destination", "6", with(protoDestination, extension(protoUDP, t.udp())))
	t.add("hop-by-hop, destination", "6", with(protoHopByHop, extension(protoDestination, extension(protoUDP, t.udp()))))
	t.add("wrong order", "6", with(protoDestination, extension(protoHopByHop, extension(protoUDP, t.udp()))))
	t.add("option beyond the header", "6", with(protoHopByHop, cat(unhex("1100 01050000 0000"), t.udp())))
	t.add("option beyond the packet", "-", with(protoDestination, cat(unhex("1100 01ff0000 0000"), t.udp())))
	t.add("header out of bounds", "-", with(protoHopByHop, cat(unhex("1114 01040000 0000"), t.udp())))
	t.add("routing 0", "6", with(protoRouting, cat(unhex("11020001 00000000"), make([]byte, 16), t.udp())))
	t.add("routing 4", "6", with(protoRouting, cat(unhex("11020400 00000000"), make([]byte, 16), t.udp())))
	t.add("routing 9", "6", with(protoRouting, cat(unhex("11020901 00000000"), make([]byte, 16), t.udp())))
	t.add("AH, IPv6", "6", with(protoAH, cat(unhex("11040000"), make([]byte, 20), t.udp())))
	t.add("AH without a value", "6", with(protoAH, cat(unhex("11010000"), make([]byte, 8), t.udp())))
	t.add("mobility", "-", with(135, extension(protoUDP, t.udp())))
	t.add("Shim6", "6", with(protoShim6, cat(unhex("1100800000000000"), t.udp())))
	t.add("HIP", "-", with(139, cat(unhex("11040000"), make([]byte, 36), t.udp())))
	t.add("no next header", "-", with(59, t.udp()))
	deep := extension(protoUDP, t.udp())
	for range 20 {
		deep = extension(protoDestination, deep)
	}
	t.add("21 headers", "6", with(protoDestination, deep))
	deep = extension(protoUDP, t.udp())
	for range maxLayers {
		deep = extension(protoDestination, deep)
	}
	t.add("too many headers", "-", with(protoDestination, deep)).differs = "tshark opens more"
	t.add("atomic fragment", "6", with(protoFragment, fragmentHeader(protoUDP, 7, 0, false, t.udp())))
	t.add("atomic fragment, destination", "6",
		with(protoFragment, fragmentHeader(protoDestination, 7, 0, false, extension(protoUDP, t.udp()))))

	jumbo := func(length int, b []byte) []byte { return cat(unhex("1100 c204"), u32(length), b) }
	t.add("jumbogram", "6", wire6(v6{next: protoHopByHop, length: -1}.wrap(jumbo(70000, t.udp()))))
	t.add("jumbogram, short", "-", wire6(v6{next: protoHopByHop, length: -1}.wrap(jumbo(65535, t.udp()))))
	t.add("jumbogram, length given", "6", wire6(v6{next: protoHopByHop}.wrap(jumbo(65, t.udp()))))
	t.add("jumbogram, no option", "-", wire6(v6{next: protoHopByHop, length: -1}.wrap(extension(protoUDP, t.udp()))))
}

func tunnelCases(t *table) {
	in := func(protocol int, b []byte) frame { return wire4(v4{protocol: protocol}.wrap(b)) }
	t.add("IPv4 in IPv4", "4", in(protoIPv4, t.in4()))
	t.add("IPv6 in IPv4", "46", in(protoIPv6, t.ip6()))
	t.add("IPv4 in IPv6", "46", wire6(v6{next: protoIPv4}.wrap(t.ip4())))
	t.add("IPv6 in IPv6", "6", wire6(v6{next: protoIPv6}.wrap(t.in6())))
	t.add("IPv4 in IPv6 in IPv4", "46", in(protoIPv6, v6{next: protoIPv4}.wrap(t.in4())))
	t.add("IPv6 as IPv4 in IPv4", "46", in(protoIPv4, t.ip6()))
	t.add("IPv4 as IPv6 in IPv4", "-", in(protoIPv6, t.in4()))
	t.add("MPLS in IP", "4", in(protoMPLS, mpls(16, true, t.in4())))
	t.add("Ethernet in IP", "4", in(protoEthernet, eth(typeIPv4, t.in4())))
	t.add("Ethernet in IPv6", "46", wire6(v6{next: protoEthernet}.wrap(eth(typeIPv4, t.ip4()))))
	t.add("EtherIP", "4", in(protoEtherIP, cat(unhex("3000"), eth(typeIPv4, t.in4()))))
	deep := t.in4()
	for range 20 {
		deep = v4{protocol: protoIPv4, src: inner4}.wrap(deep)
	}
	t.add("21 packets", "4", in(protoIPv4, deep))
	for range maxLayers {
		deep = v4{protocol: protoIPv4, src: inner4}.wrap(deep)
	}
	t.add("too many packets", "-", in(protoIPv4, deep)).differs = "tshark opens more"

	routes := "00000000 00010004 01020304 00000000"
	for _, c := range []struct {
		name, want string
		flags      int
		options    string
	}{
		{"GRE", "4", 0, ""}, {"GRE C", "4", 0x8000, "00000000"}, {"GRE K", "4", 0x2000, "00000000"},
		{"GRE S", "4", 0x1000, "00000000"}, {"GRE CKS", "4", 0xb000, "00000000 00000000 00000000"},
		{"GRE R", "4", 0x4000, routes}, {"GRE CRKS", "4", 0xf000, "00000000 00000000" + routes},
		{"GRE R, empty", "4", 0x4000, "00000000 00000000"}, {"GRE, other flags", "4", 0x0f78, ""},
		{"GRE A", "4", 0x0080, ""}, {"GRE A, number", "-", 0x0080, "00000000"},
		{"GRE version 1", "4", 0x0001, ""}, {"GRE version 7", "4", 0x0007, ""},
	} {
		t.add(c.name, c.want, in(protoGRE, gre(c.flags, typeIPv4, c.options, t.in4())))
	}
	t.add("GRE, IPv6", "46", in(protoGRE, gre(0, typeIPv6, "", t.ip6())))
	t.add("GRE in IPv6", "46", wire6(v6{next: protoGRE}.wrap(gre(0, typeIPv4, "", t.ip4()))))
	t.add("GRE in GRE", "46", in(protoGRE, gre(0, typeIPv4, "", v4{protocol: protoGRE, src: inner4}.wrap(gre(0, typeIPv6, "", t.ip6())))))
	t.add("GRE, frame", "4", in(protoGRE, gre(0, typeBridged, "", eth(typeIPv4, t.in4()))))
	t.add("GRE, frame with VLAN", "4", in(protoGRE, gre(0, typeBridged, "", eth(typeVLAN, vlan(5, typeIPv4, t.in4())))))
	t.add("GRE, frame by 0x6400", "4", in(protoGRE, gre(0, 0x6400, "", eth(typeIPv4, t.in4()))))
	t.add("GRE, MPLS", "4", in(protoGRE, gre(0, typeMPLS, "", mpls(16, true, t.in4()))))
	t.add("GRE, VLAN", "-", in(protoGRE, gre(0, typeVLAN, "", vlan(5, typeIPv4, t.in4()))))
	t.add("GRE, no type", "-", in(protoGRE, gre(0, 0, "", t.in4())))
	for _, ppp := range []string{"0021", "21", "ff030021"} {
		t.add("PPTP K", "4", in(protoGRE, gre(0x2001, typePPP, "00510001", cat(unhex(ppp), t.in4()))))
		t.add("PPTP KS", "4", in(protoGRE, gre(0x3001, typePPP, "00510001 00000000", cat(unhex(ppp), t.in4()))))
		t.add("PPTP KSA", "4", in(protoGRE, gre(0x3081, typePPP, "00510001 00000000 00000000", cat(unhex(ppp), t.in4()))))
		t.add("PPTP, length too short", "4", in(protoGRE, gre(0x2001, typePPP, "00100001", cat(unhex(ppp), t.in4()))))
		t.add("PPP in GRE", "4", in(protoGRE, gre(0, typePPP, "", cat(unhex(ppp), t.in4()))))
		t.add("PPP in GRE, ack", "-", in(protoGRE, gre(0x0080, typePPP, "00000000", cat(unhex(ppp), t.in4()))))
	}
	erspan := func(flags, kind int, options string) {
		t.add("ERSPAN "+options, "4", in(protoGRE, gre(flags, kind, options, eth(typeIPv4, t.in4()))))
	}
	erspan(0, 0x88be, "")
	erspan(0x1000, 0x88be, "00000000 10010001 00000001")
	erspan(0x1000, 0x88be, "00000000 20010001 00000001 00000000")
	erspan(0x1000, 0x22eb, "00000000 20010001 00000001 00000000")
	erspan(0x1000, 0x22eb, "00000000 20010001 00000001 00000001 0000000000000000")
	erspan(0, 0x22eb, "20010001 00000001 00008000")
	t.add("ERSPAN III, IP", "-", in(protoGRE, gre(0x1000, 0x22eb, "00000000 20010001 00000001 00000800", t.in4())))
	t.add("ERSPAN, version 0", "-", in(protoGRE, gre(0x1000, 0x88be, "00000000 00010001 00000001", eth(typeIPv4, t.in4()))))
}

func udpTunnelCases(t *table) {
	in := func(src, dst int, b []byte) frame { return wire4(v4{protocol: protoUDP}.wrap(udp(src, dst, b))) }
	frame4 := func() []byte { return eth(typeIPv4, t.in4()) }
	t.add("VXLAN", "4", in(50000, 4789, vxlan(frame4())))
	t.add("VXLAN, source port", "4", in(4789, 50000, vxlan(frame4())))
	t.add("VXLAN, no flags", "4", in(50000, 4789, cat(unhex("00010203 01020304"), frame4())))
	t.add("VXLAN, VLAN", "46", in(50000, 4789, vxlan(eth(typeVLAN, vlan(5, typeIPv6, t.ip6())))))
	t.add("VXLAN, SNAP", "4", in(50000, 4789, vxlan(eth802(snap("000000", typeIPv4, t.in4())))))
	t.add("VXLAN twice", "4", in(50000, 4789, vxlan(eth(typeIPv4, v4{protocol: protoUDP, src: inner4}.wrap(udp(5000, 4789, vxlan(frame4())))))))
	t.add("VXLAN, port 8472", "-", in(50000, 8472, vxlan(frame4())))
	t.add("VXLAN in UDP-Lite", "4", wire4(v4{protocol: protoUDPLite}.wrap(udp(50000, 4789, vxlan(frame4())))))
	t.add("VXLAN in IPv6", "46", wire6(v6{next: protoUDP}.wrap(udp(50000, 4789, vxlan(eth(typeIPv4, t.ip4()))))))
	t.add("an answer to port 4789", "4", in(53, 4789, t.dns()))
	t.add("an answer to port 3544", "4", in(53, 3544, t.dns()))
	t.add("port 5353 and VXLAN's", "4", in(5353, 4789, vxlan(frame4())))
	t.add("port 5353 and Geneve's", "4", in(5353, 6081, t.dns()))
	t.add("port 5355 and Geneve's", "4", in(5355, 6081, t.dns()))
	t.add("Teredo's port and VXLAN's", "-", in(3544, 4789, vxlan(frame4())))

	next := func(n string) []byte { return unhex("0c0000" + n + "00000500") }
	t.add("VXLAN-GPE, IPv4", "4", in(50000, 4790, cat(next("01"), t.in4())))
	t.add("VXLAN-GPE, IPv6", "46", in(50000, 4790, cat(next("02"), t.ip6())))
	t.add("VXLAN-GPE, Ethernet", "4", in(50000, 4790, cat(next("03"), frame4())))
	t.add("VXLAN-GPE, MPLS", "4", in(50000, 4790, cat(next("05"), mpls(16, true, t.in4()))))
	t.add("VXLAN-GPE, nothing", "-", in(50000, 4790, cat(next("00"), frame4())))

	t.add("Geneve", "4", in(50000, 6081, cat(unhex("0000 6558 00000500"), frame4())))
	t.add("Geneve, IPv4", "4", in(50000, 6081, cat(unhex("0000 0800 00000500"), t.in4())))
	t.add("Geneve, IPv6", "46", in(50000, 6081, cat(unhex("0000 86dd 00000500"), t.ip6())))
	t.add("Geneve, VLAN", "4", in(50000, 6081, cat(unhex("0000 8100 00000500"), vlan(5, typeIPv4, t.in4()))))
	t.add("Geneve, options", "4", in(50000, 6081, cat(unhex("0200 6558 00000500 00018001 01020304"), frame4())))
	t.add("Geneve, options out of bounds", "-", in(50000, 6081, cat(unhex("3f00 6558 00000500"), frame4())))
	t.add("Geneve, no type", "-", in(50000, 6081, cat(unhex("0000 0000 00000500"), frame4())))

	auth, origin := "00010000 0000000000000000 00", "0000ffff f5fffffd"
	t.add("Teredo", "46", in(50000, 3544, t.ip6()))
	t.add("Teredo, source port", "46", in(3544, 50000, t.ip6()))
	t.add("Teredo, authentication", "46", in(50000, 3544, cat(unhex(auth), t.ip6())))
	t.add("Teredo, identifiers", "46", in(50000, 3544, cat(unhex("00010203 0102030405 0000000000000000 00"), t.ip6())))
	t.add("Teredo, origin", "46", in(50000, 3544, cat(unhex(origin), t.ip6())))
	t.add("Teredo, both", "46", in(50000, 3544, cat(unhex(auth+origin), t.ip6())))
	t.add("Teredo, wrong order", "-", in(50000, 3544, cat(unhex(origin+auth), t.ip6())))
	t.add("Teredo, IPv4", "-", in(50000, 3544, t.in4()))
	t.add("Teredo, other port", "-", in(50000, 3545, t.ip6()))

	t.add("GRE in UDP", "4", in(50000, 4754, gre(0, typeIPv4, "", t.in4())))
	t.add("MPLS in UDP", "4", in(50000, 6635, mpls(16, true, t.in4())))
	short := udp(50000, 4789, vxlan(frame4()))
	copy(short[4:], u16(60))
	t.add("VXLAN, UDP length cuts", "-", wire4(v4{protocol: protoUDP}.wrap(short)))
}

func icmpCases(t *table) {
	in := func(kind int, b []byte) frame { return wire4(v4{protocol: protoICMP}.wrap(icmp(kind, b))) }
	in6 := func(kind int, b []byte) frame { return wire6(v6{next: protoICMPv6}.wrap(icmp(kind, b))) }
	for _, kind := range []int{3, 4, 11, 12} {
		t.add("ICMP error", "4q", in(kind, t.in4()))
	}
	for _, kind := range []int{0, 5, 8, 13} {
		t.add("ICMP, no error", "-", in(kind, t.in4()))
	}
	t.add("ICMP, 8 bytes", "-", in(3, t.in4()[:28]))
	t.add("ICMP, short", "4q", in(3, t.in4()[:60]))
	t.add("ICMP, extension", "4q", in(3, cat(t.in4(), make([]byte, 51), unhex("20000000 00040101"))))
	extended := func(protocol, kind, length int, b []byte) frame {
		m := icmp(kind, cat(b, make([]byte, 128-len(b)), unhex("20000000 00040101")))
		if protocol == protoICMPv6 {
			m[4] = byte(length)
			return wire6(v6{next: protocol}.wrap(m))
		}
		m[5] = byte(length)
		return wire4(v4{protocol: protocol}.wrap(m))
	}
	t.add("ICMP, length said", "4q", extended(protoICMP, 3, 32, t.in4()))
	t.add("ICMP, length of no use", "4q", extended(protoICMP, 11, 3, t.in4())).differs = "tshark takes the length as said"
	t.add("ICMPv6, length said", "6q", extended(protoICMPv6, 1, 16, t.in6()))
	t.add("ICMPv6, length of no use", "6q", extended(protoICMPv6, 3, 2, t.in6()))
	t.add("ICMP, IPv6", "46q", in(3, t.ip6()))
	t.add("ICMP twice", "4q", in(3, v4{protocol: protoICMP, src: inner4}.wrap(icmp(3, t.in4()))))
	t.add("ICMP, IPIP", "4q", in(3, v4{protocol: protoIPv4, src: inner4}.wrap(t.in4())))
	t.add("ICMP, no total length", "4q", in(3, v4{protocol: protoUDP, src: inner4, total: -1}.wrap(t.udp())))
	t.add("ICMP, wrong total length", "4q", in(3, v4{protocol: protoUDP, src: inner4, total: 0x4d00}.wrap(t.udp())))
	t.add("ICMP, TCP", "4q", in(3, v4{protocol: protoTCP, src: inner4}.wrap(t.tcp(segment{}))))
	t.add("ICMP, TCP cut", "4q", in(3, v4{protocol: protoTCP, src: inner4}.wrap(t.tcp(segment{}))[:60]))
	for _, kind := range []int{1, 2, 3, 4} {
		t.add("ICMPv6 error", "6q", in6(kind, t.in6()))
	}
	for _, kind := range []int{0, 5, 100, 127, 128, 129, 135, 255} {
		t.add("ICMPv6, no error", "-", in6(kind, t.in6()))
	}
	t.add("ICMPv6, IPv4", "-", in6(1, t.in4()))
	t.add("ICMPv6, short", "6q", in6(1, t.in6()[:70]))
	t.add("ICMPv6, hop-by-hop", "6q", in6(1, v6{next: protoHopByHop, src: inner6}.wrap(extension(protoUDP, t.udp()))))
	t.add("ICMPv6 redirect", "6q", in6(137, cat(make([]byte, 32), unhex("040e 000000000000"), t.in6(), make([]byte, 7))))
	t.add("ICMPv6 redirect, link address", "6q",
		in6(137, cat(make([]byte, 32), unhex("0201 020000000001 040e 000000000000"), t.in6(), make([]byte, 7))))
	t.add("ICMPv6 in IPv4", "46q", wire4(v4{protocol: protoICMPv6}.wrap(icmp(1, t.ip6()))))
	t.add("ICMP in IPv6", "46q", wire6(v6{next: protoICMP}.wrap(icmp(3, t.ip4()))))
	t.add("ICMP cut", "4q", in(3, t.in4()).cutTo(100))
}

func tcpCases(t *table) {
	in := func(b []byte) frame { return wire4(v4{protocol: protoTCP}.wrap(b)) }
	t.add("TCP", "4", in(t.tcp(segment{})))
	t.add("TCP, IPv6", "6", wire6(v6{next: protoTCP}.wrap(t.tcp(segment{}))))
	t.add("TCP, options", "4", in(t.tcp(segment{opts: make([]byte, 12)})))
	t.add("TCP, offset 4", "-", in(t.tcp(segment{offset: 4})))
	t.add("TCP, offset 15", "-", in(t.tcp(segment{offset: 15})))
	t.add("TCP, offset beyond", "-", in(t.tcp(segment{offset: 15})[:30]))
	t.add("TCP, SYN", "4", in(t.tcp(segment{flags: 0x02})))
	t.add("TCP, FIN", "4", in(t.tcp(segment{flags: 0x19})))
	t.add("TCP, padded", "4", in(t.tcp(segment{})).padded(9))
	t.add("TCP, no total length", "4", wire4(v4{protocol: protoTCP, total: -1}.wrap(t.tcp(segment{}))))
	t.add("TCP, cut in the header", "-", in(t.tcp(segment{})).cutTo(50))
	t.add("TCP, cut in the payload", "4", in(t.tcp(segment{})).cutTo(90))
}
