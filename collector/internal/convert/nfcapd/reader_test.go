package nfcapd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"spot-ingest/collector/internal/convert/rawfile"
)

const (
	seenAt     = "2019-08-12 18:50:47,2019,8,12,18,50,47,2.500,"
	receivedAt = "2019-08-12 18:51:47,2019,8,12,18,51,47,2.500,"
	received   = uint64(1565635907_123)
)

func ExampleReader() {
	flow := flowV3(0, elementOf(elGeneric, aGeneric), elementOf(elIPv4, v4(10, 0, 0, 1), v4(192, 0, 2, 20)))
	file := bytes.NewReader(fileV2(uncompressed, blockOf(blockV2, uncompressed, flow), appendix(uncompressed)))
	r, err := NewReader(file)
	var rows []byte
	for err == nil {
		rows, err = r.Next(rows[:0])
		os.Stdout.Write(rows)
	}
	fmt.Println(r.Rows(), err)
	// Output:
	// 2019-08-12 18:51:47,2019,8,12,18,51,47,2.500,10.0.0.1,192.0.2.20,443,51000,TCP,.AP.SF,64,8,3,180,0,0,0,0,0,0,0,0,0.0.0.0
	// 1 EOF
}

// TestRecordsV1 has a row for each record of layout 1, or none.
func TestRecordsV1(t *testing.T) {
	ipv4 := pack(v4(10, 0, 0, 1), v4(192, 168, 1, 20))
	ipv6 := pack(v6{0x20010db8_00000000, 1}, v6{0xfe800000_00000000, 0x02110abc_d1234000})
	all := mapOf(7, 4, 6, 8, 9, 11, 13, 14, 16, 18, 20, 21, 22, 23, 25, 26, 27)
	for _, c := range []struct {
		name    string
		records [][]byte
		want    []string
		note    string
	}{
		{
			name:    "nothing but what all have",
			records: [][]byte{mapOf(0), flowV1(0, 0, aCommon, ipv4, uint32(3), uint32(180))},
			want:    []string{seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,3,180,0,0,0,0,0,0,0,0,0.0.0.0"},
		},
		{
			name: "64 bits, IPv6",
			records: [][]byte{mapOf(0, 5, 7, 15, 17, 24, 27), flowV1(flagIPv6|flagPackets64|flagBytes64, 0, aCommon, ipv6,
				uint64(1)<<40, ^uint64(0), uint32(1)<<31, uint32(2), uint32(4200000000), uint32(65001), uint64(5)<<33, uint64(6)<<33,
				v6{0x20010db8_00000000, 0xff}, received)},
			want: []string{receivedAt + "2001:db8::1,fe80::211:abc:d123:4000,443,51000,TCP,.AP.SF,64,8,1099511627776,18446744073709551615," +
				"42949672960,51539607552,2147483648,2,4200000000,65001,0,0,2001:db8::ff"},
		},
		{
			name: "all extensions, 16 and 32 bits",
			records: [][]byte{all, flowV1(0, 7, aCommon, ipv4, uint32(3), uint32(180),
				uint16(12), uint16(14), uint16(775), uint16(8404), uint8(4), uint8(1), uint16(0x1810), v4(1, 1, 1, 1), v4(2, 2, 2, 2),
				uint32(9), uint32(203), uint32(44556677), uint32(1), [16]byte{1}, [16]byte{2}, [40]byte{3}, v4(127, 0, 0, 1), uint32(0), uint64(0), received)},
			want: []string{receivedAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,3,180,203,44556677,12,14,775,8404,4,1,127.0.0.1"},
		},
		{
			name:    "smaller header, of older files",
			records: [][]byte{mapOf(0, 4), smallFlowV1(flagBytes64, 0, aCommon, ipv4, uint32(3), uint64(180), uint16(12), uint16(14))},
			want:    []string{seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,3,180,0,0,12,14,0,0,0,0,0.0.0.0"},
		},
		{
			name: "an extension map that is defined again",
			records: [][]byte{
				mapOf(0, 4), flowV1(0, 0, aCommon, ipv4, uint32(3), uint32(180), uint16(12), uint16(14)),
				mapOf(0, 6), flowV1(0, 0, aCommon, ipv4, uint32(3), uint32(180), uint16(12), uint16(14)),
			},
			want: []string{
				seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,3,180,0,0,12,14,0,0,0,0,0.0.0.0",
				seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,3,180,0,0,0,0,12,14,0,0,0.0.0.0",
			},
		},
		{
			name:    "no extension map",
			records: [][]byte{mapOf(0xFFFF), flowV1(0, 0xFFFE, aCommon, ipv4, uint32(3), uint32(180)), flowV1(0, 0xFFFF, aCommon, ipv4, uint32(4), uint32(180))},
			want:    []string{seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,4,180,0,0,0,0,0,0,0,0,0.0.0.0"},
			note:    "1 flows left out: the file doesn't hold their extension maps",
		},
		{
			name: "events",
			records: [][]byte{
				mapOf(0, 37), flowV1(0, 0, aCommon, ipv4, uint32(0), uint32(0), [20]byte{}),
				mapOf(1, 46), flowV1(0, 1, aCommon, ipv4, uint32(0), uint32(0), [12]byte{}),
				mapOf(2), flowV1(flagEvent, 2, aCommon, ipv4, uint32(0), uint32(0)),
				flowV1(0, 0, aCommon, ipv4, uint32(0), uint32(1), [20]byte{}), // it counts something
				flowV1(0, 2, aCommon, ipv4, uint32(0), uint32(0)),             // no event
			},
			want: []string{
				seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,0,1,0,0,0,0,0,0,0,0,0.0.0.0",
				seenAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,0,0,0,0,0,0,0,0,0,0,0.0.0.0",
			},
			note: "3 firewall or NAT events (NSEL, NEL) left out: they count no packets and no bytes",
		},
		{
			name:    "records of other kinds",
			records: [][]byte{exporter(), pack(uint16(9), uint16(16), [12]byte{}), pack(uint16(99), uint16(4)), pack(uint16(100), uint16(4))},
			note:    "2 records left out: of unknown types, the first of type 99",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkRows(t, fileV1(0, blockOf(blockV1, uncompressed, c.records...)), c.want, c.note)
		})
	}
}

// TestRecordsV2 has a row for each record of layout 2, or none.
func TestRecordsV2(t *testing.T) {
	flow := elementOf(elGeneric, aGeneric)
	ipv4 := elementOf(elIPv4, v4(10, 0, 0, 1), v4(192, 168, 1, 20))
	ipv6 := elementOf(elIPv6, v6{0x20010db8_00000000, 1}, v6{0, 0xffff_0a000001})
	unseen, underflow, absurd, event := aGeneric, aGeneric, aGeneric, aGeneric
	unseen.Received = 999
	underflow.Last = underflow.First - 10_000
	absurd.First, absurd.Last, absurd.Received = 1<<62, 1<<62, 1<<63
	event.Packets, event.Bytes = 0, 0
	const rest = ",443,51000,TCP,.AP.SF,64,8,3,180,0,0,0,0,0,0,0,0,0.0.0.0"
	for _, c := range []struct {
		name    string
		records [][]byte
		want    []string
		note    string
	}{
		{
			name: "all that matters, in another order, with elements that don't",
			records: [][]byte{flowV3(0,
				elementOf(elRouterIPv4, v4(172, 16, 0, 1)), elementOf(14, [40]byte{9}), elementOf(elCounters, uint64(1), uint64(203), uint64(44556677)),
				elementOf(0, [32]byte{}), elementOf(elMisc, uint32(100), uint32(200), uint8(24), uint8(16), uint8(1), uint8(4), [4]byte{}),
				elementOf(999), elementOf(elAS, uint32(775), uint32(4200000000)), ipv4, elementOf(10, v4(1, 2, 3, 4)), flow)},
			want: []string{receivedAt + "10.0.0.1,192.168.1.20,443,51000,TCP,.AP.SF,64,8,3,180,203,44556677,100,200,775,4200000000,4,1,172.16.0.1"},
		},
		{
			name:    "IPv6",
			records: [][]byte{flowV3(0, flow, ipv6, elementOf(elRouterIPv6, v6{0xfe800000_00000000, 1}))},
			want:    []string{receivedAt + "2001:db8::1,::ffff:10.0.0.1" + strings.TrimSuffix(rest, "0.0.0.0") + "fe80::1"},
		},
		{
			name: "both kinds of addresses, of which one is zero",
			records: [][]byte{
				flowV3(0, flow, ipv4, elementOf(elIPv6, [32]byte{})), flowV3(0, flow, elementOf(elIPv6, [32]byte{}), ipv4),
				flowV3(0, flow, ipv6, elementOf(elIPv4, [8]byte{})), flowV3(0, flow, elementOf(elIPv4, [8]byte{}), ipv6),
			},
			want: []string{
				receivedAt + "10.0.0.1,192.168.1.20" + rest, receivedAt + "10.0.0.1,192.168.1.20" + rest,
				receivedAt + "2001:db8::1,::ffff:10.0.0.1" + rest, receivedAt + "2001:db8::1,::ffff:10.0.0.1" + rest,
			},
		},
		{
			name:    "no elements",
			records: [][]byte{flowV3(0)},
			want:    []string{"1970-01-01 00:00:00,1970,1,1,0,0,0,0.000,0.0.0.0,0.0.0.0,0,0,0,......,0,0,0,0,0,0,0,0,0,0,0,0,0.0.0.0"},
		},
		{
			name: "times",
			records: [][]byte{
				flowV3(0, elementOf(elGeneric, unseen)), flowV3(0, elementOf(elGeneric, underflow)), flowV3(0, elementOf(elGeneric, absurd)),
			},
			want: []string{
				seenAt + "0.0.0.0,0.0.0.0" + rest,
				strings.Replace(receivedAt, "2.500", "18446744073709540.000", 1) + "0.0.0.0,0.0.0.0" + rest,
				"1970-01-01 00:00:00,1970,1,1,0,0,0,0.000,0.0.0.0,0.0.0.0" + rest,
			},
		},
		{
			name: "events",
			records: [][]byte{
				flowV3(flagEventV3, elementOf(elGeneric, event), ipv4), flowV3(0, elementOf(elGeneric, event), elementOf(elNSEL, [16]byte{})),
				flowV3(0, elementOf(elNEL, [16]byte{}), elementOf(elGeneric, event)), flowV3(0), flowV3(flagEventV3, flow, ipv4),
			},
			want: []string{
				"1970-01-01 00:00:00,1970,1,1,0,0,0,0.000,0.0.0.0,0.0.0.0,0,0,0,......,0,0,0,0,0,0,0,0,0,0,0,0,0.0.0.0",
				receivedAt + "10.0.0.1,192.168.1.20" + rest,
			},
			note: "3 firewall or NAT events (NSEL, NEL) left out: they count no packets and no bytes",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkRows(t, fileV2(uncompressed, blockOf(blockV2, uncompressed, c.records...), appendix(uncompressed)), c.want, c.note)
		})
	}
}

func checkRows(t *testing.T, file []byte, want []string, note string) {
	t.Helper()
	got, r, err := readAll(iotest.HalfReader(bytes.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	sameRows(t, "want", got, want)
	if len(got) != len(want) || r.Rows() != int64(len(want)) {
		t.Errorf("%d rows, %d counted, want %d:\n%s", len(got), r.Rows(), len(want), strings.Join(got, "\n"))
	}
	if notes := strings.Join(r.Notes(), "; "); notes != note {
		t.Errorf("notes %q, want %q", notes, note)
	}
}

// TestCompressions has the same rows in each, and a block that is not compressed as the
// others are.
func TestCompressions(t *testing.T) {
	// The same records in each, so that no two files compress to other rows.
	records := [][]byte{mapOf(0)}
	for i := range 200 {
		records = append(records, flowV1(0, 0, aCommon, v4(10, 0, 0, 1), v4(10, 0, 0, uint32(i)), uint32(3), uint32(i)))
	}
	want := rowsIn(t, fileV1(0, blockOf(blockV1, uncompressed, records...)))
	if len(want) != 200 {
		t.Fatalf("%d rows", len(want))
	}
	plain := blockOf(blockV2, uncompressed, records...)
	plain[10] = 1 // the flag that says so
	for c := uncompressed; c <= compressedZSTD; c++ {
		if c == compressedBZ2 {
			continue
		}
		got := rowsIn(t, fileV2(c, blockOf(blockV2, c, records...), plain, appendix(c)))
		if !slices.Equal(got, append(want[:200:200], want...)) {
			t.Errorf("%s: other rows", c)
		}
	}
	if got, want := rowsIn(t, fileV1(flagBZ2, bzip2Block())), rowsIn(t, fileV1(0, blockOf(blockV1, uncompressed, bzip2Records()...))); !slices.Equal(got, want) {
		t.Errorf("bzip2: %q, want %q", got, want)
	}
	for flag, c := range map[uint32]compression{0: uncompressed, flagLZO: compressedLZO, flagLZ4: compressedLZ4} {
		plain := blockOf(blockV1, uncompressed, records...)
		plain[10] = 1
		got := rowsIn(t, fileV1(flag|2, blockOf(blockV1, c, records...), plain))
		if !slices.Equal(got, append(want[:200:200], want...)) {
			t.Errorf("%s: other rows", c)
		}
	}
}

// TestBlocks passes over blocks that hold no records, and says of which it doesn't know.
func TestBlocks(t *testing.T) {
	flow := flowV3(0, elementOf(elGeneric, aGeneric))
	junk := bytes.Repeat([]byte{0xEE}, 100)
	got, r, err := readAll(bytes.NewReader(fileV2(uncompressed, blockOf(blockArray, uncompressed, junk), blockOf(1, uncompressed, junk),
		blockOf(77, uncompressed, junk), blockOf(blockV2, uncompressed, flow), appendix(uncompressed))))
	if err != nil || len(got) != 1 || r.Skipped() != 1+2 {
		t.Errorf("%d rows, %d skipped, %v", len(got), r.Skipped(), err)
	}
	if want := []string{"2 blocks left out: of unknown types, the first of type 1"}; !slices.Equal(r.Notes(), want) {
		t.Errorf("notes %q", r.Notes())
	}
	got, r, err = readAll(bytes.NewReader(fileV1(0, blockOf(blockLarge, uncompressed, junk), blockOf(blockV1, uncompressed, flow))))
	if err != nil || len(got) != 1 || r.Skipped() != 1 || r.Notes() != nil {
		t.Errorf("%d rows, %d skipped, %q, %v", len(got), r.Skipped(), r.Notes(), err)
	}
}

// TestPieces reads a block that doesn't fit in one piece.
func TestPieces(t *testing.T) {
	records := slices.Repeat([][]byte{flowV3(0, elementOf(elGeneric, aGeneric))}, 10_000)
	r, err := NewReader(bytes.NewReader(fileV2(uncompressed, blockOf(blockV2, uncompressed, records...), appendix(uncompressed))))
	if err != nil {
		t.Fatal(err)
	}
	pieces, rows := 0, 0
	for {
		piece, err := r.Next([]byte("before:"))
		if err != nil {
			if _, again := r.Next(nil); err != io.EOF || again != io.EOF || len(piece) != len("before:") {
				t.Errorf("%v, then %v", err, again)
			}
			break
		}
		if !bytes.HasPrefix(piece, []byte("before:2019")) || !bytes.HasSuffix(piece, []byte("\n")) || len(piece) > pieceSize+maxRow {
			t.Fatalf("a piece of %d bytes: %.40q...", len(piece), piece)
		}
		pieces++
		rows += bytes.Count(piece, []byte("\n"))
	}
	if pieces < 4 || rows != 10_000 || r.Rows() != 10_000 {
		t.Errorf("%d rows in %d pieces, %d counted", rows, pieces, r.Rows())
	}
}

func TestReadErrors(t *testing.T) {
	broken := errors.New("input/output error")
	file := fileV1(0, blockOf(blockV1, uncompressed, mapOf(0), flowV1(0, 0, aCommon, [16]byte{})))
	for n := range file {
		rows, _, err := readAll(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken)))
		if len(rows) > 0 || !errors.Is(err, broken) {
			t.Fatalf("after %d bytes: %d rows, %v", n, len(rows), err)
		}
	}
}

func TestUnknown(t *testing.T) {
	nothing := bytes.Repeat([]byte{0}, 300)
	v2 := fileV2(uncompressed, appendix(uncompressed))
	with := func(at int, b byte) []byte {
		file := bytes.Clone(v2)
		file[at] = b
		return file
	}
	for want, file := range map[string][]byte{
		"nfcapd file of layout version 3; 1 and 2 are known":          with(2, 3),
		"nfcapd file with compression 5":                              with(16, 5),
		"nfcapd file with encryption 1":                               with(17, 1),
		"nfcapd file with several compressions, flags 0x9":            fileV1(flagLZO | flagBZ2),
		"nfcapd file of a big-endian machine":                         {0xA5, 0x0C, 0, 1},
		"gzip file":                                                   []byte("\x1f\x8b\x08\x00"),
		"pcap file":                                                   []byte("\xd4\xc3\xb2\xa1\x02\x00"),
		"pcapng file":                                                 []byte("\x0a\x0d\x0d\x0a"),
		`text, beginning with "ts,t"`:                                 []byte("ts,te,td"),
		"file that begins with the bytes 00 00 00 00, not with 0c a5": nothing,
		"file that begins with the bytes 00 00, not with 0c a5":       nothing[:2],
	} {
		_, err := NewReader(bytes.NewReader(file))
		var unknown *rawfile.Unknown
		if !errors.As(err, &unknown) || unknown.What != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
