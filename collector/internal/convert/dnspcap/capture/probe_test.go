package capture

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestProbe(t *testing.T) {
	b := little
	for _, test := range []struct {
		name    string
		capture []byte
		want    string
	}{
		{"pcap", b.header(magicMicro, 1), ""},
		{"pcap with damage behind", append(b.header(magicMicro, 113), 1, 2, 3), ""},
		{"pcap, 802.11", b.header(magicNano, 105), "not known: link type 105 (IEEE 802.11)"},
		{"pcap, 802.11 gzip'd", packed(b.header(magicNano, 105)), "not known: link type 105 (IEEE 802.11)"},
		{"pcap, no type at all", b.header(magicMicro, 999), "not known: link type 999"},
		{"pcapng", concat(b.section(), b.iface(1, 0), b.packet(0, 0, sample)), ""},
		{"pcapng without interface", b.section(), ""},
		{"pcapng without packet", concat(b.section(), b.iface(276, 0)), ""},
		{"pcapng, USB", concat(b.section(), b.iface(220, 0), b.packet(0, 0, sample)), "not known: link type 220 (USB)"},
		{"pcapng, Ethernet and radiotap", concat(b.section(), b.iface(1, 0), b.block(5, make([]byte, 12)), b.iface(127, 0), b.packet(0, 0, sample)),
			"not known: link type 127 (IEEE 802.11 behind a radiotap header)"},
		{"pcapng, the second section's", concat(b.section(), b.iface(220, 0), big.section(), big.iface(101, 0), big.packet(0, 0, sample)), ""},
		{"pcapng, behind the first packet", concat(b.section(), b.iface(1, 0), b.packet(0, 0, sample), b.iface(220, 0)), ""},
		{"pcapng, behind too much", concat(b.section(), b.iface(1, 0), b.block(10, make([]byte, maxProbe)), b.iface(220, 0)), ""},
		{"pcapng, cut", concat(b.section(), b.iface(1, 0)[:15]), "damaged at byte 28: the file ends within a block of 20 bytes"},
		{"pcapng, not known and cut", concat(b.section(), b.iface(8, 0), b.packet(0, 0, sample)[:9]), "not known: link type 8 (SLIP)"},
	} {
		got := ""
		if err := Probe(bytes.NewReader(test.capture)); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s: %q, not %q", test.name, got, test.want)
		}
	}
}

func TestProbeReadError(t *testing.T) {
	broken := errors.New("input/output error")
	for _, file := range [][]byte{nil, little.header(magicMicro, 1)[:7], concat(little.section(), little.iface(1, 0))} {
		if err := Probe(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken))); !errors.Is(err, broken) {
			t.Errorf("behind %d bytes: %v", len(file), err)
		}
	}
}

func TestLinkTypeNames(t *testing.T) {
	for link, want := range map[LinkType]string{
		Ethernet: "Ethernet", Raw: "raw IP", RawOpenBSD: "raw IP", LinuxCooked2: "Linux cooked v2", 105: "105 (IEEE 802.11)", 4711: "4711",
	} {
		if got := link.String(); got != want {
			t.Errorf("%d: %q, not %q", uint32(link), got, want)
		}
	}
	for link := LinkType(0); link < 1000; link++ {
		if named := link.String()[0] > '9'; named != link.Known() {
			t.Errorf("%s: known is %t", link, link.Known())
		}
	}
}
