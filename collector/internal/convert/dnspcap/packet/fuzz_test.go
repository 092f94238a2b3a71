package packet

import (
	"encoding/binary"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

// FuzzDecode decodes a run of frames: each a byte for its link type, two for its
// captured length, one for what was cut off, and its bytes.
func FuzzDecode(f *testing.F) {
	links := []capture.LinkType{capture.Ethernet, capture.LinuxCooked, capture.LinuxCooked2, capture.Raw, capture.RawBSD, capture.RawOpenBSD, capture.IPv4, capture.IPv6,
		capture.Null, capture.Loop, capture.PPP, capture.PPPHDLC, capture.CiscoHDLC, 105}
	for _, c := range allCases() {
		var b []byte
		for _, frame := range c.frames {
			data := frame.data
			if frame.cut > 0 {
				data = data[:frame.cut]
			}
			if len(data) > 0xffff {
				continue
			}
			for i, link := range links {
				if link == frame.link {
					b = append(b, byte(i))
				}
			}
			b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
			b = append(b, byte(len(frame.data)-len(data)))
			b = append(b, data...)
		}
		f.Add(b)
	}
	d := NewDecoder()
	f.Fuzz(func(t *testing.T, b []byte) {
		// A new table for each run would take most of the time.
		for t := d.fragments; t != nil && t.oldest != 0; {
			t.evict(t.oldest)
		}
		var p Packet
		for len(b) >= 4 {
			n := min(int(be16(b[1:])), len(b)-4)
			length := n + int(b[3])
			d.Decode(links[int(b[0])%len(links)], b[4:4+n:4+n], length, &p)
			if p.Length < len(p.Payload) || p.Transport == None && p.Payload != nil {
				t.Fatalf("%d bytes captured of %d, transport %d", len(p.Payload), p.Length, p.Transport)
			}
			// Nothing but what was captured, or what was put together of it.
			if len(p.Payload) > max(n, maxDatagram) || p.Length > max(length, maxDatagram) {
				t.Fatalf("%d of %d bytes from a frame of %d of %d", len(p.Payload), p.Length, n, length)
			}
			b = b[4+n:]
		}
		if d.fragments != nil {
			check(t, d.fragments)
		}
	})
}
