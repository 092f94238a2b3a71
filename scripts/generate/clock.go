package generate

import (
	"strconv"
	"time"
)

// A clock holds one moment, in UTC, and the text forms of its second, which are made anew
// only when the second changes: many rows share one.
type clock struct {
	unix  int64
	nanos int
	stamp []byte // 2018-03-20 09:25:11
	parts []byte // 2018,3,20,9,25,11
	frame []byte // Mar 20, 2018 09:25:11
}

func newClock(t time.Time) *clock {
	c := &clock{}
	c.render(t)
	return c
}

func (c *clock) set(t time.Time) {
	if t.Unix() != c.unix {
		c.render(t)
	}
	c.nanos = t.Nanosecond()
}

func (c *clock) render(t time.Time) {
	t = t.UTC()
	c.unix, c.nanos = t.Unix(), t.Nanosecond()
	c.stamp = t.AppendFormat(c.stamp[:0], "2006-01-02 15:04:05")
	c.parts = t.AppendFormat(c.parts[:0], "2006,1,2,")
	c.parts = strconv.AppendInt(c.parts, int64(t.Hour()), 10)
	c.parts = t.AppendFormat(c.parts, ",4,5")
	c.frame = t.AppendFormat(c.frame[:0], "Jan _2, 2006 15:04:05")
}

// appendNanos adds the nine digits of the second's fraction.
func (c *clock) appendNanos(b []byte) []byte { return appendPadded(b, c.nanos, 9) }

func appendPadded(b []byte, n, width int) []byte {
	for i := 0; i < width; i++ {
		b = append(b, '0')
	}
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }
