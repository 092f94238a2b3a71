package generate

import "encoding/binary"

// Layout 1 is that of nfdump 1.6. A flow is a record with a fixed part, and extensions in
// the order of a map, which is a record too. Its nfx.h describes them.
var nfcapdLayout1 = nfcapdLayout{
	header:    header1,
	blockType: 2,
	sampler:   sampler1,
	maps:      2 * len(nfcapdTemplates),
	fieldMap:  fieldMap1,
	flow:      flow1,
}

const (
	recordMap1     = 2
	recordSampler1 = 9
	recordFlow1    = 10
)

// What the flags of a flow say.
const (
	flag1IPv6         = 1
	flag1WidePackets  = 2
	flag1WideBytes    = 4
	flag1IPv6Exporter = 32
)

// Extensions, in ascending order in every map.
const (
	extInterfaces16 = 4
	extInterfaces32 = 5
	extAS16         = 6
	extAS32         = 7
	extMultiple     = 8 // other type of service, direction, masks
	extNextHop4     = 9
	extVLAN         = 13
	extOutPackets32 = 14
	extOutPackets64 = 15
	extOutBytes32   = 16
	extOutBytes64   = 17
	extRouter4      = 23
	extRouter6      = 24
	extEngine       = 25
	extReceived     = 27
)

func header1(n *nfcapdFile) []byte {
	b := binary.LittleEndian.AppendUint16(nil, nfcapdMagic)
	b = binary.LittleEndian.AppendUint16(b, 1)
	flags := map[Compression]uint32{LZO: 0x01, LZ4: 0x10}[n.o.Compression]
	b = binary.LittleEndian.AppendUint32(b, flags)
	b = binary.LittleEndian.AppendUint32(b, n.blocks)
	b = append(b, nfcapdIdent...)
	b = append(b, make([]byte, 128-len(nfcapdIdent))...)
	s := &n.stats
	b = s.appendCounts(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.first/1000))
	b = binary.LittleEndian.AppendUint32(b, uint32(s.last/1000))
	b = binary.LittleEndian.AppendUint16(b, uint16(s.first%1000))
	b = binary.LittleEndian.AppendUint16(b, uint16(s.last%1000))
	return binary.LittleEndian.AppendUint32(b, 0) // sequence failures
}

func sampler1(b []byte, exporter int) []byte {
	b = appendRecordHead(b, recordSampler1, 16)
	b = binary.LittleEndian.AppendUint32(b, 1<<32-1) // of the whole exporter
	b = binary.LittleEndian.AppendUint32(b, nfcapdExporters[exporter].interval)
	b = binary.LittleEndian.AppendUint16(b, 0) // mode
	return binary.LittleEndian.AppendUint16(b, uint16(sysid(exporter)))
}

// There are two maps a template: one for IPv4 routers, one for those of IPv6.
func mapID(l *nfcapdFlow) uint16 {
	id := uint16(2 * l.template)
	if l.exporter == router6Exporter {
		id++
	}
	return id
}

// fieldMap1 adds a map's record: its number, the size of its extensions, their list, and
// zeros to end it on a multiple of four bytes.
func fieldMap1(b []byte, id int, received bool) []byte {
	list, extensionBytes := extensions(&nfcapdTemplates[id/2], id%2 == 1, received)
	size := (8 + 2*len(list) + 2 + 3) &^ 3
	end := len(b) + size
	b = appendRecordHead(b, recordMap1, size)
	b = binary.LittleEndian.AppendUint16(b, uint16(id))
	b = binary.LittleEndian.AppendUint16(b, uint16(extensionBytes))
	for _, extension := range list {
		b = binary.LittleEndian.AppendUint16(b, extension)
	}
	return append(b, make([]byte, end-len(b))...)
}

