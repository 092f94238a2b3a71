package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxFooter bounds the metadata that CountRows reads. A file of our columns has some
// kilobytes for each row group.
const maxFooter = 64 << 20

// CountRows returns the number of rows of a Parquet file of size bytes, whoever wrote it, by
// its metadata. It fails if the file is not complete: the metadata are its end.
func CountRows(file io.ReaderAt, size int64) (int64, error) {
	const tail = 4 + len(magic)
	if size < int64(len(magic)+tail) {
		return 0, fmt.Errorf("it has %d bytes, and so is no Parquet file", size)
	}
	var end [tail]byte
	if _, err := file.ReadAt(end[:], size-int64(tail)); err != nil {
		return 0, err
	}
	length := int64(binary.LittleEndian.Uint32(end[:4]))
	if string(end[4:]) != magic || length > size-int64(len(magic)+tail) {
		return 0, errors.New("it does not end as a Parquet file: it is not complete, or is none")
	}
	if length > maxFooter {
		return 0, fmt.Errorf("its metadata have %d bytes, more than %d", length, maxFooter)
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-int64(tail)-length); err != nil {
		return 0, err
	}
	rows, err := footerRows(footer)
	if err != nil {
		return 0, fmt.Errorf("read its metadata: %w", err)
	}
	return rows, nil
}

// footerRows finds num_rows, the third field of FileMetaData.
func footerRows(footer []byte) (int64, error) {
	r := thriftReader{buf: footer}
	for id := 0; ; {
		next, kind, err := r.field(id)
		if err != nil {
			return 0, err
		}
		switch {
		case kind == thriftStop:
			return 0, errors.New("they don't tell the number of rows")
		case next == 3 && kind == thriftI64:
			rows, err := r.varint()
			if err == nil && rows < 0 {
				err = fmt.Errorf("they tell of %d rows", rows)
			}
			return rows, err
		}
		if err := r.skip(kind, 0); err != nil {
			return 0, err
		}
		id = next
	}
}

// What is read, beyond what is written.
const (
	thriftStop   = 0
	thriftByte   = 3
	thriftDouble = 7
	thriftSet    = 10
)

// maxDepth bounds how deep structures are nested.
const maxDepth = 16

var errThrift = errors.New("they are damaged")

// thriftReader reads Thrift's compact protocol, as far as it takes to step over things.
type thriftReader struct{ buf []byte }

func (r *thriftReader) byte() (byte, error) {
	if len(r.buf) == 0 {
		return 0, errThrift
	}
	b := r.buf[0]
	r.buf = r.buf[1:]
	return b, nil
}

func (r *thriftReader) unsigned() (uint64, error) {
	v, n := binary.Uvarint(r.buf)
	if n <= 0 {
		return 0, errThrift
	}
	r.buf = r.buf[n:]
	return v, nil
}

func (r *thriftReader) varint() (int64, error) {
	v, err := r.unsigned()
	return int64(v>>1) ^ -int64(v&1), err
}

// field reads the head of the field behind the one of number last.
func (r *thriftReader) field(last int) (id int, kind byte, err error) {
	head, err := r.byte()
	if err != nil || head == thriftStop {
		return 0, thriftStop, err
	}
	if step := int(head >> 4); step > 0 {
		return last + step, head & 0xf, nil
	}
	long, err := r.varint()
	return int(int16(long)), head & 0xf, err
}

// skip steps over a value.
func (r *thriftReader) skip(kind byte, depth int) error {
	if depth > maxDepth {
		return errThrift
	}
	switch kind {
	case thriftTrue, thriftFalse: // the kind is the value
		return nil
	case thriftByte:
		return r.drop(1)
	case thriftI16, thriftI32, thriftI64:
		_, err := r.unsigned()
		return err
	case thriftDouble:
		return r.drop(8)
	case thriftBinary:
		n, err := r.unsigned()
		if err != nil {
			return err
		}
		return r.drop(n)
	case thriftList, thriftSet:
		return r.skipList(depth)
	case thriftStruct:
		return r.skipStruct(depth)
	}
	return errThrift // a map among others, of which Parquet's metadata have none
}

func (r *thriftReader) drop(n uint64) error {
	if n > uint64(len(r.buf)) {
		return errThrift
	}
	r.buf = r.buf[n:]
	return nil
}

func (r *thriftReader) skipList(depth int) error {
	head, err := r.byte()
	if err != nil {
		return err
	}
	n, kind := uint64(head>>4), head&0xf
	if n == 15 {
		if n, err = r.unsigned(); err != nil {
			return err
		}
	}
	if kind == thriftTrue || kind == thriftFalse {
		return r.drop(n) // a byte each, in a list
	}
	for ; n > 0; n-- { // each takes a byte at least, or fails
		if err := r.skip(kind, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *thriftReader) skipStruct(depth int) error {
	for {
		_, kind, err := r.field(0)
		if err != nil || kind == thriftStop {
			return err
		}
		if err := r.skip(kind, depth+1); err != nil {
			return err
		}
	}
}
