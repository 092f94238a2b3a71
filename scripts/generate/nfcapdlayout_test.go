package generate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// An nfcapdSample is a generated file, and the rows that it holds.
type nfcapdSample struct {
	path   string
	file   []byte
	rows   []string
	totals Totals
}

func sampleNfcapd(t *testing.T, o NfcapdOptions) nfcapdSample {
	t.Helper()
	s := nfcapdSample{path: filepath.Join(t.TempDir(), "nfcapd")}
	f, err := os.Create(s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var csv bytes.Buffer
	o.CSV = &csv
	if s.totals, err = Nfcapd(f, o); err != nil {
		t.Fatal(err)
	}
	if s.file, err = os.ReadFile(s.path); err != nil {
		t.Fatal(err)
	}
	if s.rows = strings.Split(csv.String(), "\n"); s.rows[len(s.rows)-1] != "" {
		t.Fatalf("the last row isn't ended: %q", s.rows[len(s.rows)-1])
	}
	s.rows = s.rows[:len(s.rows)-1]
	return s
}

// A nfcapdBlockRead is a block as it lies in a file, unpacked.
type nfcapdBlockRead struct {
	records int
	kind    uint16
	data    []byte
}

// readBlocks cuts the file from offset to end into blocks.
func readBlocks(t *testing.T, file []byte, c Compression) []nfcapdBlockRead {
	t.Helper()
	var blocks []nfcapdBlockRead
	for len(file) > 0 {
		if len(file) < 12 {
			t.Fatalf("%d bytes behind the last block", len(file))
		}
		size := int(binary.LittleEndian.Uint32(file[4:]))
		if size > len(file)-12 {
			t.Fatalf("block of %d bytes, %d left", size, len(file)-12)
		}
		blocks = append(blocks, nfcapdBlockRead{
			records: int(binary.LittleEndian.Uint32(file)),
			kind:    binary.LittleEndian.Uint16(file[8:]),
			data:    unpackBlock(t, file[12:12+size], c),
		})
		file = file[12+size:]
	}
	return blocks
}

func unpackBlock(t *testing.T, b []byte, c Compression) []byte {
	t.Helper()
	out := make([]byte, nfcapdBlock)
	switch c {
	case LZ4:
		n, err := lz4.UncompressBlock(b, out)
		if err != nil {
			t.Fatal(err)
		}
		return out[:n]
	case ZSTD:
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if out, err = d.DecodeAll(b, nil); err != nil {
			t.Fatal(err)
		}
		return out
	}
	return b
}

// records counts the block's records by their type, and fails if they don't fill it.
func (b nfcapdBlockRead) count(t *testing.T, types map[uint16]int) {
	t.Helper()
	n := 0
	for data := b.data; len(data) > 0; n++ {
		if len(data) < 4 {
			t.Fatalf("%d bytes behind the last record", len(data))
		}
		size := int(binary.LittleEndian.Uint16(data[2:]))
		if size < 4 || size > len(data) {
			t.Fatalf("record of %d bytes, %d left", size, len(data))
		}
		types[binary.LittleEndian.Uint16(data)]++
		data = data[size:]
	}
	if n != b.records {
		t.Errorf("%d records, the block's header says %d", n, b.records)
	}
}

func TestNfcapdLayout1(t *testing.T) {
	for c, flags := range map[Compression]uint32{Uncompressed: 0, LZO: 1, LZ4: 0x10} {
		s := sampleNfcapd(t, NfcapdOptions{Options: Options{Seed: 4, Rows: 30000}, Version: 1, Compression: c})
		h := s.file[:276]
		if magic, version := binary.LittleEndian.Uint16(h), binary.LittleEndian.Uint16(h[2:]); magic != 0xA50C || version != 1 {
			t.Errorf("magic %#x, version %d", magic, version)
		}
		if got := binary.LittleEndian.Uint32(h[4:]); got != flags {
			t.Errorf("compression %d: flags %#x, want %#x", c, got, flags)
		}
		blocks := int(binary.LittleEndian.Uint32(h[8:]))
		checkStats(t, s, h[140:])
		first := uint64(binary.LittleEndian.Uint32(h[260:]))*1000 + uint64(binary.LittleEndian.Uint16(h[268:]))
		last := uint64(binary.LittleEndian.Uint32(h[264:]))*1000 + uint64(binary.LittleEndian.Uint16(h[270:]))
		checkWindow(t, first, last)
		if c == LZO { // its decompressor is elsewhere, and tested against the compressor
			continue
		}
		read := readBlocks(t, s.file[276:], c)
		if len(read) != blocks || len(read) < 2 {
			t.Errorf("%d blocks, the header says %d", len(read), blocks)
		}
		types := map[uint16]int{}
		for _, b := range read {
			if b.kind != 2 || len(b.data) > nfcapdBlock {
				t.Errorf("block of type %d with %d bytes", b.kind, len(b.data))
			}
			b.count(t, types)
		}
		if want := (map[uint16]int{2: 8, 7: 4, 8: 1, 9: 4, 10: 30000}); fmt.Sprint(types) != fmt.Sprint(want) {
			t.Errorf("records by type %v, want %v", types, want)
		}
	}
}

func TestNfcapdLayout2(t *testing.T) {
	for _, c := range []Compression{Uncompressed, LZO, LZ4, ZSTD} {
		s := sampleNfcapd(t, NfcapdOptions{Options: Options{Seed: 4, Rows: 30000}, Compression: c})
		h := s.file[:40]
		if magic, version := binary.LittleEndian.Uint16(h), binary.LittleEndian.Uint16(h[2:]); magic != 0xA50C || version != 2 {
			t.Errorf("magic %#x, version %d", magic, version)
		}
		if h[16] != byte(c) || h[17] != 0 {
			t.Errorf("compression %d, encryption %d", h[16], h[17])
		}
		if c == LZO {
			continue
		}
		at := binary.LittleEndian.Uint64(h[24:])
		read := readBlocks(t, s.file[40:at], c)
		if blocks := int(binary.LittleEndian.Uint32(h[36:])); len(read) != blocks || len(read) < 2 {
			t.Errorf("%d blocks, the header says %d", len(read), blocks)
		}
		types := map[uint16]int{}
		for _, b := range read {
			if b.kind != 3 || len(b.data) > nfcapdBlock {
				t.Errorf("block of type %d with %d bytes", b.kind, len(b.data))
			}
			b.count(t, types)
		}
		appendix := readBlocks(t, s.file[at:], c)
		if blocks := int(binary.LittleEndian.Uint16(h[18:])); len(appendix) != 1 || blocks != 1 {
			t.Fatalf("%d blocks of appendix, the header says %d", len(appendix), blocks)
		}
		appendix[0].count(t, types)
		if want := (map[uint16]int{7: 4, 8: 1, 11: 30000, 15: 4, 0x8001: 1, 0x8002: 1}); fmt.Sprint(types) != fmt.Sprint(want) {
			t.Errorf("records by type %v, want %v", types, want)
		}
		stats := appendix[0].data[9+4:]
		checkStats(t, s, stats)
		checkWindow(t, binary.LittleEndian.Uint64(stats[120:]), binary.LittleEndian.Uint64(stats[128:]))
	}
}

// checkStats compares the counters at b with the rows.
func checkStats(t *testing.T, s nfcapdSample, b []byte) {
	t.Helper()
	classes := map[string]int{"TCP": 0, "UDP": 1, "ICMP": 2, "GRE": 3, "ESP": 3}
	var want [15]uint64
	for _, row := range s.rows {
		f := strings.Split(row, ",")
		octets, _ := strconv.ParseUint(f[17], 10, 64)
		packets, _ := strconv.ParseUint(f[16], 10, 64)
		for i, n := range []uint64{1, octets, packets} {
			want[i] += n
			want[3+4*i+classes[f[12]]] += n
		}
	}
	for i := range want {
		if got := binary.LittleEndian.Uint64(b[8*i:]); got != want[i] {
			t.Errorf("counter %d of the file is %d, its rows have %d", i, got, want[i])
		}
	}
}

func checkWindow(t *testing.T, first, last uint64) {
	t.Helper()
	from, to := defaultStart.Add(-time.Hour).UnixMilli(), defaultStart.Add(defaultSpan).UnixMilli()
	if int64(first) < from || first >= last || int64(last) > to {
		t.Errorf("flows from %d to %d ms, want them between %d and %d", first, last, from, to)
	}
}
