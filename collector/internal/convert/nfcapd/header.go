package nfcapd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"spot-ingest/collector/internal/convert/rawfile"
)

var le = binary.LittleEndian

// Sizes of the file header. That of layout 1 goes on with a record of statistics.
const (
	magic          = 0xA50C
	preambleSize   = 4 // magic and layout version
	headerSizeV1   = 140 + 136
	headerSizeV2   = 40
	compressionsV1 = flagLZO | flagBZ2 | flagLZ4
)

// Flags of a layout 1 header. Another one says that addresses are anonymized.
const (
	flagLZO = 0x01
	flagBZ2 = 0x08
	flagLZ4 = 0x10
)

type header struct {
	layout      uint16
	compression compression
	blocks      int64 // at least, incl. those of the appendix
	size        int64 // bytes
}

func readHeader(src io.Reader) (header, error) {
	var b [headerSizeV1]byte
	n, err := io.ReadFull(src, b[:preambleSize])
	if err := headerError(err, n, b[:n]); err != nil {
		return header{}, err
	}
	var h header
	switch h.layout = le.Uint16(b[2:]); h.layout {
	case 1:
		h.size = headerSizeV1
	case 2:
		h.size = headerSizeV2
	default:
		return header{}, unknown("nfcapd file of layout version %d; 1 and 2 are known", h.layout)
	}
	n, err = io.ReadFull(src, b[preambleSize:h.size])
	if err := headerError(err, preambleSize+n, b[:preambleSize]); err != nil {
		return header{}, err
	}
	if h.layout == 1 {
		return h, h.parseV1(b[:])
	}
	return h, h.parseV2(b[:])
}

// headerError judges what came of reading: n bytes so far, of which start are the first.
func headerError(err error, n int, start []byte) error {
	switch {
	case n >= 2 && le.Uint16(start) != magic:
		return unknown("%s", looksLike(start))
	case err == nil:
		return nil
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("read the header of an nfcapd file: %w", err)
	case n == 0:
		return damaged(0, "the file is empty")
	}
	return damaged(int64(n), "the file ends within its header")
}

func (h *header) parseV1(b []byte) error {
	switch flags := le.Uint32(b[4:]) & compressionsV1; flags {
	case 0:
		h.compression = uncompressed
	case flagLZO:
		h.compression = compressedLZO
	case flagBZ2:
		h.compression = compressedBZ2
	case flagLZ4:
		h.compression = compressedLZ4
	default:
		return unknown("nfcapd file with several compressions, flags 0x%x", flags)
	}
	h.blocks = int64(le.Uint32(b[8:]))
	return nil
}

func (h *header) parseV2(b []byte) error {
	h.compression = compression(b[16])
	if h.compression > compressedZSTD {
		return unknown("nfcapd file with compression %d", h.compression)
	}
	if encryption := b[17]; encryption != 0 {
		return unknown("nfcapd file with encryption %d", encryption)
	}
	h.blocks = int64(le.Uint32(b[36:])) + int64(le.Uint16(b[18:]))
	return nil
}

func unknown(format string, args ...any) *rawfile.Unknown {
	return &rawfile.Unknown{What: fmt.Sprintf(format, args...)}
}

// looksLike says what a file is that begins with other bytes than an nfcapd file, so that
// one that was put into the wrong folder is recognized.
func looksLike(start []byte) string {
	for _, kind := range []struct{ start, name string }{
		{"\xA5\x0C", "nfcapd file of a big-endian machine"},
		{"\x1F\x8B", "gzip file"},
		{"BZh", "bzip2 file"},
		{"\x28\xB5\x2F\xFD", "zstd file"},
		{"\xFD7zX", "xz file"},
		{"PK\x03\x04", "zip file"},
		{"\xD4\xC3\xB2\xA1", "pcap file"},
		{"\xA1\xB2\xC3\xD4", "pcap file"},
		{"\x4D\x3C\xB2\xA1", "pcap file"},
		{"\xA1\xB2\x3C\x4D", "pcap file"},
		{"\x0A\x0D\x0D\x0A", "pcapng file"},
	} {
		if bytes.HasPrefix(start, []byte(kind.start)) {
			return kind.name
		}
	}
	if isText(start) {
		return fmt.Sprintf("text, beginning with %q", start)
	}
	return fmt.Sprintf("file that begins with the bytes % x, not with 0c a5", start)
}

func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
