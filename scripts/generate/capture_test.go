package generate

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

var captureFormats = []struct {
	name   string
	format CaptureFormat
	sha256 string // of 5000 rows, seed 1, odd packets included
}{
	{"pcap", Pcap, "6a95e3d29b082b3b62a0fba6962e7fc5175fbf16307db9496fd681c08efcb6ab"},
	{"nanoseconds", PcapNano, "5f3284dfabdc2dd683ff55dce7cf16d756d62dfcd0d520e58478b0eeed6979d3"},
	{"big endian", PcapBigEndian, "36178e9bffaac4d1c0284dce67c4dd44cb88a14e70bba6286bdf5a031fb8fe70"},
	{"pcapng", Pcapng, "a2d3b0ae9932d57eeb06c9663e3ad1d53522bc129c6d64229fbbb7d663ce14f2"},
}

func TestCaptureSameSeedSameBytes(t *testing.T) {
	for _, f := range captureFormats {
		t.Run(f.name, func(t *testing.T) {
			sum := func(seed uint64) string {
				h := sha256.New()
				if _, err := Capture(h, CaptureOptions{Options: Options{Seed: seed, Rows: 5000, Odd: true}, Format: f.format}); err != nil {
					t.Fatal(err)
				}
				return hex.EncodeToString(h.Sum(nil))
			}
			if got := sum(1); got != f.sha256 {
				t.Errorf("seed 1 gives a file of SHA-256 %s, want %s: if packets were changed on purpose, put the new sum here", got, f.sha256)
			}
			if sum(2) == f.sha256 {
				t.Error("seeds 1 and 2 give the same file")
			}
		})
	}
}

// readPcap takes the packets out of a capture of the format Pcap.
func readPcap(t *testing.T, file []byte) []Packet {
	t.Helper()
	order := binary.LittleEndian
	if len(file) < 24 || order.Uint32(file) != 0xa1b2c3d4 || order.Uint32(file[20:]) != linkEthernet {
		t.Fatalf("not the header of a capture: %x", file[:min(len(file), 24)])
	}
	var packets []Packet
	for b := file[24:]; len(b) > 0; {
		if len(b) < 16 || len(b) < 16+int(order.Uint32(b[8:])) {
			t.Fatalf("packet %d is torn", len(packets))
		}
		size := int(order.Uint32(b[8:]))
		packets = append(packets, Packet{
			Time: time.Unix(int64(order.Uint32(b)), int64(order.Uint32(b[4:]))*1000).UTC(),
			Data: b[16 : 16+size], Length: int(order.Uint32(b[12:])),
		})
		b = b[16+size:]
	}
	return packets
}

func TestCaptureIsWhatItSays(t *testing.T) {
	start := time.Date(2020, 2, 28, 22, 30, 0, 0, time.UTC)
	var file, text bytes.Buffer
	totals, err := Capture(&file, CaptureOptions{
		Options: Options{Seed: 7, Start: start, Span: 5 * time.Hour, Rows: 20000, Odd: true}, CSV: &text,
	})
	if err != nil {
		t.Fatal(err)
	}
	packets := readPcap(t, file.Bytes())
	if int64(len(packets)) != totals.Packets || int64(file.Len()) != totals.Bytes {
		t.Errorf("%d packets in %d bytes were written, told was %+v", len(packets), file.Len(), totals)
	}
	if n := strings.Count(text.String(), "\n"); n != 20000 || totals.Rows != 20000 || int64(text.Len()-n) != totals.RowBytes {
		t.Errorf("%d rows in %d bytes were written, told was %+v", n, text.Len(), totals)
	}
	last := start.Add(-time.Microsecond)
	cut := 0
	for i, p := range packets {
		if !p.Time.After(last) {
			t.Fatalf("packet %d is stamped %v, after one of %v", i, p.Time, last)
		}
		last = p.Time
		if p.Length > len(p.Data) {
			cut++
		}
	}
	if end := start.Add(5 * time.Hour); last.Before(end.Add(-10*time.Second)) || last.After(end.Add(2*time.Second)) {
		t.Errorf("the last packet is stamped %v, want about %v", last, end)
	}
	if cut == 0 {
		t.Error("no packet was captured in part")
	}
	for row := range strings.Lines(text.String()) {
		if m := kinds[1].row.FindStringSubmatch(strings.Replace(row[:len(row)-1], "<Root>", "", 1)); m == nil {
			t.Fatalf("not a row as tshark prints it: %q", row)
		}
	}
}

