package nfcapd

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"spot-ingest/collector/internal/convert/rawfile"
)

// FuzzReader reads anything: it ends with a kind of error that is meant for it, and what
// comes out are rows.
func FuzzReader(f *testing.F) {
	for _, file := range smallFiles(2) {
		f.Add(file)
	}
	f.Add(fileV1(flagBZ2, bzip2Block()))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		var (
			text    []byte
			rows    int64
			damage  *rawfile.Damage
			unknown *rawfile.Unknown
		)
		for err == nil {
			text, err = r.Next(text[:0])
			for line := range bytes.Lines(text) {
				rows++
				if row, ended := bytes.CutSuffix(line, []byte("\n")); !ended || !isRow(string(row)) {
					t.Fatalf("row %d: %q", rows, line)
				}
			}
		}
		switch {
		case errors.As(err, &damage):
			if damage.Offset < 0 || damage.Offset > int64(len(file)) {
				t.Fatalf("%v in a file of %d bytes", err, len(file))
			}
		case r == nil && errors.As(err, &unknown):
		case r == nil || err != io.EOF:
			t.Fatalf("ends with %v", err)
		}
		if r != nil && r.Rows() != rows {
			t.Fatalf("%d rows, %d counted", rows, r.Rows())
		}
	})
}
