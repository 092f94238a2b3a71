package convert

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxDistinct  = 20  // different lines that are told apart
	maxComplaint = 300 // bytes of a line that are kept
	maxBrief     = 5   // lines that are shown
)

// complaints folds what a tool says on stderr. nfdump can say the same thing thousands of
// times about a healthy file, with another record's number each time; memory is bounded
// whatever comes.
type complaints struct {
	known   map[string]int // line without its numbers → its index in lines
	lines   []complaint
	others  int64 // lines beyond maxDistinct different ones
	last    string
	serious int64
}

type complaint struct {
	text   string // as it first came
	varied bool   // later ones had other numbers
	count  int64
	weight weight
}

// A weight says what a line on stderr means.
type weight int

const (
	serious  weight = iota // rows may be missing, as far as we know
	harmless               // about records that hold no row
	idle                   // not about the file at all, so not worth a word
)

// read takes lines until r ends or fails. Of a line it looks at the first maxComplaint bytes.
func (c *complaints) read(r io.Reader, weigh func(line []byte) weight) {
	br := bufio.NewReaderSize(r, 4096)
	for {
		line, err := br.ReadSlice('\n')
		if len(line) > maxComplaint {
			line = line[:maxComplaint]
		}
		c.add(bytes.TrimSpace(line), weigh)
		for err == bufio.ErrBufferFull {
			_, err = br.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

// add takes a line of at most maxComplaint bytes.
func (c *complaints) add(line []byte, weigh func([]byte) weight) {
	if len(line) == 0 {
		return
	}
	w := weigh(line)
	switch w {
	case idle:
		return
	case serious:
		c.serious++
	}
	var buf [maxComplaint]byte
	key := withoutNumbers(buf[:0], line)
	if i, ok := c.known[string(key)]; ok {
		l := &c.lines[i]
		l.count++
		l.weight = min(l.weight, w)
		l.varied = l.varied || l.text != string(line)
		return
	}
	text := string(line)
	if len(c.lines) == maxDistinct {
		c.others++
		c.last = text
		return
	}
	if c.known == nil {
		c.known = map[string]int{}
	}
	c.known[string(key)] = len(c.lines)
	c.lines = append(c.lines, complaint{text: text, count: 1, weight: w})
}

// withoutNumbers appends line to dst with each run of digits as a single 0.
func withoutNumbers(dst, line []byte) []byte {
	inNumber := false
	for _, b := range line {
		isDigit := b >= '0' && b <= '9'
		switch {
		case !isDigit:
			dst = append(dst, b)
		case !inNumber:
			dst = append(dst, '0')
		}
		inNumber = isDigit
	}
	return dst
}

// brief tells what was said in at most maxBrief lines and a closing one, serious ones first.
func (c *complaints) brief() []string {
	var brief []string
	left := c.others
	for _, w := range []weight{serious, harmless} {
		for _, l := range c.lines {
			switch {
			case l.weight != w:
			case len(brief) == maxBrief:
				left += l.count
			case l.varied:
				brief = append(brief, fmt.Sprintf("%s (%s times, with various numbers)", l.text, thousands(l.count)))
			case l.count > 1:
				brief = append(brief, fmt.Sprintf("%s (%s times)", l.text, thousands(l.count)))
			default:
				brief = append(brief, l.text)
			}
		}
	}
	switch {
	case c.last != "":
		brief = append(brief, fmt.Sprintf("and %s more lines, the last: %s", thousands(left), c.last))
	case left > 0:
		brief = append(brief, fmt.Sprintf("and %s more lines", thousands(left)))
	}
	for i := range brief {
		brief[i] = strings.ToValidUTF8(brief[i], "\ufffd")
	}
	return brief
}

// thousands writes n as 12,345,678.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
