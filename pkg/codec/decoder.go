package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// ErrNull is Decode's answer to a value that holds the union's other branch, null:
// legal Avro, but no list of rows.
var ErrNull = errors.New("decode value: the list is null")

// A SyntaxError tells why a value is no encoding of Schema.
type SyntaxError struct {
	Offset  int    // of the byte in the value where what is wrong begins
	Problem string // what is wrong there
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("decode value: byte %d: %s", e.Offset, e.Problem)
}

// Rows are the rows of a decoded value. They lie in the value's own bytes, which
// must not be changed meanwhile.
type Rows struct {
	blocks []byte // what follows the union's branch
	count  int
}

// Len returns the number of rows.
func (r Rows) Len() int { return r.count }

// All yields the rows in order. They are slices of the value, with nothing to spare
// behind them. Whether a row is UTF-8 is not checked: one bad row must not cost the
// others.
func (r Rows) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		// Decode has checked all that is read here.
		d := decoder{value: r.blocks}
		for left := r.count; left > 0; {
			n, _ := d.blockCount()
			for range n {
				row, _ := d.row()
				if !yield(row) {
					return
				}
			}
			left -= n
		}
	}
}

// Decode checks the whole value and returns its rows. It accepts every encoding of
// Schema that the Avro specification allows (several blocks, blocks with their size)
// and allocates nothing that the value could make large. Its error is ErrNull or a
// *SyntaxError.
func Decode(value []byte) (Rows, error) {
	d := decoder{value: value}
	if err := d.branch(); err != nil {
		return Rows{}, err
	}
	rows := Rows{blocks: value[d.at:]}
	for {
		n, err := d.block()
		if err != nil {
			return Rows{}, err
		}
		if n == 0 {
			break
		}
		rows.count += n
	}
	if err := d.end(); err != nil {
		return Rows{}, err
	}
	return rows, nil
}

// A decoder reads a value with its own primitives, since hamba's avro.Reader copies
// each string, allocates whatever length a string declares, lets a varint overflow
// 64 bits, and does not tell its offset.
type decoder struct {
	value []byte
	at    int
	limit int // where the open block must end, or 0 if it does not say
}

func (d *decoder) errorf(at int, format string, args ...any) error {
	return &SyntaxError{Offset: at, Problem: fmt.Sprintf(format, args...)}
}

// branch reads the union's branch.
func (d *decoder) branch() error {
	if len(d.value) == 0 {
		return d.errorf(0, "the value is empty")
	}
	branch, err := d.long("union branch")
	switch {
	case err != nil:
		return err
	case branch == branchNull:
		if err := d.end(); err != nil {
			return err
		}
		return ErrNull
	case branch != branchArray:
		return d.errorf(0, "union branch %d, want 0 (array) or 1 (null)", branch)
	}
	return nil
}

// block checks a block of rows and returns their number, 0 for the array's end.
func (d *decoder) block() (int, error) {
	n, err := d.blockCount()
	if err != nil {
		return 0, err
	}
	for range n {
		if _, err := d.row(); err != nil {
			return 0, err
		}
	}
	if d.limit != 0 && d.at != d.limit {
		return 0, d.errorf(d.at, "the block ends %d bytes before its declared end", d.limit-d.at)
	}
	return n, nil
}

// blockCount reads a block's head: the number of rows, or its negative followed by
// the block's length in bytes.
func (d *decoder) blockCount() (int, error) {
	at := d.at
	d.limit = 0
	n, err := d.long("block count")
	if err != nil {
		return 0, err
	}
	if n < 0 {
		sizeAt := d.at
		size, err := d.long("block size")
		if err != nil {
			return 0, err
		}
		if size < 0 || size > int64(len(d.value)-d.at) {
			return 0, d.errorf(sizeAt, "block of %d bytes, but %d are left", size, len(d.value)-d.at)
		}
		d.limit = d.at + int(size)
		n = -n // stays negative for the least of all numbers
	}
	// A row takes one byte at least.
	if left := d.left(); n < 0 || n > int64(left) {
		return 0, d.errorf(at, "block of %d rows, but %d bytes are left", uint64(n), left)
	}
	return int(n), nil
}

// row reads a row.
func (d *decoder) row() ([]byte, error) {
	at := d.at
	n, err := d.long("row length")
	if err != nil {
		return nil, err
	}
	if left := d.left(); n < 0 || n > int64(left) {
		return nil, d.errorf(at, "row of %d bytes, but %d are left", n, left)
	}
	from, to := d.at, d.at+int(n)
	d.at = to
	return d.value[from:to:to], nil
}

// left returns how many bytes the open block, or else the value, has left; negative
// if the block's end is behind.
func (d *decoder) left() int {
	if d.limit != 0 {
		return d.limit - d.at
	}
	return len(d.value) - d.at
}

// end checks that nothing is left.
func (d *decoder) end() error {
	if d.at != len(d.value) {
		return d.errorf(d.at, "%d bytes after the value's end", len(d.value)-d.at)
	}
	return nil
}

// long reads a zig-zag varint. Padded ones are legal: no writer makes them, every
// reader takes them.
func (d *decoder) long(what string) (int64, error) {
	// A row of under 64 bytes has a length of one byte, one of under 8 KiB of two.
	if v := d.value[d.at:]; len(v) >= 2 {
		if b := uint64(v[0]); b < 0x80 {
			d.at++
			return int64(b>>1) ^ -int64(b&1), nil
		} else if c := uint64(v[1]); c < 0x80 {
			d.at += 2
			b = b&0x7f | c<<7
			return int64(b>>1) ^ -int64(b&1), nil
		}
	}
	v, n := binary.Varint(d.value[d.at:])
	switch {
	case n == 0:
		return 0, d.errorf(d.at, "the value ends within the %s", what)
	case n < 0:
		return 0, d.errorf(d.at, "the %s overflows 64 bits", what)
	}
	d.at += n
	return v, nil
}
