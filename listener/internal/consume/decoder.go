package consume

import "encoding/binary"

// A decoder takes values off bytes. Once they end too early all values are zero and bad is
// set.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad, d.b = true, nil
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) int8() int8 {
	if b := d.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (d *decoder) int16() int16 {
	if b := d.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (d *decoder) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads the length of an array whose elements take at least size bytes each, so that
// what is left bounds it. A null array is empty.
func (d *decoder) count(size int) int {
	n := int(d.int32())
	if n > len(d.b)/size {
		d.bad, d.b = true, nil
		return 0
	}
	return max(n, 0)
}

func (d *decoder) string() string { return string(d.take(int(d.int16()))) }

// bytes reads bytes with their length in front; null tells that there are none.
func (d *decoder) bytes() (b []byte, null bool) {
	n := d.int32()
	if n < 0 {
		return nil, !d.bad
	}
	return d.take(int(n)), false
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// varbytes is bytes with a length of variable size.
func (d *decoder) varbytes() (b []byte, null bool) {
	n := d.varint()
	if n < 0 {
		return nil, !d.bad
	}
	if n > int64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil, false
	}
	return d.take(int(n)), false
}
