package generate

import (
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// CaptureOptions says which packets are generated, and how they are written.
type CaptureOptions struct {
	// Options are those of the other files, Rows being frames that complete a response.
	// Bytes counts before compression. The last exchanges may end a moment after Span.
	// Odd mixes in packets that no decoder gets a response from: torn, unknown, or cut.
	// Bare has no meaning.
	Options
	Format CaptureFormat
	// Gzip compresses the file. The capture in it depends on the options alone, the way
	// it is compressed on the version of Go.
	Gzip bool
	// CSV, if it isn't nil, gets the rows that tshark prints of the capture with the
	// options of ingest_conf.json and TZ=UTC, without a header; where tshark leaves
	// ip.src and ip.dst empty, since they are for IPv4, it has the IPv6 addresses.
	CSV io.Writer
}

// CaptureTotals is what was written.
type CaptureTotals struct {
	// Rows counts the frames in which a response ends, so those that must arrive.
	Rows    int64
	Packets int64
	// Bytes is the size of the file, before compression.
	Bytes int64
	// RowBytes is the size of the rows as CaptureOptions.CSV gets them, without their
	// newlines.
	RowBytes int64
}

const linkEthernet = 1

// Capture writes a capture of DNS traffic as a resolver sees it, among it some of other
// kinds. Questions and answers go over UDP and TCP, IPv4 and IPv6, a few in VLANs or in
// fragments; times run strictly forward, and every checksum is right.
func Capture(w io.Writer, o CaptureOptions) (CaptureTotals, error) {
	var err error
	if o.Options, err = o.withDefaults(); err != nil {
		return CaptureTotals{}, err
	}
	if !o.Gzip {
		return capture(w, o)
	}
	z := gzip.NewWriter(w)
	totals, err := capture(z, o)
	if err != nil {
		return totals, err
	}
	if err := z.Close(); err != nil {
		return totals, fmt.Errorf("write generated packets: %w", err)
	}
	return totals, nil
}

func capture(w io.Writer, o CaptureOptions) (CaptureTotals, error) {
	file, err := newCaptureWriter(w, o.Format, linkEthernet)
	if err != nil {
		return CaptureTotals{}, err
	}
	r := newRandom(o.Seed, 'c')
	s := &shipper{file: file, clock: newClock(o.Start), csv: o.CSV, last: o.Start.UnixNano() - file.tick}
	t := newTraffic(r)
	t.size = file.size
	t.bytes = file.written
	for !o.enough(t.planned()) {
		at := o.Start.UnixNano() + int64(o.progress(t.planned(), r.fraction())*float64(o.Span))
		if err := s.ship(&t.queue, at); err != nil {
			return s.totals, err
		}
		at = max(at, s.last) // what holds no row doesn't make progress
		t.rowsLeft = maxPipelined
		if o.Rows > 0 {
			t.rowsLeft = o.Rows - t.rows
		}
		if o.Odd && r.oneIn(100) {
			t.odd(at)
		}
		t.exchanges.draw(r)(t, at)
	}
	if err := s.ship(&t.queue, 1<<63-1); err != nil {
		return s.totals, err
	}
	s.totals.Bytes = file.written
	return s.totals, file.flush()
}

// planned is what Options count.
func (t *traffic) planned() Totals { return Totals{Rows: t.rows, Bytes: t.bytes} }

// A shipper writes frames to the file, and the rows of those that have one to the CSV.
type shipper struct {
	file   *captureWriter
	clock  *clock
	csv    io.Writer
	row    []byte
	last   int64 // nanoseconds
	totals CaptureTotals
}

// ship writes the frames whose time has come.
func (s *shipper) ship(q *queue, now int64) error {
	for len(q.waiting) > 0 && (q.waiting[0].at <= now || len(q.waiting) > maxWaiting) {
		f := q.pop()
		if err := s.frame(f); err != nil {
			return err
		}
		q.release(f)
	}
	return nil
}

func (s *shipper) frame(f *frame) error {
	// Two frames never share a moment, as the format can tell it.
	at := max(f.at-f.at%s.file.tick, s.last+s.file.tick)
	s.last = at
	if err := s.file.packet(at, f.data, f.length); err != nil {
		return err
	}
	s.totals.Packets++
	if !f.isRow {
		return nil
	}
	s.clock.set(time.Unix(0, at))
	b := appendFrameTime(s.row[:0], s.clock)
	b = appendColumn(b, f.length)
	b = append(append(b, ','), f.from.addr...)
	b = append(append(b, ','), f.to.addr...)
	b = append(f.answer.appendColumns(b), '\n')
	s.row = b
	s.totals.Rows++
	s.totals.RowBytes += int64(len(b) - 1)
	if s.csv == nil {
		return nil
	}
	if _, err := s.csv.Write(b); err != nil {
		return fmt.Errorf("write generated rows: %w", err)
	}
	return nil
}