// A mix counts the kinds of packets of a capture.
type mix struct{ all, dns, ipv6, vlan, fragments, tcp, other int }

func (m *mix) count(t *testing.T, p []byte) {
	m.all++
	kind, b := binary.BigEndian.Uint16(p[12:]), p[14:]
	if kind == etherVLAN {
		m.vlan++
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	var proto byte
	switch kind {
	case etherIPv4:
		b = b[:binary.BigEndian.Uint16(b[2:])]
		if checksum(sum(0, b[:ipv4Header])) != 0 {
			t.Errorf("wrong checksum of an IPv4 header: %x", b[:ipv4Header])
		}
		if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
			m.fragments++
			return
		}
		proto = b[9]
		m.transport(t, proto, b[12:ipv4Header], b[ipv4Header:])
	case etherIPv6:
		m.ipv6++
		b = b[:ipv6Header+int(binary.BigEndian.Uint16(b[4:]))]
		if proto = b[6]; proto == protoFragment {
			m.fragments++
			return
		}
		m.transport(t, proto, b[8:ipv6Header], b[ipv6Header:])
	default:
		m.other++
	}
}

func (m *mix) transport(t *testing.T, proto byte, addresses, b []byte) {
	s := uint64(0)
	if proto != protoICMP {
		s = sum(uint64(proto)+uint64(len(b)), addresses)
	}
	if checksum(sum(s, b)) != 0 {
		t.Errorf("wrong checksum, protocol %d: %x", proto, b)
	}
	if proto == protoTCP {
		m.tcp++
	}
	if proto != protoICMP && (binary.BigEndian.Uint16(b) == 53 || binary.BigEndian.Uint16(b[2:]) == 53) {
		m.dns++
	} else {
		m.other++
	}
}

func TestCaptureMixAndChecksums(t *testing.T) {
	var file bytes.Buffer
	if _, err := Capture(&file, CaptureOptions{Options: Options{Seed: 3, Rows: 20000}}); err != nil {
		t.Fatal(err)
	}
	var m mix
	for _, p := range readPcap(t, file.Bytes()) {
		m.count(t, p.Data)
	}
	for _, part := range []struct {
		name            string
		count           int
		atLeast, atMost float64
	}{
		{"DNS", m.dns, 0.72, 0.85}, {"other traffic", m.other, 0.15, 0.27}, {"TCP", m.tcp, 0.1, 0.25},
		{"IPv6", m.ipv6, 0.05, 0.12}, {"VLANs", m.vlan, 0.02, 0.06}, {"fragments", m.fragments, 0.001, 0.02},
	} {
		if got := float64(part.count) / float64(m.all); got < part.atLeast || got > part.atMost {
			t.Errorf("%s: %.4f of the packets, want %v to %v", part.name, got, part.atLeast, part.atMost)
		}
	}
}

// However many packets fall into a moment, their times differ, and few wait.
func TestCaptureOfAMoment(t *testing.T) {
	var file bytes.Buffer
	totals, err := Capture(&file, CaptureOptions{Options: Options{Rows: 10000, Span: time.Nanosecond}})
	if err != nil {
		t.Fatal(err)
	}
	packets := readPcap(t, file.Bytes())
	if totals.Rows != 10000 || int64(len(packets)) != totals.Packets {
		t.Errorf("%d packets, told was %+v", len(packets), totals)
	}
	for i := 1; i < len(packets); i++ {
		if !packets[i].Time.After(packets[i-1].Time) {
			t.Fatalf("packet %d is stamped %v, after one of %v", i, packets[i].Time, packets[i-1].Time)
		}
	}
}

