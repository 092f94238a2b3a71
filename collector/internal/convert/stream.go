package convert

import (
	"errors"
	"io"
)

// A Stream is a conversion at work. It is not for concurrent use: to stop it from
// elsewhere, end the context that it was opened with.
type Stream struct {
	src   source
	stage *stage
}

// A source yields the CSV of one file.
type source interface {
	io.ReadCloser
	Notes() []string
}

// Read reads CSV. It returns io.EOF only if the whole file was converted, and otherwise
// an [*Error] after the last row that can be trusted.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.src.Read(p)
	s.stage.write(p[:n])
	if errors.Is(err, io.EOF) {
		s.stage.keep()
	}
	return n, err
}

// Close ends the conversion: it kills the tool with its children if they still run, waits
// for them, and removes what was staged of an unfinished conversion.
func (s *Stream) Close() error {
	s.stage.drop()
	return s.src.Close()
}

// Passed is how many records of the file the native converter has passed over because they
// hold no row, as they should: exporters and statistics of nfcapd, packets without a DNS
// response. It is complete once Read has returned an error, and 0 for other methods.
func (s *Stream) Passed() int64 {
	if n, ok := s.src.(*nativeSource); ok {
		return n.passed()
	}
	return 0
}

// Notes tells in a few lines what should be logged as a warning, although it may have done
// no harm: what the tool printed on stderr, repeated lines folded, and whether the CSV
// could not be staged. It is complete once Read has returned an error.
func (s *Stream) Notes() []string {
	notes := s.src.Notes()
	if s.stage != nil && s.stage.err != nil {
		notes = append(notes, "the CSV was not staged: "+s.stage.err.Error())
	}
	return notes
}
