package capture

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"spot-ingest/collector/internal/convert/rawfile"
)

// TestDamage has captures whose first packet is good.
func TestDamage(t *testing.T) {
	b := little
	file := append(b.header(magicMicro, 1), b.record(1, 0, sample)...)
	blocks := concat(b.section(), b.iface(1, 0), b.packet(0, 1e6, sample))
	body := b.numbers(0, 0, 0, 34, 34)
	tail := b.packet(0, 0, sample)
	badEnd := func(block []byte, end uint32) []byte {
		return append(block[:len(block)-4:len(block)-4], b.numbers(end)...)
	}

	for _, test := range []struct {
		name   string
		before []byte
		rest   []byte
		what   string
	}{
		{"head cut", file, b.record(1, 0, sample)[:9], "the file ends within the head of a packet"},
		{"packet cut", file, b.record(1, 0, sample)[:49], "the file ends within a packet of 34 bytes"},
		{"packet too large", file, b.recordOf(1, 0, 262145, 262145, sample), "a packet of 262145 bytes, more than 262144"},
		{"packet far too large", file, b.recordOf(1, 0, 1<<32-1, 34, sample), "a packet of 4294967295 bytes, more than 262144"},
		{"garbage", file, []byte("not a packet, but plain text"), "a packet of 1952803683 bytes, more than 262144"},
		{"block's head cut", blocks, tail[:5], "the file ends within the head of a block"},
		{"block cut", blocks, tail[:30], "the file ends within a block of 68 bytes"},
		{"block's end cut", blocks, tail[:66], "the file ends within a block of 68 bytes"},
		{"end differs", blocks, badEnd(b.packet(0, 0, sample), 64), "a block of 68 bytes that has 64 bytes at its end"},
		{"skipped block's end differs", blocks, badEnd(b.block(99), 64), "a block of 12 bytes that has 64 bytes at its end"},
		{"large block's end differs", blocks, badEnd(b.block(99, make([]byte, window)), 64), "a block of 524300 bytes that has 64 bytes at its end"},
		{"large block cut", blocks, b.block(99, make([]byte, window))[:window], "the file ends within a block of 524300 bytes"},
		{"large block's end cut", blocks, b.block(99, make([]byte, window))[:window+10], "the file ends within a block of 524300 bytes"},
		{"empty block", blocks, b.numbers(99, 0, 0), "a block of 0 bytes, less than any has"},
		{"block of 8 bytes", blocks, b.numbers(99, 8, 8), "a block of 8 bytes, less than any has"},
		{"largest block", blocks, b.numbers(99, 1<<32-1, 8), "a block of 4294967295 bytes, more than 134217728"},
		{"block that lies", blocks, b.numbers(99, 128<<20, 8), "the file ends within a block of 134217728 bytes"},
		{"large packet block", blocks, b.packet(0, 0, sample, make([]byte, window)), "a block of type 6 and 524356 bytes, more than 524288"},
		{"zeros", blocks, make([]byte, 99), "a block of 0 bytes, less than any has"},
		{"packet's block too small", blocks, b.block(enhancedPacket, make([]byte, 16)), "a packet's block of 28 bytes, less than any has"},
		{"old packet's block too small", blocks, b.block(obsoletePacket, make([]byte, 16)), "a packet's block of 28 bytes, less than any has"},
		{"simple packet's block too small", blocks, b.block(simplePacket), "a packet's block of 12 bytes, less than any has"},
		{"interface's block too small", blocks, b.block(interfaceDescription, make([]byte, 4)), "an interface's block of 16 bytes, less than any has"},
		{"section header too small", blocks, b.block(sectionHeader, b.numbers(byteOrderMagic, 1, 0)), "a section header of 24 bytes, less than any has"},
		{"room too small", blocks, b.block(enhancedPacket, body, sample[:32]), "a packet of 34 bytes in a block that has room for 32"},
		{"packet too large for pcapng", blocks, b.packetOf(0, 0, 262145, 34, sample), "a packet of 262145 bytes, more than 262144"},
		{"simple packet too large", blocks, b.simple(1<<32-1, sample), "a packet of 4294967295 bytes, more than 262144"},
		{"simple packet's room too small", blocks, b.simple(37, sample), "a packet of 37 bytes in a block that has room for 36"},
		{"no such interface", blocks, b.packet(1, 0, sample), "a packet of interface 1, where 1 are described"},
		{"no such interface, by far", blocks, b.packet(1<<32-1, 0, sample), "a packet of interface 4294967295, where 1 are described"},
		{"no such old interface", blocks, b.oldPacket(0xffff, 0, 0, sample), "a packet of interface 65535, where 1 are described"},
		{"interfaces are the section's", concat(blocks, b.section()), tail, "a packet of interface 0, where 0 are described"},
		{"simple packet without interface", concat(blocks, b.section()), b.simple(34, sample), "a packet where no interface is described"},
		{"option that lies", blocks, b.iface(1, 0, []byte{9, 0, 0xff, 0xff, 6, 0, 0, 0}), "an interface's option of 65535 bytes, where 4 are left"},
		{"option without value", blocks, b.iface(1, 0, []byte{9, 0, 1, 0}), "an interface's option of 1 bytes, where 0 are left"},
		{"byte order of a later section", blocks, b.block(sectionHeader, make([]byte, 16)), "a section of pcapng with the byte-order magic 00000000"},
		{"version of a later section", blocks, big.sectionOf(2, 0), "a section of pcapng version 2.0"},
		{"too many interfaces", append(blocks, bytes.Repeat(b.iface(1, 0), maxInterfaces-1)...), b.iface(1, 0), "a section with more than 65536 interfaces"},
	} {
		t.Run(test.name, func(t *testing.T) {
			packets, err := readBytes(concat(test.before, test.rest, tail))
			var damage *rawfile.Damage
			if strings.HasPrefix(test.what, "the file ends") {
				packets, err = readBytes(concat(test.before, test.rest))
			}
			if !errors.As(err, &damage) || damage.What != test.what || damage.Offset != int64(len(test.before)) {
				t.Errorf("%v, not %q at %d", err, test.what, len(test.before))
			}
			if len(packets) != 1 {
				t.Errorf("%d packets before it", len(packets))
			}
		})
	}
}

