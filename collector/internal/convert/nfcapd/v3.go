package nfcapd

import "fmt"

const (
	flowHeaderV3  = 12 // type, size, number of elements, engine, exporter, flags, NetFlow version
	elementHeader = 4  // type, and length incl. this
	flagEventV3   = 1
)

// Elements of a V3 record.
const (
	elGeneric    = 1
	elIPv4       = 2
	elIPv6       = 3
	elMisc       = 4
	elCounters   = 5
	elAS         = 7
	elRouterIPv4 = 12
	elRouterIPv6 = 13
	elNSEL       = 19
	elNEL        = 25
)

// elementSizes are the bytes that elements have at least, incl. their headers, where it
// matters here.
var elementSizes = [...]uint8{
	elGeneric: 52, elIPv4: 12, elIPv6: 36, elMisc: 20, elCounters: 28, elAS: 12,
	elRouterIPv4: 8, elRouterIPv6: 20, elNEL: elementHeader,
}

// decodeV3 reads a flow record of layout 2. Its elements come in any order; those that don't
// matter are passed over, and unknown ones too.
func (f *flow) decodeV3(record []byte) error {
	if len(record) < flowHeaderV3 {
		return fmt.Errorf("is a flow of %d bytes", len(record))
	}
	f.event = record[10]&flagEventV3 != 0
	rest := record[flowHeaderV3:]
	for n := le.Uint16(record[4:]); n > 0; n-- {
		if len(rest) < elementHeader {
			return fmt.Errorf("is a flow with %d elements more than it has room for", n)
		}
		kind, length := int(le.Uint16(rest)), int(le.Uint16(rest[2:]))
		if length < elementHeader || length > len(rest) {
			return fmt.Errorf("is a flow with an element of type %d that says that it has %d bytes, of %d",
				kind, length, len(rest))
		}
		if kind < len(elementSizes) {
			if length < int(elementSizes[kind]) {
				return fmt.Errorf("is a flow with an element of type %d of %d bytes, not %d",
					kind, length, elementSizes[kind])
			}
			f.element(kind, rest[elementHeader:length])
		}
		rest = rest[length:]
	}
	return nil
}

func (f *flow) element(kind int, b []byte) {
	switch kind {
	case elGeneric:
		f.generic(b)
	case elIPv4:
		// Some exporters send both kinds of addresses, one of them zero: the other one counts.
		if src, dst := ipv4(b), ipv4(b[4:]); !f.src.v6 || src.lo|dst.lo != 0 {
			f.src, f.dst = src, dst
		}
	case elIPv6:
		if f.src.v6 || f.src.lo|f.dst.lo == 0 {
			f.src, f.dst = ipv6(b), ipv6(b[16:])
		}
	case elMisc:
		f.input, f.output = le.Uint32(b), le.Uint32(b[4:])
		f.direction, f.dstTos = b[10], b[11] // the masks are before
	case elCounters:
		f.outPackets, f.outBytes = le.Uint64(b[8:]), le.Uint64(b[16:])
	case elAS:
		f.srcAS, f.dstAS = le.Uint32(b), le.Uint32(b[4:])
	case elRouterIPv4:
		f.router = ipv4(b)
	case elRouterIPv6:
		f.router = ipv6(b)
	case elNSEL, elNEL:
		f.event = true
	}
}

func (f *flow) generic(b []byte) {
	_ = b[47]
	last := le.Uint64(b[8:])
	f.first, f.received = le.Uint64(b), le.Uint64(b[16:])
	f.duration, f.unsigned = int64(last-f.first), true
	f.packets, f.bytes = le.Uint64(b[24:]), le.Uint64(b[32:])
	f.srcPort, f.dstPort = le.Uint16(b[40:]), le.Uint16(b[42:])
	f.proto, f.flags, f.status, f.srcTos = b[44], b[45], b[46], b[47]
}
