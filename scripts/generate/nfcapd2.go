package generate

import "encoding/binary"

// Layout 2 is that of nfdump 1.7. A flow is a record of elements, each with its type and
// size. Its nfxV3.h describes them.
var nfcapdLayout2 = nfcapdLayout{
	header:    header2,
	blockType: 3,
	sampler:   sampler2,
	flow:      flow2,
	appendix:  appendix2,
}

const (
	recordFlow2    = 11
	recordSampler2 = 15
	recordIdent2   = 0x8001
	recordStats2   = 0x8002
)

// Elements of a flow.
const (
	elemFlow     = 1 // times, counters, ports, protocol
	elemIPv4     = 2
	elemIPv6     = 3
	elemMisc     = 4 // interfaces, masks, direction
	elemOut      = 5 // counters of the other direction
	elemVLAN     = 6
	elemAS       = 7
	elemNextHop4 = 10
	elemRouter4  = 12
	elemRouter6  = 13
)

func header2(n *nfcapdFile) []byte {
	b := binary.LittleEndian.AppendUint16(nil, nfcapdMagic)
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint32(b, 0x01070101) // written by 1.7.1
	b = binary.LittleEndian.AppendUint64(b, uint64(n.o.Start.Unix()))
	b = append(b, byte(n.o.Compression), 0)    // not encrypted
	b = binary.LittleEndian.AppendUint16(b, 1) // blocks in the appendix
	b = binary.LittleEndian.AppendUint32(b, 1) // created by nfcapd
	b = binary.LittleEndian.AppendUint64(b, uint64(n.appendixAt))
	b = binary.LittleEndian.AppendUint32(b, 0) // size of blocks, which nfcapd leaves open
	return binary.LittleEndian.AppendUint32(b, n.blocks)
}

func sampler2(b []byte, exporter int) []byte {
	b = appendRecordHead(b, recordSampler2, 24)
	b = binary.LittleEndian.AppendUint16(b, uint16(sysid(exporter)))
	b = binary.LittleEndian.AppendUint16(b, 0)       // algorithm
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1) // of the whole exporter
	b = binary.LittleEndian.AppendUint32(b, 1)       // packets taken, then those left out
	return binary.LittleEndian.AppendUint32(b, nfcapdExporters[exporter].interval-1)
}

func flow2(b []byte, l *nfcapdFlow) []byte {
	start := len(b)
	t := &nfcapdTemplates[l.template]
	b = appendRecordHead(b, recordFlow2, 0)
	b = append(b, 0, 0, engineType, engineID)
	b = binary.LittleEndian.AppendUint16(b, uint16(sysid(l.exporter)))
	b = append(b, 0, byte(nfcapdExporters[l.exporter].protocol))
	b = appendFlowElement(b, l)
	if l.src.ip.Is4() {
		b = appendRecordHead(b, elemIPv4, 12)
	} else {
		b = appendRecordHead(b, elemIPv6, 36)
	}
	b = appendAddrs(b, l.src.ip, l.dst.ip)
	b = appendPair(appendRecordHead(b, elemMisc, 20), l.in, l.out, true)
	b = append(b, 24, 16, byte(l.dir), byte(l.dtos), 0, 0, 0, 0)
	elements := byte(6)
	if t.outBytes > 0 {
		b = binary.LittleEndian.AppendUint64(appendRecordHead(b, elemOut, 28), 1)
		b = appendCounter(appendCounter(b, l.outPackets, true), l.outBytes, true)
		elements++
	}
	if t.vlans {
		b = appendPair(appendRecordHead(b, elemVLAN, 12), vlan, 0, true)
	}
	b = appendPair(appendRecordHead(b, elemAS, 12), l.src.as, l.dst.as, true)
	if !t.vlans {
		b = appendAddr4(appendRecordHead(b, elemNextHop4, 8), nextHop)
	}
	if router := nfcapdExporters[l.exporter].ip; router.Is4() {
		b = appendAddr4(appendRecordHead(b, elemRouter4, 8), router)
	} else {
		b = appendAddr6(appendRecordHead(b, elemRouter6, 20), router)
	}
	binary.LittleEndian.PutUint16(b[start+2:], uint16(len(b)-start))
	b[start+4] = elements
	return b
}

func appendFlowElement(b []byte, l *nfcapdFlow) []byte {
	b = appendRecordHead(b, elemFlow, 52)
	b = binary.LittleEndian.AppendUint64(b, l.first)
	b = binary.LittleEndian.AppendUint64(b, l.last)
	b = binary.LittleEndian.AppendUint64(b, l.received)
	b = binary.LittleEndian.AppendUint64(b, uint64(l.packets))
	b = binary.LittleEndian.AppendUint64(b, uint64(l.bytes))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.sport))
	b = binary.LittleEndian.AppendUint16(b, uint16(l.dport))
	return append(b, l.protoByte, l.flagByte, byte(l.fwd), byte(l.tos))
}

// appendix2 adds the file's name for itself, and its statistics.
func appendix2(b []byte, n *nfcapdFile) []byte {
	b = appendRecordHead(b, recordIdent2, 4+len(nfcapdIdent)+1)
	b = append(append(b, nfcapdIdent...), 0)
	b = appendRecordHead(b, recordStats2, 4+18*8)
	b = n.stats.appendCounts(b)
	b = binary.LittleEndian.AppendUint64(b, n.stats.first)
	b = binary.LittleEndian.AppendUint64(b, n.stats.last)
	return binary.LittleEndian.AppendUint64(b, 0) // sequence failures
}
