package doh

// A half is one direction of a connection.
type half struct {
	next   uint32 // sequence number of the first byte not dealt with
	acked  uint32 // the highest acknowledgement of the other side
	fin    bool
	synced bool // next lies where the state below says, not just anywhere between two frames

	pieces  []piece // segments behind a gap
	waiting int     // bytes in them

	frame    frame
	contents []content
}

// A piece is a segment that waits for those before it.
type piece struct {
	seq  uint32
	data []byte
	n    int // its length on the wire
}

// add takes n bytes at seq, of which p were captured, and those behind them that needn't wait any more.
func (t *Table) add(h *half, seq uint32, p []byte, n int, deliver func([]byte, int)) {
	if int32(seq-h.next) <= 0 {
		t.inOrder(h, seq, p, n, deliver)
	} else {
		t.hold(h, seq, p, n)
	}
	for len(h.pieces) > 0 {
		first := 0
		for i := range h.pieces {
			if int32(h.pieces[i].seq-h.pieces[first].seq) < 0 {
				first = i
			}
		}
		w := h.pieces[first]
		if int32(w.seq-h.next) > 0 {
			// What the receiver acknowledged although the capture hasn't got it won't come any more.
			lost := int32(h.acked-w.seq) >= 0
			if !lost && len(h.pieces) <= maxPieces && h.waiting <= maxAhead {
				return
			}
			t.lose(h)
			h.next = w.seq
		}
		last := len(h.pieces) - 1
		h.pieces[first], h.pieces[last] = h.pieces[last], piece{}
		h.pieces = h.pieces[:last]
		h.waiting -= len(w.data)
		t.inOrder(h, w.seq, w.data, w.n, deliver)
		t.release(w.data)
	}
}

// hold copies a segment, unless it is there already.
func (t *Table) hold(h *half, seq uint32, p []byte, n int) {
	for _, w := range h.pieces {
		if w.seq == seq && w.n >= n {
			return
		}
	}
	data := append(t.buffer(), p...)
	t.held += cap(data)
	h.waiting += len(data)
	h.pieces = append(h.pieces, piece{seq: seq, data: data, n: n})
}

// inOrder takes bytes that begin at h.next or before it.
func (t *Table) inOrder(h *half, seq uint32, p []byte, n int, deliver func([]byte, int)) {
	old := h.next - seq
	if uint64(old) >= uint64(n) {
		return // sent again
	}
	p, n = p[min(int(old), len(p)):], n-int(old)
	h.next += uint32(n)
	if !h.synced {
		if !startsFrame(p) {
			return
		}
		h.synced = true
	}
	t.frames(h, p, deliver)
	if h.synced && len(p) < n {
		t.lose(h)
	}
}

// lose gives up what h is amid of, since bytes are missing.
func (t *Table) lose(h *half) {
	if h.synced {
		t.stats.Gaps++
	}
	h.synced = false
	h.frame = frame{}
	for i := range h.contents {
		t.release(h.contents[i].data)
	}
	clear(h.contents)
	h.contents = h.contents[:0]
}

// empty releases all that h holds.
func (t *Table) empty(h *half) {
	h.synced = false // or it would count as a gap
	t.lose(h)
	for _, w := range h.pieces {
		t.release(w.data)
	}
	*h = half{}
}

// buffer returns an empty one. Who fills it counts its capacity as held, until release.
func (t *Table) buffer() []byte {
	last := len(t.spare) - 1
	if last < 0 {
		return nil
	}
	b := t.spare[last]
	t.spare = t.spare[:last]
	return b
}

func (t *Table) release(b []byte) {
	t.held -= cap(b)
	if b != nil && cap(b) <= keepSize && len(t.spare) < keepSpare {
		t.spare = append(t.spare, b[:0])
	}
}
