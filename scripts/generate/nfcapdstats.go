package generate

import "encoding/binary"

// nfcapdStats are the counts that both layouts keep of a file.
type nfcapdStats struct {
	flows, bytes, packets [4]uint64 // of TCP, UDP, ICMP and other
	first, last           uint64    // milliseconds since 1970
	exporters             [4]uint64 // flows of each of nfcapdExporters
}

func (s *nfcapdStats) count(l *nfcapdFlow) {
	class := 3
	switch l.protoByte {
	case 6:
		class = 0
	case 17:
		class = 1
	case 1:
		class = 2
	}
	s.flows[class]++
	s.bytes[class] += uint64(l.bytes)
	s.packets[class] += uint64(l.packets)
	if s.first == 0 || l.first < s.first {
		s.first = l.first
	}
	s.last = max(s.last, l.last)
	s.exporters[l.exporter]++
}

// appendCounts adds the fifteen counters that come before the times: the three totals, and
// each of them by class.
func (s *nfcapdStats) appendCounts(b []byte) []byte {
	lists := [3]*[4]uint64{&s.flows, &s.bytes, &s.packets}
	for _, list := range lists {
		b = binary.LittleEndian.AppendUint64(b, list[0]+list[1]+list[2]+list[3])
	}
	for _, list := range lists {
		for _, count := range list {
			b = binary.LittleEndian.AppendUint64(b, count)
		}
	}
	return b
}
