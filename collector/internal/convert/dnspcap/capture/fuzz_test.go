package capture

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"

	"spot-ingest/collector/internal/convert/rawfile"
)

// FuzzReader reads anything. What comes out must not depend on how the file is read, and
// a file that isn't known must not pass for known to Probe.
func FuzzReader(f *testing.F) {
	for _, v := range variants() {
		f.Add(v.capture)
		f.Add(packed(v.capture))
	}
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, capture []byte) {
		var other Packet
		slowly, otherErr := NewReader(iotest.OneByteReader(bytes.NewReader(capture)))
		err := checkCapture(t, capture, func(p *Packet) {
			if otherErr = slowly.Next(&other); otherErr != nil || !samePacket(*p, other) {
				t.Fatalf("%+v, byte by byte %+v, %v", p, other, otherErr)
			}
		})
		if slowly != nil {
			otherErr = slowly.Next(&other)
		}
		if otherErr == nil || err.Error() != otherErr.Error() {
			t.Errorf("ends with %v, byte by byte with %v", err, otherErr)
		}
		var unknown *rawfile.Unknown
		if probed := Probe(bytes.NewReader(capture)); errors.As(err, &unknown) && !errors.As(probed, &unknown) {
			t.Errorf("%v, but probed: %v", err, probed)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	message := make([]byte, 130)
	file, blocks := little.header(magicMicro, 1), append(little.section(), little.iface(1, 0)...)
	for i := 0; len(file) < 8<<20; i++ {
		for j := range message[42:] {
			message[42+j] = byte(i * (j + 1) >> 3)
		}
		file = append(file, little.record(uint32(i), 0, message[:60+i%70])...)
		blocks = append(blocks, little.packet(0, uint64(i)*1e6, message[:60+i%70])...)
	}
	for _, form := range []struct {
		name    string
		capture []byte
		size    int
	}{{"pcap", file, len(file)}, {"pcapng", blocks, len(blocks)}, {"gzip", packed(file), len(file)}} {
		b.Run(form.name, func(b *testing.B) {
			b.SetBytes(int64(form.size))
			b.ReportAllocs()
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(form.capture))
				if err != nil {
					b.Fatal(err)
				}
				var p Packet
				for r.Next(&p) == nil {
				}
			}
		})
	}
}
