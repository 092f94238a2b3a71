package ledger

import (
	"crypto/sha256"
	"io"
)

// printBytes is how much of a file's head, and of what lies before the sent length, is
// hashed to know the file again.
const printBytes = 4096

// A Print is a fingerprint of some bytes of a file.
type Print struct {
	Len int `json:"len"`          // how many bytes it is of
	Sum ID  `json:"sum,omitzero"` // the first 16 bytes of their SHA-256
}

// HeadPrint is the fingerprint of the first bytes of a file of the given size.
func HeadPrint(r io.ReaderAt, size int64) (Print, error) {
	return printAt(r, 0, int(min(size, printBytes)))
}

// TailPrint is the fingerprint of the last bytes before end.
func TailPrint(r io.ReaderAt, end int64) (Print, error) {
	n := min(end, printBytes)
	return printAt(r, end-n, int(n))
}

func printAt(r io.ReaderAt, off int64, n int) (Print, error) {
	if n == 0 {
		return Print{}, nil
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, off); err != nil {
		return Print{}, err
	}
	sum := sha256.Sum256(b)
	return Print{Len: n, Sum: ID(sum[:16])}, nil
}

// matches tells whether the bytes of r that end at end are those of p.
func (p Print) matches(r io.ReaderAt, end int64) (bool, error) {
	if end < int64(p.Len) {
		return false, nil
	}
	got, err := printAt(r, end-int64(p.Len), p.Len)
	if err == io.EOF {
		return false, nil
	}
	return got == p, err
}
