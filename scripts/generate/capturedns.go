package generate

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// questions makes what is asked of DNS servers, and what they answer, with the names and
// the proportions of DNS.
type questions struct {
	r         *random
	types     weighted[int]
	rcodes    weighted[int]
	sites     []site
	edges     []string // names of a content network, where aliases lead
	addrs     []netip.Addr
	addrs6    []netip.Addr
	signature [256]byte
}

// A question is what is asked, and what there is to answer.
type question struct {
	site
	id      uint16
	kind    uint16 // that is asked for
	record  int    // that is answered
	rcode   int
	much    bool   // whether the answer takes more than a packet
	payload uint16 // that EDNS allows; 0 without
	dnssec  bool
	flags   uint16 // of the answer
}

func newQuestions(r *random, l *lookups) *questions {
	q := &questions{r: r, types: l.types, rcodes: l.rcodes}
	zones := make(map[string]*zone)
	for _, name := range l.names {
		name = shortenLabels(name)
		apex := apexOf(name)
		if zones[apex] == nil {
			zones[apex] = newZone(apex)
		}
		q.sites = append(q.sites, site{name, zones[apex]})
	}
	for i := range 256 {
		q.edges = append(q.edges, "e"+strconv.Itoa(1000+i*7)+".dsc"+string(rune('a'+i%6))+".edge.example.net")
	}
	for _, e := range l.servers {
		q.addrs = append(q.addrs, e.ip)
	}
	for _, e := range l.servers6 {
		q.addrs6 = append(q.addrs6, e.ip)
	}
	for i := range q.signature {
		q.signature[i] = byte(r.below(256))
	}
	return q
}

func (q *questions) ask() question {
	a := question{
		site: q.sites[q.r.popular(len(q.sites))], id: uint16(q.r.below(1 << 16)),
		record: q.types.draw(q.r), rcode: q.rcodes.draw(q.r), flags: flagRecursionAvailable,
	}
	if q.r.below(10) < 6 {
		a.payload = pick(q.r, []uint16{512, 1232, 1232, 4096})
		a.dnssec = q.r.oneIn(5)
	}
	if q.r.oneIn(4) {
		a.flags = flagAuthoritative
	}
	a.kind = uint16(a.record)
	switch a.record {
	case typeCNAME:
		a.kind = typeA
	case typeSOA: // of which there's a name, but no address
		a.kind = typeAAAA
	case typePTR:
		a.name = reverseName(pick(q.r, q.addrs))
	case typeSRV:
		a.name = a.service
	case typeMX, typeDNSKEY:
		a.name = a.apex
	case typeA:
		if q.r.oneIn(20) && a.flags == flagAuthoritative {
			a.record, a.flags = typeNS, 0 // ask there
		}
	}
	return a
}

// limit is the size of the largest answer over UDP.
func (a *question) limit() int { return max(512, int(a.payload)) }

// askMuch asks for what takes more than a packet to answer.
func (q *questions) askMuch() question {
	a := q.ask()
	a.name, a.kind, a.record, a.rcode, a.much = a.apex, typeTXT, typeTXT, 0, true
	if q.r.oneIn(2) {
		a.kind, a.record, a.dnssec = typeDNSKEY, typeDNSKEY, true
	}
	a.payload = pick(q.r, []uint16{1232, 4096, 4096})
	return a
}

func (q *questions) writeQuery(m *message, a *question) {
	m.start(a.id, flagRecursionDesired)
	m.question(a.name, a.kind)
	if a.payload == 0 {
		return
	}
	var options []byte
	if q.r.oneIn(3) { // a cookie (RFC 7873)
		options = append([]byte{0, 10, 0, 8}, q.signature[:8]...)
	}
	m.options(a.payload, a.dnssec, options)
}

func (q *questions) writeTruncated(m *message, a *question) {
	m.start(a.id, flagResponse|flagTruncated|flagRecursionDesired|a.flags)
	m.question(a.name, a.kind)
	m.options(a.payload, a.dnssec, nil)
}

func (q *questions) writeResponse(m *message, a *question) {
	m.start(a.id, flagResponse|flagRecursionDesired|a.flags|uint16(a.rcode))
	m.question(a.name, a.kind)
	switch a.rcode {
	case 0:
		q.writeRecords(m, a)
	case rcodeNoSuchName:
		q.authority(m, a)
	case rcodeServerFailure, rcodeRefused: // no record at all
	}
	if a.payload != 0 {
		m.options(1232, a.dnssec, nil)
	}
}

