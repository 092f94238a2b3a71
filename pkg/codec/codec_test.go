package codec

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"
)

// record is hamba's Go form of Schema.
type record struct {
	List *[]string `avro:"list"`
}

func encode(rows ...string) []byte {
	e := NewEncoder(0, 0)
	for _, row := range rows {
		e.Append([]byte(row))
	}
	return e.Bytes()
}

func texts(t testing.TB, rows Rows) []string {
	t.Helper()
	list := []string{}
	for row := range rows.All() {
		if cap(row) != len(row) {
			t.Errorf("row %q has %d bytes to spare, which an append would overwrite", row, cap(row)-len(row))
		}
		list = append(list, string(row))
	}
	if len(list) != rows.Len() {
		t.Errorf("Len is %d, All yields %d rows", rows.Len(), len(list))
	}
	return list
}

func TestEncoder(t *testing.T) {
	long := strings.Repeat("x", 64)
	tests := []struct {
		name string
		rows []string
		want string
	}{
		{"no row", nil, "\x00\x00"},
		{"one", []string{"a"}, "\x00\x02\x02a\x00"},
		{"empty row", []string{""}, "\x00\x02\x00\x00"},
		{"lengths of one and two bytes", []string{long[:63], long}, "\x00\x04\x7e" + long[:63] + "\x80\x01" + long + "\x00"},
		{"count of two bytes", make([]string, 64), "\x00\x80\x01" + strings.Repeat("\x00", 64) + "\x00"},
		{"not ASCII", []string{"é"}, "\x00\x02\x04\xc3\xa9\x00"},
	}
	e := NewEncoder(61, 16)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e.Reset()
			for i, row := range test.rows {
				if e.Rows() != i {
					t.Errorf("Rows is %d, want %d", e.Rows(), i)
				}
				e.Bytes() // must not disturb what follows
				e.Append([]byte(row))
			}
			if got := e.Bytes(); string(got) != test.want {
				t.Errorf("Bytes\n got %x\nwant %x", got, test.want)
			}
			if e.Len() != len(test.want) {
				t.Errorf("Len is %d, want %d", e.Len(), len(test.want))
			}
			buf, start := e.Buffer()
			if start < 61 || string(buf[start:]) != test.want {
				t.Errorf("Buffer has %d bytes of headroom and the value %x", start, buf[start:])
			}
			for i := range start {
				buf[i] = 0xff
			}
			if got := e.Bytes(); string(got) != test.want {
				t.Errorf("writing into the headroom changed the value: %x", got)
			}
		})
	}
}

func TestEncoderKeepsItsBuffer(t *testing.T) {
	e := NewEncoder(100, 0)
	row := bytes.Repeat([]byte("r"), 110)
	allocs := testing.AllocsPerRun(20, func() {
		e.Reset()
		for range 1000 {
			e.Append(row)
		}
		e.Bytes()
	})
	if allocs != 0 {
		t.Errorf("%v allocations a value, want 0", allocs)
	}
}

