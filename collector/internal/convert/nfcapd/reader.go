// Package nfcapd reads the files that nfcapd writes, and prints their flows as Spot's own
// nfdump does: 27 columns of CSV.
//
// A file is a header and blocks, each compressed by itself, and a block is a header and
// records. There are two layouts. In layout 1 (nfdump 1.6), the optional parts of a flow record
// are named by an extension map that comes before it in the file; in layout 2 (nfdump 1.7), a flow
// record ("V3") is a list of elements with a type and a length. All numbers are little endian.
// The source of both is nfdump's own headers: nffile.h and nfx.h of 1.6, nffile.h,
// nffileV2.h, nfxV3.h and id.h of 1.7.
//
// The rows of layout 1 are those that Spot's own nfdump, a fork of 1.6.12, prints. Those of
// layout 2, which it can't read, have the columns of nfdump 1.7.1. Where the time of reception
// is not recorded, the first-seen time takes its place.
package nfcapd

import (
	"fmt"
	"io"
)

// pieceSize is what a call of Next prints before it hands over: enough to be worth a call,
// little enough that memory depends on it and not on how densely a block is packed.
const pieceSize = 256 << 10

// A Reader reads one file from its beginning to its end.
type Reader struct {
	blocks ahead
	block  block
	maps   extensionMaps
	text   rowText
	err    error // sticky: what Next returns once the rows before it are out

	rows    int64
	skipped int64 // records that hold no flow, as they should
	odd     oddities
}

// NewReader reads the file's header. A *rawfile.Unknown says that the file is foreign, or of a
// layout, compression or encryption that isn't known; a *rawfile.Damage that it ends within
// its header. Errors of src are wrapped.
func NewReader(src io.Reader) (*Reader, error) {
	h, err := readHeader(src)
	if err != nil {
		return nil, err
	}
	return &Reader{blocks: ahead{source: blockSource{src: src, header: h, offset: h.size}}}, nil
}

// Close waits until nothing is read from the source any more: a Reader reads ahead. Next is
// not to be called then.
func (r *Reader) Close() { r.blocks.close() }

// Next appends rows in the order of the file, each ended by a newline, without a header line:
// those of a block, or some 256 KiB of them. It appends rows or returns an error, never both:
// io.EOF behind the last row of a healthy file, a *rawfile.Damage behind the last good row of
// another, errors of the source wrapped. An error stays.
func (r *Reader) Next(dst []byte) ([]byte, error) {
	before := len(dst)
	for {
		dst = r.print(dst)
		if len(dst) > before {
			return dst, nil
		}
		if r.err != nil {
			return dst, r.err
		}
		switch r.err = r.blocks.take(&r.block); {
		case r.err != nil:
			r.block = block{} // it holds what doesn't belong together
		case !r.block.holdsRecords():
			r.skipBlock()
		}
	}
}

// Rows returns the number of rows that Next has appended.
func (r *Reader) Rows() int64 { return r.rows }

// Skipped returns the number of records that hold nothing for a flow table: extension maps,
// and records about exporters, samplers and the file itself. That is no reason to worry; what
// might be one is in Notes.
func (r *Reader) Skipped() int64 { return r.skipped }

// Notes returns lines for the log about flows and records that were left out.
func (r *Reader) Notes() []string { return r.odd.notes() }

// print appends rows of the block in hand, until it ends or a piece is full.
func (r *Reader) print(dst []byte) []byte {
	b := &r.block
	limit := len(dst) + pieceSize
	for b.done < b.records && len(dst) < limit {
		record, err := b.record()
		if err == nil {
			dst, err = r.printRecord(dst, record)
		}
		if err != nil {
			b.done, r.err = b.records, b.damage(err)
			return dst
		}
		b.done++
	}
	if b.done == b.records && r.err == nil {
		if b.cut {
			r.err = b.damage(errCut)
		} else if len(b.body) > b.pos {
			r.odd.leftOver++
		}
		*b = block{body: b.body[:0]}
	}
	return dst
}

// Types of records. 12 to 14 name applications, interfaces and VRFs.
const (
	typeFlowSmall     = 1 // up to nfdump 1.6.3 or so: one byte for flags, one for the exporter
	typeExtensionMap  = 2
	typePortHistogram = 3
	typeSampler       = 9 // 4 to 9 are a histogram, and exporters and samplers
	typeFlow          = 10
	typeFlowV3        = 11
	typeSamplerV3     = 15
	typeIdent         = 0x8001
	typeStat          = 0x8002
)

// printRecord appends the row of a record, if it holds a flow.
func (r *Reader) printRecord(dst, record []byte) ([]byte, error) {
	var (
		f   flow
		err error
	)
	switch kind := le.Uint16(record); {
	case kind == typeFlowV3:
		err = f.decodeV3(record)
	case kind == typeFlow:
		err = f.decodeV1(record, flowHeader, &r.maps)
	case kind == typeFlowSmall:
		err = f.decodeV1(record, flowHeaderSmall, &r.maps)
	case kind == typeExtensionMap:
		r.skipped++
		return dst, r.maps.define(record)
	case kind >= typePortHistogram && kind <= typeSampler, kind > typeFlowV3 && kind <= typeSamplerV3,
		kind == typeIdent, kind == typeStat:
		r.skipped++
		return dst, nil
	default:
		r.odd.unknownRecord(kind)
		return dst, nil
	}
	switch {
	case err == errNoMap:
		r.odd.unmapped++
		return dst, nil
	case err != nil:
		return dst, err
	case f.event && f.packets|f.bytes|f.outPackets|f.outBytes == 0:
		r.odd.events++
		return dst, nil
	}
	r.rows++
	return r.text.appendRow(dst, &f), nil
}

// skipBlock passes over a block that holds no records one by one.
func (r *Reader) skipBlock() {
	if kind := r.block.kind; kind == blockArray || kind == blockLarge {
		r.skipped++
	} else {
		r.odd.unknownBlock(kind)
	}
	r.block = block{body: r.block.body[:0]}
}

// oddities counts what an operator should hear of.
type oddities struct {
	events   int64 // of firewalls and NAT, without counters
	unmapped int64 // flows whose extension map is not in the file
	leftOver int64 // blocks that go on behind their last record

	records, blocks         int64 // of unknown types
	firstRecord, firstBlock uint16
}

func (o *oddities) unknownRecord(kind uint16) {
	if o.records == 0 {
		o.firstRecord = kind
	}
	o.records++
}

func (o *oddities) unknownBlock(kind uint16) {
	if o.blocks == 0 {
		o.firstBlock = kind
	}
	o.blocks++
}

func (o *oddities) notes() []string {
	var notes []string
	note := func(n int64, format string, args ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf("%d ", n)+fmt.Sprintf(format, args...))
		}
	}
	note(o.events, "firewall or NAT events (NSEL, NEL) left out: they count no packets and no bytes")
	note(o.unmapped, "flows left out: the file doesn't hold their extension maps")
	note(o.records, "records left out: of unknown types, the first of type %d", o.firstRecord)
	note(o.blocks, "blocks left out: of unknown types, the first of type %d", o.firstBlock)
	note(o.leftOver, "blocks go on behind the last record that they count: the rest left out")
	return notes
}