func (q *questions) writeRecords(m *message, a *question) {
	ttl := q.ttl()
	switch a.record {
	case typeA, typeAAAA:
		q.addresses(m, countAnswer, a.name, uint16(a.record), q.r.heavy(2))
		q.sign(m, a, ttl)
	case typeCNAME:
		q.alias(m, a, ttl)
	case typeSOA:
		q.authority(m, a)
		q.sign(m, a, ttl)
	case typePTR:
		m.pointer(countAnswer, a.name, typePTR, ttl, q.sites[q.r.popular(len(q.sites))].name)
	case typeTXT:
		q.texts(m, a, ttl)
	case typeMX:
		for i, x := range a.exchangers {
			data := m.record(countAnswer, a.name, typeMX, ttl)
			m.b = append(m.b, 0, byte(10+10*i))
			m.name(x)
			m.end(data)
		}
		q.addresses(m, countAdditional, a.exchangers[0], typeA, 1)
	case typeSRV:
		data := m.record(countAnswer, a.name, typeSRV, ttl)
		m.b = append(m.b, 0, 10, 0, 60, 0x13, 0xc4) // priority, weight, port
		m.plainName(a.exchangers[1])
		m.end(data)
		q.addresses(m, countAdditional, a.exchangers[1], typeAAAA, 1)
	case typeNS:
		for _, s := range a.servers {
			m.pointer(countAuthority, a.apex, typeNS, ttl, s)
		}
		for _, s := range a.servers {
			q.addresses(m, countAdditional, s, typeA, 1)
			q.addresses(m, countAdditional, s, typeAAAA, 1)
		}
	case typeHTTPS:
		q.service(m, a, ttl)
	case typeDNSKEY:
		q.keys(m, a, ttl)
	}
}

func (q *questions) ttl() int { return pick(q.r, []int{20, 60, 300, 300, 3600, 86400}) - q.r.below(20) }

func (q *questions) addresses(m *message, section int, name string, kind uint16, n int) {
	list := q.addrs
	if kind == typeAAAA {
		list = q.addrs6
	}
	ttl, at := q.ttl(), q.r.popular(len(list)-n)
	for _, addr := range list[at : at+n] {
		m.address(section, name, ttl, addr)
	}
}

// alias answers with a chain that ends at an address, but for one in four.
func (q *questions) alias(m *message, a *question, ttl int) {
	name := a.name
	for range q.r.heavy(1) {
		next := pick(q.r, q.edges)
		if next == name {
			break
		}
		m.pointer(countAnswer, name, typeCNAME, ttl, next)
		name = next
	}
	if q.r.oneIn(4) {
		q.authority(m, a)
		return
	}
	q.addresses(m, countAnswer, name, typeA, q.r.heavy(2))
}

// authority says by the zone's SOA for how long there'll be no such record.
func (q *questions) authority(m *message, a *question) {
	data := m.record(countAuthority, a.apex, typeSOA, 900)
	m.name(a.master)
	m.name(a.mailbox)
	for _, n := range []uint32{2018032001, 7200, 1800, 1209600, 300} {
		m.b = binary.BigEndian.AppendUint32(m.b, n)
	}
	m.end(data)
}

var textRecords = []string{
	"v=spf1 include:_spf.example.net ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all",
	"v=DMARC1; p=reject; rua=mailto:dmarc@example.net; fo=1",
	"site-verification=b5a1f0c9e3d84f67a2d19c0e7b3f5a68c4d2e1f0",
	"MS=ms40813377",
}

func (q *questions) texts(m *message, a *question, ttl int) {
	if !a.much {
		m.text(countAnswer, a.name, ttl, pick(q.r, textRecords))
		return
	}
	for range q.r.between(16, 40) {
		m.text(countAnswer, a.name, ttl, pick(q.r, textRecords), textRecords[2])
	}
}

// service is an HTTPS record (RFC 9460) with the protocols and an address that spares a
// second question.
func (q *questions) service(m *message, a *question, ttl int) {
	data := m.record(countAnswer, a.name, typeHTTPS, ttl)
	m.b = append(m.b, 0, 1, 0) // priority, and the name itself
	m.b = append(m.b, 0, 1, 0, 6, 2, 'h', '2', 2, 'h', '3')
	m.b = append(m.b, 0, 4, 0, 4)
	m.b = appendAddr(m.b, pick(q.r, q.addrs))
	m.end(data)
}

// keys are RSA keys of 2048 bits, two or so many that they fill more than a packet.
func (q *questions) keys(m *message, a *question, ttl int) {
	n := 2
	if a.much {
		n = q.r.between(4, 7)
	}
	for i := range n {
		data := m.record(countAnswer, a.name, typeDNSKEY, ttl)
		m.b = append(m.b, 1, byte(i&1), 3, 8, 3, 1, 0, 1) // flags, protocol, algorithm, exponent
		m.b = append(m.b, q.signature[:]...)
		m.end(data)
	}
	q.signature[q.r.below(len(q.signature))]++
	q.signWith(m, a, countAnswer, a.name, typeDNSKEY, ttl)
}

// sign adds a signature for those who asked for it.
func (q *questions) sign(m *message, a *question, ttl int) {
	if !a.dnssec {
		return
	}
	if a.record == typeSOA {
		q.signWith(m, a, countAuthority, a.apex, typeSOA, ttl)
		return
	}
	q.signWith(m, a, countAnswer, a.name, uint16(a.record), ttl)
}

func (q *questions) signWith(m *message, a *question, section int, name string, covered uint16, ttl int) {
	data := m.record(section, name, typeRRSIG, ttl)
	m.b = append(m.b, byte(covered>>8), byte(covered), 8, byte(1+strings.Count(name, ".")))
	for _, n := range []uint32{uint32(ttl), 1522540800, 1519862400} { // TTL, end and begin
		m.b = binary.BigEndian.AppendUint32(m.b, n)
	}
	m.b = append(m.b, 0x3b, 0x9a) // the key's tag
	m.plainName(a.apex)
	m.b = append(m.b, q.signature[:]...)
	m.end(data)
}
