package generate

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// A CaptureFormat is a way to write packets to a file.
type CaptureFormat int

// Pcap is what tcpdump writes on most machines: little endian, microseconds.
const (
	Pcap CaptureFormat = iota
	PcapNano
	PcapBigEndian
	Pcapng // little endian, one section, one interface, nanoseconds
)

// A Packet is one frame of a capture.
type Packet struct {
	Time time.Time // cut to microseconds where the format has no more
	Data []byte
	// Length is the frame's size on the wire; 0 means that Data is all of it.
	Length int
}

// WritePackets writes a capture of the given packets. The link type is one of
// https://www.tcpdump.org/linktypes.html: 1 is Ethernet.
func WritePackets(w io.Writer, format CaptureFormat, linkType uint16, packets ...Packet) error {
	c, err := newCaptureWriter(w, format, linkType)
	if err != nil {
		return err
	}
	for _, p := range packets {
		if err := c.packet(p.Time.UnixNano(), p.Data, max(p.Length, len(p.Data))); err != nil {
			return err
		}
	}
	return c.flush()
}

const (
	// snapLength is the limit that captures claim to have been taken with.
	snapLength = 256 << 10

	pcapRecordHeader = 16
	// pcapngRecord is what a block of type 6 (enhanced packet) adds to a packet.
	pcapngRecord = 32
)

type captureWriter struct {
	w       *bufio.Writer
	format  CaptureFormat
	order   binary.AppendByteOrder
	tick    int64 // nanoseconds
	written int64
}

func newCaptureWriter(w io.Writer, format CaptureFormat, linkType uint16) (*captureWriter, error) {
	c := &captureWriter{w: bufio.NewWriterSize(w, bufferSize), format: format, order: binary.LittleEndian, tick: 1000}
	magic := uint32(0xa1b2c3d4)
	switch format {
	case Pcap:
	case PcapBigEndian:
		c.order = binary.BigEndian
	case PcapNano:
		c.tick, magic = 1, 0xa1b23c4d
	case Pcapng:
		c.tick = 1
		return c, c.write(pcapngHeader(linkType))
	default:
		return nil, fmt.Errorf("format %d of a capture: there is none of that number", format)
	}
	b := c.order.AppendUint32(nil, magic)
	b = c.order.AppendUint16(b, 2) // version 2.4
	b = c.order.AppendUint16(b, 4)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // time zone and accuracy: never used
	b = c.order.AppendUint32(b, snapLength)
	return c, c.write(c.order.AppendUint32(b, uint32(linkType)))
}

// pcapngHeader is a section header block and an interface description block that gives
// the resolution of times (option 9) as ten to the power of -9.
func pcapngHeader(linkType uint16) []byte {
	order := binary.LittleEndian
	b := order.AppendUint32(nil, 0x0a0d0d0a)
	b = order.AppendUint32(b, 28)
	b = order.AppendUint32(b, 0x1a2b3c4d)
	b = order.AppendUint32(b, 1)          // version 1.0
	b = order.AppendUint64(b, 1<<64-1)    // length of the section: not told
	b = order.AppendUint32(b, 28)         // of the block, again
	b = order.AppendUint32(b, 1)          // interface description
	b = order.AppendUint32(b, 32)         //
	b = order.AppendUint16(b, linkType)   //
	b = order.AppendUint16(b, 0)          // reserved
	b = order.AppendUint32(b, snapLength) //
	b = append(b, 9, 0, 1, 0, 9, 0, 0, 0) // option, length, value, padding
	b = append(b, 0, 0, 0, 0)             // end of options
	return order.AppendUint32(b, 32)
}

// size is what a packet of so many bytes takes in the file.
func (c *captureWriter) size(length int) int {
	if c.format == Pcapng {
		return pcapngRecord + (length+3)&^3
	}
	return pcapRecordHeader + length
}

// packet adds a packet of the time in nanoseconds since 1970, of which data was captured.
func (c *captureWriter) packet(nanos int64, data []byte, length int) error {
	b := c.w.AvailableBuffer()
	if c.format == Pcapng {
		size := uint32(c.size(len(data)))
		b = c.order.AppendUint32(b, 6)
		b = c.order.AppendUint32(b, size)
		b = c.order.AppendUint32(b, 0) // the interface
		b = c.order.AppendUint32(b, uint32(nanos>>32))
		b = c.order.AppendUint32(b, uint32(nanos))
		b = c.order.AppendUint32(b, uint32(len(data)))
		b = c.order.AppendUint32(b, uint32(length))
		b = append(b, data...)
		b = append(b, 0, 0, 0)[:int(size)-4]
		b = c.order.AppendUint32(b, size)
		return c.write(b)
	}
	b = c.order.AppendUint32(b, uint32(nanos/1e9))
	b = c.order.AppendUint32(b, uint32(nanos%1e9/c.tick))
	b = c.order.AppendUint32(b, uint32(len(data)))
	b = c.order.AppendUint32(b, uint32(length))
	return c.write(append(b, data...))
}

func (c *captureWriter) write(b []byte) error {
	c.written += int64(len(b))
	if _, err := c.w.Write(b); err != nil {
		return fmt.Errorf("write generated packets: %w", err)
	}
	return nil
}

func (c *captureWriter) flush() error {
	if err := c.w.Flush(); err != nil {
		return fmt.Errorf("write generated packets: %w", err)
	}
	return nil
}
