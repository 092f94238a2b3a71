package generate

import (
	"encoding/binary"
	"net/netip"
)

// Records that say where flows come from are the same in both layouts.
const (
	recordExporter  = 7
	recordStatistic = 8
	recordHistogram = 3 // reserved for a histogram of ports that nfcapd never writes
)

// The address families of Linux.
const (
	familyIPv4 = 2
	familyIPv6 = 10
)

// writeSources adds what must come before the first flow.
func (n *nfcapdFile) writeSources() error {
	for i := range nfcapdExporters {
		if n.o.Bare {
			break
		}
		if err := n.add(appendExporter(n.block, i)); err != nil {
			return err
		}
		if err := n.add(n.layout.sampler(n.block, i)); err != nil {
			return err
		}
	}
	for i := range n.layout.maps {
		if err := n.add(n.layout.fieldMap(n.block, i, !n.o.NoReceived)); err != nil {
			return err
		}
	}
	return nil
}

// writeStatistics adds what each exporter sent.
func (n *nfcapdFile) writeStatistics() error {
	if n.o.Bare {
		return nil
	}
	b := appendRecordHead(n.block, recordStatistic, 8+24*len(nfcapdExporters))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(nfcapdExporters)))
	for i, flows := range n.stats.exporters {
		b = binary.LittleEndian.AppendUint32(b, sysid(i))
		b = binary.LittleEndian.AppendUint32(b, 0) // sequence failures
		b = binary.LittleEndian.AppendUint64(b, (flows+23)/24)
		b = binary.LittleEndian.AppendUint64(b, flows)
	}
	return n.add(b)
}

// writeOdd adds a record that is none of a flow: an exporter known already, or one of a
// type that no reader knows what to do with.
func (n *nfcapdFile) writeOdd(r *random) error {
	if r.oneIn(2) && !n.o.Bare {
		return n.add(appendExporter(n.block, r.below(len(nfcapdExporters))))
	}
	size := 8 + 4*r.below(20)
	b := appendRecordHead(n.block, recordHistogram, size)
	for range size - 4 {
		b = append(b, byte(r.below(256)))
	}
	return n.add(b)
}

func appendRecordHead(b []byte, kind, size int) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(kind))
	return binary.LittleEndian.AppendUint16(b, uint16(size))
}

// sysid is the number by which flows refer to an exporter.
func sysid(exporter int) uint32 { return uint32(exporter) + 1 }

func appendExporter(b []byte, i int) []byte {
	e := &nfcapdExporters[i]
	b = appendRecordHead(b, recordExporter, 32)
	b = binary.LittleEndian.AppendUint32(b, e.protocol)
	family := uint16(familyIPv6)
	if e.ip.Is4() {
		family = familyIPv4
		b = appendAddr4(append(b, make([]byte, 12)...), e.ip)
	} else {
		b = appendAddr6(b, e.ip)
	}
	b = binary.LittleEndian.AppendUint16(b, family)
	b = binary.LittleEndian.AppendUint16(b, uint16(sysid(i)))
	return binary.LittleEndian.AppendUint32(b, 0) // its own number for itself
}

// Addresses are numbers, of 32 bits or of twice 64.

func addr4(ip netip.Addr) uint32 {
	a := ip.As4()
	return binary.BigEndian.Uint32(a[:])
}

func appendAddr4(b []byte, ip netip.Addr) []byte {
	return binary.LittleEndian.AppendUint32(b, addr4(ip))
}

func appendAddr6(b []byte, ip netip.Addr) []byte {
	a := ip.As16()
	b = binary.LittleEndian.AppendUint64(b, binary.BigEndian.Uint64(a[:]))
	return binary.LittleEndian.AppendUint64(b, binary.BigEndian.Uint64(a[8:]))
}

func appendAddrs(b []byte, src, dst netip.Addr) []byte {
	if src.Is4() {
		return appendAddr4(appendAddr4(b, src), dst)
	}
	return appendAddr6(appendAddr6(b, src), dst)
}