func TestNotBegun(t *testing.T) {
	b := little
	for _, test := range []struct {
		name    string
		capture []byte
		want    string
	}{
		{"empty", nil, "damaged at byte 0: the file is empty"},
		{"3 bytes", b.header(magicMicro, 1)[:3], "damaged at byte 0: the file ends within its first 4 bytes"},
		{"pcap", b.header(magicMicro, 1)[:23], "damaged at byte 0: the file ends within its header"},
		{"IXIA", append(b.header(magicIXIAHard, 1), 1, 2, 3), "damaged at byte 24: the file ends within its header"},
		{"pcapng", b.section()[:23], "damaged at byte 0: the file ends within its section header"},
		{"gzip", packed(b.section())[:7], "damaged at byte 0: the gzip'd file ends within its gzip header (counted in the unpacked data)"},
		{"gzip method", []byte("\x1f\x8b\x07garbage garbage"), "damaged at byte 0: unpacking its gzip header: gzip: invalid header (counted in the unpacked data)"},
		{"gzip of nothing", packed(nil), "damaged at byte 0: the file is empty (counted in the unpacked data)"},
		{"text", []byte("not a pcap\n"), "not known: no pcap or pcapng file, it begins with the bytes 6e6f7420"},
		{"gzip'd twice", packed(packed(b.section())), "not known: no pcap or pcapng file, it begins with the bytes 1f8b0800"},
		{"version 1.4", b.headerOf(magicMicro, 1, 4, 1), "not known: version 1.4 of pcap"},
		{"version 3.0", b.headerOf(magicMicro, 3, 0, 1), "not known: version 3.0 of pcap"},
		{"link type's other bits", b.header(magicMicro, 0x02000001), "not known: link type 0x02000001 of pcap"},
		{"pcapng version 2.0", b.sectionOf(2, 0), "not known: a section of pcapng version 2.0"},
		{"pcapng version 1.1", big.sectionOf(1, 1), "not known: a section of pcapng version 1.1"},
		{"no byte order", b.block(sectionHeader, make([]byte, 16)), "not known: a section of pcapng with the byte-order magic 00000000"},
	} {
		if _, err := NewReader(bytes.NewReader(test.capture)); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
		if err := Probe(bytes.NewReader(test.capture)); err == nil || err.Error() != test.want {
			t.Errorf("%s: probed: %v", test.name, err)
		}
	}
}

// TestErrorStays makes sure that a reader doesn't find packets behind its end.
func TestErrorStays(t *testing.T) {
	r, err := NewReader(bytes.NewReader(concat(little.header(magicMicro, 1), little.recordOf(0, 0, 1<<20, 0, nil), little.record(0, 0, sample))))
	if err != nil {
		t.Fatal(err)
	}
	var p Packet
	first := r.Next(&p)
	if again := r.Next(&p); first == nil || again != first {
		t.Errorf("%v, then %v", first, again)
	}
}

// TestCutAnywhere cuts every variant at every byte: what comes out is a part of what was
// there, and a whole file only where a packet or block ends.
func TestCutAnywhere(t *testing.T) {
	for _, v := range variants() {
		want := v.packets()
		for cut := range v.capture {
			got, err := readBytes(v.capture[:cut])
			if len(got) > len(want) || !slices.EqualFunc(got, want[:len(got)], samePacket) {
				t.Errorf("%s cut at %d: %+v", v.name, cut, got)
			}
			var damage *rawfile.Damage
			switch whole := slices.Contains(v.ends, cut); {
			case whole && err != io.EOF:
				t.Errorf("%s cut at %d, where a packet ends: %v", v.name, cut, err)
			case !whole && !errors.As(err, &damage):
				t.Errorf("%s cut at %d: %v", v.name, cut, err)
			case !whole && damage.Offset > int64(cut):
				t.Errorf("%s cut at %d, but damaged at %d", v.name, cut, damage.Offset)
			}
		}
	}
}

