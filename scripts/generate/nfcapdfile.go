package generate

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

const (
	nfcapdMagic     = 0xA50C
	nfcapdIdent     = "none"  // what nfcapd says without -I
	nfcapdBlock     = 1 << 20 // no block holds more bytes of records, before it is packed
	nfcapdLongest   = 512     // more than any record made here
	nfcapdBlockHead = 12
)

// An nfcapdLayout is a version of the format: a header, and blocks of records, all little
// endian. Version 1 has statistics in its header, version 2 in a last block of its own.
// nfdump's nffile.h and nffileV2.h describe both.
type nfcapdLayout struct {
	header    func(n *nfcapdFile) []byte
	blockType uint16
	// The functions below add one record to b each.
	sampler  func(b []byte, exporter int) []byte
	maps     int // records that say which fields flows have
	fieldMap func(b []byte, id int, received bool) []byte
	flow     func(b []byte, l *nfcapdFlow) []byte
	// appendix adds the two records of the last block, if there is one.
	appendix func(b []byte, n *nfcapdFile) []byte
}

var nfcapdLayouts = map[int]*nfcapdLayout{1: &nfcapdLayout1, 2: &nfcapdLayout2}

type nfcapdFile struct {
	w      io.Writer
	o      NfcapdOptions
	layout *nfcapdLayout

	block   []byte // records, with room for one more than fits
	records uint32 // in block
	packed  []byte // the block as it is written
	lz4     lz4.Compressor
	zstd    *zstd.Encoder

	size       int64
	blocks     uint32 // without the appendix
	appendixAt int64
	stats      nfcapdStats
}

func newNfcapdFile(w io.Writer, o NfcapdOptions) *nfcapdFile {
	return &nfcapdFile{w: w, o: o, layout: nfcapdLayouts[o.Version], block: make([]byte, 0, nfcapdBlock+nfcapdLongest)}
}

// add takes over b, the block with one more record. If that is too much, the block is
// written without it, and it is the first of the next.
func (n *nfcapdFile) add(b []byte) error {
	if len(b) > nfcapdBlock {
		record := b[len(n.block):]
		if err := n.writeBlock(); err != nil {
			return err
		}
		n.blocks++
		b = append(b[:0], record...)
	}
	n.block = b
	n.records++
	return nil
}

// end writes what is left, and the appendix.
func (n *nfcapdFile) end() error {
	if n.records > 0 {
		if err := n.writeBlock(); err != nil {
			return err
		}
		n.blocks++
	}
	if n.layout.appendix == nil {
		return nil
	}
	n.appendixAt = n.size
	n.block, n.records = n.layout.appendix(n.block, n), 2
	return n.writeBlock()
}

// rewriteHeader puts the header, now that all is counted, to the start of the file, and goes
// back to its end.
func (n *nfcapdFile) rewriteHeader(w io.WriteSeeker, start int64) error {
	if _, err := w.Seek(start, io.SeekStart); err != nil {
		return fmt.Errorf("go back to the header: %w", err)
	}
	if _, err := w.Write(n.layout.header(n)); err != nil {
		return fmt.Errorf("write the header: %w", err)
	}
	if _, err := w.Seek(start+n.size, io.SeekStart); err != nil {
		return fmt.Errorf("go to the end: %w", err)
	}
	return nil
}

// writeBlock packs and writes the block, and leaves it empty.
func (n *nfcapdFile) writeBlock() error {
	b, err := n.pack(append(n.packed[:0], make([]byte, nfcapdBlockHead)...))
	if err != nil {
		return fmt.Errorf("pack block %d: %w", n.blocks, err)
	}
	binary.LittleEndian.PutUint32(b, n.records)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-nfcapdBlockHead))
	binary.LittleEndian.PutUint16(b[8:], n.layout.blockType)
	n.packed, n.block, n.records = b, n.block[:0], 0
	return n.write(b)
}

// pack adds the block's records to b, compressed.
func (n *nfcapdFile) pack(b []byte) ([]byte, error) {
	switch n.o.Compression {
	case LZO:
		return AppendLZO(b, n.block), nil
	case LZ4:
		room := lz4.CompressBlockBound(len(n.block))
		b = slices.Grow(b, room)
		size, err := n.lz4.CompressBlock(n.block, b[len(b):len(b)+room])
		return b[:len(b)+size], err
	case ZSTD:
		if n.zstd == nil {
			// One goroutine, so that the same records always give the same bytes.
			var err error
			if n.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1)); err != nil {
				return nil, err
			}
		}
		return n.zstd.EncodeAll(n.block, b), nil
	}
	return append(b, n.block...), nil
}

func (n *nfcapdFile) write(b []byte) error {
	if _, err := n.w.Write(b); err != nil {
		return fmt.Errorf("write block %d: %w", n.blocks, err)
	}
	n.size += int64(len(b))
	return nil
}
