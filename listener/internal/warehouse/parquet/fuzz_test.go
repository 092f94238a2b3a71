package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"spot-ingest/listener/internal/columns"
)

// FuzzWrite writes rows made of any bytes, whose schema and codec they say too, in two row
// groups, and reads them back.
func FuzzWrite(f *testing.F) {
	f.Add([]byte("\x00\x03\x04flow rows of a table"), uint16(40))
	f.Add([]byte("\x02\x04\x00\x00\x00\x01\x00\x00\x02\xff\xff\xff\xff\xff"), uint16(65000))
	f.Add([]byte("\x01\x02\x03\x07"), uint16(3))
	f.Add([]byte("\x03\x03\xff\xff\xff\x00\x00\x80\x7f\x00\x00\xc0\x7f"), uint16(20000))
	f.Add([]byte("0Bb10x8"), uint16(108)) // a signalling NaN
	f.Fuzz(func(t *testing.T, data []byte, n uint16) {
		if len(data) < 3 {
			return
		}
		codec := Codec(data[0]) % Codec(len(codecs))
		var schema columns.Schema
		for i := range 1 + data[1]%4 {
			kind := data[2] >> (2 * i)
			schema = append(schema, columns.Column{
				Name: fmt.Sprint("c", i), Type: columns.Type(kind % 4), Searched: data[1]>>(4+i)&1 == 1,
			})
		}
		first, second := fuzzed(schema, data[3:], int(n)), fuzzed(schema, data[2:], int(n)/3)
		check(t, write(t, schema, codec, first, second), schema, first, second)
	})
}

// fuzzed returns rows whose values are taken from data, round and round. Each time round they
// are changed a little, so that there are runs, repeats and new values.
func fuzzed(schema columns.Schema, data []byte, n int) *columns.Rows {
	rows := columns.New(schema)
	at, round := 0, byte(0)
	next := func(size int) []byte {
		b := make([]byte, size)
		for i := range b {
			if len(data) == 0 {
				break
			}
			b[i] = data[at] + round*(data[0]&1)
			if at++; at == len(data) {
				at, round = 0, round+1
			}
		}
		return b
	}
	for range n {
		for i, c := range schema {
			v := &rows.Columns[i]
			switch c.Type {
			case columns.Int32:
				v.Int32s = append(v.Int32s, int32(binary.LittleEndian.Uint32(next(4))))
			case columns.Int64:
				v.Int64s = append(v.Int64s, int64(binary.LittleEndian.Uint64(next(8))))
			case columns.Float32:
				v.Float32s = append(v.Float32s, math.Float32frombits(binary.LittleEndian.Uint32(next(4))))
			case columns.String:
				v.AddString(next(int(next(1)[0] % 100)))
			}
		}
		rows.Len++
	}
	return rows
}