// TestGzipCutAnywhere cuts a packed file, which is never whole then.
func TestGzipCutAnywhere(t *testing.T) {
	for _, v := range variants() {
		file := packed(v.capture)
		for cut := range file {
			got, err := readBytes(file[:cut])
			want := v.packets()
			if len(got) > len(want) || !slices.EqualFunc(got, want[:len(got)], samePacket) {
				t.Fatalf("%s cut at %d: %+v", v.name, cut, got)
			}
			var damage *rawfile.Damage
			if !errors.As(err, &damage) {
				t.Fatalf("%s cut at %d: %v", v.name, cut, err)
			}
		}
	}
}

func TestGzipDamage(t *testing.T) {
	file := append(little.header(magicMicro, 1), bytes.Repeat(little.record(1, 0, sample), 3)...)
	end := int64(len(file))
	good := packed(file)
	flip := func(fromEnd int) []byte {
		bad := bytes.Clone(good)
		bad[len(bad)-fromEnd] ^= 1
		return bad
	}
	for name, bad := range map[string][]byte{
		"size":        flip(1),
		"checksum":    flip(5),
		"end cut":     good[:len(good)-3],
		"zeros":       append(bytes.Clone(good), make([]byte, 32)...),
		"garbage":     append(bytes.Clone(good), "and something else"...),
		"next header": append(bytes.Clone(good), good[:9]...),
	} {
		packets, err := readBytes(bad)
		var damage *rawfile.Damage
		if !errors.As(err, &damage) || damage.Offset != end || len(packets) != 3 {
			t.Errorf("%s: %d packets, then %v", name, len(packets), err)
		}
	}
}

// TestFlippedBytes changes each byte in several ways: nothing worse than damage, no
// packet that is larger than the file.
func TestFlippedBytes(t *testing.T) {
	for _, v := range variants() {
		for i := range v.capture {
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				bad := bytes.Clone(v.capture)
				bad[i] ^= mask
				checkCapture(t, bad, func(*Packet) {})
			}
		}
	}
}

// checkCapture reads anything, hands out what comes, and holds it against what can be.
func checkCapture(t *testing.T, capture []byte, each func(p *Packet)) (err error) {
	t.Helper()
	number := int64(0)
	r, err := NewReader(bytes.NewReader(capture))
	for err == nil {
		var p Packet
		if err = r.Next(&p); err != nil {
			break
		}
		if p.Number <= number || p.Nanos < 0 || p.Nanos > 999999999 || len(p.Data) > maxPacket || p.Length < 0 || p.NoTime && (p.Seconds != 0 || p.Nanos != 0) {
			t.Errorf("%+v behind packet %d", p, number)
		}
		number = p.Number
		each(&p)
	}
	var damage *rawfile.Damage
	var unknown *rawfile.Unknown
	switch {
	case err == io.EOF:
	case errors.As(err, &unknown):
		if number != 0 {
			t.Errorf("%v behind %d packets", err, number)
		}
	case !errors.As(err, &damage):
		t.Errorf("ended by %v", err)
	case damage.Offset < 0, damage.Offset > int64(len(capture)) && !bytes.HasPrefix(capture, []byte{0x1f, 0x8b}):
		t.Errorf("%v, in a file of %d bytes", err, len(capture))
	}
	return err
}

// TestReadError tells a file that can't be read from one that is damaged.
func TestReadError(t *testing.T) {
	broken := errors.New("input/output error")
	for _, v := range variants() {
		for _, file := range [][]byte{v.capture, packed(v.capture)} {
			for cut := range file {
				_, err := read(io.MultiReader(bytes.NewReader(file[:cut]), iotest.ErrReader(broken)))
				if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "read capture: ") {
					t.Fatalf("%s broken at %d: %v", v.name, cut, err)
				}
			}
		}
	}
}

// endless has zeros for a file that goes on and on.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestMemory reads blocks and packets that are as large as can be, or claim to be.
func TestMemory(t *testing.T) {
	b := little
	for name, file := range map[string][]byte{
		"packet":       append(b.header(magicMicro, 1), b.recordOf(0, 0, maxPacket+1, maxPacket, nil)...),
		"other block":  append(b.section(), b.numbers(99, maxBlock)...),
		"interface":    append(b.section(), b.numbers(interfaceDescription, maxBlock)...),
		"packet block": append(b.section(), b.numbers(enhancedPacket, maxBlock)...),
		"packed":       packed(append(b.section(), b.block(99, make([]byte, 64<<20))...)),
	} {
		var src io.Reader = io.MultiReader(bytes.NewReader(file), endless{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := read(src)
		runtime.ReadMemStats(&after)
		var damage *rawfile.Damage
		if !errors.As(err, &damage) {
			t.Errorf("%s: ended by %v", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 3*window {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}
