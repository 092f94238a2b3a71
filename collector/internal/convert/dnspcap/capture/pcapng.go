package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"spot-ingest/collector/internal/convert/rawfile"
)

// The types of blocks. All others are skipped.
const (
	sectionHeader        = 0x0a0d0d0a // the same in either byte order
	interfaceDescription = 1
	obsoletePacket       = 2
	simplePacket         = 3
	enhancedPacket       = 6

	journalExport  = 9
	custom         = 0x00000bad
	customUncopied = 0x40000bad
)

const (
	byteOrderMagic = 0x1a2b3c4d
	blockOverhead  = 12 // type, length, and the length again at the end
)

// Limits of what a file can make a Reader do.
const (
	maxBlock      = 128 << 20 // of a block that is skipped, as with tshark
	maxInterfaces = 1 << 16   // in a section
)

// checkSection makes sure of a file's first section before it is read.
func (r *Reader) checkSection() error {
	head, err := r.src.Peek(24)
	if err != nil {
		return r.src.short(err, "its section header")
	}
	if what := r.beginSection(head[8:]); what != "" {
		return &rawfile.Unknown{What: what}
	}
	return nil
}

// beginSection reads the body of a section header. It says what is wrong with it.
func (r *Reader) beginSection(body []byte) (wrong string) {
	if wrong := r.takeOrder(body); wrong != "" {
		return wrong
	}
	// 1.2 is written by some, and means 1.0.
	if major, minor := r.u16(body[4:]), r.u16(body[6:]); major != 1 || minor != 0 && minor != 2 {
		return fmt.Sprintf("a section of pcapng version %d.%d", major, minor)
	}
	r.interfaces = r.interfaces[:0]
	return ""
}

// takeOrder sets the byte order by a section's byte-order magic.
func (r *Reader) takeOrder(magic []byte) (wrong string) {
	number := binary.LittleEndian.Uint32(magic)
	r.swap = number == bits.ReverseBytes32(byteOrderMagic)
	if !r.swap && number != byteOrderMagic {
		return fmt.Sprintf("a section of pcapng with the byte-order magic %x", magic[:4])
	}
	return ""
}

// readBlock reads the next block, which may hold a packet.
func (r *Reader) readBlock(p *Packet) (found bool, err error) {
	head, err := r.src.Peek(blockOverhead)
	if err != nil {
		if err == io.EOF && len(head) == 0 {
			return false, io.EOF
		}
		return false, r.src.short(err, "the head of a block")
	}
	kind := r.u32(head)
	if kind == sectionHeader { // which has the byte order of its own length
		if wrong := r.takeOrder(head[8:]); wrong != "" {
			return false, r.src.damage(wrong)
		}
	}
	length := r.u32(head[4:])
	size := (int64(length) + 3) &^ 3 // some writers don't count the padding
	switch {
	case size < blockOverhead:
		return false, r.src.damage(fmt.Sprintf("a block of %d bytes, less than any has", length))
	case size > maxBlock:
		return false, r.src.damage(fmt.Sprintf("a block of %d bytes, more than %d", length, maxBlock))
	case size > window:
		return false, r.skipBlock(kind, int(size), length)
	}
	block, err := r.src.Peek(int(size))
	if err != nil {
		return false, r.src.short(err, fmt.Sprintf("a block of %d bytes", length))
	}
	if again := r.u32(block[size-4:]); again != length {
		return false, r.src.damage(fmt.Sprintf("a block of %d bytes that has %d bytes at its end", length, again))
	}
	found, wrong := r.readBody(p, kind, block[8:size-4])
	if wrong != "" {
		return false, r.src.damage(wrong)
	}
	r.src.advance(int(size))
	return found, nil
}

