package codec

import (
	"encoding/binary"

	"github.com/hamba/avro/v2"
)

// maxHead is the longest that can stand before the rows: the union's branch and a count.
const maxHead = 1 + binary.MaxVarintLen64

// An Encoder builds one value row by row. The value is contiguous in the Encoder's
// own buffer, which is kept from one value to the next: rows are copied once, and a
// value that is no longer than an earlier one costs no allocation.
type Encoder struct {
	rows    *avro.Writer // the reserved front, then the rows
	head    *avro.Writer // branch and count, known only at the end
	reserve []byte       // zeros: the headroom and room for the head
	count   int
}

// NewEncoder returns an empty Encoder. headroom bytes are kept free in front of
// the value (see Buffer); size is the expected length of a value in bytes, from which
// the buffer grows where that is too little.
func NewEncoder(headroom, size int) *Encoder {
	e := &Encoder{
		rows:    avro.NewWriter(nil, headroom+maxHead+size),
		head:    avro.NewWriter(nil, maxHead),
		reserve: make([]byte, headroom+maxHead),
	}
	e.Reset()
	return e
}

// Reset begins a new, empty value in the same buffer.
func (e *Encoder) Reset() {
	e.rows.Reset(nil)
	e.rows.Write(e.reserve) // a Writer with nothing behind it never fails
	e.count = 0
}

// Append adds a copy of row to the value. An Avro string is UTF-8, which is for the
// caller to see to.
func (e *Encoder) Append(row []byte) {
	e.rows.WriteBytes(row)
	e.count++
}

// Rows returns the number of rows in the value.
func (e *Encoder) Rows() int { return e.count }

// Len returns the length in bytes of the value as Bytes would return it now.
func (e *Encoder) Len() int {
	return len(e.finishHead()) + e.rows.Buffered() - len(e.reserve) + 1
}

// Bytes returns the finished value. It is valid until the next Append or Reset, and
// more rows may be appended after it.
func (e *Encoder) Bytes() []byte {
	buf, start := e.Buffer()
	return buf[start:]
}

// Buffer returns the finished value as buf[start:], with at least the headroom
// asked for free in buf[:start], so that a record batch can be put around the value
// without copying it: its header written into the front, what follows appended. Like
// Bytes it is valid until the next Append or Reset.
func (e *Encoder) Buffer() (buf []byte, start int) {
	head := e.finishHead()
	buf = append(e.rows.Buffer(), 0) // the array's end
	start = len(e.reserve) - len(head)
	copy(buf[start:], head)
	return buf, start
}

// finishHead returns what stands before the rows. An array without rows has no
// block, only its end.
func (e *Encoder) finishHead() []byte {
	e.head.Reset(nil)
	e.head.WriteInt(branchArray)
	if e.count > 0 {
		e.head.WriteLong(int64(e.count))
	}
	return e.head.Buffer()
}
