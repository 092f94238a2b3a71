package dns

import "strconv"

const (
	maxText     = 254 // bytes of a name, each label with a dot
	maxPointers = 255

	// What tshark prints in place of names.
	rootName     = "<Root>"
	longName     = "<Name too long>"
	loopName     = "<Name contains a pointer that loops>"
	extendedName = "<Unknown extended label>"

	binaryLabel = 0x41 // RFC 2673
)

// A name is the text of a name: its labels with dots between, not escaped.
type name struct {
	n    int
	text [maxText + 1]byte
}

func (n *name) bytes() []byte { return n.text[:n.n] }

func (n *name) set(s string) { n.n = copy(n.text[:], s) }

func (n *name) label(label []byte) {
	if n.n > 0 {
		n.text[n.n] = '.'
		n.n++
	}
	n.n += copy(n.text[n.n:], label)
}

// A labelCount tells how much text the labels of a name make.
type labelCount struct {
	labels      int // bytes of labels, each with a dot
	binary      int // bytes of binary labels
	binaryFirst bool
}

func (c labelCount) tooLong() bool { return c.labels+c.binary > maxText }

// pointers are those of one name.
type pointers struct {
	n    int
	mark int // a target; -1 at first
}

// loop tells of the next pointer, which ends at an offset, whether the name never ends. A
// target that is met again is met for ever (Brent's algorithm). One two bytes behind its
// pointer tshark takes for the pointer itself.
func (p *pointers) loop(target, end int) bool {
	p.n++
	if p.n > maxPointers || target == p.mark || target == end+2 {
		return true
	}
	if p.n&(p.n-1) == 0 {
		p.mark = target
	}
	return false
}

// name reads the name at an offset. It returns where the name ends, or -1 if it makes no
// sense; text, unless it is nil, is set to its text.
func (m *message) name(at int, text *name) (end int) {
	var count labelCount
	followed := pointers{mark: -1}
	if text != nil {
		text.n = 0
	}
	start := at
	end = -1
	for at < len(m.raw) {
		if m.steps--; m.steps < 0 {
			return -1
		}
		c := int(m.raw[at])
		at++
		switch {
		case c == 0:
			if end < 0 {
				end = at
			}
			return m.nameEnd(start, end, count, text)

		case c < 0x40:
			if at+c > len(m.raw) {
				return -1
			}
			count.labels += c + 1
			if text != nil && !count.tooLong() {
				text.label(m.raw[at : at+c])
			}
			at += c

		case c >= 0xc0:
			if at == len(m.raw) {
				return -1
			}
			target := c&0x3f<<8 | int(m.raw[at])
			at++
			if end < 0 {
				end = at
			}
			if followed.loop(target, at) {
				if text != nil {
					text.set(loopName)
				}
				return end
			}
			at = target

		case c == binaryLabel:
			if at = m.binaryLabel(at, &count, text); at < 0 {
				return -1
			}

		case c < 0x80:
			// The rest of the message is read from here on, even behind a pointer.
			if at <= start+1 {
				return -1
			}
			if text != nil {
				text.set(extendedName)
			}
			return at

		default:
			return -1
		}
	}
	return -1
}

// nameEnd completes the text of a name.
func (m *message) nameEnd(start, end int, count labelCount, text *name) int {
	const short = 2 // a zero, or a pointer
	switch long := count.tooLong(); {
	case !long && count.labels == 0 && end-start > short:
		return -1
	case text == nil:
	case long:
		text.set(longName)
	case text.n == 0 || text.text[0] == 0 && end-start <= short:
		text.set(rootName)
	case count.binary > 0:
		// Binary labels are printed, but not counted for the length of the text.
		if text.n = count.labels; !count.binaryFirst {
			text.n-- // there is no dot before the first label
		}
	}
	return end
}

// binaryLabel reads a binary label, of which the number of bits is at an offset. No bits at
// all, which mean 256, are taken for one byte.
func (m *message) binaryLabel(at int, count *labelCount, text *name) int {
	if at >= len(m.raw) {
		return -1
	}
	bits := int(m.raw[at])
	at++
	end := at + max(bits+7, 8)/8
	if end > len(m.raw) {
		return -1
	}
	var buf [3 + 2*32 + 5]byte
	label := append(buf[:0], `\[x`...)
	for _, b := range m.raw[at:end] {
		label = append(label, hexDigits[b>>4], hexDigits[b&15])
	}
	label = append(label, '/')
	label = strconv.AppendInt(label, int64(bits), 10)
	label = append(label, ']')
	count.binaryFirst = count.binaryFirst || count.labels == 0
	count.binary += len(label)
	if text != nil && !count.tooLong() {
		text.n += copy(text.text[text.n:], label)
	}
	return end
}