// skipBlock goes past a block that is larger than the window.
func (r *Reader) skipBlock(kind uint32, size int, length uint32) error {
	switch kind {
	case sectionHeader, interfaceDescription, obsoletePacket, simplePacket, enhancedPacket:
		return r.src.damage(fmt.Sprintf("a block of type %d and %d bytes, more than %d", kind, length, window))
	}
	_, err := r.src.Discard(size - 4)
	var end []byte
	if err == nil {
		end, err = r.src.Peek(4)
	}
	if err != nil {
		return r.src.short(err, fmt.Sprintf("a block of %d bytes", length))
	}
	if again := r.u32(end); again != length {
		return r.src.damage(fmt.Sprintf("a block of %d bytes that has %d bytes at its end", length, again))
	}
	r.src.Discard(4)
	r.src.offset += int64(size)
	r.countOther(kind)
	return nil
}

// countOther counts the blocks that are frames to tshark, though no packets.
func (r *Reader) countOther(kind uint32) {
	switch kind {
	case journalExport, custom, customUncopied:
		r.number++
	}
}

// readBody reads what a block has between its head and the length at its end.
func (r *Reader) readBody(p *Packet, kind uint32, body []byte) (found bool, wrong string) {
	switch kind {
	case sectionHeader:
		if len(body) < 16 {
			return false, fmt.Sprintf("a section header of %d bytes, less than any has", len(body)+blockOverhead)
		}
		return false, r.beginSection(body)
	case interfaceDescription:
		return false, r.addInterface(body)
	case enhancedPacket, obsoletePacket:
		wrong = r.readPacket(p, kind, body)
		return wrong == "", wrong
	case simplePacket:
		wrong = r.readSimple(p, body)
		return wrong == "", wrong
	}
	r.countOther(kind)
	return false, ""
}

// readPacket reads an enhanced packet block, or the packet block that was there before
// and differs in how the interface is written. What options follow is of no use here.
func (r *Reader) readPacket(p *Packet, kind uint32, body []byte) (wrong string) {
	if len(body) < 20 {
		return fmt.Sprintf("a packet's block of %d bytes, less than any has", len(body)+blockOverhead)
	}
	number := r.u32(body)
	if kind == obsoletePacket {
		number = uint32(r.u16(body))
	}
	captured, data := r.u32(body[12:]), body[20:]
	if uint64(number) >= uint64(len(r.interfaces)) {
		return fmt.Sprintf("a packet of interface %d, where %d are described", number, len(r.interfaces))
	}
	if wrong := checkCaptured(captured, data); wrong != "" {
		return wrong
	}
	from := &r.interfaces[number]
	p.Seconds, p.Nanos = from.clock.time(uint64(r.u32(body[4:]))<<32 | uint64(r.u32(body[8:])))
	p.NoTime = false
	r.fill(p, from.link, r.u32(body[16:]), data[:captured])
	return ""
}

// readSimple reads a simple packet block. It belongs to the first interface, and how much
// was captured must be told from what that captures at most.
func (r *Reader) readSimple(p *Packet, body []byte) (wrong string) {
	if len(body) < 4 {
		return fmt.Sprintf("a packet's block of %d bytes, less than any has", len(body)+blockOverhead)
	}
	if len(r.interfaces) == 0 {
		return "a packet where no interface is described"
	}
	from := &r.interfaces[0]
	length, data := r.u32(body), body[4:]
	captured := length
	if from.most != 0 {
		captured = min(length, from.most)
	}
	if wrong := checkCaptured(captured, data); wrong != "" {
		return wrong
	}
	p.Seconds, p.Nanos, p.NoTime = 0, 0, true
	r.fill(p, from.link, length, data[:captured])
	return ""
}

// checkCaptured holds a packet's size against what its block has for it.
func checkCaptured(captured uint32, data []byte) (wrong string) {
	switch {
	case captured > maxPacket:
		return fmt.Sprintf("a packet of %d bytes, more than %d", captured, maxPacket)
	case int(captured) > len(data):
		return fmt.Sprintf("a packet of %d bytes in a block that has room for %d", captured, len(data))
	}
	return ""
}
