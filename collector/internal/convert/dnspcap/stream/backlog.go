package stream

import (
	"encoding/binary"
	"slices"
)

const (
	minBuffer = 1 << 10  // bytes of a new backlog's buffer; it doubles as needed
	keepSpare = 128      // backlogs kept for reuse
	keepSize  = 16 << 10 // and the largest buffer that is worth keeping
)

// A backlog holds bytes of a stream that wait for others. Offsets count from the half's next.
type backlog struct {
	buf   []byte // a span's bytes stand at its offset
	spans []span // sorted, disjoint
	old   []span // room for the spans before the present pass
}

// A span is a range of bytes that arrived: waiting in the buffer, or done, which is delivered or passed over, with a
// message beginning at its end.
type span struct {
	from, to int
	done     bool
}

// waiting returns the half's backlog, a new one if it has none.
func (t *Table) waiting(h *half) *backlog {
	if h.wait == nil {
		if n := len(t.free); n > 0 {
			h.wait, t.free = t.free[n-1], t.free[:n-1]
		} else {
			h.wait = &backlog{buf: make([]byte, minBuffer)}
		}
		t.held += len(h.wait.buf)
	}
	return h.wait
}

func (t *Table) release(h *half) {
	w := h.wait
	h.wait = nil
	t.held -= len(w.buf)
	w.spans = w.spans[:0]
	if len(t.free) < keepSpare && len(w.buf) <= keepSize {
		t.free = append(t.free, w)
	}
}

// hold copies to the backlog those bytes of p, at offset off, that aren't there yet.
func (t *Table) hold(h *half, off int, p []byte) {
	w := t.waiting(h)
	end := off + len(p)
	if size := len(w.buf); size < end {
		for size < end {
			size = min(2*size, maxWaiting)
		}
		t.held += size - len(w.buf)
		w.buf = append(make([]byte, 0, size), w.buf...)[:size]
	}
	for i, at := 0, off; at < end; i++ {
		if i < len(w.spans) && w.spans[i].to <= at {
			continue
		}
		stop := end
		if i < len(w.spans) {
			stop = min(end, w.spans[i].from)
		}
		if at < stop {
			copy(w.buf[at:stop], p[at-off:])
			w.spans = slices.Insert(w.spans, i, span{from: at, to: stop})
		}
		at = w.spans[i].to
	}
}

// holdCut takes n bytes at offset off of which only the first, p, were captured. They can't complete a message, so what is
// there is delivered if it is clear where messages begin, and else passed over.
func (t *Table) holdCut(h *half, off int, p []byte, n int, deliver func([]byte, int)) {
	w := t.waiting(h)
	run := 0
	if len(w.spans) > 0 && w.spans[0].from == 0 {
		run = runEnd(w.spans, 0)
	}
	if off+n <= run {
		return
	}
	if h.synced && off <= run && w.vacant(run, off+n) {
		t.hold(h, off, p)
		end := t.splitCut(w.buf[:max(run, off+len(p))], deliver)
		t.advance(h, max(end, off+n))
		h.synced = end >= off+n
		return
	}
	if whole, ok := chain(p, n); ok && whole > 0 && w.vacant(off, off+n) {
		w.finish(off, off+t.splitCut(p, deliver))
		return
	}
	t.stats.Skipped += uint64(n)
}

// finish marks a range as done. Nothing waits at its beginning, but what waits in the rest of it goes.
func (w *backlog) finish(from, to int) {
	i := 0
	for i < len(w.spans) && w.spans[i].from < from {
		i++
	}
	j := i
	for j < len(w.spans) && w.spans[j].to <= to {
		j++
	}
	if j < len(w.spans) {
		w.spans[j].from = max(w.spans[j].from, to)
	}
	w.spans = slices.Replace(w.spans, i, j, span{from: from, to: to, done: true})
}

// vacant says whether nothing of the range has arrived.
func (w *backlog) vacant(from, to int) bool {
	for _, s := range w.spans {
		if s.from < to && from < s.to {
			return false
		}
	}
	return true
}

// expected returns where the message that the backlog begins with will end, 0 if that isn't known.
func (w *backlog) expected(synced bool) int {
	if !synced || len(w.spans) == 0 || w.spans[0].from > 0 || w.spans[0].done || w.spans[0].to < 2 {
		return 0
	}
	return 2 + int(binary.BigEndian.Uint16(w.buf))
}

// captured returns how many of the first n bytes wait in the buffer.
func (w *backlog) captured(n int) (sum int) {
	for _, s := range w.spans {
		if !s.done && s.from < n {
			sum += min(s.to, n) - s.from
		}
	}
	return sum
}

// runEnd returns where the waiting bytes that follow spans[i] without a gap end.
func runEnd(spans []span, i int) int {
	end := spans[i].to
	for _, s := range spans[i+1:] {
		if s.done || s.from != end {
			break
		}
		end = s.to
	}
	return end
}

// advance moves the half past its first n bytes.
func (t *Table) advance(h *half, n int) {
	w := h.wait
	h.next += uint32(n)
	end := 0 // of what the buffer holds
	kept := w.spans[:0]
	for _, s := range w.spans {
		if s.to <= n {
			continue
		}
		if !s.done {
			end = s.to
		}
		kept = append(kept, span{from: max(0, s.from-n), to: s.to - n, done: s.done})
	}
	w.spans = kept
	if len(kept) == 0 {
		t.release(h)
	} else if end > n {
		copy(w.buf, w.buf[n:end])
	}
}