// TestAvroAgrees reads our bytes by hamba's decoder, and hamba's by ours.
func TestAvroAgrees(t *testing.T) {
	schema, err := avro.Parse(Schema)
	if err != nil {
		t.Fatal(err)
	}
	if name := schema.(*avro.RecordSchema).FullName(); name != "list.avsc" {
		t.Errorf("the record is called %s, want list.avsc", name)
	}
	for _, rows := range [][]string{{}, {""}, {"a", "bc", ""}, make([]string, 1000), {strings.Repeat("ü", 70000), "z"}} {
		var got record
		if err := avro.Unmarshal(schema, encode(rows...), &got); err != nil {
			t.Errorf("%d rows: hamba refuses our value: %v", len(rows), err)
		} else if got.List == nil || !slices.Equal(*got.List, rows) {
			t.Errorf("%d rows: hamba reads others from our value", len(rows))
		}
		value, err := avro.Marshal(schema, record{List: &rows})
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := Decode(value)
		if err != nil {
			t.Errorf("%d rows: hamba's value is refused: %v", len(rows), err)
		} else if !slices.Equal(texts(t, decoded), rows) {
			t.Errorf("%d rows: others are read from hamba's value", len(rows))
		}
	}
	value, err := avro.Marshal(schema, record{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decode(value); !errors.Is(err, ErrNull) {
		t.Errorf("hamba's null: %v, want ErrNull", err)
	}
}

func TestDecodeLegal(t *testing.T) {
	tests := []struct {
		name, value string
		want        []string
	}{
		{"no row", "\x00\x00", []string{}},
		{"two blocks", "\x00\x02\x02a\x04\x02b\x02c\x00", []string{"a", "b", "c"}},
		{"block with its size", "\x00\x03\x08\x02a\x02b\x00", []string{"a", "b"}},
		{"sized, then not", "\x00\x01\x04\x02a\x02\x00\x00", []string{"a", ""}},
		{"padded branch, count, size, length and end", "\x80\x00\x81\x00\x86\x00\x82\x00a\x80\x00", []string{"a"}},
		{"row that isn't UTF-8", "\x00\x02\x02\xff\x00", []string{"\xff"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, err := Decode([]byte(test.value))
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(t, rows); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for range rows.All() {
				break // leaving early is allowed
			}
		})
	}
}

func TestDecodeIllegal(t *testing.T) {
	const most = "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01" // 2^63-1
	const least = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	tests := []struct {
		name, value string
		offset      int
		problem     string
	}{
		{"empty", "", 0, "the value is empty"},
		{"branch 2", "\x04\x00", 0, "union branch 2, want 0 (array) or 1 (null)"},
		{"branch -1", "\x01\x00", 0, "union branch -1, want 0 (array) or 1 (null)"},
		{"branch cut off", "\x80", 0, "the value ends within the union branch"},
		{"null and more", "\x02\x00", 1, "1 bytes after the value's end"},
		{"no block", "\x00", 1, "the value ends within the block count"},
		{"5 bytes, 100 million rows", "\x00\x80\x84\xaf\x5f", 1, "block of 100000000 rows, but 0 bytes are left"},
		{"most rows", "\x00" + most + "\x00", 1, "block of 9223372036854775807 rows, but 1 bytes are left"},
		{"least rows", "\x00" + least + "\x02\x00\x00", 1, "block of 9223372036854775808 rows, but 1 bytes are left"},
		{"count overflows", "\x00" + strings.Repeat("\xff", 10) + "\x01", 1, "the block count overflows 64 bits"},
		{"count of 11 bytes", "\x00" + strings.Repeat("\x80", 10) + "\x00", 1, "the block count overflows 64 bits"},
		{"count cut off", "\x00\x80", 1, "the value ends within the block count"},
		{"no end", "\x00\x02\x02a", 4, "the value ends within the block count"},
		{"more after the end", "\x00\x02\x02a\x00\x00", 5, "1 bytes after the value's end"},
		{"row beyond the end", "\x00\x02\x08ab\x00", 2, "row of 4 bytes, but 3 are left"},
		{"longest row", "\x00\x02" + most, 2, "row of 9223372036854775807 bytes, but 0 are left"},
		{"negative row", "\x00\x02\x01\x00", 2, "row of -1 bytes, but 1 are left"},
		{"row length cut off", "\x00\x02\x80", 2, "the value ends within the row length"},
		{"size beyond the end", "\x00\x01\x0a\x02a\x00", 2, "block of 5 bytes, but 3 are left"},
		{"negative size", "\x00\x01\x01\x02a\x00", 2, "block of -1 bytes, but 3 are left"},
		{"size missing", "\x00\x01", 2, "the value ends within the block size"},
		{"size too small", "\x00\x01\x02\x02a\x00", 3, "row of 1 bytes, but 0 are left"},
		{"size too large", "\x00\x01\x06\x02a\x00", 5, "the block ends 1 bytes before its declared end"},
		{"row length beyond the block", "\x00\x01\x02\x80\x00\x00", 3, "row of 0 bytes, but -1 are left"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rows, err := Decode([]byte(test.value))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if syntax.Offset != test.offset || syntax.Problem != test.problem {
				t.Errorf("got  %v\nwant byte %d: %s", err, test.offset, test.problem)
			}
			if rows.Len() != 0 {
				t.Errorf("%d rows with an error", rows.Len())
			}
		})
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	value := encode(make([]string, 10000)...)
	allocs := testing.AllocsPerRun(10, func() {
		rows, err := Decode(value)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for row := range rows.All() {
			n += len(row)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}
