package columns

import (
	"slices"
	"testing"
)

var schema = Schema{{"a", Int32, false}, {"b", Int64, false}, {"c", Float32, false}, {"d", String, true}}

func add(r *Rows, n int, s string) {
	r.Columns[0].Int32s = append(r.Columns[0].Int32s, int32(n))
	r.Columns[1].Int64s = append(r.Columns[1].Int64s, int64(n))
	r.Columns[2].Float32s = append(r.Columns[2].Float32s, float32(n))
	r.Columns[3].AddString([]byte(s))
	r.Len++
}

func strings(r *Rows) []string {
	var all []string
	for i := range r.Len {
		all = append(all, string(r.Columns[3].String(i)))
	}
	return all
}

func TestRows(t *testing.T) {
	r, more := New(schema), New(schema)
	add(r, 1, "one")
	add(r, 2, "")
	add(more, 3, "three")
	add(more, 4, "four")
	r.Append(more)
	r.Append(New(schema))
	more.Reset()
	add(more, 9, "nine") // which must not show in r
	if want := []string{"one", "", "three", "four"}; r.Len != 4 || !slices.Equal(strings(r), want) {
		t.Errorf("%d rows, strings %q, want %q", r.Len, strings(r), want)
	}
	if got := r.Columns[0].Int32s; !slices.Equal(got, []int32{1, 2, 3, 4}) {
		t.Errorf("int32: %v", got)
	}
	if got := r.Columns[1].Int64s; !slices.Equal(got, []int64{1, 2, 3, 4}) {
		t.Errorf("int64: %v", got)
	}
	if got := r.Columns[2].Float32s; !slices.Equal(got, []float32{1, 2, 3, 4}) {
		t.Errorf("float32: %v", got)
	}
	if got, want := r.Size(), 4*(4+8+4+4)+len("onethreefour"); got != want || r.Memory() < want {
		t.Errorf("size %d of %d, want %d", got, r.Memory(), want)
	}
	memory := r.Memory()
	r.Reset()
	if r.Len != 0 || r.Size() != 0 || r.Memory() != memory {
		t.Errorf("after Reset: %d rows, size %d, memory %d, before %d", r.Len, r.Size(), r.Memory(), memory)
	}
}
