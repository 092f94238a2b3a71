package generate

import (
	"io"
	"net/netip"
	"strconv"
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

// An endpoint is an address, and the autonomous system that announces it.
type endpoint struct {
	ip   netip.Addr
	addr string
	as   int
}

// A flow holds what a row shows of one, but its time.
type flow struct {
	src, dst       endpoint
	sport, dport   int
	proto, flags   string
	fwd, tos       int
	packets, bytes int64
	outPackets     int64 // of the other direction, which mostly is a flow of its own
	outBytes       int64
	in, out        int // interfaces
	dtos, dir      int
	millis         int // how long it lasted
	router         string
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
		list[i].ip = next()
		list[i].addr = list[i].ip.String()
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
	var l flow
	f.next(&l)
	return l.appendRow(b, c)
}

// next draws another flow.
func (f *flows) next(l *flow) {
	r := f.r
	s := f.services.draw(r)
	clients, servers := f.clients, f.servers
	if r.below(100) < 9 {
		clients, servers = f.clients6, f.server6
	}
	*l = flow{src: clients[r.popular(len(clients))], dst: servers[r.popular(len(servers))]}
	l.sport, l.dport = r.between(1024, 65535), s.port
	l.proto, l.flags = s.proto, "......"
	packets, size := r.heavy(s.maxBits), r.between(s.meanPacket/2, s.meanPacket*5/4)
	switch s.proto {
	case "TCP":
		if l.flags = f.flags.draw(r); l.flags == "....S." || l.flags == "...R.." {
			packets, size = 1, 40+4*r.below(6) // a scan or its refusal
		} else {
			packets += r.between(3, 12) // to connect, ask and part
		}
	case "ICMP":
		l.sport, l.dport = 0, pick(r, icmpTypes)
	case "GRE", "ESP":
		l.sport, l.dport = 0, 0
	}
	l.in, l.out = 3, 7
	if r.oneIn(2) { // flows are unidirectional: every other one is the server's answer
		l.src, l.dst, l.sport, l.dport, l.in, l.out = l.dst, l.src, l.dport, l.sport, l.out, l.in
	} else if packets > 4 {
		size = 40 + size/8 // what clients send is mostly acknowledgements
	}
	l.packets, l.bytes = int64(packets), int64(packets)*int64(size)
	f.rows, f.packets, f.bytes = f.rows+1, f.packets+l.packets, f.bytes+l.bytes
	if packets > 1 { // one packet takes no time, more take more
		l.millis = min(r.below(40*packets+200), 1_800_000)
	}
	if r.oneIn(8) {
		l.tos = pick(r, serviceClasses)
	}
	l.router = pick(r, routers)
}

var (
	icmpTypes      = []int{0, 2048, 2048, 769, 771, 2816} // type*256 + code
	serviceClasses = []int{8, 32, 40, 72, 104, 136, 184, 192}
	routers        = []string{"192.0.2.1", "192.0.2.2", "198.51.100.1"}
)

// appendRow adds the 27 columns.
func (l *flow) appendRow(b []byte, c *clock) []byte {
	b = append(b, c.stamp...)
	b = append(append(b, ','), c.parts...)
	b = appendColumn(b, l.millis/1000)
	b = appendPadded(append(b, '.'), l.millis%1000, 3)
	b = append(append(b, ','), l.src.addr...)
	b = append(append(b, ','), l.dst.addr...)
	b = appendColumn(b, l.sport)
	b = appendColumn(b, l.dport)
	b = append(append(b, ','), l.proto...)
	b = append(append(b, ','), l.flags...)
	b = appendColumn(b, l.fwd)
	b = appendColumn(b, l.tos)
	b = appendCount(b, l.packets)
	b = appendCount(b, l.bytes)
	b = appendCount(b, l.outPackets)
	b = appendCount(b, l.outBytes)
	b = appendColumn(b, l.in)
	b = appendColumn(b, l.out)
	b = appendColumn(b, l.src.as)
	b = appendColumn(b, l.dst.as)
	b = appendColumn(b, l.dtos)
	b = appendColumn(b, l.dir)
	return append(append(b, ','), l.router...)
}

func appendColumn(b []byte, n int) []byte { return appendInt(append(b, ','), n) }

func appendCount(b []byte, n int64) []byte { return strconv.AppendInt(append(b, ','), n, 10) }

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
	b = strconv.AppendInt(b, f.rows, 10)
	b = appendCount(b, f.bytes)
	b = appendCount(b, f.packets)
	b = append(b, ",0,0"...)
	b = appendCount(b, f.bytes/max(f.packets, 1))
	return append(b, '\n')
}
