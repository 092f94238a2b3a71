package capture

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

// second and third are what the samples' other packets hold.
var (
	second = []byte("four")
	third  = []byte{}
)

// A variant is a way to write the same three packets.
type variant struct {
	name    string
	capture []byte
	nanos   [3]int32 // 0, 7 and 999999 microseconds unless told
	noTime  bool
	ends    []int // where a packet ends, so that a file cut there is a whole one
}

var micros = [3]int32{0, 7000, 999999000}

// pcapVariants are the forms of pcap, each in both byte orders.
func pcapVariants() []variant {
	var all []variant
	add := func(name string, nanos [3]int32, parts ...[]byte) {
		v := variant{name: name, nanos: nanos}
		for i, part := range parts {
			v.capture = append(v.capture, part...)
			if i >= len(parts)-4 {
				v.ends = append(v.ends, len(v.capture))
			}
		}
		all = append(all, v)
	}
	for name, b := range map[string]builder{"little-endian ": little, "big-endian ": big} {
		for kind, magic := range map[string]uint32{"pcap": magicMicro, "pcap in nanoseconds": magicNano} {
			nanos := micros
			if magic == magicNano {
				nanos = [3]int32{0, 7, 999999}
			}
			add(name+kind, nanos, b.header(magic, 1),
				b.record(100, 0, sample), b.record(200, 7, second), b.record(1<<32-1, 999999, third))
		}
		extra := make([]byte, 8)
		add(name+"modified pcap", micros, b.header(magicModified, 1),
			b.record(100, 0, sample, extra...), b.record(200, 7, second, extra...), b.record(1<<32-1, 999999, third, extra...))
		for kind, magic := range map[string]uint32{"IXIA hardware": magicIXIAHard, "IXIA software": magicIXIASoft} {
			add(name+kind, micros, concat(b.header(magic, 1), b.numbers(86)),
				b.record(100, 0, sample), b.record(200, 7, second), b.record(1<<32-1, 999999, third))
		}
		add(name+"with frame check sequences", micros, b.header(magicMicro, 0x24000001),
			b.record(100, 0, sample), b.record(200, 7, second), b.record(1<<32-1, 999999, third))
	}
	return all
}

func pcapngVariants() []variant {
	var all []variant
	add := func(name string, noTime bool, parts ...[]byte) {
		v := variant{name: name, nanos: micros, noTime: noTime}
		for _, part := range parts {
			v.capture = append(v.capture, part...)
			v.ends = append(v.ends, len(v.capture))
		}
		all = append(all, v)
	}
	last := uint64(1<<32-1)*1e6 + 999999
	for name, b := range map[string]builder{"little-endian ": little, "big-endian ": big} {
		add(name+"pcapng", false, b.section(), b.iface(1, 0),
			b.packet(0, 100e6, sample), b.packet(0, 200e6+7, second), b.packet(0, last, third))
		add(name+"pcapng with options and other blocks", false,
			b.section(b.option(3, []byte("an OS")), b.option(0, nil)), b.block(10, b.numbers(0x544c534b, 3), []byte("key")),
			b.iface(1, 65535, b.option(2, []byte("eth0")), b.resolution(9), b.option(0, nil), b.resolution(3)),
			b.packet(0, 100e9, sample, b.option(1, []byte("a comment")), b.option(0, nil)), b.block(4, make([]byte, 4)),
			b.packet(0, 200e9+7000, second), b.block(5, make([]byte, 12)), b.packet(0, last*1000, third), b.block(0x7fff, []byte("x")))
		add(name+"pcapng of three sections", false,
			b.section(), b.iface(105, 0), b.iface(1, 0), b.packet(1, 100e6, sample),
			big.section(), big.iface(1, 0, big.resolution(9)), big.packet(0, 200e9+7000, second),
			little.section(), little.iface(1, 0, little.offset(1<<32-101)), little.packet(0, 100e6+999999, third))
		add(name+"pcapng with obsolete packet blocks", false, b.section(), b.iface(1, 0), b.iface(1, 0),
			b.oldPacket(0, 0, 100e6, sample), b.oldPacket(1, 0xffff, 200e6+7, second), b.oldPacket(0, 0, last, third))
		add(name+"pcapng with simple packet blocks", true, b.section(), b.iface(1, 0),
			b.simple(34, sample), b.simple(4, second), b.simple(0, third))
	}
	return all
}

