package chunk

import (
	"bytes"
	"io"
)

// maxEmptyReads is how often in a row a source may answer with nothing at all.
const maxEmptyReads = 100

// lines splits a source at \n, and holds no line longer than max.
type lines struct {
	src  io.Reader
	buf  []byte
	from int // buf[from:to] is read from the source and not yet returned
	to   int
	max  int   // the longest line that is returned
	pos  int64 // bytes of the source up to buf[from]
	err  error // what ended the source
}

// next returns the next line without its newline and the line's length. A line
// longer than max is returned as its length only. The line is valid until the next
// call. A last line without newline is one too, unless reading failed.
func (l *lines) next() (line []byte, length int, err error) {
	scanned := 0
	for {
		if i := bytes.IndexByte(l.buf[l.from+scanned:l.to], '\n'); i >= 0 {
			line = l.buf[l.from : l.from+scanned+i]
			l.consume(len(line) + 1)
			break
		}
		scanned = l.to - l.from
		if l.err != nil {
			if l.err != io.EOF || scanned == 0 {
				return nil, 0, l.err
			}
			line = l.buf[l.from:l.to]
			l.consume(len(line))
			break
		}
		if scanned > l.max {
			return l.discard()
		}
		l.fill()
	}
	if len(line) > l.max {
		return nil, len(line), nil
	}
	return line, len(line), nil
}

func (l *lines) consume(n int) {
	l.from += n
	l.pos += int64(n)
}

// discard passes over a line longer than max, the beginning of which fills the buffer.
func (l *lines) discard() (line []byte, length int, err error) {
	for {
		i := bytes.IndexByte(l.buf[l.from:l.to], '\n')
		if i >= 0 {
			l.consume(i + 1)
			return nil, length + i, nil
		}
		length += l.to - l.from
		l.consume(l.to - l.from)
		if l.err == io.EOF {
			return nil, length, nil
		}
		if l.err != nil {
			return nil, 0, l.err
		}
		l.fill()
	}
}

// fill reads once more, behind what is unread. The buffer grows only where an unread
// line fills it, and never beyond max and a newline.
func (l *lines) fill() {
	if l.from > 0 {
		l.to = copy(l.buf, l.buf[l.from:l.to])
		l.from = 0
	}
	if l.to == len(l.buf) {
		grown := make([]byte, min(2*len(l.buf), l.max+1))
		copy(grown, l.buf)
		l.buf = grown
	}
	for range maxEmptyReads {
		n, err := l.src.Read(l.buf[l.to:])
		l.to += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}
