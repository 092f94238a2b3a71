package nfcapd

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// pack lays numbers, arrays of them and byte slices out one after the other.
func pack(parts ...any) []byte {
	var b []byte
	for _, part := range parts {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return b
}

func fileV1(flags uint32, blocks ...[]byte) []byte {
	header := pack(uint16(magic), uint16(1), flags, uint32(len(blocks)), [128]byte{'n', 'o', 'n', 'e'}, [136]byte{})
	return append(header, bytes.Join(blocks, nil)...)
}

// fileV2 counts the last block as the appendix.
func fileV2(c compression, blocks ...[]byte) []byte {
	data := bytes.Join(blocks, nil)
	offset := headerSizeV2 + len(data) - len(blocks[len(blocks)-1])
	header := pack(uint16(magic), uint16(2), uint32(0xF1070800), uint64(1_500_000_000), c, uint8(0), uint16(1), uint32(0),
		uint64(offset), uint32(0), uint32(len(blocks)-1))
	return append(header, data...)
}

// appendix is the block behind the data of layout 2.
func appendix(c compression) []byte {
	return blockOf(blockV2, c, pack(uint16(typeIdent), uint16(9), []byte("none\x00")), pack(uint16(typeStat), uint16(148), [144]byte{}))
}

func blockOf(kind uint16, c compression, records ...[]byte) []byte {
	body := compress(c, bytes.Join(records, nil))
	return pack(uint32(len(records)), uint32(len(body)), kind, uint16(0), body)
}

func compress(c compression, body []byte) []byte {
	switch c {
	case compressedLZO:
		return literalLZO(body)
	case compressedLZ4:
		out := make([]byte, lz4.CompressBlockBound(len(body))+64)
		n, err := lz4.CompressBlock(body, out, nil)
		if err != nil || n == 0 {
			panic("incompressible")
		}
		return out[:n]
	case compressedZSTD:
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return w.EncodeAll(body, nil)
	}
	return body
}

// literalLZO stores a body of at least 18 bytes: one run of literals and the end marker.
func literalLZO(body []byte) []byte {
	out := []byte{0}
	n := len(body) - 18
	for ; n > 255; n -= 255 {
		out = append(out, 0)
	}
	if n == 0 {
		panic("a run of literals can't end in zero")
	}
	return append(append(append(out, byte(n)), body...), 0x11, 0, 0)
}

func mapOf(id uint16, extensions ...uint16) []byte {
	size := 0
	for _, e := range extensions {
		size += int(extensionSizes[e])
	}
	list := append(extensions[:len(extensions):len(extensions)], 0)
	if len(list)%2 != 0 {
		list = append(list, 0)
	}
	return pack(uint16(typeExtensionMap), uint16(mapHeader+2*len(list)), id, uint16(size), list)
}

// A common is what each flow of layout 1 has, in the order that it lies there.
type common struct {
	MsFirst, MsLast              uint16
	First, Last                  uint32
	Status, TCPFlags, Proto, Tos uint8
	SrcPort, DstPort             uint16
}

// aCommon is a flow of 2.5 seconds that begins at 2019-08-12 18:50:47.
var aCommon = common{
	MsFirst: 700, MsLast: 200, First: 1565635847, Last: 1565635850,
	Status: 64, TCPFlags: 27, Proto: 6, Tos: 8, SrcPort: 443, DstPort: 51000,
}

// flowV1 makes a record of addresses, counters and extensions, in whatever size they come.
func flowV1(flags uint8, mapID uint16, c common, parts ...any) []byte {
	rest := pack(parts...)
	return append(pack(uint16(typeFlow), uint16(flowHeader+len(rest)), flags, uint8(0), mapID, c, uint16(1), uint16(0)), rest...)
}

// smallFlowV1 is the same as before nfdump 1.6.3 or so.
func smallFlowV1(flags uint8, mapID uint16, c common, parts ...any) []byte {
	rest := pack(parts...)
	return append(pack(uint16(typeFlowSmall), uint16(flowHeaderSmall+len(rest)), flags, uint8(0), mapID, c), rest...)
}

func elementOf(kind uint16, parts ...any) []byte {
	body := pack(parts...)
	return pack(kind, uint16(elementHeader+len(body)), body)
}

// A generic is the element that each flow of layout 2 has, in the order that it lies there.
type generic struct {
	First, Last, Received        uint64
	Packets, Bytes               uint64
	SrcPort, DstPort             uint16
	Proto, TCPFlags, Status, Tos uint8
}

// aGeneric is a flow of 2.5 seconds that begins at 2019-08-12 18:50:47, received a minute later.
var aGeneric = generic{
	First: 1565635847_700, Last: 1565635850_200, Received: 1565635907_123, Packets: 3, Bytes: 180,
	SrcPort: 443, DstPort: 51000, Proto: 6, TCPFlags: 27, Status: 64, Tos: 8,
}

func flowV3(flags uint8, elements ...[]byte) []byte {
	rest := bytes.Join(elements, nil)
	header := pack(uint16(typeFlowV3), uint16(flowHeaderV3+len(rest)), uint16(len(elements)), uint8(0), uint8(0), uint16(1), flags, uint8(9))
	return append(header, rest...)
}

// v4 and v6 are addresses as both layouts hold them.
func v4(a, b, c, d uint32) uint32 { return a<<24 | b<<16 | c<<8 | d }

type v6 [2]uint64

// exporter is a record that says which router has which number.
func exporter() []byte { return pack(uint16(7), uint16(32), [28]byte{}) }

// someFlows makes records of layout 1 or 2, of all sorts.
func someFlows(layout, n int, rnd *rand.Rand) [][]byte {
	records := [][]byte{exporter()}
	if layout == 1 {
		records = append(records, mapOf(0, 5, 7, 8, 23, 27), mapOf(1, 4, 6, 9, 13, 14, 17, 24, 25), mapOf(2, 5, 8, 10, 12, 15, 16, 20, 21, 22, 26, 45))
	}
	first := uint64(1565635847_000)
	for range n {
		first += rnd.Uint64N(40)
		proto := [...]uint8{6, 6, 6, 17, 17, 1, 58, uint8(rnd.UintN(94))}[rnd.IntN(8)]
		last := first + rnd.Uint64N(60_000)
		port, flags := uint16(rnd.Uint32()), uint8(rnd.Uint32())>>rnd.IntN(4)
		packets, octets := rnd.Uint64()>>(32+rnd.IntN(32)), rnd.Uint64()>>(32+rnd.IntN(32))
		addresses := pack(rnd.Uint32(), rnd.Uint32())
		isV6 := uint8(rnd.IntN(2) * rnd.IntN(2))
		if isV6 == 1 {
			addresses = pack(v6{0x20010db8_00000000, rnd.Uint64() >> rnd.IntN(64)}, v6{rnd.Uint64() << rnd.IntN(64), rnd.Uint64() << rnd.IntN(64)})
		}
		router := pack(v4(10, 0, 0, rnd.Uint32N(4)))
		if layout == 2 {
			records = append(records, flowV3(0,
				elementOf(elGeneric, generic{first, last, last + rnd.Uint64N(300_000), packets, octets, port, 53, proto, flags, 0, 8}),
				elementOf(elIPv4+uint16(isV6), addresses),
				elementOf(elMisc, uint32(port>>6), uint32(port>>8), uint8(24), uint8(16), uint8(port%2), uint8(32), uint32(0)),
				elementOf(elAS, uint32(port), uint32(65000)),
				elementOf(elRouterIPv4, router)))
			continue
		}
		c := common{uint16(first % 1000), uint16(last % 1000), uint32(first / 1000), uint32(last / 1000), 1, flags, proto, 8, port, 53}
		counters := [...][]byte{pack(uint32(packets), uint32(octets)), pack(packets, uint32(octets)), pack(uint32(packets), octets), pack(packets, octets)}
		wide := uint8(rnd.IntN(4))
		extensions := [...][]byte{
			pack(uint32(port>>6), uint32(port>>8), uint32(port), uint32(65000), uint8(32), uint8(port%2), uint16(24), router, last+rnd.Uint64N(300_000)),
			pack(port>>6, port>>8, port, uint16(650), router, uint32(7), uint32(packets), octets, v6{1, uint64(port)}, uint32(0)),
			pack(uint32(port), uint32(port>>8), uint8(32), uint8(port%2), uint16(24), v6{}, v6{}, packets, uint32(octets), [32]byte{}, [40]byte{}, [8]byte{}, [24]byte{}),
		}
		kind := rnd.IntN(3)
		records = append(records, flowV1(isV6|wide<<1, uint16(kind), c, addresses, counters[wide], extensions[kind]))
	}
	return records
}

// rowsIn returns the rows of a file that has to be healthy.
func rowsIn(tb testing.TB, file []byte) []string {
	tb.Helper()
	rows, _, err := readAll(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// bzip2Records are what bzip2Block holds; nothing here can compress with bzip2.
func bzip2Records() [][]byte {
	return [][]byte{mapOf(0), flowV1(0, 0, aCommon, v4(10, 0, 0, 1), v4(10, 0, 0, 2), uint32(3), uint32(180))}
}

func bzip2Block() []byte {
	body, err := base64.StdEncoding.DecodeString("QlpoMTFBWSZTWTXIizkAAA7uDHvUAAhAQEAAIAIGDADAIABUUaMgaNMjQap+SjQ0000bap1WIwaECKLQMhWTMmC0sG90JOTaGGNc1mr8+LuSKcKEga5EWcg=")
	if err != nil {
		panic(err)
	}
	return pack(uint32(2), uint32(len(body)), uint16(blockV1), uint16(0), body)
}
