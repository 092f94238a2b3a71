package generate

import (
	"math"
	"net/netip"
)

// An nfcapdFlow is a flow as an nfcapd file holds it: with its times, and with what sent it.
type nfcapdFlow struct {
	flow
	first, last, received uint64 // milliseconds since 1970; received is 0 if unknown
	exporter              int    // of nfcapdExporters
	template              int    // of nfcapdTemplates
	flagByte, protoByte   byte
}

// An nfcapdExporter is a router that sends flows.
type nfcapdExporter struct {
	ip       netip.Addr
	protocol uint32 // version of NetFlow
	interval uint32 // of packets of which one is sampled
}

// nfcapdExporters are the routers of Flow, and one known by its IPv6 address.
var nfcapdExporters = []nfcapdExporter{
	{netip.MustParseAddr(routers[0]), 9, 1},
	{netip.MustParseAddr(routers[1]), 5, 100},
	{netip.MustParseAddr(routers[2]), 10, 1000},
	{netip.MustParseAddr(router6), 10, 1},
}

const (
	router6         = "2001:db8:ffff::1"
	router6Exporter = 3
)

// What readers don't show, the same in every flow that has it.
const (
	vlan       = 120
	engineType = 1
	engineID   = 7
)

var nextHop = netip.MustParseAddr("192.0.2.254")

// An nfcapdTemplate is which fields an exporter sends, and how wide.
type nfcapdTemplate struct {
	share          int // of a hundred flows
	wideInterfaces bool
	wideAS         bool
	widePackets    bool
	wideBytes      bool
	vlans          bool // otherwise the next hop, and the exporter's engine
	outBytes       int  // size of the counters of the other direction, 0 if there are none
}

var nfcapdTemplates = []nfcapdTemplate{
	{share: 50},
	{share: 30, wideInterfaces: true, wideAS: true, widePackets: true, wideBytes: true, vlans: true},
	{share: 12, wideInterfaces: true, wideAS: true, widePackets: true, wideBytes: true, vlans: true, outBytes: 8},
	{share: 8, wideAS: true, wideBytes: true, outBytes: 4},
}

// nfcapdFlows draws flows: those of Flow, and from a second sequence what they lack.
type nfcapdFlows struct {
	*flows
	extra      *random
	templates  weighted[int]
	noReceived bool
}

func newNfcapdFlows(o NfcapdOptions) *nfcapdFlows {
	f := &nfcapdFlows{
		flows:      newFlows(newRandom(o.Seed, 'f')),
		extra:      newRandom(o.Seed, 'n'),
		noReceived: o.NoReceived,
	}
	for i, t := range nfcapdTemplates {
		f.templates.add(t.share, i)
	}
	return f
}

// next draws another flow, whose row is of the moment that c holds.
func (f *nfcapdFlows) next(l *nfcapdFlow, c *clock) {
	f.flows.next(&l.flow)
	r := f.extra
	l.flagByte, l.protoByte = flagByte(l.flags), protoByte(l.proto)
	l.template = f.templates.draw(r)
	for i := range routers {
		if routers[i] == l.router {
			l.exporter = i
		}
	}
	if r.oneIn(16) {
		l.exporter, l.router = router6Exporter, router6
	}
	f.setTimes(l, c)
	if r.oneIn(2000) {
		l.packets, l.bytes = l.packets<<20, l.bytes<<20 // beyond 32 bits
	}
	if nfcapdTemplates[l.template].outBytes > 0 {
		l.outPackets = int64(r.between(1, 50))
		l.outBytes = l.outPackets * int64(r.between(40, 1500))
	}
	if r.oneIn(40) {
		l.fwd = pick(r, forwardingStates)
	}
	if r.oneIn(20) {
		l.dtos = pick(r, serviceClasses)
	}
	if r.oneIn(4) {
		l.dir = 1 // egress
	}
}

// setTimes puts the moment where the row's time stamp comes from: the reception, which is
// some time after the flow's end, or its first packet if the reception is unknown.
func (f *nfcapdFlows) setTimes(l *nfcapdFlow, c *clock) {
	moment := uint64(c.unix)*1000 + uint64(c.nanos/1_000_000)
	delay := uint64(f.extra.below(60_000))
	if f.noReceived {
		l.first, l.last, l.received = moment, moment+uint64(l.millis), 0
		return
	}
	l.received = moment
	l.last = l.received - delay
	l.first = l.last - uint64(l.millis)
}

// forwardingStates are the byte of RFC 7270: forwarded, dropped by an ACL, consumed.
var forwardingStates = []int{64, 130, 192}

// wide tells whether packets and bytes take 64 bits.
func (l *nfcapdFlow) wide() (packets, bytes bool) {
	t := &nfcapdTemplates[l.template]
	return t.widePackets || l.packets > math.MaxUint32, t.wideBytes || l.bytes > math.MaxUint32
}

// flagByte is the byte of TCP flags of a row's letters.
func flagByte(letters string) byte {
	var b byte
	if letters[0] == ' ' { // "  0xc2"
		for _, digit := range []byte(letters[4:]) {
			if digit >= 'a' {
				digit -= 'a' - '9' - 1
			}
			b = b<<4 | (digit - '0')
		}
		return b
	}
	for i := range len(letters) {
		b <<= 1
		if letters[i] != '.' {
			b |= 1
		}
	}
	return b
}

func protoByte(name string) byte {
	switch name {
	case "TCP":
		return 6
	case "UDP":
		return 17
	case "ICMP":
		return 1
	case "GRE":
		return 47
	}
	return 50 // ESP
}
