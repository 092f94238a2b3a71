package parquet

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// written returns a file of groups row groups of rows rows.
func written(t testing.TB, rows, groups int) []byte {
	t.Helper()
	var file bytes.Buffer
	schema := made(1, func(int) (int32, int64, float32, string) { return 0, 0, 0, "" }).Schema
	f := NewFile(&file, schema, "test")
	e := NewEncoder(schema, Snappy)
	for range groups {
		g, err := e.Encode(made(rows, func(i int) (int32, int64, float32, string) { return int32(i), 1, 2, "x" }))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Add(g); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func count(file []byte) (int64, error) { return CountRows(bytes.NewReader(file), int64(len(file))) }

func TestCountRows(t *testing.T) {
	for _, groups := range []int{0, 1, 20} {
		if n, err := count(written(t, 300, groups)); err != nil || n != int64(300*groups) {
			t.Errorf("%d row groups of 300: got %d, %v", groups, n, err)
		}
	}
	type row struct {
		Name  *string           `parquet:"name,optional,dict"`
		Tags  map[string]string `parquet:"tags"`
		Other []float64         `parquet:"other,list"`
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[row](&file, parquet.KeyValueMetadata("writer", "another"))
	if _, err := w.Write(make([]row, 77)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := count(file.Bytes()); err != nil || n != 77 {
		t.Errorf("a file of another writer: got %d, %v", n, err)
	}
}

func TestCountRowsOfDamaged(t *testing.T) {
	file := written(t, 10, 1)
	for n := range len(file) {
		if rows, err := count(file[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes: got %d rows", n, len(file), rows)
		}
	}
	long := append([]byte("PAR1"), make([]byte, maxFooter+100)...)
	long = append(binary.LittleEndian.AppendUint32(long, maxFooter+1), "PAR1"...)
	if _, err := count(long); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("metadata beyond the limit: %v", err)
	}
}

func FuzzFooterRows(f *testing.F) {
	for _, groups := range []int{0, 2, 17} {
		file := written(f, 3, groups)
		length := binary.LittleEndian.Uint32(file[len(file)-8:])
		f.Add(file[len(file)-8-int(length) : len(file)-8])
	}
	f.Add([]byte{0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, footer []byte) {
		if rows, err := footerRows(footer); err == nil && rows < 0 {
			t.Errorf("%d rows", rows)
		}
	})
}
