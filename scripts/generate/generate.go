// Package generate makes realistic input for the collector: nfcapd files, captures of DNS
// traffic, Blue Coat SGOS main logs, and the CSV that spot-nfdump prints of the first and
// tshark, with the options of ingest_conf.json, of the second.
//
// The same options give the same bytes, on every machine and with every version of Go.
// Time runs forward over the span, so that a file's segments are cut at hours as those of
// a real one. What is written is bounded by the options, and streamed through a small buffer.
package generate

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Options says what is generated. The zero value of every field but Rows and Bytes has a
// meaning; of these two one must be set.
type Options struct {
	// Seed tells one file from another.
	Seed uint64
	// Start is the first moment of the capture; by default 2018-03-20 09:00:00 UTC.
	Start time.Time
	// Span is the time from the first row to the last, by default three hours.
	Span time.Duration
	// Rows is the number of rows after which the file ends.
	Rows int64
	// Bytes ends the file after the first row that reaches this size, trailer not
	// counted. With Rows set too, it ends at the first of both.
	Bytes int64
	// Bare leaves out header lines and the trailer: rows only.
	Bare bool
	// Odd mixes in about one line in a hundred that is no row and has to be skipped:
	// blank, torn, or stamped with a time that doesn't exist.
	Odd bool
}

// Totals is what was written.
type Totals struct {
	// Lines counts every line: rows, headers, odd ones and the trailer.
	Lines int64
	// Rows counts the lines that hold a valid time stamp, so those that must arrive.
	Rows int64
	// Bytes is the size of the whole file.
	Bytes int64
	// RowBytes is the size of the rows alone, without their newlines.
	RowBytes int64
}

var defaultStart = time.Date(2018, 3, 20, 9, 0, 0, 0, time.UTC)

const (
	defaultSpan = 3 * time.Hour
	bufferSize  = 64 << 10
	// longestLine is more than any line made here, so that a row always fits.
	longestLine = 8 << 10
)

// A source makes the lines of one type. Every append function adds one line without its
// newline, but header and trailer, which are whole lines.
type source struct {
	header  string
	row     func(b []byte, c *clock) []byte
	odd     func(b []byte, c *clock) []byte
	trailer func(b []byte) []byte // may be nil
}

type writer struct {
	w      io.Writer
	buf    []byte
	totals Totals
}

func (o Options) withDefaults() (Options, error) {
	if o.Rows < 0 || o.Bytes < 0 || o.Span < 0 {
		return o, fmt.Errorf("rows %d, bytes %d, span %v: must not be negative", o.Rows, o.Bytes, o.Span)
	}
	if o.Rows == 0 && o.Bytes == 0 {
		return o, errors.New("neither rows nor bytes set: the file would have no end")
	}
	if o.Start.IsZero() {
		o.Start = defaultStart
	}
	if o.Span == 0 {
		o.Span = defaultSpan
	}
	return o, nil
}

// write runs the source until the options say that it is enough.
func write(w io.Writer, o Options, r *random, s source) (Totals, error) {
	out := &writer{w: w, buf: make([]byte, 0, bufferSize+longestLine)}
	c := newClock(o.Start)
	if !o.Bare {
		out.lines([]byte(s.header))
	}
	for !o.enough(out.totals) {
		// Within a row's share of the span the moment is random, so that time stamps
		// aren't evenly spaced but never run back.
		c.set(o.Start.Add(time.Duration(o.progress(out.totals, r.fraction()) * float64(o.Span))))
		if o.Odd && r.oneIn(100) {
			if err := out.line(s.odd(out.buf, c), false); err != nil {
				return out.totals, err
			}
		}
		if err := out.line(s.row(out.buf, c), true); err != nil {
			return out.totals, err
		}
	}
	if !o.Bare && s.trailer != nil {
		out.lines(s.trailer(nil))
	}
	return out.totals, out.flush()
}

func (o Options) enough(t Totals) bool {
	return (o.Rows > 0 && t.Rows >= o.Rows) || (o.Bytes > 0 && t.Bytes >= o.Bytes)
}

// progress is the part of the file, from 0 to 1, that lies before the next row, plus
// within (from 0 to 1) of a share no row is smaller than.
func (o Options) progress(t Totals, within float64) float64 {
	const smallestRow = 32
	var p float64
	if o.Rows > 0 {
		p = (float64(t.Rows) + within) / float64(o.Rows)
	}
	if o.Bytes > 0 {
		p = max(p, (float64(t.Bytes)+within*smallestRow)/float64(o.Bytes))
	}
	return min(p, 1)
}

// line takes over b, the buffer with one more line, and ends that line.
func (w *writer) line(b []byte, isRow bool) error {
	length := int64(len(b) - len(w.buf))
	w.buf = append(b, '\n')
	w.totals.Lines++
	w.totals.Bytes += length + 1
	if isRow {
		w.totals.Rows++
		w.totals.RowBytes += length
	}
	if len(w.buf) < bufferSize {
		return nil
	}
	return w.flush()
}

// lines takes over whole lines that are no rows.
func (w *writer) lines(b []byte) {
	for _, c := range b {
		if c == '\n' {
			w.totals.Lines++
		}
	}
	w.totals.Bytes += int64(len(b))
	w.buf = append(w.buf, b...)
}

func (w *writer) flush() error {
	if _, err := w.w.Write(w.buf); err != nil {
		return fmt.Errorf("write generated lines: %w", err)
	}
	w.buf = w.buf[:0]
	return nil
}
