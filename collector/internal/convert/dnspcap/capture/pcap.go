package capture

import (
	"fmt"
	"io"
	"math/bits"

	"spot-ingest/collector/internal/convert/rawfile"
)

// What a pcap file begins with, in the writer's byte order.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // libpcap with Alexey Kuznetzov's patch, of old Linux systems
	magicIXIAHard = 0x1c0001ac // IXIA's lcap, captured by hardware
	magicIXIASoft = 0x1c0001ab // and by software
)

const (
	headerSize         = 24
	recordSize         = 16
	recordSizeModified = 24 // with interface, protocol and packet type
)

// The type in pcap's header has the upper bits for other things: the length of frame check
// sequences, which lie behind the packet that IP's own length tells, and others that are 0.
const (
	linkMask     = 0x0000ffff
	linkReserved = 0x03ff0000
)

// A recordForm says what the records of a pcap file are like.
type recordForm struct {
	link      LinkType
	size      int    // of a record's head
	perSecond uint32 // units of the time's fraction
	lengths   lengthOrder
}

// A lengthOrder is the order of a record's two lengths.
type lengthOrder uint8

const (
	capturedFirst lengthOrder = iota
	capturedLast              // before version 2.3, as libpcap takes it
	shorterFirst              // version 2.3 was written both ways; what was captured is the shorter one
)

// isPcap tells whether a little-endian number is a magic one, and notes what it says.
func (r *Reader) isPcap(number uint32) bool {
	for _, magic := range []uint32{magicMicro, magicNano, magicModified, magicIXIAHard, magicIXIASoft} {
		if r.swap = bits.ReverseBytes32(number) == magic; !r.swap && number != magic {
			continue
		}
		r.record = recordForm{size: recordSize, perSecond: 1e6}
		switch magic {
		case magicNano:
			r.record.perSecond = 1e9
		case magicModified:
			r.record.size = recordSizeModified
		}
		return true
	}
	return false
}

func (r *Reader) readHeader() error {
	head, err := r.src.Peek(headerSize)
	if err != nil {
		return r.src.short(err, "its header")
	}
	magic, major, minor, network := r.u32(head), r.u16(head[4:]), r.u16(head[6:]), r.u32(head[20:])
	switch {
	case major == 543 && minor == 0, major == 2 && minor < 3: // 543.0 is DG/UX's
		r.record.lengths = capturedLast
	case major == 2 && minor == 3:
		r.record.lengths = shorterFirst
	case major != 2:
		return &rawfile.Unknown{What: fmt.Sprintf("version %d.%d of pcap", major, minor)}
	}
	if network&linkReserved != 0 {
		return &rawfile.Unknown{What: fmt.Sprintf("link type %#08x of pcap", network)}
	}
	r.record.link = LinkType(network & linkMask)
	r.src.advance(headerSize)
	if magic == magicIXIAHard || magic == magicIXIASoft {
		if _, err := r.src.Peek(4); err != nil { // the size of all records
			return r.src.short(err, "its header")
		}
		r.src.advance(4)
	}
	return nil
}

func (r *Reader) readRecord(p *Packet) error {
	head, err := r.src.Peek(r.record.size)
	if err != nil {
		if err == io.EOF && len(head) == 0 {
			return io.EOF
		}
		return r.src.short(err, "the head of a packet")
	}
	captured, length := r.u32(head[8:]), r.u32(head[12:])
	if r.record.lengths == capturedLast || r.record.lengths == shorterFirst && captured > length {
		captured, length = length, captured
	}
	if captured > maxPacket {
		return r.src.damage(fmt.Sprintf("a packet of %d bytes, more than %d", captured, maxPacket))
	}
	size := r.record.size + int(captured)
	record, err := r.src.Peek(size)
	if err != nil {
		return r.src.short(err, fmt.Sprintf("a packet of %d bytes", captured))
	}
	p.Seconds, p.NoTime = int64(r.u32(record)), false
	fraction := r.u32(record[4:])
	if fraction >= r.record.perSecond { // the writer's fault; carried over, that's still a time
		p.Seconds += int64(fraction / r.record.perSecond)
		fraction %= r.record.perSecond
	}
	p.Nanos = int32(fraction * (1e9 / r.record.perSecond))
	r.fill(p, r.record.link, length, record[r.record.size:])
	r.src.advance(size)
	return nil
}
