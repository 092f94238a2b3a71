package parquet

import "encoding/binary"

// The types of Thrift's compact protocol that are written.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftBinary = 8
	thriftList   = 9
	thriftStruct = 12
)

// thrift appends structures in Thrift's compact protocol, in which a Parquet file's metadata
// is written. Fields are given in the order of their numbers, no more than 15 apart.
type thrift struct {
	buf   []byte
	last  [8]int // number of the field written last, in each structure that is open
	depth int
}

// open begins a structure: the outermost, or an element of a list.
func (t *thrift) open() {
	t.depth++
	t.last[t.depth] = 0
}

// end ends the structure begun last.
func (t *thrift) end() {
	t.buf = append(t.buf, 0)
	t.depth--
}

func (t *thrift) field(id int, kind byte) {
	t.buf = append(t.buf, byte(id-t.last[t.depth])<<4|kind)
	t.last[t.depth] = id
}

func (t *thrift) varint(v int64) {
	t.buf = binary.AppendUvarint(t.buf, uint64(v)<<1^uint64(v>>63))
}

func (t *thrift) bool(id int, v bool) {
	if v {
		t.field(id, thriftTrue)
	} else {
		t.field(id, thriftFalse)
	}
}

func (t *thrift) i16(id int, v int16) {
	t.field(id, thriftI16)
	t.varint(int64(v))
}

func (t *thrift) i32(id int, v int32) {
	t.field(id, thriftI32)
	t.varint(int64(v))
}

func (t *thrift) i64(id int, v int64) {
	t.field(id, thriftI64)
	t.varint(v)
}

func (t *thrift) bytes(id int, v []byte) {
	t.field(id, thriftBinary)
	t.element(v)
}

func (t *thrift) string(id int, v string) {
	t.field(id, thriftBinary)
	t.buf = binary.AppendUvarint(t.buf, uint64(len(v)))
	t.buf = append(t.buf, v...)
}

// element writes an element of a list of byte strings.
func (t *thrift) element(v []byte) {
	t.buf = binary.AppendUvarint(t.buf, uint64(len(v)))
	t.buf = append(t.buf, v...)
}

// structure begins a structure as a field.
func (t *thrift) structure(id int) {
	t.field(id, thriftStruct)
	t.open()
}

// empty writes a structure without fields as a field.
func (t *thrift) empty(id int) {
	t.structure(id)
	t.end()
}

// list begins a list of n elements as a field.
func (t *thrift) list(id int, kind byte, n int) {
	t.field(id, thriftList)
	if n < 15 {
		t.buf = append(t.buf, byte(n)<<4|kind)
		return
	}
	t.buf = append(t.buf, 0xf0|kind)
	t.buf = binary.AppendUvarint(t.buf, uint64(n))
}

// raw writes, as a field, a structure that has been written already.
func (t *thrift) raw(id int, structure []byte) {
	t.field(id, thriftStruct)
	t.buf = append(t.buf, structure...)
}
