package codec

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"
)

// FuzzDecode: no bytes make Decode panic or return more than they hold, and what it
// accepts hamba reads alike.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "\x00\x00", "\x02", "\x00\x02\x02a\x00", "\x00\x03\x08\x02a\x02b\x00",
		"\x00\x02\x02a\x04\x02b\x02c\x00", "\x00\x80\x84\xaf\x5f", "\x80\x00\x81\x00\x86\x00\x82\x00a\x80\x00"} {
		f.Add([]byte(seed))
	}
	schema := avro.MustParse(Schema)
	f.Fuzz(func(t *testing.T, value []byte) {
		rows, err := Decode(value)
		if err != nil {
			var syntax *SyntaxError
			if !errors.Is(err, ErrNull) && (!errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(value)) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		got := texts(t, rows)
		held := 0
		for _, row := range got {
			held += len(row) + 1
		}
		if held > len(value) {
			t.Fatalf("rows of %d bytes from a value of %d", held, len(value))
		}
		// hamba reads the branch as an int and refuses one that is padded to more
		// than 5 bytes; a plain branch must do.
		blocks := value[len(value)-len(rows.blocks):]
		var want record
		if err := avro.Unmarshal(schema, append([]byte{branchArray}, blocks...), &want); err != nil {
			t.Fatalf("hamba refuses it: %v", err)
		}
		if want.List == nil || !slices.Equal(got, *want.List) {
			t.Fatalf("got %q, hamba reads %q", got, want.List)
		}
	})
}

// FuzzRoundTrip: what is appended is decoded.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a\nb\n\nc", uint8(0))
	f.Add("", uint8(61))
	f.Add(strings.Repeat("x\n", 200)+strings.Repeat("y", 9000), uint8(1))
	f.Fuzz(func(t *testing.T, text string, headroom uint8) {
		want := strings.Split(text, "\n")
		e := NewEncoder(int(headroom), 0)
		for _, row := range want {
			e.Append([]byte(row))
		}
		value := e.Bytes()
		if e.Len() != len(value) || e.Rows() != len(want) {
			t.Fatalf("Len %d, Rows %d for %d bytes, %d rows", e.Len(), e.Rows(), len(value), len(want))
		}
		rows, err := Decode(bytes.Clone(value))
		if err != nil {
			t.Fatal(err)
		}
		if got := texts(t, rows); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
