package nfcapd

import (
	"errors"
	"fmt"
)

// Sizes of what a flow record of layout 1 begins with, and of what follows by its flags.
const (
	flowHeader      = 32
	flowHeaderSmall = 28
	mapHeader       = 8 // type, size, map id, size of all extensions
)

// Flags of a flow record.
const (
	flagIPv6      = 1
	flagPackets64 = 2
	flagBytes64   = 4
	flagEvent     = 64
)

// Extensions of layout 1.
const (
	extInterfaces16 = 4
	extInterfaces32 = 5
	extAS16         = 6
	extAS32         = 7
	extMisc         = 8
	extOutPackets32 = 14
	extOutPackets64 = 15
	extOutBytes32   = 16
	extOutBytes64   = 17
	extRouterIPv4   = 23
	extRouterIPv6   = 24
	extReceived     = 27
	extNSEL         = 37
	extNEL          = 46
)

// extensionSizes are the bytes that extensions take. Those without any are in each flow
// anyway (1 to 3), or reserved.
var extensionSizes = [...]uint8{
	4: 4, 5: 8, 6: 4, 7: 8, 8: 4, 9: 4, 10: 16, 11: 4, 12: 16, 13: 4, 14: 4, 15: 8, 16: 4, 17: 8, 18: 4, 19: 8,
	20: 16, 21: 16, 22: 40, 23: 4, 24: 16, 25: 4, 26: 8, 27: 8,
	37: 20, 38: 4, 39: 8, 40: 32, 41: 24, 42: 24, 43: 72, 45: 24, 46: 12, 47: 8, 48: 8, 49: 0,
}

// errNoMap is a flow's whose extension map didn't come before it.
var errNoMap = errors.New("has no extension map")

// A place is where an extension lies among a record's, and which of its two sizes it has.
type place struct {
	at    int32 // 0 if there is none, or 1 more than the offset
	large bool
}

// An extensionMap is where a flow record has what.
type extensionMap struct {
	known bool
	event bool
	size  int

	interfaces, as, misc place
	outPackets, outBytes place
	router, received     place
}

// extensionMaps are the maps that came so far, by the two bytes of their ids. Ids are few and
// small, so that of 256 pages one is made.
type extensionMaps [256]*[256]extensionMap

// get returns a map, which is not known if it didn't come.
func (maps *extensionMaps) get(id uint16) *extensionMap {
	page := maps[id>>8]
	if page == nil {
		page = new([256]extensionMap)
		maps[id>>8] = page
	}
	return &page[id&0xFF]
}

// define learns from a record of type 2: which extensions a flow of this map has, in order.
func (maps *extensionMaps) define(record []byte) error {
	if len(record) < mapHeader {
		return fmt.Errorf("is an extension map of %d bytes", len(record))
	}
	m := extensionMap{known: true}
	for ids := record[mapHeader:]; len(ids) >= 2; ids = ids[2:] {
		extension := int(le.Uint16(ids))
		if extension == 0 {
			break // the end of the list; padding may follow
		}
		if extension >= len(extensionSizes) {
			return fmt.Errorf("is an extension map with extension %d, which doesn't exist", extension)
		}
		m.add(extension)
	}
	*maps.get(le.Uint16(record[4:])) = m
	return nil
}

func (m *extensionMap) add(extension int) {
	here := place{at: int32(m.size) + 1}
	switch extension {
	case extInterfaces32, extAS32, extOutPackets64, extOutBytes64, extRouterIPv6:
		here.large = true
	}
	switch extension {
	case extInterfaces16, extInterfaces32:
		m.interfaces = here
	case extAS16, extAS32:
		m.as = here
	case extMisc:
		m.misc = here
	case extOutPackets32, extOutPackets64:
		m.outPackets = here
	case extOutBytes32, extOutBytes64:
		m.outBytes = here
	case extRouterIPv4, extRouterIPv6:
		m.router = here
	case extReceived:
		m.received = here
	case extNSEL, extNEL:
		m.event = true
	}
	m.size += int(extensionSizes[extension])
}

