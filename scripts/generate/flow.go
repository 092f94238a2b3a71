package generate

import (
	"io"
	"net/netip"
)

const flowHeader = "tr,try,trm,trd,trh,trm,trs,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,dtos,dir,ra\n"

// Flow writes what spot-nfdump prints of a capture: a header, one row of 27 columns a
// flow, and the three lines of its summary.
func Flow(w io.Writer, o Options) (Totals, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Totals{}, err
	}
	f := newFlows(newRandom(o.Seed, 'f'))
	return write(w, o, f.r, source{header: flowHeader, row: f.row, odd: f.odd, trailer: f.summary})
}

// A service is what a flow's server offers, which settles protocol, port and sizes.
type service struct {
	proto      string
	port       int
	meanPacket int // bytes of the larger direction's packets
	maxBits    int // a flow has up to 2^maxBits packets
}

// An endpoint is an address as text and the autonomous system that announces it.
type endpoint struct {
	addr string
	as   int
}

type flows struct {
	r                 *random
	services          weighted[service]
	flags             weighted[string]
	clients, servers  []endpoint
	clients6, server6 []endpoint

	rows, packets, bytes int64
}

func newFlows(r *random) *flows {
	f := &flows{r: r}
	for _, s := range []struct {
		weight int
		service
	}{
		{430, service{"TCP", 443, 1100, 14}}, {95, service{"TCP", 80, 1000, 13}},
		{90, service{"UDP", 443, 1150, 14}}, {215, service{"UDP", 53, 160, 1}},
		{35, service{"UDP", 123, 76, 1}}, {20, service{"TCP", 22, 400, 12}},
		{18, service{"TCP", 445, 700, 12}}, {15, service{"TCP", 25, 600, 8}},
		{15, service{"TCP", 993, 500, 9}}, {12, service{"TCP", 3389, 450, 12}},
		{10, service{"TCP", 8080, 900, 11}}, {10, service{"UDP", 5060, 480, 5}},
		{8, service{"UDP", 161, 140, 3}}, {22, service{"ICMP", 0, 84, 4}},
		{3, service{"GRE", 0, 800, 10}}, {2, service{"ESP", 0, 900, 12}},
	} {
		f.services.add(s.weight, s.service)
	}
	for _, s := range []struct {
		weight int
		flags  string
	}{
		{500, ".AP.SF"}, {180, ".AP.S."}, {120, ".A...."}, {60, ".AP..."}, {50, ".A..SF"},
		{40, "....S."}, {20, ".APRS."}, {15, "...R.."}, {5, ".A.R.."}, {2, "UAPRSF"},
		// ECN and CWR don't fit into six letters: the byte is printed instead.
		{5, "  0xc2"}, {3, "  0xdb"},
	} {
		f.flags.add(s.weight, s.flags)
	}
	f.clients = endpoints(r, 4096, func() netip.Addr {
		return netip.AddrFrom4([4]byte{10, byte(r.below(8)), byte(r.below(256)), byte(r.between(1, 254))})
	}, true)
	f.servers = endpoints(r, 8192, func() netip.Addr { return publicAddr(r) }, false)
	f.clients6 = endpoints(r, 512, func() netip.Addr { return addr6(r, 0x10) }, true)
	f.server6 = endpoints(r, 1024, func() netip.Addr { return addr6(r, 0x20+byte(r.below(64))) }, false)
	return f
}

func endpoints(r *random, n int, next func() netip.Addr, inside bool) []endpoint {
	list := make([]endpoint, n)
	for i := range list {
		list[i].addr = next().String()
		if !inside {
			list[i].as = r.between(1, 65000)
		}
	}
	return list
}

func publicAddr(r *random) netip.Addr {
	for {
		a := netip.AddrFrom4([4]byte{byte(r.between(1, 223)), byte(r.below(256)), byte(r.below(256)), byte(r.between(1, 254))})
		if !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
			return a
		}
	}
}

// addr6 is an address in a site of the documentation's prefix, 2001:db8::/32.
func addr6(r *random, site byte) netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, site, 0, byte(r.below(16))}
	for i := 8; i < 16; i++ {
		a[i] = byte(r.below(256))
	}
	return netip.AddrFrom16(a)
}

