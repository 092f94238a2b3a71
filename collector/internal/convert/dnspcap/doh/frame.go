package doh

import (
	"encoding/binary"
	"slices"
)

const (
	frameHeader = 9
	usualFrame  = 16 << 10 // the longest payload, unless a peer allows more
)

// The types of frames that matter, and their flags (RFC 9113, section 6).
const (
	dataFrame    = 0x0
	headersFrame = 0x1
	resetFrame   = 0x3
	settings     = 0x4
	ping         = 0x6
	goAway       = 0x7
	windowUpdate = 0x8

	endStream  = 0x1
	ack        = 0x1
	endHeaders = 0x4
	padded     = 0x8
	priority   = 0x20
)

// A frame is the state within a frame. At its header's end the header is complete.
type frame struct {
	header  [frameHeader]byte
	got     int  // bytes of the header
	left    int  // bytes of the payload to come
	padding bool // the next byte tells how much padding the frame ends with
	content int  // bytes to come before the padding; they are counted in left as well
}

func (f *frame) kind() byte   { return f.header[3] }
func (f *frame) flags() byte  { return f.header[4] }
func (f *frame) id() uint32   { return binary.BigEndian.Uint32(f.header[5:]) &^ (1 << 31) }
func (f *frame) payload() int { return int(binary.BigEndian.Uint32(f.header[:]) >> 8) }

// A content is what a stream's DATA frames carried so far.
type content struct {
	id   uint32
	data []byte
	bad  bool // it is no DNS message, whatever comes
}

// frames takes the stream's next bytes.
func (t *Table) frames(h *half, p []byte, deliver func([]byte, int)) {
	f := &h.frame
	for len(p) > 0 {
		if f.got < frameHeader {
			n := copy(f.header[f.got:], p)
			p = p[n:]
			if f.got += n; f.got < frameHeader {
				return
			}
			if !f.sound() {
				t.lose(h)
				return
			}
			f.left = f.payload()
			f.content, f.padding = f.left, f.flags()&padded != 0
		}
		n := min(f.left, len(p))
		if f.kind() == dataFrame && n > 0 {
			t.collect(h, p[:n])
		}
		p = p[n:]
		if f.left -= n; f.left > 0 {
			return
		}
		if (f.kind() == dataFrame || f.kind() == headersFrame) && f.flags()&endStream != 0 {
			t.finish(h, f.id(), deliver)
		}
		f.got = 0
	}
}

// collect takes the next bytes of a DATA frame's payload.
func (t *Table) collect(h *half, p []byte) {
	f := &h.frame
	if f.padding {
		f.padding = false
		f.content -= 1 + int(p[0])
		p = p[1:]
	}
	bad := f.content < 0 // more padding than payload
	p = p[:min(len(p), max(0, f.content))]
	f.content -= len(p)
	if len(p) == 0 && !bad {
		return
	}
	c := t.content(h, f.id())
	if c.bad {
		return
	}
	if !bad && len(c.data)+len(p) <= maxContent {
		if c.data == nil {
			c.data = t.buffer()
			t.held += cap(c.data)
		}
		before := cap(c.data)
		c.data = append(c.data, p...)
		t.held += cap(c.data) - before
		bad = len(c.data) >= messageHeader && !startsMessage(c.data)
	} else {
		bad = true
	}
	if bad {
		t.release(c.data)
		c.data, c.bad = nil, true
	}
}

// content returns the one of a stream, a new one if it has none.
func (t *Table) content(h *half, id uint32) *content {
	for i := range h.contents {
		if h.contents[i].id == id {
			return &h.contents[i]
		}
	}
	if len(h.contents) == maxStreams {
		if oldest := h.contents[0]; !oldest.bad {
			t.stats.Streams++
		}
		t.drop(h, 0)
	}
	h.contents = append(h.contents, content{id: id})
	return &h.contents[len(h.contents)-1]
}

// finish ends a stream, and delivers its content if that is a message.
func (t *Table) finish(h *half, id uint32, deliver func([]byte, int)) {
	for i := range h.contents {
		if c := &h.contents[i]; c.id == id {
			if !c.bad && isMessage(c.data) {
				deliver(c.data, len(c.data))
			}
			t.drop(h, i)
			return
		}
	}
}

func (t *Table) drop(h *half, i int) {
	t.release(h.contents[i].data)
	h.contents = slices.Delete(h.contents, i, i+1)
}

// startsFrame judges whether to take up a direction at p, more strictly than a peer may: length and flags must be usual ones.
func startsFrame(p []byte) bool {
	if len(p) < frameHeader {
		return false
	}
	f := frame{header: [frameHeader]byte(p)}
	var usual byte // flags
	switch f.kind() {
	case dataFrame:
		usual = endStream | padded
	case headersFrame:
		usual = endStream | endHeaders | padded | priority
	case settings, ping:
		usual = ack
	case resetFrame, goAway, windowUpdate:
	default:
		return false // unknown, or it can't follow just any frame
	}
	return f.flags()&^usual == 0 && p[5]&0x80 == 0 && f.payload() <= usualFrame && f.sound()
}

// sound tells whether a frame's header obeys the rules for its type. Else it is no header, but found by mistake.
func (f *frame) sound() bool {
	n, ofStream := f.payload(), f.id() != 0
	switch f.kind() {
	case dataFrame, headersFrame:
		return ofStream
	case resetFrame:
		return ofStream && n == 4
	case settings:
		return !ofStream && n%6 == 0
	case ping:
		return !ofStream && n == 8
	case goAway:
		return !ofStream && n >= 8
	case windowUpdate:
		return n == 4
	}
	return true
}