func TestCaptureCompressed(t *testing.T) {
	for _, f := range captureFormats {
		o := CaptureOptions{Options: Options{Seed: 1, Rows: 500}, Format: f.format}
		var plain, compressed bytes.Buffer
		totals, err := Capture(&plain, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Gzip = true
		again, err := Capture(&compressed, o)
		if err != nil {
			t.Fatal(err)
		}
		if again != totals || compressed.Len() >= plain.Len() {
			t.Errorf("%s: %+v in %d bytes compressed, %+v in %d plain", f.name, again, compressed.Len(), totals, plain.Len())
		}
		z, err := gzip.NewReader(&compressed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain.Bytes()) {
			t.Errorf("%s: what was compressed isn't the capture (error %v)", f.name, err)
		}
	}
}

func TestCaptureEnds(t *testing.T) {
	for _, f := range captureFormats {
		totals, err := Capture(io.Discard, CaptureOptions{Options: Options{Bytes: 300_000}, Format: f.format})
		if err != nil || totals.Bytes < 300_000 || totals.Bytes > 315_000 {
			t.Errorf("%s: %d bytes, %v: want 300000 and the rest of an exchange", f.name, totals.Bytes, err)
		}
		for rows := int64(1); rows < 15; rows++ {
			totals, err = Capture(io.Discard, CaptureOptions{Options: Options{Seed: uint64(rows), Bytes: 3_000_000, Rows: rows}, Format: f.format})
			if err != nil || totals.Rows != rows {
				t.Errorf("%s: %d rows, %v: want the %d that come first", f.name, totals.Rows, err, rows)
			}
		}
	}
}

func TestCaptureRefuses(t *testing.T) {
	for _, o := range []CaptureOptions{{}, {Options: Options{Rows: -1}}, {Options: Options{Rows: 1}, Format: Pcapng + 1}, {Options: Options{Rows: 1}, Format: -1}} {
		if _, err := Capture(io.Discard, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestCaptureWriteError(t *testing.T) {
	for _, o := range []CaptureOptions{{}, {Gzip: true}, {Format: Pcapng}} {
		for _, rows := range []int64{1, 5000} { // within the buffer, and beyond it
			o.Rows = rows
			if _, err := Capture(full{}, o); !errors.Is(err, errFull) {
				t.Errorf("%+v: error %v, want the writer's", o, err)
			}
		}
	}
	if _, err := Capture(io.Discard, CaptureOptions{Options: Options{Rows: 1}, CSV: full{}}); !errors.Is(err, errFull) {
		t.Errorf("error %v, want that of the CSV's writer", err)
	}
}

func TestWritePackets(t *testing.T) {
	at := time.Unix(0x01020304, 123456789)
	packets := []Packet{{Time: at, Data: []byte{0xaa, 0xbb, 0xcc, 0xdd, 0xee}}, {Time: at, Data: []byte{0xff}, Length: 0x99}}
	for _, c := range []struct {
		format CaptureFormat
		want   string
	}{
		{Pcap, "d4c3b2a1 0200 0400 0000000000000000 00000400 65000000" +
			"04030201 40e20100 05000000 05000000 aabbccddee" + "04030201 40e20100 01000000 99000000 ff"},
		{PcapNano, "4d3cb2a1 0200 0400 0000000000000000 00000400 65000000" +
			"04030201 15cd5b07 05000000 05000000 aabbccddee" + "04030201 15cd5b07 01000000 99000000 ff"},
		{PcapBigEndian, "a1b2c3d4 0002 0004 0000000000000000 00040000 00000065" +
			"01020304 0001e240 00000005 00000005 aabbccddee" + "01020304 0001e240 00000001 00000099 ff"},
		{Pcapng, "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000" +
			"01000000 20000000 6500 0000 00000400 0900 0100 09000000 00000000 20000000" +
			"06000000 28000000 00000000 b3123c00 15f5245a 05000000 05000000 aabbccddee000000 28000000" +
			"06000000 24000000 00000000 b3123c00 15f5245a 01000000 99000000 ff000000 24000000"},
	} {
		var got bytes.Buffer
		if err := WritePackets(&got, c.format, 101, packets...); err != nil {
			t.Fatal(err)
		}
		if want := strings.ReplaceAll(c.want, " ", ""); hex.EncodeToString(got.Bytes()) != want {
			t.Errorf("format %d:\n%x, want\n%s", c.format, got.Bytes(), want)
		}
	}
	if err := WritePackets(full{}, Pcap, 1); !errors.Is(err, errFull) {
		t.Errorf("error %v, want the writer's", err)
	}
}

func BenchmarkCapture(b *testing.B) {
	const size = 32 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for range b.N {
		if _, err := Capture(io.Discard, CaptureOptions{Options: Options{Bytes: size}}); err != nil {
			b.Fatal(err)
		}
	}
}
