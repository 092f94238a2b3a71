package convert

import (
	"os"

	"golang.org/x/sys/unix"
)

// A stage keeps a copy of the CSV that streams by. It is a convenience: the first failure,
// such as a full disk, ends it and is remembered, and the conversion goes on. A nil stage
// keeps nothing.
type stage struct {
	path string
	file *os.File // nil once kept, dropped or failed
	err  error
}

func newStage(path string) *stage {
	if path == "" {
		return nil
	}
	s := &stage{path: path}
	s.file, s.err = os.OpenFile(path+".part", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	return s
}

func (s *stage) write(p []byte) {
	if s == nil || s.file == nil || len(p) == 0 {
		return
	}
	if _, err := s.file.Write(p); err != nil {
		s.fail(err)
	}
}

// keep gives the complete copy its name.
func (s *stage) keep() {
	if s == nil || s.file == nil {
		return
	}
	err := s.file.Close()
	if err == nil {
		err = os.Rename(s.path+".part", s.path)
	}
	if err != nil {
		s.fail(err)
	}
	s.file = nil
}

// drop removes an incomplete copy.
func (s *stage) drop() {
	if s == nil || s.file == nil {
		return
	}
	s.file.Close()
	os.Remove(s.path + ".part")
	s.file = nil
}

func (s *stage) fail(err error) {
	s.err = err
	s.drop()
}
