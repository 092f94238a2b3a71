// Package chunk cuts the lines of a source into segments, each of which becomes the
// value of one Kafka record.
//
// A line is stripped of white space at both ends (space, \t, \n, \v, \f, \r), and is a
// row if the time stamp of its [Type] is found in it and exists. A row is added to the
// open segment if it is of the same hour and the segment stays under the limit:
//
//	type   time stamp is searched in          its form                        hour
//	flow   the first comma field              \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  its first 13 characters
//	proxy  the first two words, one blank     the same                        the same
//	       between them
//	dns    the third comma field              \d{10}.\d{9}                    the line's first 15 bytes
//
// A row counts its bytes and 37 more. All that is not a row is passed over and counted
// in [Stats]; nothing that a line holds ends the source. The cuts are those of Apache
// Spot's collector, but for lines at which that one gave up.
//
// A line that is not UTF-8 is read as Latin-1, whole, before its bytes are counted.
// Its hour is taken from the bytes as they were.
package chunk

import (
	"bytes"
	"io"
	"unicode/utf8"

	"spot-ingest/pkg/codec"
)

const (
	// rowOverhead is what a row counts beyond its bytes: the size of a string object
	// in the Python that Apache Spot's collector ran on.
	rowOverhead = 37

	// slack is how far a line may exceed the limit and still be held in memory.
	slack = 1 << 20

	// bufferSize is the read buffer's size until a line does not fit.
	bufferSize = 256 << 10
)

// A Segment is a run of rows of one hour.
type Segment struct {
	// Value holds the rows. The caller sets it before Next, which resets and fills
	// it, and may keep it while other segments are read into other Encoders.
	Value *codec.Encoder

	Number    int   // counted from 0
	FirstLine int64 // number of the line that is the first row, counted from 0 where the Reader began
	Rows      int
	Size      int64 // what is compared with the limit: the rows' bytes, and 37 for each
	TimeMS    int64 // the first row's time stamp, in Unix milliseconds; negative before 1970
	End       int64 // bytes of the source up to the last row's line and its newline
}

// A Reader reads a source line by line and cuts it into segments. It holds one line
// and a read buffer, whatever the source's length: a line longer than the limit
// by more than 1 MiB is passed over as it streams by.
type Reader struct {
	lines lines
	typ   Type
	limit int64
	skip  int64

	row    row    // the row that comes next, if held
	held   bool   // row is not yet in a segment
	hour   []byte // of the open segment
	number int    // of the next segment
	joined [stampLen]byte
	latin1 []byte
	stats  Stats
}

// A row is a line that takes part.
type row struct {
	text  []byte // stripped, in UTF-8
	mark  mark
	line  int64 // its number
	after int64 // bytes of the source up to its end
}

// NewReader returns a Reader of src. limit is the size in bytes that a segment of
// more than one row stays under. The first skip rows are passed over: they count as
// lines, but in no segment.
func NewReader(src io.Reader, typ Type, limit int, skip int64) *Reader {
	return &Reader{
		lines: lines{src: src, buf: make([]byte, bufferSize), max: limit + slack},
		typ:   typ,
		limit: int64(limit),
		skip:  skip,
	}
}

// Stats tells what has been read until now, which is up to one row more than what
// the segments hold. After io.EOF it is all there was.
func (r *Reader) Stats() Stats {
	s := r.stats
	s.Bytes = r.lines.pos
	return s
}

// Next fills seg with the next segment. At the source's end it returns io.EOF. Any
// other error is the source's own: the rows since the last cut are then not
// delivered, since the rest of their segment is missing.
func (r *Reader) Next(seg *Segment) error {
	seg.Value.Reset()
	if !r.held {
		if err := r.advance(); err != nil {
			return err
		}
	}
	*seg = Segment{
		Value:     seg.Value,
		Number:    r.number,
		FirstLine: r.row.line,
		TimeMS:    r.row.mark.unixMilli(),
	}
	r.hour = append(r.hour[:0], r.row.mark.hour...)
	for {
		seg.Value.Append(r.row.text)
		seg.Rows++
		seg.Size += r.row.size()
		seg.End = r.row.after
		r.held = false

		err := r.advance()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		r.held = true
		if !bytes.Equal(r.row.mark.hour, r.hour) || seg.Size+r.row.size() >= r.limit {
			break
		}
	}
	r.number++
	return nil
}

func (r *row) size() int64 { return int64(len(r.text)) + rowOverhead }

// advance reads up to the next row.
func (r *Reader) advance() error {
	for {
		at := r.lines.pos
		line, length, err := r.lines.next()
		if err != nil {
			return err
		}
		number := r.stats.Lines
		r.stats.Lines++
		if length > r.lines.max {
			r.stats.oversized(Oversize{Line: number, Offset: at, Length: int64(length)})
			continue
		}
		text := strip(line)
		if len(text) == 0 {
			r.stats.Blank++
			continue
		}
		mark, what := r.find(text)
		if what != found {
			r.stats.skipped(what)
			continue
		}
		if r.skip > 0 {
			r.skip--
			r.stats.Passed++
			continue
		}
		r.stats.Rows++
		if !utf8.Valid(text) {
			text = r.fromLatin1(text)
		}
		r.row = row{text: text, mark: mark, line: number, after: r.lines.pos}
		return nil
	}
}

// fromLatin1 returns text read as Latin-1, in UTF-8.
func (r *Reader) fromLatin1(text []byte) []byte {
	r.latin1 = r.latin1[:0]
	for _, b := range text {
		r.latin1 = utf8.AppendRune(r.latin1, rune(b))
	}
	return r.latin1
}

// isSpace tells white space as Python 2 strips and splits it.
func isSpace(b byte) bool { return b == ' ' || '\t' <= b && b <= '\r' }

// strip returns line without the white space at its ends.
func strip(line []byte) []byte {
	for len(line) > 0 && isSpace(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	for len(line) > 0 && isSpace(line[0]) {
		line = line[1:]
	}
	return line
}
