package capture

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip" // half as fast again as the standard library's on captures

	"spot-ingest/collector/internal/convert/rawfile"
)

// window is how much of a capture is in memory. A packet is handed out as a part of it,
// so it holds the largest one that is allowed, and its block's options.
const window = 512 << 10

// A source is the bytes of a capture, unpacked if they come gzip'd.
type source struct {
	*bufio.Reader
	offset int64 // of what Peek shows next
	gzip   bool
	file   file
}

// A file remembers whether reading it failed, which a decompressor's error doesn't tell
// apart from bad data.
type file struct {
	src io.Reader
	err error
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

func newSource(src io.Reader) (*source, error) {
	s := &source{file: file{src: src}}
	packed := bufio.NewReaderSize(&s.file, 64<<10)
	magic, err := packed.Peek(2)
	if err != nil && err != io.EOF {
		return nil, s.short(err, "its first 2 bytes")
	}
	if string(magic) != "\x1f\x8b" {
		s.Reader = bufio.NewReaderSize(packed, window)
		return s, nil
	}
	s.gzip = true
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, s.short(err, "its gzip header")
	}
	s.Reader = bufio.NewReaderSize(unpacked, window)
	return s, nil
}

// advance goes past n bytes, which Peek has shown.
func (s *source) advance(n int) {
	s.Discard(n)
	s.offset += int64(n)
}

// short is what to say of err, which came from reading on within a part of the capture.
func (s *source) short(err error, part string) error {
	switch {
	case s.file.err != nil:
		return fmt.Errorf("read capture: %w", s.file.err)
	case err == io.EOF:
		return s.damage("the file ends within " + part)
	case s.gzip && err == io.ErrUnexpectedEOF:
		return s.damage("the gzip'd file ends within " + part)
	case s.gzip:
		return s.damage("unpacking " + part + ": " + err.Error())
	}
	return fmt.Errorf("read capture: %w", err)
}

// damage is the error of a capture that makes no sense where the source stands.
func (s *source) damage(what string) error {
	if s.gzip {
		what += " (counted in the unpacked data)"
	}
	return &rawfile.Damage{Offset: s.offset, What: what}
}
