package lzo_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"spot-ingest/collector/internal/convert/nfcapd/lzo"
)

const blockRoom = 5 << 20 // what nfdump itself has for a block

// realFile reads one of the captures that lie beside the repository.
func realFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../../../../shared/data/flow", name))
	if err != nil {
		t.Skipf("needs the real captures beside the repository: %v", err)
	}
	return b
}

// dataBlocks cuts an nfcapd file of layout 1 or 2 into its blocks, without their headers.
func dataBlocks(t testing.TB, file []byte) [][]byte {
	t.Helper()
	rest := file[276:] // a header of 140 bytes, a stat record of 136
	if file[2] == 2 {
		rest = file[40:binary.LittleEndian.Uint64(file[24:])] // from the header to the appendix
	}
	var blocks [][]byte
	for len(rest) >= 12 {
		size := int(binary.LittleEndian.Uint32(rest[4:]))
		if size > len(rest)-12 {
			t.Fatalf("block of %d bytes, %d left", size, len(rest)-12)
		}
		blocks = append(blocks, rest[12:12+size])
		rest = rest[12+size:]
	}
	return blocks
}

// Real blocks come out as the records of the uncompressed copy of the same file.
func TestRealFiles(t *testing.T) {
	for packed, plain := range map[string]string{
		"derived/nfcapd.v1_nfgen_lzo": "derived/nfcapd.v1_nfgen_none",
		"derived/nfcapd.v2_recv_lzo":  "derived/nfcapd.v2_recv_none",
	} {
		t.Run(packed, func(t *testing.T) {
			want := dataBlocks(t, realFile(t, plain))
			got := dataBlocks(t, realFile(t, packed))
			if len(got) == 0 || len(got) != len(want) {
				t.Fatalf("%d blocks, want %d", len(got), len(want))
			}
			for i := range got {
				b, err := lzo.Decompress(make([]byte, 0, blockRoom), got[i])
				if err != nil || !bytes.Equal(b, want[i]) {
					t.Errorf("block %d: %d bytes, want %d, or they differ; error %v", i, len(b), len(want[i]), err)
				}
			}
		})
	}
}

// The records of a block that nfcapd wrote fill it to its last byte.
func TestRealBlocksHoldRecords(t *testing.T) {
	blocks := dataBlocks(t, realFile(t, "real/nfcapd.v1-lzo-small"))
	if len(blocks) == 0 {
		t.Fatal("no blocks")
	}
	for i, src := range blocks {
		b, err := lzo.Decompress(make([]byte, 0, blockRoom), src)
		if err != nil {
			t.Fatalf("block %d: %v", i, err)
		}
		for len(b) >= 4 {
			size := int(binary.LittleEndian.Uint16(b[2:]))
			if size < 4 || size > len(b) {
				t.Fatalf("block %d: record of %d bytes, %d left", i, size, len(b))
			}
			b = b[size:]
		}
		if len(b) != 0 {
			t.Errorf("block %d: %d bytes behind its last record", i, len(b))
		}
	}
}