// extensions are those that appendExtensions1 adds, and their size.
func extensions(t *nfcapdTemplate, router6, received bool) (list []uint16, size int) {
	add := func(given bool, extension uint16, bytes int) {
		if given {
			list, size = append(list, extension), size+bytes
		}
	}
	add(!t.wideInterfaces, extInterfaces16, 4)
	add(t.wideInterfaces, extInterfaces32, 8)
	add(!t.wideAS, extAS16, 4)
	add(t.wideAS, extAS32, 8)
	add(true, extMultiple, 4)
	add(!t.vlans, extNextHop4, 4)
	add(t.vlans, extVLAN, 4)
	add(t.outBytes == 4, extOutPackets32, 4)
	add(t.outBytes == 8, extOutPackets64, 8)
	add(t.outBytes == 4, extOutBytes32, 4)
	add(t.outBytes == 8, extOutBytes64, 8)
	add(!router6, extRouter4, 4)
	add(router6, extRouter6, 16)
	add(!t.vlans, extEngine, 4)
	add(received, extReceived, 8)
	return list, size
}

func flow1(b []byte, l *nfcapdFlow) []byte {
	start := len(b)
	var flags byte
	if l.src.ip.Is6() {
		flags |= flag1IPv6
	}
	widePackets, wideBytes := l.wide()
	if widePackets {
		flags |= flag1WidePackets
	}
	if wideBytes {
		flags |= flag1WideBytes
	}
	if l.exporter == router6Exporter {
		flags |= flag1IPv6Exporter
	}
	b = appendRecordHead(b, recordFlow1, 0)
	b = append(b, flags, 0)
	b = binary.LittleEndian.AppendUint16(b, mapID(l))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.first%1000))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.last%1000))
	b = binary.LittleEndian.AppendUint32(b, uint32(l.first/1000))
	b = binary.LittleEndian.AppendUint32(b, uint32(l.last/1000))
	b = append(b, byte(l.fwd), l.flagByte, l.protoByte, byte(l.tos))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.sport))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.dport))
	b = binary.LittleEndian.AppendUint16(b, uint16(sysid(l.exporter)))
	b = append(b, 0, 0) // no biflow, no reason for the end
	b = appendAddrs(b, l.src.ip, l.dst.ip)
	b = appendCounter(b, l.packets, widePackets)
	b = appendCounter(b, l.bytes, wideBytes)
	b = appendExtensions1(b, l)
	binary.LittleEndian.PutUint16(b[start+2:], uint16(len(b)-start))
	return b
}

func appendCounter(b []byte, n int64, wide bool) []byte {
	if wide {
		return binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}

func appendExtensions1(b []byte, l *nfcapdFlow) []byte {
	t := &nfcapdTemplates[l.template]
	b = appendPair(b, l.in, l.out, t.wideInterfaces)
	b = appendPair(b, l.src.as, l.dst.as, t.wideAS)
	b = append(b, byte(l.dtos), byte(l.dir), 24, 16)
	if t.vlans {
		b = appendPair(b, vlan, 0, false)
	} else {
		b = binary.LittleEndian.AppendUint32(b, addr4(nextHop))
	}
	if t.outBytes > 0 {
		b = appendCounter(b, l.outPackets, t.outBytes == 8)
		b = appendCounter(b, l.outBytes, t.outBytes == 8)
	}
	if router := nfcapdExporters[l.exporter].ip; router.Is4() {
		b = appendAddr4(b, router)
	} else {
		b = appendAddr6(b, router)
	}
	if !t.vlans {
		b = append(b, 0, 0, engineType, engineID)
	}
	if l.received > 0 {
		b = binary.LittleEndian.AppendUint64(b, l.received)
	}
	return b
}

func appendPair(b []byte, first, second int, wide bool) []byte {
	if wide {
		b = binary.LittleEndian.AppendUint32(b, uint32(first))
		return binary.LittleEndian.AppendUint32(b, uint32(second))
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(first))
	return binary.LittleEndian.AppendUint16(b, uint16(second))
}
