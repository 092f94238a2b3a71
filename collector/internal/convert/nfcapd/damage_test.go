package nfcapd

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"spot-ingest/collector/internal/convert/rawfile"
)

// smallFiles are of both layouts and of each compression that can be made here, with so many
// flows in the first of two blocks and one in the other.
func smallFiles(flows int) map[string][]byte {
	rnd := rand.New(rand.NewPCG(9, 10))
	files := map[string][]byte{}
	v1, more := someFlows(1, flows, rnd), someFlows(1, 1, rnd)
	for flag, c := range map[uint32]compression{0: uncompressed, flagLZO: compressedLZO, flagLZ4: compressedLZ4} {
		files["layout 1, "+c.String()] = fileV1(flag, blockOf(blockV1, c, v1...), blockOf(blockV1, c, more...))
	}
	v2, more := someFlows(2, flows, rnd), someFlows(2, 1, rnd)
	for _, c := range []compression{uncompressed, compressedLZO, compressedLZ4, compressedZSTD} {
		files["layout 2, "+c.String()] = fileV2(c, blockOf(blockV2, c, v2...), blockOf(blockV2, c, more...), appendix(c))
	}
	return files
}

// TestCut cuts files at each byte: what is there of the rows is the same, and the cut is noticed.
func TestCut(t *testing.T) {
	for name, file := range smallFiles(6) {
		whole := rowsIn(t, file)
		if len(whole) != 7 {
			t.Fatalf("%s: %d rows", name, len(whole))
		}
		before := 0
		for n := range file {
			rows, _, err := readAll(bytes.NewReader(file[:n]))
			var damage *rawfile.Damage
			if !errors.As(err, &damage) || damage.Offset > int64(n) {
				t.Fatalf("%s: cut after %d of %d bytes: %v", name, n, len(file), err)
			}
			if len(rows) > len(whole) || !slices.Equal(rows, whole[:len(rows)]) || len(rows) < before {
				t.Fatalf("%s: cut after %d of %d bytes: %d rows after %d, or others", name, n, len(file), len(rows), before)
			}
			before = len(rows)
		}
		if strings.Contains(name, "2") && before != len(whole) {
			t.Errorf("%s: %d rows of %d when only the appendix is cut", name, before, len(whole))
		}
	}
}

// TestFlippedBytes reads whatever comes of it, in the shape of rows.
func TestFlippedBytes(t *testing.T) {
	for name, file := range smallFiles(6) {
		for at := range file {
			for _, flip := range []byte{0xFF, 0x01, 0x80} {
				broken := bytes.Clone(file)
				broken[at] ^= flip
				rows, _, _ := readAll(bytes.NewReader(broken))
				for _, row := range rows {
					if !isRow(row) {
						t.Fatalf("%s: byte %d flipped with %02x: %q", name, at, flip, row)
					}
				}
			}
		}
	}
}

// isRow checks the number of columns and the first of them.
func isRow(row string) bool {
	const shape = "0000-00-00 00:00:00,"
	if len(row) < len(shape) || strings.Count(row, ",") != 26 {
		return false
	}
	for i := range len(shape) {
		if digit := row[i] >= '0' && row[i] <= '9'; shape[i] == '0' && !digit || shape[i] != '0' && row[i] != shape[i] {
			return false
		}
	}
	return true
}