// decodeV1 reads a flow record of layout 1, which begins with so many bytes that all have.
func (f *flow) decodeV1(record []byte, fixed int, maps *extensionMaps) error {
	if len(record) < fixed {
		return fmt.Errorf("is a flow of %d bytes", len(record))
	}
	m := maps.get(le.Uint16(record[6:]))
	if !m.known {
		return errNoMap
	}
	flags := record[4]
	msFirst, msLast := le.Uint16(record[8:]), le.Uint16(record[10:])
	first, last := le.Uint32(record[12:]), le.Uint32(record[16:])
	f.first = uint64(first)*1000 + uint64(msFirst)
	// As nfdump 1.6 does it: seconds have 32 bits without a sign, milliseconds one.
	f.duration = int64(last-first)*1000 + int64(msLast) - int64(msFirst)
	f.status, f.flags, f.proto, f.srcTos = record[20], record[21], record[22], record[23]
	f.srcPort, f.dstPort = le.Uint16(record[24:]), le.Uint16(record[26:])
	f.event = flags&flagEvent != 0

	extensions, ok := f.addressesAndCounters(record[fixed:], flags)
	if ok && len(extensions) >= m.size {
		f.extend(m, extensions)
		return nil
	}
	return fmt.Errorf("is a flow of %d bytes, too short for what it should hold", len(record))
}

// addressesAndCounters reads the parts that each flow has in either of two sizes, and
// returns what follows them.
func (f *flow) addressesAndCounters(b []byte, flags uint8) (rest []byte, ok bool) {
	size := 8 + 4 + 4
	if flags&flagIPv6 != 0 {
		size += 24
	}
	if flags&flagPackets64 != 0 {
		size += 4
	}
	if flags&flagBytes64 != 0 {
		size += 4
	}
	if len(b) < size {
		return nil, false
	}
	if flags&flagIPv6 != 0 {
		f.src, f.dst, b = ipv6(b), ipv6(b[16:]), b[32:]
	} else {
		f.src, f.dst, b = ipv4(b), ipv4(b[4:]), b[8:]
	}
	f.packets, b = counter(b, flags&flagPackets64 != 0)
	f.bytes, b = counter(b, flags&flagBytes64 != 0)
	return b, true
}

func counter(b []byte, large bool) (uint64, []byte) {
	if large {
		return le.Uint64(b), b[8:]
	}
	return uint64(le.Uint32(b)), b[4:]
}

// extend reads the extensions that matter; b is as long as the map says.
func (f *flow) extend(m *extensionMap, b []byte) {
	if p := m.interfaces; p.at > 0 {
		f.input, f.output = pair(b[p.at-1:], p.large)
	}
	if p := m.as; p.at > 0 {
		f.srcAS, f.dstAS = pair(b[p.at-1:], p.large)
	}
	if p := m.misc; p.at > 0 {
		f.dstTos, f.direction = b[p.at-1], b[p.at] // the masks follow
	}
	if p := m.outPackets; p.at > 0 {
		f.outPackets, _ = counter(b[p.at-1:], p.large)
	}
	if p := m.outBytes; p.at > 0 {
		f.outBytes, _ = counter(b[p.at-1:], p.large)
	}
	if p := m.received; p.at > 0 {
		f.received = le.Uint64(b[p.at-1:])
	}
	switch p := m.router; {
	case p.large:
		f.router = ipv6(b[p.at-1:])
	case p.at > 0:
		f.router = ipv4(b[p.at-1:])
	}
	f.event = f.event || m.event
}

func pair(b []byte, large bool) (uint32, uint32) {
	if large {
		return le.Uint32(b), le.Uint32(b[4:])
	}
	return uint32(le.Uint16(b)), uint32(le.Uint16(b[2:]))
}