func (f *flows) row(b []byte, c *clock) []byte {
	r := f.r
	s := f.services.draw(r)
	clients, servers := f.clients, f.servers
	if r.below(100) < 9 {
		clients, servers = f.clients6, f.server6
	}
	src, dst := clients[r.popular(len(clients))], servers[r.popular(len(servers))]
	sport, dport := r.between(1024, 65535), s.port
	flags := "......"
	packets, size := r.heavy(s.maxBits), r.between(s.meanPacket/2, s.meanPacket*5/4)
	switch s.proto {
	case "TCP":
		if flags = f.flags.draw(r); flags == "....S." || flags == "...R.." {
			packets, size = 1, 40+4*r.below(6) // a scan or its refusal
		} else {
			packets += r.between(3, 12) // to connect, ask and part
		}
	case "ICMP":
		sport, dport = 0, pick(r, icmpTypes)
	case "GRE", "ESP":
		sport, dport = 0, 0
	}
	in, out := 3, 7
	if r.oneIn(2) { // flows are unidirectional: every other one is the server's answer
		src, dst, sport, dport, in, out = dst, src, dport, sport, out, in
	} else if packets > 4 {
		size = 40 + size/8 // what clients send is mostly acknowledgements
	}
	octets := packets * size
	f.rows, f.packets, f.bytes = f.rows+1, f.packets+int64(packets), f.bytes+int64(octets)

	b = append(b, c.stamp...)
	b = append(append(b, ','), c.parts...)
	b = append(b, ',')
	b = f.appendDuration(b, packets)
	b = append(append(b, ','), src.addr...)
	b = append(append(b, ','), dst.addr...)
	b = appendColumn(b, sport)
	b = appendColumn(b, dport)
	b = append(append(b, ','), s.proto...)
	b = append(append(b, ','), flags...)
	b = appendColumn(b, 0) // fwd
	tos := 0
	if r.oneIn(8) {
		tos = pick(r, serviceClasses)
	}
	b = appendColumn(b, tos)
	b = appendColumn(b, packets)
	b = appendColumn(b, octets)
	b = append(b, ",0,0"...) // opkt, obyt: the other direction is a row of its own
	b = appendColumn(b, in)
	b = appendColumn(b, out)
	b = appendColumn(b, src.as)
	b = appendColumn(b, dst.as)
	b = append(b, ",0,0,"...) // dtos, dir
	return append(b, pick(r, routers)...)
}

var (
	icmpTypes      = []int{0, 2048, 2048, 769, 771, 2816} // type*256 + code
	serviceClasses = []int{8, 32, 40, 72, 104, 136, 184, 192}
	routers        = []string{"192.0.2.1", "192.0.2.2", "198.51.100.1"}
)

func appendColumn(b []byte, n int) []byte { return appendInt(append(b, ','), n) }

// appendDuration adds seconds with three decimals: none for one packet, more for more.
func (f *flows) appendDuration(b []byte, packets int) []byte {
	millis := 0
	if packets > 1 {
		millis = min(f.r.below(40*packets+200), 1_800_000)
	}
	b = appendInt(b, millis/1000)
	return appendPadded(append(b, '.'), millis%1000, 3)
}

func (f *flows) odd(b []byte, c *clock) []byte {
	switch f.r.below(4) {
	case 0:
		return b
	case 1:
		return append(append(b, c.stamp[:16]...), ",2018,3"...) // torn within the time stamp
	case 2:
		return append(b, "2018-02-31 10:61:00,2018,2,31,10,61,0,0.000,10.0.0.1,10.0.0.2,0,0,TCP,......,0,0,1,40,0,0,3,7,0,0,0,0,192.0.2.1"...)
	}
	return append(b, "No matched flows"...)
}

func (f *flows) summary(b []byte) []byte {
	b = append(b, "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n"...)
	b = appendInt(b, int(f.rows))
	b = appendColumn(b, int(f.bytes))
	b = appendColumn(b, int(f.packets))
	b = append(b, ",0,0"...)
	b = appendColumn(b, int(f.bytes/max(f.packets, 1)))
	return append(b, '\n')
}
