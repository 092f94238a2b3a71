package capture

import (
	"fmt"
	"math/bits"
)

// An iface is an interface that a section of pcapng describes.
type iface struct {
	link  LinkType
	most  uint32 // bytes captured of a packet, 0 for all
	clock clock
}

// The options of an interface that matter.
const (
	endOfOptions   = 0
	timeResolution = 9
	timeOffset     = 14
)

// addInterface reads the body of an interface description block.
func (r *Reader) addInterface(body []byte) (wrong string) {
	if len(body) < 8 {
		return fmt.Sprintf("an interface's block of %d bytes, less than any has", len(body)+blockOverhead)
	}
	if len(r.interfaces) == maxInterfaces {
		return fmt.Sprintf("a section with more than %d interfaces", maxInterfaces)
	}
	i := iface{link: LinkType(r.u16(body)), most: r.u32(body[4:])}
	i.clock.setResolution(6) // unless an option tells another
	for options := body[8:]; len(options) >= 4; {
		code, size := r.u16(options), int(r.u16(options[2:]))
		if code == endOfOptions {
			break
		}
		options = options[4:]
		padded := (size + 3) &^ 3
		if padded > len(options) {
			return fmt.Sprintf("an interface's option of %d bytes, where %d are left", size, len(options))
		}
		switch {
		case code == timeResolution && size == 1:
			i.clock.setResolution(options[0])
		case code == timeOffset && size == 8:
			i.clock.offset = int64(r.u64(options))
		}
		options = options[padded:]
	}
	r.interfaces = append(r.interfaces, i)
	return ""
}

// A clock turns an interface's ticks into time.
type clock struct {
	perSecond uint64 // 0 if that is more than a uint64 holds
	offset    int64  // seconds to be added
}

// setResolution takes an if_tsresol: 10^-n, or with the top bit 2^-n.
func (c *clock) setResolution(r byte) {
	c.perSecond = 0
	switch n := r & 0x7f; {
	case r&0x80 != 0 && n < 64:
		c.perSecond = 1 << n
	case r&0x80 == 0 && n < 20:
		c.perSecond = 1
		for range n {
			c.perSecond *= 10
		}
	}
}

// time is that of a number of ticks since 1970. What is finer than a nanosecond is cut
// off. Where ticks are so fine that they never make a second they can't tell the date:
// that leaves the offset. Seconds beyond an int64 wrap around.
func (c *clock) time(ticks uint64) (seconds int64, nanos int32) {
	if c.perSecond == 0 {
		return c.offset, 0
	}
	whole, rest := ticks/c.perSecond, ticks%c.perSecond
	high, low := bits.Mul64(rest, 1e9)
	fraction, _ := bits.Div64(high, low, c.perSecond)
	return int64(whole) + c.offset, int32(fraction)
}