func variants() []variant { return append(pcapVariants(), pcapngVariants()...) }

func (v variant) packets() []Packet {
	want := []Packet{
		{Number: 1, Seconds: 100, Nanos: v.nanos[0], Length: 34, Link: Ethernet, Data: sample},
		{Number: 2, Seconds: 200, Nanos: v.nanos[1], Length: 4, Link: Ethernet, Data: second},
		{Number: 3, Seconds: 1<<32 - 1, Nanos: v.nanos[2], Length: 0, Link: Ethernet, Data: third},
	}
	for i := range want {
		if v.noTime {
			want[i].Seconds, want[i].Nanos, want[i].NoTime = 0, 0, true
		}
	}
	return want
}

func TestVariants(t *testing.T) {
	for _, v := range variants() {
		ways := map[string]io.Reader{
			"":                bytes.NewReader(v.capture),
			" byte by byte":   iotest.OneByteReader(bytes.NewReader(v.capture)),
			" with early EOF": iotest.DataErrReader(bytes.NewReader(v.capture)),
			" gzip'd":         bytes.NewReader(packed(v.capture)),
			" gzip'd twice":   bytes.NewReader(append(packed(v.capture[:30]), packed(v.capture[30:])...)),
		}
		for way, src := range ways {
			t.Run(v.name+way, func(t *testing.T) {
				got, err := read(src)
				if err != io.EOF {
					t.Errorf("ended by %v", err)
				}
				comparePackets(t, got, v.packets())
			})
		}
	}
}

// TestManyPackets reads across the ends of the window.
func TestManyPackets(t *testing.T) {
	file := little.header(magicMicro, 1)
	blocks := append(little.section(), little.iface(1, 0)...)
	var want []Packet
	for i := range 3000 {
		data := bytes.Repeat([]byte{byte(i)}, i)
		file = append(file, little.record(uint32(i), 0, data)...)
		blocks = append(blocks, little.packet(0, uint64(i)*1e6, data)...)
		want = append(want, Packet{Number: int64(i + 1), Seconds: int64(i), Length: i, Link: Ethernet, Data: data})
	}
	for _, capture := range [][]byte{file, blocks} {
		for _, src := range []io.Reader{bytes.NewReader(capture), iotest.HalfReader(bytes.NewReader(capture)), bytes.NewReader(packed(capture))} {
			got, err := read(src)
			if err != io.EOF {
				t.Errorf("ended by %v", err)
			}
			comparePackets(t, got, want)
		}
	}
}

