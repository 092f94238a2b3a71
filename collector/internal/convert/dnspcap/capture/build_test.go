package capture

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// sample is an Ethernet frame with an IPv4 header behind it, of 34 bytes, so that pcapng
// has to pad it.
var sample = append(append(bytes.Repeat([]byte{0x02}, 12), 0x08, 0x00, 0x45, 0x00, 0x00, 0x14), make([]byte, 16)...)

// A builder writes captures, right ones and wrong ones, in one byte order.
type builder struct {
	binary.AppendByteOrder
}

var (
	little = builder{binary.LittleEndian}
	big    = builder{binary.BigEndian}
)

func (b builder) numbers(values ...uint32) []byte {
	var out []byte
	for _, v := range values {
		out = b.AppendUint32(out, v)
	}
	return out
}

// header is that of pcap 2.4.
func (b builder) header(magic uint32, link uint32) []byte { return b.headerOf(magic, 2, 4, link) }

func (b builder) headerOf(magic uint32, major, minor uint16, link uint32) []byte {
	out := b.AppendUint16(b.AppendUint16(b.numbers(magic), major), minor)
	return append(out, b.numbers(0, 0, 65535, link)...)
}

// record is one of pcap, with more in its head where extra is given.
func (b builder) record(seconds, fraction uint32, data []byte, extra ...byte) []byte {
	return b.recordOf(seconds, fraction, uint32(len(data)), uint32(len(data)), data, extra...)
}

func (b builder) recordOf(seconds, fraction, captured, length uint32, data []byte, extra ...byte) []byte {
	return concat(b.numbers(seconds, fraction, captured, length), extra, data)
}

// block is one of pcapng, padded.
func (b builder) block(kind uint32, parts ...[]byte) []byte {
	body := concat(parts...)
	body = append(body, make([]byte, -len(body)&3)...)
	size := uint32(len(body) + 12)
	return concat(b.numbers(kind, size), body, b.numbers(size))
}

func (b builder) section(options ...[]byte) []byte { return b.sectionOf(1, 0, options...) }

func (b builder) sectionOf(major, minor uint16, options ...[]byte) []byte {
	head := b.AppendUint16(b.AppendUint16(b.numbers(byteOrderMagic), major), minor)
	return b.block(sectionHeader, append([][]byte{head, b.AppendUint64(nil, 1<<64-1)}, options...)...)
}

func (b builder) iface(link uint16, most uint32, options ...[]byte) []byte {
	head := append(b.AppendUint16(nil, link), 0, 0)
	return b.block(interfaceDescription, append([][]byte{head, b.numbers(most)}, options...)...)
}

func (b builder) option(code uint16, value []byte) []byte {
	out := append(b.AppendUint16(b.AppendUint16(nil, code), uint16(len(value))), value...)
	return append(out, make([]byte, -len(value)&3)...)
}

func (b builder) resolution(r byte) []byte { return b.option(timeResolution, []byte{r}) }
func (b builder) offset(seconds int64) []byte {
	return b.option(timeOffset, b.AppendUint64(nil, uint64(seconds)))
}

// packet is an enhanced packet block.
func (b builder) packet(iface uint32, ticks uint64, data []byte, options ...[]byte) []byte {
	return b.packetOf(iface, ticks, uint32(len(data)), uint32(len(data)), data, options...)
}

func (b builder) packetOf(iface uint32, ticks uint64, captured, length uint32, data []byte, options ...[]byte) []byte {
	head := b.numbers(iface, uint32(ticks>>32), uint32(ticks), captured, length)
	return b.block(enhancedPacket, append([][]byte{head, data, make([]byte, -len(data)&3)}, options...)...)
}

// oldPacket is a block of the type that came before the enhanced one.
func (b builder) oldPacket(iface, drops uint16, ticks uint64, data []byte) []byte {
	n := uint32(len(data))
	return b.block(obsoletePacket, b.AppendUint16(b.AppendUint16(nil, iface), drops),
		b.numbers(uint32(ticks>>32), uint32(ticks), n, n), data)
}

func (b builder) simple(length uint32, data []byte) []byte {
	return b.block(simplePacket, b.numbers(length), data)
}

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func packed(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

// read gives all packets of a capture, with copies of their data, and what ended them.
func read(src io.Reader) ([]Packet, error) {
	r, err := NewReader(src)
	if err != nil {
		return nil, err
	}
	var packets []Packet
	for {
		var p Packet
		if err := r.Next(&p); err != nil {
			return packets, err
		}
		p.Data = bytes.Clone(p.Data)
		packets = append(packets, p)
	}
}

func readBytes(capture []byte) ([]Packet, error) { return read(bytes.NewReader(capture)) }

func samePacket(a, b Packet) bool {
	return bytes.Equal(a.Data, b.Data) && a.Number == b.Number && a.Seconds == b.Seconds && a.Nanos == b.Nanos &&
		a.NoTime == b.NoTime && a.Length == b.Length && a.Link == b.Link
}

func comparePackets(t *testing.T, got, want []Packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d packets, not %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !samePacket(got[i], want[i]) {
			t.Errorf("packet %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}
