package generate

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Compression is how the blocks of an nfcapd file are packed. The numbers are the format's.
type Compression uint8

// The compressions that nfcapd has, but for bzip2, of which the library has no writer.
const (
	Uncompressed Compression = 0
	LZO          Compression = 1 // nfcapd -z
	LZ4          Compression = 3 // nfcapd -y
	ZSTD         Compression = 4 // version 2 only
)

// NfcapdOptions says what nfcapd file is generated.
type NfcapdOptions struct {
	// Options holds what is common to all types. Bytes bounds the rows that the file has
	// to come out as, newlines included, not the file. Bare leaves out all records but
	// those that flows need to be read, so exporters, samplers and their statistics. Odd
	// mixes in records that are none of a flow.
	Options
	// Version is that of the file's layout: 1 as nfdump 1.6 has it, or 2, the default, as
	// nfdump 1.7.
	Version int
	// Compression is that of the blocks.
	Compression Compression
	// NoReceived leaves out when flows were received, as nfcapd does without -T all. Rows
	// then show when they were first seen.
	NoReceived bool
	// CSV also gets the rows that the file has to come out as, if it isn't nil.
	CSV io.Writer
}

// Nfcapd writes a file as nfcapd -T all does, with the flows that Flow has with the same
// Seed, Rows, Start and Span. A small part of them has what Flow leaves out: packets the
// other way, more than 4 GB, a forwarding status, an IPv6 router and the like.
//
// What the header counts is known at the end. If w can seek it is put in then; otherwise the
// flows are generated twice, the first time to count them.
//
// In the totals Rows and RowBytes are those of the rows of 27 columns that the file has to
// come out as; Bytes is the size of the file, and Lines is 0, since it has none.
func Nfcapd(w io.Writer, o NfcapdOptions) (Totals, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Totals{}, err
	}
	totals, err := writeNfcapd(w, o)
	if err != nil {
		return Totals{}, fmt.Errorf("generate nfcapd file: %w", err)
	}
	return totals, nil
}

func writeNfcapd(w io.Writer, o NfcapdOptions) (Totals, error) {
	var header []byte
	seeker, start, canSeek := seekable(w)
	if !canSeek {
		draft, csv := newNfcapdFile(io.Discard, o), rowWriter(nil)
		if err := draft.fill(nil, csv); err != nil {
			return Totals{}, err
		}
		header = draft.layout.header(draft)
	}
	file, csv := newNfcapdFile(w, o), rowWriter(o.CSV)
	if err := file.fill(header, csv); err != nil {
		return Totals{}, err
	}
	if canSeek {
		if err := file.rewriteHeader(seeker, start); err != nil {
			return Totals{}, err
		}
	}
	return Totals{Rows: csv.totals.Rows, RowBytes: csv.totals.RowBytes, Bytes: file.size}, nil
}

// seekable returns w if it can seek, which the type alone doesn't tell, and where it is.
func seekable(w io.Writer) (s io.WriteSeeker, at int64, ok bool) {
	if s, ok = w.(io.WriteSeeker); !ok {
		return nil, 0, false
	}
	at, err := s.Seek(0, io.SeekCurrent)
	return s, at, err == nil
}

func (o NfcapdOptions) withDefaults() (NfcapdOptions, error) {
	var err error
	if o.Options, err = o.Options.withDefaults(); err != nil {
		return o, err
	}
	if o.Version == 0 {
		o.Version = 2
	}
	if o.Version != 1 && o.Version != 2 {
		return o, fmt.Errorf("nfcapd layout version %d: must be 1 or 2", o.Version)
	}
	switch o.Compression {
	case Uncompressed, LZO, LZ4:
	case ZSTD:
		if o.Version == 1 {
			return o, errors.New("nfcapd layout version 1 has no zstd")
		}
	default:
		return o, fmt.Errorf("nfcapd compression %d: must be 0, 1, 3 or 4", o.Compression)
	}
	// Version 1 has 32 bits for seconds. A flow begins up to an hour before its row's time.
	if first, last := o.Start.Unix(), o.Start.Add(o.Span).Unix(); first < 86400 || last > 1<<32-86400 {
		return o, fmt.Errorf("flows from %s for %v: must be between 1970-01-02 and 2106-02-06", o.Start.Format(time.DateTime), o.Span)
	}
	return o, nil
}

// fill writes the file, with this header or, if it is nil, one that has not counted yet.
func (n *nfcapdFile) fill(header []byte, csv *writer) error {
	if header == nil {
		header = n.layout.header(n)
	}
	if err := n.write(header); err != nil {
		return err
	}
	if err := n.writeSources(); err != nil {
		return err
	}
	if err := n.writeFlows(csv); err != nil {
		return err
	}
	if err := n.writeStatistics(); err != nil {
		return err
	}
	return n.end()
}

func (n *nfcapdFile) writeFlows(csv *writer) error {
	var (
		o     = n.o
		flows = newNfcapdFlows(o)
		c     = newClock(o.Start)
		l     nfcapdFlow
	)
	for !o.enough(csv.totals) {
		c.set(o.Start.Add(time.Duration(o.progress(csv.totals, flows.r.fraction()) * float64(o.Span))))
		if o.Odd && flows.extra.oneIn(100) {
			if err := n.writeOdd(flows.extra); err != nil {
				return err
			}
		}
		flows.next(&l, c)
		n.stats.count(&l)
		if err := n.add(n.layout.flow(n.block, &l)); err != nil {
			return err
		}
		if err := csv.line(l.appendRow(csv.buf, c), true); err != nil {
			return err
		}
	}
	return csv.flush()
}

func rowWriter(w io.Writer) *writer {
	if w == nil {
		w = io.Discard
	}
	return &writer{w: w, buf: make([]byte, 0, bufferSize+longestLine)}
}