func TestLengths(t *testing.T) {
	largest := make([]byte, maxPacket)
	begun := append(little.section(), little.iface(1, 8)...)
	for _, test := range []struct {
		name             string
		capture          []byte
		captured, length int
	}{
		{"cut by the snap length", concat(little.header(magicMicro, 1), little.recordOf(0, 0, 34, 1500, sample)), 34, 1500},
		{"longer than it was", concat(little.header(magicMicro, 1), little.recordOf(0, 0, 34, 10, sample)), 34, 10},
		{"length beyond an int32", concat(little.header(magicMicro, 1), little.recordOf(0, 0, 34, 1<<32-1, sample)), 34, 1<<31 - 1},
		{"largest of pcap", concat(little.header(magicMicro, 1), little.record(0, 0, largest)), maxPacket, maxPacket},
		{"largest of pcapng", concat(begun, little.packet(0, 0, largest)), maxPacket, maxPacket},
		{"cut in pcapng", concat(begun, little.packetOf(0, 0, 34, 1500, sample)), 34, 1500},
		{"captured in the padding", concat(begun, little.packetOf(0, 0, 36, 34, sample)), 36, 34},
		{"simple, cut by the snap length", concat(begun, little.simple(34, sample[:8])), 8, 34},
		{"simple, shorter than the snap length", concat(begun, little.simple(5, sample[:5])), 5, 5},
		{"simple, with more room than needed", concat(begun, little.simple(5, sample)), 5, 5},
		{"pcap 2.2", concat(little.headerOf(magicMicro, 2, 2, 1), little.recordOf(0, 0, 1500, 34, sample)), 34, 1500},
		{"pcap 543.0", concat(little.headerOf(magicMicro, 543, 0, 1), little.recordOf(0, 0, 1500, 34, sample)), 34, 1500},
		{"pcap 2.3, as before", concat(little.headerOf(magicMicro, 2, 3, 1), little.recordOf(0, 0, 1500, 34, sample)), 34, 1500},
		{"pcap 2.3, as after", concat(little.headerOf(magicMicro, 2, 3, 1), little.recordOf(0, 0, 34, 1500, sample)), 34, 1500},
		{"pcap 2.9", concat(little.headerOf(magicMicro, 2, 9, 1), little.recordOf(0, 0, 34, 1500, sample)), 34, 1500},
		{"pcapng 1.2", concat(little.sectionOf(1, 2), little.iface(1, 0), little.packet(0, 0, sample)), 34, 34},
	} {
		packets, err := readBytes(test.capture)
		if len(packets) != 1 || err != io.EOF {
			t.Errorf("%s: %d packets, ended by %v", test.name, len(packets), err)
			continue
		}
		if p := packets[0]; len(p.Data) != test.captured || p.Length != test.length {
			t.Errorf("%s: %d bytes of %d, not %d of %d", test.name, len(p.Data), p.Length, test.captured, test.length)
		}
	}
}

// TestFrameNumbers has what tshark counts as frames without being packets.
func TestFrameNumbers(t *testing.T) {
	b := little
	large := make([]byte, window)
	packets, err := readBytes(concat(b.section(), b.iface(1, 0), b.block(journalExport, []byte("__REALTIME_TIMESTAMP=1\n")),
		b.packet(0, 0, sample), b.block(custom, b.numbers(32473, 0)), b.block(customUncopied, b.numbers(32473), large),
		b.block(0x7fff, large), b.packet(0, 0, sample)))
	if len(packets) != 2 || err != io.EOF {
		t.Fatalf("%d packets, ended by %v", len(packets), err)
	}
	if packets[0].Number != 2 || packets[1].Number != 5 {
		t.Errorf("frames %d and %d, not 2 and 5", packets[0].Number, packets[1].Number)
	}
}

// TestNoClock makes sure that a packet without time doesn't keep that of the one before.
func TestNoClock(t *testing.T) {
	b := little
	r, err := NewReader(bytes.NewReader(concat(b.section(), b.iface(1, 0), b.packet(0, 5e6, sample), b.simple(34, sample), b.packet(0, 6e6, sample))))
	if err != nil {
		t.Fatal(err)
	}
	var p Packet
	for _, want := range []Packet{{Seconds: 5}, {NoTime: true}, {Seconds: 6}} {
		if err := r.Next(&p); err != nil {
			t.Fatal(err)
		}
		if p.Seconds != want.Seconds || p.NoTime != want.NoTime {
			t.Errorf("second %d, without time %t", p.Seconds, p.NoTime)
		}
	}
}

func TestNothingAllocated(t *testing.T) {
	for _, v := range variants() {
		r, err := NewReader(bytes.NewReader(append(bytes.Clone(v.capture), bytes.Repeat(v.capture[v.ends[len(v.ends)-2]:], 2000)...)))
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		for range len(v.packets()) {
			r.Next(&p)
		}
		if n := testing.AllocsPerRun(1000, func() { r.Next(&p) }); n != 0 {
			t.Errorf("%s: %v allocations a packet", v.name, n)
		}
	}
}
