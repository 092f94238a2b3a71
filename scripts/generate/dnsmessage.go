package generate

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Types of resource records that captures hold.
const (
	typeA      = 1
	typeNS     = 2
	typeCNAME  = 5
	typeSOA    = 6
	typePTR    = 12
	typeMX     = 15
	typeTXT    = 16
	typeAAAA   = 28
	typeSRV    = 33
	typeOPT    = 41
	typeRRSIG  = 46
	typeDNSKEY = 48
	typeHTTPS  = 65
)

const (
	rcodeServerFailure = 2
	rcodeNoSuchName    = 3
	rcodeRefused       = 5
)

// Bits of the second word of a header.
const (
	flagResponse           = 0x8000
	flagAuthoritative      = 0x0400
	flagTruncated          = 0x0200
	flagRecursionDesired   = 0x0100
	flagRecursionAvailable = 0x0080
)

// Where the header counts the records of each section.
const (
	countQuestion   = 4
	countAnswer     = 6
	countAuthority  = 8
	countAdditional = 10
)

// A message is a DNS message in the making. Names are compressed as servers do it: by the
// longest ending that is in the message already (RFC 1035, 4.1.4).
type message struct {
	b     []byte
	names []knownName
	seen  answer
}

type knownName struct {
	name   string // an ending of a name, without the root's dot
	offset uint16
}

// maxKnownNames keeps the search short; servers stop remembering somewhere, too.
const maxKnownNames = 48

func (m *message) start(id, flags uint16) {
	m.b = append(m.b[:0], byte(id>>8), byte(id), byte(flags>>8), byte(flags), 0, 0, 0, 0, 0, 0, 0, 0)
	m.names = m.names[:0]
	m.seen = answer{rcode: int(flags & 15)}
}

func (m *message) question(name string, kind uint16) {
	m.name(name)
	m.b = binary.BigEndian.AppendUint16(m.b, kind)
	m.b = binary.BigEndian.AppendUint16(m.b, 1)
	m.b[countQuestion+1]++
}

// record begins a record of class IN. What is appended to m.b until end, which takes the
// place that is returned, is its data.
func (m *message) record(section int, name string, kind uint16, ttl int) int {
	m.name(name)
	m.b = binary.BigEndian.AppendUint16(m.b, kind)
	m.b = binary.BigEndian.AppendUint16(m.b, 1)
	m.b = binary.BigEndian.AppendUint32(m.b, uint32(ttl))
	m.b = append(m.b, 0, 0)
	m.b[section+1]++
	m.seen.record(name, kind, true)
	return len(m.b)
}

func (m *message) end(data int) {
	binary.BigEndian.PutUint16(m.b[data-2:], uint16(len(m.b)-data))
}

func (m *message) address(section int, name string, ttl int, addr netip.Addr) {
	kind := uint16(typeAAAA)
	if addr.Is4() {
		kind = typeA
		m.seen.address(addr)
	}
	data := m.record(section, name, kind, ttl)
	m.b = appendAddr(m.b, addr)
	m.end(data)
}

// pointer adds a record whose data is a name: CNAME, NS or PTR.
func (m *message) pointer(section int, name string, kind uint16, ttl int, target string) {
	data := m.record(section, name, kind, ttl)
	m.name(target)
	m.end(data)
}

func (m *message) text(section int, name string, ttl int, texts ...string) {
	data := m.record(section, name, typeTXT, ttl)
	for _, t := range texts {
		m.b = append(append(m.b, byte(len(t))), t...)
	}
	m.end(data)
}

// options adds the OPT record of EDNS (RFC 6891), whose class is a size of packets and
// whose TTL holds flags.
func (m *message) options(payloadSize uint16, dnssec bool, options []byte) {
	m.b = append(m.b, 0, 0, typeOPT, byte(payloadSize>>8), byte(payloadSize), 0, 0, 0, 0, 0, 0)
	if dnssec {
		m.b[len(m.b)-4] = 0x80
	}
	data := len(m.b)
	m.b = append(m.b, options...)
	m.end(data)
	m.b[countAdditional+1]++
	m.seen.record("<Root>", typeOPT, false)
}

// name adds a name, compressed, and remembers its endings for the next ones.
func (m *message) name(name string) {
	for name != "" {
		for i := range m.names {
			if m.names[i].name == name {
				m.b = binary.BigEndian.AppendUint16(m.b, 0xc000|m.names[i].offset)
				return
			}
		}
		if len(m.names) < maxKnownNames && len(m.b) < 0x4000 {
			m.names = append(m.names, knownName{name, uint16(len(m.b))})
		}
		name = m.label(name)
	}
	m.b = append(m.b, 0)
}

// plainName adds a name in full, for records whose data must not be compressed.
func (m *message) plainName(name string) {
	for name != "" {
		name = m.label(name)
	}
	m.b = append(m.b, 0)
}

// label adds the first label of a name and returns the others.
func (m *message) label(name string) string {
	label, rest, _ := strings.Cut(name, ".")
	m.b = append(append(m.b, byte(len(label))), label...)
	return rest
}

func appendAddr(b []byte, addr netip.Addr) []byte {
	if addr.Is4() {
		a := addr.As4()
		return append(b, a[:]...)
	}
	a := addr.As16()
	return append(b, a[:]...)
}

// An answer is what tshark shows of the responses in a packet: of each field the first
// that there is.
type answer struct {
	name     string
	kind     int
	hasClass bool // OPT has none
	rcode    int
	addr     netip.Addr // the first of IPv4
}

func (a *answer) record(name string, kind uint16, hasClass bool) {
	if a.kind == 0 {
		a.kind = int(kind)
	}
	// A service's name goes to fields of its own.
	if a.name == "" && kind != typeSRV {
		a.name = name
	}
	a.hasClass = a.hasClass || hasClass
}

func (a *answer) address(addr netip.Addr) {
	if !a.addr.IsValid() {
		a.addr = addr
	}
}

// follow adds the answer of a later message in the same packet.
func (a *answer) follow(next answer) {
	if a.kind == 0 {
		a.kind = next.kind
	}
	if a.name == "" {
		a.name = next.name
	}
	a.hasClass = a.hasClass || next.hasClass
	if !a.addr.IsValid() {
		a.addr = next.addr
	}
}

// appendColumns adds the fields from dns.resp.name to dns.a.
func (a *answer) appendColumns(b []byte) []byte {
	b = append(append(b, ','), a.name...)
	b = append(b, ',')
	if a.kind != 0 {
		b = appendInt(b, a.kind)
	}
	b = append(b, ',')
	if a.hasClass {
		b = append(b, "0x0001"...)
	}
	b = append(appendColumn(b, a.rcode), ',')
	if a.addr.IsValid() {
		b = a.addr.AppendTo(b)
	}
	return b
}
