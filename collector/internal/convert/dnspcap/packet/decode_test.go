package packet

import (
	"fmt"
	"strings"
	"testing"

	"spot-ingest/collector/internal/convert/dnspcap/capture"
)

// decodeAll decodes frames one after the other and hands out what was found.
func decodeAll(d *Decoder, frames []frame, found func(i int, p *Packet)) {
	var p Packet
	for i, f := range frames {
		b := f.data
		if f.cut > 0 {
			b = b[:f.cut]
		}
		d.Decode(f.link, b, len(f.data), &p)
		found(i, &p)
	}
}

// isDNS says whether a packet of a DNS port shows a message's id and flags, which
// is as much as it takes tshark to call it DNS. On TCP it must be a message as a
// whole, unless the segment is quoted or cut: tshark puts such a one in no stream.
func isDNS(p *Packet) bool {
	const head = 4
	dns := false
	for _, port := range [...]uint16{p.SrcPort, p.DstPort} {
		dns = dns || port == portDNS || port == portMDNS || port == portLLMNR
	}
	switch {
	case !dns || p.Transport == None:
		return false
	case p.Transport == UDP:
		return len(p.Payload) >= head
	}
	return len(p.Payload) >= 2+head &&
		(p.Quoted || p.Length > len(p.Payload) || p.Length >= 2+int(be16(p.Payload)))
}

// word is what a case expects of a packet.
func word(p *Packet) string {
	if !isDNS(p) {
		return "-"
	}
	w := ""
	if p.HasIPv4 {
		w += map[bool]string{true: "4", false: "4?"}[p.Src4 == outer4]
	}
	if p.HasIPv6 {
		w += map[bool]string{true: "6", false: "6?"}[p.Src6 == outer6]
	}
	if p.Quoted {
		w += "q"
	}
	return w
}

func TestDecode(t *testing.T) {
	for i, c := range allCases() {
		t.Run(fmt.Sprintf("%d %s", i, c.name), func(t *testing.T) {
			words := strings.Fields(c.want)
			if len(words) != len(c.frames) {
				t.Fatalf("%d words for %d frames", len(words), len(c.frames))
			}
			decodeAll(NewDecoder(), c.frames, func(i int, p *Packet) {
				if got := word(p); got != words[i] {
					t.Errorf("frame %d: %q, want %q", i, got, words[i])
				}
				if len(p.Payload) > p.Length {
					t.Errorf("frame %d: %d bytes captured of %d", i, len(p.Payload), p.Length)
				}
			})
		})
	}
}

func TestLengths(t *testing.T) {
	ip4, ip6 := v4{protocol: protoUDP}, v6{next: protoUDP}
	body := func(n int) []byte { return make([]byte, n) }
	vx := ip4.wrap(udp(50000, 4789, vxlan(eth(typeIPv4, ip4.wrap(udp(53, 40000, body(100)))))))
	for _, c := range []struct {
		name             string
		frame            frame
		captured, length int
	}{
		{"whole", wire4(ip4.wrap(udp(53, 40000, body(100)))), 100, 100},
		{"padded", wire4(ip4.wrap(udp(53, 40000, body(10)))).padded(8), 10, 10},
		{"cut", wire4(ip4.wrap(udp(53, 40000, body(100)))).cutTo(64), 22, 100},
		{"cut behind the header", wire4(ip4.wrap(udp(53, 40000, body(100)))).cutTo(42), 0, 100},
		{"IPv6, cut", wire6(ip6.wrap(udp(53, 40000, body(100)))).cutTo(64), 2, 100},
		{"UDP shorter than IP", wire4(ip4.wrap(udpLength(48, body(100)))), 40, 40},
		{"UDP longer than IP", wire4(ip4.wrap(udpLength(500, body(100)))), 100, 100},
		{"UDP empty", wire4(ip4.wrap(udpLength(8, body(100)))), 0, 0},
		{"UDP jumbogram", wire6(ip6.wrap(udpLength(0, body(100)))), 100, 100},
		{"UDP-Lite", wire4(v4{protocol: protoUDPLite}.wrap(udpLength(8, body(100)))), 100, 100},
		{"IP longer than the frame", wire4(v4{protocol: protoUDP, total: 500}.wrap(udp(53, 40000, body(100)))), 100, 100},
		{"VXLAN, cut", wire4(vx).cutTo(100), 100 - 92, 100},
		{"TCP", wire4(v4{protocol: protoTCP}.wrap(tcp(segment{}, body(98)))), 100, 100},
		{"TCP, cut", wire4(v4{protocol: protoTCP}.wrap(tcp(segment{}, body(98)))).cutTo(64), 10, 100},
		{"TCP, cut in the options", wire4(v4{protocol: protoTCP}.wrap(tcp(segment{opts: body(12)}, body(98)))).cutTo(60), 0, 100},
	} {
		decodeAll(NewDecoder(), []frame{c.frame}, func(_ int, p *Packet) {
			if len(p.Payload) != c.captured || p.Length != c.length || p.Transport == None {
				t.Errorf("%s: %d of %d, want %d of %d", c.name, len(p.Payload), p.Length, c.captured, c.length)
			}
		})
	}
}

func TestSegment(t *testing.T) {
	b := wire4(v4{protocol: protoIPv4}.wrap(v4{protocol: protoTCP, src: inner4}.wrap(
		tcp(segment{dst: 40000, seq: 0x89abcdef, flags: 0x11}, []byte("message")))))
	decodeAll(NewDecoder(), []frame{b}, func(_ int, p *Packet) {
		want := Packet{
			HasIPv4: true, Src4: outer4, Dst4: [4]byte{10, 0, 0, 2},
			Transport: TCP, Src: mapped(inner4), Dst: mapped([4]byte{10, 0, 0, 2}),
			SrcPort: 53, DstPort: 40000, Length: 9,
			Seq: 0x89abcdef, Ack: 1, FIN: true, HasAck: true,
		}
		if got := string(p.Payload); got != "\x00\x07message" {
			t.Errorf("payload %q", got)
		}
		want.Payload, p.Payload = nil, nil
		if fmt.Sprint(*p) != fmt.Sprint(want) {
			t.Errorf("got  %+v\nwant %+v", *p, want)
		}
	})
}

func TestStats(t *testing.T) {
	d := NewDecoder()
	var frames []frame
	for link := range capture.LinkType(maxUnknown + 2) {
		frames = append(frames, on(400+link, []byte{1}), on(400, []byte{1}))
	}
	deep := []byte{}
	for range maxLayers + 1 {
		deep = vlan(0, typeVLAN, deep)
	}
	frames = append(frames, wire(eth(typeVLAN, deep)))
	decodeAll(d, frames, func(_ int, p *Packet) {
		if p.Transport != None {
			t.Error("something found")
		}
	})
	s := d.Stats()
	if len(s.UnknownLinks) != maxUnknown || s.UnknownLinks[0] != (LinkCount{400, maxUnknown + 3}) || s.OtherLinks != 2 {
		t.Errorf("unknown links %v, others %d", s.UnknownLinks, s.OtherLinks)
	}
	if s.TooDeep != 1 {
		t.Errorf("%d frames too deep", s.TooDeep)
	}
}

// TestKnownLink holds the list of known types against what Decode counts.
func TestKnownLink(t *testing.T) {
	for link := range capture.LinkType(300) {
		d := NewDecoder()
		d.Decode(link, nil, 0, new(Packet))
		if unknown := len(d.Stats().UnknownLinks) > 0; unknown == link.Known() {
			t.Errorf("link type %s: known %v, counted as unknown %v", link, link.Known(), unknown)
		}
	}
}
