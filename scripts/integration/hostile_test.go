//go:build integration

package integration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"testing"
	"time"

	"spot-ingest/scripts/generate"
)

// These files are made to exhaust whoever reads them.

// A block of a few megabytes that stands for gigabytes: the rows before it are sent.
func TestDecompressionBomb(t *testing.T) {
	for name, c := range map[string]struct {
		compression generate.Compression
		bomb        []byte
	}{
		"zstd":        {generate.ZSTD, zstdBomb(1 << 20)},
		"zstd frames": {generate.ZSTD, bytes.Repeat(zstdBomb(40), 25_000)},
		"lz4":         {generate.LZ4, lz4Bomb(4 << 20)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, sharedKafka(t, kafka4), "flow", nil)
			s.withoutTools()
			f := nfcapdFile(t, "nfcapd."+name, generate.NfcapdOptions{Options: generate.Options{Seed: 1, Rows: 50_000}, Compression: c.compression})
			const offAppendix = 24 // where the header of layout 2 says where the blocks of flows end
			end := binary.LittleEndian.Uint64(f.file[offAppendix:])
			block := binary.LittleEndian.AppendUint32(nil, 1) // records
			block = binary.LittleEndian.AppendUint32(block, uint32(len(c.bomb)))
			block = append(block, 3, 0, 0, 0) // a data block, compressed as the file is
			s.arrive(f.name, append(append(bytes.Clone(f.file[:end]), block...), c.bomb...))
			p := s.runInLittleMemory(50_000)
			if want := fmt.Sprintf("convert %s: damaged at byte %d: ", f.name, end); !p.says(want) {
				t.Errorf("the log lacks %q", want)
			}
			checkSegments(t, f.name, s.consume(), cut("flow", f.csv, defaultLimit))
		})
	}
}

// zstdBomb is a frame of so many blocks, each of four bytes, each of which stands for 128 KiB.
func zstdBomb(blocks int) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3} // no size told, a window of 128 KiB
	for n := range blocks {
		head := uint32(128<<10)<<3 | 1<<1 // one byte, repeated
		if n == blocks-1 {
			head |= 1 // the last
		}
		b = append(b, byte(head), byte(head>>8), byte(head>>16), 'x')
	}
	return b
}

// lz4Bomb is one match, whose length takes so many bytes to tell, each of which stands for 255.
func lz4Bomb(size int) []byte {
	b := []byte{0x1f, 'x', 1, 0} // one literal, and the match one byte back
	return append(append(b, bytes.Repeat([]byte{255}, size)...), 0)
}

// A capture of nothing but beginnings: connections, messages and datagrams that are never
// finished. The answers among them are found.
func TestUnfinishedStreams(t *testing.T) {
	t.Parallel()
	s := newSite(t, sharedKafka(t, kafka4), "dns", nil)
	s.withoutTools()
	const beginnings, every = 100_000, 1000
	s.arriveFrom("unfinished.pcap", func(w io.Writer) error { return writeUnfinished(w, beginnings, every) })
	p := s.runInLittleMemory(beginnings / every)
	for _, note := range []string{" incomplete datagrams given up: ", " TCP connections given up: "} {
		if !p.says("unfinished.pcap: ") || !p.says(note) {
			t.Errorf("the log lacks %q", note)
		}
	}
}

// writeUnfinished writes so many beginnings of each kind, and after every so many an answer.
func writeUnfinished(w io.Writer, beginnings, every uint32) error {
	if err := generate.WritePackets(w, generate.Pcap, 1); err != nil {
		return err
	}
	at := time.Date(2018, 3, 20, 9, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	frame := func(data []byte) {
		at = at.Add(10 * time.Microsecond)
		for _, n := range []int64{at.Unix(), int64(at.Nanosecond() / 1000), int64(len(data)), int64(len(data))} {
			out.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		}
		out.Write(data)
	}
	filler := bytes.Repeat([]byte{0, 0, 0x80, 1}, 80)
	for n := range beginnings {
		// A connection's first segments but one, of a message of 65,535 bytes.
		frame(tcp(n, 999, 2, nil)) // SYN
		frame(tcp(n, 1000, 16, append([]byte{0xff, 0xff}, filler...)))
		frame(tcp(n, 3000, 16, filler))
		// The first fragments of datagrams.
		frame(ipv4(n, uint16(n), 0x2000, 17, filler))
		frame(fragment6(n, 0, filler))
		if n%every == every-1 {
			frame(ipv4(n, 0, 0, 17, udp(answer)))
		}
		if _, err := out.WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}

// answer is a DNS message: "x.", type A, 192.0.2.1.
var answer = []byte("\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + "\x01x\x00\x00\x01\x00\x01" +
	"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01")

// ipv4 makes a frame from a host of that number. The fragment has three bits of flags.
func ipv4(host uint32, id, fragment uint16, protocol byte, payload []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(payload)))
	b = binary.BigEndian.AppendUint16(b, id)
	b = binary.BigEndian.AppendUint16(b, fragment)
	b = append(b, 64, protocol, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 10<<24+host)
	return append(append(b, 192, 0, 2, 53), payload...)
}

// fragment6 makes a frame of one IPv6 fragment, not the last, of a UDP datagram. The offset
// is in eights of bytes.
func fragment6(host uint32, offset uint16, payload []byte) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(b, 44, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, host)
	b = append(b, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x35, 17, 0)
	b = binary.BigEndian.AppendUint16(b, offset<<3|1)
	return append(binary.BigEndian.AppendUint32(b, host), payload...)
}

func udp(payload []byte) []byte {
	b := []byte{0, 53, 0xc0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// tcp makes a frame from a host's port 53.
func tcp(host, seq uint32, flags byte, payload []byte) []byte {
	b := []byte{0, 53, 0xc0, 0}
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 1, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	return ipv4(host, 0, 0, 6, append(b, payload...))
}