// TestDamage has what nfdump stops at, too: rows before it are kept, and the place is named.
func TestDamage(t *testing.T) {
	good := flowV3(0, elementOf(elGeneric, aGeneric))
	goodV1 := flowV1(0, 0, aCommon, [16]byte{})
	in := func(records ...[]byte) []byte {
		return fileV2(uncompressed, blockOf(blockV2, uncompressed, append([][]byte{good}, records...)...), appendix(uncompressed))
	}
	inV1 := func(records ...[]byte) []byte {
		return fileV1(0, blockOf(blockV1, uncompressed, append([][]byte{mapOf(0), goodV1}, records...)...))
	}
	block := func(records, size uint32, c compression, body ...byte) []byte {
		return fileV2(c, blockOf(blockV2, c, good), pack(records, size, uint16(blockV2), uint16(0), body), appendix(c))
	}
	const there = "of this block "
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"no record", "record 2 of 2 " + there + "is missing: the block ends before it", in(nil)},
		{"a record without a size", "record 2 of 2 " + there + "says that it has 0 bytes", in([]byte{99, 0, 0, 0})},
		{"a record smaller than its header", "record 2 of 2 " + there + "says that it has 3 bytes", in([]byte{99, 0, 3, 0})},
		{"a record beyond the block", "record 2 of 2 " + there + "doesn't fit in: the block ends within its 64 bytes", in(good[:63])},
		{"half a header", "record 2 of 2 " + there + "doesn't fit in: the block ends within its header", in(good[:3])},
		{"a flow that is smaller than its header", "record 2 of 2 " + there + "is a flow of 11 bytes", in(pack(uint16(typeFlowV3), uint16(11), [7]byte{}))},
		{"an element too many", "record 2 of 2 " + there + "is a flow with 1 elements more than it has room for", in(pack(uint16(typeFlowV3), uint16(12), uint16(1), [6]byte{}))},
		{"an element without a length", "record 2 of 2 " + there + "is a flow with an element of type 99 that says that it has 0 bytes, of 4",
			in(flowV3(0, pack(uint16(99), uint16(0))))},
		{"an element beyond the record", "record 2 of 2 " + there + "is a flow with an element of type 99 that says that it has 5 bytes, of 4",
			in(flowV3(0, pack(uint16(99), uint16(5))))},
		{"an element that is too short", "record 2 of 2 " + there + "is a flow with an element of type 2 of 11 bytes, not 12", in(flowV3(0, elementOf(elIPv4, [7]byte{})))},
		{"a flow of layout 1 that is smaller than its header", "record 3 of 3 " + there + "is a flow of 31 bytes", inV1(pack(uint16(typeFlow), uint16(31), [27]byte{}))},
		{"one that is too short for its addresses", "record 3 of 3 " + there + "is a flow of 71 bytes, too short for what it should hold",
			inV1(flowV1(flagIPv6, 0, aCommon, [39]byte{}))},
		{"one that is too short for its extensions", "record 4 of 4 " + there + "is a flow of 51 bytes, too short for what it should hold",
			inV1(mapOf(0, 4), flowV1(0, 0, aCommon, [19]byte{}))},
		{"an extension map that is smaller than its header", "record 3 of 3 " + there + "is an extension map of 7 bytes", inV1(pack(uint16(typeExtensionMap), uint16(7), [3]byte{}))},
		{"an extension that doesn't exist", "record 3 of 3 " + there + "is an extension map with extension 50, which doesn't exist",
			inV1(pack(uint16(typeExtensionMap), uint16(12), uint16(0), uint16(0), uint16(50), uint16(0)))},
		{"an empty block", "no block: 0 bytes with 1 records", block(1, 0, uncompressed)},
		{"a block without records", "no block: 4 bytes with 0 records", block(0, 4, uncompressed, 1, 2, 3, 4)},
		{"a block that is too large", "no block: 5242881 bytes with 1 records", block(1, maxBlock+1, uncompressed)},
		{"no LZO", "a block of 4 bytes can't be decompressed as LZO: lzo: ", block(1, 4, compressedLZO, 0xFF, 1, 2, 3)},
		{"no LZ4", "a block of 4 bytes can't be decompressed as LZ4: lz4: ", block(1, 4, compressedLZ4, 0xFF, 1, 2, 3)},
		{"no zstd", "a block of 4 bytes can't be decompressed as zstd: ", block(1, 4, compressedZSTD, 0xFF, 1, 2, 3)},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, r, err := readAll(bytes.NewReader(c.file))
			var damage *rawfile.Damage
			if !errors.As(err, &damage) || !strings.HasPrefix(damage.What, c.want) {
				t.Fatalf("%v, want %s", err, c.want)
			}
			if len(rows) != 1 || r.Rows() != 1 {
				t.Errorf("%d rows, %d counted, want the one before", len(rows), r.Rows())
			}
		})
	}
}

// TestCounts has blocks whose headers count other than they hold: nfdump believes them.
func TestCounts(t *testing.T) {
	good := flowV3(0, elementOf(elGeneric, aGeneric))
	block := blockOf(blockV2, uncompressed, good, good)
	block[0] = 1
	rows, r, err := readAll(bytes.NewReader(fileV2(uncompressed, block, appendix(uncompressed))))
	if want := []string{"1 blocks go on behind the last record that they count: the rest left out"}; len(rows) != 1 || err != nil || !slices.Equal(r.Notes(), want) {
		t.Errorf("one record too few: %d rows, %q, %v", len(rows), r.Notes(), err)
	}
	file := fileV1(0, blockOf(blockV1, uncompressed, good))
	file[8] = 2
	rows, _, err = readAll(bytes.NewReader(file))
	if len(rows) != 1 || err == nil || !strings.HasSuffix(err.Error(), ": the file ends after 1 of 2 blocks") {
		t.Errorf("one block too few: %d rows, %v", len(rows), err)
	}
	file[8] = 0 // as nfcapd leaves it when it is killed
	if rows := rowsIn(t, file); len(rows) != 1 {
		t.Errorf("no blocks counted: %d rows", len(rows))
	}
}

// streamZSTD compresses as something does that doesn't know the size when it begins.
func streamZSTD(t *testing.T, body []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBombs has blocks that are far larger than they may be when they are decompressed, and one that
// says that it is large: none of them takes much memory.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 64<<20)
	large := zeros[:maxBlock+1]
	bz2, err := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWTII/BwAMDBCAMAAAAQACCAAMMwFKaYFAWxBQF4u5IpwoSBkEfg4") // begins 6 MiB of zeros
	if err != nil {
		t.Fatal(err)
	}
	block := func(c compression, body []byte) []byte {
		return fileV2(c, pack(uint32(1), uint32(len(body)), uint16(blockV2), uint16(0), body), appendix(c))
	}
	lie := block(uncompressed, []byte{1})
	copy(lie[headerSizeV2+4:], pack(uint32(maxBlock)))
	for name, file := range map[string][]byte{
		"LZ4":                 block(compressedLZ4, compress(compressedLZ4, large)),
		"LZO":                 block(compressedLZO, literalLZO(append(large, 1))[:maxBlock]),
		"bzip2":               block(compressedBZ2, bz2),
		"zstd":                block(compressedZSTD, compress(compressedZSTD, zeros)),
		"zstd without a size": block(compressedZSTD, streamZSTD(t, zeros)),
		"lie":                 lie,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rows, _, err := readAll(bytes.NewReader(file))
		runtime.ReadMemStats(&after)
		var damage *rawfile.Damage
		if len(rows) > 0 || !errors.As(err, &damage) {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 8*maxBlock || name == "lie" && taken > 1<<20 {
			t.Errorf("%s: %d KiB allocated", name, taken>>10)
		}
	}
}
