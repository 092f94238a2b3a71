package chunk

// maxOversize is how many oversized lines are listed one by one.
const maxOversize = 100

// Stats counts what a Reader has read. Lines is the sum of Rows, Passed, Blank,
// FewFields, NoTime, BadTime and Oversized.
type Stats struct {
	Bytes     int64 // of the source, up to the last line read
	Lines     int64
	Rows      int64 // in segments, or about to be
	Passed    int64 // rows passed over since the caller asked for it
	Blank     int64 // lines of white space
	FewFields int64 // dns lines of under three fields
	NoTime    int64 // lines with no time stamp in its place: headers, trailers
	BadTime   int64 // lines whose time stamp does not exist: 31 February, an epoch that is no number
	Oversized int64 // lines longer than the limit by more than 1 MiB

	Oversize []Oversize // the first 100 of the oversized lines
}

// Oversize is a line that was too long to be held in memory.
type Oversize struct {
	Line   int64 // its number, counted from 0 where the Reader began
	Offset int64 // of its first byte, counted from there too
	Length int64 // in bytes, without the newline
}

func (s *Stats) oversized(o Oversize) {
	s.Oversized++
	if len(s.Oversize) < maxOversize {
		s.Oversize = append(s.Oversize, o)
	}
}

func (s *Stats) skipped(why verdict) {
	switch why {
	case fewFields:
		s.FewFields++
	case noTime:
		s.NoTime++
	case badTime:
		s.BadTime++
	}
}
