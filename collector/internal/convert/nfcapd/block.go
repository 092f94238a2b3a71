package nfcapd

import (
	"errors"
	"fmt"
	"io"

	"spot-ingest/collector/internal/convert/rawfile"
)

// maxBlock is what nfdump itself allows a block to have, as it lies on disk and
// decompressed. It begins a new one at 1 or 2 MiB.
const maxBlock = 5 << 20

const (
	blockHeaderSize  = 12
	recordHeaderSize = 4 // type and size
)

// Types of blocks. In layout 1, type 3 is a histogram of ports.
const (
	blockV1    = 2
	blockV2    = 3
	blockLarge = 3
	blockArray = 4 // an index by address or the like, for lookups
)

// errCut stands for an uncompressed block that the file ends in.
var errCut = errors.New("the file ends within the block")

// A block is what is in hand of the file.
type block struct {
	offset  int64  // of its header in the file
	body    []byte // decompressed
	pos     int    // where the next record begins
	records uint32 // as its header counts them
	done    uint32
	kind    uint16
	layout  uint16 // of the file
	cut     bool   // the file ends before the body does
}

// holdsRecords tells whether the block is a series of records.
func (b *block) holdsRecords() bool {
	return b.kind == blockV1 || b.kind == blockV2 && b.layout == 2
}

// record returns the next record and passes over it.
func (b *block) record() ([]byte, error) {
	rest := b.body[b.pos:]
	switch {
	case len(rest) == 0 && !b.cut:
		return nil, errors.New("is missing: the block ends before it")
	case len(rest) < recordHeaderSize:
		return nil, b.beyond("its header")
	}
	size := int(le.Uint16(rest[2:]))
	switch {
	case size < recordHeaderSize:
		return nil, fmt.Errorf("says that it has %d bytes", size)
	case size > len(rest):
		return nil, b.beyond(fmt.Sprintf("its %d bytes", size))
	}
	b.pos += size
	return rest[:size:size], nil
}

// beyond blames whichever ended too early.
func (b *block) beyond(what string) error {
	if b.cut {
		return errCut
	}
	return fmt.Errorf("doesn't fit in: the block ends within %s", what)
}

// damage says what is wrong with the record that comes next.
func (b *block) damage(err error) *rawfile.Damage {
	if errors.Is(err, errCut) {
		return damaged(b.offset, "the file ends within a block, after %d of its %d records", b.done, b.records)
	}
	return damaged(b.offset, "record %d of %d of this block %v", b.done+1, b.records, err)
}

func damaged(offset int64, format string, args ...any) *rawfile.Damage {
	return &rawfile.Damage{Offset: offset, What: fmt.Sprintf(format, args...)}
}

// A blockSource reads and decompresses blocks.
type blockSource struct {
	src    io.Reader
	header header
	offset int64 // of what is read next
	blocks int64 // so far
	disk   []byte
	codec  codec
}

// next reads a block into b, whose body it uses again. It returns io.EOF at the end of
// a healthy file.
func (s *blockSource) next(b *block) error {
	var h [blockHeaderSize]byte
	n, err := io.ReadFull(s.src, h[:])
	switch {
	case err == io.EOF && s.blocks >= s.header.blocks:
		return io.EOF
	case err == io.EOF:
		return damaged(s.offset, "the file ends after %d of %d blocks", s.blocks, s.header.blocks)
	case err == io.ErrUnexpectedEOF:
		return damaged(s.offset, "the file ends after %d bytes of a block's header", n)
	case err != nil:
		return fmt.Errorf("read a block's header at byte %d: %w", s.offset, err)
	}
	*b = block{
		offset: s.offset, body: b.body[:0], layout: s.header.layout,
		records: le.Uint32(h[0:]), kind: le.Uint16(h[8:]),
	}
	size := le.Uint32(h[4:])
	if size == 0 || size > maxBlock || b.records == 0 {
		return damaged(s.offset, "no block: %d bytes with %d records", size, b.records)
	}
	compression := s.header.compression
	if isUncompressed(s.header.layout, le.Uint16(h[10:])) {
		compression = uncompressed
	}
	if err := s.readBody(b, int(size), compression); err != nil {
		return err
	}
	s.offset += blockHeaderSize + int64(size)
	s.blocks++
	return nil
}

// isUncompressed tells whether a block's flags say that it is not compressed as the file
// is: in layout 1 they are one number of three, in layout 2 bits.
func isUncompressed(layout, flags uint16) bool {
	if layout == 1 {
		return flags == 1
	}
	return flags&1 != 0
}

func (s *blockSource) readBody(b *block, size int, c compression) error {
	into := &s.disk
	if c == uncompressed {
		into = &b.body
	}
	var err error
	*into, err = readFull(s.src, (*into)[:0], size)
	switch cut := err == io.ErrUnexpectedEOF; {
	case cut && c == uncompressed && b.holdsRecords():
		b.cut = true
		return nil
	case cut:
		return damaged(s.offset, "the file ends within a block of %d bytes", size)
	case err != nil:
		return fmt.Errorf("read a block at byte %d: %w", s.offset, err)
	case c == uncompressed, !b.holdsRecords():
		return nil
	}
	b.body, err = s.codec.decompress(b.body[:0], s.disk, c)
	if err != nil {
		return damaged(s.offset, "a block of %d bytes can't be decompressed as %s: %v", size, c, err)
	}
	return nil
}

// readFull appends size bytes to dst, or what there is, with io.ErrUnexpectedEOF. It makes
// room only as bytes arrive, so that a size that lies costs nothing.
func readFull(src io.Reader, dst []byte, size int) ([]byte, error) {
	const step = 64 << 10
	for len(dst) < size {
		if len(dst) == cap(dst) {
			grown := make([]byte, len(dst), min(size, max(step, 4*len(dst))))
			copy(grown, dst)
			dst = grown
		}
		n, err := io.ReadFull(src, dst[len(dst):min(size, cap(dst))])
		dst = dst[:len(dst)+n]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}
