// Package capture reads the packets of a capture file: pcap in its variants, pcapng, and
// either of them gzip'd.
//
// pcap is described in draft-ietf-opsawg-pcap, pcapng in draft-ietf-opsawg-pcapng. What
// they leave open (which lengths are absurd, which deviations pass) is as in tshark 4.0.
package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"

	"spot-ingest/collector/internal/convert/rawfile"
)

// maxPacket is the most bytes that a packet is taken to have. Wireshark and tcpdump have
// the same limit for all link types that are known here.
const maxPacket = 256 << 10

// A Packet is one captured packet.
type Packet struct {
	Number  int64    // from 1, as tshark's frame.number
	Seconds int64    // since 1970, negative before
	Nanos   int32    // to be added, 0 to 999999999
	NoTime  bool     // the capture doesn't tell the time
	Length  int      // bytes on the wire, of which Data may be a part only
	Link    LinkType // how Data begins
	Data    []byte   // what was captured; valid until the next call of Next
}

// A Reader reads the packets of one capture, in the order of the file.
type Reader struct {
	src    *source
	swap   bool // numbers are big-endian
	number int64
	err    error // the end

	blocks     bool       // it is pcapng
	record     recordForm // of pcap
	interfaces []iface    // of the section of pcapng
}

// NewReader begins to read a capture. The error is a [*rawfile.Unknown] if this is no
// capture or one of an unknown version, a [*rawfile.Damage] if its header is cut short,
// and otherwise wraps that of reading src.
func NewReader(src io.Reader) (*Reader, error) {
	s, err := newSource(src)
	if err != nil {
		return nil, err
	}
	r := &Reader{src: s}
	magic, err := s.Peek(4)
	if err == io.EOF && len(magic) == 0 {
		return nil, s.damage("the file is empty")
	}
	if err != nil {
		return nil, s.short(err, "its first 4 bytes")
	}
	switch number := binary.LittleEndian.Uint32(magic); {
	case number == sectionHeader:
		r.blocks = true
		err = r.checkSection()
	case r.isPcap(number):
		err = r.readHeader()
	default:
		err = &rawfile.Unknown{What: fmt.Sprintf("no pcap or pcapng file, it begins with the bytes %x", magic)}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Next reads a packet into p. The error is io.EOF behind the last packet. It is a
// [*rawfile.Damage] where the file is cut short or makes no sense; the offset is that of
// the packet or block which can't be read. Otherwise it wraps the error of reading the
// file. An error stays.
func (r *Reader) Next(p *Packet) error {
	for found := false; r.err == nil && !found; {
		if r.blocks {
			found, r.err = r.readBlock(p)
		} else {
			found, r.err = true, r.readRecord(p)
		}
	}
	return r.err
}

// fill sets what both formats have. Data may be longer than the packet is said to have
// been: tshark takes that, too.
func (r *Reader) fill(p *Packet, link LinkType, length uint32, data []byte) {
	r.number++
	p.Number = r.number
	p.Length = int(min(length, math.MaxInt32)) // tshark shows no larger ones
	p.Link = link
	p.Data = data
}

func (r *Reader) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if r.swap {
		v = bits.ReverseBytes64(v)
	}
	return v
}

func (r *Reader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.swap {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *Reader) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if r.swap {
		v = bits.ReverseBytes16(v)
	}
	return v
}
